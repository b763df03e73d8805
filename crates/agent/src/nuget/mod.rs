//! Keys of nuget.org: kept, chosen, shown to nuget.org, replaced.

mod refuse;
#[cfg(test)]
mod tests;
mod words;

use std::{fmt, path::Path, sync::Arc};

use tokio::{runtime::Handle, task::spawn_blocking};
use valetkey_broker::{AuditSink, Clock};
use valetkey_http::Http;
use valetkey_nuget_org::{
    Answered, InventoryFile, Key, KeyName, Keys, NugetOrg, PackageId, PackageVersion, Pasted, Proof, Right,
    Secrets, Wanted, narrowest,
};
use valetkey_protocol::{
    Answer, AuditRecord, NewNugetKey, NugetChecked, NugetKey, NugetOperation, NugetOrgRequest, NugetProof,
    NugetRefresh, NugetVerdict, Reason, Refusal, SecretString, shown,
};
use valetkey_vault::{Vault, VaultError};

use crate::{configuration::Live, service::Peer};
use refuse::{no_key, nuget, of_keys, pasted, reason, unknown};
use words::{expiry_warning, operations, status, verdict, warnings};

type Outcome = Result<Answer, Refusal>;

#[derive(Debug)]
struct Values(Vault);

impl Secrets for Values {
    type Error = VaultError;

    fn get(&self, name: &str) -> Result<Option<SecretString>, VaultError> {
        self.0.get(name)
    }

    fn set(&self, name: &str, secret: &SecretString) -> Result<(), VaultError> {
        self.0.set(name, secret)
    }

    fn delete(&self, name: &str) -> Result<(), VaultError> {
        self.0.delete(name)
    }
}

/// The keys of nuget.org of this user.
pub struct NugetDesk {
    keys: Keys<Values>,
    http: Http,
    configuration: Arc<Live>,
    clock: Arc<dyn Clock>,
    audit: Arc<dyn AuditSink>,
}

impl fmt::Debug for NugetDesk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NugetDesk").field("keys", &self.keys).finish_non_exhaustive()
    }
}

impl NugetDesk {
    /// The keys listed in a folder, with their values in a vault. Reads nothing yet.
    pub(crate) fn new(
        state_dir: &Path,
        vault: Vault,
        http: Http,
        configuration: Arc<Live>,
        clock: Arc<dyn Clock>,
        audit: Arc<dyn AuditSink>,
    ) -> Arc<Self> {
        let keys = Keys::new(InventoryFile::in_folder(state_dir), Values(vault));
        Arc::new(Self { keys, http, configuration, clock, audit })
    }

    /// Answers one question, on a thread that may block.
    pub(crate) async fn answer(
        self: &Arc<Self>,
        request: NugetOrgRequest,
        peer: Peer,
        locked: bool,
    ) -> Answer {
        let (desk, runtime) = (Arc::clone(self), Handle::current());
        let answered = spawn_blocking(move || desk.serve(request, &peer, locked, &runtime)).await;
        answered.unwrap_or_else(|_| Answer::Refused(super::desk::refused_internally()))
    }

    /// One line for each key a person should see to.
    pub(crate) async fn warnings(self: &Arc<Self>) -> Vec<String> {
        let desk = Arc::clone(self);
        spawn_blocking(move || desk.what_to_see_to()).await.unwrap_or_default()
    }

    fn what_to_see_to(&self) -> Vec<String> {
        let now = self.clock.now();
        match self.keys.inventory() {
            Ok(inventory) => inventory.keys().iter().filter_map(|key| expiry_warning(key, now)).collect(),
            Err(error) => vec![error.to_string()],
        }
    }

    fn serve(&self, request: NugetOrgRequest, peer: &Peer, locked: bool, runtime: &Handle) -> Answer {
        let listing = matches!(request, NugetOrgRequest::List);
        let outcome =
            if locked && !listing { Err(refuse::locked()) } else { self.attend(request, peer, runtime) };
        outcome.unwrap_or_else(|refusal| {
            let note = format!("{}: {}", reason(&refusal), refusal.sentence);
            self.record("refused", None, &note, peer);
            Answer::Refused(refusal)
        })
    }

    fn attend(&self, request: NugetOrgRequest, peer: &Peer, runtime: &Handle) -> Outcome {
        match request {
            NugetOrgRequest::Add(new) => self.add(new, peer),
            NugetOrgRequest::List => self.list(),
            NugetOrgRequest::Remove { name } => self.remove(&name, peer),
            NugetOrgRequest::Choose { package, operation, is_new } => {
                self.choose(&package, operation, is_new, peer)
            }
            NugetOrgRequest::Secret { name } => self.secret(&name, peer),
            NugetOrgRequest::Refused { name } => self.note_refused(&name, peer),
            NugetOrgRequest::Verify { name, package, version } => {
                let package = Package::parse(&package, &version)?;
                runtime.block_on(self.verify(&name, &package, peer))
            }
            NugetOrgRequest::Unlist { package, version, relist } => {
                let package = Package::parse(&package, &version)?;
                runtime.block_on(self.unlist(&package, relist, peer))
            }
            NugetOrgRequest::BeginRefresh { name } => self.begin_refresh(&name),
            NugetOrgRequest::CompleteRefresh { name, secret, expires_at, proof } => {
                runtime.block_on(self.complete_refresh(&name, &secret, expires_at, proof, peer))
            }
            _ => Err(unknown()),
        }
    }

    fn add(&self, new: NewNugetKey, peer: &Peer) -> Outcome {
        let NewNugetKey { name, owner, globs, operations: may, expires_at, secret } = new;
        let value = Pasted::parse(&secret).map_err(|error| pasted(&error))?;
        let mut key = Key::new(named(&name)?, shown(owner.trim()), value.kind());
        key.globs = words::globs(&globs)?;
        key.operations = operations(&may);
        key.expires_at = expires_at;
        let now = self.clock.now();
        let key = self.keys.add(key, &value, now).map_err(|error| of_keys(&error))?;
        self.record("nuget-key-added", Some(&key), &key.operations.to_string(), peer);
        Ok(Answer::NugetKeys { keys: vec![status(&key, now)] })
    }

    fn list(&self) -> Outcome {
        let now = self.clock.now();
        let inventory = self.keys.inventory().map_err(|error| of_keys(&error))?;
        Ok(Answer::NugetKeys { keys: inventory.keys().iter().map(|key| status(key, now)).collect() })
    }

    fn remove(&self, name: &str, peer: &Peer) -> Outcome {
        let key = self.keys.remove(&named(name)?).map_err(|error| of_keys(&error))?;
        self.record("nuget-key-removed", Some(&key), "", peer);
        Ok(Answer::Done)
    }

    fn choose(&self, package: &str, operation: NugetOperation, is_new: Option<bool>, peer: &Peer) -> Outcome {
        let right = match (operation, is_new) {
            (NugetOperation::Push, Some(true)) => Right::NewPackage,
            (NugetOperation::Push, _) => Right::NewVersion,
            (NugetOperation::Unlist, _) => Right::Unlist,
            _ => return Err(unknown()),
        };
        let id = PackageId::typed(package).map_err(|error| nuget(&error))?;
        let (key, glob, wider) = self.narrowest(&id, right)?;
        let secret = self.keys.value(&key).map_err(|error| of_keys(&error))?;
        self.record("nuget-key-chosen", Some(&key), &format!("to {} `{id}`", right.verb()), peer);
        let for_new_package = wider.filter(|_| is_new.is_none());
        let key = self.with_value(&key, secret);
        Ok(Answer::NugetKey(NugetKey { glob, for_new_package, ..key }))
    }

    /// The narrowest key, the pattern that covers the package, and the key for a package that turns out to be new.
    fn narrowest(&self, id: &PackageId, right: Right) -> Result<(Key, String, Option<String>), Refusal> {
        let inventory = self.keys.inventory().map_err(|error| of_keys(&error))?;
        let wanted = Wanted { id, right, now: self.clock.now() };
        let choice = narrowest(inventory.keys(), &wanted).map_err(|error| no_key(&error))?;
        let wider = choice.for_new_package.map(|key| key.name.to_string());
        Ok((choice.key.clone(), choice.glob.as_str().to_owned(), wider))
    }

    fn secret(&self, name: &str, peer: &Peer) -> Outcome {
        let key = self.find(name)?;
        let secret = self.keys.value(&key).map_err(|error| of_keys(&error))?;
        self.record("nuget-key-read", Some(&key), "", peer);
        Ok(Answer::NugetKey(self.with_value(&key, secret)))
    }

    fn with_value(&self, key: &Key, secret: SecretString) -> NugetKey {
        NugetKey {
            name: key.name.to_string(),
            secret,
            owner: key.owner.clone(),
            glob: String::new(),
            expires_at: key.expires_at,
            warning: expiry_warning(key, self.clock.now()),
            for_new_package: None,
        }
    }

    fn note_refused(&self, name: &str, peer: &Peer) -> Outcome {
        let key = self.find(name)?;
        self.keys.note_refused(&key, self.clock.now()).map_err(|error| of_keys(&error))?;
        self.record("nuget-key-refused", Some(&key), "", peer);
        Ok(Answer::Done)
    }

    async fn verify(&self, name: &str, package: &Package, peer: &Peer) -> Outcome {
        let key = self.find(name)?;
        let secret = self.keys.value(&key).map_err(|error| of_keys(&error))?;
        let Package { id, version } = package;
        let answered = self.nuget().verify(&secret, id, version).await.map_err(|error| nuget(&error))?;
        self.record("nuget-key-verified", Some(&key), &format!("for `{id}`"), peer);
        Ok(self.checked(&key, verdict(answered.value), &answered.warnings))
    }

    async fn unlist(&self, package: &Package, relist: bool, peer: &Peer) -> Outcome {
        let Package { id, version } = package;
        let (key, _, _) = self.narrowest(id, Right::Unlist)?;
        let secret = self.keys.value(&key).map_err(|error| of_keys(&error))?;
        let nuget_org = self.nuget();
        let (verb, went) = if relist {
            ("relist", nuget_org.relist(&secret, id, version).await)
        } else {
            ("unlist", nuget_org.unlist(&secret, id, version).await)
        };
        let note = format!("to {verb} `{id}` `{version}`");
        self.record("nuget-key-used", Some(&key), &note, peer);
        let answered = went.map_err(|error| nuget(&error))?;
        Ok(self.checked(&key, NugetVerdict::Done, &answered.warnings))
    }

    fn begin_refresh(&self, name: &str) -> Outcome {
        let begun = self.keys.begin_refresh(&named(name)?, &self.nuget()).map_err(|error| of_keys(&error))?;
        Ok(Answer::NugetRefresh(NugetRefresh {
            key: status(begun.key(), self.clock.now()),
            page: begun.page.clone(),
            steps: begun.steps().into(),
        }))
    }

    async fn complete_refresh(
        &self,
        name: &str,
        secret: &SecretString,
        expires_at: Option<u64>,
        proof: NugetProof,
        peer: &Peer,
    ) -> Outcome {
        let value = Pasted::parse(secret).map_err(|error| pasted(&error))?;
        let nuget_org = self.nuget();
        let begun = self.keys.begin_refresh(&named(name)?, &nuget_org).map_err(|error| of_keys(&error))?;
        let shown_for = match proof {
            NugetProof::Package { package, version } => Some(Package::parse(&package, &version)?),
            NugetProof::Person => None,
            _ => return Err(unknown()),
        };
        let proof = match &shown_for {
            Some(Package { id, version }) => Proof::Package(id, version),
            None => Proof::Person,
        };
        let now = self.clock.now();
        let ended = self.keys.complete_refresh(&begun, &value, expires_at, proof, &nuget_org, now).await;
        let Answered { value: (key, found), warnings } = ended.map_err(|error| of_keys(&error))?;
        self.record("nuget-key-refreshed", Some(&key), "", peer);
        Ok(self.checked(&key, found.map_or(NugetVerdict::Unchecked, verdict), &warnings))
    }

    fn checked(&self, key: &Key, verdict: NugetVerdict, told: &[valetkey_nuget_org::Warning]) -> Answer {
        let key = status(key, self.clock.now());
        Answer::NugetChecked(NugetChecked { key, verdict, warnings: warnings(told) })
    }

    fn find(&self, name: &str) -> Result<Key, Refusal> {
        self.keys.find(&named(name)?).map_err(|error| of_keys(&error))
    }

    fn nuget(&self) -> NugetOrg {
        NugetOrg::new(self.http.clone(), self.configuration.current().nuget.nuget_org.clone())
    }

    fn record(&self, event: &str, key: Option<&Key>, note: &str, peer: &Peer) {
        self.audit.record(AuditRecord {
            event: event.to_owned(),
            account: key.map_or_else(String::new, |key| key.owner.clone()),
            key: key.map_or_else(String::new, |key| key.name.to_string()),
            peer: peer.line(),
            note: note.to_owned(),
            ..AuditRecord::default()
        });
    }
}

/// A version of a package, as a client names it.
struct Package {
    id: PackageId,
    version: PackageVersion,
}

impl Package {
    fn parse(id: &str, version: &str) -> Result<Self, Refusal> {
        let id = PackageId::typed(id).map_err(|error| nuget(&error))?;
        let version = PackageVersion::parse(version).ok_or_else(|| {
            let sentence = format!("`{}` is not a version of a package", shown(version));
            Refusal::new(Reason::BadRequest, sentence, "give it as in `1.2.3`")
        })?;
        Ok(Self { id, version })
    }
}

fn named(name: &str) -> Result<KeyName, Refusal> {
    KeyName::parse(name).ok_or_else(|| {
        let sentence = format!("`{}` is not a name for a key", shown(name));
        Refusal::new(Reason::BadRequest, sentence, "use letters, digits and `.`, `_`, `-`, at most 64")
    })
}
