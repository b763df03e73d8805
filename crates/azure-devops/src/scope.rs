//! Scopes of keys, and which holds which (Microsoft: Azure DevOps OAuth scopes, 2025-07-16).

/// Read code and pull requests: what `git fetch` needs.
pub const CODE: &str = "vso.code";
/// Read and write code: what `git push` needs.
pub const CODE_WRITE: &str = "vso.code_write";
/// Create and delete repositories besides.
pub const CODE_MANAGE: &str = "vso.code_manage";
/// Everything about code, version control client interfaces included.
pub const CODE_FULL: &str = "vso.code_full";
/// Read feeds and packages: what a restore needs.
pub const PACKAGING: &str = "vso.packaging";
/// Push packages.
pub const PACKAGING_WRITE: &str = "vso.packaging_write";
/// Delete packages, manage feeds.
pub const PACKAGING_MANAGE: &str = "vso.packaging_manage";
/// Read the owner's profile.
pub const PROFILE: &str = "vso.profile";
/// Write the owner's profile.
pub const PROFILE_WRITE: &str = "vso.profile_write";
/// Everything the owner may do.
pub const FULL: &str = "app_token";

const HOOKS: &str = "vso.hooks";
const HOOKS_WRITE: &str = "vso.hooks_write";

/// Every scope and the next narrower one that it holds.
const HOLDS: [(&str, &str); 11] = [
    (CODE_FULL, CODE_MANAGE),
    (CODE_MANAGE, CODE_WRITE),
    (CODE_WRITE, CODE),
    (CODE, HOOKS_WRITE),
    (HOOKS_WRITE, HOOKS),
    (HOOKS, PROFILE),
    (PACKAGING_MANAGE, PACKAGING_WRITE),
    (PACKAGING_WRITE, PACKAGING),
    (PACKAGING, PROFILE),
    (PROFILE_WRITE, PROFILE),
    (FULL, FULL),
];

/// Whether a key of scope `wide` may do all that one of scope `narrow` may. Case does not count; a scope that is
/// not known here holds itself alone.
pub fn includes(wide: &str, narrow: &str) -> bool {
    if wide.eq_ignore_ascii_case(narrow) || wide.eq_ignore_ascii_case(FULL) {
        return !narrow.is_empty();
    }
    HOLDS
        .iter()
        .any(|(scope, held)| scope.eq_ignore_ascii_case(wide) && *scope != *held && includes(held, narrow))
}

/// Whether a list of scopes as the service writes it (`vso.code vso.packaging`) holds `narrow`.
pub fn list_includes(list: &str, narrow: &str) -> bool {
    list.split_ascii_whitespace().any(|scope| includes(scope, narrow))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chains() {
        for (wide, narrow, expected) in [
            (CODE, CODE, true),
            (CODE_WRITE, CODE, true),
            (CODE_FULL, CODE, true),
            (CODE_FULL, PROFILE, true),
            (CODE, CODE_WRITE, false),
            (CODE_FULL, PACKAGING, false),
            (PACKAGING_MANAGE, PACKAGING, true),
            (PACKAGING, PACKAGING_WRITE, false),
            (PROFILE, PROFILE_WRITE, false),
            (PROFILE_WRITE, PROFILE, true),
            (FULL, CODE_FULL, true),
            (CODE_FULL, FULL, false),
            ("VSO.Code_Write", "vso.code", true),
            ("vso.unheard", "vso.unheard", true),
            ("vso.unheard", CODE, false),
            ("", "", false),
            ("", CODE, false),
        ] {
            assert_eq!(includes(wide, narrow), expected, "{wide} {narrow}");
        }
    }

    #[test]
    fn a_list_holds_what_one_of_it_holds() {
        assert!(list_includes("vso.packaging  vso.code_write", CODE));
        assert!(!list_includes("vso.packaging", CODE));
        assert!(!list_includes("", CODE));
    }
}
