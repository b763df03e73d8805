//! The tests' hand on the world: in process, and over the `ctl` host.

mod handle;
mod http;
mod machines;
mod packages;
mod publishing;
mod records;

pub use handle::Control;
pub(crate) use http::{evil, http};
pub use machines::{AppService, ArcAgent, PipelinesJob};
pub use packages::{GithubJob, NugetKeyView, PackageView};
pub use records::{Exchange, LoggedRequest, Mail, PatState, PatView, PendingDevice, Rules};
