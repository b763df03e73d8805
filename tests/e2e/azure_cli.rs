//! The real Azure CLI lends its access tokens.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use valetkey_tests::{run_sealed, skip, variable};

#[test]
fn the_azure_cli_signs_in_and_keys_are_minted_with_its_tokens() -> Result<()> {
    let az = variable("VALETKEY_CLIENTS").map(PathBuf::from).map(|clients| clients.join("azure-cli/bin/az"));
    let Some(az) = az.filter(|az| az.is_file()) else {
        skip("azure_cli", "the Azure CLI is not installed");
        return Ok(());
    };
    let program = Path::new(env!("CARGO_BIN_EXE_azure-cli-world"));
    let Some(out) = run_sealed("azure_cli", 600, &[program, &az])? else { return Ok(()) };
    ensure!(
        out.status.success(),
        "{}{}",
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr)
    );
    Ok(())
}
