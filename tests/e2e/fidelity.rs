//! Programs of other people against the emulator: one test for each flow of `valetkey_tests::fidelity`.

use std::{path::Path, process::Output};

use anyhow::{Result, bail, ensure};
use valetkey_tests::{
    fidelity::{Row, flow, flows},
    run_sealed, skip,
};

/// Seconds that a flow may take on a machine that does much else. The longest takes a minute and a half on a quiet one.
const PATIENCE: u32 = 900;

/// How `timeout` says that it had to end something.
const TOO_LONG: i32 = 124;

/// Names the tests and remembers what they play, so that no flow of the table is left without a test.
macro_rules! flows {
    ($($test:ident: $client:literal, $flow:literal;)*) => {
        const PLAYED: &[(&str, &str)] = &[$(($client, $flow)),*];
        $(
            #[test]
            fn $test() -> Result<()> {
                play($client, $flow)
            }
        )*
    };
}

flows! {
    git_with_a_pat_in_basic: "git", "PAT in Basic";
    git_with_an_entra_token_as_bearer: "git", "Entra token as Bearer";
    git_with_dead_keys: "git", "dead keys";
    curl_with_entras_examples: "curl", "Entra examples";
    curl_with_the_pat_apis_examples: "curl", "PAT API examples";
    gcm_with_pats_by_device_code: "GCM", "PAT by device code";
    gcm_with_pats_by_browser: "GCM", "PAT by browser";
    gcm_with_oauth_by_device_code: "GCM", "OAuth by device code";
    gcm_with_oauth_by_browser: "GCM", "OAuth by browser";
    azureauth_ado_pat: "azureauth", "ado pat";
    azureauth_ado_pat_under_policies: "azureauth", "ado pat under policies";
    azureauth_ado_token_by_device_code: "azureauth", "ado token by device code";
    azureauth_ado_token_by_browser: "azureauth", "ado token by browser";
    azureauth_aad: "azureauth", "aad";
    artifacts_provider_alone: "Artifacts provider", "stand-alone";
    artifacts_provider_under_policies: "Artifacts provider", "session tokens under policies";
    artifacts_provider_with_dotnet: "Artifacts provider", "dotnet restore";
    artifacts_provider_with_nuget_exe: "Artifacts provider", "nuget.exe restore";
    artifacts_provider_with_keyring: "Artifacts provider", "keyring get";
    msal_instance_discovery: "MSAL for Python", "instance discovery";
    msal_browser: "MSAL for Python", "browser";
    msal_device_code: "MSAL for Python", "device code";
    msal_silent_refresh: "MSAL for Python", "silent refresh";
    msal_claims_challenge: "MSAL for Python", "claims challenge";
    msal_errors: "MSAL for Python", "errors";
    msal_managed_identity: "MSAL for Python", "managed identity";
    gcm_with_every_form_of_the_challenge: "GCM", "every form of the challenge";
    gcm_where_it_is_refused: "GCM", "refusals";
}

#[test]
fn every_flow_has_its_test() {
    let table: Vec<_> = flows().iter().map(|flow| (flow.client, flow.name)).collect();
    let mut played = PLAYED.to_vec();
    played.retain(|known| !table.contains(known));
    assert!(played.is_empty(), "tests without a flow: {played:?}");
    for known in table {
        assert!(PLAYED.contains(&known), "{known:?} has no test here");
    }
}

fn play(client: &str, name: &str) -> Result<()> {
    let test = format!("fidelity: {client}: {name}");
    let mut row = Row::begin(client, name);
    if let Some(missing) = flow(client, name)?.needs.missing() {
        row.skipped(&missing);
        skip(&test, &missing);
        return Ok(());
    }
    let world = Path::new(env!("CARGO_BIN_EXE_fidelity-world"));
    let Some(out) = run_sealed(&test, PATIENCE, &[world, Path::new(client), Path::new(name)])? else {
        row.skipped("no sealed world can be made here");
        return Ok(());
    };
    let (said, wrong) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    if !out.status.success() {
        row.failed(&reason(&out));
        bail!("{test} ({}):\n{said}{wrong}", out.status);
    }
    let version = said.lines().next_back().unwrap_or_default();
    ensure!(!version.is_empty(), "{test}: the client names no version");
    row.passed(version);
    Ok(())
}

/// The line that says most. The message bus speaks on the same stream.
fn reason(out: &Output) -> String {
    if out.status.code() == Some(TOO_LONG) {
        return format!("not done within {PATIENCE} s");
    }
    let wrong = String::from_utf8_lossy(&out.stderr);
    let mut lines = wrong.lines().filter(|line| !line.trim().is_empty() && !line.starts_with("dbus-daemon["));
    let first = lines.next().unwrap_or("nothing was said");
    // A program that failed: what it said follows.
    let more = lines.next().filter(|_| first.ends_with(':')).unwrap_or_default();
    format!("{first} {more}")
}
