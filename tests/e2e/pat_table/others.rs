//! What other commands read than those that make tokens and keys.

use valetkey_emulator::{Action, Fault, Host};

use super::row::{Case, Row, named, numbered};

/// A command that asks the services something.
#[derive(Clone, Copy)]
pub(super) enum Verb {
    List,
    Show,
    Update,
    Revoke,
    Login,
    /// The browser comes back with this.
    Browser(Query),
}

/// What a redirect says, name by name.
type Query = &'static [(&'static str, &'static str)];

impl Verb {
    /// As the page names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::List => "`valetkey pat list`",
            Self::Show => "`valetkey pat show`",
            Self::Update => "`valetkey pat update`",
            Self::Revoke => "`valetkey pat revoke`",
            Self::Login => "`valetkey login --device-code`",
            Self::Browser(_) => "`valetkey login`",
        }
    }

    /// As it is run for the token of this id.
    pub(super) fn line(self, id: &str) -> Vec<&str> {
        match self {
            Self::List => vec!["pat", "list"],
            Self::Show => vec!["pat", "show", id],
            Self::Update => vec!["pat", "update", id, "--expires", "60d"],
            Self::Revoke => vec!["pat", "revoke", id],
            Self::Login => vec!["login", "contoso", "--device-code", "--fresh"],
            Self::Browser(_) => vec!["login", "contoso", "--fresh"],
        }
    }
}

const GONE: [&str; 3] = ["authorizationNotFound", "hostAuthorizationNotFound", "tokenNotFound"];

pub(super) fn rows() -> Vec<(Verb, Row)> {
    let mut rows = tokens();
    rows.extend(sign_ins());
    rows.extend(redirects());
    rows
}

fn tokens() -> Vec<(Verb, Row)> {
    let to = |verb, situation, method: fn(Action) -> Fault, names: &[&'static str]| {
        (verb, Row { situation, says: "200, `patTokenError`", cases: named(names, method) })
    };
    vec![
        to(Verb::Update, "the token has expired", putting, &["expiredPatCannotBeExtended"]),
        to(Verb::Update, "the token is gone", putting, &GONE),
        to(Verb::Update, "the change could not be made", putting, &["failedToUpdateAccessToken"]),
        to(Verb::Update, "the new end is not taken", putting, &["invalidValidTo"]),
        to(Verb::Update, "the new life is too long", putting, &["patLifespanPolicyViolation"]),
        to(Verb::Update, "the account may not", putting, &["accessDenied"]),
        to(Verb::Revoke, "the token is gone", deleting, &GONE),
        to(Verb::Revoke, "the account may not", deleting, &["accessDenied"]),
        (Verb::Revoke, one("the service has a fault", "503", deleting(Action::status(503)))),
        (Verb::List, one("the service has a fault", "503", getting(Action::status(503)))),
        (Verb::List, one("a list that cannot be read", "200, `{}`", getting(emptied()))),
        (Verb::Show, one("the organisation is not there", "404", getting(Action::status(404)))),
    ]
}

fn sign_ins() -> Vec<(Verb, Row)> {
    let begun = |situation, says, refusals: &[(&'static str, u32)]| {
        (Verb::Login, Row { situation, says, cases: numbered(refusals, beginning) })
    };
    let polled = |situation, says, refusals: &[(&'static str, u32)]| {
        (Verb::Login, Row { situation, says, cases: numbered(refusals, polling) })
    };
    vec![
        begun("the application is not in the tenant", "`unauthorized_client`", &[("unknown_app", 700_016)]),
        begun("the application is no public client", "`invalid_client`", &[("not_public", 7_000_218)]),
        begun(
            "the application may not ask for this",
            "`invalid_scope` or `invalid_resource`",
            &[("invalid_scope", 70011), ("unknown_permission", 650_053), ("invalid_resource", 500_011)],
        ),
        begun(
            "the tenant is not there",
            "`invalid_request`",
            &[("tenant_not_found", 90002), ("zero_tenant", 900_021)],
        ),
        begun("the request is not understood", "`invalid_request`", &[("missing_parameter", 900_144)]),
        begun("Microsoft Entra cannot serve", "503, `temporarily_unavailable`", &[("overloaded", 90100)]),
        polled("device codes are blocked", "`invalid_grant`, `message_only`", &[("message_only", 53003)]),
        polled("the person says no", "`authorization_declined`", &[("authorization_declined", 70018)]),
        polled("the person takes too long", "`expired_token`", &[("expired_token", 70020)]),
        polled(
            "the code can no longer be redeemed",
            "`invalid_grant` or `bad_verification_code`",
            &[
                ("code_reused", 54005),
                ("malformed_grant", 70000),
                ("wrong_verifier", 501_481),
                ("redirect_mismatch", 500_112),
                ("bad_verification_code", 70018),
            ],
        ),
    ]
}

/// Microsoft: "Microsoft identity platform and OAuth 2.0 authorization code flow", errors of the authorization endpoint.
fn redirects() -> Vec<(Verb, Row)> {
    let back = |situation, says, query| {
        (Verb::Browser(query), Row { situation, says, cases: vec![Case::new("", |_| Ok(()))] })
    };
    let redeemed = numbered(
        &[("code_reused", 54005), ("malformed_grant", 70000), ("wrong_verifier", 501_481)],
        |action| Fault::new(action).host(Host::Login).grant("authorization_code").always(),
    );
    vec![
        back(
            "the person says no",
            "redirect, `access_denied`",
            &[("error", "access_denied"), ("error_description", "the user canceled the authentication")],
        ),
        back(
            "the person does not consent",
            "redirect, `access_denied`, AADSTS65004",
            &[
                ("error", "access_denied"),
                (
                    "error_description",
                    "AADSTS65004: User declined to consent to access the app.\r\nTrace ID: 1",
                ),
            ],
        ),
        back("consent is missing", "redirect, `consent_required`", &[("error", "consent_required")]),
        back(
            "another step is wanted",
            "redirect, `interaction_required`, AADSTS50076",
            &[
                ("error", "interaction_required"),
                ("error_description", "AADSTS50076: You must use multi-factor authentication."),
            ],
        ),
        back("a sign-in is wanted", "redirect, `login_required`", &[("error", "login_required")]),
        back("Microsoft Entra has a fault", "redirect, `server_error`", &[("error", "server_error")]),
        back(
            "Microsoft Entra cannot serve",
            "redirect, `temporarily_unavailable`",
            &[("error", "temporarily_unavailable")],
        ),
        back(
            "the application may not ask for this",
            "redirect, `invalid_resource`, AADSTS500011",
            &[
                ("error", "invalid_resource"),
                ("error_description", "AADSTS500011: The resource principal was not found in the tenant."),
            ],
        ),
        (
            Verb::Browser(&[("code", "0.made-up")]),
            Row { situation: "the code can no longer be redeemed", says: "`invalid_grant`", cases: redeemed },
        ),
    ]
}

fn one(situation: &'static str, says: &'static str, fault: Fault) -> Row {
    Row { situation, says, cases: vec![Case::fault("", fault)] }
}

fn of_tokens(action: Action, method: &str) -> Fault {
    Fault::new(action).host(Host::Vssps).method(method).path("tokens/pats").always()
}

fn getting(action: Action) -> Fault {
    of_tokens(action, "GET")
}

fn putting(action: Action) -> Fault {
    of_tokens(action, "PUT")
}

fn deleting(action: Action) -> Fault {
    of_tokens(action, "DELETE")
}

fn beginning(action: Action) -> Fault {
    Fault::new(action).host(Host::Login).path("oauth2/v2.0/devicecode").always()
}

fn polling(action: Action) -> Fault {
    Fault::new(action).host(Host::Login).grant("device_code").always()
}

/// The answer without what a list has.
fn emptied() -> Action {
    Action::Merge { patch: serde_json::json!({"patTokens": null, "continuationToken": null}) }
}
