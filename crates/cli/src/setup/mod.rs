//! What `valetkey setup` knows: git's configuration, the ways into NuGet, and the registration in Microsoft Entra.

mod command;
mod entra;
mod git;
mod host;
pub(crate) mod nuget;
mod plan;

pub use git::Git;

pub(crate) use command::{HELPER, for_path, locate};
pub(crate) use entra::{ADMIN_CONSENT, for_admin, for_yourself};
pub(crate) use git::{File, GitError};
pub(crate) use host::{Host, parse as parse_host};
pub(crate) use plan::{Change, later_helpers, put_in, take_out};

/// Whether git asks valetkey for a host.
pub(crate) fn asks_us(entries: &[git::Entry], host: &Host) -> bool {
    entries.iter().any(|entry| {
        let address = entry.address().unwrap_or_default();
        entry.is_helper() && command::is_ours(&entry.value) && address.trim_end_matches('/') == host.address
    })
}

/// Whether git asks valetkey anywhere in the person's own configuration.
pub(crate) fn is_set_up(git: &Git) -> Result<bool, GitError> {
    let entries = git.entries(File::Global)?;
    Ok(entries.iter().any(|entry| entry.is_helper() && command::is_ours(&entry.value)))
}
