//! A plain HTTP client that knows nothing of the product, and the sign-ins that tests start from.

use std::collections::BTreeMap;

use hyper::ext::ReasonPhrase;
use reqwest::{Certificate, Client, Method, Response, StatusCode, header::HeaderMap, redirect::Policy};
use serde_json::{Value, json};
use valetkey_emulator::{APP_MINT, Emulator, Options};

/// RFC 7636 appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const REDIRECT: &str = "http://localhost:8400";
pub(crate) const SCOPE: &str = "499b84ac-1321-427f-aa17-267ca6975798/vso.pats \
    499b84ac-1321-427f-aa17-267ca6975798/vso.pats_manage offline_access openid profile";

pub(crate) struct Rig {
    pub(crate) emulator: Emulator,
    pub(crate) http: Client,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: StatusCode,
    /// The reason phrase, where it is not the status's own.
    pub(crate) reason: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Got {
    pub(crate) async fn read(response: Response) -> Self {
        Self {
            status: response.status(),
            reason: response
                .extensions()
                .get::<ReasonPhrase>()
                .map(|reason| String::from_utf8_lossy(reason.as_bytes()).into_owned()),
            headers: response.headers().clone(),
            body: response.bytes().await.expect("body").to_vec(),
        }
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        self.headers.get_all(name).iter().map(|value| value.to_str().expect("text").to_owned()).collect()
    }

    /// The query of the redirect that came back.
    #[track_caller]
    pub(crate) fn redirected(&self) -> BTreeMap<String, String> {
        assert_eq!(self.status, 302, "{self:?}");
        let location = self.headers["location"].to_str().expect("text");
        reqwest::Url::parse(location).expect("URL").query_pairs().into_owned().collect()
    }
}

impl Rig {
    /// With alice signed in by the browser flow.
    pub(crate) fn start() -> Self {
        Self::with(Options { sign_in_as: Some("alice".to_owned()), ..Options::default() })
    }

    pub(crate) fn with(options: Options) -> Self {
        let emulator = Emulator::start(options).expect("emulator");
        let authority = Certificate::from_pem(emulator.ca_pem().as_bytes()).expect("authority");
        let http = Client::builder()
            .tls_certs_only([authority])
            .redirect(Policy::none())
            .no_proxy()
            .build()
            .expect("client");
        Self { emulator, http }
    }

    pub(crate) async fn get(&self, url: &str) -> Got {
        Got::read(self.http.get(url).send().await.expect("answer")).await
    }

    pub(crate) async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Got {
        let url = format!("{}{path}", self.emulator.urls().login);
        Got::read(self.http.post(url).form(fields).send().await.expect("answer")).await
    }

    pub(crate) fn authorize_url(&self, tenant: &str, changes: &[(&str, &str)]) -> String {
        let mut fields = BTreeMap::from([
            ("client_id", APP_MINT),
            ("response_type", "code"),
            ("redirect_uri", REDIRECT),
            ("scope", SCOPE),
            ("state", "s1"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ]);
        fields.extend(changes.iter().copied());
        let base = format!("{}/{tenant}/oauth2/v2.0/authorize", self.emulator.urls().login);
        reqwest::Url::parse_with_params(&base, fields).expect("URL").into()
    }

    pub(crate) async fn redeem(&self, code: &str, changes: &[(&str, &str)]) -> Got {
        let mut fields = BTreeMap::from([
            ("grant_type", "authorization_code"),
            ("client_id", APP_MINT),
            ("redirect_uri", REDIRECT),
            ("code", code),
            ("code_verifier", VERIFIER),
            ("client_info", "1"),
        ]);
        fields.extend(changes.iter().copied());
        let fields: Vec<_> = fields.into_iter().collect();
        self.form("/organizations/oauth2/v2.0/token", &fields).await
    }

    pub(crate) async fn refresh(&self, tenant: &str, token: &str, changes: &[(&str, &str)]) -> Got {
        let mut fields = BTreeMap::from([
            ("grant_type", "refresh_token"),
            ("client_id", APP_MINT),
            ("scope", SCOPE),
            ("refresh_token", token),
        ]);
        fields.extend(changes.iter().copied());
        let fields: Vec<_> = fields.into_iter().collect();
        self.form(&format!("/{tenant}/oauth2/v2.0/token"), &fields).await
    }

    /// A whole browser sign-in of the user set, as `tenant`.
    pub(crate) async fn sign_in(&self, tenant: &str, changes: &[(&str, &str)]) -> Value {
        let redirect = self.get(&self.authorize_url(tenant, changes)).await.redirected();
        let got = self.redeem(&redirect["code"], &[]).await;
        assert_eq!(got.status, 200, "{got:?}");
        got.json()
    }

    /// An access token that may mint.
    pub(crate) async fn access_token(&self) -> String {
        let tokens = self.sign_in("organizations", &[]).await;
        tokens["access_token"].as_str().expect("access token").to_owned()
    }

    pub(crate) async fn pats(
        &self,
        method: Method,
        org: &str,
        query: &str,
        token: &str,
        body: Option<Value>,
    ) -> Got {
        let url = format!("{}/{org}/_apis/tokens/pats?{query}", self.emulator.urls().vssps);
        let mut request = self.http.request(method, url).header("x-tfs-fedauthredirect", "Suppress");
        request = request.bearer_auth(token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        Got::read(request.send().await.expect("answer")).await
    }

    /// Creates a token that lives an hour; the `PatTokenResult`.
    pub(crate) async fn create(&self, org: &str, token: &str, changes: Value) -> Got {
        let mut body = json!({
            "displayName": "valetkey test", "scope": "vso.code",
            "validTo": rfc3339(self.emulator.control().now() + 3600), "allOrgs": false,
        });
        for (name, value) in changes.as_object().expect("object") {
            body[name] = value.clone();
        }
        self.pats(Method::POST, org, "api-version=7.1-preview.1", token, Some(body)).await
    }
}

/// Seconds since the epoch as RFC 3339 in UTC.
pub(crate) fn rfc3339(seconds: i64) -> String {
    let days = seconds.div_euclid(86_400);
    let (hour, minute, second) =
        (seconds.rem_euclid(86_400) / 3600, seconds.rem_euclid(3600) / 60, seconds.rem_euclid(60));
    // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.319Z")
}
