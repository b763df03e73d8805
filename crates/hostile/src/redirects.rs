//! Ways to send the question, and the secret in it, somewhere else.

use crate::attack::{Attack, ELSEWHERE, HTML, Harm, JSON, QUESTION};

pub(crate) fn all(honest: &str) -> Vec<Attack> {
    let mut all = Vec::new();
    for status in [300, 301, 302, 303, 304, 305, 307, 308, 399] {
        let lines = format!("location: http://{ELSEWHERE}/stolen\r\n{HTML}");
        all.push(Attack::answering(
            format!("{status} to another host"),
            Harm::None,
            status,
            &lines,
            "<h2>Object moved</h2>",
        ));
        // A redirect stays one whatever comes with it.
        let lines = format!("location: http://{ELSEWHERE}/stolen\r\n{JSON}");
        all.push(Attack::answering(
            format!("{status} with an honest body"),
            Harm::None,
            status,
            &lines,
            honest,
        ));
    }
    for (name, location) in [
        ("with the question in it", format!("http://{ELSEWHERE}/?stolen={QUESTION}")),
        ("with a user name", format!("http://login.microsoftonline.com@{ELSEWHERE}/")),
        ("without a scheme", format!("//{ELSEWHERE}/")),
        ("to the same path elsewhere", format!("http://{ELSEWHERE}/contoso/_apis/tokens/pats")),
        (
            "to the sign-in page",
            "https://spsprodweu5.vssps.visualstudio.com/_signin?realm=dev.azure.com".to_owned(),
        ),
        ("to itself", "/".to_owned()),
        ("to nothing", String::new()),
        ("to no address", "http://[::1".to_owned()),
        ("to a file", "file:///etc/passwd".to_owned()),
        ("to a script", "javascript:alert(1)".to_owned()),
        ("to somewhere very long", format!("http://{ELSEWHERE}/{}", "a".repeat(20_000))),
        ("to two places", format!("http://{ELSEWHERE}/\r\nlocation: http://{ELSEWHERE}/2")),
    ] {
        let lines = format!("location: {location}\r\n{HTML}");
        all.push(Attack::answering(format!("302 {name}"), Harm::None, 302, &lines, ""));
    }
    let onward = [
        ("refresh", format!("refresh: 0; url=http://{ELSEWHERE}/\r\n")),
        ("content-location", format!("content-location: http://{ELSEWHERE}/\r\n")),
        ("alt-svc", format!("alt-svc: h2=\"{ELSEWHERE}\"; ma=60, h3=\"{ELSEWHERE}\"; ma=60\r\n")),
        ("location and no redirect", format!("location: http://{ELSEWHERE}/\r\n")),
        ("link", format!("link: <http://{ELSEWHERE}/>; rel=\"next\"\r\n")),
        ("link, to load ahead", format!("link: <http://{ELSEWHERE}/>; rel=\"preload\"\r\n")),
    ];
    for (name, line) in onward {
        all.push(Attack::answering(name, Harm::Odd, 200, &format!("{line}{JSON}"), honest));
    }
    all
}
