//! The one type a secret may have between two processes of this product.

use serde::Serializer;
use subtle::ConstantTimeEq as _;

pub use secrecy::{ExposeSecret, SecretString};

/// Whether two secrets are equal, in a time that does not depend on where they differ.
pub fn same_secret(a: &SecretString, b: &SecretString) -> bool {
    a.expose_secret().as_bytes().ct_eq(b.expose_secret().as_bytes()).into()
}

/// Writes a secret to the socket. Named, so that every field that leaves a process is found by searching for it.
pub(crate) fn expose_on_the_wire<S: Serializer>(secret: &SecretString, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(secret.expose_secret())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_only_when_equal() {
        let secret = SecretString::from("alpha");
        assert!(same_secret(&secret, &SecretString::from("alpha")));
        assert!(!same_secret(&secret, &SecretString::from("alphb")));
        assert!(!same_secret(&secret, &SecretString::from("alph")));
    }

    #[test]
    fn debug_shows_nothing() {
        assert!(!format!("{:?}", SecretString::from("alpha")).contains("alpha"));
    }
}
