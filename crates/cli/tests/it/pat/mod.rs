//! `valetkey pat` against a scripted agent.

mod audit;
mod browse;
mod make;
mod revoke;
mod sink;

use valetkey_protocol::{Answer, PatHeld, PatMade, PatSettled, PatStatus, PatValue, Pats};

use crate::harness::{NOW, Run};

const DAY: u64 = 86_400;

fn pat(id: &str, name: &str, scope: &str, days: u64) -> PatStatus {
    PatStatus {
        id: format!("{id}-0000-4000-8000-000000000001"),
        name: name.to_owned(),
        organisation: "contoso".to_owned(),
        scope: scope.to_owned(),
        created_at: NOW,
        expires_at: NOW + days * DAY,
        all_organisations: false,
        held: PatHeld::No,
    }
}

fn page(pats: Vec<PatStatus>, next: Option<&str>) -> Answer {
    Answer::Pats(Pats { pats, next: next.map(str::to_owned) })
}

fn made(pat: PatStatus) -> Answer {
    let asked_until = pat.expires_at;
    Answer::PatMade(PatMade { pat, ticket: Some("ticket".to_owned()), asked_until, settled: None })
}

fn value(pat: PatStatus) -> Answer {
    Answer::PatValue(PatValue { pat, secret: "canary".into() })
}

fn settled(revoked: u32, pending: u32, sentence: &str) -> Answer {
    Answer::PatSettled(PatSettled { revoked, pending, sentence: sentence.to_owned() })
}

fn ci() -> PatStatus {
    pat("c1c1c1c1", "ci", "vso.build", 30)
}

/// A whole creation, with what happens at its end left to the caller.
fn creation(more: &str) -> Run {
    Run::new(&format!("pat create ci --scope vso.build {more}")).answer(made(ci())).answer(value(ci()))
}
