//! The loopback end of a browser sign-in (RFC 8252 §7.3).

mod listener;
mod page;
mod request;

pub(crate) use listener::Listener;
pub(crate) use page::Page;
pub(crate) use request::Outcome;
