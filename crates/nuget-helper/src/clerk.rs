//! Questions for a key, one after the other.

use std::{
    collections::HashSet,
    fmt,
    sync::{Arc, PoisonError, mpsc::Receiver},
    time::Duration,
};

use valetkey_client::{ClientError, Phase};
use valetkey_protocol::{
    Answer, Credential, GetRequest, Operation, Reason, Refusal, Request, shown, shown_hint,
};

use crate::{
    Ask, Person, Reach, Time,
    desk::Desk,
    given::{Given, Refused},
    operation::Above,
    reader::Lent,
    source::{Source, Whose},
    trace::Trace,
    wire::{self, Level},
};

/// How often a busy agent is asked again, and after what time.
const BUSY: (u32, Duration) = (20, Duration::from_millis(500));

/// One question for a key.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) id: String,
    /// The source as NuGet wrote it.
    pub(crate) address: String,
    pub(crate) source: Source,
    pub(crate) is_retry: bool,
    /// Whether a person may be asked to sign in.
    pub(crate) may_ask: bool,
    /// Whether a window may be opened.
    pub(crate) may_show: bool,
}

impl Question {
    pub(crate) fn reach(&self) -> Reach {
        if self.source.whose == Whose::Ours { Reach::Start } else { Reach::IfRunning }
    }
}

/// How a question ends.
pub(crate) enum Outcome {
    Key(Box<Credential>),
    /// Other providers are to be asked, and nothing is said.
    NotOurs,
    /// It is ours, and there is no key. What is to be said was said.
    Nothing,
}

/// Whoever fetches the keys.
pub(crate) struct Clerk {
    pub(crate) desk: Arc<Desk>,
    pub(crate) agent: Box<dyn Ask>,
    pub(crate) person: Box<dyn Person>,
    pub(crate) time: Box<dyn Time>,
    above: Above,
    lent: Lent,
    pub(crate) trace: Trace,
    given: Given,
    said: HashSet<String>,
    /// Organisations a person was asked to sign in to, in vain.
    pub(crate) in_vain: HashSet<String>,
}

impl fmt::Debug for Clerk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clerk").finish_non_exhaustive()
    }
}

impl Clerk {
    pub(crate) fn new(
        desk: Arc<Desk>,
        (agent, person, time): (Box<dyn Ask>, Box<dyn Person>, Box<dyn Time>),
        (above, lent): (Above, Lent),
        trace: Trace,
    ) -> Self {
        let (given, said, in_vain) = Default::default();
        Self { desk, agent, person, time, above, lent, trace, given, said, in_vain }
    }

    /// The key, where an agent that runs has it and nothing has to be weighed. What was said beside it is still to be
    /// told.
    pub(crate) fn at_once(&mut self, question: &Question) -> Option<Credential> {
        let lent = self.lent.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        if question.is_retry || lent {
            return None;
        }
        let above = &self.above;
        let credential = self.agent.ask_briefly(&mut || request(question, None, above.look()))?;
        self.trace.gave(&credential);
        let now = self.time.now();
        let host = &question.source.target.host;
        self.given.remember(&question.address, host, &credential.state, None, false, now);
        Some(credential)
    }

    /// Answers until nobody asks any more.
    pub(crate) fn serve(&mut self, questions: &Receiver<Question>) {
        for question in questions {
            let outcome = self.answer(&question);
            let payload = match &outcome {
                Outcome::Key(credential) => &wire::credential(credential),
                Outcome::NotOurs => wire::ERROR,
                Outcome::Nothing => wire::NOT_FOUND,
            };
            self.desk.close(&question.id, payload);
        }
    }

    fn answer(&mut self, question: &Question) -> Outcome {
        let host = &question.source.target.host;
        let now = self.time.now();
        let refused = if question.is_retry { self.given.refused(&question.address, host, now) } else { None };
        let (answer, wide) = self.get_after(question, refused.as_ref());
        let outcome = match answer {
            Ok(Answer::Refused(refusal)) if question.may_ask && wants_a_person(&refusal) => {
                self.sign_in(question, &refusal)
            }
            answer => self.judge(question, answer),
        };
        if let Outcome::Key(credential) = &outcome {
            self.tell(credential);
            let now = self.time.now();
            self.given.remember(&question.address, host, &credential.state, refused.as_ref(), wide, now);
        }
        outcome
    }

    /// Asks for the key that is to follow a refused one, and says whether it is one that can write.
    ///
    /// Where no process can be seen (Windows, macOS, a sandbox), nobody has said whether this is a push. A key that
    /// was refused, was found to be alive by the agent, and is refused once more at the same address, is too narrow
    /// there: a push is what a living read key is refused for. The agent's policy has the last word.
    fn get_after(
        &mut self,
        question: &Question,
        refused: Option<&Refused>,
    ) -> (Result<Answer, ClientError>, bool) {
        let state = refused.map(|refused| refused.state.clone());
        let wants_more = refused.is_some_and(|refused| refused.wide || refused.proved);
        if !wants_more || self.above.look().is_some() {
            return (self.get(question, state), false);
        }
        let answer = self.get_for(question, state.clone(), Some(Operation::Write));
        match answer {
            Ok(Answer::Refused(refusal)) if refusal.reason == Reason::OperationNotAllowed => {
                (self.get(question, state), false)
            }
            answer => (answer, true),
        }
    }

    /// Asks for the key, and again where the agent went away or has too much to do.
    pub(crate) fn get(
        &mut self,
        question: &Question,
        refused: Option<String>,
    ) -> Result<Answer, ClientError> {
        let operation = self.above.look();
        self.get_for(question, refused, operation)
    }

    fn get_for(
        &mut self,
        question: &Question,
        refused: Option<String>,
        operation: Option<Operation>,
    ) -> Result<Answer, ClientError> {
        let request = request(question, refused, operation);
        let (times, pause) = BUSY;
        let mut broken = false;
        for _ in 0..times {
            self.lend(question);
            let answer = self.agent.ask(&request, question.reach(), &mut |_| {});
            self.trace.answered(&answer);
            match answer {
                Err(ClientError::Broken(Phase::Answer)) if !broken => broken = true,
                Ok(Answer::Refused(refusal)) | Err(ClientError::Refused(refusal)) if is_passing(&refusal) => {
                    self.time.pause(pause);
                }
                answer => return answer,
            }
        }
        let sentence = "the agent has too much to do";
        Ok(Answer::Refused(Refusal::new(Reason::Busy, sentence, "try again in a minute")))
    }

    /// Hands on what NuGet shows its proxy, each time: the agent keeps it in memory only, and may be another one by now.
    fn lend(&mut self, question: &Question) {
        let lent = self.lent.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(lent) = lent {
            // The question itself shows whether the agent can be reached.
            let _ = self.agent.ask(&Request::ProxyCredentials(lent), question.reach(), &mut |_| {});
        }
    }

    /// What an answer of the agent comes to.
    pub(crate) fn judge(&mut self, question: &Question, answer: Result<Answer, ClientError>) -> Outcome {
        let built_in = question.source.whose == Whose::Ours;
        match answer {
            Ok(Answer::Credential(credential)) => Outcome::Key(Box::new(credential)),
            Ok(Answer::Refused(refusal)) if is_quiet(&refusal, built_in) => Outcome::NotOurs,
            Ok(Answer::Refused(refusal)) => self.explain(&refusal.sentence, &refusal.hint),
            _ if !built_in => Outcome::NotOurs,
            Err(error) => self.explain(&error.sentence(), &error.hint()),
            Ok(_) => self.explain(&ClientError::Garbled.sentence(), &ClientError::Garbled.hint()),
        }
    }

    /// Says what is wrong and what to do, once: NuGet asks up to four times for each source.
    pub(crate) fn explain(&mut self, sentence: &str, hint: &str) -> Outcome {
        self.say(Level::Warning, sentence, hint);
        Outcome::Nothing
    }

    /// Says what was said beside a key. That is no warning: a build that takes those for errors must not fail by what is
    /// only going to happen.
    pub(crate) fn tell(&mut self, credential: &Credential) {
        if let Some(Refusal { sentence, hint, .. }) = &credential.notice {
            self.say(Level::Minimal, sentence, hint);
        }
    }

    fn say(&mut self, level: Level, sentence: &str, hint: &str) {
        let (sentence, hint) = (shown(sentence), shown_hint(hint));
        let line = if hint.is_empty() { sentence } else { format!("{sentence}; {hint}") };
        if self.said.insert(line.clone()) {
            self.person.show(&[&line]);
            self.desk.log(level, &line);
        }
    }
}

/// NuGet comes back by itself, and says so itself: that it asks again is not for the agent to count.
fn request(question: &Question, refused: Option<String>, operation: Option<Operation>) -> Request {
    Request::Get(GetRequest {
        target: question.source.target.clone(),
        operation,
        refused,
        can_retry: false,
        challenges: Vec::new(),
        caller: None,
    })
}

/// Whether a person who signs in now would help. An organisation that is not among those of the account is none of
/// these: a nuget.config may name any.
pub(crate) fn wants_a_person(refusal: &Refusal) -> bool {
    matches!(refusal.reason, Reason::NeedsLogin | Reason::NeedsInteraction)
}

fn is_passing(refusal: &Refusal) -> bool {
    matches!(refusal.reason, Reason::Busy | Reason::ShuttingDown)
}

/// Whether NuGet's other providers are to be asked. An agent that could not look at the question has not said that a
/// host which is not built in is its own.
fn is_quiet(refusal: &Refusal, built_in: bool) -> bool {
    match refusal.reason {
        Reason::NotOurs => true,
        Reason::BadRequest
        | Reason::Busy
        | Reason::ShuttingDown
        | Reason::NotPermitted
        | Reason::VersionMismatch
        | Reason::Internal
        | Reason::Unknown => !built_in,
        _ => false,
    }
}
