//! Why the service did not issue a key, in its own words (`patTokenError`).

/// A `patTokenError` (Microsoft: PAT Lifecycle Management API, every version up to 7.2-preview.1).
///
/// The set is open: what is not known here is [`PatError::Unknown`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names are the service's, and it documents none of them")]
pub enum PatError {
    DisplayNameRequired,
    InvalidDisplayName,
    InvalidValidTo,
    InvalidScope,
    UserIdRequired,
    InvalidUserId,
    InvalidUserType,
    AccessDenied,
    FailedToIssueAccessToken,
    InvalidClient,
    InvalidClientType,
    InvalidClientId,
    InvalidTargetAccounts,
    HostAuthorizationNotFound,
    AuthorizationNotFound,
    FailedToUpdateAccessToken,
    SourceNotSupported,
    InvalidSourceIp,
    InvalidSource,
    DuplicateHash,
    SshPolicyDisabled,
    InvalidToken,
    TokenNotFound,
    InvalidAuthorizationId,
    FailedToReadTenantPolicy,
    GlobalPatPolicyViolation,
    FullScopePatPolicyViolation,
    PatLifespanPolicyViolation,
    InvalidTokenType,
    InvalidAudience,
    InvalidSubject,
    DeploymentHostNotSupported,
    DisablePatCreationPolicyViolation,
    FailedToReadOrgPolicy,
    GlobalPatCreationBlocked,
    ExpiredPatCannotBeExtended,
    /// A name of a later version, as it came, made fit to show.
    Unknown(String),
}

use PatError as E;

/// Every name known, as the service writes it.
static NAMES: [(&str, PatError); 36] = [
    ("displayNameRequired", E::DisplayNameRequired),
    ("invalidDisplayName", E::InvalidDisplayName),
    ("invalidValidTo", E::InvalidValidTo),
    ("invalidScope", E::InvalidScope),
    ("userIdRequired", E::UserIdRequired),
    ("invalidUserId", E::InvalidUserId),
    ("invalidUserType", E::InvalidUserType),
    ("accessDenied", E::AccessDenied),
    ("failedToIssueAccessToken", E::FailedToIssueAccessToken),
    ("invalidClient", E::InvalidClient),
    ("invalidClientType", E::InvalidClientType),
    ("invalidClientId", E::InvalidClientId),
    ("invalidTargetAccounts", E::InvalidTargetAccounts),
    ("hostAuthorizationNotFound", E::HostAuthorizationNotFound),
    ("authorizationNotFound", E::AuthorizationNotFound),
    ("failedToUpdateAccessToken", E::FailedToUpdateAccessToken),
    ("sourceNotSupported", E::SourceNotSupported),
    ("invalidSourceIP", E::InvalidSourceIp),
    ("invalidSource", E::InvalidSource),
    ("duplicateHash", E::DuplicateHash),
    ("sshPolicyDisabled", E::SshPolicyDisabled),
    ("invalidToken", E::InvalidToken),
    ("tokenNotFound", E::TokenNotFound),
    ("invalidAuthorizationId", E::InvalidAuthorizationId),
    ("failedToReadTenantPolicy", E::FailedToReadTenantPolicy),
    ("globalPatPolicyViolation", E::GlobalPatPolicyViolation),
    ("fullScopePatPolicyViolation", E::FullScopePatPolicyViolation),
    ("patLifespanPolicyViolation", E::PatLifespanPolicyViolation),
    ("invalidTokenType", E::InvalidTokenType),
    ("invalidAudience", E::InvalidAudience),
    ("invalidSubject", E::InvalidSubject),
    ("deploymentHostNotSupported", E::DeploymentHostNotSupported),
    ("disablePatCreationPolicyViolation", E::DisablePatCreationPolicyViolation),
    ("failedToReadOrgPolicy", E::FailedToReadOrgPolicy),
    ("globalPATCreationBlocked", E::GlobalPatCreationBlocked),
    ("expiredPatCannotBeExtended", E::ExpiredPatCannotBeExtended),
];

impl PatError {
    /// The error of a name; `none` and nothing are no error. Case does not count: another door of the same service
    /// writes `DisablePatCreationPolicyViolation`.
    pub fn of(name: &str) -> Option<Self> {
        let name = name.trim();
        if name.is_empty() || name.eq_ignore_ascii_case("none") {
            return None;
        }
        Some(Self::known(name).unwrap_or_else(|| Self::Unknown(valetkey_protocol::shown(name))))
    }

    /// Every name known, as the service writes it.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }

    /// The error of a name in the table.
    pub(crate) fn known(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, error)| error.clone())
    }

    /// The name as the service writes it.
    pub fn name(&self) -> &str {
        match self {
            Self::Unknown(name) => name,
            known => NAMES.iter().find(|(_, error)| error == known).map_or("", |(name, _)| name),
        }
    }

    /// Whether it says that the key is not there (any more).
    pub fn is_gone(&self) -> bool {
        matches!(self, Self::HostAuthorizationNotFound | Self::AuthorizationNotFound | Self::TokenNotFound)
    }

    /// Whether a policy of the tenant or the organisation forbids the key: asking again will not help, another kind
    /// of key may.
    pub fn is_policy(&self) -> bool {
        matches!(
            self,
            Self::DisablePatCreationPolicyViolation
                | Self::FullScopePatPolicyViolation
                | Self::GlobalPatPolicyViolation
                | Self::GlobalPatCreationBlocked
                | Self::PatLifespanPolicyViolation
                | Self::AccessDenied
        )
    }

    /// Whether another end of its life may be allowed.
    pub fn is_about_its_life(&self) -> bool {
        matches!(self, Self::PatLifespanPolicyViolation | Self::InvalidValidTo)
    }

    /// Whether the service failed rather than decided: asking again may help.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::FailedToReadTenantPolicy
                | Self::FailedToReadOrgPolicy
                | Self::FailedToIssueAccessToken
                | Self::FailedToUpdateAccessToken
                | Self::DuplicateHash
        )
    }

    /// What is wrong, without a full stop.
    pub(crate) fn sentence(&self, organisation: &str) -> String {
        let name = self.name();
        let what = match self {
            Self::DisablePatCreationPolicyViolation => "does not allow you to create personal access tokens",
            Self::GlobalPatPolicyViolation | Self::GlobalPatCreationBlocked => {
                "does not allow personal access tokens for all organisations"
            }
            Self::FullScopePatPolicyViolation => "does not allow personal access tokens with full scope",
            Self::PatLifespanPolicyViolation => "does not allow personal access tokens to live this long",
            Self::AccessDenied => "does not allow this account to manage personal access tokens",
            Self::InvalidUserId | Self::InvalidUserType | Self::UserIdRequired => {
                "issues personal access tokens to people only, and this account is none"
            }
            Self::InvalidScope => "does not know one of the scopes",
            Self::InvalidDisplayName | Self::DisplayNameRequired => "does not take this name for a token",
            Self::InvalidValidTo => "does not take this end for a token",
            Self::FailedToReadTenantPolicy => "could not read the policy of its tenant",
            Self::FailedToReadOrgPolicy => "could not read its own policy",
            Self::ExpiredPatCannotBeExtended => "does not extend a personal access token that has expired",
            Self::InvalidClient | Self::InvalidClientId | Self::InvalidClientType => {
                "does not take the application that you signed in through"
            }
            Self::InvalidSourceIp => "does not take the address that this machine has on the network",
            Self::FailedToUpdateAccessToken => "did not change the personal access token",
            found if found.is_gone() => "does not know the personal access token",
            _ => "did not issue a personal access token",
        };
        format!("`{organisation}` {what} (`{name}`)")
    }

    /// What to do next.
    pub(crate) fn hint(&self, organisation: &str) -> String {
        match self {
            Self::DisablePatCreationPolicyViolation => format!(
                "ask an administrator of `{organisation}` to put you on the allow-list of the policy `Restrict personal access token creation`"
            ),
            Self::GlobalPatPolicyViolation
            | Self::GlobalPatCreationBlocked
            | Self::FullScopePatPolicyViolation
            | Self::SshPolicyDisabled => {
                format!(
                    "ask an administrator of `{organisation}` which personal access tokens its policy allows"
                )
            }
            Self::PatLifespanPolicyViolation | Self::InvalidValidTo => {
                "ask for a shorter life: `--expires` for a token, `[keys] lifetime-hours` for keys".to_owned()
            }
            Self::InvalidScope => {
                "`valetkey pat scopes` lists the scopes there are; of a key for git or NuGet, report it"
                    .to_owned()
            }
            Self::InvalidDisplayName | Self::DisplayNameRequired => {
                "give the token another name; of a key for git or NuGet, report it".to_owned()
            }
            Self::InvalidClient | Self::InvalidClientId | Self::InvalidClientType => {
                "check `[entra] client-id`; `valetkey setup entra` shows how the application is registered"
                    .to_owned()
            }
            Self::InvalidSourceIp => {
                format!("use a network that `{organisation}` lets in, or ask its administrator")
            }
            Self::ExpiredPatCannotBeExtended => {
                "run `valetkey pat regenerate`, which makes a new one in its place".to_owned()
            }
            Self::AccessDenied => format!(
                "check that your account may use `{organisation}`; its administrator may restrict personal access tokens"
            ),
            Self::InvalidUserId | Self::InvalidUserType | Self::UserIdRequired => {
                format!("sign in as a person with `valetkey login {organisation}`")
            }
            found if found.is_transient() => "try again in a minute".to_owned(),
            found if found.is_gone() => "`valetkey pat list --filter all` shows those it knows".to_owned(),
            _ => "run `valetkey status` and report the name in brackets".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_in_any_case_leads_back_to_itself() {
        for (name, error) in &NAMES {
            for written in [(*name).to_owned(), name.to_uppercase(), format!(" {} ", name.to_lowercase())] {
                assert_eq!(PatError::of(&written).as_ref(), Some(error), "{written}");
            }
            assert_eq!(error.name(), *name);
        }
    }

    #[test]
    fn none_is_no_error_and_a_later_name_is_kept() {
        assert_eq!(PatError::of("none"), None);
        assert_eq!(PatError::of("None"), None);
        assert_eq!(PatError::of(""), None);
        let later = PatError::of("patsAreHistory\n\u{1b}[2J").unwrap();
        assert_eq!(later.name(), "patsAreHistory\u{fffd}\u{fffd}[2J");
        assert!(later.sentence("contoso").contains("patsAreHistory"));
    }

    #[test]
    fn each_says_what_and_names_the_organisation() {
        for (name, error) in &NAMES {
            let sentence = error.sentence("contoso");
            assert!(
                sentence.starts_with("`contoso` ") && sentence.ends_with(&format!("(`{name}`)")),
                "{sentence}"
            );
            assert!(!error.hint("contoso").is_empty(), "{name}");
        }
    }
}
