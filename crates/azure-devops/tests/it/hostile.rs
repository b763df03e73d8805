//! Every question that shows a secret, against every answer that no honest service gives.

use std::pin::Pin;

use url::Url;
use valetkey_azure_devops::{
    Auth, DevOps, DevOpsError, DevOpsErrorKind as Kind, Endpoints, Filter, Listing, PatUpdate, TenantHint,
};
use valetkey_hostile::{Attack, Harm, Hostile, PATIENCE, trials};
use valetkey_http::{Http, HttpError, Settings};
use valetkey_protocol::{SecretString, is_clean};

use crate::{
    answers::{ID, created, pat, pat_result},
    create::new_pat,
};

const BEARER: &str = "canary-bearer.0123456789.abcdefghij";
const KEY: &str = "canarykey0123456789abcdefghij0123456789abcdefghij0123";
/// [`KEY`] as `Basic` writes it, from where the user name ends.
const KEY_IN_BASIC: &str = "Y2FuYXJ5a2V5MDEyMzQ1Njc4OWFiY2RlZmdoaWowMTIzNDU2Nzg5YWJjZGVmZ2hpajAxMjM";

type Asking = Pin<Box<dyn Future<Output = Result<(), DevOpsError>> + Send>>;

fn bearer() -> SecretString {
    SecretString::from(BEARER)
}

/// One for a whole table: to read the system's authorities takes longer than an answer.
fn http() -> Http {
    Http::new(Settings { total_timeout: PATIENCE, connect_timeout: PATIENCE, ..Settings::default() })
}

fn devops(http: &Http, server: &Hostile) -> DevOps {
    let url = Url::parse(&server.origin()).unwrap();
    DevOps::new(http.clone(), Endpoints { dev: url.clone(), pats: url })
        .in_tenant("72f988bf-86f1-41af-91ab-2d7cd011db47")
}

/// Tries every attack on a question. `none_is_good` names those that are a success of this question all the same.
async fn table(honest: &'static str, ask: fn(DevOps) -> Asking, none_is_good: &'static [&'static str]) {
    let http = http();
    let wrong = trials(honest, |attack| trial(http.clone(), attack, honest, ask, none_is_good)).await;
    assert!(wrong.is_empty(), "{} attacks succeed:\n{}", wrong.len(), wrong.join("\n"));
}

async fn trial(
    http: Http,
    attack: Attack,
    honest: &'static str,
    ask: fn(DevOps) -> Asking,
    none_is_good: &'static [&'static str],
) -> Result<(), String> {
    let server = Hostile::start(&[], &attack).await.map_err(|error| error.to_string())?;
    let devops = devops(&http, &server);
    let outcome = ask(devops.clone()).await;
    if outcome.is_ok() && attack.harm == Harm::None && !none_is_good.contains(&attack.name.as_str()) {
        return Err("it is taken for an honest answer".to_owned());
    }
    if let Err(error) = outcome {
        check_words(&error, &server)?;
    }
    if server.followed() > 0 {
        return Err("somebody went elsewhere".to_owned());
    }
    server.repent(honest);
    again(|| ask(devops.clone())).await
}

/// The next question is answered. A machine that is slow for a moment is no fault.
async fn again(ask: impl Fn() -> Asking) -> Result<(), String> {
    for _ in 0..10 {
        match ask().await {
            Err(DevOpsError { kind: Kind::Http(error), .. })
                if matches!(*error, HttpError::TimedOut { .. }) => {}
            went => return went.map_err(|error| format!("the next question fails: {error}")),
        }
    }
    Err("the next question is never answered".to_owned())
}

/// What a person reads: one line that says whose answer is wrong, and nothing that is nobody's business.
fn check_words(error: &DevOpsError, server: &Hostile) -> Result<(), String> {
    let refusal = error.refusal();
    let all = format!("{error:?} {refusal:?}").to_ascii_lowercase();
    if [BEARER, KEY, KEY_IN_BASIC].iter().any(|secret| all.contains(&secret.to_ascii_lowercase()[..24])) {
        return Err(format!("a secret is in `{all:.400}`"));
    }
    let host = server.origin().replace("http://", "");
    for line in [&error.sentence, &error.hint, &refusal.sentence, &refusal.hint] {
        if !is_clean(line) || line.chars().count() > 500 {
            return Err(format!("`{line:.400}` is not a line"));
        }
    }
    if error.hint.is_empty() || !(error.sentence.contains("`contoso`") || error.sentence.contains(&host)) {
        return Err(format!("`{}`, `{}` does not say whose answer is wrong", error.sentence, error.hint));
    }
    Ok(())
}

fn leaked(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

const WHO: &str = r#"{"instanceId":"38aaa865-2c70-4bf7-a308-0c6539c38c1a","authenticatedUser":null}"#;
const SESSION: &str = r#"{"token":"eyJ.eyJ.x","validTo":"2026-11-22T12:00:00Z","scope":"vso.packaging"}"#;

fn page() -> &'static str {
    leaked(format!(r#"{{"continuationToken":"","patTokens":[{}]}}"#, pat(ID, "null")))
}

#[tokio::test]
async fn who_one_is_by_a_sign_in() {
    table(
        WHO,
        |devops| {
            Box::pin(
                async move { devops.connection_data("contoso", Auth::Bearer(&bearer())).await.map(drop) },
            )
        },
        &[],
    )
    .await;
}

#[tokio::test]
async fn who_one_is_by_a_key() {
    table(
        WHO,
        |devops| {
            Box::pin(async move { devops.connection_data("contoso", Auth::Pat(&KEY.into())).await.map(drop) })
        },
        &[],
    )
    .await;
}

#[tokio::test]
async fn a_list() {
    table(
        page(),
        |devops| Box::pin(async move { devops.list("contoso", &bearer(), Filter::All).await.map(drop) }),
        &[],
    )
    .await;
}

#[tokio::test]
async fn a_page() {
    table(
        page(),
        |devops| {
            Box::pin(async move {
                devops.page("contoso", &bearer(), &Listing::default(), Some("next")).await.map(drop)
            })
        },
        &[],
    )
    .await;
}

#[tokio::test]
async fn one_key() {
    table(
        leaked(pat_result("null", "none")),
        |devops| Box::pin(async move { devops.get("contoso", &bearer(), ID).await.map(drop) }),
        &[],
    )
    .await;
}

#[tokio::test]
async fn a_new_key() {
    table(
        leaked(created()),
        |devops| Box::pin(async move { devops.create("contoso", &bearer(), &new_pat()).await.map(drop) }),
        &[],
    )
    .await;
}

#[tokio::test]
async fn a_changed_key() {
    table(
        leaked(pat_result("null", "none")),
        |devops| {
            Box::pin(async move {
                let update = PatUpdate { display_name: Some("new".to_owned()), ..PatUpdate::default() };
                devops.update("contoso", &bearer(), ID, &update).await.map(drop)
            })
        },
        &[],
    )
    .await;
}

/// The service answers with 204, or with 200 and nothing.
#[tokio::test]
async fn a_revoked_key() {
    table(
        leaked(pat_result("null", "none")),
        |devops| Box::pin(async move { devops.revoke("contoso", &bearer(), ID).await }),
        &["status 204", "nothing but white space"],
    )
    .await;
}

#[tokio::test]
async fn a_session_token() {
    table(
        SESSION,
        |devops| {
            Box::pin(async move { devops.session_token("contoso", &bearer(), &new_pat()).await.map(drop) })
        },
        &[],
    )
    .await;
}

/// Shows nothing, and what it learns decides where a secret is shown next: nothing foreign may be learnt.
#[tokio::test]
async fn an_organisation_s_tenant() {
    let http = http();
    let wrong = trials("{}", |attack| trial_of_discovery(http.clone(), attack)).await;
    assert!(wrong.is_empty(), "{} attacks succeed:\n{}", wrong.len(), wrong.join("\n"));
}

async fn trial_of_discovery(http: Http, attack: Attack) -> Result<(), String> {
    let server = Hostile::start(&[], &attack).await.map_err(|error| error.to_string())?;
    let devops = devops(&http, &server);
    match devops.discover("contoso").await {
        Err(error) => check_words(&error, &server)?,
        Ok(facts) => {
            let known = [TenantHint::Unknown, TenantHint::MicrosoftAccount];
            if facts.sps.is_some() || !known.contains(&facts.tenant) {
                return Err(format!("it is believed: {facts:?}"));
            }
            if facts.refused.iter().any(|address| !is_clean(address)) {
                return Err(format!("{:?} cannot be shown", facts.refused));
            }
        }
    }
    if server.followed() > 0 {
        return Err("somebody went elsewhere".to_owned());
    }
    server.repent("{}");
    again(|| {
        let devops = devops.clone();
        Box::pin(async move { devops.discover("contoso").await.map(drop) })
    })
    .await
}
