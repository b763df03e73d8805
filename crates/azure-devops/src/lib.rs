//! Azure DevOps: which tenant an organisation belongs to, and its keys (personal access tokens).
//!
//! Everything an answer says is checked before it is believed: hosts against closed sets, ids and names against
//! their form, a success against what it must contain. Every failure is a [`DevOpsError`] with a sentence and a
//! next step, and says whether a key may have come about all the same.

pub mod challenge;
mod client;
mod connection;
mod discover;
mod error;
mod hosts;
mod organisation;
mod pat;
mod pat_error;
mod pats;
mod refused;
mod session_token;
mod time;

pub use client::{Auth, DevOps, Endpoints};
pub use connection::ConnectionData;
pub use discover::{OrganisationFacts, TenantHint};
pub use error::{DevOpsError, DevOpsErrorKind};
pub use organisation::is_organisation;
pub use pat::{CreatedPat, Filter, Listing, NewPat, Pat, PatPage, PatUpdate, Sort};
pub use pat_error::PatError;
pub use session_token::SessionToken;
