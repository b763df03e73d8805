//! The device authorization grant (RFC 8628).

use serde_json::json;

use super::{
    authorize::{signed_in, silent_refusal},
    error::{EntraError, policy_claims},
    issue, page, scopes,
    tenant::Tenant,
    token::grant_of,
};
use crate::{
    answer::Answer,
    call::{Call, Form},
    world::{App, DeviceCode, DeviceState, SignIn, World},
};

/// Seconds a device code lives, and seconds between two polls.
const LIFETIME: i64 = 900;
const INTERVAL: i64 = 5;

/// `POST …/devicecode`.
pub(super) fn begin(world: &mut World, segment: &str, call: &Call) -> Answer {
    let form = call.form();
    let checked = Tenant::parse(segment).and_then(|_| {
        let client_id = form.get("client_id").ok_or_else(|| EntraError::of("missing_parameter"))?;
        let app = world.app(client_id).ok_or_else(|| EntraError::of("unknown_app"))?.clone();
        let scopes = scopes::parse(&app, form.get("scope").unwrap_or_default())?;
        Ok((app, scopes))
    });
    let (app, scopes) = match checked {
        Ok(checked) => checked,
        Err(error) => return error.answer(world),
    };
    let device_code = world.random.opaque("D", 150);
    let user_code = world.random.user_code();
    let verification_uri = format!("{}/devicelogin", world.urls.login);
    let message = format!(
        "To sign in, use a web browser to open the page {verification_uri} and enter the code {user_code} to authenticate."
    );
    let record = DeviceCode {
        user_code: user_code.clone(),
        client_id: app.client_id,
        tenant: segment.to_owned(),
        scopes,
        claims: form.get("claims").map(str::to_owned),
        expires: world.now().plus(LIFETIME),
        last_poll: None,
        state: DeviceState::Pending,
    };
    world.devices.insert(device_code.clone(), record);
    Answer::json(
        200,
        &json!({
            "user_code": user_code, "device_code": device_code, "verification_uri": verification_uri,
            "expires_in": LIFETIME, "interval": INTERVAL, "message": message,
        }),
    )
}

/// The page where a person types the code.
pub(super) fn show(world: &World, call: &Call) -> Answer {
    Answer::html(200, page::device(world, call.parameter("otc").unwrap_or_default()))
}

/// That page's form.
pub(super) fn submit(world: &mut World, call: &Call) -> Answer {
    let form = call.form();
    let code = form.get("user_code").unwrap_or_default().trim().to_uppercase();
    let done = if form.get("action") == Some("cancel") {
        deny(world, &code)
    } else {
        approve(world, &code, form.get("user").unwrap_or_default())
    };
    match done {
        Ok(()) => Answer::html(200, page::message("You are done", "You may close this window.")),
        Err(text) => Answer::html(400, page::message("Sign in to your device", &text)),
    }
}

/// Lets `user` sign in the device that shows `user_code`.
pub(crate) fn approve(world: &mut World, user_code: &str, user: &str) -> Result<(), String> {
    if !world.users.contains_key(user) {
        return Err(format!("there is no user `{user}`"));
    }
    signed_in(world, user);
    settle(world, user_code, DeviceState::Approved(user.to_owned()))
}

/// Refuses the device that shows `user_code`.
pub(crate) fn deny(world: &mut World, user_code: &str) -> Result<(), String> {
    settle(world, user_code, DeviceState::Denied)
}

fn settle(world: &mut World, user_code: &str, state: DeviceState) -> Result<(), String> {
    let device = world
        .devices
        .values_mut()
        .find(|device| device.user_code == user_code && device.state == DeviceState::Pending)
        .ok_or_else(|| "that code did not work: check it and try again".to_owned())?;
    device.state = state;
    Ok(())
}

/// The device grant of the token endpoint: one poll.
pub(super) fn redeem(world: &mut World, app: &App, form: &Form) -> Result<Answer, EntraError> {
    let now = world.now();
    let slow_down = world.switches.slow_down;
    let blocked = world.switches.device_code_blocked;
    let value = form.get("device_code").ok_or_else(|| EntraError::of("missing_parameter"))?;
    let device = world.devices.get_mut(value).ok_or_else(|| EntraError::of("bad_verification_code"))?;
    if device.client_id != app.client_id {
        return Err(EntraError::of("bad_verification_code"));
    }
    if device.expires <= now {
        return Err(EntraError::of("expired_token"));
    }
    let too_fast = device.last_poll.is_some_and(|last| now < last.plus(INTERVAL - 1));
    device.last_poll = Some(now);
    let user = match &device.state {
        DeviceState::Pending if too_fast && slow_down => return Err(EntraError::of("slow_down")),
        DeviceState::Pending => return Err(EntraError::of("authorization_pending")),
        DeviceState::Denied => return Err(EntraError::of("authorization_declined")),
        DeviceState::Redeemed => return Err(EntraError::of("code_reused")),
        DeviceState::Approved(user) => user.clone(),
    };
    if blocked {
        return Err(EntraError::of("message_only").with_claims(policy_claims(super::authorize::MFA_POLICY)));
    }
    device.state = DeviceState::Redeemed;
    let (segment, scopes, claims) = (device.tenant.clone(), device.scopes.clone(), device.claims.clone());
    let user = world.users.get(&user).cloned().ok_or_else(|| EntraError::of("not_in_tenant"))?;
    let tenant = Tenant::parse(&segment)?.of(&user)?;
    // The person stood at the page, so a second factor was at hand: only the lasting blocks remain.
    if let Some(error) = silent_refusal(user.state, Some(super::authorize::MFA_POLICY)) {
        return Err(error);
    }
    let claims = claims.or_else(|| form.get("claims").map(str::to_owned));
    let sign_in =
        SignIn { client_id: app.client_id.clone(), user: user.name, tenant, scopes, claims, nonce: None };
    Ok(issue::tokens(world, &grant_of(app, &sign_in, form)))
}

/// Is this poll of a pending code earlier than its interval allows?
pub(crate) fn polls_too_early(world: &World, form: &Form) -> bool {
    let device = form.get("device_code").and_then(|code| world.devices.get(code));
    device.and_then(|device| device.last_poll).is_some_and(|last| world.now() < last.plus(INTERVAL - 1))
}
