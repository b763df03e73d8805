//! NuGet's side of a conversation with a credential plugin (Microsoft: "NuGet cross platform plugins").

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

/// More lines than any plugin says of its own accord before it answers.
const PATIENCE: usize = 1000;

/// NuGet, as a plugin sees it that looks at who calls: a process whose command line begins like dotnet's.
pub(super) struct Nuget(Child);

impl Nuget {
    /// One that does nothing besides.
    pub(super) fn stand_in() -> Result<Self> {
        let mut process = Command::new("cat");
        #[cfg(unix)]
        std::os::unix::process::CommandExt::arg0(&mut process, "dotnet");
        process.stdin(Stdio::piped()).stdout(Stdio::null());
        Ok(Self(process.spawn().context("cannot start a process to stand for NuGet")?))
    }

    /// Starts a plugin and says everything NuGet says up to the first credential, which is given.
    pub(super) fn ask(&self, plugin: Command, feed: &str) -> Result<(Conversation, Given)> {
        let started = Instant::now();
        let mut conversation = Conversation::start(plugin)?;
        let password = conversation.ask_for_key(self.0.id(), feed)?;
        Ok((conversation, Given { password, took: started.elapsed() }))
    }
}

impl Drop for Nuget {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// A plugin that has given its answer, and waits for more.
pub(super) struct Conversation {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    asked: u32,
}

/// What a plugin gave.
pub(super) struct Given {
    /// The key.
    pub(super) password: String,
    /// From its start on.
    pub(super) took: Duration,
}

impl Conversation {
    fn start(mut command: Command) -> Result<Self> {
        command.arg("-Plugin").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().context("cannot start a plugin")?;
        let to = child.stdin.take().context("no standard input")?;
        let from = BufReader::new(child.stdout.take().context("no standard output")?);
        Ok(Self { child, to, from, asked: 0 })
    }

    fn ask_for_key(&mut self, nuget: u32, feed: &str) -> Result<String> {
        self.shake_hands()?;
        self.ask("MonitorNuGetProcessExit", &json!({"ProcessId": nuget}))?;
        let hello = json!({"ClientVersion": "7.9.0", "Culture": "en", "RequestTimeout": "00:00:30"});
        self.ask("Initialize", &hello)?;
        let claims = self.ask("GetOperationClaims", &json!({}))?;
        ensure!(claims["Claims"] == json!(["Authentication"]), "the plugin claims {claims}");
        self.ask("SetLogLevel", &json!({"LogLevel": "Information"}))?;
        let question =
            json!({"Uri": feed, "IsRetry": false, "IsNonInteractive": true, "CanShowDialog": true});
        let answer = self.ask("GetAuthenticationCredentials", &question)?;
        let password = answer["Password"].as_str().filter(|password| !password.is_empty());
        // Not the answer itself: a key may be in it.
        password.map(str::to_owned).with_context(|| format!("no key: {}", answer["ResponseCode"]))
    }

    /// Both sides ask at once, and wait until either has its answer.
    fn shake_hands(&mut self) -> Result<()> {
        let versions = json!({"ProtocolVersion": "2.0.0", "MinimumProtocolVersion": "1.0.0"});
        let id = self.send("Handshake", &versions)?;
        let (mut asked, mut answered) = (false, false);
        while !(asked && answered) {
            let message = self.read()?;
            match (&message["Type"], &message["Method"]) {
                (kind, method) if kind == "Request" && method == "Handshake" => {
                    let payload = json!({"ResponseCode": "Success", "ProtocolVersion": "2.0.0"});
                    self.answer(&message, &payload)?;
                    asked = true;
                }
                (kind, _) if kind == "Response" && message["RequestId"] == id => answered = true,
                _ => bail!("the plugin began with {}", message["Method"]),
            }
        }
        Ok(())
    }

    fn ask(&mut self, method: &str, payload: &Value) -> Result<Value> {
        let id = self.send(method, payload)?;
        for _ in 0..PATIENCE {
            let mut message = self.read()?;
            match message["Type"].as_str() {
                Some("Response") if message["RequestId"] == id => return Ok(message["Payload"].take()),
                Some("Request") => self.answer(&message, &json!({"ResponseCode": "Success"}))?,
                Some("Progress") => {}
                other => bail!("{other:?} in answer to {method}"),
            }
        }
        bail!("no answer to {method}")
    }

    fn send(&mut self, method: &str, payload: &Value) -> Result<String> {
        self.asked += 1;
        let id = format!("00000000-0000-4000-8000-{:012}", self.asked);
        self.write("Request", method, &id, payload)?;
        Ok(id)
    }

    fn answer(&mut self, question: &Value, payload: &Value) -> Result<()> {
        let text = |name: &str| question[name].as_str().unwrap_or_default().to_owned();
        self.write("Response", &text("Method"), &text("RequestId"), payload)
    }

    fn write(&mut self, kind: &str, method: &str, id: &str, payload: &Value) -> Result<()> {
        // As NuGet orders them.
        let line = format!(
            "{{\"RequestId\":\"{id}\",\"Type\":\"{kind}\",\"Method\":\"{method}\",\"Payload\":{payload}}}\n"
        );
        self.to.write_all(line.as_bytes()).context("the plugin does not read")
    }

    fn read(&mut self) -> Result<Value> {
        let mut line = String::new();
        ensure!(self.from.read_line(&mut line)? > 0, "the plugin ended");
        serde_json::from_str(&line).context("the plugin does not speak JSON")
    }

    /// The process id of the plugin.
    pub(super) fn process(&self) -> u32 {
        self.child.id()
    }

    /// NuGet ends by closing the pipe, and kills who is still there a second later (`PluginProcess.Dispose`), which
    /// Microsoft's sometimes is.
    pub(super) fn end(self) -> Result<()> {
        let Self { mut child, to, .. } = self;
        drop(to);
        let end = Instant::now() + Duration::from_secs(1);
        // Most are gone at once, and a machine that sleeps in between wakes up slowly for the next one.
        let mut pause = Duration::from_micros(50);
        while child.try_wait()?.is_none() {
            if Instant::now() > end {
                child.kill()?;
                child.wait()?;
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(5));
        }
        Ok(())
    }
}
