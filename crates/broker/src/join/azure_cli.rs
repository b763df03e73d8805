//! The Azure CLI of a person as a lender of access tokens.

use std::path::PathBuf;

use valetkey_entra::AzureCli;
use valetkey_paths::{env, trust::check_private_file};
use valetkey_protocol::{Reason, Refusal};

use super::plain;
use crate::{Failure, Loan, Tokens};

const GONE: &str = "install it, then run `valetkey login --from az` again";
/// Settings of the Azure CLI for a run that nobody looks at (Microsoft: "Azure CLI configuration").
const QUIET: [(&str, &str); 4] = [
    ("AZURE_CORE_COLLECT_TELEMETRY", "false"),
    ("AZURE_CORE_NO_COLOR", "true"),
    ("AZURE_CORE_DISABLE_CONFIRM_PROMPT", "true"),
    ("AZURE_EXTENSION_USE_DYNAMIC_INSTALL", "no"),
];

/// A token of it, and the person's name where it is wanted.
pub(super) async fn borrow(loan: Loan<'_>, from: &valetkey_protocol::AzureCli) -> Result<Tokens, Failure> {
    let az = program(from)?;
    if let Some(claims) = loan.claims {
        return Err(az.challenged(loan.tenant, claims).await.into());
    }
    let mut tokens = plain(az.token(loan.tenant).await?);
    if loan.introduced {
        let signed = az.signed_in().await?;
        tokens.username = signed.username;
        if tokens.tenant.is_empty() {
            tokens.tenant = signed.tenant;
        }
    }
    Ok(tokens)
}

/// The Azure CLI of a person, with the environment it needs and nothing else of ours.
fn program(from: &valetkey_protocol::AzureCli) -> Result<AzureCli, Refusal> {
    let program = PathBuf::from(&from.program);
    check_private_file(&program).map_err(|error| {
        let sentence = if error.is_missing() || !program.is_absolute() {
            format!("the Azure CLI is no longer at `{}`", from.program)
        } else {
            format!("the Azure CLI is not run: {error}")
        };
        let hint = if error.is_missing() { GONE.to_owned() } else { error.hint() };
        Refusal::new(Reason::Configuration, sentence, hint)
    })?;
    let inherited = env::FOR_AZURE_CLI.into_iter().filter_map(|it| Some((it.name().into(), it.get()?)));
    let meant =
        [(env::AZURE_CONFIG_DIR, &from.config_dir), (env::REQUESTS_CA_BUNDLE, &from.ca_bundle)].into_iter();
    let meant = meant.filter_map(|(it, value)| Some((it.name().into(), value.as_ref()?.into())));
    let fixed = QUIET.into_iter().map(|(name, value)| (name.into(), value.into()));
    Ok(AzureCli { program, environment: inherited.chain(meant).chain(fixed).collect() })
}
