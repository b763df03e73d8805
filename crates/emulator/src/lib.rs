//! Microsoft Entra, Azure DevOps and nuget.org on loopback, for tests and the demo. Never shipped.
//!
//! [`Emulator::start`] brings up ten virtual hosts, all but `imds` TLS under an authority that lives as long as the
//! process: `login` (Microsoft Entra), `vssps` (personal access tokens), `dev` (Azure DevOps and git, served by
//! the real `git http-backend`), `pkgs` (Azure Artifacts' NuGet feeds), `nuget` (nuget.org), `arm` (Azure Resource
//! Manager), `imds` (managed identities), `oidc` (issuers of builds' identity tokens), `evil` (a host that no credential
//! may ever reach) and `ctl` (the tests' hand).
//!
//! Every organisation has the feeds `shared`, `team` in the project `Payments Platform`, and `Pakete für alle` in
//! `Café Zürich`, each with `Contoso.Core` 1.0.0, `Contoso.Text` 1.2.0 (which depends on it) and
//! `Fabrikam.Tools` 2.0.0. Members are publishers of feeds until [`Control::feed_roles`] says otherwise; `shared`
//! has nuget.org as its upstream source. nuget.org holds `Contoso.Public` (of the organisation `contoso`),
//! `Tailspin.Toys` (alice) and `Wingtip.Shared` (bob); the prefixes `Contoso.` and `Microsoft.` are reserved.
//! The emulator shares no type with the product's clients, so that one misreading cannot hide on both sides.
//!
//! Where Microsoft's service is not documented, a field of [`Switches`] chooses between the known possibilities.

mod answer;
mod arc;
mod arm;
mod call;
mod certificate;
mod clock;
mod control;
mod devops;
mod emulator;
mod fault;
mod feeds;
mod gallery;
mod git;
mod host;
mod imds;
mod journal;
mod login;
mod machines;
mod oidc;
mod options;
mod packages;
mod pats;
mod program;
mod random;
mod scope;
mod server;
mod switches;
mod violations;
mod vssps;
mod world;

pub use certificate::Certificate;
pub use control::{
    AppService, ArcAgent, Control, Exchange, GithubJob, LoggedRequest, Mail, NugetKeyView, PackageView,
    PatState, PatView, PendingDevice, PipelinesJob, Rules,
};
pub use emulator::Emulator;
pub use fault::{Action, Fault};
pub use feeds::FeedRole;
pub use host::{Host, Urls};
pub use journal::CredentialKind;
pub use options::{ClockMode, Options};
pub use packages::nupkg;
pub use program::run;
pub use switches::{CreationRefusal, LifespanPolicy, SelfDescribing, SignInAnswer, Switches};
pub use world::{
    APP_CONFIDENTIAL, APP_LEGACY, APP_LEND, APP_MINT, APP_READ, APP_SPA, APP_VISUAL_STUDIO, MANAGED_IDENTITY,
    TENANT_HOME, TENANT_RESOURCE, TENANT_ZERO, UserState,
};
