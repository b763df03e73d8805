//! The variables verbs look at, as they were when the program started.

use std::{collections::BTreeMap, ffi::OsString};

use valetkey_paths::env::{self, Variable};

/// What the environment says.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<&'static str, OsString>);

impl std::fmt::Debug for Environment {
    /// Names only: a value may be a credential for another program.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Environment {
    /// Of this process.
    pub(crate) fn from_process() -> Self {
        let named = [
            env::PATH,
            env::XDG_DATA_HOME,
            env::XDG_CONFIG_HOME,
            env::DOTNET_CLI_HOME,
            env::NUGET_PLUGIN_PATHS,
            env::NUGET_NETCORE_PLUGIN_PATHS,
            env::NUGET_NETFX_PLUGIN_PATHS,
            env::NUGET_PLUGINS_CACHE_PATH,
            env::AZURE_CONFIG_DIR,
            env::REQUESTS_CA_BUNDLE,
        ];
        named
            .into_iter()
            .chain(env::ARTIFACTS_PROVIDER)
            .chain(env::MACHINE)
            .filter_map(|variable| Some((variable, variable.get()?)))
            .collect()
    }

    /// The value of a variable.
    pub(crate) fn get(&self, variable: Variable) -> Option<&OsString> {
        self.0.get(variable.name())
    }
}

impl FromIterator<(Variable, OsString)> for Environment {
    fn from_iter<T: IntoIterator<Item = (Variable, OsString)>>(variables: T) -> Self {
        Self(variables.into_iter().map(|(variable, value)| (variable.name(), value)).collect())
    }
}
