//! The managed identity of a server elsewhere that Azure Arc connects (Microsoft: "Authenticate against Azure resources
//! with Azure Arc-enabled servers"): who asks must show that it can read a file on the machine.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::json;

use crate::{
    answer::Answer,
    call::Call,
    imds,
    world::{MANAGED_IDENTITY, World},
};

/// Where an agent listens, on loopback.
pub(crate) const PORT: u16 = 40342;

/// An agent: where it puts keys, and those that nobody has shown yet.
#[derive(Debug, Clone, Default)]
pub(crate) struct Arc {
    folder: Option<PathBuf>,
    keys: BTreeMap<String, PathBuf>,
    shown: Vec<String>,
}

impl Arc {
    /// The machine is connected from now on.
    pub(crate) fn connect(&mut self, folder: &Path) {
        self.folder = Some(folder.to_owned());
    }

    pub(crate) fn secrets(&self) -> impl Iterator<Item = &String> {
        self.keys.keys().chain(&self.shown)
    }
}

/// Whether a request is for an agent, and not for the metadata service of a virtual machine.
pub(crate) fn is_for(call: &Call) -> bool {
    call.authority.ends_with(&format!(":{PORT}"))
}

/// `GET /metadata/identity/oauth2/token`, first without a key and then with one.
pub(crate) fn handle(world: &mut World, call: &Call) -> Answer {
    let bad = |text: &str| Answer::json(400, &json!({"error": "invalid_request", "error_description": text}));
    if world.machines.arc.folder.is_none() || call.path != "/metadata/identity/oauth2/token" {
        return Answer::json(404, &json!({"error": "not_found", "error_description": "no such endpoint"}));
    }
    if call.header("metadata") != Some("true") {
        return bad("Required metadata header not specified");
    }
    if !matches!(call.parameter("api-version"), Some("2019-11-01" | "2020-06-01")) {
        return bad("api-version is not supported");
    }
    let shown = call.header("authorization").and_then(|value| value.strip_prefix("Basic "));
    let arc = &mut world.machines.arc;
    let Some((key, file)) = shown.and_then(|key| arc.keys.remove_entry(key)) else { return challenge(world) };
    arc.shown.push(key);
    // Good for one answer; whoever took the file away has seen to it.
    drop(fs::remove_file(file));
    let asked = call.parameter("client_id");
    if world.switches.arc_own_identity_only {
        return imds::token(world, call, None);
    }
    match asked {
        Some(asked) if !asked.eq_ignore_ascii_case(MANAGED_IDENTITY) => Answer::json(
            400,
            &json!({"error": "identity_not_found", "error_description": "Identity not found"}),
        ),
        asked => imds::token(world, call, asked.map(|_| MANAGED_IDENTITY)),
    }
}

fn challenge(world: &mut World) -> Answer {
    let (name, key) = (world.random.guid(), world.random.opaque("", 96));
    let arc = &mut world.machines.arc;
    let file = arc.folder.clone().unwrap_or_default().join(format!("{name}.key"));
    if let Err(error) = fs::write(&file, &key) {
        return Answer::json(500, &json!({"error": "internal", "error_description": error.to_string()}));
    }
    let realm = format!("Basic realm={}", file.display());
    arc.keys.insert(key, file);
    Answer::empty(401).header("www-authenticate", &realm)
}
