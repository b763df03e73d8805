//! Putting the agent together from a configuration.

use std::{sync::Arc, time::Instant};

use valetkey_broker::{Broker, Deps, Settings, SystemClock, SystemRandom};
use valetkey_http::{Http, ProxyEnvironment};
use valetkey_paths::{PathError, Paths, env::Captured, trust::check_private_file};
use valetkey_protocol::{Reason, Refusal};
use valetkey_vault::{Argon, DEADLINE, SealedKey, Vault};

use crate::{
    audit::Audit,
    configuration::{self, Configuration, ConfigurationError, Live, Sources, Store},
    control::Control,
    desk::Desk,
    desktop::Desktop,
    nuget::NugetDesk,
};

/// The agent of this user, asking nobody yet: neither vault nor network is touched.
pub(crate) fn desk(paths: &Paths, environment: Captured, control: Control) -> Result<Desk, Refusal> {
    let configuration = Live::read(sources(paths))?;
    let now = configuration.current();
    let audit = Arc::new(Audit::open(paths.audit.clone()).map_err(|error| no_audit(&error))?);
    let vault = vault(now.vault, paths);
    let http = http(&now.network, environment);
    let clock = Arc::new(SystemClock::default());
    let configuration = Arc::new(configuration);
    let deps = Deps {
        vault: vault.clone(),
        http: http.clone(),
        clock: Arc::clone(&clock) as _,
        audit: Arc::clone(&audit) as _,
        paths: paths.clone(),
        random: Arc::new(SystemRandom),
        doorbell: Arc::new(Desktop::new(Arc::clone(&configuration))),
    };
    let broker = Broker::new(settings(&now), deps)?;
    let nuget = NugetDesk::new(
        &paths.state_dir,
        vault.clone(),
        http.clone(),
        Arc::clone(&configuration),
        clock,
        Arc::clone(&audit) as _,
    );
    Ok(Desk { broker, nuget, http, vault, audit, configuration, control, since: Instant::now() })
}

/// What the broker has to know of a configuration.
pub(crate) fn settings(from: &Configuration) -> Settings {
    let Configuration { entra, azure_devops, keys, issuers, nuget: _, network: _, vault: _, agent: _ } = from;
    Settings {
        dev: azure_devops.dev.clone(),
        pkgs: azure_devops.pkgs.clone(),
        pats: azure_devops.pats.clone(),
        client_id: entra.client_id.clone(),
        tenant: entra.tenant.clone(),
        authority: entra.authority.as_str().trim_end_matches('/').to_owned(),
        key_lifetime: keys.lifetime,
        allow_write: keys.allow_write,
        mints_per_hour: keys.mints_per_hour,
        session_tokens: issuers.session_tokens,
        entra_organisations: issuers.entra_organisations.clone(),
        entra_client_id: issuers.entra_client_id.clone(),
        machine: rustix::system::uname().nodename().to_string_lossy().into_owned(),
    }
}

fn sources(paths: &Paths) -> Sources {
    let trust = |path: &_| check_private_file(path).map_err(ConfigurationError::from);
    Sources { system: paths.config_system.clone(), user: paths.config_user.clone(), trust }
}

fn http(from: &configuration::Network, environment: Captured) -> Http {
    let Captured { https_proxy, all_proxy, no_proxy, ssl_cert_file: _, ssl_cert_dir: _ } = environment;
    Http::new(valetkey_http::Settings {
        proxy: from.proxy.clone(),
        no_proxy: from.no_proxy.clone(),
        ca_file: from.ca_file.clone(),
        environment: ProxyEnvironment { https_proxy, all_proxy, no_proxy },
        ..valetkey_http::Settings::default()
    })
}

fn vault(from: configuration::Vault, paths: &Paths) -> Vault {
    let key = match from.sealed_key {
        configuration::SealedKey::Kernel => SealedKey::Kernel,
        configuration::SealedKey::Passphrase => SealedKey::Passphrase(Argon::default()),
    };
    match from.store {
        Store::Os => Vault::os(DEADLINE),
        Store::Sealed => Vault::sealed(&paths.sealed, key, DEADLINE),
        Store::Memory => Vault::memory(),
    }
}

impl From<PathError> for ConfigurationError {
    fn from(error: PathError) -> Self {
        Self::Untrusted { sentence: error.to_string(), hint: error.hint() }
    }
}

fn no_audit(error: &std::io::Error) -> Refusal {
    let sentence = format!("the audit trail cannot be begun: {error}");
    Refusal::new(Reason::Internal, sentence, "end other programs, and try again")
}
