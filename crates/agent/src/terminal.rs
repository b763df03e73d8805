//! Whether a program runs where somebody reads what it prints.

/// Whether a process has a controlling terminal. Where that cannot be known, it has: nobody is called then.
pub(crate) fn has_terminal(pid: u32) -> bool {
    !cfg!(target_os = "linux")
        || std::fs::read_to_string(format!("/proc/{pid}/stat"))
            .ok()
            .and_then(|stat| terminal(&stat))
            .is_none_or(|terminal| terminal != 0)
}

/// Field 7 of `/proc/PID/stat` (proc(5)). The name in field 2 may hold spaces and brackets.
fn terminal(stat: &str) -> Option<i64> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_ascii_whitespace().nth(4)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_terminal_is_found_behind_any_name() {
        assert_eq!(terminal("7 (a) b) (c 1 1 1 99) S 1 7 7 34816 7 4194560"), Some(34816));
        assert_eq!(terminal("7 (git) S 1 7 7 0 -1 4194560"), Some(0));
        for broken in ["", "7 (git", "7 (git) S 1", "7 (git) S 1 7 7 x"] {
            assert_eq!(terminal(broken), None, "{broken}");
        }
        assert!(has_terminal(u32::MAX), "nothing is known of it");
    }
}
