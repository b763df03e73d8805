//! A home of its own for one run: nothing of the person's configuration is read, nothing is left behind.

use std::{
    ffi::OsStr,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;
use valetkey_emulator::{APP_MINT, Emulator};

/// Where the counterpart services are.
#[derive(Debug, Clone)]
pub struct World {
    /// Base address of the identity provider.
    pub login: String,
    /// Base address of the PAT API.
    pub vssps: String,
    /// Base address of the git hosts.
    pub dev: String,
    /// Base address of the package feeds.
    pub pkgs: String,
    /// Base address of nuget.org.
    pub nuget: String,
    /// The certificate authority all of them were signed by.
    pub authority_pem: String,
    /// Client id of the registered application.
    pub client_id: String,
}

impl World {
    /// The addresses of an emulator, with the application that may mint.
    pub fn of(emulator: &Emulator) -> Self {
        let urls = emulator.urls();
        Self {
            login: urls.login.clone(),
            vssps: urls.vssps.clone(),
            dev: urls.dev.clone(),
            pkgs: urls.pkgs.clone(),
            nuget: urls.nuget.clone(),
            authority_pem: emulator.ca_pem().to_owned(),
            client_id: APP_MINT.to_owned(),
        }
    }
}

/// A private home with the shipped programs on its path.
#[derive(Debug)]
pub struct Sandbox {
    root: TempDir,
    programs: PathBuf,
    path: Vec<PathBuf>,
    extra: Vec<(String, String)>,
}

/// What a program did.
#[derive(Debug)]
pub struct Ran {
    /// Exit code and both streams.
    pub output: Output,
    /// How long it took.
    pub took: Duration,
}

impl Ran {
    /// Standard output as text.
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    /// Standard error as text.
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }

    /// Whether it ended with exit code 0.
    pub fn ok(&self) -> bool {
        self.output.status.success()
    }

    /// The run, if it ended well; otherwise an error that shows what it said.
    pub fn expect_ok(self, what: &str) -> Result<Self> {
        if !self.ok() {
            bail!("{what} failed ({}):\n{}{}", self.output.status, self.stdout(), self.stderr());
        }
        Ok(self)
    }
}

impl Sandbox {
    /// A fresh home. `programs` is the folder of the shipped programs, `git` the git to use.
    pub fn new(programs: &Path, git: &Path) -> Result<Self> {
        let root = tempfile::Builder::new().prefix("vk-").tempdir().context("no temporary folder")?;
        let home = root.path();
        for folder in ["run", "config/valetkey", "state", "cache", "data", "work", "tmp"] {
            fs::create_dir_all(home.join(folder))?;
        }
        for private in ["", "run", "config", "config/valetkey", "tmp"] {
            fs::set_permissions(home.join(private), fs::Permissions::from_mode(0o700))?;
        }
        let git_folder = git.parent().context("git has no folder")?.to_owned();
        let path = vec![programs.to_owned(), git_folder, "/usr/bin".into(), "/bin".into()];
        let sandbox = Self { root, programs: programs.to_owned(), path, extra: Vec::new() };
        sandbox.git_identity()?;
        Ok(sandbox)
    }

    /// Its top folder, which is also HOME.
    pub fn home(&self) -> &Path {
        self.root.path()
    }

    /// The folder work trees go to.
    pub fn work(&self) -> PathBuf {
        self.home().join("work")
    }

    /// Sets a variable for every later command.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.extra.retain(|(known, _)| known != name);
        self.extra.push((name.to_owned(), value.into()));
    }

    /// Writes the configuration that points every program at `world`, with `more` appended. Secrets stay in memory
    /// unless `more` says where else.
    pub fn configure(&mut self, world: &World, more: &str) -> Result<()> {
        let authority = self.home().join("authority.pem");
        fs::write(&authority, &world.authority_pem)?;
        let vault = if more.contains("[vault]") { "" } else { "[vault]\nstore = \"memory\"\n" };
        let text = format!(
            "[entra]\nauthority = \"{}\"\nclient-id = \"{}\"\n\n[azure-devops]\ndev = \"{}\"\npats = \"{}\"\n\
             pkgs = \"{}\"\n\n[nuget]\nnuget-org = \"{}\"\n\n[network]\nca-file = \"{}\"\n\n{vault}{more}",
            world.login,
            world.client_id,
            world.dev,
            world.vssps,
            world.pkgs,
            world.nuget,
            authority.display(),
        );
        self.write_configuration(&text)?;
        self.set("GIT_SSL_CAINFO", authority.display().to_string());
        Ok(())
    }

    /// Writes the configuration file as given.
    pub fn write_configuration(&self, text: &str) -> Result<()> {
        let file = self.home().join("config/valetkey/config.toml");
        fs::write(&file, text)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600))?;
        Ok(())
    }

    /// A command inside the sandbox: only the variables a fresh login would have.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let home = self.home();
        let mut command = Command::new(self.resolve(program.as_ref()));
        command.env_clear().current_dir(self.work()).stdin(Stdio::null());
        command.env("HOME", home).env("LANG", "C.UTF-8").env("USER", "someone").env("TERM", "dumb");
        command.env("PATH", std::env::join_paths(&self.path).unwrap_or_default());
        for (name, folder) in [
            ("XDG_RUNTIME_DIR", "run"),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_STATE_HOME", "state"),
            ("XDG_CACHE_HOME", "cache"),
            ("XDG_DATA_HOME", "data"),
            ("TMPDIR", "tmp"),
        ] {
            command.env(name, home.join(folder));
        }
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_TERMINAL_PROMPT", "0");
        command.envs(self.extra.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, mut command: Command) -> Result<Ran> {
        let started = Instant::now();
        let output =
            command.output().with_context(|| format!("cannot start {}", command.get_program().display()))?;
        Ok(Ran { output, took: started.elapsed() })
    }

    /// Runs `valetkey` with these arguments.
    pub fn valetkey(&self, args: &[&str]) -> Result<Ran> {
        let mut command = self.command("valetkey");
        command.args(args);
        self.run(command)
    }

    /// Runs git with these arguments in a folder.
    pub fn git(&self, folder: &Path, args: &[&str]) -> Result<Ran> {
        let mut command = self.command("git");
        command.current_dir(folder).args(args);
        self.run(command)
    }

    /// Leaves the home where it is, and names it.
    pub fn keep(mut self) -> PathBuf {
        self.root.disable_cleanup(true);
        self.home().to_owned()
    }

    /// The variables a shell needs to step into the sandbox, as lines to paste.
    pub fn shell_lines(&self) -> Vec<String> {
        let command = self.command("true");
        let wanted = |name: &OsStr| name != "LANG" && name != "USER" && name != "TERM";
        let vars = command.get_envs().filter(|(name, _)| wanted(name));
        vars.map(|(name, value)| {
            format!("export {}='{}'", name.display(), value.unwrap_or_default().display())
        })
        .collect()
    }

    /// Absolute paths are kept; a bare name is looked up on the sandbox's own path, not on ours.
    fn resolve(&self, program: &OsStr) -> PathBuf {
        let found = self.path.iter().map(|folder| folder.join(program)).find(|file| file.is_file());
        found.unwrap_or_else(|| PathBuf::from(program))
    }

    fn git_identity(&self) -> Result<()> {
        let global = self.home().join(".gitconfig");
        let text = "[user]\n\tname = Some One\n\temail = someone@contoso.example\n[init]\n\tdefaultBranch = main\n\
                    [advice]\n\tdetachedHead = false\n";
        fs::write(global, text).context("cannot write the sandbox's git configuration")
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let stays = !self.home().join("run/valetkey/agent.sock").exists()
            || !self.programs.join("valetkey").is_file();
        if !stays {
            let _ = self.valetkey(&["agent", "stop"]);
        }
    }
}

/// The first program of that name on the caller's PATH.
pub fn find_on_path(name: &str) -> Option<PathBuf> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the demo runs on the person's machine and looks where a shell would"
    )]
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}
