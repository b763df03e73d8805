//! One conversation with the plugin.

use std::{
    collections::HashMap,
    io::{self, Read, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Condvar, Mutex,
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use valetkey_client::{ClientError, Process, Processes};
use valetkey_nuget_helper::{Ask, Heart, Input, Person, Reach, Time, Wake, World, run};
use valetkey_protocol::{Answer, Credential, Event, GetRequest, Reason, Refusal, Request};

/// A test that waits so long has failed.
const LIMIT: Duration = Duration::from_secs(60);

pub(crate) const FEED: &str = "https://pkgs.dev.azure.com/contoso/_packaging/f1/nuget/v3/index.json";

/// What an agent does with a request, and the events it sends before its answer.
pub(crate) type Script =
    Box<dyn FnMut(&Request, &mut dyn FnMut(Event)) -> Result<Answer, ClientError> + Send>;

/// What was seen of the plugin besides its lines.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) asked: Mutex<Vec<(Request, Reach)>>,
    pub(crate) shown: Mutex<Vec<String>>,
    pub(crate) opened: Mutex<Vec<String>>,
    pub(crate) now: Mutex<Duration>,
    pub(crate) alive: Mutex<HashMap<u32, Process>>,
}

impl Seen {
    fn start(&self, id: u32, command_line: &str, started: u64) {
        let arguments = command_line.split(' ').map(str::to_owned).collect();
        self.alive.lock().unwrap().insert(id, Process { parent: 1, started, arguments });
    }

    pub(crate) fn gets(&self) -> Vec<GetRequest> {
        let asked = self.asked.lock().unwrap();
        asked
            .iter()
            .filter_map(|(request, _)| if let Request::Get(get) = request { Some(get.clone()) } else { None })
            .collect()
    }

    pub(crate) fn logins(&self) -> usize {
        self.asked.lock().unwrap().iter().filter(|(request, _)| matches!(request, Request::Login(_))).count()
    }

    pub(crate) fn shown(&self) -> Vec<String> {
        self.shown.lock().unwrap().clone()
    }
}

struct Agent(Script, Arc<Seen>);

impl std::fmt::Debug for Agent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Agent")
    }
}

impl Ask for Agent {
    fn ask(
        &mut self,
        request: &Request,
        reach: Reach,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Answer, ClientError> {
        self.1.asked.lock().unwrap().push((request.clone(), reach));
        (self.0)(request, on_event)
    }
}

struct Somebody(Arc<Seen>, bool);

impl std::fmt::Debug for Somebody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Somebody")
    }
}

impl Person for Somebody {
    fn show(&mut self, lines: &[&str]) {
        self.0.shown.lock().unwrap().push(lines.join("\n"));
    }

    fn has_screen(&self) -> bool {
        self.1
    }

    fn open_browser(&mut self, url: &str) -> bool {
        self.0.opened.lock().unwrap().push(url.to_owned());
        self.1
    }
}

struct Clock(Arc<Seen>);

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

impl Time for Clock {
    fn now(&self) -> Duration {
        *self.0.now.lock().unwrap()
    }

    fn pause(&mut self, time: Duration) {
        *self.0.now.lock().unwrap() += time;
    }
}

struct Table(Arc<Seen>);

impl Processes for Table {
    fn parent(&self) -> Option<u32> {
        Some(1000)
    }

    fn process(&self, id: u32) -> Option<Process> {
        self.0.alive.lock().unwrap().get(&id).cloned()
    }
}

/// How often the plugin came to read, which tells when it has done what it was told.
#[derive(Default)]
struct Reads(Mutex<usize>, Condvar);

/// Bytes as they come.
struct Incoming(Receiver<Vec<u8>>, Vec<u8>, Arc<Reads>);

impl Read for Incoming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.1.is_empty() {
            *self.2.0.lock().unwrap() += 1;
            self.2.1.notify_all();
            match self.0.recv() {
                Ok(bytes) => self.1 = bytes,
                Err(_) => return Ok(0),
            }
        }
        let count = buffer.len().min(self.1.len());
        buffer[..count].copy_from_slice(&self.1[..count]);
        self.1.drain(..count);
        Ok(count)
    }
}

impl Input for Incoming {
    /// As if the time had passed: what the heart does is for the test to say.
    fn is_ready(&mut self, _: Duration) -> bool {
        !self.1.is_empty()
    }
}

struct Outgoing(Sender<Vec<u8>>);

impl Write for Outgoing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send(bytes.to_owned()).map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// NuGet's side.
pub(crate) struct Talk {
    input: Option<Sender<Vec<u8>>>,
    said: usize,
    reads: Arc<Reads>,
    output: Receiver<Vec<u8>>,
    pub(crate) heart: Sender<Wake>,
    pub(crate) seen: Arc<Seen>,
    /// Whether it ended well.
    end: Receiver<bool>,
}

impl Talk {
    pub(crate) fn new(script: Script) -> Self {
        Self::with(script, false, |sender| Box::new(Outgoing(sender)))
    }

    pub(crate) fn at_a_screen(script: Script) -> Self {
        Self::with(script, true, |sender| Box::new(Outgoing(sender)))
    }

    pub(crate) fn with(
        script: Script,
        screen: bool,
        out: impl FnOnce(Sender<Vec<u8>>) -> Box<dyn Write + Send>,
    ) -> Self {
        Self::among(Arc::default(), script, screen, out)
    }

    /// Of a plugin that `command_line` started: what calls it is looked at from the beginning.
    pub(crate) fn below(command_line: &str, script: Script) -> Self {
        let seen = Arc::<Seen>::default();
        seen.start(1000, command_line, 9);
        Self::among(seen, script, false, |sender| Box::new(Outgoing(sender)))
    }

    fn among(
        seen: Arc<Seen>,
        script: Script,
        screen: bool,
        out: impl FnOnce(Sender<Vec<u8>>) -> Box<dyn Write + Send>,
    ) -> Self {
        let world = World {
            agent: Box::new(Agent(script, Arc::clone(&seen))),
            processes: Arc::new(Table(Arc::clone(&seen))),
            person: Box::new(Somebody(Arc::clone(&seen), screen)),
            time: Box::new(Clock(Arc::clone(&seen))),
            trace: false,
        };
        let (input, incoming) = mpsc::channel();
        let (outgoing, output) = mpsc::channel();
        let out = out(outgoing);
        let reads = Arc::new(Reads::default());
        let theirs = Arc::clone(&reads);
        let (done, end) = mpsc::channel();
        let left = done.clone();
        let heart = Heart::by_hand(move || left.send(true).unwrap_or_default());
        let beat = heart.sender();
        thread::spawn(move || {
            let hold = AssertUnwindSafe(|| run(Incoming(incoming, Vec::new(), theirs), out, world, heart));
            // The test may have seen enough.
            let _ = done.send(catch_unwind(hold).is_ok());
        });
        Self { input: Some(input), said: 0, reads, output, heart: beat, seen, end }
    }

    /// Through the greeting, up to where keys are asked for.
    pub(crate) fn greeted(mut self) -> Self {
        assert_eq!(self.hear()["Method"], "Handshake");
        for (method, payload) in [
            ("Handshake", json!({ "ProtocolVersion": "2.0.0", "MinimumProtocolVersion": "1.0.0" })),
            ("SetLogLevel", json!({ "LogLevel": "Debug" })),
        ] {
            assert_eq!(self.ask(method, &payload)["Payload"]["ResponseCode"], "Success");
        }
        self
    }

    pub(crate) fn say(&mut self, line: impl AsRef<[u8]>) {
        self.said += 1;
        // A plugin that has ended hears nothing.
        let _ = self.input.as_ref().unwrap().send([line.as_ref(), b"\n"].concat());
    }

    pub(crate) fn request(&mut self, id: &str, method: &str, payload: &Value) {
        let line = json!({ "RequestId": id, "Type": "Request", "Method": method, "Payload": payload });
        self.say(line.to_string());
    }

    /// Asks, and gives the answer; what else is said meanwhile must be a line to show.
    pub(crate) fn ask(&mut self, method: &str, payload: &Value) -> Value {
        let id = format!("ask-{method}");
        self.request(&id, method, payload);
        self.answer_to(&id)
    }

    pub(crate) fn answer_to(&mut self, id: &str) -> Value {
        loop {
            let message = self.hear();
            match (message["RequestId"] == id, message["Type"] == "Progress") {
                (true, false) => return message,
                (true, true) => {}
                (false, _) => assert_eq!(message["Method"], "Log", "{message}"),
            }
        }
    }

    /// Asks for a key, and gives the payload of the answer.
    pub(crate) fn key(&mut self, uri: &str, is_retry: bool, may_ask: bool) -> Value {
        let mut answer = self.ask(
            "GetAuthenticationCredentials",
            &json!({ "Uri": uri, "IsRetry": is_retry, "IsNonInteractive": !may_ask, "CanShowDialog": may_ask }),
        );
        answer["Payload"].take()
    }

    pub(crate) fn hear(&mut self) -> Value {
        let line = self.output.recv_timeout(LIMIT).expect("the plugin says something");
        assert_eq!(line.iter().position(|byte| *byte == b'\n'), Some(line.len() - 1), "one line a write");
        serde_json::from_slice(&line).expect("the plugin speaks JSON")
    }

    /// Waits until the plugin has done whatever it was told and needs no key.
    pub(crate) fn settle(&self) {
        let reads = self.reads.0.lock().unwrap();
        let (reads, late) =
            self.reads.1.wait_timeout_while(reads, LIMIT, |reads| *reads <= self.said).unwrap();
        drop(reads);
        assert!(!late.timed_out(), "the plugin does not read");
    }

    /// Nobody reads what the plugin says from now on.
    pub(crate) fn close_output(&mut self) {
        self.output = mpsc::channel().1;
    }

    pub(crate) fn beat(&self) {
        // A plugin that has ended needs none.
        let _ = self.heart.send(Wake::Beat);
    }

    pub(crate) fn alive(&self, id: u32, command_line: &str, started: u64) {
        self.seen.start(id, command_line, started);
    }

    /// NuGet closes its end: the plugin ends, and this is what it said that nobody heard.
    pub(crate) fn end(mut self) -> Vec<Value> {
        self.input = None;
        self.ended()
    }

    /// The plugin ends by itself.
    pub(crate) fn ended(&self) -> Vec<Value> {
        match self.end.recv_timeout(LIMIT) {
            Ok(well) => assert!(well, "the plugin panicked"),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => panic!("the plugin hangs"),
        }
        self.output.try_iter().map(|line| serde_json::from_slice(&line).unwrap()).collect()
    }
}

pub(crate) fn key_of(state: &str) -> Credential {
    Credential {
        username: "valetkey".into(),
        password: format!("canary-{state}").into(),
        expires_at: 1_800_000_000,
        key: state.into(),
        scope: "vso.packaging".into(),
        organisation: "contoso".into(),
        state: state.into(),
        may_retry: false,
        fresh: false,
        notice: None,
    }
}

/// An agent that has one key, which it gives to anybody.
pub(crate) fn generous() -> Script {
    Box::new(|_, _| Ok(Answer::Credential(key_of("k1"))))
}

pub(crate) fn refused(reason: Reason) -> Answer {
    Answer::Refused(Refusal::new(reason, "nobody is signed in", "run `valetkey login contoso`"))
}
