//! The NuGet plugin, as NuGet starts it, without NuGet.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use anyhow::Result;
use serde_json::json;
use valetkey_emulator::Emulator;

use super::{
    conversation::Nuget,
    mints,
    process::{mebibytes, memory},
    report::{Pairs, Report},
};
use crate::Sandbox;

/// Plugins started at the same moment for one key that nobody has asked for yet.
const CROWD: usize = 20;
/// A feed that Microsoft's answers for from a variable alone, and asks nobody about.
const THEIR_FEED: &str = "https://pkgs.dev.azure.com/contoso/_packaging/shared/nuget/v3/index.json";

pub(super) fn crowd(
    (sandbox, nuget): (&Sandbox, &Nuget),
    emulator: &Emulator,
    feed: &str,
    report: &mut Report,
) -> Result<()> {
    let before = mints(emulator);
    let mut keys = thread::scope(|scope| {
        let ask = || Ok(nuget.ask(ours(sandbox), feed)?.1.password);
        let asking: Vec<_> = (0..CROWD).map(|_| scope.spawn(ask)).collect();
        asking.into_iter().map(|asked| asked.join().expect("no panic")).collect::<Result<Vec<_>>>()
    })?;
    let answers = keys.len();
    keys.sort();
    keys.dedup();
    let (different, posts) = (keys.len(), mints(emulator) - before);
    let figure = format!(
        "{CROWD} plugins at once, no key yet: {answers} answers, {different} different, {posts} POST"
    );
    report.held((answers, different, posts) == (CROWD, 1, 1), &figure, "1 POST");
    Ok(())
}

/// The most memory the plugin held up to its answer.
pub(super) fn peak((sandbox, nuget): (&Sandbox, &Nuget), feed: &str, report: &mut Report) -> Result<()> {
    let (conversation, _) = nuget.ask(ours(sandbox), feed)?;
    let peak = mebibytes(memory(conversation.process(), "VmHWM:")?);
    conversation.end()?;
    report.held(peak <= 4.0, &format!("peak of the plugin: {peak:.1} MiB resident"), "<= 4");
    Ok(())
}

pub(super) fn against_nothing(
    (sandbox, nuget): (&Sandbox, &Nuget),
    nothing: &Path,
    feed: &str,
    rounds: u32,
    report: &mut Report,
) -> Result<()> {
    let pairs = Pairs::measure(
        (5, rounds),
        || measure(nuget, ours(sandbox), feed),
        || measure(nuget, sandbox.command(nothing), feed),
    )?;
    report.ratio(("plugin, start to warm key", "a do-nothing plugin"), &pairs, 1.5);
    Ok(())
}

pub(super) fn against_microsoft(
    (sandbox, nuget): (&Sandbox, &Nuget),
    feed: &str,
    rounds: u32,
    report: &mut Report,
) -> Result<()> {
    let what = "the plugin against Microsoft's provider";
    let Some(provider) = their_provider() else {
        report.left_out(what, "it is not here (`VALETKEY_CLIENTS`)");
        return Ok(());
    };
    let endpoint = json!({"endpoint": THEIR_FEED, "username": "u", "password": "no-key"});
    let theirs = || {
        let mut command = sandbox.command(&provider);
        command.env("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "1");
        command
            .env("VSS_NUGET_EXTERNAL_FEED_ENDPOINTS", json!({"endpointCredentials": [endpoint]}).to_string());
        command
    };
    if let Err(error) = measure(nuget, theirs(), THEIR_FEED) {
        report.left_out(what, &format!("it does not run here: {error:#}"));
        return Ok(());
    }
    let pairs = Pairs::measure(
        (1, (rounds / 6).max(5)),
        || measure(nuget, ours(sandbox), feed),
        || measure(nuget, theirs(), THEIR_FEED),
    )?;
    report.ratio(("plugin, start to warm key", "Microsoft's provider 1.4.1"), &pairs, 0.01);
    Ok(())
}

/// The key for a feed.
pub(super) fn key((sandbox, nuget): (&Sandbox, &Nuget), feed: &str) -> Result<String> {
    let (conversation, given) = nuget.ask(ours(sandbox), feed)?;
    conversation.end()?;
    Ok(given.password)
}

fn ours(sandbox: &Sandbox) -> Command {
    sandbox.command("nuget-plugin-valetkey")
}

fn measure(nuget: &Nuget, plugin: Command, feed: &str) -> Result<Duration> {
    let (conversation, given) = nuget.ask(plugin, feed)?;
    conversation.end()?;
    Ok(given.took)
}

/// Microsoft's provider 1.4.1, self-contained for Linux, inside the package `artifacts-keyring` of PyPI.
fn their_provider() -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "a variable of the benchmarks, not of the product")]
    let clients = PathBuf::from(std::env::var_os("VALETKEY_CLIENTS")?);
    let pythons = fs::read_dir(clients.join("python/lib")).ok()?;
    let inside = "site-packages/artifacts_keyring/plugins/plugins/netcore/CredentialProvider.Microsoft";
    pythons
        .filter_map(|python| Some(python.ok()?.path().join(inside).join("CredentialProvider.Microsoft")))
        .find(|program| program.is_file())
}
