//! Microsoft's Artifacts credential provider, as PyPI's artifacts-keyring brings it.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use valetkey_emulator::{Host, PatView};

use super::{
    Flow, Needs, Stage,
    attended::{attend, with_device_code},
    expect_text,
};
use crate::{Dotnet, write_sources};

/// Its flows.
pub const FLOWS: &[Flow] = &[
    Flow { client: CLIENT, name: "stand-alone", needs: NEEDS, run: alone },
    Flow { client: CLIENT, name: "session tokens under policies", needs: NEEDS, run: policies },
    Flow { client: CLIENT, name: "dotnet restore", needs: SDK, run: dotnet },
    Flow { client: CLIENT, name: "nuget.exe restore", needs: MONO, run: nuget_exe },
    Flow { client: CLIENT, name: "keyring get", needs: KEYRING, run: keyring },
];

const CLIENT: &str = "Artifacts provider";
const FOLDER: &str = "python/lib/python3*/site-packages/artifacts_keyring/plugins/plugins/netcore/CredentialProvider.Microsoft";
const NEEDS: Needs = Needs { programs: &[], clients: &[FOLDER], dotnet: false };
const SDK: Needs = Needs { dotnet: true, ..NEEDS };
const NUGET: &str = "npm/node_modules/nuget-exe/nuget-5.8.0.exe";
const MONO: Needs = Needs { programs: &["mono", "cert-sync"], clients: &[FOLDER, NUGET], dotnet: false };
const PYTHON: &str = "python/bin/python";
const KEYRING: Needs = Needs { programs: &[], clients: &[FOLDER, PYTHON], dotnet: false };

const FEED: &str = "https://pkgs.dev.azure.com/contoso/_packaging/shared/nuget/v3/index.json";
const PACKAGE: (&str, &str) = ("Contoso.Core", "1.0.0");

struct Provider<'a> {
    stage: &'a Stage,
}

impl Provider<'_> {
    fn program(&self) -> Result<PathBuf> {
        Ok(self.stage.client(FOLDER)?.join("CredentialProvider.Microsoft"))
    }

    fn command(&self, args: &[&str]) -> Result<Command> {
        let mut command = self.stage.command(self.program()?);
        command.args(args).env("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "1");
        Ok(command)
    }

    /// Runs a command with the person at hand.
    fn attended(&self, command: Command, what: &str) -> Result<String> {
        let before = self.sign_ins();
        let ran = with_device_code(command, |code| self.stage.approve_device(code))?.expect_ok(what)?;
        ensure!(self.sign_ins() == before + 1, "{what}: {} sign-ins", self.sign_ins() - before);
        Ok(ran.said)
    }

    /// Runs a command where nothing may be asked of the person.
    fn silently(&self, mut command: Command, what: &str) -> Result<String> {
        let before = self.sign_ins();
        let ran = attend(&mut command, |_| Ok(()))?.expect_ok(what)?;
        ensure!(self.sign_ins() == before, "{what} signed in once more");
        Ok(ran.said)
    }

    fn sign_ins(&self) -> usize {
        self.stage.control().requests_to(Host::Login, "POST", "devicecode").len()
    }

    /// Session tokens of this kind that were made.
    fn made(&self, kind: &str) -> usize {
        let asked = self.stage.control().requests_to(Host::Vssps, "POST", "sessiontokens");
        asked.iter().filter(|one| one.status == Some(200) && one.query.contains(kind)).count()
    }

    fn version(&self) -> Result<String> {
        let said = self.stage.sandbox.run(self.command(&["-H"])?)?;
        let said = format!("{}{}", said.stdout(), said.stderr());
        let version =
            said.split_once("Command-line v").or_else(|| said.split_once(" v")).map(|(_, rest)| rest);
        let version = version.and_then(|rest| rest.split([':', '+', '\n', ' ']).next());
        version.map(|version| version.trim().to_owned()).with_context(|| format!("no version in: {said}"))
    }
}

/// The credential that ends what was said.
fn credential(said: &str) -> Result<(String, String)> {
    let line = said.lines().rev().find(|line| line.starts_with('{')).with_context(|| said.to_owned())?;
    let value: Value = serde_json::from_str(line)?;
    let text = |name: &str| value[name].as_str().map(str::to_owned).context("no credential");
    Ok((text("Username")?, text("Password")?))
}

/// A sign-in gives a Compact token, the cache gives it again, and `-IsRetry` gives another without a sign-in.
fn alone(stage: &mut Stage) -> Result<String> {
    let provider = Provider { stage };
    let ask = ["-Uri", FEED, "-OutputFormat", "Json"];
    let said = provider.attended(provider.command(&ask)?, "the first question")?;
    let (user, first) = credential(&said)?;
    ensure!(user == "VssSessionToken", "{user}");
    ensure!(provider.made("Compact") == 1, "no Compact token");
    let pats = stage.control().live_pats();
    let scope = |pat: &PatView| pat.scope == "vso.packaging_write vso.drop_write";
    ensure!(pats.len() == 1 && pats.iter().all(scope), "{pats:?}");

    let asked = stage.control().requests().len();
    let (_, cached) = credential(&provider.silently(provider.command(&ask)?, "the second question")?)?;
    ensure!(cached == first, "the cache gives another token");
    ensure!(stage.control().requests().len() == asked, "the cache asked the server");

    let retry = [&ask[..], &["-IsRetry"]].concat();
    let (_, renewed) = credential(&provider.silently(provider.command(&retry)?, "the retry")?)?;
    ensure!(renewed != first && provider.made("SelfDescribing") == 1, "the retry gave the same token");
    ensure!(renewed.split('.').count() == 3, "a self-describing token is a JWT");
    provider.version()
}

/// Where tokens may not be made, and where they may not live for the 90 days that it asks for.
fn policies(stage: &mut Stage) -> Result<String> {
    let provider = Provider { stage };
    let ask = |organisation: &str| -> Result<Command> {
        let feed = FEED.replace("contoso", organisation);
        provider.command(&["-Uri", &feed, "-OutputFormat", "Json", "-Verbosity", "Verbose"])
    };
    stage.tell("policy/contoso", json!({"max-lifespan-days": 7}))?;
    let said = provider.attended(ask("contoso")?, "a tenant with a longest life")?;
    credential(&said)?;
    let asked = stage.control().requests_to(Host::Vssps, "POST", "sessiontokens");
    let statuses: Vec<_> = asked.iter().filter_map(|one| one.status).collect();
    ensure!(statuses == [400, 200], "a date too far was answered with {statuses:?}");

    stage.tell("policy/contoso", json!({"restrict-creation": "all"}))?;
    let mut retry = ask("contoso")?;
    retry.args(["-IsRetry", "-NonInteractive"]).env("NUGET_CREDENTIALPROVIDER_VSTS_TOKENTYPE", "Compact");
    let ran = stage.sandbox.run(retry)?;
    ensure!(!ran.ok(), "a restricted organisation gave a Compact token: {}", ran.stdout());
    expect_text(&format!("{}{}", ran.stdout(), ran.stderr()), "Response: BadRequest")?;
    provider.version()
}

/// The SDK with the provider as a plugin.
fn dotnet(stage: &mut Stage) -> Result<String> {
    let provider = Provider { stage };
    let dotnet = Dotnet::find().context("no SDK")?;
    let folder = stage.sandbox.work().join("app");
    dotnet.write_project(&folder, "app", &[PACKAGE])?;
    write_sources(&folder, &[("shared", FEED)])?;
    let plugin = stage.client(FOLDER)?.join("CredentialProvider.Microsoft.dll");
    let restore = |packages: &str, more: &[&str]| {
        let args = [&["restore", "--no-cache", "--force", "-tl:off", "--packages", packages], more].concat();
        let mut command = dotnet.command(&stage.sandbox, &folder, &args);
        command.env("NUGET_NETCORE_PLUGIN_PATHS", &plugin);
        command
    };
    provider.attended(restore("one", &["--interactive"]), "dotnet restore --interactive")?;
    ensure!(folder.join("obj/project.assets.json").is_file(), "nothing was restored");
    provider.silently(restore("two", &[]), "dotnet restore")?;
    for pat in stage.control().live_pats() {
        stage.tell("revoke-pat", json!({"authorization-id": pat.authorization_id}))?;
    }
    // NuGet says that the cached one is refused; MSAL's cache gives another without the person.
    provider.silently(restore("three", &[]), "dotnet restore with a revoked token")?;
    ensure!(provider.made("SelfDescribing") == 1, "no token in place of the revoked one");
    Ok(format!("{} in SDK {}", provider.version()?, dotnet.version(&stage.sandbox)?))
}

/// nuget.exe on mono, the provider as it is run by NuGet for .NET Framework.
fn nuget_exe(stage: &mut Stage) -> Result<String> {
    let provider = Provider { stage };
    stage
        .run("cert-sync", &["--quiet", "--user", &stage.authority().display().to_string()])?
        .expect_ok("cert-sync")?;
    let folder = stage.sandbox.work().join("app");
    fs::create_dir_all(&folder)?;
    write_sources(&folder, &[("shared", FEED)])?;
    let (id, version) = PACKAGE;
    let wanted = format!("<packages><package id=\"{id}\" version=\"{version}\" /></packages>\n");
    fs::write(folder.join("packages.config"), wanted)?;
    let (program, nuget) = (provider.program()?, stage.client(NUGET)?);
    let restore = || {
        let mut command = stage.command("mono");
        command.arg(&nuget).args([
            "restore",
            "packages.config",
            "-NoCache",
            "-PackagesDirectory",
            "packages",
        ]);
        command.current_dir(&folder).env("NUGET_NETFX_PLUGIN_PATHS", &program);
        command.env("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "1");
        command.env("NUGET_PLUGIN_HANDSHAKE_TIMEOUT_IN_SECONDS", "60");
        command.env("NUGET_PLUGIN_REQUEST_TIMEOUT_IN_SECONDS", "60");
        command
    };
    provider.attended(restore(), "nuget.exe restore")?;
    let package = folder.join(format!("packages/{id}.{version}"));
    ensure!(package.is_dir(), "nothing was restored");
    fs::remove_dir_all(package)?;
    provider.silently(restore(), "nuget.exe restore once more")?;
    Ok(format!("{} in nuget.exe 5.8.0", provider.version()?))
}

/// `keyring get`, the way pip and twine ask. The emulator has no feed in pip's form: the question ends there.
fn keyring(stage: &mut Stage) -> Result<String> {
    let provider = Provider { stage };
    let url = "https://pkgs.dev.azure.com/contoso/_packaging/shared/pypi/simple/";
    let ask = |url: &str| -> Result<Command> {
        let mut command = stage.command(stage.client(PYTHON)?);
        command.args(["-m", "keyring", "get", url, "VssSessionToken"]);
        command.env("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "1");
        Ok(command)
    };
    let said = provider.attended(ask(url)?, "keyring get")?;
    let first = said.lines().next_back().context("nothing was said")?.trim().to_owned();
    let again = provider.silently(ask(url)?, "keyring get once more")?;
    ensure!(again.trim() == first, "the cache gives another token: {again}");
    // It tries what it has before it gives it, so a dead one is replaced in the same run.
    let feed = provider.silently(ask(FEED)?, "keyring get for the feed")?;
    for pat in stage.control().live_pats() {
        stage.tell("revoke-pat", json!({"authorization-id": pat.authorization_id}))?;
    }
    let renewed = provider.silently(ask(FEED)?, "keyring get with a revoked token")?;
    ensure!(renewed.trim() != feed.trim(), "a revoked token was given");
    provider.version()
}
