//! What a client sent and what it got, kept as a fixture with every secret masked. One line of JSON for each exchange,
//! and for each thing that happened in between; the first line says who spoke, and when.

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::{Context as _, Result, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};
use valetkey_emulator::Exchange;

use super::{
    Flow, Stage, fixture,
    mask::{Names, pairs},
    shape::Answer,
};
use crate::skip::variable;

/// Set when conversations are to be written to `tests/fixtures/fidelity`.
const RECORD: &str = "VALETKEY_RECORD";

/// RFC 7636 appendix B: stands in for every client's own pair.
const PKCE: [(&str, &str); 2] = [
    ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
    ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
];

/// Headers of requests that say nothing about the client.
const DULL: [&str; 8] = [
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "host",
    "traceparent",
    "transfer-encoding",
];

/// Hosts that speak plain HTTP on a port of their own, where no replay reaches them.
const PLAIN: [&str; 3] = ["169.254.169.254", "localhost:", "127.0.0.1:"];

/// Writes what was said on this stage, when recording is asked for; of a flow that a replay cannot hold, nothing.
///
/// # Errors
/// When the fixture cannot be written, or would hold a secret.
pub fn keep(stage: &Stage, flow: &Flow, version: &str) -> Result<()> {
    let plain = |exchange: &Exchange| PLAIN.iter().any(|host| exchange.authority.starts_with(host));
    if variable(RECORD).is_none() || stage.control().exchanges().values().any(plain) {
        return Ok(());
    }
    let text = lines(stage, flow, version)?;
    if let Some(secret) = stage.control().secrets().iter().find(|secret| text.contains(secret.as_str())) {
        bail!("the record holds a secret that begins with {}", &secret[..secret.len().min(6)]);
    }
    let file = fixture(flow.client, flow.name);
    fs::create_dir_all(file.parent().unwrap_or(Path::new(".")))?;
    fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
}

fn lines(stage: &Stage, flow: &Flow, version: &str) -> Result<String> {
    let exchanges = stage.control().exchanges();
    let said = exchanges.iter().filter(|(_, exchange)| !exchange.target.starts_with("/favicon.ico"));
    let names = names(stage, &said.clone().map(|(_, exchange)| exchange).collect::<Vec<_>>());
    let begun = exchanges.values().next().map_or(stage.control().now(), |exchange| exchange.at);
    let mut lines = vec![json!({"client": flow.client, "flow": flow.name, "version": version, "at": begun})];
    let mut told = stage.told().into_iter().peekable();
    let mut since = BTreeSet::new();
    for (place, exchange) in said {
        while let Some(told) = told.next_if(|told| told.after <= *place) {
            since.clear();
            lines.push(names.mask_all(&json!({"told": told.path, "body": told.body, "answer": told.answer})));
        }
        let mut line = line(exchange, &names);
        // The same words with nothing in between prove nothing more.
        if since.insert(line.to_string()) {
            line["after"] = json!(exchange.at - begun);
            lines.push(line);
        }
    }
    let text: Result<Vec<_>, _> = lines.iter().map(serde_json::to_string).collect();
    Ok(text?.join("\n") + "\n")
}

/// Names for the values of answers that are secret or that a later request repeats, and for this machine's own.
fn names(stage: &Stage, exchanges: &[&Exchange]) -> Names {
    let secrets = stage.control().secrets();
    let asked: Vec<String> = exchanges.iter().map(|exchange| decoded(exchange)).collect();
    let mut names = Names::default();
    for told in stage.told() {
        for (key, value) in told.answer.as_object().into_iter().flatten() {
            value.as_str().into_iter().for_each(|value| names.learn(key, value));
        }
    }
    for (place, exchange) in exchanges.iter().enumerate() {
        let (before, after) = asked.split_at(place + 1);
        let said = |texts: &[String], value: &str| texts.iter().any(|text| text.contains(value));
        for (key, value) in answer(exchange).values() {
            let repeated = may_be_repeated(&value) && !said(before, &value) && said(after, &value);
            if secrets.contains(&value) || repeated || key == "user_code" {
                names.learn(&key, &value);
            }
        }
    }
    if let Ok(machine) = fs::read_to_string("/proc/sys/kernel/hostname") {
        names.set("machine", machine.trim());
    }
    names
}

/// Long enough and mixed enough to be an identifier or a secret, and no address.
fn may_be_repeated(value: &str) -> bool {
    value.len() >= 8
        && value.bytes().filter(u8::is_ascii_digit).count() > 2
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte))
}

fn answer(exchange: &Exchange) -> Answer<'_> {
    let body = if exchange.method == "HEAD" { &[][..] } else { &exchange.answer_body };
    Answer { status: exchange.status, headers: &exchange.answer_headers, body }
}

/// Everything a request says, without its encodings.
fn decoded(exchange: &Exchange) -> String {
    let body = String::from_utf8_lossy(&exchange.body);
    let said = [&exchange.target, &*body].map(|text| format!("{:?}", pairs(text)));
    let headers: Vec<_> = exchange.headers.iter().map(|(_, value)| value.as_str()).collect();
    format!("{} {body} {} {}", said.join(" "), headers.join(" "), authorization(exchange).unwrap_or_default())
}

fn line(exchange: &Exchange, names: &Names) -> Value {
    let (path, query) = exchange.target.split_once('?').unwrap_or((&exchange.target, ""));
    let mut line = json!({
        "method": exchange.method,
        "host": exchange.authority,
        "path": names.mask(path),
        "headers": headers(exchange, names),
    });
    if !query.is_empty() {
        line["query"] = masked_pairs(query, names);
    }
    if let Some(text) = authorization(exchange) {
        line["authorization"] = json!(names.mask(&text));
    }
    if let Some((kind, body)) = body(exchange, names) {
        line[kind] = body;
    }
    line["answer"] = answer(exchange).shape(&|text| names.mask(text));
    line
}

fn headers(exchange: &Exchange, names: &Names) -> Map<String, Value> {
    let by_browser = exchange.headers.iter().any(|(_, value)| value.contains("Chrome/"));
    let said = |name: &str| !DULL.contains(&name) && (!by_browser || name == "content-type");
    let kept = exchange.headers.iter().filter(|(name, _)| said(name));
    kept.map(|(name, value)| (name.clone(), json!(names.mask(value)))).collect()
}

/// `Basic` in clear: the name, a colon, the password.
fn authorization(exchange: &Exchange) -> Option<String> {
    let (_, value) = exchange.headers.iter().find(|(name, _)| name == "authorization")?;
    let (scheme, rest) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Some(value.clone());
    }
    let pair = STANDARD.decode(rest).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    Some(format!("{scheme} {}", pair.unwrap_or_else(|| rest.to_owned())))
}

fn body(exchange: &Exchange, names: &Names) -> Option<(&'static str, Value)> {
    let kind = exchange.headers.iter().find(|(name, _)| name == "content-type");
    let kind = kind.map_or("", |(_, value)| value.as_str());
    if kind.starts_with("application/x-git") || kind.contains("octet-stream") {
        return Some(("opaque", json!(kind)));
    }
    if exchange.body.is_empty() {
        return None;
    }
    if kind.starts_with("application/x-www-form-urlencoded") {
        return Some(("form", masked_pairs(&String::from_utf8_lossy(&exchange.body), names)));
    }
    match serde_json::from_slice(&exchange.body) {
        Ok(body) => Some(("json", names.mask_all(&body))),
        Err(_) => Some(("opaque", json!(kind))),
    }
}

fn masked_pairs(text: &str, names: &Names) -> Value {
    let stands_in = |name: &str| PKCE.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    let pairs = pairs(text).into_iter().map(|(name, value)| {
        let value = stands_in(&name).map_or_else(|| names.mask(&value), str::to_owned);
        json!([name, value])
    });
    pairs.collect()
}
