//! Choices where the real service is undocumented, varies, or may change.

use serde::{Deserialize, Serialize};

/// What an unauthenticated `GET` without `X-TFS-FedAuthRedirect: Suppress` gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignInAnswer {
    /// 302 to the sign-in host.
    Redirect,
    /// 203 with an HTML page of 16 KB.
    Page,
}

/// How an organisation that restricts token creation refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CreationRefusal {
    /// 200 with `disablePatCreationPolicyViolation`.
    PolicyViolation,
    /// 200 with `accessDenied`.
    AccessDenied,
    /// 403 with a JSON error object.
    Forbidden,
}

/// What an organisation that restricts token creation answers to a self-describing session token. It refuses compact
/// ones, which are personal access tokens, in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SelfDescribing {
    /// Gives it.
    Given,
    /// 400 with `DisablePatCreationPolicyViolation`, as for a compact one.
    PolicyViolation,
    /// 403 with a JSON error object.
    Forbidden,
}

/// What a lifetime above the tenant's maximum gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LifespanPolicy {
    /// A token with a shorter life than asked (Microsoft's release note of March 2024).
    Clamp,
    /// 200 with `patLifespanPolicyViolation` (before that note).
    Refuse,
}

/// All switches. Absent fields of a JSON document take the defaults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent yes/no question about the real service"
)]
pub struct Switches {
    /// Access tokens are not JWTs and cannot be decoded.
    pub opaque_access_tokens: bool,
    /// Seconds an access token lives; `None`: 3600 to 5400, drawn from the seed.
    pub token_lifetime: Option<i64>,
    /// Token answers carry `refresh_in`, half of `expires_in`.
    pub refresh_in: bool,
    /// Redeeming a refresh token kills it. Microsoft's does not.
    pub refresh_token_single_use: bool,
    /// Polling a device code faster than its interval gives `slow_down`; off, `authorization_pending`.
    pub slow_down: bool,
    /// The device code flow is blocked by Conditional Access.
    pub device_code_blocked: bool,
    /// Unauthenticated `GET` on Azure DevOps.
    pub sign_in_answer: SignInAnswer,
    /// The three challenges come in one comma-joined header line.
    pub challenge_joined: bool,
    /// `authorization_uri` is a quoted string.
    pub challenge_quoted: bool,
    /// `authorization_uri` names the alias `login.windows.net`.
    pub challenge_alias_host: bool,
    /// `X-VSS-ResourceTenant` holds two tenants, the first all zeros.
    pub challenge_two_tenants: bool,
    /// The Bearer challenge has no `authorization_uri` at all.
    pub challenge_bare_bearer: bool,
    /// Claims challenges carry `authorization_uri`.
    pub claims_challenge_uri: bool,
    /// Status of the PAT API's refusal of service principals: 401 or 403.
    pub service_principal_status: u16,
    /// Status of the PAT API's refusal of a PAT sent as Basic: 401 or 403.
    pub pat_as_basic_status: u16,
    /// `vso.pats_manage` alone may write; off, `vso.pats` is needed as well.
    pub pats_manage_alone: bool,
    /// `user_impersonation` opens the PAT API.
    pub user_impersonation: bool,
    /// How restricted organisations refuse creation.
    pub creation_refusal: CreationRefusal,
    /// Whether restricted organisations give self-describing session tokens.
    pub self_describing: SelfDescribing,
    /// What a lifetime above the maximum gives.
    pub lifespan_policy: LifespanPolicy,
    /// Reading an unknown identifier gives 404; off, 200 with `authorizationNotFound`.
    pub unknown_pat_is_404: bool,
    /// Status of a successful revocation: 204 or 200.
    pub revoke_status: u16,
    /// Status of a second revocation: 204 or 404.
    pub repeated_revoke_status: u16,
    /// Seconds until a revocation takes effect.
    pub revoke_lag: i64,
    /// An expired token may not be extended (`expiredPatCannotBeExtended`).
    pub expired_cannot_be_extended: bool,
    /// A new token is missing from lists for this many seconds.
    pub list_lag: i64,
    /// New tokens have 52 characters, as before July 2024.
    pub short_pats: bool,
    /// Error names come in PascalCase.
    pub pascal_case_errors: bool,
    /// A push to a feed without `X-NuGet-ApiKey` is refused with 403; off, it is taken.
    pub feed_needs_api_key: bool,
    /// Seconds that a key of Trusted Publishing lives; nuget.org's default, an hour at most.
    pub trusted_key_lifetime: i64,
    /// New nuget.org keys live 1, 8 or 30 days only; off, as long as is asked.
    pub restrict_key_expiry: bool,
    /// Pushes that one nuget.org key may do within an hour.
    pub pushes_per_hour: usize,
    /// Unlistings and relistings that one nuget.org key may do within an hour.
    pub unlists_per_hour: usize,
    /// Trusted Publishing is switched on; off, 404.
    pub trusted_publishing: bool,
    /// An Azure Arc agent gives the machine's own identity whichever is asked for; off, it knows the others too.
    pub arc_own_identity_only: bool,
    /// `Date` headers differ from the emulator's clock by this many seconds.
    pub date_skew: i64,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            opaque_access_tokens: true,
            token_lifetime: None,
            refresh_in: false,
            refresh_token_single_use: false,
            slow_down: true,
            device_code_blocked: false,
            sign_in_answer: SignInAnswer::Redirect,
            challenge_joined: false,
            challenge_quoted: false,
            challenge_alias_host: false,
            challenge_two_tenants: false,
            challenge_bare_bearer: false,
            claims_challenge_uri: true,
            service_principal_status: 401,
            pat_as_basic_status: 401,
            pats_manage_alone: false,
            user_impersonation: true,
            creation_refusal: CreationRefusal::PolicyViolation,
            self_describing: SelfDescribing::Given,
            lifespan_policy: LifespanPolicy::Clamp,
            unknown_pat_is_404: false,
            revoke_status: 204,
            repeated_revoke_status: 204,
            revoke_lag: 0,
            expired_cannot_be_extended: false,
            list_lag: 0,
            short_pats: false,
            pascal_case_errors: false,
            feed_needs_api_key: true,
            trusted_key_lifetime: 900,
            restrict_key_expiry: false,
            pushes_per_hour: 350,
            unlists_per_hour: 250,
            trusted_publishing: true,
            arc_own_identity_only: false,
            date_skew: 0,
        }
    }
}
