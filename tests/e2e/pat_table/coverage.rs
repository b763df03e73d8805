//! What Valetkey understands of refusals has a row, or a test elsewhere that is named here.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, bail, ensure};
use valetkey_azure_devops::{DevOpsErrorKind, PatError};
use valetkey_entra::{SignInErrorKind, known_codes};

use super::written;

/// How a kind of refusal comes before a person.
enum Seen {
    /// These words are in a table.
    Reads(&'static str),
    /// This file of the repository has this test.
    By(&'static str, &'static str),
}

use Seen::{By, Reads};

const OF_ENTRA: &[(&str, Seen)] = &[
    ("SessionEnded", Reads("the session with Microsoft Entra has ended")),
    ("SignInTooOld", Reads("the organisation asks for a fresh sign-in")),
    ("NeedsInteraction", Reads("Microsoft Entra asks for another step by you")),
    ("DeviceNotCompliant", Reads("the organisation lets in managed devices only")),
    ("BlockedByPolicy", Reads("a policy of the organisation blocks this sign-in")),
    ("ConsentMissing", Reads("the application has not been given consent")),
    ("AccountDisabled", Reads("`alice@contoso.example` is disabled")),
    ("PasswordExpired", Reads("the password has expired")),
    ("ClientUnsupported", Reads("the organisation lets in applications under its protection only")),
    ("FlowVoid", Reads("this sign-in can no longer be completed")),
    ("ClientMisconfigured", Reads("the application is not registered as a public client")),
    ("ClientUnknown", Reads("the application is not known to this tenant")),
    ("ScopeInvalid", Reads("the application may not ask for the right to mint keys")),
    ("TenantWrong", Reads("the tenant is not known to Microsoft Entra")),
    ("RequestInvalid", Reads("Microsoft Entra does not accept the request")),
    ("Throttled", Reads("Microsoft Entra asks to slow down")),
    ("Unavailable", Reads("Microsoft Entra cannot serve at the moment")),
    ("Proxy", By("crates/http/src/tests.rs", "a_failing_proxy_is_named_as_such")),
    ("Tls", By("tests/e2e/network.rs", "certificate_past_its_end")),
    ("TimedOut", By("crates/http/src/tests.rs", "silence_and_broken_connections_are_told_apart")),
    ("Declined", Reads("the sign-in was declined")),
    ("Expired", Reads("the time for signing in ran out")),
    ("StateMismatch", By("crates/entra/src/browser/tests.rs", "an_answer_for_another_sign_in_is_not_taken")),
    ("Misconfigured", By("crates/entra/src/sign_in/tests.rs", "what_cannot_be_asked_is_not_asked")),
    ("ClientIdMissing", By("tests/e2e/faults.rs", "no_client_id")),
    ("Malformed", Reads("does not answer as Microsoft Entra does")),
];

const OF_AZURE_DEVOPS: &[(&str, Seen)] = &[
    ("Forbidden", Reads("did not issue a personal access token")),
    ("Unauthorized", Reads("refused the sign-in (TF400813)")),
    ("InsufficientClaims", Reads("the organisation wants a fresh sign-in")),
    // The agent follows an organisation to its tenant, so a person reads what comes after.
    ("WrongTenant", By("crates/azure-devops/tests/it/refusals.rs", "a_401_by_what_it_says")),
    ("MicrosoftAccount", Reads("belongs to no Microsoft Entra tenant")),
    (
        "OtherCloud",
        By("crates/azure-devops/tests/it/discover.rs", "an_organisation_of_another_cloud_is_told_so"),
    ),
    ("NeverSignedIn", Reads("has never opened `contoso` (TF401444)")),
    ("ConditionalAccess", Reads("a conditional access policy refused the sign-in to `contoso` (VS403463)")),
    ("NotAPerson", Reads("issues personal access tokens to people only, not to a service principal")),
    ("AccessDenied", Reads("`contoso` does not allow `alice@contoso.example` to do this")),
    ("NotFound", Reads("Azure DevOps has no organisation `contoso`")),
    ("Throttled", Reads("Azure DevOps asks to slow down")),
    ("Unavailable", Reads("Azure DevOps has a fault (503)")),
    ("SignInPage", Reads("answered for `contoso` with a sign-in page")),
    ("BadRequest", Reads("Azure DevOps refused the request for `contoso` (400)")),
    ("Malformed", Reads("does not answer for `contoso` as Azure DevOps does")),
    ("Misuse", By("crates/azure-devops/tests/it/create.rs", "a_hostile_name_is_never_sent")),
    ("Http", Reads("`vssps.dev.azure.com` broke off the connection")),
];

/// Numbers that only sign-ins of machines get.
const OF_MACHINES: [u32; 6] = [70021, 700_211, 700_212, 700_213, 700_024, 700_027];

/// Both tables; that they hold what was walked is another test's.
fn tables() -> Result<String> {
    Ok(written("table")? + &written("others")?)
}

fn source(path: &str) -> Result<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    fs::read_to_string(&path).with_context(|| path.display().to_string())
}

/// Every kind is seen as the list says, and the list has nothing else.
fn check(kinds: &[&str], seen: &[(&str, Seen)]) -> Result<()> {
    let tables = tables()?;
    for kind in kinds {
        let Some((_, seen)) = seen.iter().find(|(name, _)| name == kind) else {
            bail!("{kind} is walked nowhere: make a row, and name its words here");
        };
        match seen {
            Reads(words) => {
                ensure!(tables.contains(words), "no row reads {words:?}, so {kind} is not walked");
            }
            By(file, test) => {
                ensure!(source(file)?.contains(&format!("fn {test}(")), "{kind}: no `{test}` in {file}");
            }
        }
    }
    ensure!(seen.len() == kinds.len(), "something is named that is no kind");
    Ok(())
}

#[test]
fn every_kind_of_refusal_by_microsoft_entra_is_walked() -> Result<()> {
    check(SignInErrorKind::NAMES, OF_ENTRA)
}

#[test]
fn every_kind_of_refusal_by_azure_devops_is_walked() -> Result<()> {
    check(DevOpsErrorKind::NAMES, OF_AZURE_DEVOPS)
}

#[test]
fn every_pat_token_error_is_walked() -> Result<()> {
    let tables = tables()?;
    for name in PatError::names() {
        ensure!(tables.contains(&format!("`{name}`")), "`{name}` has no row");
    }
    Ok(())
}

#[test]
fn every_number_of_microsoft_entra_is_walked() -> Result<()> {
    let (tables, machines) = (tables()?, source("tests/e2e/machines.rs")?);
    for code in known_codes() {
        let text = if OF_MACHINES.contains(&code) { &machines } else { &tables };
        let number = format!("AADSTS{code}");
        let named =
            |(at, _): (usize, &str)| !text[at + number.len()..].starts_with(|c: char| c.is_ascii_digit());
        ensure!(text.match_indices(&number).any(named), "{number} has no row");
    }
    Ok(())
}
