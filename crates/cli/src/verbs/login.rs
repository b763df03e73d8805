//! `valetkey login`.

mod machine;

use std::{ffi::OsString, io};

use valetkey_paths::env;
use valetkey_protocol::{
    Answer, AzureCli, Event, Flow, LoginRequest, Reason, Refusal, Request, TokenSource, is_clean, shown,
};

use super::hint;
use crate::{
    agent::Start,
    args::{Lender, Login},
    duration,
    exit::Exit,
    failure::{Failure, Outcome},
    programs, setup, style,
    world::{Person, Place, Screen, World},
};

pub(super) fn run(args: Login, world: &mut World<'_>) -> Outcome {
    let organisation = args.organisation.clone();
    let from = match (args.from, args.machine) {
        (Some(Lender::Az), _) => Some(azure_cli(&world.place)?),
        (None, Some(proof)) => Some(machine::stand_for(&args, proof, world)?),
        (None, None) => None,
    };
    let through = from.as_ref().map_or_else(String::new, |from| format!(", through {from}"));
    let request = Request::Login(LoginRequest {
        organisation: args.organisation,
        tenant: args.tenant.or_else(|| args.machine.and_then(|_| machine::tenant(&world.place))),
        client_id: args.client_id,
        flow: if args.device_code { Flow::DeviceCode } else { Flow::Browser },
        fresh: args.fresh,
        account: args.account,
        from,
    });
    let mut stage = Stage { err: world.err, person: world.person, screen: world.place.screen };
    let org = organisation.as_deref().unwrap_or("<organisation>");
    let answer = world.agent.ask(&request, Start::OnDemand, &mut |event| {
        // A sign-in goes on in the browser even where nobody reads standard error.
        let _ = stage.show(event, org);
    })?;
    match answer {
        Answer::SignedIn { account, tenant, organisations, silent } => {
            let again = if silent { "still signed in" } else { "signed in" };
            writeln!(world.out, "{again} as {} (tenant {}){through}", shown(&account), shown(&tenant))?;
            if organisations.is_empty() {
                hint(world, "name an organisation to get keys for it: `valetkey login <organisation>`")?;
            } else {
                writeln!(world.out, "keys can be made for {}", shown(&organisations.join(", ")))?;
            }
            next_step(world)?;
            Ok(Exit::Done)
        }
        Answer::Refused(refusal) => Err(explain(refusal, org)),
        other => Err(Failure::unexpected(other)),
    }
}

fn next_step(world: &mut World<'_>) -> io::Result<()> {
    match setup::is_set_up(&world.git) {
        Ok(false) => hint(world, "run `valetkey setup git` so that git asks for keys by itself"),
        // Without git there is nothing to set up, and signing in has worked.
        Ok(true) | Err(_) => Ok(()),
    }
}

/// The Azure CLI that the person's own shell would run, and what tells it where its sign-ins are.
fn azure_cli(place: &Place) -> Result<TokenSource, Failure> {
    let names = if cfg!(windows) { &["az.cmd", "az.exe"][..] } else { &["az"] };
    let found =
        names.iter().find_map(|name| programs::find_file(name, place.path().map(OsString::as_os_str)));
    let program = found.ok_or_else(|| Failure::Failed {
        sentence: "the Azure CLI (`az`) is not on the PATH".to_owned(),
        hints: vec!["install it and run `az login`, then this again".to_owned()],
    })?;
    let text = |value: &OsString| value.to_str().map(str::to_owned);
    let program = text(&program.into_os_string()).ok_or_else(|| {
        Failure::failed("the path of the Azure CLI is not Unicode", "install it under another path")
    })?;
    let said = |variable| place.environment.get(variable).and_then(text);
    Ok(TokenSource::AzureCli(AzureCli {
        program,
        config_dir: said(env::AZURE_CONFIG_DIR),
        ca_bundle: said(env::REQUESTS_CA_BUNDLE),
    }))
}

fn explain(refusal: Refusal, org: &str) -> Failure {
    match refusal.reason {
        Reason::ClientIdMissing => Failure::Failed {
            sentence: refusal.sentence,
            hints: vec![
                "to register the application yourself, once for everybody: `valetkey setup entra` has the steps"
                    .to_owned(),
                "to have it registered: `valetkey setup entra --for-admin` is the text to send to an administrator"
                    .to_owned(),
                format!(
                    "where it is registered and not consented to, an administrator opens `{}`",
                    setup::ADMIN_CONSENT
                ),
                format!("then `valetkey login {org} --client-id <client id>` signs in through it"),
                format!(
                    "without any registration: `az login`, then `valetkey login {org} --from az` goes by the Azure CLI"
                ),
            ],
        },
        _ => Failure::Refused(refusal),
    }
}

/// Where the steps of a sign-in are shown.
struct Stage<'a> {
    err: &'a mut dyn io::Write,
    person: &'a mut dyn Person,
    screen: Screen,
}

impl Stage<'_> {
    fn show(&mut self, event: &Event, org: &str) -> io::Result<()> {
        match event {
            Event::Browser { url } => self.browser(url, org)?,
            Event::DeviceCode { user_code, verification_uri, expires_in } => {
                self.device_code(user_code, verification_uri, *expires_in)?;
            }
            Event::Progress { sentence } => writeln!(self.err, "{}", shown(sentence))?,
            _ => {}
        }
        self.err.flush()
    }

    fn browser(&mut self, url: &str, org: &str) -> io::Result<()> {
        if !is_web_address(url) {
            let warning = style::WARNING;
            return writeln!(
                self.err,
                "{warning}warning:{warning:#} the agent named something that is not a web address; it is not opened"
            );
        }
        let why = match self.screen {
            Screen::Here if self.person.open_browser(url) => {
                return writeln!(
                    self.err,
                    "A browser has opened: sign in there. If none has, open this address:\n\n  {url}\n"
                );
            }
            Screen::Here => "No browser could be opened",
            Screen::Remote => "This session comes over SSH, so no browser is opened",
            Screen::Absent => "There is no display, so no browser is opened",
        };
        let hint = style::HINT;
        writeln!(self.err, "{why}. A browser on this machine can sign in here:\n\n  {url}\n")?;
        writeln!(
            self.err,
            "{hint}hint:{hint:#} to sign in from another device, stop this and run `valetkey login {org} \
             --device-code`"
        )
    }

    fn device_code(&mut self, code: &str, page: &str, expires_in: u64) -> io::Result<()> {
        let strong = style::STRONG;
        writeln!(self.err, "To sign in, open this page on any device:\n\n    {}\n", shown(page))?;
        writeln!(self.err, "and type this code:\n\n    {strong}{}{strong:#}\n", shown(code))?;
        writeln!(
            self.err,
            "The code is good for {}. Never type a code that somebody sent you.",
            duration::shown(expires_in)
        )
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
        for url in [
            "",
            "file:///etc/passwd",
            "http://login.microsoftonline.com/",
            "javascript:alert(1)",
            "https://a\u{1b}[2J",
            "https://a b",
            "--help",
            "http://localhost.evil:1/",
        ] {
            assert!(!is_web_address(url), "{url}");
        }
    }
}
