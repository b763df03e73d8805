//! Entra's error answers (Microsoft: "Microsoft Entra authentication and authorization error codes").

use serde_json::{Value, json};

use super::refusals::TABLE;
use crate::{answer::Answer, world::World};

/// One refusal of the token or device code endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EntraError {
    pub(crate) status: u16,
    pub(crate) error: &'static str,
    pub(crate) suberror: Option<&'static str>,
    pub(crate) code: u32,
    pub(crate) text: String,
    /// A JSON document as text, as Entra sends it.
    pub(crate) claims: Option<String>,
}

impl EntraError {
    /// The error of that name in the table; `None` when there is none.
    pub(crate) fn find(name: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.0 == name).map(|&(_, error, suberror, code, text)| Self {
            status: match error {
                "invalid_client" => 401,
                "temporarily_unavailable" => 503,
                _ => 400,
            },
            error,
            suberror: (!suberror.is_empty()).then_some(suberror),
            code,
            text: text.to_owned(),
            claims: None,
        })
    }

    /// The error of that name, which the emulator's own code spells right.
    pub(crate) fn of(name: &str) -> Self {
        let unknown = || Self {
            status: 500,
            error: "server_error",
            suberror: None,
            code: 90100,
            text: format!("the emulator has no error named `{name}`"),
            claims: None,
        };
        Self::find(name).unwrap_or_else(unknown)
    }

    pub(crate) fn with_claims(mut self, claims: impl Into<String>) -> Self {
        self.claims = Some(claims.into());
        self
    }

    /// The nine-field answer.
    pub(crate) fn answer(&self, world: &mut World) -> Answer {
        let trace = world.random.guid();
        let correlation = world.random.guid();
        let stamp = world.now().entra();
        let mut body = json!({
            "error": self.error,
            "error_description": format!(
                "AADSTS{}: {}\r\nTrace ID: {trace}\r\nCorrelation ID: {correlation}\r\nTimestamp: {stamp}",
                self.code, self.text
            ),
            "error_codes": [self.code],
            "timestamp": stamp,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": format!("{}/error?code={}", world.urls.login, self.code),
        });
        if let Some(suberror) = self.suberror {
            body["suberror"] = Value::from(suberror);
        }
        if let Some(claims) = &self.claims {
            body["claims"] = Value::from(claims.as_str());
        }
        let telemetry = format!("1,{},0,,", self.code);
        Answer::json(self.status, &body).header("x-ms-clitelem", &telemetry)
    }
}

/// The claims that name a Conditional Access policy, as Entra sends them with a refusal.
pub(crate) fn policy_claims(policy: &str) -> String {
    json!({"access_token": {"capolids": {"essential": true, "values": [policy]}}}).to_string()
}

/// What every answer of Entra carries.
pub(crate) fn with_common_headers(world: &mut World, mut answer: Answer) -> Answer {
    answer.set("cache-control", "no-store, no-cache");
    answer.set("pragma", "no-cache");
    let request_id = world.random.guid();
    answer.set("x-ms-request-id", &request_id);
    answer.set("x-ms-ests-server", "2.1.0 - EMULATOR");
    // Not Entra's `Strict-Transport-Security`: on `localhost` it would bind every other service of the machine.
    answer
        .header("set-cookie", "fpc=emulator; path=/; secure; HttpOnly; SameSite=None")
        .header("set-cookie", "stsservicecookie=estsfd; path=/; secure; HttpOnly; SameSite=None")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_there_once() {
        for row in TABLE {
            assert_eq!(TABLE.iter().filter(|other| other.0 == row.0).count(), 1, "{}", row.0);
        }
        assert_eq!(EntraError::of("nonsense").status, 500);
        assert_eq!(EntraError::of("not_public").status, 401);
    }
}
