//! A person's desk: the browser that a client opens, and the clicks in it.

use std::{fs, path::Path, process::Command, sync::mpsc, thread, time::Duration};

use anyhow::{Context as _, Result, ensure};

use super::Stage;
use crate::Browser;

/// How long a client may take to open the browser.
const PATIENCE: Duration = Duration::from_secs(90);

/// What the person does at the sign-in page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Signs in as whom the client suggests, or else as alice.
    SignIn,
    /// Goes away.
    Cancel,
}

/// Where a client leaves the address that it wants to be opened.
#[derive(Debug)]
pub struct Desk<'a> {
    stage: &'a Stage,
}

impl<'a> Desk<'a> {
    /// A desk on which the program of that name opens addresses: a script that tells us what Chromium is to open.
    ///
    /// # Errors
    /// When the script cannot be written.
    pub fn new(stage: &'a Stage, opener: &str) -> Result<Self> {
        let pipe = stage.sandbox.home().join("address");
        if !pipe.exists() {
            ensure!(Command::new("mkfifo").arg(&pipe).status()?.success(), "mkfifo");
        }
        stage.script(opener, &format!("#!/bin/sh\nprintf %s \"$1\" > '{}'\n", pipe.display()))?;
        Ok(Self { stage })
    }

    /// Waits for an address, opens it, makes the person's choice, and waits for the page to say these words.
    ///
    /// # Errors
    /// When no address comes, or the page says something else.
    pub fn serve(&self, choice: Choice, words: &str) -> Result<()> {
        let address = self.address()?;
        let browser = Browser::start(self.stage.sandbox.home())?;
        browser.open(&address)?;
        browser.text_with("alice")?;
        browser.click(match choice {
            Choice::SignIn => "button.main",
            Choice::Cancel => "button[value=cancel]",
        })?;
        browser.text_with(words)?;
        Ok(())
    }

    fn address(&self) -> Result<String> {
        let pipe = self.pipe();
        let (to, address) = mpsc::channel();
        thread::spawn(move || to.send(fs::read_to_string(pipe)));
        address.recv_timeout(PATIENCE).context("no browser was opened")?.context("no address")
    }

    fn pipe(&self) -> std::path::PathBuf {
        Path::new(self.stage.sandbox.home()).join("address")
    }
}
