//! What went wrong between here and nuget.org.

use valetkey_http::HttpError;

/// nuget.org did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct NugetError {
    /// For programs.
    pub kind: NugetErrorKind,
    /// What is wrong: one line without a full stop.
    pub sentence: String,
    /// What to do next: one line, empty when there is nothing to do.
    pub hint: String,
    /// Seconds after which the service may be asked again, at most an hour.
    pub retry_after: Option<u64>,
}

/// What went wrong, for programs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NugetErrorKind {
    /// The key is unknown, expired or deleted, or may not do this to this package: nuget.org does not say which
    /// (401, 403).
    KeyRefused,
    /// The key is good and the package is closed to it: locked, or its owner is (403 with another text).
    AccessDenied,
    /// There is no such package or version (404).
    NotFound,
    /// nuget.org's rules for the account or the package forbid it (400, 409).
    Rejected,
    /// Too much was asked in a short time (429).
    Throttled,
    /// The quota of the account is used up (403).
    Quota,
    /// The service has a fault (5xx).
    Unavailable,
    /// Somebody else answered in nuget.org's place: a web page, a redirect.
    NotNuget,
    /// The answer cannot be understood.
    Malformed,
    /// No trust policy fits the pipeline (401).
    NoPolicy,
    /// The pipeline's token was used before (401).
    TokenUsed,
    /// The pipeline's token is not accepted for another reason (401).
    TokenRefused,
    /// This gallery exchanges no tokens (404).
    NoExchange,
    /// What was asked for cannot be sent.
    Misuse,
    /// There was no answer.
    Http(Box<HttpError>),
}

impl NugetError {
    pub(crate) fn new(kind: NugetErrorKind, sentence: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { kind, sentence: sentence.into(), hint: hint.into(), retry_after: None }
    }

    pub(crate) fn misuse(sentence: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(NugetErrorKind::Misuse, sentence, hint)
    }

    /// Whether the service may have acted on the request although it failed.
    pub fn may_have_arrived(&self) -> bool {
        match &self.kind {
            NugetErrorKind::Http(error) => error.may_have_arrived(),
            NugetErrorKind::Unavailable | NugetErrorKind::Malformed => true,
            _ => false,
        }
    }
}

impl From<HttpError> for NugetError {
    fn from(error: HttpError) -> Self {
        let (sentence, hint) = (error.to_string(), error.hint());
        Self::new(NugetErrorKind::Http(Box::new(error)), sentence, hint)
    }
}
