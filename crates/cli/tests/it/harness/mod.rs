//! One run of the program in a world of its own.

mod agent;
mod files;
mod made;
mod person;
mod programs;

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
};

use anstream::StripStream;
use valetkey_cli::{Exit, Git, Place, Screen, Unreachable, World};
use valetkey_paths::env::Variable;
use valetkey_protocol::{Answer, Event, Reason, Refusal};

use agent::Fake;
pub(crate) use files::copy_program;
#[cfg(unix)]
pub(crate) use files::{nupkg, write_program};
pub(crate) use made::Made;
use person::Scripted;
use programs::{Pipeline, Recorder};

/// The moment all runs take place at.
pub(crate) const NOW: u64 = 1_800_000_000;

/// A run to be made.
pub(crate) struct Run {
    command_line: Vec<OsString>,
    agent: Fake,
    person: Scripted,
    git: Git,
    screen: Screen,
    git_helper: PathBuf,
    home: PathBuf,
    environment: Vec<(Variable, OsString)>,
    programs: Recorder,
    pipeline: Pipeline,
}

impl Run {
    /// A command line without the program's name, no agent, no git, a person with a screen.
    #[must_use]
    pub(crate) fn new(command_line: &str) -> Self {
        Self {
            command_line: ["valetkey"]
                .into_iter()
                .chain(command_line.split_whitespace())
                .map(Into::into)
                .collect(),
            agent: Fake { ends: true, ..Fake::default() },
            person: Scripted { browser: true, ..Scripted::default() },
            git: Git { program: PathBuf::from("/nonexistent/git"), environment: None },
            screen: Screen::Here,
            git_helper: PathBuf::from("/usr/bin/git-credential-valetkey"),
            home: PathBuf::from("/nonexistent"),
            environment: Vec::new(),
            programs: Recorder::default(),
            pipeline: Pipeline(None),
        }
    }

    /// The agent gives this answer to the next question that has none yet.
    #[must_use]
    pub(crate) fn answer(mut self, answer: Answer) -> Self {
        self.agent.answers.push_back(Ok(answer));
        self
    }

    /// The agent refuses the next question.
    #[must_use]
    pub(crate) fn refuse(self, reason: Reason, sentence: &str, hint: &str) -> Self {
        self.answer(Answer::Refused(Refusal::new(reason, sentence, hint)))
    }

    /// The next question reaches nobody.
    #[must_use]
    pub(crate) fn unreachable(mut self, sentence: &str, hint: &str) -> Self {
        let (sentence, hint) = (sentence.to_owned(), hint.to_owned());
        self.agent.answers.push_back(Err(Unreachable::Failed { sentence, hint }));
        self
    }

    /// Events before the next answer.
    #[must_use]
    pub(crate) fn event(mut self, event: Event) -> Self {
        self.agent.events.push(event);
        self
    }

    /// A stopping agent never ends.
    #[must_use]
    pub(crate) fn never_ends(mut self) -> Self {
        self.agent.ends = false;
        self
    }

    #[must_use]
    pub(crate) fn screen(mut self, screen: Screen) -> Self {
        self.screen = screen;
        self
    }

    /// No browser can be opened.
    #[must_use]
    pub(crate) fn no_browser(mut self) -> Self {
        self.person.browser = false;
        self
    }

    /// There is a terminal to show something on.
    #[must_use]
    pub(crate) fn terminal(mut self) -> Self {
        self.person.terminal = true;
        self
    }

    /// What the person types when asked for a passphrase.
    #[must_use]
    pub(crate) fn passphrase(mut self, text: &str) -> Self {
        self.person.passphrase = Some(text.to_owned());
        self
    }

    #[must_use]
    pub(crate) fn git(mut self, git: &Git) -> Self {
        self.git = git.clone();
        self
    }

    #[must_use]
    pub(crate) fn git_helper(mut self, path: &Path) -> Self {
        path.clone_into(&mut self.git_helper);
        self
    }

    /// A home folder, with `nuget-plugin-valetkey` in `bin` and `work` as the current folder.
    #[must_use]
    pub(crate) fn home(mut self, home: &Path) -> Self {
        home.clone_into(&mut self.home);
        self
    }

    /// The next program that is run ends with this code.
    #[must_use]
    pub(crate) fn program_exits(mut self, code: u8) -> Self {
        self.programs.exits.push_back(code);
        self
    }

    /// The next program that is overheard says this.
    #[must_use]
    pub(crate) fn program_says(mut self, text: &str) -> Self {
        self.programs.says.push_back(text.to_owned());
        self
    }

    /// It runs in a pipeline whose identity is exchanged for this key.
    #[must_use]
    pub(crate) fn pipeline(mut self, key: &str) -> Self {
        self.pipeline = Pipeline(Some(key.to_owned()));
        self
    }

    /// A variable of the environment.
    #[must_use]
    pub(crate) fn variable(mut self, variable: Variable, value: impl Into<OsString>) -> Self {
        self.environment.push((variable, value.into()));
        self
    }

    /// Makes the run and gives exit code, both streams and whatever was asked of agent and person.
    #[must_use]
    pub(crate) fn shown(self) -> String {
        self.made().to_string()
    }

    /// Makes the run into these streams.
    pub(crate) fn into(
        mut self,
        out: &mut dyn io::Write,
        err: &mut dyn io::Write,
    ) -> (Exit, Fake, Scripted, Recorder) {
        let mut world = World {
            out,
            err,
            agent: &mut self.agent,
            person: &mut self.person,
            programs: &mut self.programs,
            publishing: &mut self.pipeline,
            git: self.git,
            place: Place {
                config_file: PathBuf::from("/home/alice/.config/valetkey/config.toml"),
                git_helper: self.git_helper,
                nuget_plugin: self.home.join("bin/nuget-plugin-valetkey"),
                nuget_record: self.home.join("state/nuget-setup.json"),
                nuget_machine: self.home.join("machine"),
                folder: self.home.join("work"),
                home: self.home,
                environment: self.environment.into_iter().collect(),
                screen: self.screen,
                now: NOW,
                output_is_lost: false,
                caller: None,
            },
        };
        let exit = valetkey_cli::run(self.command_line, &mut world);
        (exit, self.agent, self.person, self.programs)
    }

    /// Makes the run.
    #[must_use]
    pub(crate) fn made(self) -> Made {
        let (mut out, mut err) = (StripStream::new(Vec::new()), StripStream::new(Vec::new()));
        let (exit, agent, person, programs) = self.into(&mut out, &mut err);
        assert!(agent.answers.is_empty(), "the agent was not asked as often as the test says");
        let text = |stream: StripStream<Vec<u8>>| String::from_utf8(stream.into_inner()).unwrap();
        Made {
            exit,
            out: text(out),
            err: text(err),
            asked: agent.asked,
            opened: person.opened,
            ran: programs.ran,
        }
    }
}
