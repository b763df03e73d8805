use std::{fs, os::unix::fs::PermissionsExt as _, time::UNIX_EPOCH};

use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::json;
use valetkey_protocol::ExposeSecret as _;

use super::*;

const NOW: u64 = 1_763_840_000;

fn given(body: &Value) -> Option<Tokens> {
    read(body.to_string().as_bytes(), UNIX_EPOCH + Duration::from_secs(NOW))
}

#[test]
fn the_end_is_read_from_either_field_and_capped() {
    let local_end = jiff::Timestamp::from_second(i64::try_from(NOW + 3600).unwrap())
        .unwrap()
        .to_zoned(jiff::tz::TimeZone::system())
        .strftime("%Y-%m-%d %H:%M:%S.000000")
        .to_string();
    for (fields, life) in [
        (json!({"expires_on": NOW + 4000, "expiresOn": local_end}), 4000),
        (json!({"expires_on": (NOW + 4000).to_string()}), 4000),
        (json!({"expiresOn": local_end}), 3600),
        (json!({"expires_on": NOW - 1}), 0),
        (json!({"expires_on": u64::MAX}), 28 * 3600),
        (json!({"expiresOn": "tomorrow"}), 300),
        (json!({}), 300),
    ] {
        let mut body =
            json!({"accessToken": "canary", "subscription": "s", "tenant": "t-1", "tokenType": "Bearer"});
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let tokens = given(&body).unwrap();
        assert_eq!(tokens.expires_in.as_secs(), life, "{fields}");
        assert_eq!((tokens.access_token.expose_secret(), tokens.tenant.as_deref()), ("canary", Some("t-1")));
        assert!(tokens.refresh_token.is_none());
    }
}

#[test]
fn what_is_no_token_is_refused() {
    for body in [
        json!({}),
        json!([]),
        json!({"accessToken": ""}),
        json!({"accessToken": "a\nb"}),
        json!({"accessToken": 1}),
    ] {
        assert!(given(&body).is_none(), "{body}");
    }
}

proptest! {
    #[test]
    fn anything_it_says_becomes_one_line(said in "(?s).{0,200}", tenant in proptest::option::of("[a-z-]{1,9}")) {
        let error = complaint::of(&said, tenant.as_deref());
        let clean = valetkey_protocol::is_clean(&error.sentence);
        prop_assert!(clean && !error.hint.is_empty());
    }
}

#[test]
fn what_it_says_is_one_line_and_a_next_step() {
    let lines: Vec<String> = [
        "ERROR: Please run 'az login' to setup account.\n",
        "ERROR: AADSTS700082: The refresh token has expired due to inactivity.\u{a0}The token was issued on 2026.\r\nTrace ID: 1\r\nInteractive authentication is needed. Please run:\naz logout\naz login\n",
        "ERROR: AADSTS50076: Due to a configuration change made by your administrator, you must use multi-factor authentication. Trace ID: 5\nInteractive authentication is needed. Please run:\naz login --scope x/.default\n",
        "ERROR: AADSTS53003: Access has been blocked by Conditional Access policies. The access policy does not allow token issuance. Trace ID: 7 Timestamp: 2026",
        "ERROR: AADSTS50020: User account 'a@b.c' from identity provider 'live.com' does not exist in tenant 'Contoso'. Trace ID: 3",
        "ERROR: The tenant 't-9' does not exist.",
        "HTTPSConnectionPool(host='login.microsoftonline.com', port=443): Max retries exceeded with url: /x?y=z",
        "ERROR: SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed'))",
        "Traceback (most recent call last):\n  File \"x\"\nKeyError: '\u{1b}[2Jhomme'\n",
        "",
    ]
    .iter()
    .map(|said| {
        let error = complaint::of(said, Some("t-9"));
        format!("{:?}: {}\n    {}", error.kind, error.sentence, error.hint)
    })
    .collect();
    assert_snapshot!(lines.join("\n"), @r#"
    SessionEnded: the Azure CLI is not signed in
        run `az login --tenant t-9`
    SessionEnded: the Azure CLI has to sign in again (AADSTS700082)
        run `az login --tenant t-9`
    NeedsInteraction: the Azure CLI has to sign in again (AADSTS50076)
        run `az login --tenant t-9`
    BlockedByPolicy: the Azure CLI gets no token: a policy of the organisation blocks this sign-in (AADSTS53003: Access has been blocked by Conditional Access policies. The access policy does not allow token issuance)
        ask an administrator of the organisation; signing in again does not help
    TenantWrong: the Azure CLI has no account for tenant `t-9` (AADSTS50020)
        run `az login --tenant t-9` with an account of it; `az account show` tells which one it uses
    TenantWrong: the Azure CLI has no account for tenant `t-9`
        run `az login --tenant t-9` with an account of it; `az account show` tells which one it uses
    Unavailable: the Azure CLI cannot reach Microsoft Entra
        check the network and try again
    Tls: the Azure CLI does not trust the certificate of Microsoft Entra
        set `REQUESTS_CA_BUNDLE` to your organisation's authorities, then run `valetkey login --from az` again
    Unavailable: the Azure CLI gives no token: KeyError: '�[2Jhomme'
        run `az account get-access-token` to see what it says
    Unavailable: the Azure CLI gives no token
        run `az account get-access-token` to see what it says
    "#);
}

/// A program that stands for the Azure CLI.
fn fake(script: &str) -> (tempfile::TempDir, AzureCli) {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("az");
    let draft = folder.path().join("draft");
    fs::write(&draft, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&draft, fs::Permissions::from_mode(0o700)).unwrap();
    // By another process: a file that is open for writing in a child another test is just starting cannot be run.
    let copied = std::process::Command::new("cp").arg("-p").args([&draft, &program]).status().unwrap();
    assert!(copied.success());
    let environment = vec![("ONLY".into(), "this".into())];
    (folder, AzureCli { program, environment })
}

#[tokio::test]
async fn it_is_asked_by_the_documented_command_in_its_own_environment() {
    let script = r#"printf '{"accessToken":"%s","expires_on":99999999999,"tenant":"t"}' \
        "$(printf '%s_' "$@" "${ONLY:-none}" "${CARGO_PKG_NAME:-clean}" | tr ' ' .)""#;
    let (_folder, az) = fake(script);
    let tokens = az.token(Some("t-1")).await.unwrap();
    assert_eq!(
        tokens.access_token.expose_secret(),
        "account_get-access-token_--resource_499b84ac-1321-427f-aa17-267ca6975798_--output_json_--only-show-errors_\
         --tenant=t-1_this_clean_"
    );
    let tokens = az.token(Some("organizations")).await.unwrap();
    assert!(!tokens.access_token.expose_secret().contains("tenant"));
    assert_eq!(az.token(Some("x y")).await.unwrap_err().kind, Kind::Misconfigured);
}

#[tokio::test]
async fn only_a_person_is_taken() {
    let (_folder, az) = fake(r#"echo '{"tenantId":"t","user":{"name":"alice@contoso.com","type":"user"}}'"#);
    let signed = Signed { username: "alice@contoso.com".to_owned(), tenant: "t".to_owned() };
    assert_eq!(az.signed_in().await.unwrap(), signed);
    let (_folder, az) = fake(r#"echo '{"tenantId":"t","user":{"name":"id-1","type":"servicePrincipal"}}'"#);
    assert!(az.signed_in().await.unwrap_err().sentence.contains("application `id-1`"));
}

#[tokio::test]
async fn failures_of_the_program_are_told_apart() {
    let (_folder, az) = fake("echo \"ERROR: Please run 'az login' to setup account.\" >&2; exit 1");
    assert_eq!(az.signed_in().await.unwrap_err().kind, Kind::SessionEnded);
    let (_folder, az) = fake("head -c 300000 /dev/zero; echo oops >&2");
    assert_eq!(az.token(None).await.unwrap_err().kind, Kind::Malformed);
    let (folder, az) = fake("");
    drop(folder);
    let error = az.token(None).await.unwrap_err();
    assert_eq!(error.kind, Kind::Misconfigured);
    assert!(error.sentence.starts_with("the Azure CLI is no longer at"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn one_that_hangs_is_given_up() {
    let (_folder, az) = fake("exec sleep 600");
    assert_eq!(az.token(None).await.unwrap_err().kind, Kind::TimedOut);
}

/// A program of which a token is asked, and what is made of it.
async fn said_by(script: &str) -> SignInError {
    let (_folder, az) = fake(script);
    let error = az.token(None).await.unwrap_err();
    let all = format!("{error:?} {:?}", error.refusal());
    assert!(!all.contains("canary"), "{script}: {all}");
    assert!(valetkey_protocol::is_clean(&error.sentence) && !error.hint.is_empty(), "{script}: {all}");
    assert!(error.sentence.contains("the Azure CLI"), "{script}: {all}");
    error
}

#[tokio::test]
async fn what_is_no_answer_is_none_and_shows_nothing() {
    let good = r#"{"accessToken":"canary","expires_on":99999999999}"#;
    for script in [
        String::new(),
        "true".to_owned(),
        format!("printf '\\033[32m%s\\033[0m' '{good}'"),
        format!("echo 'WARNING: canary'; echo '{good}'"),
        format!("echo '{good}'; echo '{good}'"),
        format!("echo '{good}' | head -c 30"),
        format!("echo '[{good}]'"),
        "echo '\"canary\"'".to_owned(),
        r#"echo '{"accessToken":null}'"#.to_owned(),
        r#"echo '{"accessToken":"canary","accessToken":"canary"}'"#.to_owned(),
        r#"echo '{"accessToken":"canary\u001b[2J"}'"#.to_owned(),
        r#"echo '{"accessToken":"canary","expires_on":1e999}'"#.to_owned(),
        r#"echo '{"access_token":"canary"}'"#.to_owned(),
        "printf '{\"accessToken\":\"canary\\377\"}'".to_owned(),
        "head -c 60000 /dev/zero | tr '\\0' '['".to_owned(),
        "head -c 20000 /dev/zero | tr '\\0' a | sed 's/.*/{\"accessToken\":\"&\"}/'".to_owned(),
        "cat /dev/zero".to_owned(),
        "yes canary".to_owned(),
    ] {
        assert_eq!(said_by(&script).await.kind, Kind::Malformed, "{script}");
    }
    // What it says beside a failure is not all for people.
    for script in [
        format!("echo '{good}'; exit 1"),
        format!("echo '{good}'; exit 255"),
        format!("echo '{good}'; kill -9 $$"),
        "printf '\\033[31mERROR: \\000\\007no\\r\\n' >&2; exit 3".to_owned(),
        "head -c 3000000 /dev/zero >&2; exit 1".to_owned(),
    ] {
        assert_eq!(said_by(&script).await.kind, Kind::Unavailable, "{script}");
    }
}

#[tokio::test]
async fn much_beside_an_answer_is_no_harm() {
    let (_folder, az) = fake(
        r#"head -c 3000000 /dev/zero >&2; echo '{"accessToken":"canary","expires_on":99999999999,"tenant":"../x"}'"#,
    );
    let tokens = az.token(None).await.unwrap();
    assert_eq!((tokens.access_token.expose_secret(), tokens.tenant), ("canary", None));
}

#[tokio::test]
async fn a_name_is_shown_as_one_line() {
    let script = r#"printf %s '{"tenantId":"../x","user":{"name":"a\u001b[2J\nb","type":"user"}}'"#;
    let (_folder, az) = fake(script);
    let signed = az.signed_in().await.unwrap();
    assert_eq!((signed.username.as_str(), signed.tenant.as_str()), ("a\u{fffd}[2J\u{fffd}b", ""));
}

#[tokio::test]
async fn what_it_started_ends_with_it() {
    let (folder, az) = fake("sleep 600 & echo $! > \"${0%/*}/id\"; yes");
    assert_eq!(az.token(None).await.unwrap_err().kind, Kind::Malformed);
    let id = fs::read_to_string(folder.path().join("id")).unwrap();
    let status = format!("/proc/{}/stat", id.trim());
    // One that nobody waits for stays in the table, dead.
    let lives = || fs::read_to_string(&status).is_ok_and(|line| !line.contains(") Z "));
    for _ in 0..6000 {
        if !lives() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("process {id} lives on");
}
