//! The world as it stands when the emulator starts.

use std::collections::BTreeMap;

use super::{App, Organisation, Platform, Policy, Restriction, User, UserState};
use crate::random::Random;

/// A public client with `http://localhost`, `vso.pats` and `vso.pats_manage`: what an organisation registers.
pub const APP_MINT: &str = "5a17ab1e-0000-4000-8000-00000000a001";
/// A public client with `vso.code_write` and `vso.packaging`, which may not mint.
pub const APP_READ: &str = "5a17ab1e-0000-4000-8000-00000000a002";
/// A public client with `vso.code_write` and `vso.packaging_write`, which may not mint: what lends Entra tokens.
pub const APP_LEND: &str = "5a17ab1e-0000-4000-8000-00000000a007";
/// A public client with `user_impersonation`.
pub const APP_LEGACY: &str = "5a17ab1e-0000-4000-8000-00000000a003";
/// A confidential client: not usable without its secret.
pub const APP_CONFIDENTIAL: &str = "5a17ab1e-0000-4000-8000-00000000a004";
/// The managed identity of every machine here.
pub const MANAGED_IDENTITY: &str = "5a17ab1e-0000-4000-8000-00000000a006";
/// A single-page application: its refresh tokens live 24 hours, however often they are used.
pub const APP_SPA: &str = "5a17ab1e-0000-4000-8000-00000000a005";
/// The client that Visual Studio, Git Credential Manager and azureauth share: first party, everything consented.
pub const APP_VISUAL_STUDIO: &str = "872cd9fa-d31f-45e0-9eab-6e460a02d1f1";
/// Azure Artifacts' own application, which Microsoft's credential provider signs in with.
const APP_ARTIFACTS: &str = "d5a56ea4-7369-46b8-a538-c370805301bf";

/// The Azure CLI's own registration: pre-consented for everything a person may do.
pub(super) const APP_AZURE_CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

/// The home tenant of `contoso`, alice, bob, carol and dave.
pub const TENANT_HOME: &str = "7e4a47f1-0000-4000-8000-000000000001";
/// The tenant of `fabrikam`, where alice is a guest.
pub const TENANT_RESOURCE: &str = "7e4a47f1-0000-4000-8000-000000000002";
/// Names an organisation of Microsoft accounts.
pub const TENANT_ZERO: &str = "00000000-0000-0000-0000-000000000000";
/// The tenant of all Microsoft accounts.
pub(crate) const TENANT_CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// The Azure DevOps resource in Microsoft Entra.
pub(crate) const RESOURCE: &str = "499b84ac-1321-427f-aa17-267ca6975798";

/// The tenant that a verified domain belongs to.
pub(crate) fn tenant_domain(domain: &str) -> Option<&'static str> {
    match domain {
        "contoso.example" | "contoso.onmicrosoft.com" => Some(TENANT_HOME),
        "fabrikam.example" | "fabrikam.onmicrosoft.com" => Some(TENANT_RESOURCE),
        _ => None,
    }
}

pub(super) fn users(random: &mut Random) -> BTreeMap<String, User> {
    let mut user = |name: &str, display: &str, state: UserState, guest_in: &[&str]| {
        let mut tenants = vec![TENANT_HOME.to_owned()];
        tenants.extend(guest_in.iter().map(|tenant| (*tenant).to_owned()));
        (
            name.to_owned(),
            User {
                name: name.to_owned(),
                display_name: display.to_owned(),
                upn: format!("{name}@contoso.example"),
                object_id: random.guid(),
                tenants,
                state,
                required_claims: None,
                claims_need_interaction: false,
            },
        )
    };
    let mut users = BTreeMap::from([
        user("alice", "Alice Example", UserState::Normal, &[TENANT_RESOURCE]),
        user("bob", "Bob Example", UserState::NeedsMfa, &[]),
        user("carol", "Carol Example", UserState::Blocked, &[]),
        user("dave", "Dave Example", UserState::DeviceNotCompliant, &[]),
    ]);
    let (name, erin) = user("msa-erin", "Erin Example", UserState::Normal, &[]);
    let upn = "erin@outlook.example".to_owned();
    users.insert(name, User { upn, tenants: vec![TENANT_CONSUMERS.to_owned()], ..erin });
    users
}

pub(super) fn apps() -> Vec<App> {
    let app = |client_id: &str, name: &str, platform, permissions: &[&str], redirects: &[&str]| App {
        client_id: client_id.to_owned(),
        name: name.to_owned(),
        platform,
        permissions: permissions.iter().map(|scope| (*scope).to_owned()).collect(),
        redirects: redirects.iter().map(|uri| (*uri).to_owned()).collect(),
    };
    let localhost = &["http://localhost"][..];
    vec![
        app(APP_MINT, "app-mint", Platform::Public, &["vso.pats", "vso.pats_manage"], localhost),
        app(APP_READ, "app-read", Platform::Public, &["vso.code_write", "vso.packaging"], localhost),
        app(APP_LEND, "app-lend", Platform::Public, &["vso.code_write", "vso.packaging_write"], localhost),
        app(APP_AZURE_CLI, "Microsoft Azure CLI", Platform::Public, &["user_impersonation"], localhost),
        app(APP_LEGACY, "app-legacy", Platform::Public, &["user_impersonation"], localhost),
        app(
            APP_CONFIDENTIAL,
            "app-conf",
            Platform::Confidential { secret: "emulator-client-secret".to_owned() },
            &["vso.pats", "vso.pats_manage"],
            localhost,
        ),
        app(APP_ARTIFACTS, "Azure Artifacts", Platform::Public, &["user_impersonation"], localhost),
        app(APP_VISUAL_STUDIO, "Visual Studio", Platform::Public, &["user_impersonation"], localhost),
        app(APP_SPA, "app-spa", Platform::SinglePage, &["vso.pats", "vso.pats_manage"], localhost),
    ]
}

pub(super) fn organisations(random: &mut Random) -> BTreeMap<String, Organisation> {
    let mut organisation = |name: &str, tenant: &str, members: &[&str], policy: Policy| {
        (
            name.to_owned(),
            Organisation {
                name: name.to_owned(),
                tenant: tenant.to_owned(),
                instance_id: random.guid(),
                members: members.iter().map(|member| (*member).to_owned()).collect(),
                policy,
                protected_branches: vec!["refs/heads/release".to_owned()],
            },
        )
    };
    let staff = &["alice", "bob", "carol", "dave"][..];
    let open = Policy::default;
    let locked = Policy { restrict_creation: Some(Restriction::All), ..open() };
    let strict = Policy { max_lifespan_days: Some(7), no_full_scope: true, no_global: true, ..open() };
    let packaging = Policy { restrict_creation: Some(Restriction::AllButPackaging), ..open() };
    BTreeMap::from([
        organisation("contoso", TENANT_HOME, staff, open()),
        organisation("fabrikam", TENANT_RESOURCE, &["alice"], open()),
        organisation("solo", TENANT_ZERO, &["msa-erin"], open()),
        organisation("locked", TENANT_HOME, staff, locked),
        organisation("strict", TENANT_HOME, staff, strict),
        organisation("pkgonly", TENANT_HOME, staff, packaging),
    ])
}
