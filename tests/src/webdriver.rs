//! A real browser, driven through chromedriver (W3C WebDriver) over plain HTTP on loopback.

use std::{
    io::{BufRead, BufReader, Write as _},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// How long a page may take to show what is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long chromedriver may take for one command: it gives Chromium a minute to start.
const LONGEST: Duration = Duration::from_secs(120);

/// How often chromedriver is started. It takes a free port of IPv4 and gives up where somebody has the same of IPv6.
const TRIES: u32 = 5;

/// A browser with one window.
#[derive(Debug)]
pub struct Browser {
    driver: Child,
    port: u16,
    session: String,
}

/// A chromedriver, and its port.
fn driver(folder: &Path) -> Result<(Child, u16)> {
    let mut said = Vec::new();
    for _ in 0..TRIES {
        let mut driver = Command::new("chromedriver")
            .args(["--port=0"])
            .env("HOME", folder)
            .env("TMPDIR", folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("chromedriver does not start")?;
        let out = driver.stdout.take().context("no standard output")?;
        let mut lines = BufReader::new(out).lines().map_while(Result::ok);
        let port = lines
            .by_ref()
            .inspect(|line| said.push(line.clone()))
            .find_map(|line| line.rsplit_once("successfully on port ")?.1.trim_end_matches('.').parse().ok());
        if let Some(port) = port {
            // What it says later is read as well: a full pipe would stop it.
            thread::spawn(move || lines.for_each(drop));
            return Ok((driver, port));
        }
        // It says no more, and has ended.
        driver.wait()?;
    }
    bail!("chromedriver names no port: {}", said.join("; "))
}

impl Browser {
    /// Starts chromedriver and a headless Chromium whose profile and passing files lie in `folder`. Certificates of the emulator are
    /// accepted, since the browser knows nothing of its authority.
    pub fn start(folder: &Path) -> Result<Self> {
        let (driver, port) = driver(folder)?;
        let mut browser = Self { driver, port, session: String::new() };
        let profile = format!("--user-data-dir={}", folder.join("chromium").display());
        let args = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--window-size=900,700",
            &profile,
        ];
        let wish = json!({"capabilities": {"alwaysMatch": {
            "acceptInsecureCerts": true,
            "goog:chromeOptions": {"args": args},
        }}});
        let answer = browser.call("POST", "/session", &wish)?;
        answer["sessionId"].as_str().context("no session")?.clone_into(&mut browser.session);
        Ok(browser)
    }

    /// Opens an address.
    pub fn open(&self, url: &str) -> Result<()> {
        self.command("POST", "url", &json!({ "url": url })).map(|_| ())
    }

    /// Clicks the first element of that selector, as soon as there is one.
    pub fn click(&self, selector: &str) -> Result<()> {
        let id = self.find(selector)?;
        self.command("POST", &format!("element/{id}/click"), &json!({})).map(|_| ())
    }

    /// Types into the first element of that selector, as soon as there is one. What stood there goes.
    pub fn type_into(&self, selector: &str, text: &str) -> Result<()> {
        let id = self.find(selector)?;
        self.command("POST", &format!("element/{id}/clear"), &json!({}))?;
        self.command("POST", &format!("element/{id}/value"), &json!({ "text": text })).map(|_| ())
    }

    fn find(&self, selector: &str) -> Result<String> {
        let wish = json!({"using": "css selector", "value": selector});
        let found = wait(|| self.command("POST", "element", &wish)).with_context(|| selector.to_owned())?;
        let id = found.as_object().and_then(|map| map.values().next()).and_then(Value::as_str);
        Ok(id.context("no element")?.to_owned())
    }

    /// Waits until the page's text holds `words`, and gives the whole text.
    pub fn text_with(&self, words: &str) -> Result<String> {
        let script = json!({"script": "return document.body ? document.body.innerText : ''", "args": []});
        wait(|| {
            let text = self.command("POST", "execute/sync", &script)?;
            let text = text.as_str().unwrap_or_default().to_owned();
            if text.contains(words) { Ok(text) } else { bail!("the page says: {text}") }
        })
    }

    /// A picture of the window, as PNG.
    pub fn screenshot(&self) -> Result<Vec<u8>> {
        let picture = self.command("GET", "screenshot", &Value::Null)?;
        Ok(STANDARD.decode(picture.as_str().context("no picture")?)?)
    }

    fn command(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        self.call(method, &format!("/session/{}/{path}", self.session), body)
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(LONGEST))?;
        let body = if body.is_null() { String::new() } else { body.to_string() };
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )?;
        let mut value = answer(BufReader::new(stream))?;
        if let Some(error) = value["value"]["error"].as_str() {
            bail!("{error}: {}", value["value"]["message"].as_str().unwrap_or_default());
        }
        Ok(value["value"].take())
    }
}

/// Asks again until it works; the browser is asked over a socket, so each try takes its time.
fn wait<T>(mut what: impl FnMut() -> Result<T>) -> Result<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match what() {
            Ok(done) => return Ok(done),
            Err(error) if Instant::now() > deadline => return Err(error),
            Err(_) => {}
        }
    }
}

/// The JSON in an answer of known length: chromedriver keeps connections open.
fn answer(mut from: impl BufRead) -> Result<Value> {
    let (mut line, mut length) = (String::new(), 0);
    loop {
        line.clear();
        from.read_line(&mut line)?;
        match line.trim_end().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse()?;
            }
            None if line.trim_end().is_empty() => break,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    Ok(serde_json::from_slice(&body)?)
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.call("DELETE", &format!("/session/{}", self.session), &Value::Null);
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
