//! What `valetkey-agent` and its clients say to each other: wire types, codec, refusals as values.
//!
//! No input, no output, no runtime. Every enum has an `Unknown` arm and every struct tolerates extra fields, so
//! that a helper and an agent of neighbouring versions understand each other. The wire is described in
//! `docs/protocol.md`.
//!
//! No request of any kind is answered with a refresh token: [`Answer`] has no arm that could carry one.

mod answer;
mod frame;
mod hello;
mod host;
mod nuget_org;
mod pat;
mod proxy;
mod refusal;
mod request;
mod secret;
mod source;
mod status;
mod text;

pub use answer::{Answer, Credential, EndingKey, Event, Revoked};
pub use frame::{FrameError, MAX_FRAME, decode, encode, read_frame, write_frame};
pub use hello::{Hello, VERSIONS, Versions, Welcome};
pub use host::Service;
pub use nuget_org::{
    NewNugetKey, NugetChecked, NugetKey, NugetKeyStatus, NugetOperation, NugetOrgRequest, NugetProof,
    NugetRefresh, NugetRight, NugetVerdict,
};
pub use pat::{
    NewPat, PatChange, PatFilter, PatHeld, PatList, PatMade, PatRequest, PatSettled, PatSort, PatStatus,
    PatValue, Pats, RegeneratePat,
};
pub use proxy::ProxyCredentials;
pub use refusal::{Reason, Refusal};
pub use request::{
    Caller, ClientKind, EraseRequest, Flow, GetRequest, KeySelector, LoginRequest, LogoutRequest, Operation,
    Request, Target, UseAccount,
};
pub use secret::{ExposeSecret, SecretString, same_secret};
pub use source::{AzureCli, Machine, MachineProof, TokenSource};
pub use status::{
    AccountStatus, AuditRecord, Detour, Issuer, KeyStatus, SessionState, StatusReport, VaultState,
    VaultStatus, VaultTier,
};
pub use text::{MAX_LINE, is_clean, shown, shown_hint, without_errno};
