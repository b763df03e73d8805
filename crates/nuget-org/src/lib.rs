//! nuget.org: which key may push what, when it ends, and whether the service still takes it.
//!
//! nuget.org has no interface to list, create, refresh or delete keys: a person does that on its site, behind a
//! second factor. So keys are kept here with what a person knows of them, the narrowest one is picked for a job,
//! and the site's account pages are never asked for anything.
//!
//! In a pipeline with an identity of its own, [`NugetOrg::exchange`] gets a key for an hour instead.

mod choice;
mod ci;
mod client;
mod error;
mod exchange;
mod expiry;
mod glob;
mod inventory;
mod key;
mod keys;
mod nupkg;
mod package_id;
mod pasted;
mod refused;
mod right;
mod secrets;
mod version;
mod warning;

pub use choice::{Choice, NoKey, Wanted, narrowest};
pub use ci::{AUDIENCE, Pipeline, PipelineError};
pub use client::{Answered, NugetOrg, Verdict};
pub use error::{NugetError, NugetErrorKind};
pub use exchange::ShortLived;
pub use expiry::{Expiry, WARN_DAYS, parse_expiry};
pub use glob::{Glob, Globs};
pub use inventory::{Inventory, InventoryError, InventoryFile, Locked};
pub use key::{Key, KeyKind, KeyName};
pub use keys::{Keys, KeysError, Proof, Refresh};
pub use nupkg::{MAX_NUSPEC, NupkgError, Package};
pub use package_id::{MAX_ID, PackageId};
pub use pasted::{PasteError, Pasted, V5Facts};
pub use right::{Operation, Operations, Right};
pub use secrets::Secrets;
pub use version::PackageVersion;
pub use warning::Warning;
