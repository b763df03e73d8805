//! The built program.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Command, Stdio},
};

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_nuget-plugin-valetkey"))
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
    let mut plugin = program()
        .arg("-Plugin")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
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
