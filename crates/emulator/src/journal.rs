//! What happened: every request, every mail, every rule that a client broke.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{
    answer::Answer,
    call::{Call, Credential},
    clock::Time,
    control::{Exchange, LoggedRequest, Mail, Rules},
    host::Host,
    login,
    random::hex,
    world::{Pat, World},
};

/// The record of one run.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    pub(crate) requests: Vec<LoggedRequest>,
    pub(crate) mail: Vec<Mail>,
    pub(crate) violations: Vec<String>,
    pub(crate) rules: Rules,
    /// Whether exchanges are kept whole.
    pub(crate) recording: bool,
    /// By place in the log.
    pub(crate) exchanges: BTreeMap<usize, Exchange>,
    /// Refresh tokens being redeemed right now, by application, person and tenant.
    redeeming: BTreeMap<String, u32>,
    /// Routes that were told to wait, and until when.
    waits: BTreeMap<String, Time>,
}

/// What kind of credential a request carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CredentialKind {
    /// None.
    None,
    /// Basic with a personal access token that the emulator knows.
    Pat,
    /// Basic with an Entra access token that the emulator knows.
    BasicEntra,
    /// Basic with anything else.
    Basic,
    /// Bearer.
    Bearer,
    /// An `Authorization` header that cannot be read.
    Unreadable,
}

impl Journal {
    pub(crate) fn violate(&mut self, text: String) {
        if !self.violations.contains(&text) {
            self.violations.push(text);
        }
    }

    pub(crate) fn mail_creation(&mut self, now: Time, to: &str, pat: &Pat) {
        self.mail.push(Mail {
            to: to.to_owned(),
            at: now.seconds(),
            subject: format!("[Azure DevOps] A personal access token was added: {}", pat.display_name),
            authorization_id: pat.authorization_id.clone(),
        });
    }

    /// Rules on what a client may ask to be created, whether it is granted or not.
    pub(crate) fn check_creation(&mut self, now: Time, body: &Value) {
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
        if text("scope").split(' ').any(|scope| scope == crate::scope::FULL) {
            self.violate(format!("a token with full scope was asked for: `{}`", text("displayName")));
        }
        if body.get("allOrgs").and_then(Value::as_bool) == Some(true) {
            self.violate(format!("a token for all organisations was asked for: `{}`", text("displayName")));
        }
        let Some(longest) = self.rules.longest_lifetime else { return };
        match Time::parse(text("validTo")) {
            Some(end) if end <= now.plus(longest) => {}
            Some(_) => self.violate(format!("a token of more than {longest} s was asked for")),
            None => self.violate("a token without an end was asked for".to_owned()),
        }
    }

    /// Counts a redemption in; more than one at a time for one account breaks the rules.
    pub(crate) fn begin_redemption(&mut self, key: &str) {
        let running = self.redeeming.entry(key.to_owned()).or_default();
        *running += 1;
        if *running > 1 {
            self.violate(format!("refresh tokens were redeemed at the same time for {key}"));
        }
    }

    pub(crate) fn end_redemption(&mut self, key: &str) {
        if let Some(running) = self.redeeming.get_mut(key) {
            *running = running.saturating_sub(1);
        }
    }

    /// Writes down which fault met a request.
    pub(crate) fn note_fault(&mut self, sequence: usize, action: String) {
        if let Some(request) = self.requests.get_mut(sequence) {
            request.fault = Some(action);
        }
    }

    /// Remembers an answer's `Retry-After` in seconds.
    fn told_to_wait(&mut self, sequence: usize, until: Time) {
        if let Some(request) = self.requests.get(sequence) {
            self.waits.insert(route(request.host, &request.method, &request.path), until);
        }
    }
}

fn route(host: Host, method: &str, path: &str) -> String {
    format!("{method} {host:?} {}", path.to_lowercase())
}

/// Seconds before a token's end at which its owner is reminded.
const REMINDER: i64 = 7 * 86_400;

/// Creation mails as they were sent, and the reminders that are due by now.
pub(crate) fn mail(world: &World) -> Vec<Mail> {
    let now = world.now();
    let due = |pat: &&Pat| {
        let at = pat.valid_to.plus(-REMINDER);
        pat.listed && !pat.by_control && at > pat.created && at <= now && !pat.is_revoked(at)
    };
    let reminders = world.pats.iter().filter(due).map(|pat| Mail {
        to: world.users.get(&pat.owner).map(|user| user.upn.clone()).unwrap_or_default(),
        at: pat.valid_to.plus(-REMINDER).seconds(),
        subject: format!("[Azure DevOps] A personal access token expires soon: {}", pat.display_name),
        authorization_id: pat.authorization_id.clone(),
    });
    world.journal.mail.iter().cloned().chain(reminders).collect()
}

/// Completes a log entry with its answer.
pub(crate) fn end(world: &mut World, sequence: usize, answer: &Answer) {
    let now = world.now();
    if let Some(request) = world.journal.requests.get_mut(sequence) {
        request.status = Some(answer.status.as_u16());
    }
    let retry = answer.headers.get("retry-after").and_then(|value| value.to_str().ok());
    if let Some(seconds) = retry.and_then(|value| value.parse().ok()) {
        world.journal.told_to_wait(sequence, now.plus(seconds));
    }
}

/// Keeps the whole exchange, when a test asked for that.
pub(crate) fn keep(world: &mut World, sequence: usize, call: &Call, answer: &Answer) {
    let at = world.now().seconds();
    if !world.journal.recording || call.host == Host::Ctl {
        return;
    }
    let query = if call.raw_query.is_empty() { String::new() } else { format!("?{}", call.raw_query) };
    let exchange = Exchange {
        at,
        authority: call.authority.clone(),
        method: call.method.to_string(),
        target: format!("{}{query}", call.path),
        headers: texts(&call.headers),
        body: call.body.to_vec(),
        status: answer.status.as_u16(),
        answer_headers: texts(&answer.headers),
        answer_body: answer.whole().map(|body| body.to_vec()).unwrap_or_default(),
    };
    world.journal.exchanges.insert(sequence, exchange);
}

fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect()
}

/// Writes a request down and checks it against the rules. Gives its place in the log.
pub(crate) fn begin(world: &mut World, call: &Call) -> usize {
    let now = world.now();
    let entry = entry(world, call);
    check(world, call, &entry, now);
    world.journal.requests.push(entry);
    world.journal.requests.len() - 1
}

fn entry(world: &World, call: &Call) -> LoggedRequest {
    let form = call.form();
    let is_token = call.host == Host::Login;
    let headers = call
        .headers
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "authorization" | "cookie" | "x-nuget-apikey"));
    let kind = match &call.credential {
        Credential::None => CredentialKind::None,
        Credential::Unreadable => CredentialKind::Unreadable,
        Credential::Bearer(_) => CredentialKind::Bearer,
        Credential::Basic { password, .. } if world.pats.iter().any(|pat| &pat.token == password) => {
            CredentialKind::Pat
        }
        Credential::Basic { password, .. } if world.access_tokens.contains_key(password) => {
            CredentialKind::BasicEntra
        }
        Credential::Basic { .. } => CredentialKind::Basic,
    };
    LoggedRequest {
        at: world.now().seconds(),
        host: call.host,
        authority: call.authority.clone(),
        method: call.method.to_string(),
        path: call.path.clone(),
        query: call.raw_query.clone(),
        headers: headers
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect(),
        body_bytes: call.body.len(),
        body_sha256: hex(&Sha256::digest(&call.body)),
        credential: kind,
        api_key: call.header("x-nuget-apikey").map(|secret| match world.gallery.find(secret) {
            Some(at) => world.gallery.keys[at].number.to_string(),
            None => "other".to_owned(),
        }),
        organisation: (!matches!(call.host, Host::Login | Host::Nuget | Host::Arm))
            .then(|| call.segments.first().cloned())
            .flatten(),
        grant: is_token.then(|| form.get("grant_type").map(str::to_owned)).flatten(),
        status: None,
        fault: None,
    }
}

fn check(world: &mut World, call: &Call, entry: &LoggedRequest, now: Time) {
    let what = format!("{} {:?} {}", entry.method, entry.host, entry.path);
    if matches!(call.host, Host::Evil | Host::Ctl) && carries_secret(world, call) {
        world.journal.violate(format!("a credential was sent to {what}"));
    }
    if call.host != Host::Nuget && entry.api_key.as_ref().is_some_and(|key| key != "other") {
        world.journal.violate(format!("a nuget.org key was sent to {what}"));
    }
    if call.host == Host::Nuget
        && matches!(entry.credential, CredentialKind::Pat | CredentialKind::BasicEntra)
    {
        world.journal.violate(format!("an Azure DevOps credential was sent to {what}"));
    }
    let address = format!("{}?{}", call.path, call.raw_query);
    if world.secrets().iter().any(|secret| address.contains(secret.as_str())) {
        world.journal.violate(format!("a secret stood in the URL of {} {:?}", entry.method, entry.host));
    }
    if !matches!(call.host, Host::Login | Host::Vssps) {
        return;
    }
    let this_route = route(entry.host, &entry.method, &entry.path);
    if world.journal.rules.respect_retry_after
        && world.journal.waits.get(&this_route).is_some_and(|until| now < *until)
    {
        world.journal.violate(format!("{what} came before its Retry-After was over"));
    }
    let recent = world.journal.requests.iter().rev().take_while(|old| old.at > now.seconds() - 60);
    let recent = recent.filter(|old| route(old.host, &old.method, &old.path) == this_route).count();
    if world.journal.rules.requests_per_minute.is_some_and(|most| recent >= most) {
        world.journal.violate(format!("more than {recent} requests in a minute to {what}"));
    }
    let polls = entry.grant.as_deref().is_some_and(|grant| grant.ends_with("device_code"));
    if polls && world.journal.rules.device_poll_interval && login::polls_too_early(world, &call.form()) {
        world.journal.violate("a device code was polled faster than its interval".to_owned());
    }
}

fn carries_secret(world: &World, call: &Call) -> bool {
    let body = String::from_utf8_lossy(&call.body);
    // The control host is told which token to revoke; that is the test speaking, not a client.
    let in_body =
        call.host == Host::Evil && world.secrets().iter().any(|secret| body.contains(secret.as_str()));
    // A build asks for its identity token with its own secret.
    let asks_identity = call.host == Host::Ctl
        && matches!(&call.credential, Credential::Bearer(secret) if world.oidc.knows_job(secret));
    (call.credential != Credential::None && !asks_identity) || call.headers.contains_key("cookie") || in_body
}
