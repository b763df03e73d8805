use proptest::prelude::*;

use super::*;

fn decode(line: &str) -> Option<Message> {
    Message::decode(line.as_bytes())
}

#[test]
fn a_message_may_have_a_mark_before_it_and_a_carriage_return_behind() {
    let plain = r#"{"RequestId":"1","Type":"Request","Method":"Close"}"#;
    let message = decode(plain).unwrap();
    assert_eq!((message.id.as_str(), message.kind, message.method), ("1", Kind::Request, Method::Close));
    assert_eq!(message.payload, Value::Null);
    for dressed in [format!("\u{feff}{plain}"), format!("{plain}\r"), format!(" \u{9}{plain} ")] {
        assert_eq!(decode(&dressed), Some(message.clone()), "{dressed:?}");
    }
}

#[test]
fn escapes_and_raw_text_are_the_same() {
    let escaped = r#"{"RequestId":"1","Type":"Request","Method":"Log","Payload":{"a":"\u00e9\u002B"}}"#;
    let raw = r#"{"RequestId":"1","Type":"Request","Method":"Log","Payload":{"a":"é+"}}"#;
    assert_eq!(decode(escaped), decode(raw));
    assert_eq!(decode(raw).unwrap().text("a"), Some("é+"));
}

#[test]
fn what_is_no_message_is_nothing() {
    let long = format!(r#"{{"RequestId":"{}","Type":"Request","Method":"Close"}}"#, "x".repeat(MAX_ID + 1));
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    for bad in [
        "",
        "\r",
        "garbage",
        "null",
        "[]",
        "{}",
        r#"{"RequestId":"1","Type":"Request","Method":"Close""#,
        r#"{"RequestId":"","Type":"Request","Method":"Close"}"#,
        r#"{"RequestId":7,"Type":"Request","Method":"Close"}"#,
        r#"{"RequestId":"1","Type":"request","Method":"Close"}"#,
        r#"{"RequestId":"1","Type":1,"Method":"Close"}"#,
        r#"{"RequestId":"1","Type":"Request","Method":"Frobnicate"}"#,
        r#"{"RequestId":"1","Type":"Request","Method":"None"}"#,
        r#"{"requestid":"1","type":"Request","method":"Close"}"#,
        r#"{"RequestId":"1","Type":"Request","Method":"Close","Payload":[]}"#,
        r#"{"RequestId":"1","Type":"Request","Method":"Close","Payload":"x"}"#,
        r#"{"RequestId":"1","Type":"Request","Method":"Close"}{"RequestId":"2"}"#,
        &long,
        &deep,
    ] {
        assert_eq!(decode(bad), None, "{}", &bad[..bad.len().min(80)]);
    }
    assert_eq!(Message::decode(b"\xff\xfe{\0}\0"), None);
}

#[test]
fn every_word_is_read_as_it_is_written() {
    for method in Method::ALL {
        let written = line(Kind::Request, method, "1", None);
        assert_eq!(decode(&written).unwrap().method, method);
    }
}

#[test]
fn versions_must_overlap() {
    let answer = |payload: &str| {
        let line =
            format!(r#"{{"RequestId":"1","Type":"Request","Method":"Handshake","Payload":{payload}}}"#);
        handshake(&decode(&line).unwrap())
    };
    let yes = r#"{"ResponseCode":"Success","ProtocolVersion":"2.0.0"}"#;
    assert_eq!(answer(r#"{"ProtocolVersion":"2.0.0","MinimumProtocolVersion":"1.0.0"}"#), yes);
    assert_eq!(answer(r#"{"ProtocolVersion":"10.1.0","MinimumProtocolVersion":"2.0.0"}"#), yes);
    for none in [
        r#"{"ProtocolVersion":"1.0.0","MinimumProtocolVersion":"1.0.0"}"#,
        r#"{"ProtocolVersion":"3.0.0","MinimumProtocolVersion":"2.0.1"}"#,
        r#"{"ProtocolVersion":"x","MinimumProtocolVersion":"1.0.0"}"#,
        "{}",
        "null",
    ] {
        assert_eq!(answer(none), ERROR, "{none}");
    }
}

#[test]
fn debug_shows_no_payload() {
    let line = r#"{"RequestId":"1","Type":"Request","Method":"SetCredentials","Payload":{"ProxyPassword":"canary"}}"#;
    assert!(!format!("{:?}", decode(line).unwrap()).contains("canary"));
}

proptest! {
    #[test]
    fn no_line_breaks_the_decoder(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Message::decode(&bytes);
    }

    #[test]
    fn a_cut_message_is_nothing(id in "[a-z0-9-]{1,36}", cut in 1usize..40) {
        let whole = line(Kind::Request, Method::SetLogLevel, &id, Some(SUCCESS));
        let whole = whole.trim_end();
        prop_assert!(decode(whole).is_some());
        prop_assert_eq!(decode(&whole[..whole.len() - cut.min(whole.len())]), None);
    }

    #[test]
    fn what_is_written_is_one_line_and_is_read_back(id in ".{1,40}", text in ".{0,60}") {
        let payload = log(Level::Warning, &text);
        let written = line(Kind::Request, Method::Log, &id, Some(&payload));
        prop_assert_eq!(written.matches(['\n', '\r']).count(), 1);
        let read = decode(&written).unwrap();
        prop_assert_eq!(read.text("Message"), Some(text.as_str()));
        prop_assert_eq!(read.id, id);
    }
}
