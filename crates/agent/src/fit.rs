//! Answers that grow with what the agent holds are cut to a frame, the newest kept.

use valetkey_protocol::{Answer, FrameError, Reason, Refusal, encode};

/// The answer, or as much of it as one frame carries.
pub(crate) fn fit(mut answer: Answer) -> Answer {
    // Each round halves a list, so 32 rounds empty any.
    for _ in 0..32 {
        match encode(&answer) {
            Err(FrameError::TooLarge(_)) if cut(&mut answer) => {}
            Ok(_) => return answer,
            Err(_) => break,
        }
    }
    Answer::Refused(Refusal::new(Reason::Internal, "the answer is larger than a frame", ""))
}

/// Drops the older half of what can be dropped. False where nothing is left to drop.
fn cut(answer: &mut Answer) -> bool {
    match answer {
        Answer::Audit { records } => older_half(records),
        Answer::Keys { keys } => {
            keys.sort_by_key(|key| key.created_at);
            older_half(keys)
        }
        Answer::Status(report) => {
            report.keys.sort_by_key(|key| key.created_at);
            let cut = older_half(&mut report.keys)
                || older_half(&mut report.warnings)
                || older_half(&mut report.accounts);
            let told = "not everything fits into one answer; the newest is shown";
            if cut && !report.warnings.iter().any(|it| it == told) {
                report.warnings.push(told.to_owned());
            }
            cut
        }
        _ => false,
    }
}

fn older_half<T>(list: &mut Vec<T>) -> bool {
    let cut = list.len().div_ceil(2);
    list.drain(..cut);
    cut > 0
}

#[cfg(test)]
mod tests {
    use valetkey_protocol::{AuditRecord, Issuer, KeyStatus, MAX_FRAME, StatusReport};

    use super::*;

    fn keys(count: u64) -> Vec<KeyStatus> {
        (0..count)
            .rev()
            .map(|number| KeyStatus {
                id: number.to_string(),
                account: "alice@contoso.example".into(),
                organisation: "contoso".into(),
                scope: "vso.code".into(),
                created_at: number,
                expires_at: number + 1,
                handed_out: 1,
                display_name: "x".repeat(100),
                issuer: Issuer::Pat,
            })
            .collect()
    }

    fn size(answer: &Answer) -> usize {
        encode(answer).unwrap().len() - 4
    }

    #[test]
    fn what_fits_is_left_alone() {
        let Answer::Keys { keys } = fit(Answer::Keys { keys: keys(3) }) else { panic!() };
        assert_eq!(keys.iter().map(|key| key.created_at).collect::<Vec<_>>(), [2, 1, 0]);
    }

    #[test]
    fn the_newest_keys_are_kept() {
        let answer = fit(Answer::Keys { keys: keys(5000) });
        assert!(size(&answer) <= MAX_FRAME);
        let Answer::Keys { keys } = answer else { panic!("{answer:?}") };
        assert_eq!(keys.last().unwrap().created_at, 4999);
        assert!(keys.len() > 50);
    }

    #[test]
    fn status_says_that_it_was_cut() {
        let answer =
            fit(Answer::Status(Box::new(StatusReport { keys: keys(5000), ..StatusReport::default() })));
        assert!(size(&answer) <= MAX_FRAME);
        let Answer::Status(report) = answer else { panic!("{answer:?}") };
        assert_eq!(report.keys.last().unwrap().created_at, 4999);
        assert_eq!(report.warnings.len(), 1);
    }

    #[test]
    fn the_newest_audit_lines_are_kept() {
        let records =
            (0..9000).map(|it| AuditRecord { note: it.to_string(), ..AuditRecord::default() }).collect();
        let Answer::Audit { records } = fit(Answer::Audit { records }) else { panic!() };
        assert_eq!(records.last().unwrap().note, "8999");
    }
}
