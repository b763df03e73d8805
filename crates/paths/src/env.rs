//! Every environment variable the product reads, and the only place that reads them.

use std::ffi::OsString;

/// The name of an environment variable. Only this module makes them, so that the list is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable(&'static str);

impl Variable {
    /// Its name.
    pub const fn name(self) -> &'static str {
        self.0
    }

    /// Its value in this process; an empty value counts as none.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn get(self) -> Option<OsString> {
        std::env::var_os(self.0).filter(|value| !value.is_empty())
    }

    /// Its value, where it is Unicode.
    pub fn text(self) -> Option<String> {
        self.get()?.into_string().ok()
    }

    /// Whether it has a value other than `0`.
    pub fn is_on(self) -> bool {
        self.get().is_some_and(|value| value != "0")
    }
}

/// `1` makes a helper mirror its conversation to standard error, secrets masked.
pub const TRACE: Variable = Variable("VALETKEY_TRACE");
/// How much the agent logs: `error`, `warn`, `info`, `debug` or `trace`.
pub const LOG: Variable = Variable("VALETKEY_LOG");

/// The user's home folder.
pub const HOME: Variable = Variable("HOME");
/// The user's folder for sockets (XDG Base Directory Specification).
pub const XDG_RUNTIME_DIR: Variable = Variable("XDG_RUNTIME_DIR");
/// The user's folder for configuration (XDG Base Directory Specification).
pub const XDG_CONFIG_HOME: Variable = Variable("XDG_CONFIG_HOME");
/// The user's folder for state (XDG Base Directory Specification).
pub const XDG_STATE_HOME: Variable = Variable("XDG_STATE_HOME");
/// The user's folder for what can be made again (XDG Base Directory Specification).
pub const XDG_CACHE_HOME: Variable = Variable("XDG_CACHE_HOME");
/// Where programs are looked for: the browser, and git in `valetkey setup git`. Never for the agent.
pub const PATH: Variable = Variable("PATH");

/// Proxy for https, as curl and git name it.
pub const HTTPS_PROXY_LOWER: Variable = Variable("https_proxy");
/// Proxy for https.
pub const HTTPS_PROXY: Variable = Variable("HTTPS_PROXY");
/// Proxy for every scheme, as curl and git name it.
pub const ALL_PROXY_LOWER: Variable = Variable("all_proxy");
/// Proxy for every scheme.
pub const ALL_PROXY: Variable = Variable("ALL_PROXY");
/// Hosts reached without a proxy, as curl and git name it.
pub const NO_PROXY_LOWER: Variable = Variable("no_proxy");
/// Hosts reached without a proxy.
pub const NO_PROXY: Variable = Variable("NO_PROXY");
/// A file of certificates to trust instead of the system's.
pub const SSL_CERT_FILE: Variable = Variable("SSL_CERT_FILE");
/// A folder of certificates to trust instead of the system's.
pub const SSL_CERT_DIR: Variable = Variable("SSL_CERT_DIR");

/// The user's message bus, through which the keyring is reached.
pub const DBUS_SESSION_BUS_ADDRESS: Variable = Variable("DBUS_SESSION_BUS_ADDRESS");
/// The X display, if there is a screen.
pub const DISPLAY: Variable = Variable("DISPLAY");
/// The Wayland display, if there is a screen.
pub const WAYLAND_DISPLAY: Variable = Variable("WAYLAND_DISPLAY");
/// Set in a shell that came through SSH: its browser would open on the wrong machine.
pub const SSH_CONNECTION: Variable = Variable("SSH_CONNECTION");

/// The user's folder for data (XDG Base Directory Specification): NuGet keeps what it remembers of plugins there.
pub const XDG_DATA_HOME: Variable = Variable("XDG_DATA_HOME");
/// What dotnet takes for the home folder instead of `HOME`.
pub const DOTNET_CLI_HOME: Variable = Variable("DOTNET_CLI_HOME");
/// Plugins every client of NuGet starts; it looks nowhere else then. Read by `valetkey doctor`, like all that follow.
pub const NUGET_PLUGIN_PATHS: Variable = Variable("NUGET_PLUGIN_PATHS");
/// The same for dotnet alone.
pub const NUGET_NETCORE_PLUGIN_PATHS: Variable = Variable("NUGET_NETCORE_PLUGIN_PATHS");
/// The same for nuget.exe and MSBuild alone.
pub const NUGET_NETFX_PLUGIN_PATHS: Variable = Variable("NUGET_NETFX_PLUGIN_PATHS");
/// Where NuGet remembers what plugins can do.
pub const NUGET_PLUGINS_CACHE_PATH: Variable = Variable("NUGET_PLUGINS_CACHE_PATH");
/// Variables that hand Microsoft's provider its credentials and switch its sign-in off.
pub const ARTIFACTS_PROVIDER: [Variable; 6] = [
    Variable("ARTIFACTS_CREDENTIALPROVIDER_EXTERNAL_FEED_ENDPOINTS"),
    Variable("ARTIFACTS_CREDENTIALPROVIDER_FEED_ENDPOINTS"),
    Variable("ARTIFACTS_CREDENTIALPROVIDER_ACCESSTOKEN"),
    Variable("VSS_NUGET_EXTERNAL_FEED_ENDPOINTS"),
    Variable("VSS_NUGET_ACCESSTOKEN"),
    Variable("VSS_NUGET_URI_PREFIXES"),
];

/// GitLab's token for nuget.org in a job: the name that the job's `id_tokens` gives it.
pub const NUGET_ID_TOKEN: Variable = Variable("NUGET_ID_TOKEN");
/// What tells a pipeline and its identity (GitHub: OpenID Connect reference; GitLab: predefined CI/CD variables).
pub const PIPELINE: [Variable; 5] = [
    Variable("GITHUB_ACTIONS"),
    ACTIONS_ID_TOKEN_REQUEST_URL,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN,
    Variable("GITLAB_CI"),
    NUGET_ID_TOKEN,
];

/// Where the Azure CLI keeps its sign-ins, where that is not `~/.azure`.
pub const AZURE_CONFIG_DIR: Variable = Variable("AZURE_CONFIG_DIR");
/// Where Kubernetes puts the token of a pod (Microsoft: "Microsoft Entra Workload ID").
pub const AZURE_FEDERATED_TOKEN_FILE: Variable = Variable("AZURE_FEDERATED_TOKEN_FILE");
/// Client id of the application or the managed identity (Microsoft: "Microsoft Entra Workload ID", `EnvironmentCredential`).
pub const AZURE_CLIENT_ID: Variable = Variable("AZURE_CLIENT_ID");
/// Tenant of the application.
pub const AZURE_TENANT_ID: Variable = Variable("AZURE_TENANT_ID");
/// The identity provider that the platform expects. Compared with the configuration, never followed.
pub const AZURE_AUTHORITY_HOST: Variable = Variable("AZURE_AUTHORITY_HOST");
/// A stand-in for the metadata service of virtual machines, on loopback.
pub const AZURE_POD_IDENTITY_AUTHORITY_HOST: Variable = Variable("AZURE_POD_IDENTITY_AUTHORITY_HOST");
/// Where an app service asks for its identity (Microsoft: "How to use managed identities for App Service").
pub const IDENTITY_ENDPOINT: Variable = Variable("IDENTITY_ENDPOINT");
/// What it asks with.
pub const IDENTITY_HEADER: Variable = Variable("IDENTITY_HEADER");
/// Beside `IDENTITY_ENDPOINT`, the sign of Azure Arc (Microsoft: "Authenticate against Azure resources with Azure
/// Arc-enabled servers").
pub const IMDS_ENDPOINT: Variable = Variable("IMDS_ENDPOINT");
/// Where a job of GitHub Actions asks for its identity (GitHub: "OpenID Connect reference").
pub const ACTIONS_ID_TOKEN_REQUEST_URL: Variable = Variable("ACTIONS_ID_TOKEN_REQUEST_URL");
/// What it asks with.
pub const ACTIONS_ID_TOKEN_REQUEST_TOKEN: Variable = Variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN");
/// Where a job of Azure Pipelines asks for its identity (Microsoft: "Use predefined variables").
pub const SYSTEM_OIDCREQUESTURI: Variable = Variable("SYSTEM_OIDCREQUESTURI");
/// What it asks with.
pub const SYSTEM_ACCESSTOKEN: Variable = Variable("SYSTEM_ACCESSTOKEN");
/// The service connection of Microsoft's own tasks.
pub const AZURESUBSCRIPTION_SERVICE_CONNECTION_ID: Variable =
    Variable("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID");
/// What tells a machine its identity.
pub const MACHINE: [Variable; 13] = [
    AZURE_CLIENT_ID,
    AZURE_TENANT_ID,
    AZURE_AUTHORITY_HOST,
    AZURE_FEDERATED_TOKEN_FILE,
    AZURE_POD_IDENTITY_AUTHORITY_HOST,
    IDENTITY_ENDPOINT,
    IDENTITY_HEADER,
    IMDS_ENDPOINT,
    ACTIONS_ID_TOKEN_REQUEST_URL,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN,
    SYSTEM_OIDCREQUESTURI,
    SYSTEM_ACCESSTOKEN,
    AZURESUBSCRIPTION_SERVICE_CONNECTION_ID,
];
/// A file of certificates that the Azure CLI trusts instead of its own.
pub const REQUESTS_CA_BUNDLE: Variable = Variable("REQUESTS_CA_BUNDLE");
/// What an Azure CLI run by the agent is given of the agent's environment.
pub const FOR_AZURE_CLI: [Variable; 22] = [
    HOME,
    PATH,
    HTTPS_PROXY_LOWER,
    HTTPS_PROXY,
    ALL_PROXY_LOWER,
    ALL_PROXY,
    NO_PROXY_LOWER,
    NO_PROXY,
    SSL_CERT_FILE,
    SSL_CERT_DIR,
    DBUS_SESSION_BUS_ADDRESS,
    XDG_RUNTIME_DIR,
    Variable("LANG"),
    Variable("LC_ALL"),
    Variable("TZ"),
    Variable("TMPDIR"),
    Variable("SystemRoot"),
    Variable("USERPROFILE"),
    Variable("APPDATA"),
    Variable("LOCALAPPDATA"),
    Variable("TEMP"),
    Variable("TMP"),
];

/// What an agent started by a helper is given: enough to find its places, its network and the keyring. The rest of
/// a caller's environment is not for a process that outlives it; git's holds `-c http.extraHeader=…` values.
pub const FOR_AGENT: [Variable; 36] = [
    LOG,
    HOME,
    XDG_RUNTIME_DIR,
    XDG_CONFIG_HOME,
    XDG_STATE_HOME,
    XDG_CACHE_HOME,
    PATH,
    HTTPS_PROXY_LOWER,
    HTTPS_PROXY,
    ALL_PROXY_LOWER,
    ALL_PROXY,
    NO_PROXY_LOWER,
    NO_PROXY,
    SSL_CERT_FILE,
    SSL_CERT_DIR,
    DBUS_SESSION_BUS_ADDRESS,
    DISPLAY,
    WAYLAND_DISPLAY,
    Variable("XAUTHORITY"),
    XDG_DATA_HOME,
    Variable("XDG_SESSION_ID"),
    Variable("XDG_CURRENT_DESKTOP"),
    Variable("USER"),
    Variable("LOGNAME"),
    Variable("LANG"),
    Variable("LC_ALL"),
    Variable("LC_MESSAGES"),
    Variable("TZ"),
    Variable("TMPDIR"),
    Variable("SystemRoot"),
    Variable("USERPROFILE"),
    Variable("USERNAME"),
    Variable("APPDATA"),
    Variable("LOCALAPPDATA"),
    Variable("TEMP"),
    Variable("TMP"),
];

/// The variables that decide how the network is reached, as they were when the program started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Captured {
    /// Proxy for https; the lower-case name is looked at first, as curl and git do.
    pub https_proxy: Option<String>,
    /// Proxy for every scheme.
    pub all_proxy: Option<String>,
    /// Hosts reached without a proxy, separated by commas.
    pub no_proxy: Option<String>,
    /// A file of certificates to trust.
    pub ssl_cert_file: Option<OsString>,
    /// A folder of certificates to trust.
    pub ssl_cert_dir: Option<OsString>,
}

impl Captured {
    /// Reads them from this process.
    pub fn from_process() -> Self {
        Self::from_lookup(Variable::get)
    }

    /// Reads them through `lookup`, which answers nothing for a variable that is not set.
    pub fn from_lookup(lookup: impl Fn(Variable) -> Option<OsString>) -> Self {
        let text = |names: [Variable; 2]| names.into_iter().find_map(|name| lookup(name)?.into_string().ok());
        Self {
            https_proxy: text([HTTPS_PROXY_LOWER, HTTPS_PROXY]),
            all_proxy: text([ALL_PROXY_LOWER, ALL_PROXY]),
            no_proxy: text([NO_PROXY_LOWER, NO_PROXY]),
            ssl_cert_file: lookup(SSL_CERT_FILE),
            ssl_cert_dir: lookup(SSL_CERT_DIR),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lower_case_proxy_wins_and_the_upper_case_one_serves() {
        let captured = Captured::from_lookup(|variable| match variable.name() {
            "https_proxy" => Some("http://lower:1".into()),
            "HTTPS_PROXY" => Some("http://upper:1".into()),
            "NO_PROXY" => Some("localhost,.corp".into()),
            _ => None,
        });
        assert_eq!(captured.https_proxy.as_deref(), Some("http://lower:1"));
        assert_eq!(captured.no_proxy.as_deref(), Some("localhost,.corp"));
        assert_eq!(captured.all_proxy, None);
    }

    #[test]
    fn an_agent_gets_nothing_of_git() {
        assert!(FOR_AGENT.iter().all(|variable| !variable.name().starts_with("GIT")));
    }
}
