//! The one HTTP client of the agent: lazily built, bounded in time and size, and clear about what went wrong.
//!
//! Proxies and private authorities come from the configuration first and from the environment that the agent was
//! started in second. The process environment is read for one thing only: the platform's certificate verifier
//! honours `SSL_CERT_FILE` and `SSL_CERT_DIR` by itself.
//!
//! Redirects are never followed, `http` is spoken to loopback addresses only, loopback is never reached through a
//! proxy, and a body is read up to [`MAX_BODY`].

mod client;
mod error;
mod failure;
mod lent;
mod reply;
mod retry;
mod route;
mod settings;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use bytes::Bytes;
pub use client::{Http, MAX_BODY};
pub use error::{HttpError, ProxyFailure, TlsFailure};
pub use reply::Reply;
pub use reqwest::{Body, Method, Request, StatusCode, header};
pub use retry::{MAX_RETRY_AFTER, retry_after};
pub use route::{host_and_port, is_loopback};
pub use settings::{ProxyEnvironment, Settings};
pub use url::Url;
