//! Signing in to Microsoft Entra and staying signed in, as a public client.
//!
//! Two ways in, both at the person's own hands: the system browser with a loopback redirect and PKCE (RFC 8252,
//! RFC 7636), and the device code (RFC 8628) on request. After that [`SignIn::refresh`].
//!
//! Access tokens are opaque here: Microsoft encrypts those of Azure DevOps, and their claims are no contract. What
//! they are good for is read from the answer's `scope`; who signed in, from `id_token` and `client_info`.
//!
//! Or a third: [`AzureCli`], where the person is signed in with the Azure CLI and may register no application. It keeps
//! the session; nothing but access tokens is taken from it.
//!
//! Machines that are not people have ways of their own: [`SignIn::for_itself`] with a [`Proof`], or [`Managed`].
//!
//! Every failure is a [`SignInError`]: a kind to branch on, a sentence and a next step to show.

mod authority;
mod azure_cli;
mod browser;
mod classify;
mod courier;
mod device;
mod error;
mod identity;
mod loopback;
mod machine;
mod random;
mod sign_in;
#[cfg(test)]
mod testing;
mod tokens;
mod wire;

pub use authority::Authority;
pub use azure_cli::{AzureCli, Signed};
pub use browser::{BrowserFlow, Options, Prompt};
pub use classify::known_codes;
pub use device::DeviceFlow;
pub use error::{SignInError, SignInErrorKind};
pub use machine::{Managed, github_token, pipelines_token};
pub use sign_in::{Proof, SignIn};
pub use tokens::Tokens;
