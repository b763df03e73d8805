//! npm's `oidc-provider`, unmodified, under the addresses of Microsoft Entra.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{ChildStdin, Command, Stdio},
    sync::{
        Mutex, PoisonError,
        mpsc::{self, Receiver},
    },
    thread,
};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::{
    Tls,
    process::{PATIENCE, Server},
};

/// The registered application.
const CLIENT_ID: &str = "7f3c1a52-5d0e-4b0a-9d53-0a4a4f6b7c11";

/// Another registered application, whose tokens are for handing out: no right to make keys is asked for through it.
pub const LENDER: &str = "a94e0b7d-0f52-4b1e-8c3b-6f1d2e5a7c90";
/// The package below the folder of clients.
pub const PACKAGE: &str = "npm/node_modules/oidc-provider";

/// What differs between providers, and between servers that ask them.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// The tenant that all of its addresses begin with.
    pub tenant: &'static str,
    /// Life of an access token.
    pub token_seconds: u32,
    /// Whether id_tokens lack what only Entra puts there: the person's name, the object, the tenant.
    pub bare: bool,
    /// Whether what stands in for the PAT API refuses to make any.
    pub restricted: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { tenant: "contoso.example", token_seconds: 3600, bare: false, restricted: false }
    }
}

/// A running provider.
#[derive(Debug)]
pub struct OidcProvider {
    _server: Server,
    package: PathBuf,
    settings: Settings,
    port: u16,
    words: Mutex<Words>,
}

/// What it says, and where it is asked to say that this was all.
#[derive(Debug)]
struct Words {
    asks: ChildStdin,
    says: Receiver<Value>,
    said: Vec<Value>,
    marks: u32,
}

impl OidcProvider {
    /// Starts the package in `package` with node. Settings are written to `folder`.
    pub fn start(package: &Path, folder: &Path, tls: &Tls, settings: Settings) -> Result<Self> {
        let file = folder.join("provider.json");
        let text = json!({
            "package": package,
            "certificate": tls.certificate,
            "key": tls.key,
            "tenant": settings.tenant,
            "client_ids": [CLIENT_ID, LENDER],
            "token_seconds": settings.token_seconds,
            "bare": settings.bare,
        });
        fs::write(&file, text.to_string())?;
        let mut command = Command::new("node");
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/others/provider.mjs")).arg(file);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(fs::File::create(folder.join("provider.log"))?);
        let mut server = Server::start(&mut command)?;
        let out = server.0.stdout.take().context("no standard output")?;
        let asks = server.0.stdin.take().context("no standard input")?;
        let (to, says) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                // The package gives notices of its own.
                let Ok(line) = serde_json::from_str::<Value>(&line) else { continue };
                if to.send(line).is_err() {
                    return;
                }
            }
        });
        let port = says.recv_timeout(PATIENCE).ok().and_then(|line| line["port"].as_u64());
        let port = port.with_context(|| {
            let log = fs::read_to_string(folder.join("provider.log")).unwrap_or_default();
            format!("the provider does not listen: {log}")
        })?;
        let package = package.to_owned();
        let words = Mutex::new(Words { asks, says, said: Vec::new(), marks: 0 });
        Ok(Self { _server: server, package, settings, port: u16::try_from(port)?, words })
    }

    /// Its base address, as `[entra] authority` has it.
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// The address of one of its endpoints, for example `userinfo`.
    pub fn endpoint(&self, name: &str) -> String {
        format!("{}/{}/oauth2/v2.0/{name}", self.url(), self.settings.tenant)
    }

    /// The page where a device code is typed.
    pub fn device_page(&self) -> String {
        format!("{}/devicelogin", self.url())
    }

    /// The tenant.
    pub fn tenant(&self) -> &'static str {
        self.settings.tenant
    }

    /// The registered application.
    pub fn client_id(&self) -> &'static str {
        CLIENT_ID
    }

    /// The package's version.
    pub fn version(&self) -> Result<String> {
        let about: Value = serde_json::from_slice(&fs::read(self.package.join("package.json"))?)?;
        Ok(about["version"].as_str().context("no version")?.to_owned())
    }

    /// What it said of its work so far: all of it, since it speaks of a request before it answers, and is asked here
    /// to say that it has said everything.
    ///
    /// # Panics
    /// When it does not say so.
    pub fn said(&self) -> Vec<Value> {
        let mut words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        words.marks += 1;
        let mark = words.marks.to_string();
        writeln!(words.asks, "{mark}").expect("the provider has ended");
        loop {
            let line = words.says.recv_timeout(PATIENCE).expect("the provider does not say that it said all");
            if line["mark"] == mark.as_str() {
                return words.said.clone();
            }
            words.said.push(line);
        }
    }

    /// How often it said that `event` happened, of that grant.
    pub fn count(&self, event: &str, grant: &str) -> usize {
        self.said().iter().filter(|line| line["event"] == event && line["grant"] == grant).count()
    }

    /// How often it granted anything to that application.
    pub fn granted_to(&self, client_id: &str) -> usize {
        let said = self.said();
        said.iter().filter(|line| line["event"] == "granted" && line["client"] == client_id).count()
    }

    /// What differs here.
    pub fn settings(&self) -> Settings {
        self.settings
    }

    /// Nothing broke inside it, and nobody showed it a secret that a public client cannot have.
    pub fn content(&self) -> Result<()> {
        let said = self.said();
        let bad = said.iter().find(|line| line["event"] == "broken" || line["secret"] == true);
        ensure!(bad.is_none(), "{bad:?}");
        Ok(())
    }
}
