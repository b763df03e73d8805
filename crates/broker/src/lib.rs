//! Keys on request: whose, for what, for how long, and what becomes of them.
//!
//! The broker stands between programs that want a key and the services that mint one. `policy` decides whether and
//! which, `keys` answers from what is at hand, `flight` fetches what is not, `mint` makes a key at the service,
//! `ledger` remembers every key ever asked for, `sweep` revokes what is left behind, `session` keeps the right to
//! mint. It opens no socket and reads no configuration; time, randomness and the network are given from outside.
//!
//! # Security
//! No function returns a refresh token or an access token. A key is on the ledger, on the disk, before it is asked
//! for. A host, a path or an organisation that is not exactly known is refused before anything is looked up.

mod accounts;
mod audit;
mod breaker;
mod broker;
mod callers;
mod choice;
mod clock;
mod detours;
mod doubt;
mod failure;
mod files;
mod flight;
mod get;
mod issue;
mod join;
mod keys;
pub mod ledger;
mod login;
mod memory;
mod mint;
mod pat;
pub mod policy;
mod quota;
mod refusals;
mod seam;
mod session;
mod settings;
mod signout;
mod summon;
mod sweep;
mod together;

pub use audit::Peer;
pub use broker::{Broker, Connect, Parts, Pass, Services};
pub use clock::{Clock, NoRandomness, Random, SystemClock, SystemRandom};
pub use failure::{Failure, FailureKind};
pub use join::Deps;
pub use policy::Purpose;
pub use seam::{
    AuditSink, Bearer, Client, CreatedKey, Doorbell, Identity, ListedKey, Loan, NewKey, OrganisationTenant,
    PatFacts, PatPage, Pats, Pending, Secrets, Started, Tokens, Wish,
};
pub use settings::Settings;
pub use summon::Summons;

#[cfg(test)]
mod tests;
