//! A browser that brings back what the test says.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Output, Stdio},
    time::Instant,
};

use anyhow::{Context as _, Result, ensure};
use reqwest::Url;
use valetkey_tests::{Ran, Rig};

/// Runs a sign-in whose browser comes back with this query, and the state that belongs to it.
pub(super) fn signed_in(rig: &Rig, line: &[&str], query: &[(&str, &str)]) -> Result<Ran> {
    let started = Instant::now();
    let mut command = rig.sandbox.command("valetkey");
    // No display is set, so the address is printed and nothing is opened.
    let mut login = command.args(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(login.stderr.take().context("no standard error")?).lines();
    let mut said = Vec::new();
    let mut page = String::new();
    for line in lines.by_ref() {
        let line = line?;
        if page.is_empty()
            && let Some(at) = line.find("https://localhost")
        {
            let address = line[at..].split_whitespace().next().unwrap_or_default();
            page = come_back(address, query)?;
        }
        writeln!(said, "{line}")?;
    }
    let out = login.wait_with_output()?;
    ensure!(page.contains("You are not signed in"), "the browser shows: {page}");
    let output = Output { stderr: said, ..out };
    Ok(Ran { output, took: started.elapsed() })
}

/// The page that the browser shows in the end.
fn come_back(address: &str, query: &[(&str, &str)]) -> Result<String> {
    let address = Url::parse(address)?;
    let asked = |name: &str| {
        address
            .query_pairs()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
            .context("not asked")
    };
    let mut back = Url::parse(&asked("redirect_uri")?)?;
    back.query_pairs_mut().extend_pairs(query).append_pair("state", &asked("state")?);
    let port = back.port().context("a redirect without a port")?;
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    let target = format!("{}?{}", back.path(), back.query().unwrap_or_default());
    write!(stream, "GET {target} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n")?;
    let mut page = String::new();
    stream.read_to_string(&mut page)?;
    Ok(page)
}
