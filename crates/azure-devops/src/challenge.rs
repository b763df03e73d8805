//! `WWW-Authenticate` (RFC 9110 §11.6.1): what a server wants before it answers.
//!
//! Several challenges may stand in one header or in several, a comma separates parameters and challenges alike, and
//! Azure DevOps sends unquoted addresses, which the grammar does not allow. Nothing here fails: what cannot be
//! understood is left out.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

mod scanner;

#[cfg(test)]
mod tests;

/// Most challenges, and most parameters of one challenge, that are read. The rest is left out.
const MOST: usize = 32;
/// Longest claims text taken on, in bytes.
const MOST_CLAIMS: usize = 8 * 1024;

/// One challenge of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// The scheme as written, for example `Bearer`.
    pub scheme: String,
    /// Names in lower case, values unquoted, in the order written.
    pub params: Vec<(String, String)>,
    /// The bare value some schemes have in place of parameters, for example of `Negotiate`.
    pub token68: Option<String>,
}

impl Challenge {
    fn new(scheme: &str) -> Self {
        Self { scheme: scheme.to_owned(), params: Vec::new(), token68: None }
    }

    /// Whether this is a challenge of a scheme; case does not count.
    pub fn is(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme)
    }

    /// The first parameter of a name given in lower case.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether more claims are asked for (`error="insufficient_claims"`).
    pub fn wants_claims(&self) -> bool {
        self.is("bearer")
            && self.param("error").is_some_and(|e| e.eq_ignore_ascii_case("insufficient_claims"))
    }

    /// The claims asked for, as the JSON text to send to the identity provider.
    ///
    /// `None` when none are asked for, or they are no JSON object in base64 (Microsoft: claims challenge format).
    pub fn claims(&self) -> Option<String> {
        if !self.wants_claims() {
            return None;
        }
        let written = self.param("claims").filter(|c| c.len() <= MOST_CLAIMS)?;
        let bytes = base64_of_any_kind(written)?;
        serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&bytes).ok()?;
        String::from_utf8(bytes).ok()
    }
}

/// The challenges in the values of all `WWW-Authenticate` headers of one answer, in order.
pub fn parse<'a>(values: impl IntoIterator<Item = &'a str>) -> Vec<Challenge> {
    let mut found = Vec::new();
    for value in values {
        scanner::challenges(value, &mut found);
    }
    found
}

/// Standard or URL alphabet, with or without padding: clients meet all four.
fn base64_of_any_kind(text: &str) -> Option<Vec<u8>> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let alphabet = if text.contains(['-', '_']) { alphabet::URL_SAFE } else { alphabet::STANDARD };
    GeneralPurpose::new(&alphabet, config).decode(text).ok()
}
