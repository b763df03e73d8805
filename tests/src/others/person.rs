//! A person with a browser at the provider's own pages.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::Stdio,
    time::Instant,
};

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use crate::{Browser, Ran, Sandbox, sign_in_with_device_code};

/// Who types.
#[derive(Debug)]
pub struct Person {
    browser: Browser,
    login: String,
    _profile: TempDir,
}

impl Person {
    /// Somebody of that name, with a browser that knows nobody yet.
    pub fn new(login: &str) -> Result<Self> {
        let profile = tempfile::Builder::new().prefix("vk-browser-").tempdir()?;
        Ok(Self { browser: Browser::start(profile.path())?, login: login.to_owned(), _profile: profile })
    }

    /// `valetkey login` with these arguments, the printed address opened in the browser. Gives what it printed, and
    /// what the browser showed last.
    pub fn sign_in(&self, sandbox: &Sandbox, more: &[&str]) -> Result<(Ran, String)> {
        self.log_in(sandbox, more, || {
            self.at_the_provider()?;
            self.browser.text_with("igned in")
        })
    }

    /// The same, but the person goes away at the page for the name.
    pub fn decline(&self, sandbox: &Sandbox) -> Result<(Ran, String)> {
        self.log_in(sandbox, &[], || {
            self.browser.click("a[href$='/abort']")?;
            self.browser.text_with("igned in")
        })
    }

    /// `valetkey login --device-code`, the code typed at the provider's page.
    pub fn sign_in_by_code(&self, sandbox: &Sandbox, page: &str, more: &[&str]) -> Result<Ran> {
        sign_in_with_device_code(sandbox, more, |code| self.approve(page, code))
    }

    /// Types a code at the provider's page, and signs in there.
    pub fn approve(&self, page: &str, code: &str) -> Result<()> {
        self.type_code(page, code)?;
        self.browser.click("button[autofocus][form='op.deviceConfirmForm']")?;
        self.at_the_provider()?;
        self.browser.text_with("Sign-in Success").map(drop)
    }

    /// The same, but the person says that it was somebody else who asked for the code.
    pub fn decline_by_code(&self, sandbox: &Sandbox, page: &str) -> Result<Ran> {
        sign_in_with_device_code(sandbox, &[], |code| {
            self.type_code(page, code)?;
            self.browser.click("button[name=abort]")?;
            self.browser.text_with("interrupted").map(drop)
        })
    }

    fn type_code(&self, page: &str, code: &str) -> Result<()> {
        self.browser.open(page)?;
        self.browser.type_into("input[name=user_code]", code)?;
        self.browser.click("button[form='op.deviceInputForm']")
    }

    /// `valetkey login`, with something done in the browser once it has opened the printed address.
    fn log_in(
        &self,
        sandbox: &Sandbox,
        more: &[&str],
        at_the_page: impl FnOnce() -> Result<String>,
    ) -> Result<(Ran, String)> {
        let started = Instant::now();
        let mut command = sandbox.command("valetkey");
        // No display is set, so the command line prints the address instead of opening a browser.
        command.arg("login").args(more).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut login = command.spawn()?;
        let mut err = BufReader::new(login.stderr.take().context("no standard error")?);
        let mut printed = String::new();
        let url = loop {
            let from = printed.len();
            if err.read_line(&mut printed)? == 0 {
                break None;
            }
            let line = &printed[from..];
            if let Some(at) = line.find("https://localhost") {
                break line[at..].split_whitespace().next().map(str::to_owned);
            }
        };
        let page = match url {
            Some(url) => self.browser.open(&url).and_then(|()| at_the_page()),
            None => Ok(String::new()),
        };
        if page.is_err() {
            let _ = login.kill();
        }
        err.read_to_string(&mut printed)?;
        let mut output = login.wait_with_output()?;
        output.stderr = printed.into_bytes();
        Ok((Ran { output, took: started.elapsed() }, page?))
    }

    /// Name, password and consent.
    fn at_the_provider(&self) -> Result<()> {
        self.browser.type_into("input[name=login]", &self.login)?;
        self.browser.type_into("input[name=password]", "anything")?;
        self.browser.click("form:has(input[name=login]) button")?;
        self.browser.click("form:has(input[value=consent]) button")
    }
}
