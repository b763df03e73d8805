//! An application that stands for this machine, by a proof that lies in a file or that its platform gives it.

use std::{
    fmt, fs,
    io::Read as _,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use valetkey_entra::{Managed, Proof, SignIn, github_token, pipelines_token};
use valetkey_http::Http;
use valetkey_paths::trust::check_private_file;
use valetkey_protocol::{Machine, MachineProof, Reason, Refusal, SecretString};
use zeroize::Zeroizing;

use super::plain;
use crate::{Client, Failure, Loan, Tokens, session::blocking};

/// No proof is longer, in bytes.
const LONGEST: usize = 32 * 1024;
/// More jobs do not run on one machine as one user.
const MOST: usize = 16;

/// What jobs of this machine ask for their identities with. In memory, until the agent ends.
#[derive(Default)]
pub(super) struct Proofs(Mutex<Vec<MachineProof>>);

impl fmt::Debug for Proofs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proofs")
    }
}

impl Proofs {
    /// The newest proof of a machine takes the place of the one before.
    pub(super) fn take(&self, proof: MachineProof) {
        let mut proofs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        proofs.retain(|known| known.machine != proof.machine);
        if proofs.len() == MOST {
            proofs.remove(0);
        }
        proofs.push(proof);
    }

    /// Forgets the proof of a machine, and those of earlier jobs that stood for the same application.
    pub(super) fn forget(&self, machine: &Machine) {
        let mut proofs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        proofs.retain(|known| known.machine.client_id() != machine.client_id());
    }

    fn of(&self, machine: &Machine) -> Result<SecretString, Refusal> {
        let proofs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = proofs.iter().find(|known| known.machine == *machine);
        known.map(|known| known.proof.clone()).ok_or_else(|| {
            Refusal::new(
                Reason::NeedsLogin,
                format!("the agent was restarted or signed out, and no longer knows {machine}"),
                "run the job's `valetkey login` again",
            )
        })
    }
}

/// The registration a machine stands for.
pub(super) fn client(loan: Loan<'_>, from: &Machine) -> Result<Client, Refusal> {
    let tenant = loan.tenant.ok_or_else(|| {
        Refusal::new(
            Reason::Configuration,
            "the tenant of the application is not known",
            "name an organisation, or pass `--tenant`",
        )
    })?;
    let client_id = from.client_id().unwrap_or_default().to_owned();
    Ok(Client { tenant: tenant.to_owned(), client_id, lends: true })
}

/// A token of it.
pub(super) async fn borrow(
    sign_in: SignIn,
    from: &Machine,
    proofs: &Proofs,
    claims: Option<&str>,
) -> Result<Tokens, Failure> {
    let http = &sign_in.http;
    let given = match from {
        Machine::SecretFile { file, .. } => {
            let proof = file_text(file, "the client secret").await?;
            sign_in.for_itself_with(Proof::Secret(&proof), claims).await?
        }
        Machine::FederatedFile { file, .. } => {
            let proof = file_text(file, "the federated token").await?;
            sign_in.for_itself_with(Proof::Assertion(&proof), claims).await?
        }
        Machine::CertificateFile { file, .. } => {
            let proof = file_text(file, "the certificate and its unencrypted RSA key, in PEM").await?;
            sign_in.for_itself_with(Proof::Certificate(&proof), claims).await?
        }
        Machine::Github { url, .. } => {
            let token = github_token(http, url, &proofs.of(from)?).await?;
            sign_in.for_itself_with(Proof::Assertion(&token), claims).await?
        }
        Machine::Pipelines { url, connection, .. } => {
            let token = pipelines_token(http, url, connection, &proofs.of(from)?).await?;
            sign_in.for_itself_with(Proof::Assertion(&token), claims).await?
        }
        Machine::Managed { .. } | Machine::AppService { .. } | Machine::Arc { .. } => {
            if claims.is_some() {
                return Err(claimless().into());
            }
            managed(http, from, proofs).await?
        }
        _ => return Err(unknown().into()),
    };
    let mut tokens = plain(given);
    if tokens.username.is_empty() {
        from.client_id().unwrap_or("managed-identity").clone_into(&mut tokens.username);
    }
    tokens.tenant.clone_from(&sign_in.tenant);
    Ok(tokens)
}

async fn managed(http: &Http, from: &Machine, proofs: &Proofs) -> Result<valetkey_entra::Tokens, Failure> {
    let client_id = from.client_id();
    let went = match from {
        Machine::Managed { host, .. } => {
            Managed::VirtualMachine { host: host.as_deref() }.token(http, client_id).await
        }
        Machine::AppService { endpoint, .. } => {
            let header = proofs.of(from)?;
            Managed::AppService { endpoint, header: &header }.token(http, client_id).await
        }
        Machine::Arc { endpoint, .. } => Managed::Arc { endpoint }.token(http, client_id).await,
        _ => return Err(unknown().into()),
    };
    Ok(went?)
}

/// `holds` is what such a file is to hold.
async fn file_text(file: &str, holds: &'static str) -> Result<SecretString, Refusal> {
    let path = PathBuf::from(file);
    blocking(move || read(&path, holds)).await
}

/// A platform renews such a file: it is read each time. One that others can change proves nothing.
fn read(path: &Path, holds: &str) -> Result<SecretString, Refusal> {
    let wrong = |sentence: String, hint: String| Refusal::new(Reason::Configuration, sentence, hint);
    check_private_file(path).map_err(|error| {
        if !error.is_missing() {
            return wrong(error.to_string(), error.hint());
        }
        wrong(
            format!("the file `{}` is not there", path.display()),
            format!("put {holds} there, or name the file that holds it with `--proof-file`"),
        )
    })?;
    let mut text = Zeroizing::new(String::with_capacity(4096));
    let file = fs::File::open(path).and_then(|file| file.take(LONGEST as u64 + 1).read_to_string(&mut text));
    let shown = path.display();
    let length = file
        .map_err(|error| wrong(format!("`{shown}` cannot be read: {error}"), "check the file".to_owned()))?;
    match text.trim() {
        _ if length > LONGEST => {
            Err(wrong(format!("`{shown}` is longer than any proof"), "check the file".to_owned()))
        }
        "" => Err(wrong(format!("`{shown}` is empty"), format!("put {holds} there"))),
        proof => Ok(SecretString::from(proof)),
    }
}

/// A managed identity is asked for by no claims, and what it gets is kept by the platform until its end.
fn claimless() -> Refusal {
    Refusal::new(
        Reason::BlockedByPolicy,
        "the organisation does not take this managed identity's token, and wants claims that it cannot ask for",
        "ask an administrator of the organisation's tenant what was changed for this identity",
    )
}

fn unknown() -> Refusal {
    Refusal::new(
        Reason::VersionMismatch,
        "the running agent does not know this identity",
        "run `valetkey agent restart`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proof(number: usize) -> MachineProof {
        let machine = Machine::Github { client_id: number.to_string(), url: "https://x".to_owned() };
        MachineProof { machine, proof: format!("canary-{number}").into() }
    }

    #[test]
    fn the_newest_proofs_are_known_and_no_others() {
        let proofs = Proofs::default();
        (0..MOST + 2).for_each(|number| proofs.take(proof(number)));
        proofs.take(proof(MOST));
        assert_eq!(proofs.0.lock().unwrap().len(), MOST);
        let gone = proofs.of(&proof(0).machine).unwrap_err();
        assert_eq!(
            gone.sentence,
            "the agent was restarted or signed out, and no longer knows the identity of this GitHub job"
        );
        assert!(proofs.of(&proof(MOST).machine).is_ok());
        let next = Machine::Github { client_id: MOST.to_string(), url: "https://next".to_owned() };
        proofs.take(MachineProof { machine: next.clone(), proof: "canary-next".into() });
        proofs.forget(&next);
        assert!(proofs.of(&next).is_err() && proofs.of(&proof(MOST).machine).is_err());
        assert!(proofs.of(&proof(MOST + 1).machine).is_ok());
        assert!(!format!("{proofs:?}").contains("canary"));
    }

    #[test]
    fn what_is_no_proof_is_told_and_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("proof");
        let told = |bytes: &[u8]| {
            fs::write(&file, bytes).unwrap();
            read(&file, "the token")
                .map_err(|refusal| refusal.sentence.replace(&file.display().to_string(), "FILE"))
        };
        let absent = read(&file, "the client secret").unwrap_err();
        assert_eq!(absent.sentence, format!("the file `{}` is not there", file.display()));
        assert_eq!(
            absent.hint,
            "put the client secret there, or name the file that holds it with `--proof-file`"
        );
        let long = "canary".repeat(6000);
        for (bytes, sentence) in [
            (long.as_bytes(), "`FILE` is longer than any proof"),
            (b" \r\n", "`FILE` is empty"),
            (b"canary\xff", "`FILE` cannot be read: stream did not contain valid UTF-8"),
        ] {
            assert_eq!(told(bytes).unwrap_err(), sentence);
        }
        assert_eq!(valetkey_protocol::ExposeSecret::expose_secret(&told(b" canary\n").unwrap()), "canary");
        assert!(told(&vec![b'a'; LONGEST]).is_ok());
        // What never ends, as a pipe or a device, is not even opened.
        let endless = read(Path::new("/dev/zero"), "the token").unwrap_err();
        assert!(endless.sentence.contains("is not a regular file"), "{}", endless.sentence);
    }
}
