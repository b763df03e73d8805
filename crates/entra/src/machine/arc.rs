//! What an Azure Arc agent wants of those who ask it: that they can read a file which only the machine's own services
//! can (Microsoft: "Authenticate against Azure resources with Azure Arc-enabled servers").

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use valetkey_http::header::{HeaderMap, WWW_AUTHENTICATE};
use valetkey_protocol::SecretString;
use zeroize::Zeroizing;

use crate::{SignInError, SignInErrorKind as Kind, sign_in::misconfigured};

/// Where such files are, and no others.
pub(super) const TOKENS: &str = if cfg!(windows) {
    r"C:\ProgramData\AzureConnectedMachineAgent\Tokens"
} else {
    "/var/opt/azcmagent/tokens"
};
/// No such file is longer, in bytes.
const LONGEST: u64 = 4096;

/// What stands in the file that a challenge names. An answer decides which file: one that is not in `folder` itself,
/// under the name of a key, is not touched.
pub(super) fn key(challenge: &HeaderMap, folder: &Path) -> Result<SecretString, SignInError> {
    let realm = realm(challenge).ok_or_else(|| {
        let sentence = "the Azure Arc agent answered without a challenge that is understood";
        SignInError::new(Kind::Malformed, sentence, CHECK)
    })?;
    let file = file(realm, folder).ok_or_else(|| {
        let sentence = format!(
            "what answers in the Azure Arc agent's place names a file that is no key in `{}`",
            folder.display()
        );
        misconfigured(&sentence, CHECK)
    })?;
    let shown = file.display();
    let text = read(&file).map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => misconfigured(
            &format!("`{shown}` cannot be read by this user"),
            "add the user to the group `himds`, then run `valetkey agent restart`",
        ),
        _ => misconfigured(&format!("`{shown}` cannot be read: {error}"), CHECK),
    })?;
    Ok(SecretString::from(text.trim()))
}

const CHECK: &str = "check the agent with `azcmagent show`, and what listens at `IDENTITY_ENDPOINT`";

fn realm(challenge: &HeaderMap) -> Option<&str> {
    let challenges = challenge.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    challenges.into_iter().find_map(|challenge| {
        let (scheme, parameter) = challenge.trim().split_once(' ')?;
        let (name, value) = parameter.split_once('=')?;
        let is_ours = scheme.eq_ignore_ascii_case("basic") && name.trim().eq_ignore_ascii_case("realm");
        is_ours.then(|| value.trim().trim_matches('"'))
    })
}

/// Paths are compared by their components, of which `..` is one: nothing above the folder can be meant.
fn file(realm: &str, folder: &Path) -> Option<PathBuf> {
    let meant = Path::new(realm);
    let is_key = meant.extension().is_some_and(|extension| extension == "key");
    (is_key && meant.parent() == Some(folder)).then(|| folder.join(meant.file_name().unwrap_or_default()))
}

/// A link is not followed: where it leads is not the folder.
fn read(file: &Path) -> io::Result<Zeroizing<String>> {
    let other = |words: &str| Err(io::Error::other(words.to_owned()));
    let found = fs::symlink_metadata(file)?;
    if !found.is_file() {
        return other("it is not a regular file");
    }
    if found.len() > LONGEST {
        return other("it is longer than any key");
    }
    let mut text = Zeroizing::new(String::with_capacity(4096));
    fs::File::open(file)?.take(LONGEST).read_to_string(&mut text)?;
    if text.trim().is_empty() { other("it is empty") } else { Ok(text) }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
