//! An application that stands for this machine, by a proof that lies in a file.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use valetkey_entra::{Proof, SignIn};
use valetkey_paths::trust::check_private_file;
use valetkey_protocol::{Machine, Reason, Refusal, SecretString};
use zeroize::Zeroizing;

use super::plain;
use crate::{Client, Failure, Loan, Tokens, session::blocking};

/// No proof is longer.
const LONGEST: u64 = 32 * 1024;

/// The registration a machine stands for.
pub(super) fn client(loan: Loan<'_>, from: &Machine) -> Result<Client, Refusal> {
    let (Machine::FederatedFile { client_id, .. } | Machine::SecretFile { client_id, .. }) = from else {
        return Err(unknown());
    };
    let tenant = loan.tenant.ok_or_else(|| {
        Refusal::new(
            Reason::Configuration,
            "the tenant of the application is not known",
            "name an organisation, or pass `--tenant`",
        )
    })?;
    Ok(Client { tenant: tenant.to_owned(), client_id: client_id.clone(), lends: true })
}

/// A token of it.
pub(super) async fn borrow(sign_in: SignIn, from: &Machine) -> Result<Tokens, Failure> {
    let (secret, file) = match from {
        Machine::FederatedFile { file, .. } => (false, file),
        Machine::SecretFile { file, .. } => (true, file),
        _ => return Err(unknown().into()),
    };
    let path = PathBuf::from(file);
    let proof = blocking(move || read(&path)).await?;
    let proof = if secret { Proof::Secret(&proof) } else { Proof::Assertion(&proof) };
    let mut tokens = plain(sign_in.for_itself(proof).await?);
    tokens.username.clone_from(&sign_in.client_id);
    tokens.tenant.clone_from(&sign_in.tenant);
    Ok(tokens)
}

/// A platform renews such a file: it is read each time. One that others can change proves nothing.
fn read(path: &Path) -> Result<SecretString, Refusal> {
    let wrong = |sentence: String, hint: String| Refusal::new(Reason::Configuration, sentence, hint);
    check_private_file(path).map_err(|error| wrong(error.to_string(), error.hint()))?;
    let mut text = Zeroizing::new(String::with_capacity(4096));
    let file = fs::File::open(path).and_then(|file| file.take(LONGEST).read_to_string(&mut text));
    let shown = path.display();
    file.map_err(|error| wrong(format!("`{shown}` cannot be read: {error}"), "check the file".to_owned()))?;
    match text.trim() {
        "" => Err(wrong(format!("`{shown}` is empty"), "put the secret or the token there".to_owned())),
        proof => Ok(SecretString::from(proof)),
    }
}

fn unknown() -> Refusal {
    Refusal::new(
        Reason::VersionMismatch,
        "the running agent does not know this identity",
        "run `valetkey agent restart`",
    )
}
