//! A claims challenge that only the person at the Azure CLI can answer.
//!
//! The CLI gives no token for claims by itself and goes on giving the one that was refused, until somebody has signed in
//! with them (Microsoft: "az login", `--claims-challenge`).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::AzureCli;
use crate::{SignInError, SignInErrorKind as Kind, sign_in::AZURE_DEVOPS, sign_in::is_name, wire::is_claims};

/// The first version that takes a challenge.
const FIRST: (u32, u32) = (2, 76);

impl AzureCli {
    /// What to type so that the next token satisfies these claims.
    pub async fn challenged(&self, tenant: Option<&str>, claims: &str) -> SignInError {
        let version = self.run(&["version"], None).await.ok().and_then(|out| version(&out));
        let claims = Some(claims).filter(|it| is_claims(it) && version.is_none_or(|it| it >= FIRST));
        SignInError::new(
            Kind::NeedsInteraction,
            "the organisation wants a fresh sign-in of the Azure CLI",
            format!("run `az logout`, then `{}`", login(tenant, claims)),
        )
    }
}

/// Who has no subscription signs in all the same: keys need none.
fn login(tenant: Option<&str>, claims: Option<&str>) -> String {
    let tenant = tenant.filter(|tenant| is_name(tenant));
    let tenant = tenant.map_or_else(String::new, |tenant| format!(" --tenant {tenant}"));
    let claims = claims.map_or_else(String::new, |it| format!(" --claims-challenge {}", STANDARD.encode(it)));
    format!("az login{tenant} --allow-no-subscriptions --scope {AZURE_DEVOPS}/.default{claims}")
}

fn version(out: &[u8]) -> Option<(u32, u32)> {
    let told: Value = serde_json::from_slice(out).ok()?;
    let mut parts = told.get("azure-cli")?.as_str()?.split('.').map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_where_there_is_one() {
        assert_eq!(version(br#"{"azure-cli": "2.91.0", "extensions": {}}"#), Some((2, 91)));
        for broken in ["", "[]", "{}", r#"{"azure-cli": "new"}"#, r#"{"azure-cli": 2}"#] {
            assert_eq!(version(broken.as_bytes()), None, "{broken}");
        }
    }

    #[test]
    fn a_shell_takes_the_command_as_it_stands() {
        let claims = r#"{"access_token":{"nbf":{"essential":true,"value":"1"}}}"#;
        assert_eq!(
            login(Some("contoso.example"), Some(claims)),
            "az login --tenant contoso.example --allow-no-subscriptions --scope \
             499b84ac-1321-427f-aa17-267ca6975798/.default --claims-challenge \
             eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwidmFsdWUiOiIxIn19fQ=="
        );
        let plain = login(Some("a b; rm"), None);
        assert_eq!(
            plain,
            "az login --allow-no-subscriptions --scope 499b84ac-1321-427f-aa17-267ca6975798/.default"
        );
    }
}
