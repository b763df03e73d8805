//! Everything that can stop a verb, and the one place that turns it into lines and an exit code.

use std::io;

use valetkey_protocol::{Answer, Reason, Refusal, shown, shown_hint, without_errno};

use crate::{agent::Unreachable, duration, exit::Exit, style};

/// How a verb ends.
pub(crate) type Outcome = Result<Exit, Failure>;

/// Why a verb ended early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The agent refused.
    Refused(Refusal),
    /// No agent could be asked.
    Unreachable(Unreachable),
    /// Something on this side went wrong.
    Failed {
        /// What: one line.
        sentence: String,
        /// What to do next, a line each.
        hints: Vec<String>,
    },
    /// Writing the output failed.
    Output(io::Error),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Unreachable> for Failure {
    fn from(unreachable: Unreachable) -> Self {
        Self::Unreachable(unreachable)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl Failure {
    /// A failure on this side.
    pub(crate) fn failed(sentence: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Failed { sentence: sentence.into(), hints: vec![hint.into()] }
    }

    /// An answer that does not belong to the question: another version, or a fault.
    pub(crate) fn unexpected(answer: Answer) -> Self {
        match answer {
            Answer::Refused(refusal) => Self::Refused(refusal),
            _ => Self::failed(
                "the agent gave an answer this program does not understand",
                "run `valetkey agent restart` so that both are of the same version",
            ),
        }
    }

    /// What a person reads of it, and the exit code.
    pub(crate) fn told(&self) -> Told {
        let (sentence, hints, exit) = match self {
            Self::Output(error) => {
                (format!("the output cannot be written: {error}"), Vec::new(), Exit::Refused)
            }
            Self::Failed { sentence, hints } => (sentence.clone(), hints.clone(), Exit::Refused),
            Self::Unreachable(unreachable) => {
                (unreachable.sentence().to_owned(), vec![unreachable.hint().to_owned()], Exit::NoAgent)
            }
            Self::Refused(refusal) => (refusal.sentence.clone(), next_steps(refusal), Exit::Refused),
        };
        let hints = hints.iter().filter(|step| !step.is_empty()).map(|step| shown_hint(step)).collect();
        Told { sentence: shown(&without_errno(&sentence)), hints, exit }
    }

    /// Writes the lines a person reads and gives the exit code. A closed pipe is no failure: the reader had enough.
    pub(crate) fn report(&self, to: &mut dyn io::Write) -> Exit {
        if matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe) {
            return Exit::Done;
        }
        let Told { sentence, hints, exit } = self.told();
        let (error, hint) = (style::ERROR, style::HINT);
        // Nobody is left to tell if standard error is gone.
        let _ = writeln!(to, "{error}error:{error:#} {sentence}");
        for step in hints {
            let _ = writeln!(to, "{hint}hint:{hint:#} {step}");
        }
        exit
    }
}

/// What a person reads of a failure.
#[derive(Debug)]
pub(crate) struct Told {
    /// What went wrong: one line.
    pub(crate) sentence: String,
    /// What to do next, a line each.
    pub(crate) hints: Vec<String>,
    /// What the program ends with.
    pub(crate) exit: Exit,
}

/// What to do about a refusal: the agent's own words first, else what its reason asks for, then how long to wait.
fn next_steps(refusal: &Refusal) -> Vec<String> {
    let mut steps = vec![if refusal.hint.is_empty() {
        usual_step(refusal.reason).to_owned()
    } else {
        refusal.hint.clone()
    }];
    // A step may say it already.
    let is_said = |seconds| refusal.hint.starts_with(&format!("wait {seconds} s,"));
    if let Some(seconds) = refusal.retry_after.filter(|seconds| *seconds > 0 && !is_said(*seconds)) {
        steps.push(format!("ask again in {}", duration::shown(seconds)));
    }
    steps
}

/// The step a reason asks for where the agent names none.
pub(crate) fn usual_step(reason: Reason) -> &'static str {
    match reason {
        Reason::NeedsLogin | Reason::NeedsInteraction | Reason::SignInAbandoned => "run `valetkey login`",
        Reason::NeedsConsent => "send your administrator the output of `valetkey setup entra --for-admin`",
        Reason::BlockedByPolicy => {
            "ask your administrator which conditional access policy blocks the sign-in"
        }
        Reason::KeyForbidden => "ask an administrator of the organisation to allow personal access tokens",
        Reason::AccessDenied => "check with `valetkey status` which account is signed in",
        Reason::OrganisationUnknown | Reason::OrganisationNotAllowed => "run `valetkey login <organisation>`",
        Reason::OperationNotAllowed | Reason::Configuration => {
            "correct the configuration file, then run `valetkey config reload`"
        }
        Reason::ClientIdMissing => "run `valetkey setup entra` to see how to register the application",
        Reason::Throttled | Reason::Unavailable | Reason::Busy | Reason::ShuttingDown => {
            "try again in a moment"
        }
        Reason::Proxy => "check `proxy` under [network] in the configuration file",
        Reason::Tls => "name your organisation's certificate authority as `ca-file` under [network]",
        Reason::Locked => "run `valetkey unlock`",
        Reason::VaultUnavailable => "run `valetkey status` to see what is wrong with the vault",
        Reason::VersionMismatch => "run `valetkey agent restart`",
        Reason::NotPermitted => "run it as the user whose agent it is",
        Reason::Internal => "run `valetkey agent restart`; if it stays, report it",
        Reason::NotOurs | Reason::BadRequest => "",
        _ => "install `valetkey` and `valetkey-agent` of the same version",
    }
}
