//! What an application may ask for.

use super::error::EntraError;
use crate::{
    scope,
    world::{App, RESOURCE},
};

const OPENID: &[&str] = &["openid", "profile", "email", "offline_access"];

/// Splits the `scope` parameter and checks each part against the application's permissions.
pub(crate) fn parse(app: &App, text: &str) -> Result<Vec<String>, EntraError> {
    let mut scopes: Vec<String> = Vec::new();
    for part in text.split_ascii_whitespace() {
        if !OPENID.contains(&part) {
            check(app, part)?;
        }
        if !scopes.iter().any(|known| known == part) {
            scopes.push(part.to_owned());
        }
    }
    if scopes.is_empty() { Err(EntraError::of("missing_parameter")) } else { Ok(scopes) }
}

fn check(app: &App, part: &str) -> Result<(), EntraError> {
    let Some((resource, permission)) = part.rsplit_once('/') else {
        return Err(EntraError::of("invalid_scope"));
    };
    if is_arm(part) {
        return Ok(());
    }
    if !matches!(resource.trim_end_matches('/'), RESOURCE | "https://app.vssps.visualstudio.com") {
        return Err(EntraError::of("invalid_resource"));
    }
    if permission == ".default" || app.permissions.iter().any(|held| held == permission) {
        return Ok(());
    }
    let exists = scope::is_known(permission)
        || matches!(permission, "vso.pats" | "vso.pats_manage" | scope::IMPERSONATION);
    Err(EntraError::of(if exists { "consent_required" } else { "unknown_permission" }))
}

/// Azure Resource Manager, which Microsoft's own clients ask for.
fn is_arm(scope: &str) -> bool {
    ["https://management.core.windows.net/", "https://management.azure.com/"]
        .iter()
        .any(|resource| scope.starts_with(resource))
}

/// Is the token for Azure Resource Manager?
pub(crate) fn names_arm(scopes: &[String]) -> bool {
    scopes.iter().any(|scope| is_arm(scope))
}

/// Does the list hold any permission on Azure DevOps?
pub(crate) fn names_resource(scopes: &[String]) -> bool {
    scopes.iter().any(|scope| !OPENID.contains(&scope.as_str()))
}

/// The `scope` of a token answer: everything the application holds on the resource, not the subset asked for, and
/// `.default` again when it was asked for, by which MSAL finds the token in its cache.
pub(crate) fn granted(app: &App, asked: &[String]) -> String {
    let of_arm: Vec<String> = asked.iter().filter(|scope| is_arm(scope)).cloned().collect();
    let of_devops = app.permissions.iter().map(|permission| format!("{RESOURCE}/{permission}"));
    let held = if of_arm.is_empty() { of_devops.collect() } else { of_arm };
    let identity =
        ["openid", "profile", "email"].into_iter().filter(|scope| asked.iter().any(|held| held == scope));
    let default = asked.iter().filter(|scope| scope.ends_with("/.default") && !is_arm(scope)).cloned();
    held.into_iter().chain(default).chain(identity.map(str::to_owned)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Platform;

    #[test]
    fn the_default_scope_comes_back_beside_what_it_stands_for() {
        let app = App {
            client_id: String::new(),
            name: String::new(),
            platform: Platform::Public,
            permissions: vec!["user_impersonation".to_owned()],
            redirects: Vec::new(),
        };
        let default = format!("{RESOURCE}/.default");
        let asked = [default.clone(), "openid".to_owned(), "offline_access".to_owned()];
        assert_eq!(granted(&app, &asked), format!("{RESOURCE}/user_impersonation {default} openid"));
    }
}
