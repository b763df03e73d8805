//! nuget.org's publishing API over HTTP.

use reqwest::Method;
use serde_json::{Value, json};
use valetkey_emulator::{Host, nupkg};

use crate::{
    client::{Got, Rig, rfc3339},
    feeds::{multipart, resource},
};

const DAY: i64 = 86_400;
const MISSING: &str = "An API key must be provided in the 'X-NuGet-ApiKey' header to use this service";
const REFUSED: &str = "The specified API key is invalid, has expired, or does not have permission to access the \
                       specified package.";

impl Rig {
    pub(crate) async fn nuget(&self, method: Method, path: &str, key: &str, body: Vec<u8>) -> Got {
        let url = format!("{}{path}", self.emulator.urls().nuget);
        let mut request = self.http.request(method, url).header("X-NuGet-Protocol-Version", "4.1.0");
        if !key.is_empty() {
            request = request.header("X-NuGet-ApiKey", key);
        }
        if !body.is_empty() {
            request = request.header("content-type", "multipart/form-data; boundary=b").body(body);
        }
        Got::read(request.send().await.expect("answer")).await
    }

    pub(crate) async fn publish(&self, key: &str, id: &str, version: &str) -> Got {
        self.nuget(Method::PUT, "/api/v2/package", key, multipart(&nupkg(id, version, &[]))).await
    }

    fn key(&self, owner: &str, globs: &[&str], scopes: &[&str]) -> String {
        self.emulator.control().nuget_key(owner, globs, scopes, 365 * DAY).expect("key")
    }
}

/// The status, and the text that stands in the body and the reason phrase alike.
#[track_caller]
fn said(got: &Got) -> (u16, String) {
    assert_eq!(got.reason.as_deref(), Some(got.text().as_str()));
    (got.status.as_u16(), got.text())
}

#[tokio::test]
async fn keys_are_refused_in_the_same_words_whatever_is_wrong() {
    let rig = Rig::start();
    let control = rig.emulator.control();
    let missing = rig.publish("", "Tailspin.Toys", "4.0.0").await;
    assert_eq!(said(&missing), (401, MISSING.to_owned()));
    assert_eq!(missing.all("www-authenticate"), ["ApiKey realm=\"www.nuget.org\""]);
    let expired = control.nuget_key("alice", &["*"], &["package:push"], 0).expect("key");
    let revoked = rig.key("alice", &["*"], &["package:push"]);
    control.revoke_nuget_key(&revoked).expect("revoke");
    for (key, id) in [
        ("az".to_owned(), "Tailspin.Toys"),
        (expired, "Tailspin.Toys"),
        (revoked, "Tailspin.Toys"),
        (rig.key("alice", &["Tailspin.*"], &["package:unlist"]), "Tailspin.Toys"),
        (rig.key("alice", &["Other.*"], &["package:push"]), "Tailspin.Toys"),
        (rig.key("bob", &["*"], &["package:push"]), "Tailspin.Toys"),
        (rig.key("alice", &["*"], &["package:pushversion"]), "Brand.New"),
    ] {
        assert_eq!(said(&rig.publish(&key, id, "4.0.0").await), (403, REFUSED.to_owned()), "{id}");
    }
    control.lock_on_nuget("alice");
    let locked = rig.key("alice", &["*"], &["package:push"]);
    assert_eq!(rig.publish(&locked, "Tailspin.Toys", "4.0.0").await.status, 403);
}

#[tokio::test]
async fn a_push_is_taken_once() {
    let rig = Rig::start();
    let key = rig.key("alice", &["tailspin.*"], &["package:push"]);
    let done = rig.publish(&key, "Tailspin.New", "1.0").await;
    assert_eq!((done.status.as_u16(), done.body.len()), (201, 0));
    assert_eq!(rig.publish(&key, "Tailspin.New", "1.1.0").await.status, 201);
    let twice = rig.publish(&key, "tailspin.new", "1.0.0.0").await;
    let text = "A package with ID 'tailspin.new' and version '1.0.0' already exists and cannot be modified.";
    assert_eq!(said(&twice), (409, text.to_owned()));
    let index = rig.get(&format!("{}/v3/index.json", rig.emulator.urls().nuget)).await.json();
    let flat = resource(&index, "PackageBaseAddress/3.0.0");
    let versions = rig.get(&format!("{flat}tailspin.new/index.json")).await.json();
    assert_eq!(versions, json!({"versions": ["1.0.0", "1.1.0"]}));
    let made = rig.emulator.control().packages();
    assert!(made.iter().any(|view| view.id == "Tailspin.New" && view.pushed_by.as_deref() == Some("key 1")));
    assert_eq!(rig.emulator.control().nuget_keys()[0].uses, 3);
}

#[tokio::test]
async fn what_cannot_be_published_is_told_apart() {
    let rig = Rig::start();
    let key = rig.key("alice", &["*"], &["package:push"]);
    let reserved = rig.publish(&key, "Contoso.Mine", "1.0.0").await;
    assert_eq!(reserved.status, 409);
    assert!(reserved.text().starts_with("This package ID has been reserved"));
    let theirs = rig.key("contoso", &["Contoso.*"], &["package:push"]);
    assert_eq!(rig.publish(&theirs, "Contoso.Ours", "1.0.0").await.status, 201);
    rig.emulator.control().lock_on_nuget("Tailspin.Toys");
    assert_eq!(rig.publish(&key, "Tailspin.Toys", "4.0.0").await.status, 403);
    for body in [multipart(b"PK no zip"), b"--b--".to_vec(), multipart(b"")] {
        assert_eq!(rig.nuget(Method::PUT, "/api/v2/package", &key, body).await.status, 400);
    }
    let url = format!("{}/api/v2/package", rig.emulator.urls().nuget);
    let old = rig.http.put(&url).header("X-NuGet-ApiKey", &key).header("X-NuGet-Protocol-Version", "4.0.9");
    let old = Got::read(old.body(nupkg("A", "1.0.0", &[])).send().await.expect("answer")).await;
    assert_eq!(old.status, 400);
    assert!(said(&old).1.contains("'4.1.0' or higher is required"));
}

#[tokio::test]
async fn unlisting_and_relisting() {
    let rig = Rig::start();
    let control = rig.emulator.control();
    let key = rig.key("bob", &["Wingtip.*"], &["package:unlist"]);
    let pusher = rig.key("bob", &["Wingtip.*"], &["package:push"]);
    let path = "/api/v2/package/Wingtip.Shared/1.0.0";
    let listed = || control.packages().iter().any(|view| view.id == "Wingtip.Shared" && view.listed);
    assert_eq!(rig.nuget(Method::DELETE, path, &pusher, Vec::new()).await.status, 403);
    assert_eq!(rig.nuget(Method::DELETE, path, &key, Vec::new()).await.status, 200);
    assert!(!listed());
    assert_eq!(rig.nuget(Method::POST, path, &key, Vec::new()).await.status, 200);
    assert!(listed());
    let unknown = rig.nuget(Method::DELETE, "/api/v2/package/Wingtip.Shared/9.0.0", &key, Vec::new()).await;
    assert_eq!(unknown.status, 404);
    let untold = rig.nuget(Method::DELETE, "/api/v2/package/Wingtip.Shared/9.0.0", &pusher, Vec::new()).await;
    assert_eq!(untold.status, 403, "a key that may not unlist is not told what is there");
    assert_eq!(rig.nuget(Method::DELETE, path, "", Vec::new()).await.status, 401);
}

#[tokio::test]
async fn keys_near_their_end_are_warned_of() {
    let rig = Rig::start();
    let control = rig.emulator.control();
    let key = control.nuget_key("alice", &["*"], &["package:push"], 30 * DAY).expect("key");
    let modern = control.nuget_key_v5("alice", &["*"], &["package:push"], 30 * DAY).expect("key");
    assert_eq!((key.len(), &key[..3], modern.len()), (46, "oy2", 84));
    let verify = "/api/v2/verifykey/Tailspin.Toys/3.0.0";
    let warnings = async |key: &str| {
        let got = rig.nuget(Method::GET, verify, key, Vec::new()).await;
        assert_eq!(got.status, 200);
        got.all("x-nuget-warning")
    };
    assert_eq!(warnings(&key).await, Vec::<String>::new());
    control.advance(23 * DAY);
    let expected = "Your API key expires in 7 days. Visit https://www.nuget.org/account/ApiKeys to regenerate \
                    your API key.";
    assert_eq!(warnings(&key).await, [expected]);
    control.advance(3600);
    assert_eq!(warnings(&key).await, [expected], "six days and most of one are seven");
    control.advance(12 * 3600);
    assert_eq!(warnings(&key).await, [expected.replace("7 days", "6 days")]);
    assert_eq!(warnings(&modern).await, Vec::<String>::new(), "it says itself when it ends");
    let fresh = control.refresh_nuget_key(&key).expect("refresh");
    assert_eq!(warnings(&fresh).await, Vec::<String>::new());
    assert_eq!(rig.nuget(Method::GET, verify, &key, Vec::new()).await.status, 403, "gone at once");
    control.advance(7 * DAY);
    assert_eq!(rig.nuget(Method::GET, verify, &modern, Vec::new()).await.status, 403);
}

#[tokio::test]
async fn a_key_is_checked_without_publishing() {
    let rig = Rig::start();
    let key = rig.key("alice", &["Tailspin.*"], &["package:pushversion"]);
    let ask = async |path: &str, key: &str| rig.nuget(Method::GET, path, key, Vec::new()).await;
    let known = "/api/v2/verifykey/Tailspin.Toys/3.0.0";
    for _ in 0..2 {
        let got = ask(known, &key).await;
        assert_eq!((got.status.as_u16(), got.body.len()), (200, 0), "a normal key is not consumed");
    }
    assert_eq!(ask("/api/v2/verifykey/Tailspin.Toys", &key).await.status, 200);
    assert_eq!(ask("/api/v2/verifykey/Tailspin.Toys/9.0.0", &key).await.status, 404);
    assert_eq!(ask("/api/v2/verifykey/Wingtip.Shared/1.0.0", &key).await.status, 403);
    assert_eq!(ask(known, "wrong").await.status, 403);
    let unlister = rig.key("alice", &["*"], &["package:unlist"]);
    assert_eq!(ask(known, &unlister).await.status, 403);
    assert_eq!(ask("/api/v2/verifykey/Tailspin.Toys/9.0.0", &unlister).await.status, 403);
    let path = "/api/v2/package/create-verification-key/Tailspin.Toys/3.0.0";
    let made = async || rig.nuget(Method::POST, path, &key, Vec::new()).await.json();
    let once = made().await;
    let day = rfc3339(rig.emulator.control().now() + DAY);
    assert_eq!(once["Expires"].as_str().expect("time")[..10], day[..10]);
    let secret = once["Key"].as_str().expect("key");
    assert_eq!(secret.len(), 36);
    assert_eq!(ask(known, secret).await.status, 200);
    assert_eq!(ask(known, secret).await.status, 403, "one use");
    let secret = made().await["Key"].as_str().expect("key").to_owned();
    assert_eq!(rig.publish(&secret, "Tailspin.Toys", "9.0.0").await.status, 403, "good for asking only");
    rig.emulator.control().advance(DAY + 1);
    assert_eq!(ask(known, &secret).await.status, 403);
    assert_eq!(rig.nuget(Method::POST, path, &unlister, Vec::new()).await.status, 403);
}

#[tokio::test]
async fn each_key_has_an_hourly_limit() {
    let rig = Rig::start();
    let control = rig.emulator.control();
    control.switch(|switches| (switches.pushes_per_hour, switches.unlists_per_hour) = (2, 1));
    let key = rig.key("alice", &["*"], &["all"]);
    let other = rig.key("alice", &["*"], &["all"]);
    for version in ["1.0.0", "2.0.0"] {
        assert_eq!(rig.publish(&key, "Many", version).await.status, 201);
    }
    let refused = rig.publish(&key, "Many", "3.0.0").await;
    let wait: i64 = refused.all("retry-after")[0].parse().expect("seconds");
    let message = format!("Rate limit is exceeded. Try again in {wait} seconds.");
    assert_eq!(
        (refused.status.as_u16(), refused.json()),
        (429, json!({"statusCode": 429, "message": message}))
    );
    assert_eq!(rig.publish(&other, "Many", "3.0.0").await.status, 201);
    let path = "/api/v2/package/Many/1.0.0";
    assert_eq!(rig.nuget(Method::DELETE, path, &key, Vec::new()).await.status, 200);
    assert_eq!(rig.nuget(Method::POST, path, &key, Vec::new()).await.status, 429);
    control.advance(wait);
    assert_eq!(rig.publish(&key, "Many", "4.0.0").await.status, 201);
}

#[tokio::test]
async fn the_sites_pages_are_not_for_programs() {
    let rig = Rig::start();
    for path in ["/account/ApiKeys", "/account/apikeys/create", "/users/account/LogOn"] {
        let got = rig.nuget(Method::GET, path, "", Vec::new()).await;
        assert_eq!(got.status, 302, "{path}");
        assert!(got.all("location")[0].contains("/users/account/LogOn?returnUrl="));
    }
    let violations = rig.emulator.control().violations();
    assert_eq!(violations.len(), 3);
    assert_eq!(violations[0], "the site was asked for GET /account/ApiKeys");
}

#[tokio::test]
async fn keys_and_tokens_at_the_wrong_host_are_violations() {
    let rig = Rig::start();
    let control = rig.emulator.control();
    let key = rig.key("alice", &["*"], &["package:push"]);
    let (_, pat) = control.mint("alice", "contoso", "vso.packaging", 600).expect("mint");
    let nuget = format!("{}/v3/index.json", rig.emulator.urls().nuget);
    rig.http.get(&nuget).header("X-NuGet-ApiKey", &key).send().await.expect("answer");
    assert_eq!(control.violations(), Vec::<String>::new());
    rig.http.get(&nuget).basic_auth("x", Some(&pat)).send().await.expect("answer");
    let feed = format!("{}/contoso/_packaging/shared/nuget/v2/", rig.emulator.urls().pkgs);
    rig.http.put(feed).header("X-NuGet-ApiKey", &key).send().await.expect("answer");
    assert_eq!(
        control.violations(),
        [
            "an Azure DevOps credential was sent to GET Nuget /v3/index.json",
            "a nuget.org key was sent to PUT Pkgs /contoso/_packaging/shared/nuget/v2/",
        ]
    );
    let log = control.requests_to(Host::Nuget, "GET", "/v3/index.json");
    assert_eq!((log[0].api_key.as_deref(), log[1].api_key.as_deref()), (Some("1"), None));
    assert!(!serde_json::to_string(&control.requests()).expect("JSON").contains(&key));
    assert!(control.secrets().contains(&key));
}

#[tokio::test]
async fn the_control_host_reaches_packages_too() {
    let rig = Rig::start();
    let ctl = &rig.emulator.urls().ctl;
    let post = async |path: &str, body: Value| {
        let got =
            Got::read(rig.http.post(format!("{ctl}/{path}")).json(&body).send().await.expect("answer")).await;
        assert_eq!(got.status, 200, "{path}: {}", got.text());
        got.json()
    };
    let key = post(
        "nuget-key",
        json!({"owner": "alice", "globs": ["*"], "scopes": ["package:push"], "lifetime": 600}),
    );
    let key = post("refresh-nuget-key", json!({"key": key.await})).await;
    assert_eq!(rig.publish(key.as_str().expect("key"), "By.Control", "1.0.0").await.status, 201);
    post("revoke-nuget-key", json!({"key": key})).await;
    let keys = rig.get(&format!("{ctl}/nuget-keys")).await.json();
    assert_eq!(
        (&keys[0]["live"], &keys[1]["live"], &keys[1]["uses"]),
        (&json!(false), &json!(false), &json!(1))
    );
    post("add-package", json!({"org": "contoso", "feed": "team", "id": "Added", "version": "1.0"})).await;
    let packages = rig.get(&format!("{ctl}/packages")).await.json();
    let held = |id: &str| packages.as_array().expect("list").iter().any(|package| package["id"] == id);
    assert!(held("By.Control") && held("Added"));
    post("feed-roles", json!({"org": "contoso", "feed": "team", "user": "alice", "role": "reader"})).await;
    post("trust", json!({"user": "alice", "owner": "alice", "repository": "a/b", "workflow": "c.yml"})).await;
    let job = post("github-job", json!({"repository": "a/b", "workflow": "c.yml"})).await;
    assert!(job["url"].as_str().expect("url").starts_with(rig.emulator.urls().oidc.as_str()));
    let token = post("gitlab-token", json!({"project": "a/b", "audience": "x"})).await;
    assert_eq!(token.as_str().expect("token").split('.').count(), 3);
}

#[test]
fn the_sites_form_may_restrict_a_keys_life() {
    let rig = Rig::start();
    let control = rig.emulator.control();
    control.switch(|switches| switches.restrict_key_expiry = true);
    assert!(control.nuget_key("alice", &["*"], &["package:push"], 365 * DAY).is_err());
    assert!(control.nuget_key("alice", &["*"], &["package:push"], 8 * DAY).is_ok());
}
