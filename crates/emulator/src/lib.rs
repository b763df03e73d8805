//! Microsoft Entra, the Azure DevOps PAT API and Azure Repos on loopback, for tests and the demo. Never shipped.
//!
//! [`Emulator::start`] brings up five virtual hosts, all TLS under an authority that lives as long as the
//! process: `login` (Microsoft Entra), `vssps` (personal access tokens), `dev` (Azure DevOps and git, served by
//! the real `git http-backend`), `evil` (a host that no credential may ever reach) and `ctl` (the tests' hand).
//! The emulator shares no type with the product's clients, so that one misreading cannot hide on both sides.
//!
//! Where Microsoft's service is not documented, a field of [`Switches`] chooses between the known possibilities.

mod answer;
mod call;
mod certificate;
mod clock;
mod control;
mod devops;
mod emulator;
mod fault;
mod git;
mod host;
mod journal;
mod login;
mod options;
mod pats;
mod program;
mod random;
mod scope;
mod server;
mod switches;
mod violations;
mod vssps;
mod world;

pub use control::{Control, LoggedRequest, Mail, PatState, PatView, PendingDevice, Rules};
pub use emulator::Emulator;
pub use fault::{Action, Fault};
pub use host::{Host, Urls};
pub use journal::CredentialKind;
pub use options::{ClockMode, Options};
pub use program::run;
pub use switches::{CreationRefusal, LifespanPolicy, SignInAnswer, Switches};
pub use world::{
    APP_CONFIDENTIAL, APP_LEGACY, APP_MINT, APP_READ, APP_SPA, TENANT_HOME, TENANT_RESOURCE, UserState,
};
