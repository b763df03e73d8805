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
