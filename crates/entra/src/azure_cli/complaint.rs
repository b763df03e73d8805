//! What the Azure CLI says when it gives no token, as one line and a next step.

use std::{io, path::Path, time::Duration};

use valetkey_protocol::shown;

use crate::{
    SignInError, SignInErrorKind as Kind,
    classify::{of_code, words},
    wire::{WireError, code_in, sentence_of},
};

/// The longest part of a foreign sentence that is repeated, in characters.
const QUOTED: usize = 160;

/// What a failed run's standard error means.
pub(super) fn of(said: &str, tenant: Option<&str>) -> SignInError {
    let code = code_in(said);
    let mut error = match code.and_then(of_code) {
        Some(Kind::TenantWrong) => stranger(tenant),
        Some(kind) if kind.interaction_helps() && kind != Kind::ConsentMissing => stale(kind, tenant),
        Some(kind) => by_entra(kind, said, code),
        None => by_words(said, tenant),
    };
    if let Some(code) = code
        && !error.sentence.contains("AADSTS")
    {
        error.sentence = format!("{} (AADSTS{code})", error.sentence);
    }
    error.code = code;
    error
}

fn by_entra(kind: Kind, said: &str, code: Option<u32>) -> SignInError {
    let sentence = said.find("AADSTS").map_or_else(String::new, |at| sentence_of(&said[at..]));
    let (sentence, hint) = words::of(kind, &WireError { code, sentence, ..WireError::default() }, false);
    SignInError::new(kind, format!("the Azure CLI gets no token: {sentence}"), hint)
}

fn by_words(said: &str, tenant: Option<&str>) -> SignInError {
    let any = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if any(&["CERTIFICATE_VERIFY_FAILED", "SSLError", "Certificate verification failed"]) {
        return SignInError::new(
            Kind::Tls,
            "the Azure CLI does not trust the certificate of Microsoft Entra",
            "set `REQUESTS_CA_BUNDLE` to your organisation's authorities, then run `valetkey login --from az` again",
        );
    }
    if any(&["ProxyError", "Cannot connect to proxy"]) {
        let hint = "set `HTTPS_PROXY` as the Azure CLI needs it, then run `valetkey agent restart`";
        return SignInError::new(Kind::Proxy, "the Azure CLI cannot get through the proxy", hint);
    }
    let network = [
        "Max retries exceeded",
        "Failed to resolve",
        "Failed to establish",
        "ConnectionError",
        "getaddrinfo",
    ];
    if any(&network) {
        return SignInError::new(
            Kind::Unavailable,
            "the Azure CLI cannot reach Microsoft Entra",
            "check the network and try again",
        );
    }
    if any(&["tenant"]) && any(&["not found", "does not exist", "doesn't exist", "No subscriptions found"]) {
        return stranger(tenant);
    }
    if any(&["az login", "az account clear", "setup account"]) {
        return SignInError::new(Kind::SessionEnded, "the Azure CLI is not signed in", login(tenant));
    }
    let quoted = first_line(said);
    SignInError::new(
        Kind::Unavailable,
        format!("the Azure CLI gives no token{}{quoted}", if quoted.is_empty() { "" } else { ": " }),
        "run `az account get-access-token` to see what it says",
    )
}

fn first_line(said: &str) -> String {
    let line = said.lines().map(str::trim).find(|line| line.starts_with("ERROR:"));
    let line = line.or_else(|| said.lines().map(str::trim).rfind(|line| !line.is_empty()));
    let line = line.unwrap_or_default().trim_start_matches("ERROR:").trim().trim_end_matches('.');
    shown(&line.chars().take(QUOTED).collect::<String>())
}

fn stale(kind: Kind, tenant: Option<&str>) -> SignInError {
    SignInError::new(kind, "the Azure CLI has to sign in again", login(tenant))
}

fn stranger(tenant: Option<&str>) -> SignInError {
    let (which, hint) = match tenant {
        Some(tenant) => (
            format!("tenant `{tenant}`"),
            format!(
                "run `az login --tenant {tenant}` with an account of it; `az account show` tells which one it uses"
            ),
        ),
        None => ("the tenant".to_owned(), "`az account list` tells which ones it knows".to_owned()),
    };
    SignInError::new(Kind::TenantWrong, format!("the Azure CLI has no account for {which}"), hint)
}

fn login(tenant: Option<&str>) -> String {
    tenant.map_or_else(|| "run `az login`".to_owned(), |tenant| format!("run `az login --tenant {tenant}`"))
}

/// It is signed in, and not as a person.
pub(super) fn machine(name: &str) -> SignInError {
    SignInError::new(
        Kind::RequestInvalid,
        format!("the Azure CLI is signed in as the application `{name}`, which cannot make keys"),
        "run `az login` as a person",
    )
}

pub(super) fn late(deadline: Duration) -> SignInError {
    SignInError::new(
        Kind::TimedOut,
        format!("the Azure CLI gave no answer within {} seconds", deadline.as_secs()),
        "run `az account get-access-token` to see what it waits for",
    )
}

pub(super) fn unstartable(program: &Path, error: &io::Error) -> SignInError {
    let program = program.display();
    SignInError::new(
        Kind::Misconfigured,
        match error.kind() {
            io::ErrorKind::NotFound => format!("the Azure CLI is no longer at `{program}`"),
            _ => format!("the Azure CLI `{program}` cannot be run: {error}"),
        },
        "install it, then run `valetkey login --from az` again",
    )
}

pub(super) fn unreadable() -> SignInError {
    SignInError::new(
        Kind::Malformed,
        "the Azure CLI gave no answer that is understood",
        "run `az account get-access-token` to see what it says; an old one is updated with `az upgrade`",
    )
}
