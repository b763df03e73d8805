//! A real `dotnet restore`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, Result};
use valetkey_emulator::Emulator;

use super::{
    conversation::Nuget,
    folder_of, mints, plugin,
    report::{Pairs, Report},
};
use crate::{
    Sandbox,
    dotnet::{Dotnet, write_sources},
};

/// Projects that are restored on several nodes of MSBuild, each of which starts a plugin.
const PROJECTS: usize = 20;
const NODES: u32 = 4;

pub(super) fn run(
    (sandbox, nuget): (&Sandbox, &Nuget),
    emulator: &Emulator,
    nothing: &Path,
    feed: &str,
    rounds: u32,
    report: &mut Report,
) -> Result<()> {
    let Some(dotnet) = Dotnet::find() else {
        report.left_out("dotnet restore", "no .NET SDK is here (`VALETKEY_DOTNET` or PATH)");
        return Ok(());
    };
    let work = Work { sandbox, nuget, dotnet, folder: sandbox.work().join("restore") };
    work.many_projects(emulator, feed, report)?;
    work.against_nothing(nothing, feed, (rounds / 4).max(5), report)
}

struct Work<'a> {
    sandbox: &'a Sandbox,
    nuget: &'a Nuget,
    dotnet: Dotnet,
    folder: PathBuf,
}

impl Work<'_> {
    /// Each project is restored by itself, on whichever node is free, with keys of nobody to begin with.
    fn many_projects(&self, emulator: &Emulator, feed: &str, report: &mut Report) -> Result<()> {
        self.sandbox.valetkey(&["keys", "revoke", "--all"])?.expect_ok("revoking the keys")?;
        let folder = self.folder.join("many");
        for number in 0..PROJECTS {
            let name = format!("p{number}");
            self.dotnet.write_project(&folder.join(&name), &name, &[("Contoso.Text", "1.2.0")])?;
        }
        write_sources(&folder, &[("shared", feed)])?;
        fs::write(
            folder.join("all.proj"),
            "<Project>\n  <ItemGroup><P Include=\"p*/*.csproj\" /></ItemGroup>\n  <Target Name=\"All\">\n    \
             <MSBuild Projects=\"@(P)\" Targets=\"Restore\" BuildInParallel=\"true\" />\n  </Target>\n</Project>\n",
        )?;
        let before = mints(emulator);
        let nodes = format!("-m:{NODES}");
        let mut command = self.command(&folder, &["msbuild", "all.proj", "-t:All", &nodes, "-v:q"])?;
        command.env("NUGET_PACKAGES", folder.join("packages"));
        let ran = self.sandbox.run(command)?.expect_ok("restoring many projects")?;
        let posts = mints(emulator) - before;
        let figure = format!(
            "{PROJECTS} projects restored on {NODES} nodes, no key yet: {posts} POST, {:.1} s in all",
            ran.took.as_secs_f64()
        );
        report.held(posts == 1, &figure, "1 POST");
        Ok(())
    }

    fn against_nothing(&self, nothing: &Path, feed: &str, rounds: u32, report: &mut Report) -> Result<()> {
        let folder = self.folder.join("one");
        self.dotnet.write_project(&folder, "one", &[("Contoso.Text", "1.2.0")])?;
        write_sources(&folder, &[("shared", feed)])?;
        let key = plugin::key((self.sandbox, self.nuget), feed)?;
        let ours = || self.restore(&folder, None);
        let theirs = || self.restore(&folder, Some((nothing, &key)));
        let pairs = Pairs::measure((1, rounds), ours, theirs)?;
        report.ratio(("dotnet restore, warm key", "with a do-nothing plugin"), &pairs, 1.05);
        Ok(())
    }

    /// One restore that has nothing to go by but the feed: with the plugin on the sandbox's path, or another one, which
    /// is told its key.
    fn restore(&self, folder: &Path, other: Option<(&Path, &str)>) -> Result<Duration> {
        for left in ["obj", "packages", "http"] {
            let left = folder.join(left);
            if left.exists() {
                fs::remove_dir_all(left)?;
            }
        }
        let mut command = self.command(folder, &["restore", "-v:q"])?;
        command.env("NUGET_PACKAGES", folder.join("packages"));
        command.env("NUGET_HTTP_CACHE_PATH", folder.join("http"));
        if let Some((plugin, key)) = other {
            let path = [folder_of(plugin), Path::new("/usr/bin"), Path::new("/bin")];
            command.env("PATH", std::env::join_paths(path)?).env("BENCH_PLUGIN_KEY", key);
        }
        let ran = self.sandbox.run(command)?.expect_ok("dotnet restore")?;
        anyhow::ensure!(folder.join("packages/contoso.text/1.2.0").is_dir(), "nothing was restored");
        Ok(ran.took)
    }

    fn command(&self, folder: &Path, args: &[&str]) -> Result<Command> {
        fs::create_dir_all(folder).context("no folder for a restore")?;
        Ok(self.dotnet.command(self.sandbox, folder, args))
    }
}
