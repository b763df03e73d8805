//! Azure DevOps scopes and what includes what (Microsoft: "OAuth scopes", table of July 2025).

/// Narrow to wide; each scope includes those before it in its row.
const CHAINS: &[&[&str]] = &[
    &[
        "vso.profile",
        "vso.hooks",
        "vso.hooks_write",
        "vso.code",
        "vso.code_write",
        "vso.code_manage",
        "vso.code_full",
    ],
    &["vso.profile", "vso.packaging", "vso.packaging_write", "vso.packaging_manage"],
    &["vso.profile", "vso.symbols", "vso.symbols_write", "vso.symbols_manage"],
    &["vso.hooks_write", "vso.build", "vso.build_execute"],
    &["vso.profile", "vso.release", "vso.release_execute", "vso.release_manage"],
    &["vso.hooks_write", "vso.work", "vso.work_write", "vso.work_full"],
    &["vso.profile", "vso.test", "vso.test_write"],
    &["vso.wiki", "vso.wiki_write"],
    &["vso.project", "vso.project_write", "vso.project_manage"],
    &["vso.profile", "vso.profile_write"],
    &["vso.graph", "vso.graph_manage"],
    &["vso.identity", "vso.identity_manage"],
    &["vso.entitlements"],
    &["vso.memberentitlementmanagement", "vso.memberentitlementmanagement_write"],
    &["vso.agentpools", "vso.agentpools_manage", "vso.environment_manage"],
    &["vso.agentpools_manage", "vso.machinegroup_manage"],
    &["vso.pipelineresources_use", "vso.pipelineresources_manage"],
    &["vso.variablegroups_read", "vso.variablegroups_write", "vso.variablegroups_manage"],
    &["vso.securefiles_read", "vso.securefiles_write", "vso.securefiles_manage"],
    &["vso.taskgroups_read", "vso.taskgroups_write", "vso.taskgroups_manage"],
    &["vso.profile", "vso.serviceendpoint", "vso.serviceendpoint_query", "vso.serviceendpoint_manage"],
    &["vso.advsec", "vso.advsec_write", "vso.advsec_manage"],
    &["vso.profile", "vso.extension", "vso.extension_manage"],
    &["vso.profile", "vso.extension.data", "vso.extension.data_write"],
    &["vso.profile", "vso.gallery", "vso.gallery_acquire"],
    &["vso.gallery", "vso.gallery_publish", "vso.gallery_manage"],
    &["vso.notification", "vso.notification_write", "vso.notification_manage"],
    &["vso.notification", "vso.notification_diagnostics"],
    &["vso.auditlog", "vso.auditstreams_manage"],
    &["vso.dashboards", "vso.dashboards_manage"],
    &["vso.settings", "vso.settings_write"],
    &["vso.githubconnections", "vso.githubconnections_manage"],
    &["vso.profile", "vso.hooks_interact"],
    &["vso.drop", "vso.drop_write", "vso.drop_manage"],
    &["vso.code_status"],
    &["vso.threads_full"],
    &["vso.analytics"],
    &["vso.security_manage"],
    &["vso.connected_server"],
    &["vso.tokens"],
    &["vso.tokenadministration"],
];

/// Full access of a personal access token.
pub(crate) const FULL: &str = "app_token";

/// The Entra permission that opens everything.
pub(crate) const IMPERSONATION: &str = "user_impersonation";

/// May a personal access token carry this scope?
pub(crate) fn is_known(scope: &str) -> bool {
    scope == FULL || CHAINS.iter().any(|chain| chain.contains(&scope))
}

/// Is this one of the scopes that a packaging-only policy leaves?
pub(crate) fn is_packaging(scope: &str) -> bool {
    matches!(scope, "vso.packaging" | "vso.packaging_write" | "vso.packaging_manage")
}

/// Do the granted scopes include the needed one, directly or through a wider one?
pub(crate) fn allows<S: AsRef<str>>(granted: &[S], needed: &str) -> bool {
    granted.iter().any(|scope| {
        let scope = scope.as_ref();
        scope == FULL || scope == IMPERSONATION || includes(scope, needed, 0)
    })
}

fn includes(wide: &str, needed: &str, depth: usize) -> bool {
    if wide == needed {
        return true;
    }
    depth < CHAINS.len()
        && CHAINS.iter().any(|chain| match chain.iter().position(|scope| *scope == wide) {
            Some(position) if position > 0 => includes(chain[position - 1], needed, depth + 1),
            _ => false,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wider_scopes_include_narrower_ones_only() {
        assert!(allows(&["vso.code_write"], "vso.code"));
        assert!(allows(&["vso.code_full"], "vso.code_write"));
        assert!(allows(&["vso.gallery_manage"], "vso.profile"));
        assert!(allows(&["vso.machinegroup_manage"], "vso.agentpools"));
        assert!(allows(&[FULL], "vso.packaging"));
        assert!(!allows(&["vso.code"], "vso.code_write"));
        assert!(!allows(&["vso.packaging_manage"], "vso.code"));
        assert!(!allows::<&str>(&[], "vso.profile"));
        assert!(is_known("vso.extension.data_write") && !is_known("vso.code,vso.build"));
    }
}
