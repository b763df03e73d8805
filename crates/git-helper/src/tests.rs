//! The helper as git sees it: bytes in, both streams and an exit code out, with the agent and the processes made up.

mod answers;
mod hostile;
mod operations;

use valetkey_client::ClientError;
use valetkey_protocol::{Answer, Credential, Request, Service};

use super::*;

/// Processes of no machine.
pub(crate) struct NoProcesses;

impl Processes for NoProcesses {
    fn parent(&self) -> Option<u32> {
        None
    }

    fn process(&self, _: u32) -> Option<Process> {
        None
    }
}

/// An agent that answers by a function, and remembers what it was asked.
pub(crate) struct Scripted<F> {
    answer: F,
    asked: Vec<(Request, Reach)>,
}

impl<F: FnMut(&Request) -> Result<Answer, ClientError>> Ask for Scripted<F> {
    fn ask(&mut self, request: &Request, reach: Reach) -> Result<Answer, ClientError> {
        self.asked.push((request.clone(), reach));
        (self.answer)(request)
    }
}

/// What came out of one call.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) status: u8,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) asked: Vec<(Request, Reach)>,
}

impl std::fmt::Display for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "exit: {}\n--- stdout\n{}--- stderr\n{}", self.status, self.stdout, self.stderr)
    }
}

pub(crate) fn call(
    operation: &str,
    input: impl AsRef<[u8]>,
    trace: bool,
    answer: impl FnMut(&Request) -> Result<Answer, ClientError>,
) -> Output {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let mut world = World { agent: Scripted { answer, asked: Vec::new() }, processes: NoProcesses, trace };
    let status = run([operation.into()], input.as_ref(), &mut stdout, &mut stderr, &mut world);
    Output {
        status,
        stdout: String::from_utf8(stdout).unwrap(),
        stderr: String::from_utf8(stderr).unwrap(),
        asked: world.agent.asked,
    }
}

pub(crate) fn get(input: &str, answer: impl FnMut(&Request) -> Result<Answer, ClientError>) -> Output {
    call("get", input, false, answer)
}

pub(crate) fn key() -> Credential {
    Credential {
        username: "valetkey".into(),
        password: "canary-key".into(),
        expires_at: 1_800_000_000,
        key: "k1".into(),
        scope: "vso.code".into(),
        organisation: "contoso".into(),
        state: "k1".into(),
        may_retry: true,
        fresh: true,
        notice: None,
    }
}

/// An agent with the policy of the real one and no other: it answers for the closed set of hosts.
#[expect(clippy::unnecessary_wraps, reason = "what an agent answers")]
pub(crate) fn policy(request: &Request) -> Result<Answer, ClientError> {
    let (Request::Get(valetkey_protocol::GetRequest { target, .. })
    | Request::Erase(valetkey_protocol::EraseRequest { target, .. })) = request
    else {
        panic!("the helper asks for nothing else")
    };
    let ours = Service::of(&target.host.to_ascii_lowercase()).is_some() && target.protocol == "https";
    Ok(match request {
        Request::Get(_) if ours => Answer::Credential(key()),
        Request::Get(_) => Answer::Refused(valetkey_protocol::Refusal::new(
            valetkey_protocol::Reason::NotOurs,
            "not a host of Azure DevOps",
            "",
        )),
        _ => Answer::Done,
    })
}

pub(crate) const AZURE: &str = "protocol=https\nhost=dev.azure.com\npath=contoso/p/_git/r\n";
