//! A person with a browser at the provider's own pages.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::Stdio,
    time::Instant,
};

use anyhow::{Context as _, Result};

use crate::{Browser, Ran, Sandbox, sign_in_with_device_code};

/// Who types.
#[derive(Debug)]
pub struct Person {
    browser: Browser,
    login: String,
}

impl Person {
    /// Somebody of that name, whose browser keeps its profile in the sandbox.
    pub fn new(sandbox: &Sandbox, login: &str) -> Result<Self> {
        Ok(Self { browser: Browser::start(sandbox.home())?, login: login.to_owned() })
    }

    /// `valetkey login` with these arguments, the printed address opened in the browser. Gives what it printed, and
    /// what the browser showed last.
    pub fn sign_in(&self, sandbox: &Sandbox, more: &[&str]) -> Result<(Ran, String)> {
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
            Some(url) => {
                self.browser.open(&url)?;
                self.at_the_provider()?;
                self.browser.text_with("igned in")?
            }
            None => String::new(),
        };
        err.read_to_string(&mut printed)?;
        let mut output = login.wait_with_output()?;
        output.stderr = printed.into_bytes();
        Ok((Ran { output, took: started.elapsed() }, page))
    }

    /// `valetkey login --device-code`, the code typed at the provider's page.
    pub fn sign_in_by_code(&self, sandbox: &Sandbox, page: &str, more: &[&str]) -> Result<Ran> {
        sign_in_with_device_code(sandbox, more, |code| {
            self.browser.open(page)?;
            self.browser.type_into("input[name=user_code]", code)?;
            self.browser.click("button[form='op.deviceInputForm']")?;
            self.browser.click("button[autofocus][form='op.deviceConfirmForm']")?;
            self.at_the_provider()?;
            self.browser.text_with("Sign-in Success").map(drop)
        })
    }

    /// Name, password and consent.
    fn at_the_provider(&self) -> Result<()> {
        self.browser.type_into("input[name=login]", &self.login)?;
        self.browser.type_into("input[name=password]", "anything")?;
        self.browser.click("form:has(input[name=login]) button")?;
        self.browser.click("form:has(input[value=consent]) button")
    }
}
