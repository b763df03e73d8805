use proptest::prelude::*;

use super::*;

/// `Scheme name=value …`, one line a challenge, as the assertions below read it.
fn read(values: &[&str]) -> Vec<String> {
    let line = |challenge: &Challenge| {
        let mut line = challenge.scheme.clone();
        for (name, value) in &challenge.params {
            line.extend([" ", name, "=<", value, ">"]);
        }
        line.extend(challenge.token68.iter().map(|t| format!(" :{t}")));
        line
    };
    parse(values.iter().copied()).iter().map(line).collect()
}

#[test]
fn azure_devops_three_headers() {
    assert_eq!(
        read(&[
            "Bearer authorization_uri=https://login.windows.net/72f988bf-86f1-41af-91ab-2d7cd011db47",
            "Basic realm=\"https://tfsprodweu5.visualstudio.com/\"",
            "TFS-Federated",
        ]),
        [
            "Bearer authorization_uri=<https://login.windows.net/72f988bf-86f1-41af-91ab-2d7cd011db47>",
            "Basic realm=<https://tfsprodweu5.visualstudio.com/>",
            "TFS-Federated",
        ]
    );
}

#[test]
fn the_same_joined_into_one_header() {
    assert_eq!(
        read(&[
            "Bearer authorization_uri=https://login.windows.net/contoso.com, Basic realm=\"a, b\", TFS-Federated"
        ]),
        [
            "Bearer authorization_uri=<https://login.windows.net/contoso.com>",
            "Basic realm=<a, b>",
            "TFS-Federated"
        ]
    );
}

#[test]
fn forms_of_the_grammar() {
    for (written, expected) in [
        ("Bearer", vec!["Bearer"]),
        ("", vec![]),
        (" , ,", vec![]),
        ("Negotiate YIIB==", vec!["Negotiate :YIIB=="]),
        ("Negotiate YIIB==, Basic realm=x", vec!["Negotiate :YIIB==", "Basic realm=<x>"]),
        ("Negotiate, NTLM", vec!["Negotiate", "NTLM"]),
        ("bEaReR ReAlM=\"\"", vec!["bEaReR realm=<>"]),
        ("Bearer realm = \"a\\\"b\\\\c\"", vec!["Bearer realm=<a\"b\\c>"]),
        ("Bearer a=1,b=2 , c=3", vec!["Bearer a=<1> b=<2> c=<3>"]),
        ("Bearer a=1,,, b=2", vec!["Bearer a=<1> b=<2>"]),
        (
            "Newauth realm=\"apps\", type=1, title=\"Login, \\\"apps\\\"\", Basic realm=\"simple\"",
            vec!["Newauth realm=<apps> type=<1> title=<Login, \"apps\">", "Basic realm=<simple>"],
        ),
        ("Bearer realm=\"never closed, Basic x=y", vec!["Bearer realm=<never closed, Basic x=y>"]),
        ("Bearer realm=\"x\\", vec!["Bearer realm=<x>"]),
        ("Bearer Basic realm=x", vec!["Bearer", "Basic realm=<x>"]),
        ("=x, Bearer", vec!["Bearer"]),
        ("\"quoted\", Bearer", vec!["Bearer"]),
        ("Bearer realm=ünïcode", vec!["Bearer realm=<ünïcode>"]),
        ("ünïcode, Bearer", vec!["Bearer"]),
    ] {
        assert_eq!(read(&[written]), expected, "{written:?}");
    }
}

#[test]
fn a_parameter_never_moves_to_the_next_header() {
    assert_eq!(read(&["Bearer", "realm=x"]), ["Bearer"]);
}

const CLAIMS: &str = r#"{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}"#;

#[test]
fn claims_in_every_kind_of_base64() {
    use base64::prelude::*;
    for written in [
        BASE64_STANDARD.encode(CLAIMS),
        BASE64_STANDARD_NO_PAD.encode(CLAIMS),
        BASE64_URL_SAFE.encode(CLAIMS),
        BASE64_URL_SAFE_NO_PAD.encode(CLAIMS),
    ] {
        let header = format!(
            "Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\", \
             error=\"insufficient_claims\", claims=\"{written}\""
        );
        let found = parse([header.as_str()]);
        assert!(found[0].wants_claims());
        assert_eq!(found[0].claims().as_deref(), Some(CLAIMS), "{written}");
    }
}

#[test]
fn claims_that_are_none() {
    use base64::prelude::*;
    let list = BASE64_STANDARD.encode("[1]");
    let bytes = BASE64_STANDARD.encode([0xff, 0xfe]);
    let long = BASE64_STANDARD.encode(format!("{{\"a\":\"{}\"}}", "x".repeat(MOST_CLAIMS)));
    for written in ["", "!!!", "e30", &list, &bytes, &long] {
        let header = format!("Bearer error=insufficient_claims, claims=\"{written}\"");
        let expected = (written == "e30").then_some("{}");
        assert_eq!(parse([header.as_str()])[0].claims().as_deref(), expected, "{written}");
    }
    assert_eq!(parse(["Bearer error=invalid_token, claims=e30"])[0].claims(), None);
    assert_eq!(parse(["Basic error=insufficient_claims, claims=e30"])[0].claims(), None);
}

#[test]
fn a_flood_is_cut() {
    let many = "a, ".repeat(10_000);
    assert!(parse([many.as_str(), many.as_str()]).len() <= MOST + 1);
    let wide = format!("a {}", "b=c,".repeat(10_000));
    assert_eq!(parse([wide.as_str()])[0].params.len(), MOST);
}

proptest! {
    #[test]
    fn garbage_never_panics(values in proptest::collection::vec(".{0,80}", 0..4)) {
        let _ = parse(values.iter().map(String::as_str)).iter().map(Challenge::claims).count();
    }

    #[test]
    fn near_misses_never_panic(value in "(Bearer|[ab]|[ \t,=\"\\\\]|é){0,40}") {
        for challenge in parse([value.as_str()]) {
            prop_assert!(!challenge.scheme.is_empty());
        }
    }

    #[test]
    fn what_is_quoted_is_read(realm in "[ -~é]{0,40}", other in "[a-z]{1,8}") {
        let quoted = realm.replace('\\', "\\\\").replace('"', "\\\"");
        let found = parse([format!("Bearer realm=\"{quoted}\", {other}=1, Basic").as_str()]);
        prop_assert_eq!(found.len(), 2);
        prop_assert_eq!(found[0].param("realm"), Some(realm.as_str()));
        prop_assert!(found[1].is("basic"));
    }
}
