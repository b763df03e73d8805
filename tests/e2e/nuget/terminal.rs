//! Running a client by way of another program: with a limit in time, or under a pseudo-terminal.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use valetkey_tests::Ran;

/// Seconds after which a build that still runs counts as hanging.
const LIMIT: &str = "300";

/// The same command, ended after a while.
pub(crate) fn limited(inner: &Command) -> Command {
    by_way_of(&["timeout", LIMIT], inner)
}

/// The same command by way of another program, in the same folder and with the same variables.
pub(crate) fn by_way_of(words: &[&str], inner: &Command) -> Command {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).arg(inner.get_program()).args(inner.get_args());
    like(&mut command, inner);
    command
}

/// The same command under a pseudo-terminal of its own (util-linux: script).
pub(crate) fn at_a_terminal(inner: &Command) -> Command {
    let words = std::iter::once(inner.get_program()).chain(inner.get_args());
    let line: Vec<_> =
        words.map(|word| format!("'{}'", word.to_string_lossy().replace('\'', r"'\''"))).collect();
    let mut command = Command::new("timeout");
    command.args([LIMIT, "script", "-qefc", &line.join(" "), "/dev/null"]);
    like(&mut command, inner);
    command.env("TERM", "xterm-256color").env("SHELL", "/bin/sh");
    // A terminal whose other end has closed is none.
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn like(command: &mut Command, other: &Command) {
    command.env_clear().stdin(Stdio::null());
    command.envs(other.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.current_dir(other.get_current_dir().unwrap_or(Path::new("/")));
}

/// Whether it came to an end of its own.
pub(crate) fn ended(ran: &Ran) -> bool {
    ran.output.status.code().is_some_and(|code| code != 124)
}

/// What .NET prints of an exception nobody caught.
pub(crate) fn has_a_stack_trace(text: &str) -> bool {
    text.lines().any(|line| line.trim_start().starts_with("at ") && line.contains('('))
}
