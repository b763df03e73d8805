//! azureauth, which Microsoft ships for its own engineers.

use std::{process::Stdio, thread, time::Duration};

use anyhow::{Context as _, Result, anyhow, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use valetkey_demo::Ran;
use valetkey_emulator::{APP_MINT, Host, PatState, PatView};

use super::{
    Flow, Needs, Stage,
    attended::with_device_code,
    desk::{Choice, Desk},
    expect_text,
    git::REPOSITORY,
};

/// Its flows.
pub const FLOWS: &[Flow] = &[
    Flow { client: CLIENT, name: "ado pat", needs: WITH_GIT, run: pat },
    Flow { client: CLIENT, name: "ado pat under policies", needs: NEEDS, run: policies },
    Flow { client: CLIENT, name: "ado token by device code", needs: NEEDS, run: token },
    Flow { client: CLIENT, name: "ado token by browser", needs: BROWSER, run: token_by_browser },
    Flow { client: CLIENT, name: "aad", needs: NEEDS, run: aad },
];

const CLIENT: &str = "azureauth";
const PROGRAM: &str = "python/bin/azureauth";
const NEEDS: Needs = Needs { programs: &[], clients: &[PROGRAM], dotnet: false };
const WITH_GIT: Needs = Needs { programs: &["git"], clients: &[PROGRAM], dotnet: false };
const BROWSER: Needs =
    Needs { programs: &["mkfifo", "chromium", "chromedriver"], clients: &[PROGRAM], dotnet: false };

/// Anybody but Microsoft has to name these two at each call.
const WHERE: [&str; 4] = ["--tenant", "contoso.example", "--domain", "contoso.example"];
const BY_DEVICE_CODE: [&str; 2] = ["--mode", "devicecode"];

/// azureauth on its stage.
struct Azureauth<'a> {
    stage: &'a Stage,
}

impl<'a> Azureauth<'a> {
    /// azureauth reads its access token as a JWT, which Microsoft has announced it will no longer be.
    fn new(stage: &'a Stage) -> Result<Self> {
        stage.tell("switches", json!({"opaque-access-tokens": false}))?;
        Ok(Self { stage })
    }

    fn version(&self) -> Result<String> {
        Ok(self.run(&["--version"])?.expect_ok("--version")?.stdout().trim().to_owned())
    }

    fn command(&self, args: &[&str]) -> Result<std::process::Command> {
        let mut command = self.stage.command(self.stage.client(PROGRAM)?);
        command.args(args);
        Ok(command)
    }

    fn run(&self, args: &[&str]) -> Result<Ran> {
        self.stage.sandbox.run(self.command(args)?)
    }

    /// Runs it with the person at hand, and gives what it said on both streams.
    fn attended(&self, args: &[&str]) -> Result<String> {
        let ran = with_device_code(self.command(args)?, |code| self.stage.approve_device(code))?;
        Ok(ran.expect_ok(&args.join(" "))?.said)
    }

    /// Runs it where nothing may be asked of the person.
    fn silently(&self, args: &[&str]) -> Result<String> {
        let before = self.sign_ins();
        let said = self.run(args)?.expect_ok(&args.join(" "))?.stdout();
        ensure!(self.sign_ins() == before, "`{}` signed in once more", args.join(" "));
        Ok(said)
    }

    fn sign_ins(&self) -> usize {
        let control = self.stage.control();
        control.requests_to(Host::Login, "POST", "devicecode").len()
            + control.requests_to(Host::Login, "GET", "authorize").len()
    }

    fn pat_arguments<'b>(organisation: &'b str, output: &'b str) -> Vec<&'b str> {
        let own =
            ["ado", "pat", "--organization", organisation, "--display-name", "work", "--scope", "vso.code"];
        let mut args = own.to_vec();
        args.extend(["--prompt-hint", "fidelity", "--output", output]);
        args.extend(WHERE);
        args.extend(BY_DEVICE_CODE);
        args
    }

    fn pats(&self) -> Vec<PatView> {
        self.stage.control().pats()
    }

    fn live(&self) -> Result<PatView> {
        let mut live = self.stage.control().live_pats();
        ensure!(live.len() == 1, "{} live tokens", live.len());
        live.pop().context("no live token")
    }
}

/// The JSON that ends what was said.
fn document(said: &str) -> Result<Value> {
    let begin = said.find('{').with_context(|| format!("no JSON: {said}"))?;
    let end = said.rfind('}').with_context(|| format!("no JSON: {said}"))?;
    serde_json::from_str(&said[begin..=end]).with_context(|| said.to_owned())
}

/// Made, found again, regenerated near its end, and made anew when somebody revoked it.
fn pat(stage: &mut Stage) -> Result<String> {
    let azureauth = Azureauth::new(stage)?;
    let created = document(&azureauth.attended(&Azureauth::pat_arguments("contoso", "json"))?)?;
    let first = azureauth.live()?;
    ensure!(created["authorizationId"] == first.authorization_id.as_str(), "{created}");
    ensure!(created["scope"] == "vso.code" && created["displayName"] == "work", "{created}");
    let token = created["token"].as_str().context("no token")?;
    let header = format!("http.extraHeader=Authorization: Basic {}", STANDARD.encode(format!(":{token}")));
    stage.run("git", &["-c", &header, "ls-remote", REPOSITORY])?.expect_ok("ls-remote")?;

    let again = azureauth.silently(&Azureauth::pat_arguments("contoso", "token"))?;
    ensure!(again.trim() == token, "a second call gives another token");
    let status = azureauth.silently(&Azureauth::pat_arguments("contoso", "status"))?;
    expect_text(&status, "\"work\" valid until")?;
    let value = azureauth.silently(&Azureauth::pat_arguments("contoso", "headervalue"))?;
    ensure!(value.trim() == format!("Basic {}", STANDARD.encode(format!(":{token}"))), "{value}");
    ensure!(azureauth.pats().len() == 1, "it made more than one token");

    stage.tell("revoke-pat", json!({"authorization-id": first.authorization_id}))?;
    let remade = azureauth.silently(&Azureauth::pat_arguments("contoso", "token"))?;
    ensure!(remade.trim() != token, "a revoked token was given");

    // Less than two days to live is its reason for another one; the organisation's policy makes that happen at once.
    let old = azureauth.live()?;
    stage.tell("revoke-pat", json!({"authorization-id": old.authorization_id}))?;
    stage.tell("policy/contoso", json!({"max-lifespan-days": 1}))?;
    azureauth.silently(&Azureauth::pat_arguments("contoso", "none"))?;
    let short = azureauth.live()?;
    azureauth.silently(&Azureauth::pat_arguments("contoso", "none"))?;
    let regenerated = azureauth.live()?;
    ensure!(regenerated.authorization_id != short.authorization_id, "it was not regenerated");
    let ends: Vec<_> = azureauth.pats().into_iter().map(|pat| pat.state).collect();
    ensure!(ends.iter().filter(|state| **state == PatState::Revoked).count() == 3, "{ends:?}");
    ensure!(
        stage.control().requests_to(Host::Vssps, "DELETE", "pats").len() == 1,
        "the old one was not revoked"
    );
    azureauth.version()
}

/// Refusals come as 200 with a name. azureauth tells the person the names that its library knows; of those that came
/// later it says that it cannot read them.
fn policies(stage: &mut Stage) -> Result<String> {
    let azureauth = Azureauth::new(stage)?;
    azureauth.attended(&Azureauth::pat_arguments("contoso", "status"))?;
    let refused = azureauth.run(&Azureauth::pat_arguments("locked", "token"))?;
    ensure!(!refused.ok(), "a restricted organisation gave a token: {}", refused.stdout());
    let said = format!("{}{}", refused.stdout(), refused.stderr());
    expect_text(&said, "Error converting value \"disablePatCreationPolicyViolation\"")?;
    let clamped = document(&azureauth.silently(&Azureauth::pat_arguments("strict", "json"))?)?;
    ensure!(clamped["token"].is_string(), "{clamped}");
    let mut unknown = Azureauth::pat_arguments("contoso", "token");
    unknown.extend(["--scope", "vso.nonsense", "--allow-custom-scopes"]);
    let refused = azureauth.run(&unknown)?;
    ensure!(!refused.ok(), "a scope that is none gave a token");
    expect_text(&format!("{}{}", refused.stdout(), refused.stderr()), "InvalidScope")?;
    azureauth.version()
}

fn token_arguments<'a>(output: &'a str, mode: &'a str) -> Vec<&'a str> {
    let mut args = vec!["ado", "token", "--output", output, "--mode", mode];
    args.extend(WHERE);
    args
}

fn token(stage: &mut Stage) -> Result<String> {
    let azureauth = Azureauth::new(stage)?;
    let header = azureauth.attended(&token_arguments("header", "devicecode"))?;
    expect_text(&header, "Authorization: Bearer ey")?;
    let again = azureauth.silently(&token_arguments("token", "devicecode"))?;
    expect_text(&header, again.trim())?;
    let mut command = azureauth.command(&token_arguments("header", "devicecode"))?;
    command.env("AZUREAUTH_ADO_PAT", "a-token-of-ones-own");
    let own = stage.sandbox.run(command)?.expect_ok("ado token with a token of one's own")?.stdout();
    ensure!(
        own.trim() == format!("Authorization: Basic {}", STANDARD.encode(":a-token-of-ones-own")),
        "{own}"
    );

    // The other side of the switch: a token that is no JWT ends azureauth, after the sign-in.
    stage.tell("switches", json!({"opaque-access-tokens": true}))?;
    stage.tell("revoke-sessions", json!({"user": "alice"}))?;
    let args = ["aad", "--client", APP_MINT, "--scope", &scope(), "--output", "status"];
    let args = [&args[..], &WHERE, &BY_DEVICE_CODE].concat();
    let ran = with_device_code(azureauth.command(&args)?, |code| stage.approve_device(code))?;
    ensure!(!ran.status.success(), "azureauth takes opaque tokens now: {}", ran.said);
    expect_text(&ran.said, "IDX14100")?;
    azureauth.version()
}

/// The system browser, opened as on any Linux desktop.
fn token_by_browser(stage: &mut Stage) -> Result<String> {
    let azureauth = Azureauth::new(stage)?;
    let desk = Desk::new(stage, "xdg-open")?;
    let mut command = azureauth.command(&token_arguments("headervalue", "web"))?;
    command.env("DISPLAY", ":0").stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn()?;
    let run = thread::spawn(move || child.wait_with_output());
    desk.serve(Choice::SignIn, "close")?;
    let output = run.join().map_err(|_| anyhow!("azureauth could not be waited for"))??;
    let said = Ran { output, took: Duration::ZERO }.expect_ok("ado token --mode web")?.stdout();
    expect_text(&said, "Bearer ey")?;
    azureauth.version()
}

fn scope() -> String {
    "499b84ac-1321-427f-aa17-267ca6975798/vso.pats".to_owned()
}

/// Any application's token, its cache, and the cache cleared.
fn aad(stage: &mut Stage) -> Result<String> {
    let azureauth = Azureauth::new(stage)?;
    let scope = scope();
    let arguments = |output| {
        let own = ["aad", "--client", APP_MINT, "--scope", &scope, "--output", output];
        [&own[..], &WHERE, &BY_DEVICE_CODE].concat()
    };
    let got = document(&azureauth.attended(&arguments("json"))?)?;
    ensure!(got["user"] == "alice@contoso.example", "{got}");
    ensure!(got["display_name"] == "Alice Example", "{got}");
    let warm = azureauth.run(&arguments("status"))?.expect_ok("aad")?;
    expect_text(
        &format!("{}{}", warm.stdout(), warm.stderr()),
        "Token cache warm for alice@contoso.example",
    )?;
    let clear = ["aad", "--client", APP_MINT, "--scope", &scope, "--clear"];
    azureauth.run(&[&clear[..], &WHERE].concat())?.expect_ok("aad --clear")?;
    let before = azureauth.sign_ins();
    azureauth.attended(&arguments("status"))?;
    ensure!(azureauth.sign_ins() == before + 1, "the cache was not cleared");
    azureauth.version()
}
