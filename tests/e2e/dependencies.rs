//! What may be reached from where.

use std::{path::Path, process::Command};

use anyhow::{Context as _, Result, ensure};

/// The short-lived programs and what they stand on.
const LIGHT: [&str; 5] = [
    "valetkey-protocol",
    "valetkey-paths",
    "valetkey-client",
    "valetkey-git-helper",
    "valetkey-nuget-helper",
];
/// What would make them slow or big.
const HEAVY: [&str; 5] = ["tokio", "reqwest", "clap", "oauth2", "keyring"];

#[test]
fn heavy_libraries_never_reach_the_helpers() -> Result<()> {
    for package in LIGHT {
        let tree = tree(package)?;
        for heavy in HEAVY {
            let found = tree.lines().find(|line| line.split(' ').next() == Some(heavy));
            ensure!(found.is_none(), "{package} reaches {heavy}");
        }
    }
    Ok(())
}

#[test]
fn the_emulator_shares_nothing_with_the_clients() -> Result<()> {
    let tree = tree("valetkey-emulator")?;
    let ours: Vec<_> = tree
        .lines()
        .filter(|line| line.starts_with("valetkey-") && !line.starts_with("valetkey-emulator"))
        .collect();
    ensure!(ours.is_empty(), "the emulator reaches {ours:?}");
    Ok(())
}

#[test]
fn the_agent_is_the_only_one_that_can_mint() -> Result<()> {
    let tree = tree("valetkey-cli")?;
    for minting in ["valetkey-entra", "valetkey-azure-devops", "valetkey-broker", "valetkey-vault"] {
        ensure!(
            !tree.lines().any(|line| line.split(' ').next() == Some(minting)),
            "the command line reaches {minting}"
        );
    }
    Ok(())
}

fn tree(package: &str) -> Result<String> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("no workspace")?;
    let out = Command::new(env!("CARGO"))
        .current_dir(top)
        .args(["tree", "--offline", "--locked", "--package", package])
        .args(["--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .output()?;
    ensure!(out.status.success(), "cargo tree: {}", String::from_utf8_lossy(&out.stderr));
    let tree = String::from_utf8(out.stdout)?;
    ensure!(tree.starts_with(package), "cargo tree shows another package");
    Ok(tree)
}
