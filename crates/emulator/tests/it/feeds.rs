//! Azure Artifacts over HTTP.

use std::net::SocketAddr;

use reqwest::{Certificate, Client, Method, redirect::Policy};
use serde_json::{Value, json};
use valetkey_emulator::{APP_LEGACY, CredentialKind, FeedRole, Host, Options, TENANT_HOME, nupkg};

use crate::client::{Got, Rig};

const SHARED: &str = "contoso/_packaging/shared/nuget/v3/index.json";
const TEAM: &str = "contoso/Payments%20Platform/_packaging/team/nuget/v3/index.json";

impl Rig {
    fn feed(&self, path: &str) -> String {
        format!("{}/{path}", self.emulator.urls().pkgs)
    }

    fn pat(&self, org: &str, scope: &str) -> String {
        self.emulator.control().mint("alice", org, scope, 3600).expect("mint").1
    }

    async fn with_pat(&self, url: &str, pat: &str) -> Got {
        let request = self.http.get(url).basic_auth("VssSessionToken", Some(pat));
        Got::read(request.send().await.expect("answer")).await
    }

    async fn push_to(&self, feed: &str, pat: &str, key: Option<&str>, package: Vec<u8>) -> Got {
        let url = self.feed(feed).replace("/v3/index.json", "/v2/");
        let mut request = self.http.put(url).basic_auth("x", Some(pat));
        if let Some(key) = key {
            request = request.header("X-NuGet-ApiKey", key);
        }
        let request = request.header("content-type", "multipart/form-data; boundary=\"b\"");
        Got::read(request.body(multipart(&package)).send().await.expect("answer")).await
    }
}

/// A body as NuGet's clients send it, with the boundary `b`.
pub(crate) fn multipart(package: &[u8]) -> Vec<u8> {
    let head = "--b\r\nContent-Type: application/octet-stream\r\nContent-Disposition: form-data; name=package; \
                filename=package.nupkg; filename*=utf-8''package.nupkg\r\n\r\n";
    [head.as_bytes(), package, b"\r\n--b--\r\n"].concat()
}

#[track_caller]
pub(crate) fn resource(index: &Value, kind: &str) -> String {
    let resources = index["resources"].as_array().expect("resources");
    let found = resources.iter().find(|resource| resource["@type"] == kind).expect(kind);
    found["@id"].as_str().expect("@id").to_owned()
}

#[tokio::test]
async fn strangers_get_the_full_challenge_and_no_sign_in_page() {
    let rig = Rig::start();
    let urls = rig.emulator.urls();
    for request in [
        rig.http.get(rig.feed(SHARED)),
        rig.http.get(rig.feed(SHARED)).basic_auth("", Some("")),
        rig.http.get(rig.feed(SHARED)).basic_auth("x", Some("never seen")),
        rig.http.get(rig.feed(SHARED)).bearer_auth("never seen"),
        rig.http.get(rig.feed("contoso/_packaging/nowhere/nuget/v3/index.json")),
    ] {
        let got = Got::read(request.send().await.expect("answer")).await;
        assert_eq!(got.status, 401);
        assert_eq!(
            got.all("www-authenticate"),
            [
                format!("Bearer authorization_uri={}/{TENANT_HOME}", urls.login),
                format!("Basic realm=\"{}/\"", urls.pkgs),
                "TFS-Federated".to_owned(),
            ]
        );
        assert_eq!(got.all("x-vss-resourcetenant"), [TENANT_HOME]);
        assert_eq!(got.all("x-vss-authorizationendpoint"), [format!("{}/contoso/", urls.vssps)]);
        assert_eq!(got.all("x-vss-e2eid").len(), 1);
    }
    let unknown = rig.get(&rig.feed("nowhere/_packaging/shared/nuget/v3/index.json")).await;
    assert_eq!((unknown.status.as_u16(), unknown.all("www-authenticate").len()), (401, 3));
}

#[tokio::test]
async fn dead_keys_all_answer_alike() {
    let rig = Rig::start();
    let control = rig.emulator.control();
    let (expired, first) = control.mint("alice", "contoso", "vso.packaging", 3600).expect("mint");
    let (revoked, second) = control.mint("alice", "contoso", "vso.packaging", 3600).expect("mint");
    control.expire_pat(&expired).expect("expire");
    control.revoke_pat(&revoked).expect("revoke");
    let other_scope = rig.pat("contoso", "vso.code_full");
    let other_organisation = rig.pat("fabrikam", "vso.packaging");
    let live = rig.pat("contoso", "vso.packaging");
    assert_eq!(rig.with_pat(&rig.feed(SHARED), &live).await.status, 200);
    for pat in [&first, &second, &other_scope, &other_organisation] {
        let got = rig.with_pat(&rig.feed(SHARED), pat).await;
        assert_eq!((got.status.as_u16(), got.body.len()), (401, 0));
        assert_eq!(got.all("www-authenticate"), [format!("Basic realm=\"{}/\"", rig.emulator.urls().pkgs)]);
    }
    let as_bearer = rig.http.get(rig.feed(SHARED)).bearer_auth(&live).send().await.expect("answer");
    assert_eq!(as_bearer.status(), 401);
    let read_only = rig.push_to(SHARED, &live, Some("az"), nupkg("New", "1.0.0", &[])).await;
    assert_eq!(read_only.status, 401, "vso.packaging does not include vso.packaging_write");
}

#[tokio::test]
async fn entra_tokens_open_feeds_as_bearer_and_as_password() {
    let rig = Rig::start();
    let scope = "499b84ac-1321-427f-aa17-267ca6975798/user_impersonation";
    let changes = [("client_id", APP_LEGACY), ("scope", scope)];
    let redirect = rig.get(&rig.authorize_url("organizations", &changes)).await.redirected();
    let token = rig.redeem(&redirect["code"], &[("client_id", APP_LEGACY)]).await.json();
    let token = token["access_token"].as_str().expect("token").to_owned();
    let bearer = rig.http.get(rig.feed(SHARED)).bearer_auth(&token).send().await.expect("answer");
    assert_eq!(bearer.status(), 200);
    assert_eq!(rig.with_pat(&rig.feed(SHARED), &token).await.status, 200);
    let narrow = rig.access_token().await;
    let refused = rig.with_pat(&rig.feed(SHARED), &narrow).await;
    assert_eq!((refused.status.as_u16(), refused.all("www-authenticate")), (401, vec!["Bearer".to_owned()]));
}

#[tokio::test]
async fn the_index_leads_to_packages_under_identifiers() {
    let rig = Rig::start();
    let pat = rig.pat("contoso", "vso.packaging_manage");
    let plain = rig.with_pat(&rig.feed(TEAM), &pat).await.json();
    let flat = resource(&plain, "PackageBaseAddress/3.0.0");
    assert!(flat.starts_with(&rig.feed("contoso/")) && !flat.contains("team") && !flat.contains("Payments"));
    let versions = rig.with_pat(&format!("{flat}contoso.text/index.json"), &pat).await;
    assert_eq!(versions.json(), json!({"versions": ["1.2.0"]}));
    let file = rig.with_pat(&format!("{flat}contoso.text/1.2.0/contoso.text.1.2.0.nupkg"), &pat).await;
    assert_eq!(file.body, nupkg("Contoso.Text", "1.2.0", &[("Contoso.Core", "1.0.0")]));
    let manifest = rig.with_pat(&format!("{flat}contoso.text/1.2.0/contoso.text.nuspec"), &pat).await;
    assert!(manifest.text().contains("<id>Contoso.Text</id>"));
    let registrations = resource(&plain, "RegistrationsBaseUrl/3.6.0");
    let metadata = rig.with_pat(&format!("{registrations}contoso.text/index.json"), &pat).await.json();
    let leaf = &metadata["items"][0]["items"][0];
    assert_eq!(leaf["catalogEntry"]["dependencyGroups"][0]["dependencies"][0]["id"], "Contoso.Core");
    assert_eq!(rig.with_pat(leaf["@id"].as_str().expect("@id"), &pat).await.status, 200);
    let search = resource(&plain, "SearchQueryService");
    let found = rig.with_pat(&format!("{search}?q=contoso&take=1"), &pat).await.json();
    assert_eq!((&found["totalHits"], &found["data"][0]["id"]), (&json!(2), &json!("Contoso.Core")));
    assert_eq!(rig.get(&format!("{flat}contoso.text/index.json")).await.status, 401);
    assert_eq!(rig.with_pat(&format!("{flat}nothing/index.json"), &pat).await.status, 404);
}

#[tokio::test]
async fn names_are_understood_in_every_form() {
    let rig = Rig::start();
    let pat = rig.pat("contoso", "vso.packaging");
    let index = rig.with_pat(&rig.feed(TEAM), &pat).await.json();
    let by_identifiers = resource(&index, "PackagePublish/2.0.0").replace("/v2/", "/v3/index.json");
    assert_eq!(rig.with_pat(&by_identifiers, &pat).await.json(), index);
    let instance = rig.emulator.control().instance_id("contoso").expect("identifier");
    for path in [
        "CONTOSO/payments%20platform/_packaging/Team/nuget/v3/index.json".to_owned(),
        format!("{instance}/Payments%20Platform/_packaging/team/nuget/v3/index.json"),
        "contoso/Caf%C3%A9%20Z%C3%BCrich/_packaging/Pakete%20f%C3%BCr%20alle/nuget/v3/index.json".to_owned(),
        "contoso/Café Zürich/_packaging/Pakete für alle/nuget/v3/index.json".to_owned(),
        "contoso/_packaging/shared@Release/nuget/v3/index.json".to_owned(),
    ] {
        assert_eq!(rig.with_pat(&rig.feed(&path), &pat).await.status, 200, "{path}");
    }
    for path in ["contoso/_packaging/team", "contoso/widgets/_packaging/team", "contoso/_packaging/shared@X"]
    {
        let got = rig.with_pat(&rig.feed(&format!("{path}/nuget/v3/index.json")), &pat).await;
        assert_eq!(got.json()["typeKey"], "FeedIdNotFoundException", "{path}");
    }
}

#[tokio::test]
async fn the_legacy_host_answers_for_itself() {
    let sealed: SocketAddr = "127.0.0.1:0".parse().expect("address");
    let rig = Rig::with(Options { sealed: Some(sealed), ..Options::default() });
    let port = reqwest::Url::parse(&rig.emulator.urls().pkgs).expect("URL").port().expect("port");
    let names = ["pkgs.dev.azure.com", "contoso.pkgs.visualstudio.com", "api.nuget.org", "www.nuget.org"];
    let mut client = Client::builder()
        .tls_certs_only([Certificate::from_pem(rig.emulator.ca_pem().as_bytes()).expect("authority")])
        .redirect(Policy::none())
        .no_proxy();
    for name in names {
        client = client.resolve(name, SocketAddr::from(([127, 0, 0, 1], port)));
    }
    let client = client.build().expect("client");
    let pat = rig.pat("contoso", "vso.packaging");
    let host = format!("https://contoso.pkgs.visualstudio.com:{port}");
    for path in ["", "DefaultCollection/", "Payments%20Platform/", "DefaultCollection/Payments%20Platform/"] {
        let feed = if path.contains("Payments") { "team" } else { "shared" };
        let url = format!("{host}/{path}_packaging/{feed}/nuget/v3/index.json");
        assert_eq!(client.get(&url).send().await.expect("answer").status(), 401);
        let index =
            Got::read(client.get(&url).basic_auth("x", Some(&pat)).send().await.expect("answer")).await;
        let flat = resource(&index.json(), "PackageBaseAddress/3.0.0");
        assert!(flat.starts_with(&format!("{host}/")) && !flat.contains("contoso/"), "{flat}");
        let versions = client.get(format!("{flat}contoso.core/index.json")).basic_auth("x", Some(&pat));
        assert_eq!(versions.send().await.expect("answer").status(), 200);
    }
    let index = format!("https://api.nuget.org:{port}/v3/index.json");
    let index = Got::read(client.get(index).send().await.expect("answer")).await.json();
    let publish = format!("https://www.nuget.org:{port}/api/v2/package");
    assert_eq!(resource(&index, "PackagePublish/2.0.0"), publish);
}

#[tokio::test]
async fn pushing_needs_scope_key_role_and_a_new_version() {
    let rig = Rig::start();
    let control = rig.emulator.control();
    let pat = rig.pat("contoso", "vso.packaging_write");
    let package = || nupkg("Contoso.New", "1.0.0", &[]);
    assert_eq!(rig.push_to(TEAM, &pat, None, package()).await.status, 403);
    assert_eq!(rig.push_to(TEAM, &pat, Some("az"), b"no package".to_vec()).await.status, 400);
    assert_eq!(rig.push_to(TEAM, &pat, Some("az"), package()).await.status, 202);
    let again = rig.push_to(TEAM, &pat, Some("az"), package()).await;
    assert_eq!((again.status.as_u16(), &again.json()["typeKey"]), (409, &json!("PackageExistsException")));
    let held = control.packages().into_iter().find(|view| view.id == "Contoso.New").expect("package");
    assert_eq!(held.source, "contoso/Payments Platform/team");
    assert_eq!((held.pushed_by.as_deref(), held.listed), (Some("alice"), true));
    let url = rig.feed(TEAM).replace("v3/index.json", "v2/Contoso.New/1.0.0");
    let unlist = rig.http.request(Method::DELETE, url).basic_auth("x", Some(&pat)).send();
    assert_eq!(unlist.await.expect("answer").status(), 204);
    assert!(!control.packages().into_iter().any(|view| view.id == "Contoso.New" && view.listed));
    control.switch(|switches| switches.feed_needs_api_key = false);
    assert_eq!(rig.push_to(TEAM, &pat, None, nupkg("Contoso.New", "1.0.1", &[])).await.status, 202);
    let log = control.requests_to(Host::Pkgs, "PUT", "/v2/");
    assert_eq!((log[2].api_key.as_deref(), log[2].credential), (Some("other"), CredentialKind::Pat));
    assert!(log[2].headers.keys().all(|name| name != "x-nuget-apikey"));
    assert_eq!(control.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn roles_bound_what_a_live_key_may_do() {
    let rig = Rig::start();
    let control = rig.emulator.control();
    let pat = rig.pat("contoso", "vso.packaging_write");
    let push = || rig.push_to(SHARED, &pat, Some("az"), nupkg("Contoso.New", "1.0.0", &[]));
    control.feed_roles("contoso", "shared", "alice", FeedRole::None).expect("role");
    let none = rig.with_pat(&rig.feed(SHARED), &pat).await;
    assert_eq!((none.status.as_u16(), none.all("www-authenticate").len()), (403, 0));
    assert_eq!(none.all("x-vss-userdata").len(), 1, "authenticated, but not allowed");
    assert_eq!(rig.with_pat(&rig.feed(TEAM), &pat).await.status, 200, "another feed");
    control.feed_roles("contoso", "shared", "alice", FeedRole::Reader).expect("role");
    assert_eq!(push().await.status, 403);
    let index = rig.with_pat(&rig.feed(SHARED), &pat).await.json();
    let flat = resource(&index, "PackageBaseAddress/3.0.0");
    let upstream = format!("{flat}wingtip.shared/1.0.0/wingtip.shared.1.0.0.nupkg");
    assert_eq!(rig.with_pat(&upstream, &pat).await.status, 404, "not saved yet, and readers cannot save");
    control.feed_roles("contoso", "shared", "alice", FeedRole::Collaborator).expect("role");
    assert_eq!(rig.with_pat(&upstream, &pat).await.status, 200);
    control.feed_roles("contoso", "shared", "alice", FeedRole::Reader).expect("role");
    assert_eq!(rig.with_pat(&upstream, &pat).await.status, 200, "saved now");
    control.feed_roles("contoso", "shared", "alice", FeedRole::Contributor).expect("role");
    assert_eq!(push().await.status, 202);
    assert!(control.feed_roles("contoso", "nowhere", "alice", FeedRole::Reader).is_err());
    control.add_package("contoso", "Payments Platform/team", "Added", "1.0.0", &[]).expect("package");
    assert!(control.add_package("contoso", "team", "added", "1.0", &[]).is_err(), "there already");
}
