//! Headers that want to be believed, and headers that nobody should write.

use crate::attack::{Attack, ELSEWHERE, Harm, JSON};

const EVIL: &str = "66666666-6666-6666-6666-666666666666";

pub(crate) fn all(honest: &str) -> Vec<Attack> {
    let mut all = Vec::new();
    for (name, lines) in believed() {
        all.push(Attack::answering(format!("{name}, refused"), Harm::None, 401, &lines, ""));
        all.push(Attack::answering(
            format!("{name}, served"),
            Harm::Odd,
            200,
            &format!("{lines}{JSON}"),
            honest,
        ));
    }
    for (name, lines) in malformed() {
        all.push(Attack::answering(name, Harm::Odd, 200, &format!("{lines}{JSON}"), honest));
    }
    all
}

/// What names a tenant, an address or a time.
fn believed() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for uri in [
        format!("http://{ELSEWHERE}/{EVIL}"),
        format!("https://{ELSEWHERE}/{EVIL}"),
        format!("https://login.microsoftonline.com.evil.example/{EVIL}"),
        format!("https://login.microsoftonline.com@{ELSEWHERE}/{EVIL}"),
        format!("https://login.microsoftonline.com:8443/{EVIL}"),
        format!("http://login.microsoftonline.com/{EVIL}"),
        format!("https://login.microsoftonline.com\\@{ELSEWHERE}/{EVIL}"),
        "https://login.microsoftonline.com/..%2f..%2fevil".to_owned(),
        "javascript:alert(1)".to_owned(),
        format!("https://{}/", "a".repeat(30_000)),
    ] {
        let shown: String = uri.chars().take(50).collect();
        all.push((
            format!("authorization_uri={shown}"),
            format!("www-authenticate: Bearer authorization_uri={uri}\r\n"),
        ));
        all.push((
            format!("quoted authorization_uri={shown}"),
            format!("www-authenticate: Bearer realm=\"\", authorization_uri=\"{uri}\"\r\n"),
        ));
        all.push((
            format!("authorization endpoint {shown}"),
            format!("x-vss-authorizationendpoint: {uri}\r\n"),
        ));
    }
    let claims = "e".repeat(20_000);
    let flood = "www-authenticate: Bearer authorization_uri=https://evil.example/a.b\r\n".repeat(50);
    for (name, lines) in [
        ("fifty challenges", flood),
        ("a flood of challenges in one line", format!("www-authenticate: {}\r\n", "Bearer ,".repeat(4000))),
        ("a challenge without an end", "www-authenticate: Bearer realm=\"\r\n".to_owned()),
        (
            "a challenge of backslashes",
            format!("www-authenticate: Bearer realm=\"{}\r\n", "\\".repeat(20_000)),
        ),
        (
            "claims that are none",
            format!("www-authenticate: Bearer error=\"insufficient_claims\", claims=\"{claims}\"\r\n"),
        ),
        (
            "claims for another place",
            format!(
                "www-authenticate: Bearer authorization_uri=\"http://{ELSEWHERE}/\", error=\"insufficient_claims\", claims=\"e30=\"\r\n"
            ),
        ),
        ("negotiation", "www-authenticate: Negotiate YIIC\r\nwww-authenticate: NTLM TlRM\r\n".to_owned()),
        ("a proxy's challenge", "proxy-authenticate: Basic realm=\"give\"\r\n".to_owned()),
        ("a tenant of paths", "x-vss-resourcetenant: ../../evil\r\n".to_owned()),
        ("a tenant of bytes", "x-vss-resourcetenant: \u{e4}\u{1f600}\r\n".to_owned()),
        ("ten thousand tenants", format!("x-vss-resourcetenant: {}\r\n", "x,".repeat(10_000))),
        ("a wait below nothing", "retry-after: -1\r\n".to_owned()),
        ("a wait for ever", "retry-after: 99999999999999999999999999\r\n".to_owned()),
        ("a wait until the year 9999", "retry-after: Fri, 31 Dec 9999 23:59:59 GMT\r\n".to_owned()),
        ("a wait of words", "retry-after: soon\r\n".to_owned()),
        (
            "an activity of bytes",
            "activityid: \u{e4}\r\nx-tfs-serviceerror: %0d%0aquit%3d1%1b[2J\r\n".to_owned(),
        ),
        ("cookies", "set-cookie: a=b; domain=.com\r\n".repeat(30)),
        ("a pin", "strict-transport-security: max-age=99999999\r\n".to_owned()),
    ] {
        all.push((name.to_owned(), lines));
    }
    all
}

fn malformed() -> Vec<(String, String)> {
    [
        ("an escape in a header", "x-a: \u{1b}[2J\r\n".to_owned()),
        ("a nul in a header", "x-a: \0\r\n".to_owned()),
        ("a carriage return in a header", "x-a: a\rx-b: b\r\n".to_owned()),
        ("a folded header", "x-a: a\r\n b\r\n".to_owned()),
        ("a header without a colon", "x-a\r\n".to_owned()),
        ("a header without a name", ": a\r\n".to_owned()),
        ("a space before the colon", "x-a : a\r\n".to_owned()),
        ("line feeds alone", "x-a: a\nx-b: b\n".to_owned()),
        ("a name of bytes", "\u{e4}: a\r\n".to_owned()),
        ("three hundred headers", "x-a: a\r\n".repeat(300)),
        ("a header of 300 kB", format!("x-a: {}\r\n", "a".repeat(300_000))),
        ("a header of 2 MB", format!("x-a: {}\r\n", "a".repeat(2_000_000))),
        ("an upgrade", "connection: upgrade\r\nupgrade: h2c\r\n".to_owned()),
    ]
    .map(|(name, lines)| (name.to_owned(), lines))
    .into()
}
