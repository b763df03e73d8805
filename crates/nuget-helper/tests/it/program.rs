//! The built program.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_nuget-plugin-valetkey"))
}

/// The program with nobody at its other end yet.
fn piped() -> Child {
    let mut plugin = program();
    plugin.arg("-Plugin").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    plugin.spawn().unwrap()
}

#[test]
fn a_person_is_told_what_it_is() {
    let output = program().output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!((output.status.code(), text.lines().count(), output.stderr.len()), (Some(0), 2, 0));
    assert!(text.contains("valetkey setup nuget"));
}

#[test]
fn a_trace_shows_the_conversation_without_its_secrets() {
    let home = std::env::temp_dir().join("no such folder");
    let mut plugin = program();
    plugin.arg("-Plugin").env("VALETKEY_TRACE", "1").env("XDG_RUNTIME_DIR", &home).env("HOME", &home);
    let mut plugin =
        plugin.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = plugin.stdin.take().unwrap();
    for line in [
        r#"{"RequestId":"1","Type":"Request","Method":"SetCredentials","Payload":{"ProxyPassword":"canary"}}"#,
        r#"{"RequestId":"2","Type":"Request","Method":"GetAuthenticationCredentials","Payload":{"Uri":"https://me:canary@dev.azure.com/x","Password":"canary"}}"#,
        "canary",
    ] {
        writeln!(input, "{line}").unwrap();
    }
    drop(input);
    let trace = String::from_utf8(plugin.wait_with_output().unwrap().stderr).unwrap();
    assert!(trace.contains("SetCredentials") && trace.contains("dev.azure.com/x"), "{trace}");
    assert!(!trace.contains("canary"), "{trace}");
}

#[test]
fn it_greets_answers_and_ends_with_its_input() {
    let mut plugin = piped();
    let mut lines = BufReader::new(plugin.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains(r#""Method":"Handshake""#));
    let mut input = plugin.stdin.take().unwrap();
    let claims = r#"{"RequestId":"1","Type":"Request","Method":"GetOperationClaims","Payload":{}}"#;
    input.write_all(format!("\u{feff}{claims}\r\n").as_bytes()).unwrap();
    let answer = r#"{"RequestId":"1","Type":"Response","Method":"GetOperationClaims","Payload":{"Claims":["Authentication"]}}"#;
    assert_eq!(lines.next().unwrap().unwrap(), answer);
    drop(input);
    let output = plugin.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
    assert!(lines.next().is_none());
}

/// The program with a client at its other end, in a home where no agent is and none can be started.
struct Started {
    child: Child,
    input: Option<ChildStdin>,
    said: Receiver<String>,
}

impl Started {
    fn new() -> Self {
        let home = std::env::temp_dir().join("no such folder");
        let mut plugin = program();
        plugin.arg("-Plugin").env("XDG_RUNTIME_DIR", &home).env("HOME", &home);
        let mut child =
            plugin.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (input, output) = (child.stdin.take(), child.stdout.take().unwrap());
        let (sender, said) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                sender.send(line.unwrap()).unwrap();
            }
        });
        let started = Self { child, input, said };
        assert!(started.hear().contains(r#""Method":"Handshake""#));
        started
    }

    fn say(&mut self, bytes: &[u8]) {
        // One that has ended hears nothing.
        let _ = self.input.as_mut().unwrap().write_all(bytes);
    }

    fn request(&mut self, id: &str, method: &str, payload: &str) {
        let line =
            format!(r#"{{"RequestId":"{id}","Type":"Request","Method":"{method}","Payload":{payload}}}"#);
        self.say(format!("{line}\n").as_bytes());
    }

    fn hear(&self) -> String {
        self.said.recv_timeout(LIMIT).expect("the program says something")
    }

    /// Whether it still answers as if nothing had been.
    fn is_well(&mut self) {
        self.request("well", "GetOperationClaims", "{}");
        assert_eq!(
            self.hear(),
            r#"{"RequestId":"well","Type":"Response","Method":"GetOperationClaims","Payload":{"Claims":["Authentication"]}}"#
        );
    }

    /// How it ended, what it said that nobody heard, and what it wrote for a person. Its input is closed first.
    fn end(mut self) -> (Option<i32>, Vec<String>, String) {
        self.input = None;
        self.ended()
    }

    fn ended(self) -> (Option<i32>, Vec<String>, String) {
        let id = self.child.id();
        let (done, wait) = mpsc::channel();
        let child = self.child;
        thread::spawn(move || done.send(child.wait_with_output().unwrap()));
        let output = wait.recv_timeout(LIMIT).unwrap_or_else(|_| panic!("process {id} does not end"));
        (output.status.code(), self.said.iter().collect(), String::from_utf8(output.stderr).unwrap())
    }
}

/// A test that waits so long has failed.
const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn nothing_that_no_client_says_is_answered_or_ends_it() {
    let long = [vec![b'x'; 10_000_000], b"\n".to_vec()].concat();
    let deep = [vec![b'['; 500_000], b"\n".to_vec()].concat();
    let cases: [&[u8]; 14] = [
        b"\n\r\n \n",
        b"garbage\n",
        b"\xff\xfe\0\x01\n",
        b"{\"RequestId\":\"1\",\"Type\":\"Request\"\n",
        b"{\"RequestId\":\"1\",\"Type\":\"Request\",\"Method\":\"Frobnicate\",\"Payload\":{}}\n",
        b"{\"RequestId\":\"1\",\"Type\":\"Frobnicate\",\"Method\":\"Close\"}\n",
        b"{\"RequestId\":\"\",\"Type\":\"Request\",\"Method\":\"Close\"}\n",
        b"{\"RequestId\":\"1\",\"Type\":\"Request\",\"Method\":\"Close\",\"Payload\":7}\n",
        b"{\"RequestId\":\"1\",\"Type\":\"Cancel\",\"Method\":\"GetAuthenticationCredentials\"}\n",
        b"{\"RequestId\":\"1\",\"Type\":\"Fault\",\"Method\":\"None\",\"Payload\":{\"Message\":\"x\"}}\n",
        b"{\"RequestId\":\"1\",\"Type\":\"Response\",\"Method\":\"Close\"}\n",
        b"{\"RequestId\":\"1\",\"Type\":\"Progress\",\"Method\":\"Handshake\",\"Payload\":{\"Percentage\":1e999}}\n",
        &long,
        &deep,
    ];
    let mut plugin = Started::new();
    for case in cases {
        plugin.say(case);
        plugin.is_well();
    }
    plugin.say(b"{\"RequestId\":\"half\",\"Type\":\"Request\",\"Method\":\"GetOper");
    assert_eq!(plugin.end(), (Some(0), Vec::new(), String::new()));
}

#[test]
fn an_id_that_is_reused_is_answered_each_time() {
    let mut plugin = Started::new();
    for _ in 0..3 {
        plugin.request("same", "Initialize", "{}");
        assert!(plugin.hear().contains(r#""RequestId":"same","Type":"Response","Method":"Initialize""#));
    }
    assert_eq!(plugin.end(), (Some(0), Vec::new(), String::new()));
}

#[test]
fn what_follows_close_is_not_heard() {
    let mut plugin = Started::new();
    plugin.say(b"{\"RequestId\":\"c\",\"Type\":\"Request\",\"Method\":\"Close\"}\n");
    plugin.request("late", "GetOperationClaims", "{}");
    // Its input is still open: it ends by itself.
    let input = plugin.input.take();
    assert_eq!(plugin.ended(), (Some(0), Vec::new(), String::new()));
    drop(input);
}

/// It ends well, after `that`, though more is said to it than it can answer.
fn ends_in_a_flood(plugin: Child, mut input: ChildStdin, that: impl FnOnce()) {
    let claims =
        "{\"RequestId\":\"1\",\"Type\":\"Request\",\"Method\":\"GetOperationClaims\"}\n".repeat(2000);
    let flood = thread::spawn(move || {
        // Until both pipes are full, and then until the other side has ended.
        while input.write_all(claims.as_bytes()).is_ok() {}
    });
    that();
    let (done, wait) = mpsc::channel();
    thread::spawn(move || done.send(plugin.wait_with_output().unwrap()));
    let ended = wait.recv_timeout(LIMIT).expect("it ends");
    assert_eq!((ended.status.code(), ended.stderr.as_slice()), (Some(0), &b""[..]));
    flood.join().unwrap();
}

#[test]
fn a_client_that_never_reads_and_goes_away_takes_it_along() {
    let mut plugin = piped();
    let (input, output) = (plugin.stdin.take().unwrap(), plugin.stdout.take());
    ends_in_a_flood(plugin, input, || drop(output));
}

/// A process to be watched.
#[cfg(target_os = "linux")]
fn somebody() -> Child {
    Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap()
}

#[cfg(target_os = "linux")]
fn end_of(mut process: Child) {
    process.kill().unwrap();
    process.wait().unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn a_silent_client_is_not_outlived_whoever_holds_its_pipe() {
    let (client, mut plugin) = (somebody(), Started::new());
    plugin.request("m", "MonitorNuGetProcessExit", &format!(r#"{{"ProcessId":{}}}"#, client.id()));
    assert!(plugin.hear().contains("Success"));
    end_of(client);
    let input = plugin.input.take();
    assert_eq!(plugin.ended(), (Some(0), Vec::new(), String::new()));
    drop(input);
}

#[cfg(target_os = "linux")]
#[test]
fn a_client_that_has_ended_is_not_waited_for_because_nobody_asked_after_it() {
    let (mut client, mut plugin) = (somebody(), Started::new());
    plugin.request("m", "MonitorNuGetProcessExit", &format!(r#"{{"ProcessId":{}}}"#, client.id()));
    assert!(plugin.hear().contains("Success"));
    client.kill().unwrap();
    let input = plugin.input.take();
    assert_eq!(plugin.ended(), (Some(0), Vec::new(), String::new()));
    drop(input);
    client.wait().unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn a_client_that_never_reads_is_not_outlived_whoever_holds_its_pipe() {
    let client = somebody();
    let mut plugin = piped();
    let mut input = plugin.stdin.take().unwrap();
    let mut output = BufReader::new(plugin.stdout.take().unwrap()).lines();
    writeln!(
        input,
        r#"{{"RequestId":"m","Type":"Request","Method":"MonitorNuGetProcessExit","Payload":{{"ProcessId":{}}}}}"#,
        client.id()
    )
    .unwrap();
    // Up to the answer to that; and then nothing more.
    assert!(output.any(|line| line.unwrap().contains("MonitorNuGetProcessExit")));
    ends_in_a_flood(plugin, input, || end_of(client));
    drop(output);
}

#[test]
fn hostile_sources_get_no_key_at_once_and_in_silence() {
    let mut plugin = Started::new();
    plugin.request("l", "SetLogLevel", r#"{"LogLevel":"Debug"}"#);
    plugin.hear();
    for (number, source) in [
        "http://pkgs.dev.azure.com/contoso/_packaging/f/nuget/v3/index.json",
        "https://pkgs.dev.azure.com.evil.example/contoso/_packaging/f/nuget/v3/index.json",
        "https://pkgs.dev.azure.com@evil.example/contoso/_packaging/f/nuget/v3/index.json",
        "https://evil.example\\\\@pkgs.dev.azure.com/contoso/x",
        "https://pkgs.dev.аzure.com/contoso/_packaging/f/nuget/v3/index.json",
        "https://pkgs.dev.azure.com/contoso/../evil/_packaging/f/nuget/v3/index.json",
        "https://pkgs.dev.azure.com/contoso%2f..%2fevil/x",
        "https://dev.azure.com/contoso/_git/x",
        "file:///etc/passwd",
        "\\\\\\\\evil.example\\\\share",
        "javascript:alert(1)",
        "",
    ]
    .into_iter()
    .enumerate()
    {
        let (id, payload) = (
            format!("q{number}"),
            format!(r#"{{"Uri":"{source}","IsRetry":false,"IsNonInteractive":false}}"#),
        );
        plugin.request(&id, "GetAuthenticationCredentials", &payload);
        assert_eq!(
            plugin.hear(),
            format!(
                r#"{{"RequestId":"{id}","Type":"Response","Method":"GetAuthenticationCredentials","Payload":{{"ResponseCode":"Error"}}}}"#
            ),
            "{source}"
        );
    }
    assert_eq!(plugin.end(), (Some(0), Vec::new(), String::new()));
}
