//! Putting the agent together from a configuration.

use valetkey_broker::Settings;

use crate::configuration::Configuration;

/// What the broker has to know of a configuration.
pub(crate) fn settings(from: &Configuration) -> Settings {
    let Configuration { entra, azure_devops, keys, .. } = from;
    Settings {
        dev: azure_devops.dev.clone(),
        pats: azure_devops.pats.clone(),
        client_id: entra.client_id.clone(),
        tenant: entra.tenant.clone(),
        authority: entra.authority.as_str().trim_end_matches('/').to_owned(),
        key_lifetime: keys.lifetime,
        allow_write: keys.allow_write,
        mints_per_hour: keys.mints_per_hour,
        machine: rustix::system::uname().nodename().to_string_lossy().into_owned(),
    }
}
