//! Servers that other people wrote: an identity provider, a web server, git's own. Nothing of ours answers here, but
//! for the configuration that says what they answer.

mod feed;
mod nginx;
mod person;
mod process;
mod provider;
mod scene;
mod tls;

pub use feed::write_feed;
pub use nginx::{Nginx, Plan};
pub use person::Person;
pub use provider::{LENDER, OidcProvider, PACKAGE as PROVIDER, Settings};
pub use scene::Scene;
pub use tls::Tls;
