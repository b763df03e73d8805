//! Making a token, alone or in another's place.

use std::sync::Arc;

use valetkey_protocol::{Caller, NewPat, PatMade, Reason, Refusal, RegeneratePat, is_clean, shown};

use super::{
    browse::{no_such, of_the_agent},
    caller::is_running,
    kept::{is_name, value_name},
    status_of_entry,
};
use crate::{
    Broker, CreatedKey, Failure, NewKey, Peer,
    accounts::Account,
    audit::Filled as _,
    broker::held,
    clock::random_hex,
    ledger::{Entry, Person, State},
    mint::unledgered,
    session::blocking,
};

/// Longest name that is asked for, in characters, so that the nonce fits behind it.
const LONGEST_TITLE: usize = 200;
/// Microsoft: a token lives for a year at most.
const YEAR: u64 = 365 * 24 * 3600;

/// A token to make.
struct Wanted {
    account: Account,
    organisation: String,
    title: String,
    scope: String,
    valid_to: u64,
    keep: Option<String>,
    caller: Caller,
    /// Ids of tokens it is to replace.
    replaces: Vec<String>,
}

impl Broker {
    pub(super) async fn create_pat(self: &Arc<Self>, new: NewPat, peer: &Peer) -> Result<PatMade, Failure> {
        let (account, organisation) = self.account_for(new.organisation.as_deref())?;
        self.breakers.try_now();
        self.recover_pats().await;
        let _alone = self.making.gate.lock().await;
        if let Some(name) = &new.keep {
            self.check_keep(name, &[])?;
        }
        let wanted = Wanted {
            account,
            organisation,
            title: title(&new.name)?,
            scope: new.scope,
            valid_to: new.expires_at,
            keep: new.keep,
            caller: caller(new.caller, peer),
            replaces: Vec::new(),
        };
        self.make_pat(wanted, peer).await
    }

    /// GET here, POST in [`Broker::make_pat`]; DELETE follows when the value has reached its place.
    pub(super) async fn regenerate_pat(
        self: &Arc<Self>,
        wish: RegeneratePat,
        peer: &Peer,
    ) -> Result<PatMade, Failure> {
        let (account, organisation) = self.account_for(wish.organisation.as_deref())?;
        self.breakers.try_now();
        self.recover_pats().await;
        let _alone = self.making.gate.lock().await;
        if self.ledger.by_id(&wish.id).is_some_and(|entry| entry.person.is_none()) {
            return Err(of_the_agent(&wish.id).into());
        }
        let replaces = self.with_kin(&wish.id)?;
        let mut old = None;
        for id in &replaces {
            // Another run was quicker, or it was revoked on purpose.
            if held(&self.making.revoked).contains(&id.to_ascii_lowercase()) {
                continue;
            }
            old = match self.look_up(&account, &organisation, id).await {
                Err(failure) if failure.refusal == no_such(&organisation, id) => continue,
                found => Some(found?),
            };
            break;
        }
        let old = old.ok_or_else(|| no_such(&organisation, &wish.id))?;
        if old.all_organisations {
            return Err(for_all(&old.display_name).into());
        }
        if let Some(name) = &wish.keep {
            self.check_keep(name, &replaces)?;
        }
        let life = old.valid_to.saturating_sub(old.valid_from).clamp(3600, YEAR);
        let wanted = Wanted {
            title: title(&untitled(&old.display_name))?,
            scope: wish.scope.unwrap_or(old.scope),
            valid_to: wish.expires_at.unwrap_or_else(|| self.clock.now().saturating_add(life)),
            keep: wish.keep,
            caller: caller(wish.caller, peer),
            replaces,
            account,
            organisation,
        };
        self.make_pat(wanted, peer).await
    }

    /// A token and those it was to replace, or that were to replace it, when a process ended before it could say
    /// whether the new value had reached its place: the oldest first. One that another process is at is refused.
    fn with_kin(&self, id: &str) -> Result<Vec<String>, Refusal> {
        let mut kin = vec![id.to_owned()];
        let entries = self.ledger.not_closed();
        let mut before = 0;
        while kin.len() != before {
            before = kin.len();
            for entry in &entries {
                let Some(person) = &entry.person else { continue };
                let own = entry.authorization_id.as_ref();
                let related = own.is_some_and(|id| kin.contains(id))
                    || person.replaces.iter().any(|replaced| kin.contains(replaced));
                if !related || !matches!(entry.state, State::Posting | State::Made | State::Handing) {
                    continue;
                }
                if is_running(person.caller) {
                    return Err(busy(person.caller));
                }
                for other in person.replaces.iter().chain(own) {
                    if !kin.contains(other) {
                        kin.push(other.clone());
                    }
                }
            }
        }
        kin.sort_by_key(|id| self.ledger.by_id(id).map_or(0, |entry| entry.created_at));
        Ok(kin)
    }

    async fn make_pat(self: &Arc<Self>, wanted: Wanted, peer: &Peer) -> Result<PatMade, Failure> {
        let asked_until = wanted.valid_to;
        let (new, entry) = self.draft_pat(&wanted)?;
        let Wanted { account, organisation, .. } = wanted;
        let per_hour = self.live().settings.mints_per_hour;
        self.check_session(&account, &organisation).await?;
        held(&self.quota).take(self.clock.monotonic(), per_hour)?;
        self.begin(&entry).await?;
        let went = self
            .with_token(&account, &organisation, |live, bearer| {
                let (new, organisation) = (new.clone(), &organisation);
                async move { live.services.pats.create(organisation, &bearer, &new).await }
            })
            .await;
        let kept = match went {
            Ok(created) => self.keep_pat(entry.clone(), created, peer).await,
            Err(failure) => {
                self.forget(&entry, &failure).await;
                Err(failure)
            }
        };
        self.ledger.landed(&entry.nonce);
        let entry = kept?;
        if entry.state == State::Kept {
            let settled = self.finish_pat(&entry, peer).await;
            let pat = self
                .ledger
                .find(&entry.nonce)
                .map_or_else(|| status_of_entry(&entry), |now| status_of_entry(&now));
            return Ok(PatMade { pat, ticket: None, asked_until, settled: Some(settled) });
        }
        Ok(PatMade { pat: status_of_entry(&entry), ticket: Some(entry.nonce), asked_until, settled: None })
    }

    fn draft_pat(&self, wanted: &Wanted) -> Result<(NewKey, Entry), Refusal> {
        let live = self.live();
        let nonce = random_hex::<10>(&*self.random).map_err(|error| {
            Refusal::new(Reason::Internal, error.to_string(), "try again, then restart the machine")
        })?;
        let new = NewKey {
            display_name: format!("{} [valetkey {nonce}]", wanted.title),
            scope: wanted.scope.clone(),
            valid_to: wanted.valid_to,
        };
        let entry = Entry {
            nonce,
            state: State::Posting,
            account: wanted.account.id.clone(),
            organisation: wanted.organisation.clone(),
            scope: new.scope.clone(),
            name: new.display_name.clone(),
            service: live.settings.service(),
            created_at: self.clock.now(),
            valid_to: new.valid_to,
            authorization_id: None,
            person: Some(Person {
                title: wanted.title.clone(),
                replaces: wanted.replaces.clone(),
                keep: wanted.keep.clone(),
                caller: Some(wanted.caller),
            }),
        };
        Ok((new, entry))
    }

    /// A token that was made: its value waits in memory to be taken, or goes to the vault at once.
    async fn keep_pat(&self, mut entry: Entry, created: CreatedKey, peer: &Peer) -> Result<Entry, Failure> {
        entry.state = State::Made;
        entry.created_at = self.clock.now();
        entry.valid_to = created.valid_to;
        entry.authorization_id = Some(created.authorization_id);
        let made = entry.clone();
        self.on_ledger(move |ledger| ledger.change(&made.nonce.clone(), |entry| *entry = made)).await;
        self.record("pat-created").of_pat(&entry, self).by(peer).write(&*self.audit);
        if entry.person.as_ref().is_none_or(|person| person.keep.is_none()) {
            self.making.values().insert(entry.nonce.clone(), created.secret);
            return Ok(entry);
        }
        let (secrets, name) = (Arc::clone(&self.secrets), value_name(&entry.nonce));
        let stored = blocking(move || secrets.set(&name, &created.secret)).await;
        let stored = match stored {
            Ok(()) => self.advance(&entry, State::Kept).await,
            Err(refusal) => Err(refusal),
        };
        match stored {
            Ok(kept) => Ok(kept),
            Err(refusal) => {
                self.supersede(&entry, None).await;
                let _ = self.revoke_entry(&entry).await;
                Err(refusal.into())
            }
        }
    }

    /// The next step of a token, on the disk when this returns.
    pub(super) async fn advance(&self, entry: &Entry, state: State) -> Result<Entry, Refusal> {
        let next = Entry { state, ..entry.clone() };
        let written = next.clone();
        let went =
            self.on_ledger(move |ledger| ledger.advance(written).map_err(|error| error.to_string())).await;
        match went {
            Some(Ok(())) => Ok(next),
            Some(Err(sentence)) => Err(unledgered(&sentence)),
            None => Err(Refusal::new(Reason::Internal, "the ledger was not written", "try again")),
        }
    }

    /// Whether a value can be kept under a name: it is one, and free or held by what is replaced.
    fn check_keep(&self, name: &str, replaces: &[String]) -> Result<(), Refusal> {
        if !is_name(name) {
            let sentence = format!("`{}` is not a name to keep a token under", shown(name));
            let hint = "use letters, digits and `.`, `_`, `-`, at most 64";
            return Err(Refusal::new(Reason::BadRequest, sentence, hint));
        }
        match self.kept_entry(name) {
            Some(entry) if entry.authorization_id.as_ref().is_none_or(|id| !replaces.contains(id)) => {
                Err(Refusal::new(
                    Reason::BadRequest,
                    format!("a token is kept under `{name}` already"),
                    format!("run `valetkey pat regenerate {name}`, or keep this one under another name"),
                ))
            }
            _ => Ok(()),
        }
    }
}

impl super::Making {
    pub(super) fn values(
        &self,
    ) -> std::sync::MutexGuard<'_, std::collections::HashMap<String, valetkey_protocol::SecretString>> {
        held(&self.values)
    }
}

/// A name without what [`Broker::draft_pat`] put behind it.
fn untitled(name: &str) -> String {
    let marked = name.rsplit_once(" [valetkey ").filter(|(_, rest)| {
        rest.strip_suffix(']')
            .is_some_and(|nonce| nonce.len() == 20 && nonce.bytes().all(|b| b.is_ascii_hexdigit()))
    });
    marked.map_or(name, |(title, _)| title).to_owned()
}

/// The name as the service gets it: one clean line with room for the nonce.
pub(super) fn title(name: &str) -> Result<String, Refusal> {
    let name = name.trim();
    if name.is_empty() || !is_clean(name) || name.chars().count() > LONGEST_TITLE {
        return Err(Refusal::new(
            Reason::BadRequest,
            format!("`{}` is not a name for a token", shown(name)),
            format!("give it one of 1 to {LONGEST_TITLE} characters on one line"),
        ));
    }
    Ok(name.to_owned())
}

fn caller(named: Option<Caller>, peer: &Peer) -> Caller {
    named.unwrap_or(Caller { pid: peer.pid, started: 0 })
}

fn busy(caller: Option<Caller>) -> Refusal {
    let pid = caller.map_or(0, |caller| caller.pid);
    Refusal::new(Reason::Busy, format!("process {pid} is regenerating this token"), "let it end, or end it")
}

fn for_all(name: &str) -> Refusal {
    Refusal::new(
        Reason::OperationNotAllowed,
        format!("`{}` is good for all organisations, and such a token cannot be made any more", shown(name)),
        "make one for each organisation with `valetkey pat create`, then revoke this one",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_of_ours_is_taken_off_a_name_and_nothing_else() {
        assert_eq!(untitled("ci [valetkey 0123456789abcdef0123]"), "ci");
        for name in ["ci", "ci [valetkey]", "ci [valetkey 12]", "[valetkey 0123456789abcdef0123", ""] {
            assert_eq!(untitled(name), name);
        }
    }

    #[test]
    fn a_title_is_one_line() {
        assert_eq!(title("  ci ").unwrap(), "ci");
        for bad in ["", "  ", "a\nb", "\u{1b}[2J", &"x".repeat(201)] {
            assert!(title(bad).is_err(), "{bad:?}");
        }
    }
}
