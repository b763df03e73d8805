//! What NuGet says to its plugin: lines, messages and the addresses in them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use valetkey_nuget_helper::{Lines, MAX_LINE, Message, Source, Whose};

fuzz_target!(|input: &[u8]| {
    let mut lines = Lines::new(input);
    while let Some(line) = lines.next_line().expect("a slice can be read") {
        assert!(line.len() <= MAX_LINE && !line.contains(&b'\n'));
        if let Some(message) = Message::decode(&line) {
            assert!(!message.id.is_empty());
            if let Some(address) = message.payload.get("Uri").and_then(|address| address.as_str()) {
                check(address);
            }
        }
        check(&String::from_utf8_lossy(&line));
    }
});

/// Whatever the address, what is taken for ours is ours, and its path has no segment that moves.
fn check(address: &str) {
    let Some(source) = Source::parse(address) else { return };
    let host = source.target.host.trim_end_matches(":443");
    if source.whose == Whose::Ours {
        assert!(host == "pkgs.dev.azure.com" || host.ends_with(".pkgs.visualstudio.com"), "{address:?}");
        assert_eq!(source.target.protocol, "https");
    }
    let path = source.target.path.expect("a source has a path");
    assert!(path.split('/').all(|segment| !matches!(segment, "." | "..")), "{address:?}");
    assert!(!path.contains(['\n', '\r', '\0', '\\']), "{address:?}");
}
