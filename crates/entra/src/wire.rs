//! What Entra answers, read from the raw body: no field is trusted to be there or to be of its type.

use serde::Deserialize;
use serde_json::Value;
use valetkey_protocol::{SecretString, shown};

/// The longest claims request that is passed on, in bytes.
pub(crate) const MAX_CLAIMS: usize = 8 * 1024;

/// The body of an error. Microsoft: "Standardized error responses", plus `suberror` and `claims`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct WireError {
    /// RFC 6749 §5.2, or Entra's own.
    pub(crate) error: String,
    /// What Entra's own libraries branch on, together with `error`.
    pub(crate) suberror: String,
    /// The number after `AADSTS`: for people, and where `suberror` is missing.
    pub(crate) code: Option<u32>,
    /// Entra's sentence: one line, without the number and the trace ids.
    pub(crate) sentence: String,
    /// A claims request to pass on: the text of a JSON object.
    pub(crate) claims: Option<String>,
    /// Finds the request in the tenant's sign-in log.
    pub(crate) correlation_id: Option<Box<str>>,
}

impl WireError {
    /// The error in a body, or `None` where it is not Entra who speaks.
    pub(crate) fn parse(body: &[u8]) -> Option<Self> {
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        let body: Value = serde_json::from_slice(body).ok()?;
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
        let error = text("error");
        if error.is_empty() {
            return None;
        }
        let description = text("error_description");
        let listed = body.get("error_codes").and_then(|codes| number(codes.get(0)?));
        let correlation_id = shown(text("correlation_id"));
        Some(Self {
            error: shown(error),
            suberror: shown(text("suberror")),
            code: listed.and_then(|code| u32::try_from(code).ok()).or_else(|| code_in(description)),
            sentence: sentence_of(description),
            claims: claims_of(body.get("claims")),
            correlation_id: (!correlation_id.is_empty()).then(|| correlation_id.into()),
        })
    }

    /// The error of a redirect, which has no more than these two (RFC 6749 §4.1.2.1).
    pub(crate) fn of_redirect(error: &str, description: &str) -> Self {
        Self {
            error: shown(error),
            code: code_in(description),
            sentence: sentence_of(description),
            ..Self::default()
        }
    }
}

/// The body of a token answer. Text that is a secret goes into its type at once.
#[derive(Deserialize)]
pub(crate) struct WireTokens {
    pub(crate) access_token: SecretString,
    #[serde(default)]
    pub(crate) refresh_token: Option<SecretString>,
    #[serde(default)]
    pub(crate) token_type: Value,
    #[serde(default)]
    pub(crate) expires_in: Value,
    #[serde(default)]
    pub(crate) refresh_in: Value,
    #[serde(default)]
    pub(crate) scope: Value,
    #[serde(default)]
    pub(crate) id_token: Value,
    #[serde(default)]
    pub(crate) client_info: Value,
}

/// A number, or a number in a string, as Azure's endpoints write it now and then. Negative is 0, huge is the largest.
pub(crate) fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64().or_else(|| number.as_f64().map(saturated)),
        Value::String(text) => {
            let text = text.trim();
            text.parse().ok().or_else(|| text.parse().ok().filter(|n: &f64| !n.is_nan()).map(saturated))
        }
        _ => None,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, as is wanted"
)]
fn saturated(number: f64) -> u64 {
    number as u64
}

/// The claims request of a body: a JSON object, inside a string.
fn claims_of(value: Option<&Value>) -> Option<String> {
    value.and_then(Value::as_str).filter(|text| is_claims(text)).map(str::to_owned)
}

/// Whether a text is a claims request: a JSON object of a bearable length.
pub(crate) fn is_claims(text: &str) -> bool {
    text.len() <= MAX_CLAIMS && serde_json::from_str::<serde_json::Map<String, Value>>(text).is_ok()
}

pub(crate) fn code_in(description: &str) -> Option<u32> {
    let (_, rest) = description.split_once("AADSTS")?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..digits].parse().ok()
}

/// `AADSTS50173: The grant … .\r\nTrace ID: …` gives `The grant …`.
pub(crate) fn sentence_of(description: &str) -> String {
    let line = description.lines().next().unwrap_or_default();
    let line = line.split(" Trace ID:").next().unwrap_or_default();
    let line = match line.split_once(": ") {
        Some((code, rest)) if code.starts_with("AADSTS") => rest,
        _ => line,
    };
    shown(line.trim().trim_end_matches('.'))
}
