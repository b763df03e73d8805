//! Answers that no honest service gives, and a server that gives them: for tests of everything that shows a secret to a
//! service. Never shipped.
//!
//! A test takes an honest answer of the service, [`attacks`] bends it in every way, and [`Hostile`] serves one attack at
//! a time. Another listener notes whoever follows a redirect: nobody should.

mod attack;
mod bodies;
mod framing;
mod headers;
mod redirects;
mod server;
mod trial;

pub use attack::{Attack, Harm};
pub use server::Hostile;
pub use trial::{PATIENCE, trials};

/// Every attack on a question whose honest answer is this JSON.
pub fn attacks(honest: &str) -> Vec<Attack> {
    let mut all = redirects::all(honest);
    all.extend(bodies::all(honest));
    all.extend(framing::all(honest));
    all.extend(headers::all(honest));
    all
}
