//! Faults: which requests they meet, and what they do to them.

mod action;
mod apply;

pub use action::Action;
pub(crate) use apply::apply;

use serde::{Deserialize, Serialize};

use crate::{call::Call, host::Host, world::World};

/// A fault and the requests that it meets; every field that is set must match.
///
/// ```
/// use valetkey_emulator::{Action, Fault, Host};
/// let fault = Fault::new(Action::ResetAfterCommit).host(Host::Vssps).method("POST").path("tokens/pats");
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Fault {
    /// What is done.
    pub action: Action,
    /// The virtual host.
    #[serde(default)]
    pub host: Option<Host>,
    /// The method.
    #[serde(default)]
    pub method: Option<String>,
    /// A part of the path, case ignored.
    #[serde(default)]
    pub path: Option<String>,
    /// The `grant_type` of a token request, or its end.
    #[serde(default)]
    pub grant: Option<String>,
    /// The organisation in the path.
    #[serde(default)]
    pub org: Option<String>,
    /// The first matching request that is hit, counted from 1.
    #[serde(default = "one")]
    pub nth: u32,
    /// How many are hit; `None`: all from then on.
    #[serde(default)]
    pub count: Option<u32>,
}

fn one() -> u32 {
    1
}

impl Fault {
    /// A fault that meets every request except those to the control host, once.
    pub fn new(action: Action) -> Self {
        Self { action, host: None, method: None, path: None, grant: None, org: None, nth: 1, count: Some(1) }
    }

    /// Only requests to this host.
    #[must_use]
    pub fn host(mut self, host: Host) -> Self {
        self.host = Some(host);
        self
    }

    /// Only requests of this method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Only requests whose path holds this text, case ignored.
    #[must_use]
    pub fn path(mut self, part: &str) -> Self {
        self.path = Some(part.to_owned());
        self
    }

    /// Only token requests of this grant, for example `refresh_token` or `device_code`.
    #[must_use]
    pub fn grant(mut self, grant: &str) -> Self {
        self.grant = Some(grant.to_owned());
        self
    }

    /// Only requests for this organisation.
    #[must_use]
    pub fn org(mut self, org: &str) -> Self {
        self.org = Some(org.to_owned());
        self
    }

    /// Lets the first `nth - 1` matching requests pass.
    #[must_use]
    pub fn nth(mut self, nth: u32) -> Self {
        self.nth = nth;
        self
    }

    /// Hits this many requests.
    #[must_use]
    pub fn times(mut self, count: u32) -> Self {
        self.count = Some(count);
        self
    }

    /// Hits every matching request until the faults are cleared.
    #[must_use]
    pub fn always(mut self) -> Self {
        self.count = None;
        self
    }

    fn matches(&self, call: &Call) -> bool {
        let grant = || call.form().get("grant_type").map(str::to_owned);
        self.host.is_none_or(|host| host == call.host)
            && self.method.as_ref().is_none_or(|method| call.method.as_str().eq_ignore_ascii_case(method))
            && self.path.as_ref().is_none_or(|part| call.path.to_lowercase().contains(&part.to_lowercase()))
            && self
                .grant
                .as_ref()
                .is_none_or(|wanted| grant().is_some_and(|held| held.ends_with(wanted.as_str())))
            && self
                .org
                .as_ref()
                .is_none_or(|org| call.segments.first().is_some_and(|first| first.eq_ignore_ascii_case(org)))
    }
}

/// A fault and how often it was met.
#[derive(Debug)]
pub(crate) struct FaultRule {
    pub(crate) fault: Fault,
    pub(crate) met: u32,
}

/// The action for this request, if any; rules are tried in the order they were set.
pub(crate) fn take(world: &mut World, call: &Call) -> Option<Action> {
    if call.host == Host::Ctl {
        return None;
    }
    for rule in &mut world.faults {
        if !rule.fault.matches(call) {
            continue;
        }
        rule.met += 1;
        let first = rule.fault.nth.max(1);
        let hit = rule.met >= first && rule.fault.count.is_none_or(|count| rule.met - first < count);
        if hit {
            return Some(rule.fault.action.clone());
        }
    }
    None
}
