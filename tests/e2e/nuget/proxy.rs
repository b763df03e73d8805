//! What NuGet knows of its proxy, from the plugin's line to the minted key: the agent goes out through a proxy that
//! asks for a name and a password, and has none of its own.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, ChildStdout, Stdio},
};

use anyhow::{Context as _, Result, bail, ensure};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use valetkey_emulator::{Emulator, Options, PatState};
use valetkey_tests::{Rig, Sandbox, World, find_on_path, programs, proxy::Proxy, read_below};

const USER: &str = "lovelace";
const WRONG: &str = "canary-of-last-month";
const RIGHT: &str = "canary-of-this-month";
const VAULT: &str = "[vault]\nstore = \"sealed\"\nsealed-key = \"kernel\"\n";

/// Azure's own names, which nobody here can resolve: only the proxy leads there.
struct Office {
    rig: Rig,
    proxy: Proxy,
}

impl Office {
    /// Signed in for `contoso` while the proxy let everybody through; now it asks, and a new agent runs.
    fn new() -> Result<Self> {
        let git = find_on_path("git").context("git is not installed")?;
        let sealed = Some(([127, 0, 0, 1], 0).into());
        let emulator = Emulator::start(Options { sealed, git: Some(git.clone()), ..Options::default() })?;
        let port = emulator.urls().dev.rsplit(':').next().and_then(|port| port.parse().ok());
        let proxy = Proxy::to(port.context("no port")?)?;
        let mut sandbox = Sandbox::new(&programs()?, &git)?;
        sandbox.configure(&World::of(&emulator), VAULT)?;
        sandbox.set("HTTPS_PROXY", format!("http://127.0.0.1:{}", proxy.port()));
        sandbox.set("VALETKEY_LOG", "trace");
        let office = Self { rig: Rig { sandbox, emulator }, proxy };
        office.rig.sign_in("contoso")?.expect_ok("signing in")?;
        office.proxy.ask_for(&basic(RIGHT));
        office.rig.sandbox.valetkey(&["agent", "restart"])?.expect_ok("agent restart")?;
        office.proxy.forget();
        Ok(office)
    }

    fn feed(&self) -> String {
        format!("{}/contoso/_packaging/shared/nuget/v3/index.json", self.rig.emulator.urls().pkgs)
    }

    /// Nothing of what NuGet knows is in a file, on the audit trail, in the agent's arguments or in its environment.
    fn keeps_no_password(&self, said: &str) -> Result<()> {
        let audit = self.rig.sandbox.valetkey(&["audit", "-n", "100", "--json"])?.stdout();
        let status = self.rig.sandbox.valetkey(&["status", "--json"])?.stdout();
        let pid = serde_json::from_str::<Value>(&status)?["pid"].as_u64().context("no agent")?;
        let mut seen = vec![("said".to_owned(), said.to_owned()), ("audit".to_owned(), audit)];
        for file in ["cmdline", "environ"] {
            let path = format!("/proc/{pid}/{file}");
            seen.push((path.clone(), String::from_utf8_lossy(&fs::read(&path)?).into_owned()));
        }
        read_below(self.rig.sandbox.home(), &mut seen)?;
        ensure!(seen.iter().any(|(place, _)| place.ends_with("agent.log")), "the agent logs nothing");
        for (place, text) in &seen {
            for secret in [WRONG, RIGHT, "lovelace", &basic(WRONG)[6..], &basic(RIGHT)[6..]] {
                ensure!(!text.contains(secret), "{place} has {secret}");
            }
        }
        Ok(())
    }
}

/// RFC 7617.
fn basic(password: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{USER}:{password}")))
}

/// The client's side of the plugin protocol, in the words of the recorded transcripts.
struct Nuget {
    plugin: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    asked: u32,
    logged: Vec<String>,
}

impl Nuget {
    fn start(rig: &Rig) -> Result<Self> {
        let mut command = rig.sandbox.command("nuget-plugin-valetkey");
        command.arg("-Plugin").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut plugin = command.spawn()?;
        let input = plugin.stdin.take().context("no input")?;
        let output = BufReader::new(plugin.stdout.take().context("no output")?);
        let mut nuget = Self { plugin, input, output, asked: 0, logged: Vec::new() };
        nuget.ask("Handshake", &json!({"ProtocolVersion": "2.0.0", "MinimumProtocolVersion": "1.0.0"}))?;
        nuget.ask("MonitorNuGetProcessExit", &json!({"ProcessId": std::process::id()}))?;
        let life = json!({"ClientVersion": "5.8.0", "Culture": "en", "RequestTimeout": "00:01:00"});
        nuget.ask("Initialize", &life)?;
        nuget.ask("GetOperationClaims", &json!({}))?;
        nuget.ask("SetLogLevel", &json!({"LogLevel": "Debug"}))?;
        Ok(nuget)
    }

    fn knows(&mut self, password: Option<&str>) -> Result<()> {
        let mut payload =
            json!({"PackageSourceRepository": "/contoso/_packaging/shared/nuget/v3/index.json"});
        if let Some(password) = password {
            payload["ProxyUsername"] = USER.into();
            payload["ProxyPassword"] = password.into();
        }
        let answer = self.ask("SetCredentials", &payload)?;
        ensure!(answer == json!({"ResponseCode": "Success"}), "{answer}");
        Ok(())
    }

    fn key(&mut self, feed: &str) -> Result<Value> {
        let question =
            json!({"Uri": feed, "IsRetry": false, "IsNonInteractive": true, "CanShowDialog": false});
        self.ask("GetAuthenticationCredentials", &question)
    }

    /// Asks, and answers what the plugin asks meanwhile.
    fn ask(&mut self, method: &str, payload: &Value) -> Result<Value> {
        self.asked += 1;
        let id = format!("question-{}", self.asked);
        self.say(&json!({"RequestId": id, "Type": "Request", "Method": method, "Payload": payload}))?;
        loop {
            let mut line = String::new();
            ensure!(self.output.read_line(&mut line)? > 0, "the plugin has ended");
            let heard: Value = serde_json::from_str(&line)?;
            match (heard["Type"].as_str(), heard["Method"].as_str()) {
                (Some("Response"), _) if heard["RequestId"] == id.as_str() => {
                    return Ok(heard["Payload"].clone());
                }
                (Some("Request"), Some("Handshake")) => {
                    let payload = json!({"ResponseCode": "Success", "ProtocolVersion": "2.0.0"});
                    self.respond(&heard, &payload)?;
                }
                (Some("Request"), Some("Log")) => {
                    self.logged.push(heard["Payload"]["Message"].as_str().unwrap_or_default().to_owned());
                    self.respond(&heard, &json!({"ResponseCode": "Success"}))?;
                }
                (Some("Progress" | "Response"), _) => {}
                _ => bail!("{line}"),
            }
        }
    }

    fn respond(&mut self, to: &Value, payload: &Value) -> Result<()> {
        let (id, method) = (&to["RequestId"], &to["Method"]);
        self.say(&json!({"RequestId": id, "Type": "Response", "Method": method, "Payload": payload}))
    }

    fn say(&mut self, message: &Value) -> Result<()> {
        Ok(writeln!(self.input, "{message}")?)
    }

    /// Everything that it said to a person.
    fn end(self) -> Result<String> {
        drop(self.input);
        let out = self.plugin.wait_with_output()?;
        Ok(self.logged.join("\n") + &String::from_utf8_lossy(&out.stderr))
    }
}

#[test]
fn what_nuget_is_told_for_its_proxy_makes_a_key_through_ours() -> Result<()> {
    let office = Office::new()?;
    let (rig, proxy, feed) = (&office.rig, &office.proxy, office.feed());
    let mut nuget = Nuget::start(rig)?;
    // As NuGet says it where its proxy has no name and password.
    nuget.knows(None)?;
    ensure!(nuget.key(&feed)?["ResponseCode"] == "NotFound", "a key through a closed door");
    ensure!(nuget.logged.iter().any(|line| line.contains("proxy")), "{:?}", nuget.logged);
    ensure!(proxy.shown().iter().all(Option::is_none), "{:?}", proxy.shown());

    proxy.forget();
    nuget.knows(Some(WRONG))?;
    for _ in 0..3 {
        ensure!(nuget.key(&feed)?["ResponseCode"] == "NotFound", "a key by a wrong password");
        nuget.knows(Some(WRONG))?;
    }
    let wrong = proxy.shown().into_iter().flatten().collect::<Vec<_>>();
    ensure!(wrong == [basic(WRONG)], "a wrong password locks accounts: it was shown as {wrong:?}");

    proxy.forget();
    nuget.knows(Some(RIGHT))?;
    let answer = nuget.key(&feed)?;
    ensure!(answer["ResponseCode"] == "Success", "{answer} {:?}", nuget.logged);
    let key = rig.control().pat_of(answer["Password"].as_str().context("no key")?);
    let key = key.context("no such key")?;
    ensure!(key.state == PatState::Live && key.organisation == "contoso", "{key:?}");
    ensure!(rig.mints() == 1, "{} mints", rig.mints());
    let shown: Vec<_> = proxy.shown().into_iter().flatten().collect();
    ensure!(!shown.is_empty() && shown.iter().all(|it| *it == basic(RIGHT)), "{shown:?}");
    let hosts = proxy.reached();
    ensure!(hosts.iter().any(|it| it.starts_with("vssps.dev.azure.com:")), "{hosts:?}");

    // Another build, another plugin: what serves is not asked for again.
    let mut other = Nuget::start(rig)?;
    other.knows(None)?;
    ensure!(other.key(&feed)? == answer, "another key");
    let said = nuget.end()? + &other.end()?;
    office.keeps_no_password(&said)
}
