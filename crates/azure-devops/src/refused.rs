//! From an answer that is no success to what it means.

use percent_encoding::percent_decode;
use serde::Deserialize;
use url::Url;
use valetkey_http::{
    Reply, StatusCode,
    header::{HeaderMap, HeaderValue},
    host_and_port,
};
use valetkey_protocol::shown;

use crate::{
    DevOpsError, DevOpsErrorKind as Kind, PatError, TenantHint,
    challenge::{self, Challenge},
    client::address,
    discover::resource_tenant,
    hosts,
    organisation::is_guid,
};

/// Longest host of a redirect that is named.
const MOST_HOST: usize = 48;

/// What was asked, as far as it decides what a refusal means.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) organisation: &'a str,
    /// Where organisations are.
    pub(crate) dev: &'a Url,
    /// Who was asked.
    pub(crate) whom: &'a Url,
    /// Tenant of the token that was sent, where known.
    pub(crate) tenant: Option<&'a str>,
    /// A configured authority whose word counts like Microsoft's.
    pub(crate) authority: Option<&'a Url>,
    /// Whether a key is created: a fault after sending may leave one behind.
    pub(crate) creates: bool,
    /// Whether a key was shown, not a sign-in.
    pub(crate) by_key: bool,
}

/// The standard error object of Azure DevOps.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ServiceError {
    message: Option<String>,
}

/// The meaning of an answer that is not what was asked for.
pub(crate) fn failure(reply: &Reply, asked: &Asked<'_>) -> DevOpsError {
    let message = message(reply);
    let error = match reply.status.as_u16() {
        401 => unauthorized(reply, asked, &message),
        400 | 403 if PatError::known(message.trim()).is_some() => named(&message, asked),
        403 => special(&message, asked).unwrap_or_else(|| access_denied(asked)),
        404 => not_found(asked),
        429 => throttled(reply, asked),
        500.. => unavailable(reply, asked),
        300..400 => sign_in_page(reply, asked),
        400..500 => special(&message, asked).unwrap_or_else(|| bad_request(reply.status, &message, asked)),
        _ if is_page(reply) => sign_in_page(reply, asked),
        _ => malformed(asked),
    };
    // A 408 may come from a gateway behind which the request went on; a 303 says that something was done.
    error.perhaps_committed(
        asked.creates && matches!(reply.status.as_u16(), 200..=202 | 204..=299 | 303 | 408 | 500..),
    )
}

/// Whether the answer is a web page, or says it was made up on the way.
pub(crate) fn is_page(reply: &Reply) -> bool {
    let content_type = reply.headers.get("content-type").and_then(|v| v.to_str().ok()).unwrap_or_default();
    let is = |kind: &str| content_type.to_ascii_lowercase().contains(kind);
    is("html") || reply.status == StatusCode::NON_AUTHORITATIVE_INFORMATION && !is("json")
}

/// All challenges of an answer.
pub(crate) fn challenges(headers: &HeaderMap) -> Vec<Challenge> {
    let values: Vec<_> = headers
        .get_all("www-authenticate")
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .collect();
    challenge::parse(values.iter().map(AsRef::as_ref))
}

pub(crate) fn malformed(asked: &Asked<'_>) -> DevOpsError {
    let sentence = format!(
        "`{}` does not answer for `{}` as Azure DevOps does",
        host_and_port(asked.whom),
        asked.organisation
    );
    DevOpsError::new(Kind::Malformed, sentence, "try again; a gateway on the way may have changed the answer")
        .perhaps_committed(asked.creates)
}

pub(crate) fn forbidden(error: PatError, asked: &Asked<'_>) -> DevOpsError {
    let org = asked.organisation;
    let (sentence, hint) = if asked.creates && error.is_gone() {
        // A key that is being made cannot be missing: the name means something else here.
        let error = PatError::Unknown(error.name().to_owned());
        (error.sentence(org), error.hint(org))
    } else {
        (error.sentence(org), error.hint(org))
    };
    DevOpsError::new(Kind::Forbidden(error), sentence, hint)
}

fn not_found(asked: &Asked<'_>) -> DevOpsError {
    let org = asked.organisation;
    let sentence = format!("Azure DevOps has no organisation `{org}`, or does not show it to this account");
    DevOpsError::new(
        Kind::NotFound,
        sentence,
        "check the name of the organisation in the address of the repository",
    )
}

fn sign_in_page(reply: &Reply, asked: &Asked<'_>) -> DevOpsError {
    let org = asked.organisation;
    if let Some(elsewhere) = wrong_tenant(reply, &challenges(&reply.headers), asked) {
        return elsewhere;
    }
    let what = if reply.status.is_redirection() {
        let to = redirected_to(reply, asked).map_or_else(String::new, |host| format!(" to `{host}`"));
        format!("redirect{to}, which is not followed")
    } else {
        "sign-in page".to_owned()
    };
    let sentence = format!("`{}` answered for `{org}` with a {what}", host_and_port(asked.whom));
    let hint = format!(
        "run `valetkey login {org}`; if it comes again, a gateway on the way wants a sign-in of its own"
    );
    DevOpsError::new(Kind::SignInPage, sentence, hint)
}

/// The host that a redirect names, where it is short enough to be one and no secret.
fn redirected_to(reply: &Reply, asked: &Asked<'_>) -> Option<String> {
    let location = reply.headers.get("location")?.to_str().ok()?;
    let host = host_and_port(&asked.whom.join(location).ok()?);
    (!host.is_empty() && host.len() <= MOST_HOST).then(|| shown(&host))
}

fn unauthorized(reply: &Reply, asked: &Asked<'_>, message: &str) -> DevOpsError {
    let org = asked.organisation;
    let challenges = challenges(&reply.headers);
    if challenges.iter().any(Challenge::wants_claims) {
        let sentence = format!("`{org}` wants further proof of who you are");
        let mut error =
            DevOpsError::new(Kind::InsufficientClaims, sentence, format!("run `valetkey login {org}`"));
        error.claims = challenges.iter().find_map(Challenge::claims);
        return error;
    }
    if let Some(special) = special(message, asked) {
        return special;
    }
    if asked.by_key {
        let sentence = format!("`{org}` refused the key: it has expired, was revoked, or lacks the scope");
        return DevOpsError::new(Kind::Unauthorized, sentence, format!("run `valetkey login {org}`"));
    }
    wrong_tenant(reply, &challenges, asked).unwrap_or_else(|| {
        let sentence = format!("`{org}` refused the sign-in{}", bracketed_code(message));
        let hint = format!("check that your account is a member of `{org}`, then run `valetkey login {org}`");
        DevOpsError::new(Kind::Unauthorized, sentence, hint)
    })
}

/// The refusal of an organisation that belongs elsewhere than the account.
fn wrong_tenant(reply: &Reply, challenges: &[Challenge], asked: &Asked<'_>) -> Option<DevOpsError> {
    let org = asked.organisation;
    let named = challenges
        .iter()
        .filter_map(|challenge| challenge.param("authorization_uri"))
        .find_map(|uri| hosts::tenant_of(uri, asked.authority).ok().flatten());
    let of_the_organisation = match named.map_or_else(|| resource_tenant(&reply.headers), TenantHint::Tenant)
    {
        TenantHint::Tenant(tenant) => tenant,
        TenantHint::Unknown => return None,
        TenantHint::MicrosoftAccount => {
            let sentence =
                format!("`{org}` belongs to no Microsoft Entra tenant: its people have Microsoft accounts");
            let hint = format!("ask the owner of `{org}` to connect it to Microsoft Entra");
            return Some(DevOpsError::new(Kind::MicrosoftAccount, sentence, hint));
        }
    };
    let ours = asked.tenant.filter(|tenant| is_guid(tenant) && is_guid(&of_the_organisation))?;
    if ours.eq_ignore_ascii_case(&of_the_organisation) {
        return None;
    }
    let sentence =
        format!("`{org}` belongs to the tenant `{of_the_organisation}`, and you are signed in to `{ours}`");
    let hint = format!("run `valetkey login {org} --tenant {of_the_organisation}`");
    Some(DevOpsError::new(Kind::WrongTenant, sentence, hint))
}

/// Refusals that are told by their text, whatever the status: Microsoft documents no status for them.
fn special(message: &str, asked: &Asked<'_>) -> Option<DevOpsError> {
    let org = asked.organisation;
    if message.contains("TF401444") {
        let sentence = format!("this account has never opened `{org}` (TF401444)");
        let page = address(asked.dev, org, &[], &[]).map(String::from).unwrap_or_default();
        let hint = format!("open `{page}` once in a browser with this account, then try again");
        return Some(DevOpsError::new(Kind::NeverSignedIn, sentence, hint));
    }
    if message.contains("VS403463") {
        let sentence = format!("a conditional access policy refused the sign-in to `{org}` (VS403463)");
        let hint = "use a network and a device that the policy allows, or ask your administrator";
        return Some(DevOpsError::new(Kind::ConditionalAccess, sentence, hint));
    }
    if message.contains("Service principals are not allowed") {
        let sentence =
            format!("`{org}` issues personal access tokens to people only, not to a service principal");
        let hint = format!("sign in as a person with `valetkey login {org}`");
        return Some(DevOpsError::new(Kind::NotAPerson, sentence, hint));
    }
    // A PAT in place of a sign-in, and whatever else is not for this account: signing in anew gives the same.
    if message.contains("The requested operation is not allowed") {
        return Some(access_denied(asked));
    }
    None
}

fn named(message: &str, asked: &Asked<'_>) -> DevOpsError {
    let error = PatError::known(message.trim()).unwrap_or_else(|| PatError::Unknown(shown(message)));
    forbidden(error, asked)
}

fn access_denied(asked: &Asked<'_>) -> DevOpsError {
    let org = asked.organisation;
    let sentence = format!("`{org}` does not allow this account to do this");
    let hint = format!(
        "ask an administrator of `{org}` for access; where only a proxy leads out, it may be the one that refuses"
    );
    DevOpsError::new(Kind::AccessDenied, sentence, hint)
}

fn throttled(reply: &Reply, asked: &Asked<'_>) -> DevOpsError {
    let sentence = format!("Azure DevOps asks to slow down for `{}`", asked.organisation);
    let mut error = DevOpsError::new(Kind::Throttled, sentence, "wait a minute, then try again");
    error.retry_after = wait(&reply.headers);
    if let Some(seconds) = error.retry_after {
        error.hint = format!("wait {seconds} s, then try again");
    }
    error
}

fn unavailable(reply: &Reply, asked: &Asked<'_>) -> DevOpsError {
    let status = reply.status.as_u16();
    let sentence = format!("Azure DevOps has a fault ({status}) and did not serve `{}`", asked.organisation);
    let activity = reply.headers.get("activityid").and_then(|id| id.to_str().ok()).filter(|id| is_guid(id));
    let hint = activity.map_or_else(
        || "try again in a minute".to_owned(),
        |id| format!("try again in a minute; Microsoft finds the fault by its activity id `{id}`"),
    );
    let mut error = DevOpsError::new(Kind::Unavailable, sentence, hint);
    error.retry_after = wait(&reply.headers);
    error
}

fn bad_request(status: StatusCode, message: &str, asked: &Asked<'_>) -> DevOpsError {
    let why = match first_sentence(message) {
        "" => "without a reason".to_owned(),
        why => shown(why),
    };
    let sentence =
        format!("Azure DevOps refused the request for `{}` ({}): {why}", asked.organisation, status.as_u16());
    DevOpsError::new(
        Kind::BadRequest,
        sentence,
        "check `[azure-devops]` in the configuration, or report this",
    )
}

/// Seconds that an answer asks to wait.
pub(crate) fn wait(headers: &HeaderMap) -> Option<u64> {
    valetkey_http::retry_after(headers, std::time::SystemTime::now())
}

/// Whether the answer says by name that the key is not there.
pub(crate) fn names_it_gone(reply: &Reply) -> bool {
    PatError::known(message(reply).trim()).is_some_and(|error| error.is_gone())
}

/// What the service says in the body, else in the header that it percent-encodes.
fn message(reply: &Reply) -> String {
    let body = reply.json::<ServiceError>().and_then(|error| error.message).unwrap_or_default();
    if !body.is_empty() {
        return body;
    }
    let header = reply.headers.get("x-tfs-serviceerror").map(HeaderValue::as_bytes).unwrap_or_default();
    percent_decode(header).decode_utf8_lossy().into_owned()
}

/// What a message says, without the number that only Microsoft can look up, and without a full stop.
fn first_sentence(message: &str) -> &str {
    let line = message.trim().lines().next().unwrap_or_default();
    let said = line.split("Activity Id:").next().unwrap_or_default();
    said.trim_end_matches(|c: char| c == '.' || c.is_whitespace())
}

/// ` (TF400813)`, when the text starts with such a code.
fn bracketed_code(message: &str) -> String {
    let code: String = message.chars().take_while(char::is_ascii_alphanumeric).take(12).collect();
    let digits = code.strip_prefix("TF").or_else(|| code.strip_prefix("VS")).unwrap_or_default();
    if digits.len() < 5 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return String::new();
    }
    format!(" ({code})")
}

#[cfg(test)]
mod tests;
