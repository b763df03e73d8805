//! What a client knows of the way out.

use std::fmt;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::secret::expose_on_the_wire;

/// A user name and a password for the agent's own proxy, which NuGet was told for its own.
#[derive(Clone, Serialize, Deserialize)]
pub struct ProxyCredentials {
    /// The name.
    #[serde(serialize_with = "expose_on_the_wire")]
    pub username: SecretString,
    /// The password.
    #[serde(serialize_with = "expose_on_the_wire")]
    pub password: SecretString,
}

/// Neither is anybody's business: company proxies know their users by name.
impl fmt::Debug for ProxyCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProxyCredentials")
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use crate::Request;

    #[test]
    fn they_are_on_the_wire_and_nowhere_else() {
        let wire = r#"{"type":"proxy-credentials","username":"me","password":"canary"}"#;
        let request: Request = serde_json::from_str(wire).unwrap();
        assert_eq!(serde_json::to_string(&request).unwrap(), wire);
        assert!(!format!("{request:?}").contains("canary") && !format!("{request:?}").contains("me\""));
        let Request::ProxyCredentials(credentials) = request else { panic!("{request:?}") };
        assert_eq!(credentials.username.expose_secret(), "me");
    }
}
