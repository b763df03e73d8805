//! The person at the screen, by a script.

use std::io;

use valetkey_cli::{Person, Shown};
use valetkey_protocol::{ExposeSecret as _, SecretString};

/// A screen that was looked at.
struct Seen;

impl Shown for Seen {
    fn until_a_key(self: Box<Self>) -> io::Result<()> {
        Ok(())
    }
}

/// A person who does as told.
#[derive(Default)]
pub(crate) struct Scripted {
    pub(super) browser: bool,
    pub(super) terminal: bool,
    pub(super) passphrase: Option<String>,
    pub(super) opened: Vec<String>,
}

impl Person for Scripted {
    fn open_browser(&mut self, url: &str) -> bool {
        if self.browser {
            self.opened.push(url.to_owned());
        }
        self.browser
    }

    fn has_terminal(&self) -> bool {
        self.terminal
    }

    fn show_secret(&mut self, heading: &str, secret: &SecretString) -> io::Result<Box<dyn Shown>> {
        self.opened.push(format!("a screen with {heading} {}", secret.expose_secret()));
        Ok(Box::new(Seen))
    }

    fn passphrase(&mut self, _prompt: &str) -> io::Result<SecretString> {
        self.passphrase
            .clone()
            .map(SecretString::from)
            .ok_or_else(|| io::Error::other("there is no terminal"))
    }

    fn secret(&mut self, prompt: &str) -> io::Result<SecretString> {
        self.passphrase(prompt)
    }
}
