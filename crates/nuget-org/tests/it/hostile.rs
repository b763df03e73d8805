//! Every question that shows a key or a token, against every answer that no honest gallery gives.

use std::pin::Pin;

use valetkey_hostile::{Attack, Harm, Hostile, PATIENCE, trials};
use valetkey_http::{Http, HttpError, Settings, Url};
use valetkey_nuget_org::{NugetError, NugetErrorKind as Kind, NugetOrg, Pipeline};
use valetkey_protocol::{SecretString, is_clean};

use crate::server::{id, version};

/// How every secret here begins.
const CANARY: &str = "canary-";
const KEY: &str =
    r#"{"tokenType":"ApiKey","expires":"2027-03-01T12:00:00.0000000+00:00","apiKey":"canary-short-lived"}"#;
const JOB: &str = r#"{"count":1,"value":"canary-job.token.0123456789"}"#;
/// What is an honest answer of those that have no body.
const EMPTY: [&str; 6] = [
    "nothing but white space",
    "half of it",
    "more behind it",
    "it goes on after its length",
    "chunks without an end",
    "silence half-way",
];

type Asking = Pin<Box<dyn Future<Output = Result<(), NugetError>> + Send>>;
type Ask = fn(Http, Url) -> Asking;

async fn holds(honest: &'static str, ask: Ask, also_good: &'static [&'static str]) {
    let settings = Settings { total_timeout: PATIENCE, connect_timeout: PATIENCE, ..Settings::default() };
    let http = Http::new(settings);
    let wrong = trials(honest, |attack| trial(http.clone(), attack, honest, ask, also_good)).await;
    assert!(wrong.is_empty(), "{} attacks succeed:\n{}", wrong.len(), wrong.join("\n"));
}

async fn trial(
    http: Http,
    attack: Attack,
    honest: &'static str,
    ask: Ask,
    also_good: &'static [&'static str],
) -> Result<(), String> {
    let server = Hostile::start(&[], &attack).await.map_err(|error| error.to_string())?;
    let url = Url::parse(&server.origin()).unwrap();
    let outcome = ask(http.clone(), url.clone()).await;
    let is_good = attack.harm == Harm::Odd || also_good.contains(&attack.name.as_str());
    if outcome.is_ok() && !is_good && !(honest.is_empty() && EMPTY.contains(&attack.name.as_str())) {
        return Err("it is taken for an honest answer".to_owned());
    }
    if let Err(error) = outcome {
        check_words(&error, &server)?;
    }
    if server.followed() > 0 {
        return Err("somebody went elsewhere".to_owned());
    }
    server.repent(honest);
    for _ in 0..10 {
        match ask(http.clone(), url.clone()).await {
            // A machine that is slow for a moment is no fault.
            Err(NugetError { kind: Kind::Http(error), .. })
                if matches!(*error, HttpError::TimedOut { .. }) => {}
            went => return went.map_err(|error| format!("the next question fails: {error}")),
        }
    }
    Err("the next question is never answered".to_owned())
}

/// What a person reads: one line that says whose answer is wrong, and nothing that is nobody's business.
fn check_words(error: &NugetError, server: &Hostile) -> Result<(), String> {
    let all = format!("{error:?}");
    if all.to_ascii_lowercase().contains(CANARY) {
        return Err(format!("a secret is in `{all:.400}`"));
    }
    for line in [&error.sentence, &error.hint] {
        if !is_clean(line) || line.chars().count() > 500 {
            return Err(format!("`{line:.400}` is not a line"));
        }
    }
    let host = server.origin().replace("http://", "");
    let named = [host.as_str(), "nuget.org", "GitHub", "`Contoso.Card`", "the profile `jane`"];
    if !named.iter().any(|name| error.sentence.contains(name)) {
        return Err(format!("`{}` does not say whose answer is wrong", error.sentence));
    }
    Ok(())
}

fn key() -> SecretString {
    SecretString::from(format!("{CANARY}key-abcdefghij"))
}

#[tokio::test]
async fn a_check_of_a_key() {
    let ask: Ask = |http, url| {
        Box::pin(async move {
            let nuget = NugetOrg::new(http, url);
            nuget.verify(&key(), &id("Contoso.Card"), &version("1.2.3")).await.map(drop)
        })
    };
    holds("", ask, &[]).await;
}

#[tokio::test]
async fn a_package_taken_out_of_searches() {
    let ask: Ask = |http, url| {
        Box::pin(async move {
            let nuget = NugetOrg::new(http, url);
            nuget.unlist(&key(), &id("Contoso.Card"), &version("1.2.3")).await.map(drop)
        })
    };
    holds("", ask, &["status 204"]).await;
}

#[tokio::test]
async fn a_token_for_a_key() {
    let ask: Ask = |http, url| {
        Box::pin(async move { NugetOrg::new(http, url).exchange(&key(), "jane").await.map(drop) })
    };
    holds(KEY, ask, &[]).await;
}

#[tokio::test]
async fn a_token_of_a_job() {
    let ask: Ask = |http, request_url| {
        Box::pin(async move {
            Pipeline::GitHub { request_url, request_token: key() }.token(&http).await.map(drop)
        })
    };
    holds(JOB, ask, &[]).await;
}
