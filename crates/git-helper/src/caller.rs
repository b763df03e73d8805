//! On whose behalf git asks, and for what: read off the processes above this one. It is a hint that chooses the
//! smaller key, never a right; whoever wants to deceive it gets what policy allows anyway.

use valetkey_protocol::{Caller, Operation};

use crate::{Process, Processes};

/// `git push` is four processes up at most; an alias or a wrapper adds a few.
const MAX_DEPTH: usize = 10;

/// Who calls, as far as can be told.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Calling {
    pub(crate) operation: Option<Operation>,
    pub(crate) caller: Option<Caller>,
}

/// What one process means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Stands between git and this helper for this question only.
    Between,
    /// A part of git that talks to the server for another part.
    Transport,
    /// Says what is being done.
    Doing(Operation),
    /// Nothing that tells.
    Other,
}

impl Calling {
    /// Walks up from the process that started this one. The caller is the nearest process that lives longer than this question, so that its
    /// tries can be counted; the operation is that of the nearest process that says one.
    pub(crate) fn above(processes: &impl Processes) -> Self {
        let mut calling = Self::default();
        let mut next = processes.parent();
        for _ in 0..MAX_DEPTH {
            let Some((id, process)) = next.and_then(|id| Some((id, processes.process(id)?))) else { break };
            next = Some(process.parent);
            let role = role(&process);
            if role == Role::Between && calling.caller.is_none() {
                continue;
            }
            calling.caller.get_or_insert(Caller { pid: id, started: process.started });
            match role {
                Role::Doing(operation) => {
                    calling.operation = Some(operation);
                    break;
                }
                Role::Transport => {}
                Role::Between | Role::Other => break,
            }
        }
        calling
    }
}

fn role(process: &Process) -> Role {
    let mut arguments = process.arguments.iter().map(String::as_str);
    let program = arguments.next().map_or("", base_name);
    match program {
        "git" => subcommand(&mut arguments).map_or(Role::Other, |command| git(command, arguments)),
        // git runs commands through the shell, which some shells do not leave in time.
        "sh" | "dash" | "bash" | "busybox" | "zsh" | "ash" | "ksh" => Role::Between,
        _ => program.strip_prefix("git-").map_or(Role::Other, |command| git(command, arguments)),
    }
}

fn git<'a>(command: &str, mut rest: impl Iterator<Item = &'a str>) -> Role {
    match command {
        "credential" | "credential-valetkey" => Role::Between,
        "remote-https" | "remote-http" => Role::Transport,
        "push" | "send-pack" => Role::Doing(Operation::Write),
        "fetch" | "clone" | "pull" | "ls-remote" | "submodule" | "remote" | "fetch-pack" | "maintenance" => {
            Role::Doing(Operation::Read)
        }
        "lfs" => match rest.find(|argument| !argument.starts_with('-')) {
            Some("push" | "pre-push" | "lock" | "unlock" | "locks") => Role::Doing(Operation::Write),
            Some(_) => Role::Doing(Operation::Read),
            None => Role::Other,
        },
        _ => Role::Other,
    }
}

/// The first argument of git that is neither an option nor an option's value (git(1), "OPTIONS").
fn subcommand<'a>(arguments: &mut impl Iterator<Item = &'a str>) -> Option<&'a str> {
    while let Some(argument) = arguments.next() {
        match argument {
            "-c" | "-C" | "--git-dir" | "--work-tree" | "--namespace" | "--super-prefix" | "--config-env"
            | "--attr-source" | "--list-cmds" => {
                arguments.next()?;
            }
            option if option.starts_with('-') => {}
            command => return Some(command),
        }
    }
    None
}

fn base_name(program: &str) -> &str {
    let name = program.rsplit(['/', '\\']).next().unwrap_or(program);
    name.strip_suffix(".exe").unwrap_or(name)
}

#[cfg(test)]
mod tests;
