//! Names and secrets inside a sealed file.

use std::{collections::BTreeMap, path::Path};

use serde::ser::{Serialize, SerializeMap as _, Serializer};
use valetkey_protocol::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use crate::VaultError;

/// Every secret of a file by its name.
#[derive(Debug, Default)]
pub(super) struct Map(BTreeMap<String, SecretString>);

impl Map {
    /// The map in an opened file. `path` is for messages.
    pub(super) fn parse(json: &[u8], path: &Path) -> Result<Self, VaultError> {
        serde_json::from_slice(json).map(Self).map_err(|_| VaultError::Damaged(path.to_owned()))
    }

    /// The map as it goes into a file. The buffer never grows, so no copy is left behind.
    pub(super) fn to_json(&self) -> Zeroizing<Vec<u8>> {
        let bound: usize =
            self.0.iter().map(|(name, secret)| name.len() + secret.expose_secret().len()).sum();
        // JSON needs at most six bytes for one, and six more for each entry's quotes, colon and comma.
        let mut json = Zeroizing::new(Vec::with_capacity(2 + 6 * (bound + self.0.len())));
        serde_json::to_writer(&mut *json, self).expect("a map of texts is JSON");
        json
    }

    pub(super) fn put(&mut self, name: &str, secret: &SecretString) {
        self.0.insert(name.to_owned(), secret.clone());
    }

    pub(super) fn take(&mut self, name: &str) -> Option<SecretString> {
        self.0.remove(name)
    }
}

impl Serialize for Map {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(self.0.len()))?;
        for (name, secret) in &self.0 {
            map.serialize_entry(name, secret.expose_secret())?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn awkward_text_comes_back_and_the_buffer_never_grows() {
        let mut map = Map::default();
        for text in ["", "\u{1}\u{2}\u{3}", "\"\\\n", "päss", "\u{1f511}"] {
            map.put(text, &SecretString::from(text));
        }
        let json = map.to_json();
        let bound =
            map.0.iter().map(|(name, secret)| name.len() + secret.expose_secret().len()).sum::<usize>();
        assert!(json.len() <= 2 + 6 * (bound + map.0.len()));
        let mut back = Map::parse(&json, Path::new("f")).unwrap();
        for text in ["", "\u{1}\u{2}\u{3}", "\"\\\n", "päss", "\u{1f511}"] {
            assert_eq!(back.take(text).unwrap().expose_secret(), text);
        }
    }
}
