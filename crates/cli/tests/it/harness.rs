//! One run of the program in a world of its own.

use std::{
    collections::VecDeque,
    ffi::OsString,
    fmt::Write as _,
    io,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anstream::StripStream;
use valetkey_cli::{
    Agent, Exit, Git, NoKey, Person, Place, Programs, Publishing, Screen, Shown, Start, Unreachable, World,
};
use valetkey_paths::env::Variable;
use valetkey_protocol::{Answer, Event, ExposeSecret as _, Reason, Refusal, Request, SecretString};

/// Copies a program, in another process: a file that is open for writing in this one, or in a child another test is
/// just starting, cannot be run.
pub(crate) fn copy_program(from: &Path, to: &Path) {
    let status = std::process::Command::new("cp").arg("-p").args([from, to]).status().unwrap();
    assert!(status.success(), "{} cannot be copied", from.display());
}

/// Writes a program that can be run at once.
#[cfg(unix)]
pub(crate) fn write_program(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let draft = path.with_extension("draft");
    std::fs::write(&draft, text).unwrap();
    std::fs::set_permissions(&draft, std::fs::Permissions::from_mode(0o755)).unwrap();
    copy_program(&draft, path);
    std::fs::remove_file(draft).unwrap();
}

/// The bytes of a package.
#[cfg(unix)]
pub(crate) fn nupkg(id: &str, version: &str) -> Vec<u8> {
    use std::io::Write as _;
    let mut zip = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    zip.start_file(format!("{id}.nuspec"), zip::write::SimpleFileOptions::default()).unwrap();
    write!(zip, "<package><metadata><id>{id}</id><version>{version}</version></metadata></package>").unwrap();
    zip.finish().unwrap().into_inner()
}

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

/// A run that was made.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) exit: Exit,
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) asked: Vec<String>,
    opened: Vec<String>,
    pub(crate) ran: Vec<String>,
}

impl std::fmt::Display for Made {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = format!("exit: {} ({:?})\n", self.exit.code(), self.exit);
        for asked in &self.asked {
            writeln!(text, "asked: {asked}")?;
        }
        for url in &self.opened {
            writeln!(text, "opened: {url}")?;
        }
        for ran in &self.ran {
            writeln!(text, "ran: {ran}")?;
        }
        for (name, stream) in [("stdout", &self.out), ("stderr", &self.err)] {
            if !stream.is_empty() {
                write!(text, "----- {name} -----\n{stream}")?;
            }
        }
        f.write_str(text.trim_end())
    }
}

/// An agent that answers by a script.
#[derive(Default)]
pub(crate) struct Fake {
    answers: VecDeque<Result<Answer, Unreachable>>,
    events: Vec<Event>,
    asked: Vec<String>,
    ends: bool,
}

impl Agent for Fake {
    fn ask(
        &mut self,
        request: &Request,
        start: Start,
        on_event: &mut dyn FnMut(&Event),
    ) -> Result<Answer, Unreachable> {
        self.asked.push(format!("{start:?} {}", serde_json::to_string(request).unwrap()));
        self.events.drain(..).for_each(|event| on_event(&event));
        self.answers.pop_front().unwrap_or(Err(Unreachable::NotRunning))
    }

    fn wait_until_gone(&mut self, limit: Duration) -> bool {
        self.asked.push(format!("wait at most {} s until it is gone", limit.as_secs()));
        self.ends
    }

    fn run_in_foreground(&mut self) -> io::Result<Exit> {
        Err(io::ErrorKind::NotFound.into())
    }
}

/// Programs that are written down and not run.
#[derive(Default)]
pub(crate) struct Recorder {
    ran: Vec<String>,
    exits: VecDeque<u8>,
    says: VecDeque<String>,
}

impl Recorder {
    fn note(&mut self, how: &str, command: &Command) -> Exit {
        let mut line = how.to_owned();
        for (name, value) in command.get_envs() {
            write!(line, " {}={}", name.display(), value.unwrap_or_default().display()).unwrap();
        }
        write!(line, " {}", command.get_program().display()).unwrap();
        for arg in command.get_args() {
            write!(line, " {}", arg.display()).unwrap();
        }
        self.ran.push(line);
        Exit::Other(self.exits.pop_front().unwrap_or(0))
    }
}

impl Programs for Recorder {
    fn instead(&mut self, command: &mut Command) -> io::Result<Exit> {
        Ok(self.note("instead", command))
    }

    fn feed(&mut self, command: &mut Command, secret: &SecretString) -> io::Result<Exit> {
        Ok(self.note(&format!("fed {}", secret.expose_secret()), command))
    }

    fn wait(&mut self, command: &mut Command) -> io::Result<Exit> {
        Ok(self.note("wait", command))
    }

    fn overhear(&mut self, command: &mut Command, on_line: &mut dyn FnMut(&str)) -> io::Result<Exit> {
        let exit = self.note("overhear", command);
        self.says.pop_front().unwrap_or_default().lines().for_each(on_line);
        Ok(exit)
    }
}

/// A pipeline with this key for everybody, or none.
struct Pipeline(Option<String>);

impl Publishing for Pipeline {
    fn key(&mut self, gallery: &str, profile: &str) -> Result<SecretString, NoKey> {
        self.0.as_ref().map(|key| format!("{key}-of-{profile}-at-{gallery}").into()).ok_or_else(|| NoKey {
            sentence: "this is no pipeline".to_owned(),
            hint: "leave it out".to_owned(),
        })
    }
}

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
    browser: bool,
    terminal: bool,
    passphrase: Option<String>,
    opened: Vec<String>,
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
