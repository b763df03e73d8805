//! Answers whose length is a lie, that never end, or that are no HTTP.

use crate::attack::{Attack, Harm, JSON, Step, answer};

pub(crate) fn all(honest: &str) -> Vec<Attack> {
    let mut all = lengths(honest);
    all.extend(slow(honest));
    all.extend(endless());
    all.extend(nonsense(honest));
    all
}

fn with(lines: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\n{JSON}{lines}\r\n{body}").into_bytes()
}

fn lengths(honest: &str) -> Vec<Attack> {
    let (length, half) = (honest.len(), honest.len() / 2);
    let ahead = [answer(200, JSON, honest.as_bytes()), answer(500, JSON, b"{}")].concat();
    let chunk = |body: &str| format!("{:x}\r\n{body}\r\n", body.len());
    [
        (
            "it ends before its length",
            Harm::None,
            with(&format!("content-length: {}\r\n", length + 9), honest),
        ),
        ("it goes on after its length", Harm::None, with(&format!("content-length: {half}\r\n"), honest)),
        (
            "a length of two kinds",
            Harm::Odd,
            with(&format!("content-length: {length}\r\ncontent-length: 1\r\n"), honest),
        ),
        ("a length below nothing", Harm::None, with("content-length: -1\r\n", honest)),
        ("a length that is no number", Harm::None, with("content-length: many\r\n", honest)),
        ("a length of 2^64", Harm::None, with("content-length: 18446744073709551616\r\n", honest)),
        ("a length of 2^63", Harm::None, with("content-length: 9223372036854775808\r\n", honest)),
        ("chunks without an end", Harm::None, with("transfer-encoding: chunked\r\n", &chunk(honest))),
        (
            "a chunk that is no number",
            Harm::None,
            with("transfer-encoding: chunked\r\n", "zz\r\n{}\r\n0\r\n\r\n"),
        ),
        ("a chunk of 2^64", Harm::None, with("transfer-encoding: chunked\r\n", "ffffffffffffffffff\r\n{}")),
        (
            "chunks and a length",
            Harm::Odd,
            with(
                "transfer-encoding: chunked\r\ncontent-length: 3\r\n",
                &format!("{}0\r\n\r\n", chunk(honest)),
            ),
        ),
        ("an unheard-of transfer", Harm::Odd, with("transfer-encoding: identity, unheard\r\n", honest)),
        ("no length at all", Harm::Odd, with("", honest)),
    ]
    .into_iter()
    .map(|(name, harm, bytes)| Attack::saying(name, harm, bytes))
    // What was sent ahead must not become the answer to the next question.
    .chain([Attack::new("the next answer ahead", Harm::Odd, vec![Step::Say(ahead), Step::Wait])])
    .collect()
}

fn slow(honest: &str) -> Vec<Attack> {
    let promised = with("content-length: 1000000\r\n", "");
    let head = b"HTTP/1.1 200 OK\r\nx-slow: ".to_vec();
    let whole = answer(200, JSON, honest.as_bytes());
    let half = whole[..whole.len() - honest.len() / 2].to_vec();
    let attack = |name: &str, steps| Attack::new(name, Harm::None, steps);
    vec![
        attack("silence", vec![Step::Wait]),
        attack("silence after the head", vec![Step::Say(promised.clone()), Step::Wait]),
        attack("silence half-way", vec![Step::Say(half), Step::Wait]),
        attack("a head that drips", vec![Step::Say(head), Step::Drip(b"a".to_vec())]),
        attack("a body that drips", vec![Step::Say(promised), Step::Drip(b" ".to_vec())]),
        attack(
            "interim answers that drip",
            vec![Step::Drip(b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n".to_vec())],
        ),
    ]
}

fn endless() -> Vec<Attack> {
    let block = vec![b' '; 64 << 10];
    let chunk = [b"10000\r\n".to_vec(), block.clone(), b"\r\n".to_vec()].concat();
    let start = b"HTTP/1.1 200 OK\r\n".to_vec();
    let ten = format!("content-length: {}\r\n", 10 << 20);
    let attack = |name: &str, steps| Attack::new(name, Harm::None, steps);
    vec![
        attack("10 MB, as announced", vec![Step::Say(with(&ten, &" ".repeat(10 << 20)))]),
        attack("10 MB, not announced", vec![Step::Say(with("", &" ".repeat(10 << 20)))]),
        attack("a body without an end", vec![Step::Say(with("", "")), Step::Flood(block.clone())]),
        attack(
            "chunks for ever",
            vec![Step::Say(with("transfer-encoding: chunked\r\n", "")), Step::Flood(chunk)],
        ),
        attack(
            "a refusal without an end",
            vec![Step::Say(b"HTTP/1.1 400 x\r\n\r\n".to_vec()), Step::Flood(block)],
        ),
        attack(
            "lines for ever",
            vec![Step::Say(start.clone()), Step::Flood(b"x-more: aaaaaaaaaaaaaaaa\r\n".repeat(100))],
        ),
        attack("a line for ever", vec![Step::Say(start), Step::Flood(b"a".repeat(4096))]),
        attack("interim answers for ever", vec![Step::Flood(b"HTTP/1.1 100 Continue\r\n\r\n".repeat(100))]),
        attack(
            "trailers for ever",
            vec![
                Step::Say(with("transfer-encoding: chunked\r\n", "0\r\n")),
                Step::Flood(b"x-more: aaaaaaaaaaaaaaaa\r\n".repeat(100)),
            ],
        ),
        attack(
            "an extension of a chunk for ever",
            vec![Step::Say(with("transfer-encoding: chunked\r\n", "1;")), Step::Flood(b"a".repeat(4096))],
        ),
    ]
}

fn nonsense(honest: &str) -> Vec<Attack> {
    let none = [
        ("an end at once", Vec::new()),
        ("no HTTP", b"220 smtp.example ESMTP\r\n\r\n".to_vec()),
        ("HTTP 0.9", honest.as_bytes().to_vec()),
        ("HTTP of the future", format!("HTTP/9.9 200 OK\r\n\r\n{honest}").into_bytes()),
        ("HTTP/2 that nobody agreed on", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec()),
        ("a line feed for a status", b"\n\n\n".to_vec()),
        ("bytes", (0..=255).collect()),
        ("TLS in place of an answer", b"\x15\x03\x03\x00\x02\x02\x28".to_vec()),
    ];
    let mut all: Vec<_> =
        none.into_iter().map(|(name, bytes)| Attack::saying(name, Harm::None, bytes)).collect();
    for status in [0, 99, 101, 199, 204, 205, 206, 299, 402, 418, 451, 599, 600, 999] {
        let harm = if (200..300).contains(&status) && status != 204 { Harm::Odd } else { Harm::None };
        all.push(Attack::answering(format!("status {status}"), harm, status, JSON, honest));
    }
    all
}
