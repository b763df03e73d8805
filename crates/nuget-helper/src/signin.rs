//! Signing in from a build: once, however many projects ask.

use std::time::Duration;

use valetkey_client::ClientError;
use valetkey_protocol::{Answer, Event, Flow, LoginRequest, Reason, Refusal, Request, is_clean, shown};

use crate::{
    Person,
    clerk::{Clerk, Outcome, Question, wants_a_person},
    desk::Desk,
    wire::Level,
};

/// How long somebody else's sign-in is waited for, and how often is looked: a device code lives 15 minutes.
const OTHERS: (u32, Duration) = (450, Duration::from_secs(2));

impl Clerk {
    /// Has the person sign in, and asks for the key again.
    pub(crate) fn sign_in(&mut self, question: &Question, why: &Refusal) -> Outcome {
        let organisation = question.source.organisation().unwrap_or_default().to_owned();
        if self.in_vain.contains(&organisation) {
            return self.explain(&why.sentence, &why.hint);
        }
        let outcome = match self.log_in(question, &organisation) {
            Ok(Answer::SignedIn { .. }) => {
                let answer = self.get(question, None);
                self.judge(question, answer)
            }
            Ok(Answer::Refused(refusal)) if refusal.reason == Reason::Busy => self.wait_for_others(question),
            Err(ClientError::NoAgent) => self.explain(&why.sentence, &why.hint),
            answer => self.judge(question, answer),
        };
        if !matches!(outcome, Outcome::Key(_)) {
            self.in_vain.insert(organisation);
        }
        outcome
    }

    fn log_in(&mut self, question: &Question, organisation: &str) -> Result<Answer, ClientError> {
        let flow =
            if question.may_show && self.person.has_screen() { Flow::Browser } else { Flow::DeviceCode };
        let request = Request::Login(LoginRequest {
            organisation: (!organisation.is_empty()).then(|| organisation.to_owned()),
            tenant: None,
            client_id: None,
            flow,
            fresh: false,
            account: None,
            from: None,
        });
        let mut guide = Guide { person: &mut *self.person, desk: &self.desk, organisation };
        let answer = self.agent.ask(&request, question.reach(), &mut |event| guide.lead(&event));
        self.trace.answered(&answer);
        answer
    }

    /// Another process asks the person already: looks whether that has led to something.
    fn wait_for_others(&mut self, question: &Question) -> Outcome {
        let line = "waits for the sign-in that another program has begun";
        self.person.show(&[line]);
        self.desk.log(Level::Minimal, line);
        let (times, pause) = OTHERS;
        for _ in 0..times {
            self.time.pause(pause);
            match self.get(question, None) {
                Ok(Answer::Refused(refusal)) if wants_a_person(&refusal) => {}
                answer => return self.judge(question, answer),
            }
        }
        self.explain("nobody has signed in", "run `valetkey login`")
    }
}

/// Leads a person through signing in.
struct Guide<'a> {
    person: &'a mut dyn Person,
    desk: &'a Desk,
    organisation: &'a str,
}

impl Guide<'_> {
    fn lead(&mut self, event: &Event) {
        let to = match self.organisation {
            "" => String::new(),
            organisation => format!(" to `{}`", shown(organisation)),
        };
        match event {
            Event::Browser { url } if !is_web_address(url) => {
                self.say("the agent named something that is not a web address; it is not opened", "");
            }
            Event::Browser { url } if self.person.open_browser(url) => {
                self.say(&format!("a browser has opened to sign in{to}; if none has, open"), url);
            }
            Event::Browser { url } => {
                self.say(&format!("to sign in{to}, open this in a browser on this machine:"), url);
            }
            Event::DeviceCode { user_code, verification_uri, expires_in } => {
                let (code, page, minutes) =
                    (shown(user_code), shown(verification_uri), expires_in.div_ceil(60));
                self.say(
                    &format!("to sign in{to}, open {page}"),
                    &format!("and type the code {code} (good for {minutes} minutes)"),
                );
            }
            Event::Progress { sentence } => self.person.show(&[&shown(sentence)]),
            _ => {}
        }
    }

    /// To the terminal at once, and to NuGet for whoever has no terminal. The terminal gets two short lines and an
    /// empty one: MSBuild keeps its own display on the last lines and writes the time to their right ends.
    fn say(&mut self, first: &str, second: &str) {
        self.person.show(&[first, second, ""]);
        self.desk.log(Level::Minimal, format!("{first} {second}").trim_end());
    }
}

/// Whether an address may be given to a browser and printed whole: https, or this machine.
fn is_web_address(url: &str) -> bool {
    let secure = url.starts_with("https://")
        || ["http://localhost:", "http://127.0.0.1:"].iter().any(|local| url.starts_with(local));
    secure && is_clean(url) && url.is_ascii() && !url.contains(' ')
}

#[cfg(test)]
mod tests {
    use super::is_web_address;

    #[test]
    fn only_web_addresses_reach_a_browser() {
        assert!(is_web_address("https://login.microsoftonline.com/organizations/oauth2/v2.0/authorize?a=b"));
        assert!(is_web_address("http://localhost:4711/x"));
        for url in
            ["", "file:///etc/passwd", "http://login.example/", "https://a\u{1b}[2J", "https://a b", "--help"]
        {
            assert!(!is_web_address(url), "{url}");
        }
    }
}
