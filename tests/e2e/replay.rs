//! Conversations of real clients, recorded in `tests/fixtures/fidelity`, held once more with the emulator: it must still
//! say what those clients understood. Needs none of the clients.

use std::{fs, net::SocketAddr, path::Path};

use anyhow::{Context as _, Result, bail, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::{Certificate, Client, Method, redirect::Policy};
use serde_json::Value;
use valetkey_emulator::{ClockMode, Emulator, Options};
use valetkey_tests::fidelity::{
    mask::{Names, encoded},
    shape::Answer,
};

/// Requests that a replay cannot make: what git packs is its own.
const OPAQUE: &str = "opaque";

#[test]
fn recorded_conversations_still_hold() -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/fidelity");
    let mut replayed = 0;
    for file in fs::read_dir(&folder).context("no fixtures")? {
        let file = file?.path();
        let said = fs::read_to_string(&file)?;
        let lines: Vec<Value> = said.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        let name = file.file_name().unwrap_or_default().display().to_string();
        let asked = tokio::runtime::Runtime::new()?.block_on(replay(&lines)).with_context(|| name.clone())?;
        ensure!(asked > 0, "{name} holds no request that can be made again");
        replayed += 1;
    }
    ensure!(replayed > 0, "no conversation was replayed");
    Ok(())
}

/// A conversation that is being held again.
struct Talk {
    emulator: Emulator,
    http: Client,
    names: Names,
    port: u16,
    begun: i64,
}

async fn replay(lines: &[Value]) -> Result<usize> {
    let (head, rest) = lines.split_first().context("an empty file")?;
    let mut talk = Talk::begin(head["at"].as_i64().context("no time")?, rest)?;
    let mut asked = 0;
    for (number, line) in rest.iter().enumerate() {
        if let Some(path) = line["told"].as_str() {
            talk.tell(path, line)?;
        } else if line.get(OPAQUE).is_none() {
            talk.ask(line).await.with_context(|| format!("line {}: {}", number + 2, line["path"]))?;
            asked += 1;
        }
    }
    Ok(asked)
}

impl Talk {
    fn begin(begun: i64, lines: &[Value]) -> Result<Self> {
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let emulator = Emulator::start(Options {
            sealed: Some(anywhere),
            clock: ClockMode::Frozen(begun),
            ..Options::default()
        })?;
        let (_, port) = emulator.urls().dev.rsplit_once(':').context("no port")?;
        let port = port.parse()?;
        let mut http = Client::builder()
            .tls_certs_only([Certificate::from_pem(emulator.ca_pem().as_bytes())?])
            .redirect(Policy::none())
            .no_proxy();
        for host in lines.iter().filter_map(|line| line["host"].as_str()) {
            http = http.resolve(host, SocketAddr::from(([127, 0, 0, 1], port)));
        }
        Ok(Self { http: http.build()?, emulator, names: Names::default(), port, begun })
    }

    fn tell(&mut self, path: &str, line: &Value) -> Result<()> {
        let answer = self.emulator.control().tell(path, &self.names.fill_all(&line["body"]))?;
        for (key, place) in line["answer"].as_object().into_iter().flatten() {
            if let (Some(place), Some(value)) = (place.as_str(), answer[key].as_str()) {
                self.names.set(place, value);
            }
        }
        Ok(())
    }

    async fn ask(&mut self, line: &Value) -> Result<()> {
        self.emulator.control().set_clock(self.begun + line["after"].as_i64().context("no time")?);
        let got = self.request(line)?.send().await?;
        let status = got.status().as_u16();
        let plain = |text: &str| text.replace(&format!(":{}", self.port), "");
        let headers: Vec<_> = got
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), plain(&String::from_utf8_lossy(value.as_bytes()))))
            .collect();
        let body = got.bytes().await?;
        let body = match std::str::from_utf8(&body) {
            Ok(text) => plain(text).into_bytes(),
            Err(_) => body.to_vec(),
        };
        let answer = Answer { status, headers: &headers, body: &body };
        let recorded = &line["answer"];
        for (place, value) in answer.bind(recorded) {
            self.names.set(&place, &value);
        }
        let shape = answer.shape(&|text| self.names.mask(text));
        if shape != *recorded {
            bail!("the emulator used to answer\n{recorded}\nand answers\n{shape}");
        }
        Ok(())
    }

    fn request(&self, line: &Value) -> Result<reqwest::RequestBuilder> {
        let text = |name: &str| line[name].as_str().with_context(|| format!("no {name}"));
        let mut url = format!("https://{}:{}{}", text("host")?, self.port, self.names.fill(text("path")?));
        if let Some(query) = self.pairs(&line["query"]) {
            url = format!("{url}?{query}");
        }
        let mut request = self.http.request(Method::from_bytes(text("method")?.as_bytes())?, url);
        for (name, value) in line["headers"].as_object().into_iter().flatten() {
            request = request.header(name, self.names.fill(value.as_str().unwrap_or_default()));
        }
        if let Some(authorization) = line["authorization"].as_str() {
            let authorization = self.names.fill(authorization);
            request = match authorization.split_once(' ') {
                Some(("Basic", pair)) => {
                    request.header("authorization", format!("Basic {}", STANDARD.encode(pair)))
                }
                _ => request.header("authorization", authorization),
            };
        }
        if let Some(form) = self.pairs(&line["form"]) {
            request = request.body(form);
        } else if let Some(json) = line.get("json") {
            request = request.body(self.names.fill_all(json).to_string());
        }
        Ok(request)
    }

    fn pairs(&self, pairs: &Value) -> Option<String> {
        let text = |value: &Value| self.names.fill(value.as_str().unwrap_or_default());
        let pairs: Vec<_> = pairs.as_array()?.iter().map(|pair| (text(&pair[0]), text(&pair[1]))).collect();
        Some(encoded(&pairs))
    }
}
