//! Revoking several tokens: whatever happens, what became of each is told.

use insta::assert_snapshot;
use valetkey_protocol::{Answer, PatStatus, Reason, Revoked};

use super::{ci, page, pat};
use crate::harness::Run;

fn three() -> Vec<PatStatus> {
    vec![ci(), pat("d2d2d2d2", "oth\u{1b}er", "vso.code", 1), pat("e3e3e3e3", "third", "vso.code", 1)]
}

/// A run that has looked for `tokens` names in the list of three.
fn run(command_line: &str, tokens: usize) -> Run {
    (0..tokens).fold(Run::new(command_line), |run, _| run.answer(page(three(), None)))
}

fn one() -> Answer {
    Answer::Revoked(Revoked { revoked: 1, ..Revoked::default() })
}

#[test]
fn all_of_them() {
    assert_snapshot!(run("pat revoke ci d2d2", 2).answer(one()).answer(one()).shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"pat","do":"list","filter":"active","descending":false}
    asked: OnDemand {"type":"pat","do":"list","filter":"active","descending":false}
    asked: OnDemand {"type":"pat","do":"revoke","organisation":"contoso","id":"c1c1c1c1-0000-4000-8000-000000000001"}
    asked: OnDemand {"type":"pat","do":"revoke","organisation":"contoso","id":"d2d2d2d2-0000-4000-8000-000000000001"}
    ----- stdout -----
    2 keys revoked
    "#);
    assert_snapshot!(run("pat revoke ci third --json", 2).answer(one()).answer(one()).made().out, @r#"
    {
      "revoked": [
        {
          "id": "c1c1c1c1-0000-4000-8000-000000000001",
          "name": "ci",
          "organisation": "contoso"
        },
        {
          "id": "e3e3e3e3-0000-4000-8000-000000000001",
          "name": "third",
          "organisation": "contoso"
        }
      ],
      "pending": [],
      "failed": null,
      "not_tried": []
    }
    "#);
}

#[test]
fn one_in_the_middle_fails() {
    let fails = |run: Run| {
        run.answer(one()).refuse(
            Reason::Unavailable,
            "Azure DevOps has a fault (503)",
            "try again in a minute",
        )
    };
    assert_snapshot!(fails(run("pat revoke ci d2d2 third", 3)).shown(), @r#"
    exit: 1 (Refused)
    asked: OnDemand {"type":"pat","do":"list","filter":"active","descending":false}
    asked: OnDemand {"type":"pat","do":"list","filter":"active","descending":false}
    asked: OnDemand {"type":"pat","do":"list","filter":"active","descending":false}
    asked: OnDemand {"type":"pat","do":"revoke","organisation":"contoso","id":"c1c1c1c1-0000-4000-8000-000000000001"}
    asked: OnDemand {"type":"pat","do":"revoke","organisation":"contoso","id":"d2d2d2d2-0000-4000-8000-000000000001"}
    ----- stdout -----
    revoked: `ci` (c1c1c1c1)
    ----- stderr -----
    warning: failed: `oth�er` (d2d2d2d2)
    warning: not tried: `third` (e3e3e3e3)
    hint: the rest: `valetkey pat revoke --org contoso d2d2d2d2-0000-4000-8000-000000000001 e3e3e3e3-0000-4000-8000-000000000001`
    error: Azure DevOps has a fault (503)
    hint: try again in a minute
    "#);
    assert_snapshot!(fails(run("pat revoke ci d2d2 third --json", 3)).shown(), @r#"
    exit: 1 (Refused)
    asked: OnDemand {"type":"pat","do":"list","filter":"active","descending":false}
    asked: OnDemand {"type":"pat","do":"list","filter":"active","descending":false}
    asked: OnDemand {"type":"pat","do":"list","filter":"active","descending":false}
    asked: OnDemand {"type":"pat","do":"revoke","organisation":"contoso","id":"c1c1c1c1-0000-4000-8000-000000000001"}
    asked: OnDemand {"type":"pat","do":"revoke","organisation":"contoso","id":"d2d2d2d2-0000-4000-8000-000000000001"}
    ----- stdout -----
    {
      "revoked": [
        {
          "id": "c1c1c1c1-0000-4000-8000-000000000001",
          "name": "ci",
          "organisation": "contoso"
        }
      ],
      "pending": [],
      "failed": {
        "id": "d2d2d2d2-0000-4000-8000-000000000001",
        "name": "oth\u001ber",
        "organisation": "contoso",
        "sentence": "Azure DevOps has a fault (503)",
        "hints": [
          "try again in a minute"
        ]
      },
      "not_tried": [
        {
          "id": "e3e3e3e3-0000-4000-8000-000000000001",
          "name": "third",
          "organisation": "contoso"
        }
      ]
    }
    ----- stderr -----
    error: Azure DevOps has a fault (503)
    hint: try again in a minute
    "#);
}

#[test]
fn the_only_one_fails() {
    let run =
        run("pat revoke ci", 1).unreachable("the agent does not answer", "run `valetkey agent restart`");
    assert_snapshot!(run.shown(), @r#"
    exit: 3 (NoAgent)
    asked: OnDemand {"type":"pat","do":"list","filter":"active","descending":false}
    asked: OnDemand {"type":"pat","do":"revoke","organisation":"contoso","id":"c1c1c1c1-0000-4000-8000-000000000001"}
    ----- stderr -----
    error: the agent does not answer
    hint: run `valetkey agent restart`
    "#);
}

#[test]
fn one_is_still_to_be_revoked_by_the_agent() {
    let sentence = "`vssps.dev.azure.com` cannot be reached".to_owned();
    let later = || Answer::Revoked(Revoked { pending: 1, sentence: sentence.clone(), ..Revoked::default() });
    assert_snapshot!(run("pat revoke ci third", 2).answer(later()).answer(one()).shown(), @r#"
    exit: 1 (Refused)
    asked: OnDemand {"type":"pat","do":"list","filter":"active","descending":false}
    asked: OnDemand {"type":"pat","do":"list","filter":"active","descending":false}
    asked: OnDemand {"type":"pat","do":"revoke","organisation":"contoso","id":"c1c1c1c1-0000-4000-8000-000000000001"}
    asked: OnDemand {"type":"pat","do":"revoke","organisation":"contoso","id":"e3e3e3e3-0000-4000-8000-000000000001"}
    ----- stdout -----
    1 key revoked
    ----- stderr -----
    warning: 1 key could not be revoked yet: `vssps.dev.azure.com` cannot be reached
    hint: `valetkey status` shows what is left
    "#);
    assert_snapshot!(run("pat revoke ci --json", 1).answer(later()).shown(), @r#"
    exit: 1 (Refused)
    asked: OnDemand {"type":"pat","do":"list","filter":"active","descending":false}
    asked: OnDemand {"type":"pat","do":"revoke","organisation":"contoso","id":"c1c1c1c1-0000-4000-8000-000000000001"}
    ----- stdout -----
    {
      "revoked": [],
      "pending": [
        {
          "id": "c1c1c1c1-0000-4000-8000-000000000001",
          "name": "ci",
          "organisation": "contoso",
          "sentence": "`vssps.dev.azure.com` cannot be reached"
        }
      ],
      "failed": null,
      "not_tried": []
    }
    "#);
    let both =
        run("pat revoke ci third", 2).answer(later()).refuse(Reason::Unavailable, "a fault", "try again");
    assert_snapshot!(both.made().err, @"
    warning: not revoked yet, and tried again by the agent: `ci` (c1c1c1c1)
    warning: failed: `third` (e3e3e3e3)
    hint: the rest: `valetkey pat revoke --org contoso e3e3e3e3-0000-4000-8000-000000000001`
    error: a fault
    hint: try again
    ");
}

#[test]
fn a_name_that_is_mistyped_stops_all() {
    let run = run("pat revoke ci nonesuch", 2).answer(page(Vec::new(), None));
    assert_snapshot!(run.shown(), @r#"
    exit: 1 (Refused)
    asked: OnDemand {"type":"pat","do":"list","filter":"active","descending":false}
    asked: OnDemand {"type":"pat","do":"list","filter":"active","descending":false}
    asked: OnDemand {"type":"pat","do":"kept"}
    ----- stderr -----
    warning: none of them was revoked
    error: no token that works is called `nonesuch`
    hint: `valetkey pat list` shows names and ids; one that has ended is named by its whole id
    "#);
}
