//! The table of scopes (Microsoft: Azure DevOps OAuth scopes, 2025-07-16).

use crate::{FULL, Scope};

const fn scope(name: &'static str, holds: &'static str, wide: bool, what: &'static str) -> Scope {
    Scope { name, holds, wide, what }
}

/// Every scope a personal access token can have.
pub(crate) const TABLE: &[Scope] = &[
    scope(FULL, "", true, "everything you may do"),
    // Code.
    scope("vso.code", "vso.hooks_write", false, "read code and pull requests: `git fetch`"),
    scope("vso.code_write", "vso.code", false, "write code, pull requests: `git push`"),
    scope("vso.code_manage", "vso.code_write", true, "create and delete repositories"),
    scope("vso.code_full", "vso.code_manage", true, "everything about code, old client interfaces included"),
    scope("vso.code_status", "", false, "read and write the status of commits"),
    scope("vso.threads_full", "", false, "read and write comments of pull requests"),
    // Packaging.
    scope("vso.packaging", "vso.profile", false, "read feeds and packages: a restore"),
    scope("vso.packaging_write", "vso.packaging", false, "push packages"),
    scope("vso.packaging_manage", "vso.packaging_write", true, "delete packages, manage feeds"),
    // Symbols.
    scope("vso.symbols", "vso.profile", false, "read symbols"),
    scope("vso.symbols_write", "vso.symbols", false, "push symbols"),
    scope("vso.symbols_manage", "vso.symbols_write", true, "delete symbols"),
    // Build.
    scope("vso.build", "vso.hooks_write", false, "read builds"),
    scope("vso.build_execute", "vso.build", false, "queue builds, change definitions"),
    // Release.
    scope("vso.release", "vso.profile", false, "read releases"),
    scope("vso.release_execute", "vso.release", false, "create and change releases"),
    scope("vso.release_manage", "vso.release_execute", true, "delete releases and definitions"),
    // Work items.
    scope("vso.work", "vso.hooks_write", false, "read work items"),
    scope("vso.work_write", "vso.work", false, "change work items"),
    scope("vso.work_full", "vso.work_write", true, "everything about work items"),
    // Test.
    scope("vso.test", "vso.profile", false, "read test plans and results"),
    scope("vso.test_write", "vso.test", false, "write test plans and results"),
    // Wiki.
    scope("vso.wiki", "", false, "read wikis"),
    scope("vso.wiki_write", "vso.wiki", false, "write wikis"),
    // Projects.
    scope("vso.project", "", false, "read projects and teams"),
    scope("vso.project_write", "vso.project", false, "change projects and teams"),
    scope("vso.project_manage", "vso.project_write", true, "create and delete projects"),
    // Profile.
    scope("vso.profile", "", false, "read your profile"),
    scope("vso.profile_write", "vso.profile", false, "write your profile"),
    // Graph.
    scope("vso.graph", "", false, "read users and groups"),
    scope("vso.graph_manage", "vso.graph", true, "manage users and groups"),
    // Identity.
    scope("vso.identity", "", false, "read identities"),
    scope("vso.identity_manage", "vso.identity", true, "manage identities"),
    // Entitlements.
    scope("vso.entitlements", "", false, "read entitlements"),
    scope("vso.memberentitlementmanagement", "", false, "read members' entitlements"),
    scope(
        "vso.memberentitlementmanagement_write",
        "vso.memberentitlementmanagement",
        true,
        "manage members' entitlements",
    ),
    // Agent pools.
    scope("vso.agentpools", "", false, "read agent pools"),
    scope("vso.agentpools_manage", "vso.agentpools", true, "manage agent pools"),
    scope("vso.environment_manage", "vso.agentpools_manage", true, "manage environments"),
    scope("vso.machinegroup_manage", "vso.agentpools_manage", true, "manage deployment groups"),
    // Pipelines.
    scope("vso.pipelineresources_use", "", false, "use protected resources of pipelines"),
    scope(
        "vso.pipelineresources_manage",
        "vso.pipelineresources_use",
        true,
        "manage protected resources of pipelines",
    ),
    scope("vso.variablegroups_read", "", false, "read variable groups"),
    scope("vso.variablegroups_write", "vso.variablegroups_read", false, "change variable groups"),
    scope("vso.variablegroups_manage", "vso.variablegroups_write", true, "manage variable groups"),
    scope("vso.securefiles_read", "", false, "read secure files"),
    scope("vso.securefiles_write", "vso.securefiles_read", false, "write secure files"),
    scope("vso.securefiles_manage", "vso.securefiles_write", true, "manage secure files"),
    scope("vso.taskgroups_read", "", false, "read task groups"),
    scope("vso.taskgroups_write", "vso.taskgroups_read", false, "change task groups"),
    scope("vso.taskgroups_manage", "vso.taskgroups_write", true, "manage task groups"),
    // Service connections.
    scope("vso.serviceendpoint", "vso.profile", false, "read service connections"),
    scope("vso.serviceendpoint_query", "vso.serviceendpoint", false, "query through service connections"),
    scope("vso.serviceendpoint_manage", "vso.serviceendpoint_query", true, "manage service connections"),
    // Advanced Security.
    scope("vso.advsec", "", false, "read alerts"),
    scope("vso.advsec_write", "vso.advsec", false, "change alerts, upload analyses"),
    scope("vso.advsec_manage", "vso.advsec_write", true, "manage Advanced Security"),
    // Extensions.
    scope("vso.extension", "vso.profile", false, "read extensions"),
    scope("vso.extension_manage", "vso.extension", true, "install and remove extensions"),
    scope("vso.extension.data", "vso.profile", false, "read extensions' data"),
    scope("vso.extension.data_write", "vso.extension.data", false, "write extensions' data"),
    // Marketplace.
    scope("vso.gallery", "vso.profile", false, "read the Marketplace"),
    scope("vso.gallery_acquire", "vso.gallery", false, "acquire from the Marketplace"),
    scope("vso.gallery_publish", "vso.gallery", false, "publish to the Marketplace"),
    scope("vso.gallery_manage", "vso.gallery_publish", true, "manage publishers"),
    // Notifications.
    scope("vso.notification", "vso.profile", false, "read subscriptions"),
    scope("vso.notification_write", "vso.notification", false, "change subscriptions"),
    scope("vso.notification_manage", "vso.notification_write", true, "manage subscriptions"),
    scope("vso.notification_diagnostics", "vso.notification", false, "read diagnostics of notifications"),
    // Audit.
    scope("vso.auditlog", "", false, "read the audit log"),
    scope("vso.auditstreams_manage", "vso.auditlog", true, "manage audit streams"),
    // Others.
    scope("vso.dashboards", "", false, "read dashboards"),
    scope("vso.dashboards_manage", "vso.dashboards", true, "manage dashboards"),
    scope("vso.settings", "", false, "read settings"),
    scope("vso.settings_write", "vso.settings", false, "write settings"),
    scope("vso.analytics", "", false, "read analytics"),
    scope("vso.githubconnections", "", false, "read GitHub connections"),
    scope("vso.githubconnections_manage", "vso.githubconnections", true, "manage GitHub connections"),
    scope("vso.security_manage", "", true, "manage permissions"),
    scope("vso.connected_server", "", false, "connect a server"),
    scope("vso.hooks", "vso.profile", false, "read service hooks; no longer offered"),
    scope("vso.hooks_write", "vso.hooks", false, "write service hooks; no longer offered"),
    scope("vso.hooks_interact", "vso.profile", false, "act on service hooks; no longer offered"),
    scope("vso.tokens", "", true, "manage your delegated authorisations"),
    scope("vso.tokenadministration", "", true, "manage everybody's tokens"),
    scope("vso.drop", "", false, "read drops; undocumented"),
    scope("vso.drop_write", "vso.drop", false, "write drops; undocumented"),
    scope("vso.drop_manage", "vso.drop_write", true, "manage drops; undocumented"),
];
