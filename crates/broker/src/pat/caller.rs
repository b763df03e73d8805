//! Whether the process that is to hand a value on is still there.

use valetkey_protocol::Caller;

/// Whether a process runs, and is the one that was meant: ids come again, starting times do not. Where this cannot be
/// told, it is taken to run.
pub(super) fn is_running(caller: Option<Caller>) -> bool {
    caller.is_some_and(runs)
}

/// proc(5): field 3 of `/proc/PID/stat` is the state, field 22 the start time. A name may hold spaces and brackets.
#[cfg(target_os = "linux")]
fn runs(caller: Caller) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{}/stat", caller.pid)) else { return false };
    let Some((_, rest)) = stat.rsplit_once(')') else { return false };
    let mut fields = rest.split_ascii_whitespace();
    let ended = fields.next().is_none_or(|state| matches!(state, "Z" | "X"));
    let started = fields.nth(18).and_then(|field| field.parse::<u64>().ok());
    !ended && (caller.started == 0 || started == Some(caller.started))
}

#[cfg(not(target_os = "linux"))]
fn runs(_: Caller) -> bool {
    true
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn this_process_runs_and_one_that_ended_does_not() {
        let pid = std::process::id();
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
        let started = stat.rsplit_once(')').unwrap().1.split_whitespace().nth(19).unwrap().parse().unwrap();
        assert!(is_running(Some(Caller { pid, started })));
        assert!(is_running(Some(Caller { pid, started: 0 })));
        assert!(!is_running(Some(Caller { pid, started: started + 1 })), "another one of that id");
        assert!(!is_running(None));
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let caller = Some(Caller { pid: child.id(), started: 0 });
        child.wait().unwrap();
        assert!(!is_running(caller));
    }
}
