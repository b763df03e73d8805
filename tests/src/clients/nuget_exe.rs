//! nuget.exe on mono: the native plugin in `~/.nuget/plugins/netfx`.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};
use valetkey_demo::{Ran, Sandbox, find_on_path};

use super::{Client, Person, be_patient, folder_of, installed, sdk::write_sln};

/// nuget.exe, run by mono.
#[derive(Debug)]
pub struct NugetExe {
    mono: PathBuf,
    program: PathBuf,
}

impl Client for NugetExe {
    const NAME: &'static str = "nuget.exe, plugin in ~/.nuget/plugins/netfx";

    fn find() -> Result<Self, String> {
        let program = installed("npm/node_modules/nuget-exe/nuget-5.8.0.exe")?;
        for needed in ["mono", "cert-sync"] {
            find_on_path(needed).ok_or_else(|| format!("`{needed}` is not installed"))?;
        }
        Ok(Self { mono: find_on_path("mono").ok_or("no mono")?, program })
    }

    /// Of nuget.exe and of the mono that runs it.
    fn ask_version(&self, sandbox: &Sandbox) -> Result<String> {
        let said = sandbox.run(self.command(sandbox, &sandbox.work(), &["help"]))?.expect_ok("nuget help")?;
        let (stdout, found) = (said.stdout(), "NuGet Version: ");
        let nuget = stdout.lines().find_map(|line| line.trim().strip_prefix(found)).context("no version")?;
        let mut mono = sandbox.command(&self.mono);
        mono.arg("--version");
        let said = sandbox.run(mono)?.expect_ok("mono --version")?.stdout();
        let mono = said.split_whitespace().skip_while(|word| *word != "version").nth(1).context("no mono")?;
        Ok(format!("nuget.exe {nuget}, mono {mono}"))
    }

    fn set_up(&self, sandbox: &Sandbox) -> Result<()> {
        let mut trust = sandbox.command("cert-sync");
        trust.args(["--quiet", "--user"]).arg(sandbox.home().join("authority.pem"));
        sandbox.run(trust)?.expect_ok("cert-sync")?;
        // At its first start it writes the person's configuration; those that start at once read half of it.
        let first = self.command(sandbox, &sandbox.work(), &["sources", "list", "-NonInteractive"]);
        sandbox.run(first)?.expect_ok("nuget sources")?;
        sandbox.valetkey(&["setup", "nuget", "--nuget-exe"])?.expect_ok("setup nuget")?;
        Ok(())
    }

    fn write_project(&self, folder: &Path, name: &str, packages: &[(&str, &str)]) -> Result<()> {
        fs::create_dir_all(folder)?;
        let mut wanted = String::new();
        for (id, version) in packages {
            writeln!(wanted, "  <package id=\"{id}\" version=\"{version}\" targetFramework=\"net472\" />")?;
        }
        fs::write(folder.join("packages.config"), format!("<packages>\n{wanted}</packages>\n"))?;
        let project = "<Project ToolsVersion=\"14.0\" xmlns=\"http://schemas.microsoft.com/developer/msbuild/2003\" />\n";
        Ok(fs::write(folder.join(format!("{name}.csproj")), project)?)
    }

    fn write_solution(&self, top: &Path, names: &[String]) -> Result<()> {
        write_sln(top, names)
    }

    fn restore(&self, sandbox: &Sandbox, folder: &Path, person: Person) -> Command {
        let what = if folder.join("all.sln").is_file() { "all.sln" } else { "packages.config" };
        let mut command = self.command(sandbox, folder, &["restore", what, "-NoCache"]);
        command.args(["-PackagesDirectory", "packages"]);
        if person == Person::Absent {
            command.arg("-NonInteractive");
        }
        command
    }

    /// A process for each: a solution is one process that reads every package once. What several of them share breaks
    /// them on mono, with a plugin or without: each has a folder of packages and a memory of plugins of its own.
    fn restore_all(&self, sandbox: &Sandbox, top: &Path, names: &[String]) -> Vec<Command> {
        let restore = |name: &String| {
            let own = sandbox.home().join("own").join(name);
            let mut command = self.restore(sandbox, &top.join(name), Person::Absent);
            command.env("NUGET_PACKAGES", own.join("packages"));
            command.env("NUGET_PLUGINS_CACHE_PATH", own.join("plugins-cache"));
            command
        };
        names.iter().map(restore).collect()
    }

    /// While it ends, mono 6.8 aborts the thread of its timers, and now and then takes that for an exception that nobody
    /// caught.
    fn died_after_its_work(&self, ran: &Ran) -> bool {
        ran.stdout().contains("package(s) to packages.config projects")
            && ran.stderr().contains("ThreadAbortException")
            && ran.stderr().contains("System.Threading.Timer+Scheduler.SchedulerThread")
    }

    fn restored(&self, folder: &Path, (id, version): (&str, &str)) -> bool {
        let name = format!("{id}.{version}");
        folder.join("packages").join(&name).join(format!("{name}.nupkg")).is_file()
    }

    fn push(&self, sandbox: &Sandbox, package: &Path, source: &str) -> Command {
        let mut command = self.command(sandbox, folder_of(package), &["push"]);
        command.arg(package.file_name().unwrap_or_default());
        command.args(["-Source", source, "-ApiKey", "az", "-NonInteractive"]);
        command
    }

    fn push_to_gallery(&self, sandbox: &Sandbox) -> Command {
        let mut command = sandbox.command("valetkey");
        command.args(["nuget", "push", "--nuget-exe"]).arg(&self.program);
        command
    }
}

impl NugetExe {
    fn command(&self, sandbox: &Sandbox, folder: &Path, args: &[&str]) -> Command {
        let mut command = sandbox.command(&self.mono);
        command.arg(&self.program).args(args).current_dir(folder);
        be_patient(&mut command);
        command
    }
}
