//! Every question that shows a secret, against every answer that no honest provider gives.

use std::{pin::Pin, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use url::Url;
use valetkey_entra::{
    Authority, Managed, Options, Proof, SignIn, SignInError, SignInErrorKind, github_token, pipelines_token,
};
use valetkey_hostile::{Attack, Harm, Hostile, PATIENCE, trials};
use valetkey_http::{Http, Settings};
use valetkey_protocol::{SecretString, is_clean};

/// How every secret here begins, in lower case.
const CANARY: &str = "canary-";
const TOKENS: &str = r#"{"token_type":"Bearer","scope":"x/vso.pats","expires_in":3599,"access_token":"canary-access-0123456789","refresh_token":"canary-refresh-0123456789"}"#;
const DEVICE: &str = r#"{"device_code":"canary-device-0123456789","user_code":"ABCD1234","verification_uri":"https://microsoft.com/devicelogin","expires_in":3,"interval":1}"#;
const GITHUB: &str = r#"{"value":"canary-job.token.0123456789"}"#;
const PIPELINES: &str = r#"{"oidcToken":"canary-job.token.0123456789"}"#;
const MANAGED: &str = r#"{"access_token":"canary-access-0123456789","expires_on":"99999999999","resource":"x","token_type":"Bearer"}"#;

type Asking = Pin<Box<dyn Future<Output = Result<(), SignInError>> + Send>>;
type Ask = fn(Http, String) -> Asking;

/// A question, and what is honest before it and after it.
#[derive(Clone, Copy)]
struct Table {
    first: &'static [&'static str],
    ask: Ask,
    honest: &'static str,
    again: Ask,
}

impl Table {
    /// A question of one request.
    fn of(honest: &'static str, ask: Ask) -> Self {
        Self { first: &[], ask, honest, again: ask }
    }

    async fn holds(self) {
        let settings = Settings { total_timeout: PATIENCE, connect_timeout: PATIENCE, ..Settings::default() };
        let http = Http::new(settings);
        let wrong = trials(self.honest, |attack| self.trial(http.clone(), attack)).await;
        assert!(wrong.is_empty(), "{} attacks succeed:\n{}", wrong.len(), wrong.join("\n"));
    }

    async fn trial(self, http: Http, attack: Attack) -> Result<(), String> {
        let server = Hostile::start(self.first, &attack).await.map_err(|error| error.to_string())?;
        let outcome = (self.ask)(http.clone(), server.origin()).await;
        if outcome.is_ok() && attack.harm == Harm::None {
            return Err("it is taken for an honest answer".to_owned());
        }
        if let Err(error) = outcome {
            check_words(&error, &server)?;
        }
        if server.followed() > 0 {
            return Err("somebody went elsewhere".to_owned());
        }
        server.repent(self.honest);
        for _ in 0..10 {
            match (self.again)(http.clone(), server.origin()).await {
                // A machine that is slow for a moment is no fault.
                Err(error) if error.kind == SignInErrorKind::TimedOut => {}
                went => return went.map_err(|error| format!("the next question fails: {error}")),
            }
        }
        Err("the next question is never answered".to_owned())
    }
}

/// What a person reads: one line that says whose answer is wrong, and nothing that is nobody's business.
fn check_words(error: &SignInError, server: &Hostile) -> Result<(), String> {
    let refusal = error.refusal();
    let all = format!("{error:?} {refusal:?}");
    if all.to_ascii_lowercase().contains(CANARY) {
        return Err(format!("a secret is in `{all:.400}`"));
    }
    for line in [&error.sentence, &error.hint, &refusal.sentence, &refusal.hint] {
        if !is_clean(line) || line.chars().count() > 500 {
            return Err(format!("`{line:.400}` is not a line"));
        }
    }
    let host = server.origin().replace("http://", "");
    let named = [
        &host,
        "Microsoft Entra",
        "GitHub Actions",
        "Azure Pipelines",
        "metadata service",
        "Azure Arc agent",
        "the tenant",
    ];
    let says_who = named.iter().any(|name| error.sentence.contains(name))
        || error.sentence == "the application may not ask for the right to mint keys"
        || error.sentence == "the time for signing in ran out";
    if error.hint.is_empty() || !says_who {
        return Err(format!("`{}`, `{}` does not say whose answer is wrong", error.sentence, error.hint));
    }
    Ok(())
}

fn secret(name: &str) -> SecretString {
    SecretString::from(format!("{CANARY}{name}-abcdefghij"))
}

fn sign_in(http: Http, origin: &str) -> SignIn {
    SignIn {
        http,
        authority: Authority::configured(origin).unwrap(),
        tenant: "72f988bf-86f1-41af-91ab-2d7cd011db47".to_owned(),
        client_id: "0a1b2c3d-0000-4000-8000-00000000c11e".to_owned(),
        scopes: SignIn::default_scopes(),
    }
}

fn refresh(http: Http, origin: String) -> Asking {
    Box::pin(async move { sign_in(http, &origin).refresh(&secret("refresh"), None).await.map(drop) })
}

#[tokio::test]
async fn a_refresh_token() {
    Table::of(TOKENS, refresh).holds().await;
}

#[tokio::test]
async fn a_secret_of_an_application() {
    let ask: Ask = |http, origin| {
        Box::pin(async move {
            sign_in(http, &origin).for_itself(Proof::Secret(&secret("client"))).await.map(drop)
        })
    };
    Table::of(TOKENS, ask).holds().await;
}

#[tokio::test]
async fn a_token_of_a_platform() {
    let ask: Ask = |http, origin| {
        Box::pin(async move {
            sign_in(http, &origin).for_itself(Proof::Assertion(&secret("assertion"))).await.map(drop)
        })
    };
    Table::of(TOKENS, ask).holds().await;
}

#[tokio::test]
async fn a_code_from_the_browser() {
    let ask: Ask = |http, origin| {
        Box::pin(async move {
            let flow = sign_in(http, &origin).begin_browser(Options::default()).await?;
            let address = flow.url().clone();
            let visit = tokio::spawn(come_back(address));
            let went = flow.finish(Duration::from_secs(30)).await.map(drop);
            visit.await.unwrap();
            went
        })
    };
    Table { first: &[], ask, honest: TOKENS, again: refresh }.holds().await;
}

/// What a browser does at the end of a sign-in.
async fn come_back(address: Url) {
    let of = |name: &str| address.query_pairs().find(|(known, _)| known == name).unwrap().1.into_owned();
    let port = Url::parse(&of("redirect_uri")).unwrap().port().unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let question = format!(
        "GET /?code={CANARY}code-abcdefghij&state={} HTTP/1.1\r\nhost: localhost:{port}\r\n\r\n",
        of("state")
    );
    stream.write_all(question.as_bytes()).await.unwrap();
    let mut page = Vec::new();
    let _ = stream.read_to_end(&mut page).await;
    let page = String::from_utf8_lossy(&page).to_ascii_lowercase();
    assert!(!page.contains(CANARY), "{page}");
}

#[tokio::test]
async fn a_device_code_to_be() {
    let ask: Ask =
        |http, origin| Box::pin(async move { sign_in(http, &origin).begin_device().await.map(drop) });
    Table::of(DEVICE, ask).holds().await;
}

#[tokio::test]
async fn a_device_code() {
    let ask: Ask = |http, origin| {
        Box::pin(async move { sign_in(http, &origin).begin_device().await?.finish().await.map(drop) })
    };
    Table { first: &[DEVICE], ask, honest: TOKENS, again: refresh }.holds().await;
}

#[tokio::test]
async fn a_job_of_github() {
    let ask: Ask = |http, origin| {
        Box::pin(async move {
            github_token(&http, &format!("{origin}/?run=1"), &secret("request")).await.map(drop)
        })
    };
    Table::of(GITHUB, ask).holds().await;
}

#[tokio::test]
async fn a_job_of_azure_pipelines() {
    let ask: Ask = |http, origin| {
        Box::pin(
            async move { pipelines_token(&http, &origin, "connection", &secret("system")).await.map(drop) },
        )
    };
    Table::of(PIPELINES, ask).holds().await;
}

#[tokio::test]
async fn a_virtual_machine() {
    let ask: Ask = |http, origin| {
        Box::pin(
            async move { Managed::VirtualMachine { host: Some(&origin) }.token(&http, None).await.map(drop) },
        )
    };
    Table::of(MANAGED, ask).holds().await;
}

#[tokio::test]
async fn an_azure_arc_agent() {
    let ask: Ask = |http, origin| {
        Box::pin(async move { Managed::Arc { endpoint: &origin }.token(&http, None).await.map(drop) })
    };
    Table::of(MANAGED, ask).holds().await;
}

#[tokio::test]
async fn an_app_service() {
    let ask: Ask = |http, origin| {
        Box::pin(async move {
            let header = secret("identity-header");
            Managed::AppService { endpoint: &origin, header: &header }.token(&http, None).await.map(drop)
        })
    };
    Table::of(MANAGED, ask).holds().await;
}
