//! What a sign-in or a refresh gives.

use std::time::Duration;

use valetkey_http::Reply;
use valetkey_protocol::{ExposeSecret as _, SecretString};

use crate::{
    identity::{Expected, Foreign, Identity},
    wire::{WireTokens, number},
};

/// The longest life that is believed: Azure DevOps with continuous access evaluation gives up to 28 hours.
pub(crate) const LONGEST: Duration = Duration::from_secs(28 * 3600);
/// The longest token that is taken, in bytes: Azure DevOps takes no longer header (Microsoft: `MaxFieldLength`).
const LONGEST_TOKEN: usize = 16 * 1024;
/// Assumed where the answer does not say, so that the token is used and soon replaced.
pub(crate) const UNSAID: Duration = Duration::from_secs(300);

/// Tokens of one account for one tenant.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Tokens {
    /// Opaque: never decoded.
    pub access_token: SecretString,
    /// The new refresh token. `None`: keep the old one, which stays valid after a refresh in any case.
    pub refresh_token: Option<SecretString>,
    /// Life of the access token, at most 28 hours; zero where it is dead on arrival.
    pub expires_in: Duration,
    /// When Entra would like a refresh, earlier than [`Self::expires_in`].
    pub refresh_in: Option<Duration>,
    /// What was granted, which may be less or more than was asked.
    pub scopes: Vec<String>,
    /// Name to show, for example `ann@contoso.com`. It may change: never a key.
    pub username: Option<String>,
    /// Stable key of the account: `uid.utid`, or `oid.tid` where the former is not given.
    pub account_id: Option<String>,
    /// Id of the tenant that answered.
    pub tenant: Option<String>,
}

impl Tokens {
    /// Whether a scope such as `vso.pats_manage` was granted, however the resource before it is written.
    pub fn grants(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| granted.rsplit('/').next() == Some(scope))
    }

    /// The tokens of an answer, or why it is none.
    pub(crate) fn read(reply: &Reply, expected: &Expected<'_>) -> Result<Self, Unreadable> {
        let wire: WireTokens = reply.json().ok_or(Unreadable::NotTokens)?;
        let bearer = match &wire.token_type {
            serde_json::Value::String(kind) => kind.eq_ignore_ascii_case("Bearer"),
            other => other.is_null(),
        };
        let refreshable = wire.refresh_token.as_ref().is_none_or(is_token);
        if !bearer || !is_token(&wire.access_token) || !refreshable {
            return Err(Unreadable::NotTokens);
        }
        let identity =
            Identity::read(&wire.id_token, &wire.client_info, expected).map_err(Unreadable::Foreign)?;
        let expires_in = number(&wire.expires_in).map_or(UNSAID, Duration::from_secs).min(LONGEST);
        let refresh_in =
            number(&wire.refresh_in).map(Duration::from_secs).filter(|early| *early < expires_in);
        let scope = wire.scope.as_str().unwrap_or_default();
        Ok(Self {
            access_token: wire.access_token,
            refresh_token: wire.refresh_token,
            expires_in,
            refresh_in,
            scopes: scope.split_ascii_whitespace().map(str::to_owned).collect(),
            username: identity.username,
            account_id: identity.account_id,
            tenant: identity.tenant,
        })
    }
}

/// Why a successful answer is of no use.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    NotTokens,
    Foreign(Foreign),
}

/// Whether a token can stand in a header and a form: visible ASCII (RFC 6749, appendix A.12), and not so long that no
/// server takes it.
pub(crate) fn is_token(token: &SecretString) -> bool {
    let token = token.expose_secret();
    (1..=LONGEST_TOKEN).contains(&token.len()) && token.bytes().all(|b| (0x20..0x7f).contains(&b))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use valetkey_http::{StatusCode, header::HeaderMap};

    use super::*;

    fn read(body: &Value) -> Result<Tokens, Unreadable> {
        let body = body.to_string().into();
        let reply = Reply { status: StatusCode::OK, headers: HeaderMap::new(), body };
        Tokens::read(&reply, &Expected { client_id: "app", tenant: "organizations", nonce: None })
    }

    #[test]
    fn lives_are_read_in_every_spelling_and_capped() {
        for (expires_in, seconds) in [
            (json!(3599), 3599),
            (json!("3599"), 3599),
            (json!(3599.7), 3599),
            (json!(80000), 80000),
            (json!(0), 0),
            (json!(-1), 0),
            (json!("-5"), 0),
            (json!(u64::MAX), 100_800),
            (json!(1e300), 100_800),
            (json!("99999999999999999999999"), 100_800),
            (json!("soon"), 300),
            (json!("NaN"), 300),
            (json!(null), 300),
            (json!({}), 300),
        ] {
            let tokens = read(&json!({"access_token":"a","expires_in":expires_in})).unwrap();
            assert_eq!(tokens.expires_in.as_secs(), seconds, "{expires_in}");
        }
    }

    #[test]
    fn a_refresh_token_is_new_or_not_there() {
        let rotated = read(&json!({"access_token":"a","refresh_token":"r"})).unwrap();
        assert_eq!(rotated.refresh_token.unwrap().expose_secret(), "r");
        assert!(read(&json!({"access_token":"a","refresh_token":null})).unwrap().refresh_token.is_none());
        assert!(read(&json!({"access_token":"a"})).unwrap().refresh_token.is_none());
    }

    #[test]
    fn what_is_granted_is_visible() {
        let tokens =
            read(&json!({"access_token":"a","scope":"https://app.vssps.visualstudio.com/vso.pats x"}))
                .unwrap();
        assert!(tokens.grants("vso.pats"));
        assert!(!tokens.grants("vso.pats_manage"));
        assert!(!read(&json!({"access_token":"a","scope":["vso.pats"]})).unwrap().grants("vso.pats"));
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for body in [
            json!({}),
            json!([]),
            json!("a"),
            json!({"access_token":""}),
            json!({"access_token":7}),
            json!({"access_token":"a\r\nX: y"}),
            json!({"access_token":"a".repeat(16 * 1024 + 1)}),
            json!({"access_token":"\u{e4}"}),
            json!({"access_token":"a","token_type":"pop"}),
            json!({"access_token":"a","token_type":5}),
            json!({"access_token":"a","refresh_token":""}),
            json!({"access_token":"a","refresh_token":["r"]}),
        ] {
            assert_eq!(read(&body).unwrap_err(), Unreadable::NotTokens, "{body}");
        }
    }

    #[test]
    fn debug_shows_no_token() {
        let tokens = read(&json!({"access_token":"canary1","refresh_token":"canary2"})).unwrap();
        assert!(!format!("{tokens:?}").contains("canary"));
    }
}
