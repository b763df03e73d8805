//! What git says to the helper: whatever it is, no line of an answer is anybody's but ours.
#![no_main]

use libfuzzer_sys::fuzz_target;
use valetkey_client::ClientError;
use valetkey_git_helper::{Ask, Process, Processes, Reach, World, run};
use valetkey_protocol::{Answer, Credential, Request};

struct Agent;

impl Ask for Agent {
    fn ask(&mut self, request: &Request, _: Reach) -> Result<Answer, ClientError> {
        let Request::Get(get) = request else { return Ok(Answer::Done) };
        Ok(Answer::Credential(Credential {
            username: get.target.username.clone().unwrap_or_default(),
            password: "secret".to_owned().into(),
            expires_at: 1,
            key: get.target.path.clone().unwrap_or_default(),
            scope: "vso.code".into(),
            organisation: "contoso".into(),
            state: get.refused.clone().unwrap_or_default(),
            may_retry: true,
            fresh: false,
            notice: None,
        }))
    }
}

struct Nobody;

impl Processes for Nobody {
    fn parent(&self) -> Option<u32> {
        None
    }

    fn process(&self, _: u32) -> Option<Process> {
        None
    }
}

fuzz_target!(|input: &[u8]| {
    for operation in ["get", "erase", "store"] {
        let mut world = World { agent: Agent, processes: Nobody, trace: false };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        run([operation.into()], input, &mut out, &mut err, &mut world);
        let text = String::from_utf8(out).expect("an answer is text");
        let known = ["capability[]=", "username=", "password=", "password_expiry_utc=", "state[]=", "continue=", "quit="];
        assert!(text.lines().all(|line| line.is_empty() || known.iter().any(|key| line.starts_with(key))), "{text:?}");
        assert!(!text.contains(['\r', '\0']), "{text:?}");
    }
});
