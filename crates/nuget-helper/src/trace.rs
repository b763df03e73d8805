//! `VALETKEY_TRACE=1`: the conversation on standard error, without its secrets.

use std::io::{self, Write as _};

use valetkey_client::ClientError;
use valetkey_protocol::{Answer, Credential, shown};

use crate::{
    source::Source,
    wire::{Message, Method},
};

/// Where the conversation is mirrored to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trace {
    pub(crate) on: bool,
}

impl Trace {
    pub(crate) fn note(self, text: &str) {
        if self.on {
            // Who cannot be shown a trace needs none.
            let _ = writeln!(io::stderr().lock(), "valetkey: trace: {}", shown(text));
        }
    }

    /// What NuGet said.
    pub(crate) fn received(self, message: &Message) {
        if self.on {
            let asked = match message.method {
                Method::GetAuthenticationCredentials => question(message),
                // Others are dull, or have the password of a proxy in them.
                _ => String::new(),
            };
            self.note(&format!("< {:?} {:?} {} {asked}", message.kind, message.method, message.id));
        }
    }

    /// The key that the agent gave.
    pub(crate) fn gave(self, key: &Credential) {
        if self.on {
            let Credential { key, scope, organisation, .. } = key;
            self.note(&format!("the agent gave key {key} for {scope} in {organisation}"));
        }
    }

    /// What the agent said.
    pub(crate) fn answered(self, answer: &Result<Answer, ClientError>) {
        if self.on {
            match answer {
                Ok(Answer::Credential(key)) => self.gave(key),
                Ok(Answer::Refused(refusal)) => {
                    self.note(&format!("the agent refused ({:?}): {refusal}", refusal.reason));
                }
                Ok(Answer::SignedIn { account, .. }) => self.note(&format!("signed in as {account}")),
                Ok(_) => self.note("the agent answered something else"),
                Err(error) => self.note(&format!("no answer: {error}")),
            }
        }
    }
}

/// The address as it is passed on, without a password in it, and what is said besides.
fn question(message: &Message) -> String {
    let source = message.text("Uri").and_then(Source::parse).map(|source| format!("{:?}", source.target));
    let said = ["IsRetry", "IsNonInteractive", "CanShowDialog"].map(|name| (name, message.is(name)));
    format!("{} {said:?}", source.unwrap_or_else(|| "no address of the web".to_owned()))
}
