//! Who signed in: from `id_token` and `client_info`, which are written for the client.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};
use valetkey_protocol::shown;

/// What the two say. Signatures are not checked: both came over TLS from the authority itself, for this very request
/// (OpenID Connect Core §3.1.3.7, number 6).
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) username: Option<String>,
    /// `uid.utid`, the same for an account in all tenants where it is a guest.
    pub(crate) account_id: Option<String>,
    pub(crate) tenant: Option<String>,
}

/// Why an answer is not for us.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Foreign {
    /// Written for another application.
    Audience,
    /// Written for another sign-in.
    Nonce,
    /// Of another tenant than the one asked.
    Tenant,
}

/// What was asked, to check the answer against.
pub(crate) struct Expected<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) tenant: &'a str,
    pub(crate) nonce: Option<&'a str>,
}

impl Identity {
    /// Reads both; either may be missing or unreadable, but not of somebody else.
    pub(crate) fn read(
        id_token: &Value,
        client_info: &Value,
        expected: &Expected<'_>,
    ) -> Result<Self, Foreign> {
        let claims = id_token.as_str().and_then(payload).unwrap_or_default();
        let info = client_info.as_str().and_then(object).unwrap_or_default();
        check(&claims, expected)?;
        let account_id = joined(&info, "uid", "utid").or_else(|| joined(&claims, "oid", "tid"));
        // Entra gives the first; OpenID Connect promises the last alone.
        let username =
            ["preferred_username", "upn", "email", "sub"].iter().find_map(|name| text(&claims, name));
        Ok(Self { username, account_id, tenant: text(&claims, "tid") })
    }
}

fn check(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<(), Foreign> {
    let differs = |name: &str, value: &str| {
        claims
            .get(name)
            .is_some_and(|claim| !claim.as_str().is_some_and(|claim| claim.eq_ignore_ascii_case(value)))
    };
    if differs("aud", expected.client_id) {
        return Err(Foreign::Audience);
    }
    if expected
        .nonce
        .is_some_and(|nonce| !claims.is_empty() && claims.get("nonce").and_then(Value::as_str) != Some(nonce))
    {
        return Err(Foreign::Nonce);
    }
    if is_guid(expected.tenant) && differs("tid", expected.tenant) {
        return Err(Foreign::Tenant);
    }
    Ok(())
}

/// Whether a tenant is named by its id, rather than by a domain or as `organizations`.
fn is_guid(tenant: &str) -> bool {
    tenant.len() == 36 && tenant.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

fn payload(token: &str) -> Option<Map<String, Value>> {
    object(token.split('.').nth(1)?)
}

fn object(encoded: &str) -> Option<Map<String, Value>> {
    let bytes = URL_SAFE_NO_PAD.decode(encoded.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&bytes).ok()
}

fn text(claims: &Map<String, Value>, name: &str) -> Option<String> {
    let text = claims.get(name)?.as_str()?;
    (!text.is_empty()).then(|| shown(text))
}

fn joined(claims: &Map<String, Value>, first: &str, second: &str) -> Option<String> {
    let plain = |name| {
        let part = claims.get(name)?.as_str()?;
        let fits =
            (1..=64).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        fits.then_some(part)
    };
    Some(format!("{}.{}", plain(first)?, plain(second)?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";

    fn encoded(value: &Value) -> String {
        URL_SAFE_NO_PAD.encode(value.to_string())
    }

    fn token(claims: &Value) -> Value {
        json!(format!("e30.{}.sig", encoded(claims)))
    }

    fn read(id_token: &Value, client_info: &Value, nonce: Option<&str>) -> Result<Identity, Foreign> {
        Identity::read(id_token, client_info, &Expected { client_id: "app", tenant: TENANT, nonce })
    }

    #[test]
    fn client_info_names_the_account_and_the_id_token_the_person() {
        let claims =
            json!({"aud":"APP","preferred_username":"ann@contoso.com","oid":"o","tid":TENANT,"nonce":"n"});
        let info = json!(encoded(&json!({"uid":"u","utid":"t"})));
        let identity = read(&token(&claims), &info, Some("n")).unwrap();
        assert_eq!(identity.username.as_deref(), Some("ann@contoso.com"));
        assert_eq!(identity.account_id.as_deref(), Some("u.t"));
        assert_eq!(identity.tenant.as_deref(), Some(TENANT));
        let without = read(&token(&claims), &Value::Null, Some("n")).unwrap();
        assert_eq!(without.account_id, Some(format!("o.{TENANT}")));
    }

    #[test]
    fn a_person_without_a_name_is_told_from_others_by_the_subject() {
        let read = |claims: &Value| read(&token(claims), &Value::Null, None).unwrap().username;
        assert_eq!(read(&json!({"aud":"app","sub":"s-1"})).as_deref(), Some("s-1"));
        assert_eq!(
            read(&json!({"aud":"app","sub":"s-1","email":"ann@x.example"})).as_deref(),
            Some("ann@x.example")
        );
        assert_eq!(
            read(&json!({"aud":"app","sub":"s-1","preferred_username":"ann"})).as_deref(),
            Some("ann")
        );
    }

    #[test]
    fn what_is_for_somebody_else_is_refused() {
        for (claims, nonce, why) in [
            (json!({"aud":"other"}), None, Foreign::Audience),
            (json!({"aud":["app"]}), None, Foreign::Audience),
            (json!({"aud":"app","nonce":"x"}), Some("n"), Foreign::Nonce),
            (json!({"aud":"app"}), Some("n"), Foreign::Nonce),
            (json!({"aud":"app","tid":"9188040d-6c67-4c5b-b112-36a304b66dad"}), None, Foreign::Tenant),
            (json!({"aud":"app","tid":7}), None, Foreign::Tenant),
        ] {
            assert_eq!(read(&token(&claims), &Value::Null, nonce), Err(why), "{claims}");
        }
    }

    #[test]
    fn what_cannot_be_read_says_nothing() {
        for garbage in [json!(null), json!(5), json!(""), json!("a.b.c"), json!("..."), json!("e30.WzFd.x")] {
            assert_eq!(read(&garbage, &garbage, Some("n")), Ok(Identity::default()), "{garbage}");
        }
    }

    #[test]
    fn the_account_s_key_is_letters_digits_and_hyphens() {
        for uid in [json!(""), json!("../x"), json!("a b"), json!("a\n"), json!(7), json!("a".repeat(65))] {
            let info = json!(encoded(&json!({"uid":uid,"utid":"t"})));
            assert_eq!(read(&Value::Null, &info, None).unwrap().account_id, None, "{uid}");
        }
    }

    #[test]
    fn a_name_cannot_break_a_line() {
        let claims = json!({"aud":"app","preferred_username":"a\n\u{1b}[2Jb"});
        assert!(valetkey_protocol::is_clean(
            &read(&token(&claims), &Value::Null, None).unwrap().username.unwrap()
        ));
    }
}
