//! nginx in front of git's own server and of files, asking the identity provider about every token.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};

use super::{
    OidcProvider, Tls,
    process::{PATIENCE, Server, answers, free_ports},
};

/// Tries to find ports that nobody takes in the meantime.
const TRIES: u32 = 5;
/// Where Debian and others keep git's server.
const BACKENDS: [&str; 2] = ["/usr/lib/git-core/git-http-backend", "/usr/libexec/git-core/git-http-backend"];

/// What nginx is to serve.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'a> {
    /// Its certificate.
    pub tls: &'a Tls,
    /// Who judges tokens.
    pub provider: &'a OidcProvider,
    /// An empty folder of its own.
    pub folder: &'a Path,
}

/// A running nginx, and the fcgiwrap behind it.
#[derive(Debug)]
pub struct Nginx {
    _server: Server,
    _fcgiwrap: Server,
    folder: PathBuf,
    dev: u16,
    pkgs: u16,
    pats: u16,
    marks: u16,
    /// How often it was asked for its log.
    asked: AtomicU32,
}

impl Nginx {
    /// Starts both.
    pub fn start(plan: &Plan<'_>) -> Result<Self> {
        let folder = plan.folder;
        for name in ["repositories", "feed"] {
            fs::create_dir_all(folder.join(name))?;
        }
        let socket = folder.join("fcgiwrap.socket");
        let mut fcgiwrap = Command::new("fcgiwrap");
        fcgiwrap.arg("-s").arg(format!("unix:{}", socket.display())).env("HOME", folder);
        fcgiwrap.env("GIT_CONFIG_NOSYSTEM", "1").stdin(Stdio::null()).stderr(Stdio::null());
        let mut fcgiwrap = Server::start(&mut fcgiwrap)?;
        fcgiwrap.wait_for(|| socket.exists()).context("fcgiwrap")?;
        for _ in 0..TRIES {
            let ports = free_ports::<5>()?;
            fs::write(folder.join("nginx.conf"), configuration(plan, ports)?)?;
            let mut nginx = Command::new("nginx");
            nginx.arg("-p").arg(folder).args(["-c", "nginx.conf", "-e", "error.log"]);
            nginx.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            let mut server = Server::start(&mut nginx)?;
            let ready = server.wait_for(|| ports.iter().all(|port| answers(*port)));
            let [dev, pkgs, pats, _, marks] = ports;
            match ready {
                Ok(()) => {
                    let folder = folder.to_owned();
                    let asked = AtomicU32::new(0);
                    return Ok(Self {
                        _server: server,
                        _fcgiwrap: fcgiwrap,
                        folder,
                        dev,
                        pkgs,
                        pats,
                        marks,
                        asked,
                    });
                }
                Err(_) if errors(folder).contains("Address already in use") => {}
                Err(error) => bail!("nginx: {error}: {}", errors(folder)),
            }
        }
        bail!("no port stayed free for nginx")
    }

    /// Base address of the git host.
    pub fn dev(&self) -> String {
        format!("https://localhost:{}", self.dev)
    }

    /// Base address of the feeds.
    pub fn pkgs(&self) -> String {
        format!("https://localhost:{}", self.pkgs)
    }

    /// Base address of what stands in for the PAT API.
    pub fn pats(&self) -> String {
        format!("https://localhost:{}", self.pats)
    }

    /// The folder that feeds are served from.
    pub fn feeds(&self) -> PathBuf {
        self.folder.join("feed")
    }

    /// The address of a new repository with nothing in it.
    pub fn new_repository(&self, path: &str) -> Result<String> {
        let folder = self.folder.join("repositories").join(path);
        let mut init = Command::new("git");
        init.args(["init", "--quiet", "--bare", "--initial-branch=main"]).arg(&folder);
        ensure!(init.status()?.success(), "git init");
        Ok(format!("{}/{path}", self.dev()))
    }

    /// Its version.
    pub fn version(&self) -> Result<String> {
        let out = Command::new("nginx").arg("-v").output()?;
        let said = String::from_utf8_lossy(&out.stderr);
        Ok(said.trim().rsplit('/').next().unwrap_or_default().to_owned())
    }

    /// Its access log up to now: port, method, address, status and the name of the client, a line each.
    ///
    /// # Panics
    /// When it does not write the request that is to come last.
    pub fn log(&self) -> String {
        let mark = format!("/mark-{} ", self.asked.fetch_add(1, Ordering::Relaxed));
        let asked = TcpStream::connect((Ipv4Addr::LOCALHOST, self.marks)).and_then(|mut stream| {
            write!(stream, "GET {mark}HTTP/1.0\r\n\r\n")?;
            stream.read_to_end(&mut Vec::new())
        });
        asked.expect("nginx does not answer");
        let end = Instant::now() + PATIENCE;
        loop {
            let log = fs::read_to_string(self.folder.join("access.log")).unwrap_or_default();
            let whole = log.rsplit_once('\n').map_or("", |(whole, _)| whole);
            if whole.contains(&mark) {
                return log;
            }
            assert!(Instant::now() < end, "nginx does not write what it answers");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Requests of that method and status whose address holds `part`.
    pub fn count(&self, method: &str, part: &str, status: u16) -> usize {
        let status = format!(" {status} ");
        let of = |line: &&str| {
            line.split(' ').nth(1) == Some(method) && line.contains(part) && line.contains(&status)
        };
        self.log().lines().filter(of).count()
    }
}

fn errors(folder: &Path) -> String {
    fs::read_to_string(folder.join("error.log")).unwrap_or_default()
}

fn configuration(plan: &Plan<'_>, ports: [u16; 5]) -> Result<String> {
    let Plan { tls, provider, folder } = *plan;
    let backend = BACKENDS.iter().find(|file| Path::new(file).is_file()).context("no git-http-backend")?;
    let path = |path: &Path| path.display().to_string();
    let mut text = include_str!("nginx.conf").replace("@CHECK@", include_str!("check.conf"));
    for (name, value) in [
        ("DEV", ports[0].to_string()),
        ("PKGS", ports[1].to_string()),
        ("PATS", ports[2].to_string()),
        ("ANSWERS", ports[3].to_string()),
        ("MARKS", ports[4].to_string()),
        ("CERTIFICATE", path(&tls.certificate)),
        ("KEY", path(&tls.key)),
        ("AUTHORITY", path(&tls.authority)),
        ("FASTCGI", "/etc/nginx/fastcgi_params".to_owned()),
        ("BACKEND", (*backend).to_owned()),
        ("REPOSITORIES", path(&folder.join("repositories"))),
        ("FEED", path(&folder.join("feed"))),
        ("SOCKET", path(&folder.join("fcgiwrap.socket"))),
        ("USERINFO", provider.endpoint("userinfo")),
        ("PROVIDER_HOST", provider.url().replace("https://", "")),
        ("PROVIDER", provider.url()),
        ("TENANT", provider.tenant().to_owned()),
        ("RESTRICTED", u8::from(provider.settings().restricted).to_string()),
    ] {
        text = text.replace(&format!("@{name}@"), &value);
    }
    Ok(text)
}
