//! curl, with the requests that Microsoft's pages show.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use valetkey_emulator::{APP_MINT, APP_READ};

use super::{Flow, Needs, Stage, mask::pairs};

pub(super) const FLOWS: &[Flow] = &[
    Flow { client: CLIENT, name: "Entra examples", needs: NEEDS, run: entra },
    Flow { client: CLIENT, name: "PAT API examples", needs: NEEDS, run: pats },
];

const CLIENT: &str = "curl";
const NEEDS: Needs = Needs { programs: &["curl"], clients: &[], dotnet: false };

const LOGIN: &str = "https://login.microsoftonline.com/organizations/oauth2/v2.0";
const PATS: &str = "https://vssps.dev.azure.com/contoso/_apis/tokens/pats?api-version=7.1-preview.1";
const RESOURCE: &str = "499b84ac-1321-427f-aa17-267ca6975798";
/// 2020-11-02T22:56:52Z, when the tokens of Microsoft's samples were made.
const WHEN_SAMPLES_WERE_MADE: i64 = 1_604_357_812;

/// RFC 7636 appendix B.
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// What curl got.
struct Got {
    status: u16,
    headers: String,
    body: String,
}

impl Got {
    fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.body).with_context(|| format!("not JSON: {}{}", self.headers, self.body))
    }

    fn expect(self, status: u16, what: &str) -> Result<Self> {
        ensure!(self.status == status, "{what}: {}{}", self.headers, self.body);
        Ok(self)
    }
}

fn curl(stage: &Stage, args: &[&str]) -> Result<Got> {
    let ran = stage.run("curl", &[&["--silent", "--show-error", "--include"], args].concat())?;
    let said = ran.expect_ok("curl")?.stdout();
    let (headers, body) = said.split_once("\r\n\r\n").context("no headers")?;
    let status = headers.split(' ').nth(1).and_then(|code| code.parse().ok()).context("no status")?;
    Ok(Got { status, headers: headers.to_owned(), body: body.to_owned() })
}

/// `-d` for each field, encoded by curl.
fn post(stage: &Stage, url: &str, fields: &[(&str, &str)]) -> Result<Got> {
    let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut args = vec!["--request", "POST", url];
    for field in &fields {
        args.extend(["--data-urlencode", field]);
    }
    curl(stage, &args)
}

fn version(stage: &Stage) -> Result<String> {
    let said = stage.run("curl", &["--version"])?.expect_ok("curl --version")?.stdout();
    Ok(said.split(' ').nth(1).context("curl names no version")?.to_owned())
}

fn text(value: &Value, name: &str) -> Result<String> {
    value[name].as_str().map(str::to_owned).with_context(|| format!("no {name} in {value}"))
}

/// Microsoft: "Microsoft identity platform and the OAuth 2.0 device authorization grant flow".
fn device_code(stage: &Stage, client: &str, scope: &str) -> Result<Value> {
    let begun = post(stage, &format!("{LOGIN}/devicecode"), &[("client_id", client), ("scope", scope)])?;
    let begun = begun.expect(200, "device code")?.json()?;
    for name in ["device_code", "user_code", "verification_uri", "message"] {
        text(&begun, name)?;
    }
    ensure!(begun["expires_in"] == 900 && begun["interval"] == 5, "{begun}");
    let code = text(&begun, "device_code")?;
    let poll = || {
        let grant = "urn:ietf:params:oauth:grant-type:device_code";
        let fields = [("grant_type", grant), ("client_id", client), ("device_code", code.as_str())];
        post(stage, &format!("{LOGIN}/token"), &fields)
    };
    let pending = poll()?.expect(400, "a pending code")?.json()?;
    ensure!(pending["error"] == "authorization_pending", "{pending}");
    stage.approve_device(&text(&begun, "user_code")?)?;
    poll()?.expect(200, "an approved code")?.json()
}

/// An access token for Azure DevOps of this application's.
pub(super) fn access_token(stage: &Stage, client: &str, permissions: &[&str]) -> Result<String> {
    let scopes: Vec<_> = permissions.iter().map(|permission| format!("{RESOURCE}/{permission}")).collect();
    text(&device_code(stage, client, &scopes.join(" "))?, "access_token")
}

fn entra(stage: &mut Stage) -> Result<String> {
    let discovery = "https://login.microsoftonline.com/organizations/v2.0/.well-known/openid-configuration";
    let document = curl(stage, &[discovery])?.expect(200, "discovery")?.json()?;
    ensure!(document["token_endpoint"] == format!("{LOGIN}/token"), "{document}");

    let scope = format!("{RESOURCE}/vso.code_write offline_access openid profile");
    let tokens = device_code(stage, APP_READ, &scope)?;
    ensure!(tokens["token_type"] == "Bearer" && tokens["id_token"].is_string(), "{tokens}");
    refreshed(stage, &text(&tokens, "refresh_token")?, &scope)?;
    authorization_code(stage, &scope)?;

    let wrong = [("grant_type", "authorization_code"), ("client_id", APP_READ), ("code", "nothing")];
    let refused = post(stage, &format!("{LOGIN}/token"), &wrong)?.expect(400, "a wrong code")?.json()?;
    let documented = ["error", "error_description", "error_codes", "timestamp", "trace_id", "correlation_id"];
    for name in documented {
        ensure!(!refused[name].is_null(), "no {name} in {refused}");
    }
    ensure!(refused["error"] == "invalid_grant", "{refused}");
    version(stage)
}

/// Microsoft: "Refresh the access token", of the authorization code flow's page.
fn refreshed(stage: &Stage, token: &str, scope: &str) -> Result<()> {
    let fields = [
        ("client_id", APP_READ),
        ("scope", scope),
        ("refresh_token", token),
        ("grant_type", "refresh_token"),
    ];
    let tokens = post(stage, &format!("{LOGIN}/token"), &fields)?.expect(200, "refresh")?.json()?;
    ensure!(text(&tokens, "refresh_token")? != token, "the refresh token did not change");
    text(&tokens, "access_token").map(|_| ())
}

/// Microsoft: "Microsoft identity platform and OAuth 2.0 authorization code flow".
fn authorization_code(stage: &Stage, scope: &str) -> Result<()> {
    stage.tell("signin-as", json!({"user": "alice"}))?;
    let redeem = |code: &str, more: &[(&str, &str)]| {
        let fields = [
            ("client_id", APP_READ),
            ("scope", scope),
            ("code", code),
            ("redirect_uri", "http://localhost/"),
            ("grant_type", "authorization_code"),
        ];
        post(stage, &format!("{LOGIN}/token"), &[&fields[..], more].concat())
    };
    let verifier = [("code_verifier", VERIFIER)];
    let stolen =
        redeem(&authorized(stage, scope)?, &[])?.expect(400, "a code without its verifier")?.json()?;
    ensure!(stolen["error"] == "invalid_grant", "{stolen}");
    let code = authorized(stage, scope)?;
    redeem(&code, &verifier)?.expect(200, "a code")?;
    let again = redeem(&code, &verifier)?.expect(400, "a code used twice")?.json()?;
    ensure!(again["error"] == "invalid_grant", "{again}");
    Ok(())
}

/// A code, as the sign-in page's redirect brings it.
fn authorized(stage: &Stage, scope: &str) -> Result<String> {
    let fields = [
        format!("client_id={APP_READ}"),
        "response_type=code".to_owned(),
        "redirect_uri=http://localhost/".to_owned(),
        "response_mode=query".to_owned(),
        format!("scope={scope}"),
        "state=12345".to_owned(),
        format!("code_challenge={CHALLENGE}"),
        "code_challenge_method=S256".to_owned(),
    ];
    let url = format!("{LOGIN}/authorize");
    let mut args = vec!["--get", &url];
    for field in &fields {
        args.extend(["--data-urlencode", field]);
    }
    let redirect = curl(stage, &args)?.expect(302, "authorize")?;
    let location = redirect.headers.lines().find_map(|line| line.strip_prefix("location: "));
    let (base, query) = location.and_then(|location| location.split_once('?')).context("no redirect")?;
    ensure!(base == "http://localhost/", "{base}");
    let brought = pairs(query);
    let find =
        |wanted: &str| brought.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    ensure!(find("state") == Some("12345"), "{brought:?}");
    Ok(find("code").context("no code")?.to_owned())
}

/// Microsoft: "Pats", REST API reference 7.1: create, get, list, update and revoke, with the bodies of its samples.
fn pats(stage: &mut Stage) -> Result<String> {
    stage.tell("clock", json!({"set": WHEN_SAMPLES_WERE_MADE}))?;
    let token = access_token(stage, APP_MINT, &["vso.pats", "vso.pats_manage"])?;
    let bearer = format!("Authorization: Bearer {token}");
    let with_body = |method: &str, body: &str| {
        let kind = "Content-Type: application/json";
        curl(stage, &["--request", method, PATS, "--header", &bearer, "--header", kind, "--data", body])
    };
    let sample = r#"{"displayName": "new_token", "scope": "app_token", "validTo": "2020-12-01T23:46:23.319Z", "allOrgs": false}"#;
    let made = with_body("POST", sample)?.expect(200, "create")?.json()?;
    ensure!(made["patTokenError"] == "none", "{made}");
    let pat = &made["patToken"];
    ensure!(pat["displayName"] == "new_token" && pat["scope"] == "app_token", "{pat}");
    // As in the sample's answer: rounded, and without trailing zeros.
    ensure!(pat["validTo"] == "2020-12-01T23:46:23.32Z", "{pat}");
    ensure!(pat["targetAccounts"].as_array().is_some_and(|list| list.len() == 1), "{pat}");
    let (id, secret) = (text(pat, "authorizationId")?, text(pat, "token")?);

    let got = curl(stage, &[&format!("{PATS}&authorizationId={id}"), "--header", &bearer])?;
    let got = got.expect(200, "get")?.json()?;
    ensure!(got["patToken"]["token"].is_null() && got["patTokenError"] == "none", "{got}");
    let listed = curl(stage, &[PATS, "--header", &bearer])?.expect(200, "list")?.json()?;
    ensure!(listed["patTokens"][0]["authorizationId"] == id.as_str(), "{listed}");
    ensure!(listed["continuationToken"] == "", "{listed}");

    let sample = format!(
        r#"{{"authorizationId": "{id}", "displayName": "updated_token", "scope": "app_token", "validTo": "2020-12-13T23:46:23.319Z", "allOrgs": false}}"#
    );
    let changed = with_body("PUT", &sample)?.expect(200, "update")?.json()?;
    ensure!(changed["patToken"]["displayName"] == "updated_token", "{changed}");
    ensure!(changed["patToken"]["token"].is_null(), "{changed}");
    opens(stage, &secret, 200)?;

    let revoke = format!("{PATS}&authorizationId={id}");
    curl(stage, &["--request", "DELETE", &revoke, "--header", &bearer])?.expect(204, "revoke")?;
    opens(stage, &secret, 401)?;
    refusals(stage, &bearer)?;
    version(stage)
}

/// Microsoft: "Use personal access tokens", whose example lists projects.
fn opens(stage: &Stage, secret: &str, status: u16) -> Result<()> {
    let user = format!(":{secret}");
    let projects = "https://dev.azure.com/contoso/_apis/projects?api-version=2.0";
    curl(stage, &["--user", &user, projects])?.expect(status, "projects")?;
    Ok(())
}

/// What the pages say about requests that are not granted.
fn refusals(stage: &Stage, bearer: &str) -> Result<()> {
    let unnamed = PATS.split('?').next().unwrap_or_default();
    let refused = curl(stage, &[unnamed, "--header", bearer])?;
    ensure!(refused.status == 400, "without api-version: {}", refused.status);
    let anonymous = curl(stage, &["--header", "X-TFS-FedAuthRedirect: Suppress", PATS])?;
    anonymous.expect(401, "without a token")?;
    let body = r#"{"displayName": "", "scope": "vso.code", "validTo": "2020-12-01T23:46:23.319Z", "allOrgs": false}"#;
    let kind = "Content-Type: application/json";
    let made = curl(stage, &[PATS, "--header", bearer, "--header", kind, "--data", body])?;
    let made = made.expect(200, "an empty name")?.json()?;
    ensure!(made["patTokenError"] == "displayNameRequired" && made["patToken"].is_null(), "{made}");
    Ok(())
}
