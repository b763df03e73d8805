//! The authorization endpoint and the sign-in page behind it.

use super::{
    error::{EntraError, policy_claims},
    page, redirect, scopes,
    tenant::Tenant,
};
use crate::{
    answer::{Answer, escape},
    call::Call,
    world::{AuthorizationCode, PendingSignIn, SignIn, UserState, World},
};

/// The policy named in the claims of every demand for a second factor.
pub(super) const MFA_POLICY: &str = "ca000000-0000-4000-8000-000000050076";

/// Seconds an authorization code lives.
const CODE_LIFETIME: i64 = 600;

/// `GET …/authorize`: the page, or at once the redirect when the test chose who signs in.
pub(super) fn show(world: &mut World, segment: &str, call: &Call) -> Answer {
    let tenant = match Tenant::parse(segment) {
        Ok(tenant) => tenant,
        Err(error) => return refusal(400, &error),
    };
    let Some(app) = call.parameter("client_id").and_then(|id| world.app(id)).cloned() else {
        return refusal(400, &EntraError::of("unknown_app"));
    };
    let redirect_uri = call.parameter("redirect_uri").unwrap_or_default();
    if !redirect::is_registered(&app, redirect_uri) {
        let text = "The redirect URI specified in the request does not match the redirect URIs configured.";
        return Answer::html(400, page::message("Sign in", &format!("AADSTS50011: {text}")));
    }
    let owned = |name: &str| call.parameter(name).filter(|value| !value.is_empty()).map(str::to_owned);
    let mut pending = PendingSignIn {
        client_id: app.client_id.clone(),
        tenant: segment.to_owned(),
        redirect_uri: redirect_uri.to_owned(),
        response_mode: owned("response_mode").unwrap_or_else(|| "query".to_owned()),
        state: owned("state"),
        challenge: owned("code_challenge"),
        scopes: Vec::new(),
        claims: owned("claims"),
        nonce: owned("nonce"),
        login_hint: owned("login_hint"),
        client_info: call.parameter("client_info") == Some("1"),
    };
    if let Err(answer) = check(call, &app, &mut pending) {
        return answer;
    }
    if let Some(user) = world.sign_in_as.clone() {
        return complete(world, &pending, &tenant, &user);
    }
    let request = world.random.guid();
    let page = page::sign_in(world, segment, &request, &app.name, pending.login_hint.as_deref());
    world.pending.insert(request, pending);
    Answer::html(200, page)
}

/// The checks whose failure goes back to the application.
fn check(call: &Call, app: &crate::world::App, pending: &mut PendingSignIn) -> Result<(), Answer> {
    let fail = |pending: &PendingSignIn, error: &str, text: &str| Err(send_error(pending, error, text));
    if !matches!(pending.response_mode.as_str(), "query" | "fragment" | "form_post") {
        "query".clone_into(&mut pending.response_mode);
        return fail(pending, "invalid_request", "AADSTS90014: The response_mode is not supported.");
    }
    if call.parameter("response_type") != Some("code") {
        let text = "AADSTS700054: response_type is not enabled for the application.";
        return fail(pending, "unsupported_response_type", text);
    }
    if pending.challenge.is_none() || call.parameter("code_challenge_method") != Some("S256") {
        let text = "AADSTS9002325: Proof Key for Code Exchange with S256 is required.";
        return fail(pending, "invalid_request", text);
    }
    pending.scopes = match scopes::parse(app, call.parameter("scope").unwrap_or_default()) {
        Ok(scopes) => scopes,
        Err(error) => {
            let text = format!("AADSTS{}: {}", error.code, error.text);
            let name = error.suberror.unwrap_or(error.error);
            return fail(pending, name, &text);
        }
    };
    if call.parameter("prompt") == Some("none") {
        let text = "AADSTS50058: A silent sign-in request was sent but no user is signed in.";
        return fail(pending, "login_required", text);
    }
    Ok(())
}

/// The sign-in page's form.
pub(super) fn submit(world: &mut World, call: &Call) -> Answer {
    let form = call.form();
    let request = form.get("request").unwrap_or_default();
    let Some(pending) = world.pending.get(request).cloned() else {
        return Answer::html(400, page::message("Sign in", "AADSTS90014: the sign-in request is not known."));
    };
    if form.get("action") == Some("cancel") {
        world.pending.remove(request);
        let text = "AADSTS65004: User declined to consent to access the app.";
        return send_error(&pending, "access_denied", text);
    }
    let tenant = match Tenant::parse(&pending.tenant) {
        Ok(tenant) => tenant,
        Err(error) => return refusal(400, &error),
    };
    let answer = complete(world, &pending, &tenant, form.get("user").unwrap_or_default());
    if answer.status.is_redirection() {
        world.pending.remove(request);
    }
    answer
}

fn complete(world: &mut World, pending: &PendingSignIn, tenant: &Tenant, name: &str) -> Answer {
    let Some(user) = world.users.get(name).cloned() else {
        return Answer::html(200, page::message("Sign in", "AADSTS50034: This username may be incorrect."));
    };
    let tenant = match tenant.of(&user) {
        Ok(tenant) => tenant,
        Err(error) => return refusal(200, &error),
    };
    let blocked = match user.state {
        UserState::Blocked => Some("message_only"),
        UserState::DeviceNotCompliant => Some("additional_action"),
        UserState::ConsentMissing => Some("consent_required"),
        _ => None,
    };
    if let Some(name) = blocked {
        return refusal(200, &EntraError::of(name));
    }
    signed_in(world, name);
    let code = world.random.opaque("1.", 400);
    let code_record = AuthorizationCode {
        sign_in: SignIn {
            client_id: pending.client_id.clone(),
            user: user.name.clone(),
            tenant,
            scopes: pending.scopes.clone(),
            claims: pending.claims.clone(),
            nonce: pending.nonce.clone(),
        },
        redirect_uri: pending.redirect_uri.clone(),
        challenge: pending.challenge.clone(),
        expires: world.now().plus(CODE_LIFETIME),
        used: false,
    };
    world.codes.insert(code.clone(), code_record);
    let mut fields = vec![("code", code), ("session_state", world.random.guid())];
    if pending.client_info {
        fields.push(("client_info", super::issue::client_info(&user)));
    }
    send(pending, fields)
}

/// A person who stands at the keyboard has a fresh session and a new password.
pub(super) fn signed_in(world: &mut World, name: &str) {
    if let Some(user) = world.users.get_mut(name)
        && matches!(user.state, UserState::PasswordExpired | UserState::SignInFrequency)
    {
        user.state = UserState::Normal;
    }
}

fn refusal(status: u16, error: &EntraError) -> Answer {
    Answer::html(status, page::message("Sorry, but we’re having trouble signing you in", &described(error)))
}

fn described(error: &EntraError) -> String {
    format!("AADSTS{}: {}", error.code, error.text)
}

fn send_error(pending: &PendingSignIn, error: &str, text: &str) -> Answer {
    send(pending, vec![("error", error.to_owned()), ("error_description", text.to_owned())])
}

/// Brings the outcome back in the mode that the application chose.
fn send(pending: &PendingSignIn, mut fields: Vec<(&'static str, String)>) -> Answer {
    if let Some(state) = &pending.state {
        fields.push(("state", state.clone()));
    }
    let Ok(mut url) = url::Url::parse(&pending.redirect_uri) else { return Answer::empty(400) };
    match pending.response_mode.as_str() {
        "form_post" => {
            let inputs = fields.iter().fold(String::new(), |inputs, (name, value)| {
                inputs + "<input type=\"hidden\" name=\"" + name + "\" value=\"" + &escape(value) + "\">"
            });
            let body = format!(
                "<form method=\"post\" action=\"{}\">{inputs}<button type=\"submit\">Continue</button></form>\
                 <script>document.forms[0].submit()</script>",
                escape(url.as_str())
            );
            Answer::html(200, page::shell("Working…", &body))
        }
        mode => {
            let encoded = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
            if mode == "fragment" {
                url.set_fragment(Some(&encoded));
            } else {
                url.set_query(Some(&encoded));
            }
            Answer::redirect(url.as_str())
        }
    }
}

/// What a silent request of this person is refused with, given the claims of the sign-in it goes back to.
pub(super) fn silent_refusal(state: UserState, claims: Option<&str>) -> Option<EntraError> {
    let with_policy = |name: &str| EntraError::of(name).with_claims(policy_claims(MFA_POLICY));
    match state {
        UserState::Normal => None,
        UserState::NeedsMfa if claims.is_some_and(|claims| claims.contains(MFA_POLICY)) => None,
        UserState::NeedsMfa => Some(with_policy("basic_action")),
        UserState::Blocked => Some(with_policy("message_only")),
        UserState::DeviceNotCompliant => Some(with_policy("additional_action")),
        UserState::ConsentMissing => Some(EntraError::of("consent_required")),
        UserState::PasswordExpired => Some(EntraError::of("user_password_expired")),
        UserState::SignInFrequency => Some(EntraError::of("token_expired")),
    }
}
