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

mod table;

use table::TABLE;

/// A scope that a personal access token can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    /// Its name at the service.
    pub name: &'static str,
    /// The next narrower scope that it holds; empty where there is none.
    holds: &'static str,
    /// Whether it manages, deletes or opens everything: more than a job of everyday needs.
    pub wide: bool,
    /// What it lets one do, besides what the narrower ones do.
    pub what: &'static str,
}

impl Scope {
    /// The widest scope that this one holds and that is not wide itself: what to try in its place.
    pub fn narrower(&self) -> Option<&'static Scope> {
        let next = find(self.holds)?;
        if next.wide { next.narrower() } else { Some(next) }
    }
}

/// Every scope known.
pub fn all() -> impl Iterator<Item = &'static Scope> {
    TABLE.iter()
}

/// The scope of a name; case does not count.
pub fn find(name: &str) -> Option<&'static Scope> {
    TABLE.iter().find(|scope| scope.name.eq_ignore_ascii_case(name))
}

/// Scopes that may have been meant by a name that is none: the narrowest first, at most three.
pub fn meant_by(name: &str) -> Vec<&'static Scope> {
    let wanted = plain(name);
    let mut near: Vec<_> = TABLE
        .iter()
        .filter(|scope| !scope.wide)
        .map(|scope| (distance(&wanted, &plain(scope.name)), scope))
        .filter(|(far, scope)| *far <= 2 || !wanted.is_empty() && plain(scope.name).starts_with(&wanted))
        .collect();
    if near.is_empty() {
        let area = wanted.split('_').next().unwrap_or_default();
        let of_area = |scope: &&Scope| !area.is_empty() && plain(scope.name).split('_').next() == Some(area);
        near = TABLE.iter().filter(|scope| !scope.wide).filter(of_area).map(|scope| (9, scope)).collect();
    }
    near.sort_by_key(|(far, scope)| (*far, scope.name.len()));
    near.into_iter().map(|(_, scope)| scope).take(3).collect()
}

/// A list of scopes as the service takes it: each once, in lower case, one space between them (`extension.data` and
/// the like keep their dot). Commas are taken for spaces.
pub fn tidy(list: &str) -> String {
    let mut scopes: Vec<String> =
        list.split([' ', ',', '\t']).filter(|scope| !scope.is_empty()).map(str::to_ascii_lowercase).collect();
    scopes.sort();
    scopes.dedup();
    scopes.join(" ")
}

/// Scopes of a list that another of the same list holds already.
pub fn needless(list: &str) -> Vec<&str> {
    let scopes: Vec<&str> = list.split_ascii_whitespace().collect();
    let held =
        |one: &&str| scopes.iter().any(|other| !other.eq_ignore_ascii_case(one) && includes(other, one));
    scopes.iter().copied().filter(held).collect()
}

/// Whether a key of scope `wide` may do all that one of scope `narrow` may. Case does not count; a scope that is
/// not known here holds itself alone.
pub fn includes(wide: &str, narrow: &str) -> bool {
    if wide.eq_ignore_ascii_case(narrow) || wide.eq_ignore_ascii_case(FULL) {
        return !narrow.is_empty();
    }
    find(wide).is_some_and(|scope| !scope.holds.is_empty() && includes(scope.holds, narrow))
}

fn plain(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    name.strip_prefix("vso.").unwrap_or(&name).replace(['.', '-', ' '], "_").replace("_read", "")
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let over = row[j + 1];
            row[j + 1] = if x == *y { before } else { 1 + before.min(over).min(row[j]) };
            before = over;
        }
    }
    row[b.len()]
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
    fn every_row_of_the_table_leads_to_a_row() {
        for scope in all() {
            assert!(scope.holds.is_empty() || find(scope.holds).is_some(), "{}", scope.name);
            assert!(!includes(scope.holds, scope.name), "{} holds itself", scope.name);
            assert_eq!(all().filter(|other| other.name == scope.name).count(), 1, "{}", scope.name);
        }
    }

    #[test]
    fn what_was_meant() {
        for (typed, first) in [
            ("vso.cod", Some("vso.code")),
            ("code", Some("vso.code")),
            ("vso.code.read", Some("vso.code")),
            ("vso.code-write", Some("vso.code_write")),
            ("Packaging_Wirte", Some("vso.packaging_write")),
            ("vso.code_everything", Some("vso.code")),
            ("admin", None),
            ("", None),
        ] {
            assert_eq!(meant_by(typed).first().map(|scope| scope.name), first, "{typed}");
            assert!(meant_by(typed).iter().all(|scope| !scope.wide));
        }
    }

    #[test]
    fn wide_ones_have_a_narrower_neighbour_or_none() {
        let narrower = |name: &str| find(name).unwrap().narrower().map(|scope| scope.name);
        assert_eq!(narrower(CODE_FULL), Some(CODE_WRITE));
        assert_eq!(narrower(CODE_WRITE), Some(CODE));
        assert_eq!(narrower(PACKAGING_MANAGE), Some(PACKAGING_WRITE));
        assert_eq!((narrower(FULL), narrower("vso.security_manage")), (None, None));
        assert!(!find(CODE_WRITE).unwrap().wide && find(FULL).unwrap().wide);
    }

    #[test]
    fn a_list_is_written_as_the_service_wants_it() {
        assert_eq!(tidy(" VSO.Packaging,vso.code  vso.code"), "vso.code vso.packaging");
        assert_eq!(needless("vso.code vso.code_write vso.packaging"), ["vso.code"]);
        assert_eq!(needless("vso.code vso.code"), Vec::<&str>::new());
    }

    #[test]
    fn a_list_holds_what_one_of_it_holds() {
        assert!(list_includes("vso.packaging  vso.code_write", CODE));
        assert!(!list_includes("vso.packaging", CODE));
        assert!(!list_includes("", CODE));
    }
}
