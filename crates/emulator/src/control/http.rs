//! The control host's routes, and the hostile host.

use std::sync::Arc;

use http::Method;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{handle::Control, publishing, records::Rules};
use crate::{
    answer::Answer, call::Call, fault::Fault, oidc, server::Shared, switches::Switches, world::UserState,
};

/// One request to the control host: JSON in, JSON out.
pub(crate) fn http(shared: &Arc<Shared>, call: &Call) -> Answer {
    if call.segments == ["oidc", "token"] {
        return oidc::github(&mut shared.world(), call);
    }
    let control = Control::new(Arc::clone(shared));
    let path = call.segments.join("/").to_lowercase();
    let outcome = match call.method {
        Method::GET => read(&control, shared, &path),
        Method::POST => write(&control, shared, &path, &call.body),
        _ => Err("GET or POST".to_owned()),
    };
    match outcome {
        Ok(value) => Answer::json(200, &value),
        Err(error) => Answer::json(400, &json!({"error": error})),
    }
}

fn read(control: &Control, shared: &Shared, path: &str) -> Result<Value, String> {
    match path {
        "" | "urls" => shown(&shared.world().urls),
        "clock" => Ok(json!({"now": control.now()})),
        "log" => shown(&control.requests()),
        "mail" => shown(&control.mail()),
        "secrets" => shown(&control.secrets()),
        "violations" => shown(&control.violations()),
        "pats" => shown(&control.pats()),
        "live-pats" => shown(&control.live_pats()),
        "packages" => shown(&control.packages()),
        "nuget-keys" => shown(&control.nuget_keys()),
        "devices" => shown(&control.pending_devices()),
        "switches" => shown(&shared.world().switches),
        "rules" => shown(&shared.world().journal.rules),
        _ => Err(format!("there is no `{path}` to read")),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum ClockChange {
    Set(i64),
    Advance(i64),
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct UserChange {
    user: String,
    state: UserState,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct DeviceAnswer {
    user_code: String,
    user: Option<String>,
    #[serde(default)]
    deny: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Who {
    user: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Which {
    authorization_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct NewPat {
    user: String,
    org: String,
    scope: String,
    seconds: i64,
}

pub(super) fn write(control: &Control, shared: &Shared, path: &str, body: &[u8]) -> Result<Value, String> {
    let text = |error: anyhow::Error| format!("{error:#}");
    match path {
        "clock" => match parsed(body)? {
            ClockChange::Set(seconds) => control.set_clock(seconds),
            ClockChange::Advance(seconds) => control.advance(seconds),
        },
        "users" => {
            let UserChange { user, state } = parsed(body)?;
            control.set_user_state(&user, state).map_err(text)?;
        }
        "signin-as" => match parsed::<Who>(body)?.user {
            Some(user) => control.set_user(&user),
            None => control.show_sign_in_page(),
        },
        "approve-device" => {
            let answer: DeviceAnswer = parsed(body)?;
            match (answer.deny, answer.user) {
                (true, _) => control.deny_device(&answer.user_code),
                (false, Some(user)) => control.approve_device_as(&answer.user_code, &user),
                (false, None) => control.approve_device(&answer.user_code),
            }
            .map_err(text)?;
        }
        "revoke-sessions" => {
            control.revoke_sessions(&parsed::<Who>(body)?.user.ok_or("`user` is missing")?);
        }
        "challenge-claims" => {
            let user = parsed::<Who>(body)?.user.ok_or("`user` is missing")?;
            return shown(&control.challenge_claims(&user, false).map_err(text)?);
        }
        "mint" => {
            let NewPat { user, org, scope, seconds } = parsed(body)?;
            let (id, token) = control.mint(&user, &org, &scope, seconds).map_err(text)?;
            return Ok(json!({"authorization-id": id, "token": token}));
        }
        "revoke-pat" => control.revoke_pat(&parsed::<Which>(body)?.authorization_id).map_err(text)?,
        "expire-pat" => control.expire_pat(&parsed::<Which>(body)?.authorization_id).map_err(text)?,
        "fault" => control.fault(parsed::<Fault>(body)?),
        "clear-faults" => control.clear_faults(),
        "release" => control.release(),
        "switches" => {
            let switches: Switches = merged(&shared.world().switches, body)?;
            shared.world().switches = switches;
        }
        "rules" => {
            let rules: Rules = merged(&shared.world().journal.rules, body)?;
            shared.world().journal.rules = rules;
        }
        "reset" => shared.reset(),
        _ => match path.strip_prefix("policy/") {
            Some(org) => control.set_policy(org, parsed(body)?).map_err(text)?,
            None => return publishing::write(control, path, body),
        },
    }
    Ok(json!({}))
}

pub(super) fn parsed<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(if body.is_empty() { b"{}" } else { body }).map_err(|error| error.to_string())
}

pub(super) fn shown<T: Serialize>(value: &T) -> Result<Value, String> {
    serde_json::to_value(value).map_err(|error| error.to_string())
}

/// The fields that the body names, over those that stand.
fn merged<T: Serialize + DeserializeOwned>(standing: &T, body: &[u8]) -> Result<T, String> {
    let mut document = shown(standing)?;
    let change: serde_json::Map<String, Value> = parsed(body)?;
    for (name, value) in change {
        document[name] = value;
    }
    serde_json::from_value(document).map_err(|error| error.to_string())
}

/// The hostile host: it names itself as everything, and whatever secret arrives here is in the violations.
pub(crate) fn evil(shared: &Shared, call: &Call) -> Answer {
    let (own, organisation) = {
        let world = shared.world();
        (world.urls.evil.clone(), call.segments.first().cloned().unwrap_or_default())
    };
    Answer::empty(401)
        .header("www-authenticate", &format!("Bearer authorization_uri={own}/common"))
        .header("www-authenticate", &format!("Basic realm=\"{own}/\""))
        .header("x-vss-resourcetenant", crate::world::TENANT_HOME)
        .header("x-vss-authorizationendpoint", &format!("{own}/{organisation}/"))
}
