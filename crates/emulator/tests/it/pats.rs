//! The PAT Lifecycle API, against Microsoft's example bodies.

use reqwest::Method;
use serde_json::{Value, json};
use valetkey_emulator::{
    APP_CONFIDENTIAL, CreationRefusal, LifespanPolicy, Options, PatState, SelfDescribing, SignInAnswer,
    TENANT_HOME,
};

use crate::client::{Got, Rig, rfc3339};

const VERSION: &str = "api-version=7.1-preview.1";

fn names(value: &Value) -> Vec<&str> {
    value.as_object().expect("object").keys().map(String::as_str).collect()
}

async fn refused(rig: &Rig, org: &str, token: &str, changes: Value) -> String {
    let got = rig.create(org, token, changes).await;
    assert_eq!(got.status, 200, "{got:?}");
    let body = got.json();
    assert_eq!(body["patToken"], Value::Null);
    body["patTokenError"].as_str().expect("error").to_owned()
}

#[tokio::test]
async fn the_five_operations_have_microsofts_shapes() {
    let rig = Rig::start();
    let token = rig.access_token().await;
    let made = rig.create("contoso", &token, json!({})).await;
    assert_eq!(made.status, 200);
    assert_eq!(made.all("x-vss-userdata").len(), 1);
    let made = made.json();
    assert_eq!(names(&made), ["patToken", "patTokenError"]);
    assert_eq!(
        names(&made["patToken"]),
        ["authorizationId", "displayName", "scope", "targetAccounts", "token", "validFrom", "validTo"]
    );
    assert_eq!(made["patTokenError"], "none");
    let instance = rig.emulator.control().instance_id("contoso").expect("organisation");
    assert_eq!(made["patToken"]["targetAccounts"], json!([instance]));
    let (_, fraction) =
        made["patToken"]["validTo"].as_str().and_then(|time| time.split_once('.')).expect("fraction");
    assert_eq!(fraction, "32Z", "asked for .319");
    let id = made["patToken"]["authorizationId"].as_str().expect("id").to_owned();

    let one = format!("authorizationId={id}&{VERSION}");
    let read = rig.pats(Method::GET, "contoso", &one, &token, None).await.json();
    assert_eq!(read["patToken"]["token"], Value::Null);
    assert_eq!(read["patToken"]["validTo"], made["patToken"]["validTo"]);

    let listed = rig.pats(Method::GET, "contoso", VERSION, &token, None).await.json();
    assert_eq!(names(&listed), ["continuationToken", "patTokens"]);
    assert_eq!(listed["continuationToken"], "");
    assert_eq!(listed["patTokens"], json!([read["patToken"]]));

    let change = json!({"authorizationId": id, "displayName": "renamed"});
    let updated = rig.pats(Method::PUT, "contoso", VERSION, &token, Some(change)).await.json();
    assert_eq!(
        (&updated["patToken"]["displayName"], &updated["patToken"]["token"]),
        (&json!("renamed"), &Value::Null)
    );

    for _ in 0..2 {
        let gone = rig.pats(Method::DELETE, "contoso", &one, &token, None).await;
        assert_eq!((gone.status.as_u16(), gone.body.len()), (204, 0));
    }
    let listed = rig.pats(Method::GET, "contoso", VERSION, &token, None).await.json();
    assert_eq!(listed["patTokens"], json!([]));
    let control = rig.emulator.control();
    assert_eq!(control.pats()[0].state, PatState::Revoked);
    assert_eq!((control.live_pats(), control.mail().len()), (Vec::new(), 1));
}

#[tokio::test]
async fn every_refusal_of_creation_is_200_with_its_name() {
    let rig = Rig::start();
    let token = rig.access_token().await;
    let now = rig.emulator.control().now();
    for (changes, name) in [
        (json!({"displayName": " "}), "displayNameRequired"),
        (json!({"displayName": "x".repeat(256)}), "invalidDisplayName"),
        (json!({"scope": "vso.code,vso.build"}), "invalidScope"),
        (json!({"scope": "vso.code  vso.build"}), "invalidScope"),
        (json!({"scope": "vso.pats_manage"}), "invalidScope"),
        (json!({"validTo": rfc3339(now - 1)}), "invalidValidTo"),
        (json!({"validTo": rfc3339(now + 400 * 86_400)}), "invalidValidTo"),
        (json!({"allOrgs": true}), "globalPATCreationBlocked"),
    ] {
        assert_eq!(refused(&rig, "contoso", &token, changes).await, name);
    }
    assert_eq!(
        refused(&rig, "strict", &token, json!({"scope": "app_token"})).await,
        "fullScopePatPolicyViolation"
    );
    assert_eq!(refused(&rig, "locked", &token, json!({})).await, "disablePatCreationPolicyViolation");
    assert_eq!(refused(&rig, "pkgonly", &token, json!({})).await, "disablePatCreationPolicyViolation");
    assert_eq!(
        rig.create("pkgonly", &token, json!({"scope": "vso.packaging"})).await.json()["patTokenError"],
        "none"
    );
    let newest = rig
        .pats(
            Method::POST,
            "locked",
            "api-version=7.2-preview.1",
            &token,
            Some(json!({"displayName": "x", "scope": "vso.code"})),
        )
        .await
        .json();
    assert!(newest["patTokenErrorMessage"].is_string());
    assert_eq!(rig.emulator.control().mail().len(), 1);
}

#[tokio::test]
async fn policies_have_switches() {
    let rig = Rig::start();
    let token = rig.access_token().await;
    let control = rig.emulator.control();
    let long = json!({"validTo": rfc3339(control.now() + 30 * 86_400)});
    let clamped = rig.create("strict", &token, long.clone()).await.json();
    assert_eq!(clamped["patTokenError"], "none");
    assert!(control.live_pats()[0].valid_to <= control.now() + 7 * 86_400 + 1);
    control.switch(|switches| switches.lifespan_policy = LifespanPolicy::Refuse);
    assert_eq!(refused(&rig, "strict", &token, long).await, "patLifespanPolicyViolation");
    control.switch(|switches| switches.creation_refusal = CreationRefusal::AccessDenied);
    assert_eq!(refused(&rig, "locked", &token, json!({})).await, "accessDenied");
    control.switch(|switches| switches.pascal_case_errors = true);
    assert_eq!(refused(&rig, "locked", &token, json!({})).await, "AccessDenied");
    control.switch(|switches| switches.creation_refusal = CreationRefusal::Forbidden);
    assert_eq!(rig.create("locked", &token, json!({})).await.status, 403);
    control.set_policy("locked", json!({"restrict-creation": "all", "exempt": ["alice"]})).expect("policy");
    assert_eq!(rig.create("locked", &token, json!({})).await.status, 200);
    control.switch(|switches| switches.short_pats = true);
    let short = rig.create("contoso", &token, json!({})).await.json();
    assert_eq!(short["patToken"]["token"].as_str().map(str::len), Some(52));
}

#[tokio::test]
async fn pages_are_bound_to_their_filters() {
    let rig = Rig::start();
    let token = rig.access_token().await;
    let control = rig.emulator.control();
    for _ in 0..45 {
        control.mint("alice", "contoso", "vso.code", 600).expect("mint");
    }
    control.mint("bob", "contoso", "vso.code", 600).expect("mint");
    let mut seen = Vec::new();
    let mut query = VERSION.to_owned();
    loop {
        let page = rig.pats(Method::GET, "contoso", &query, &token, None).await.json();
        seen.push(page["patTokens"].as_array().expect("tokens").len());
        match page["continuationToken"].as_str().expect("token") {
            "" => break,
            next => query = format!("{VERSION}&continuationToken={next}"),
        }
    }
    assert_eq!(seen, [20, 20, 5]);
    let changed = format!("{query}&displayFilterOption=all");
    assert_eq!(rig.pats(Method::GET, "contoso", &changed, &token, None).await.status, 400);
    let most = rig.pats(Method::GET, "contoso", &format!("{VERSION}&$top=1000"), &token, None).await.json();
    assert_eq!(most["patTokens"].as_array().map(Vec::len), Some(45));
}

#[tokio::test]
async fn versions_are_previews() {
    let rig = Rig::start();
    let token = rig.access_token().await;
    for (query, key) in [
        ("", "VssVersionNotSpecifiedException"),
        ("api-version=7.1", "VssInvalidPreviewVersionException"),
        ("api-version=5.0-preview.1", "VssVersionOutOfRangeException"),
    ] {
        let got = rig.pats(Method::GET, "contoso", query, &token, None).await;
        assert_eq!((got.status.as_u16(), got.json()["typeKey"].as_str().expect("key")), (400, key));
    }
    for version in ["6.1-preview.1", "7.0-preview", "7.2-preview.1"] {
        let query = format!("api-version={version}");
        assert_eq!(rig.pats(Method::GET, "CONTOSO", &query, &token, None).await.status, 200);
    }
    let broken = rig.http.post(format!("{}/contoso/_apis/Tokens/Pats?{VERSION}", rig.emulator.urls().vssps));
    let broken = Got::read(broken.bearer_auth(&token).body("{").send().await.expect("answer")).await;
    assert_eq!(broken.status, 400);
    assert!(broken.json()["message"].as_str().expect("message").starts_with("TF400898"));
}

#[tokio::test]
async fn only_a_persons_entra_token_opens_the_api() {
    let rig = Rig::start();
    let control = rig.emulator.control();
    let url = format!("{}/contoso/_apis/tokens/pats?{VERSION}", rig.emulator.urls().vssps);
    let anonymous = rig.get(&url).await;
    assert_eq!(anonymous.status, 302);
    assert_eq!(anonymous.all("www-authenticate").len(), 3);
    control.switch(|switches| switches.sign_in_answer = SignInAnswer::Page);
    let page = rig.get(&url).await;
    assert_eq!(page.status, 203);
    assert!(page.text().contains("Azure DevOps Services | Sign In") && page.body.len() > 16_000);
    assert_eq!(rig.pats(Method::GET, "contoso", VERSION, "unknown", None).await.status, 401);

    let (_, pat) = control.mint("alice", "contoso", "app_token", 600).expect("mint");
    let basic = Got::read(rig.http.get(&url).basic_auth("", Some(&pat)).send().await.expect("answer")).await;
    assert_eq!(basic.status, 401);
    assert_eq!(basic.json()["message"], "The requested operation is not allowed.");

    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", APP_CONFIDENTIAL),
        ("client_secret", "emulator-client-secret"),
        ("scope", "499b84ac-1321-427f-aa17-267ca6975798/.default"),
    ];
    let principal = rig.form(&format!("/{TENANT_HOME}/oauth2/v2.0/token"), &fields).await.json();
    let principal = principal["access_token"].as_str().expect("token");
    control.switch(|switches| switches.service_principal_status = 403);
    let refused = rig.pats(Method::GET, "contoso", VERSION, principal, None).await;
    assert_eq!(refused.status, 403);
    assert_eq!(
        refused.json(),
        json!({
            "$id": "1", "innerException": null, "errorCode": 0, "eventId": 3000,
            "message": "Service principals are not allowed to perform this action.",
            "typeKey": "InvalidAccessException",
            "typeName": "Microsoft.TeamFoundation.Framework.Server.InvalidAccessException, Microsoft.TeamFoundation.Framework.Server",
        })
    );
}

#[tokio::test]
async fn a_refused_bearer_gets_a_byte_order_mark() {
    let rig = Rig::start();
    let token = rig.access_token().await;
    // fabrikam is in another tenant than this token.
    let got = rig.pats(Method::GET, "fabrikam", VERSION, &token, None).await;
    assert_eq!((got.status.as_u16(), got.all("www-authenticate")), (401, vec!["Bearer".to_owned()]));
    assert!(got.all("x-tfs-serviceerror")[0].starts_with("TF400813%3A"));
    let body: Value =
        serde_json::from_slice(got.body.strip_prefix(b"\xef\xbb\xbf").expect("BOM")).expect("JSON");
    assert_eq!(body["typeKey"], "UnauthorizedRequestException");
    let guest = rig.sign_in(valetkey_emulator::TENANT_RESOURCE, &[]).await;
    let guest = guest["access_token"].as_str().expect("token");
    assert_eq!(rig.pats(Method::GET, "fabrikam", VERSION, guest, None).await.status, 200);
    // Microsoft accounts' organisations send every Entra token to sign in.
    assert_eq!(rig.pats(Method::GET, "solo", VERSION, &token, None).await.status, 401);
    rig.emulator.control().remove_member("contoso", "alice").expect("member");
    let got = rig.pats(Method::GET, "contoso", VERSION, &token, None).await;
    assert!(got.text().contains("TF401444"), "{got:?}");
}

#[tokio::test]
async fn unknown_identifiers_and_second_revocations_have_switches() {
    let rig = Rig::start();
    let token = rig.access_token().await;
    let control = rig.emulator.control();
    let unknown = format!("authorizationId=00000000-0000-4000-8000-000000000000&{VERSION}");
    let got = rig.pats(Method::GET, "contoso", &unknown, &token, None).await;
    assert_eq!(got.json()["patTokenError"], "authorizationNotFound");
    control.switch(|switches| {
        switches.unknown_pat_is_404 = true;
        switches.repeated_revoke_status = 404;
        switches.revoke_status = 200;
        switches.revoke_lag = 30;
    });
    assert_eq!(rig.pats(Method::GET, "contoso", &unknown, &token, None).await.status, 404);
    assert_eq!(rig.pats(Method::DELETE, "contoso", &unknown, &token, None).await.status, 404);
    let (id, _) = control.mint("alice", "contoso", "vso.code", 600).expect("mint");
    let one = format!("authorizationId={id}&{VERSION}");
    assert_eq!(rig.pats(Method::DELETE, "contoso", &one, &token, None).await.status, 200);
    assert_eq!(control.live_pats().len(), 1);
    control.advance(30);
    assert_eq!(control.live_pats().len(), 0);
}

#[tokio::test]
async fn new_tokens_may_be_late_in_lists_and_updates_follow_the_rules() {
    let rig = Rig::with(Options { sign_in_as: Some("alice".to_owned()), ..Options::default() });
    let token = rig.access_token().await;
    let control = rig.emulator.control();
    control.switch(|switches| {
        switches.list_lag = 5;
        switches.expired_cannot_be_extended = true;
    });
    let made = rig.create("contoso", &token, json!({})).await.json();
    let list =
        async || rig.pats(Method::GET, "contoso", VERSION, &token, None).await.json()["patTokens"].clone();
    assert_eq!(list().await, json!([]));
    control.advance(5);
    assert_eq!(list().await.as_array().map(Vec::len), Some(1));
    let id = made["patToken"]["authorizationId"].as_str().expect("id");
    control.expire_pat(id).expect("expire");
    let extend = json!({"authorizationId": id, "validTo": rfc3339(control.now() + 7200)});
    let put = async || rig.pats(Method::PUT, "contoso", VERSION, &token, Some(extend.clone())).await.json();
    assert_eq!(put().await["patTokenError"], "expiredPatCannotBeExtended");
    control.switch(|switches| switches.expired_cannot_be_extended = false);
    assert_eq!(put().await["patTokenError"], "none");
    control.revoke_pat(id).expect("revoke");
    assert_eq!(put().await["patTokenError"], "tokenNotFound");
}

#[tokio::test]
async fn session_tokens_follow_the_same_policies() {
    let rig = Rig::start();
    let token = rig.access_token().await;
    let ask = async |org: &str, kind: &str| {
        let url = format!(
            "{}/{org}/_apis/Token/SessionTokens?tokenType={kind}&api-version=5.0-preview.1",
            rig.emulator.urls().vssps
        );
        let body = json!({"displayName": "x", "scope": "vso.code"});
        Got::read(rig.http.post(url).bearer_auth(&token).json(&body).send().await.expect("answer")).await
    };
    let compact = ask("contoso", "Compact").await.json();
    assert!(compact["token"].is_string());
    let described = ask("contoso", "SelfDescribing").await.json();
    assert_eq!(described["token"].as_str().map(|token| token.split('.').count()), Some(3));
    let listed = rig.pats(Method::GET, "contoso", VERSION, &token, None).await.json();
    assert_eq!(listed["patTokens"].as_array().map(Vec::len), Some(1));
    let refused = ask("locked", "Compact").await;
    assert_eq!(
        (refused.status.as_u16(), refused.json()["message"].clone()),
        (400, json!("DisablePatCreationPolicyViolation"))
    );
    for (way, kind, status) in [
        (SelfDescribing::Given, "SelfDescribing", 200),
        (SelfDescribing::PolicyViolation, "SelfDescribing", 400),
        (SelfDescribing::Forbidden, "SelfDescribing", 403),
        (SelfDescribing::Forbidden, "Compact", 400),
    ] {
        rig.emulator.control().switch(|switches| switches.self_describing = way);
        assert_eq!(ask("locked", kind).await.status.as_u16(), status, "{way:?} {kind}");
        assert_eq!(ask("contoso", kind).await.status.as_u16(), 200, "{way:?} {kind}");
    }
    let exempt = json!({"restrict-creation": "all", "exempt": ["alice"]});
    rig.emulator.control().set_policy("locked", exempt).expect("policy");
    assert_eq!(ask("locked", "SelfDescribing").await.status.as_u16(), 200);
}
