//! How requests find their virtual host, and what each says to strangers.

use std::net::SocketAddr;

use reqwest::{Certificate, Client, redirect::Policy};
use serde_json::{Value, json};
use valetkey_emulator::{Options, Switches, TENANT_HOME};

use crate::client::{Got, Rig};

#[tokio::test]
async fn the_sealed_world_has_microsofts_names() {
    let sealed: SocketAddr = "127.0.0.1:0".parse().expect("address");
    let rig = Rig::with(Options { sealed: Some(sealed), ..Options::default() });
    let urls = rig.emulator.urls();
    let port = reqwest::Url::parse(&urls.dev).expect("URL").port().expect("port");
    let mut client = Client::builder()
        .tls_certs_only([Certificate::from_pem(rig.emulator.ca_pem().as_bytes()).expect("authority")])
        .redirect(Policy::none())
        .no_proxy();
    for name in ["dev.azure.com", "vssps.dev.azure.com", "login.windows.net", "contoso.visualstudio.com"] {
        client = client.resolve(name, SocketAddr::from(([127, 0, 0, 1], port)));
    }
    let client = client.build().expect("client");
    let get = async |url: String| Got::read(client.get(url).send().await.expect("answer")).await;
    let refs = "info/refs?service=git-upload-pack";
    for url in [
        format!("{}/contoso/widgets/_git/widgets/{refs}", urls.dev),
        format!("https://contoso.visualstudio.com:{port}/widgets/_git/widgets/{refs}"),
        format!("https://contoso.visualstudio.com:{port}/DefaultCollection/_git/widgets/{refs}"),
    ] {
        let got = get(url).await;
        assert_eq!(got.status, 401);
        assert_eq!(got.all("x-vss-authorizationendpoint"), [format!("{}/contoso/", urls.vssps)]);
        assert_eq!(
            got.all("www-authenticate")[0],
            format!("Bearer authorization_uri=https://login.microsoftonline.com:{port}/{TENANT_HOME}")
        );
    }
    let known =
        get(format!("https://login.windows.net:{port}/{TENANT_HOME}/v2.0/.well-known/openid-configuration"));
    assert_eq!(known.await.status, 200);
    assert_eq!(get(format!("{}/contoso/_apis/tokens/pats", urls.vssps)).await.status, 302);
}

#[tokio::test]
async fn challenges_have_switches() {
    let ask = async |switches: Switches| {
        let rig = Rig::with(Options { switches, ..Options::default() });
        let url = format!("{}/contoso", rig.emulator.urls().dev);
        let request = rig.http.head(url).header("x-tfs-fedauthredirect", "Suppress");
        let got = Got::read(request.send().await.expect("answer")).await;
        assert_eq!(got.status, 401);
        (got.all("www-authenticate"), got.all("x-vss-resourcetenant"))
    };
    let (joined, _) = ask(Switches { challenge_joined: true, ..Switches::default() }).await;
    assert!(joined.len() == 1 && joined[0].ends_with(", TFS-Federated"), "{joined:?}");
    let (quoted, _) = ask(Switches { challenge_quoted: true, ..Switches::default() }).await;
    assert!(quoted[0].ends_with(&format!("/{TENANT_HOME}\"")), "{quoted:?}");
    let (alias, _) = ask(Switches { challenge_alias_host: true, ..Switches::default() }).await;
    assert_eq!(alias[0], format!("Bearer authorization_uri=https://login.windows.net/{TENANT_HOME}"));
    let (bare, tenants) =
        ask(Switches { challenge_bare_bearer: true, challenge_two_tenants: true, ..Switches::default() })
            .await;
    assert_eq!(bare[0], "Bearer");
    assert_eq!(tenants, [format!("00000000-0000-0000-0000-000000000000,{TENANT_HOME}")]);
}

#[tokio::test]
async fn an_organisation_of_microsoft_accounts_names_no_authority() {
    let rig = Rig::start();
    let got = rig.get(&format!("{}/solo", rig.emulator.urls().dev)).await;
    assert_eq!(got.status, 302);
    assert_eq!(got.all("www-authenticate")[0], "Bearer");
    assert_eq!(got.all("x-vss-resourcetenant"), ["00000000-0000-0000-0000-000000000000"]);
    assert_eq!(rig.get(&format!("{}/nowhere", rig.emulator.urls().dev)).await.status, 404);
}

#[tokio::test]
async fn connection_data_takes_any_live_credential() {
    let rig = Rig::start();
    let control = rig.emulator.control();
    let url = format!("{}/contoso/_apis/connectionData", rig.emulator.urls().dev);
    let (_, pat) = control.mint("alice", "contoso", "vso.packaging", 600).expect("mint");
    let ask = async |query: &str, pat: &str| {
        let request = rig.http.get(format!("{url}{query}")).basic_auth("", Some(pat));
        Got::read(request.send().await.expect("answer")).await
    };
    let got = ask("?connectOptions=none&api-version=7.1-preview.1", &pat).await;
    assert_eq!(got.all("x-vss-userdata").len(), 1);
    let body = got.json();
    assert_eq!(body["instanceId"], json!(control.instance_id("contoso")));
    assert_eq!(body["authenticatedUser"]["properties"]["Account"]["$value"], "alice@contoso.example");
    assert_eq!(ask("?api-version=7.1", &pat).await.json()["typeKey"], "VssInvalidPreviewVersionException");
    control.advance(600);
    assert_eq!(ask("", &pat).await.status, 401);
    let token = rig.access_token().await;
    let bearer = Got::read(rig.http.get(&url).bearer_auth(&token).send().await.expect("answer")).await;
    assert_eq!(bearer.status, 200);
}

#[tokio::test]
async fn the_control_host_does_what_the_handle_does() {
    let rig = Rig::start();
    let ctl = &rig.emulator.urls().ctl;
    let post = async |path: &str, body: Value| {
        let got =
            Got::read(rig.http.post(format!("{ctl}/{path}")).json(&body).send().await.expect("answer")).await;
        (got.status.as_u16(), got.json())
    };
    let before = rig.emulator.control().now();
    assert_eq!(post("clock", json!({"advance": 5000})).await.0, 200);
    assert!(rig.emulator.control().now() >= before + 5000);
    assert_eq!(post("switches", json!({"short-pats": true})).await.0, 200);
    assert_eq!(rig.get(&format!("{ctl}/switches")).await.json()["short-pats"], true);
    assert_eq!(post("switches", json!({"nonsense": true})).await.0, 400);
    assert_eq!(post("signin-as", json!({"user": "bob"})).await.0, 200);
    assert_eq!(post("users", json!({"user": "bob", "state": "blocked"})).await.0, 200);
    assert!(rig.get(&rig.authorize_url("common", &[])).await.text().contains("AADSTS53003"));
    let minted = json!({"user": "alice", "org": "contoso", "scope": "vso.code", "seconds": 60});
    assert_eq!(post("mint", minted).await.1["token"].as_str().map(str::len), Some(52));
    assert_eq!(post("policy/contoso", json!({"restrict-creation": "all"})).await.0, 200);
    let fault = json!({"action": {"status": {"status": 503}}, "host": "dev", "count": 1});
    assert_eq!(post("fault", fault).await.0, 200);
    assert_eq!(rig.get(&format!("{}/contoso", rig.emulator.urls().dev)).await.status, 503);
    assert_eq!(rig.get(&format!("{ctl}/log")).await.json().as_array().map(Vec::len), Some(2));
    assert_eq!(post("reset", json!({})).await.0, 200);
    assert_eq!(rig.get(&format!("{ctl}/log")).await.json(), json!([]));
    assert_eq!(rig.get(&format!("{ctl}/violations")).await.json(), json!([]));
}

#[tokio::test]
async fn a_client_library_finds_the_key_api_by_number() {
    let rig = Rig::start();
    let token = rig.access_token().await;
    let ask = async |url: &str| {
        Got::read(rig.http.get(url).bearer_auth(&token).send().await.expect("answer")).await.json()
    };
    let dev = format!("{}/contoso/_apis/connectionData", rig.emulator.urls().dev);
    assert_eq!(ask(&dev).await["locationServiceData"]["serviceDefinitions"], Value::Null);
    let data = ask(&format!("{dev}?connectOptions=1&lastChangeId=-1&lastChangeId64=-1")).await;
    let root = &data["locationServiceData"]["serviceDefinitions"][0];
    assert_eq!(root["identifier"], "951917ac-a960-4999-8464-e3f0aa25b381");
    let location = root["locationMappings"][0]["location"].as_str().expect("location");
    let other = ask(&format!("{location}_apis/connectionData?connectOptions=IncludeServices")).await;
    assert_eq!(other["instanceType"], root["identifier"]);
    let area = "55967393-20ef-45c6-a96c-b5d5d5986a9a";
    let area = ask(&format!("{location}_apis/ServiceDefinitions/LocationService2/{area}")).await;
    let location = area["location"].as_str().expect("location");
    let request = rig.http.request(reqwest::Method::OPTIONS, format!("{location}_apis/"));
    let resources = Got::read(request.bearer_auth(&token).send().await.expect("answer")).await.json();
    let pats = resources["value"].as_array().expect("list").iter().find(|one| one["resourceName"] == "Pats");
    assert_eq!(pats.expect("Pats")["id"], "2c1965e2-28da-4aa1-bc64-b8a58537ae9b");
    assert!(
        ask(&format!("{location}_apis/Tokens/Pats?api-version=7.2-preview.1")).await["patTokens"].is_array()
    );
}
