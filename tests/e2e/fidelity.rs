//! Programs of other people against the emulator: one test for each flow of `valetkey_tests::fidelity`.

use std::{fs::OpenOptions, io::Write as _, path::Path};

use anyhow::{Result, bail, ensure};
use valetkey_tests::{
    fidelity::{Report, client, flow, flows},
    needs, run_sealed, skip, variable,
};

/// Seconds that a flow may take on a machine that does much else.
const PATIENCE: u32 = 300;

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
    let mut report = Report {
        client: client.to_owned(),
        flow: name.to_owned(),
        version: String::new(),
        outcome: "skipped",
        reason: "something it needs is not installed".to_owned(),
    };
    if !installed(&test, &mut report)? {
        return tell(&report);
    }
    let world = Path::new(env!("CARGO_BIN_EXE_fidelity-world"));
    let Some(out) = run_sealed(&test, PATIENCE, &[world, Path::new(client), Path::new(name)])? else {
        return tell(&report);
    };
    let (said, wrong) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    if !out.status.success() {
        report.outcome = "failed";
        wrong.lines().next_back().unwrap_or("nothing was said").clone_into(&mut report.reason);
        tell(&report)?;
        bail!("{test} ({}):\n{said}{wrong}", out.status);
    }
    report.outcome = "passed";
    report.reason.clear();
    said.lines().next_back().unwrap_or_default().clone_into(&mut report.version);
    ensure!(!report.version.is_empty(), "{test}: the client names no version");
    tell(&report)
}

fn installed(test: &str, report: &mut Report) -> Result<bool> {
    let wanted = flow(&report.client, &report.flow)?.needs;
    if !needs(test, wanted.programs) {
        return Ok(false);
    }
    let Some(missing) = wanted.clients.iter().find(|path| client(path).is_none()) else { return Ok(true) };
    report.reason = format!("`{missing}` is not installed");
    skip(test, &report.reason);
    Ok(false)
}

/// Adds the line of the table that `cargo xtask fidelity` prints.
pub(crate) fn tell(report: &Report) -> Result<()> {
    let Some(path) = variable("VALETKEY_FIDELITY") else { return Ok(()) };
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    Ok(file.write_all(format!("{}\n", report.line()).as_bytes())?)
}
