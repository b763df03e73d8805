//! Bodies that are not what was asked for.

use std::{io::Write as _, sync::LazyLock};

use flate2::{Compression, write::GzEncoder};

use crate::attack::{Attack, HTML, Harm, JSON, QUESTION, answer};

const PAGE: &str = "<!DOCTYPE html><html><head><title>Azure DevOps Services | Sign In</title></head>";

pub(crate) fn all(honest: &str) -> Vec<Attack> {
    let mut all = pages(honest);
    all.extend(broken(honest));
    all.extend(compressed(honest));
    all.extend(reflected());
    all
}

/// Web pages, and honest JSON that calls itself something else.
fn pages(honest: &str) -> Vec<Attack> {
    let mut all = Vec::new();
    for status in [200, 201, 203, 400, 401, 403, 404, 500] {
        all.push(Attack::answering(format!("a page with {status}"), Harm::None, status, HTML, PAGE));
    }
    all.push(Attack::answering("a page that says it is JSON", Harm::None, 200, JSON, PAGE));
    all.push(Attack::answering("a page of no type", Harm::None, 200, "", PAGE));
    all.push(Attack::answering("JSON that says it is a page", Harm::Odd, 200, HTML, honest));
    for kind in [
        "text/plain",
        "application/octet-stream",
        "application/xml",
        "",
        ";",
        "\u{e4}/\u{e4}",
        "x".repeat(9000).as_str(),
    ] {
        let lines = format!("content-type: {kind}\r\n");
        all.push(Attack::answering(format!("JSON as {kind:.20}"), Harm::Odd, 200, &lines, honest));
    }
    all
}

/// What is no JSON, or not this one.
fn broken(honest: &str) -> Vec<Attack> {
    let half = &honest.as_bytes()[..honest.len() / 2];
    let object = honest.trim_end().trim_end_matches('}');
    let twice = format!("{object},{}", honest.trim_start().trim_start_matches('{'));
    let deep = |open: &str, times| open.repeat(times).into_bytes();
    let more = |field: &str| format!("{object},{field}}}").into_bytes();
    let utf16: Vec<u8> = honest.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let none = [
        ("nothing but white space", b" \r\n\t ".to_vec()),
        ("a byte order mark alone", b"\xef\xbb\xbf".to_vec()),
        ("half of it", half.to_vec()),
        ("UTF-16", [b"\xff\xfe".to_vec(), utf16].concat()),
        ("no UTF-8", [b"{\"\xff\xfe\":\"".to_vec(), vec![0x80; 64], b"\"}".to_vec()].concat()),
        ("a hundred thousand brackets", deep("[", 100_000)),
        ("a hundred thousand braces", deep("{\"a\":", 100_000)),
        ("a list", b"[]".to_vec()),
        ("a list of nothing", b"[null,null,null,null,null,null,null,null]".to_vec()),
        ("nothing", b"null".to_vec()),
        ("a text", b"\"token\"".to_vec()),
        ("a number", b"17".to_vec()),
        ("an empty object", b"{}".to_vec()),
        ("an object of an object", format!("{{\"value\":{honest}}}").into_bytes()),
        ("more behind it", format!("{honest}{honest}").into_bytes()),
        ("nul bytes behind it", format!("{honest}\0\0\0").into_bytes()),
        ("a list of two", b"[null,null]".to_vec()),
    ];
    let odd = [
        ("each field twice", twice.into_bytes()),
        ("a number beyond all bounds", more("\"x\":1e999999999")),
        ("a number of 100 kB", more(&format!("\"x\":{}", "9".repeat(100_000)))),
        ("a field ten thousand deep", more(&format!("\"x\":{}{}", "[".repeat(10_000), "]".repeat(10_000)))),
        ("half a surrogate pair", more("\"x\":\"\\ud83d\"")),
        (
            "a hundred thousand fields",
            more(&(0..100_000).map(|n| format!("\"{n}\":0")).collect::<Vec<_>>().join(",")),
        ),
        ("after a byte order mark", [b"\xef\xbb\xbf", honest.as_bytes()].concat()),
    ];
    let none = none.into_iter().map(|(name, body)| (name, Harm::None, body));
    let odd = odd.into_iter().map(|(name, body)| (name, Harm::Odd, body));
    none.chain(odd).map(|(name, harm, body)| Attack::answering(name, harm, 200, JSON, body)).collect()
}

/// Bodies that are small on the wire. Nobody asked for compression.
fn compressed(honest: &str) -> Vec<Attack> {
    static BOMB: LazyLock<Vec<u8>> = LazyLock::new(|| gzip(&vec![b' '; 8 << 20]));
    let mut all = Vec::new();
    for (name, encoding, body) in [
        ("gzip", "gzip", gzip(honest.as_bytes())),
        ("a gzip bomb", "gzip", BOMB.clone()),
        ("a gzip bomb in a gzip", "gzip, gzip", gzip(&BOMB)),
        ("gzip that is none", "gzip", b"\x1f\x8b\x08\0what".to_vec()),
    ] {
        let lines = format!("{JSON}content-encoding: {encoding}\r\n");
        all.push(Attack::answering(name, Harm::None, 200, &lines, body));
    }
    for encoding in ["br", "zstd", "x-unheard-of"] {
        let lines = format!("{JSON}content-encoding: {encoding}\r\n");
        all.push(Attack::answering(format!("plain text called {encoding}"), Harm::Odd, 200, &lines, honest));
    }
    all
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut writer = GzEncoder::new(Vec::new(), Compression::fast());
    writer.write_all(body).and_then(|()| writer.finish()).expect("a vector takes everything")
}

/// The question said back in every place that is read out to people.
fn reflected() -> Vec<Attack> {
    let mut all = Vec::new();
    let fields = ["message", "error_description", "error", "patTokenError"];
    for status in [200, 400, 401, 403, 404, 409, 429, 500, 503] {
        for field in fields {
            let body = format!("{{\"error\":\"invalid_request\",\"{field}\":\"{QUESTION}\"}}");
            let body = if field == "error" { format!("{{\"error\":\"{QUESTION}\"}}") } else { body };
            all.push(Attack::answering(
                format!("{status}, the question in `{field}`"),
                Harm::None,
                status,
                JSON,
                body,
            ));
        }
    }
    all.push(Attack::answering("400, the question as text", Harm::None, 400, "", QUESTION));
    let lines = format!("x-tfs-serviceerror: {QUESTION}\r\n");
    all.push(Attack::answering("400, the question in a header", Harm::None, 400, &lines, ""));
    let mut reason = answer(400, "", b"");
    reason.splice(9.., format!("400 {QUESTION}\r\ncontent-length: 0\r\n\r\n").into_bytes());
    all.push(Attack::saying("400, the question as the reason", Harm::None, reason));
    all
}
