use proptest::prelude::*;

use super::*;

/// Input that could be read in two ways, or that no git means: nothing is answered and nobody is asked.
const HOSTILE: &[&[u8]] = &[
    b"",
    b"\n",
    b"\nprotocol=https\nhost=dev.azure.com\n",
    // Under-specified (CVE-2020-11008).
    b"protocol=https\n",
    b"protocol=https\nhost=\n",
    b"host=dev.azure.com\n",
    b"protocol=\nhost=dev.azure.com\n",
    b"protocol=https\npath=contoso\n",
    // Not https.
    b"protocol=http\nhost=dev.azure.com\n",
    b"protocol=HTTPS\nhost=dev.azure.com\n",
    b"protocol=https \nhost=dev.azure.com\n",
    b"protocol=ssh\nhost=dev.azure.com\n",
    b"protocol=ftps\nhost=dev.azure.com\n",
    b"protocol=file\nhost=dev.azure.com\n",
    b"protocol=cert\nhost=dev.azure.com\n",
    // Twice.
    b"protocol=https\nhost=evil.example\nhost=dev.azure.com\n",
    b"protocol=https\nhost=dev.azure.com\nhost=dev.azure.com\n",
    b"protocol=http\nprotocol=https\nhost=dev.azure.com\n",
    b"protocol=https\nhost=dev.azure.com\npath=a\npath=b\n",
    b"protocol=https\nhost=dev.azure.com\nusername=a\nusername=b\n",
    // Control characters (CVE-2020-5260, CVE-2024-50349, CVE-2024-52006 and their kin).
    b"protocol=https\nhost=dev.azure.com\r\n",
    b"protocol=https\r\nhost=dev.azure.com\r\n\r\n",
    b"protocol=https\nhost=evil.example\rhost=dev.azure.com\n",
    b"protocol=https\nhost=dev.azure.com\0.evil\n",
    b"protocol=https\nhost=dev.azure.com\npath=a\rb\n",
    b"protocol=https\nhost=dev.azure.com\npath=a\0b\n",
    b"protocol=https\nhost=dev.azure.com\nusername=a\x1b[2Jb\n",
    b"protocol=https\nhost=dev.azure.com\nusername=a\x7fb\n",
    b"protocol=https\nhost=dev.azure.com\nusername=a\tb\n",
    b"protocol=https\nhost=dev.azure.com\nusername=a\x08b\n",
    b"protocol=https\nhost=dev.azure.com\nusername=a\xc2\x85b\n",
    b"protocol=https\nhost=dev.azure.com\npath=a\xe2\x80\xa8host=b\n",
    b"protocol=https\nhost=dev.azure.com\npath=a\xe2\x80\xa9b\n",
    b"protocol=https\nhost=dev.azure.com\nusername=a\xe2\x80\xaeb\n",
    b"protocol=https\nhost=dev.azure.com\nunknown=a\rb\n",
    b"protocol=https\nhost=dev.azure.com\nwwwauth[]=a\rb\n",
    // Not text, not a line, not a key.
    b"protocol=https\nhost=dev.azure.com\npath=\xff\xfe\n",
    b"protocol=https\nhost=dev.azure.com\nnonsense\n",
    b"protocol=https\nhost=dev.azure.com\n=value\n",
    b"\xef\xbb\xbfprotocol=https\nhost=dev.azure.com\n",
    b"protocol https\nhost dev.azure.com\n",
    // What no host can be: raw UTF-8, spaces, parts of a URL.
    b"protocol=https\nhost=dev.\xd0\xb0zure.com\n",
    b"protocol=https\nhost=dev.azure.com \n",
    b"protocol=https\nhost= dev.azure.com\n",
    b"protocol=https\nhost=evil@dev.azure.com\n",
    b"protocol=https\nhost=dev.azure.com/contoso\n",
    b"protocol=https\nhost=dev.azure.com?x\n",
    b"protocol=https\nhost=dev.azure.com#x\n",
    b"protocol=https\nhost=dev.azure.com\\x\n",
    b"protocol=https\nhost=dev%2eazure.com\n",
    b"protocol=https\nhost=dev.azure.com;host=x\n",
];

/// Hosts that look like one of ours: the agent is asked if it runs, and refuses.
const LOOK_ALIKES: &[&str] = &[
    "dev.azure.com.",
    "dev.azure.com..",
    ".dev.azure.com",
    "dev.azure.com:8443",
    "dev.azure.com:",
    "dev.azure.com:0443",
    "dev.azure.com:443:443",
    "dev.azure.com.evil",
    "dev.azure.com.evil.example",
    "evildev.azure.com",
    "a.dev.azure.com",
    "ssh.dev.azure.com",
    "vssps.dev.azure.com",
    "azure.com",
    "dev-azure.com",
    "dev.azure.co",
    "dev.azure.comm",
    "xn--dev-zure-4ra.com",
    "dev.xn--zure-7ve.com",
    "evilvisualstudio.com",
    "visualstudio.com",
    ".visualstudio.com",
    "a.b.visualstudio.com",
    "xn--a.visualstudio.com",
    "contoso.visualstudio.com.evil",
    "contoso.visualstudio.com.",
    "vs-ssh.visualstudio.com",
    "a_b.visualstudio.com",
    "pkgs.visualstudio.com",
    "[dev.azure.com]",
    "127.0.0.1",
    "[::1]",
    "localhost",
    "github.com",
];

#[test]
fn hostile_input_is_met_with_silence() {
    for input in HOSTILE {
        for operation in ["get", "erase"] {
            let text = String::from_utf8_lossy(input);
            let output = call(operation, input, false, |_| panic!("asked: {text:?}"));
            assert_eq!(
                (output.status, output.stdout.as_str(), output.stderr.as_str()),
                (0, "", ""),
                "{text:?}"
            );
        }
    }
}

#[test]
fn look_alikes_start_no_agent_and_get_nothing() {
    for host in LOOK_ALIKES {
        let output = get(&format!("protocol=https\nhost={host}\n"), policy);
        assert_eq!((output.status, output.stdout.as_str(), output.stderr.as_str()), (0, "", ""), "{host}");
        assert!(output.asked.iter().all(|(_, reach)| *reach == Reach::IfRunning), "{host}");
    }
}

#[test]
fn too_much_is_met_with_silence() {
    let long_line = format!("{AZURE}username={}\n", "a".repeat(valetkey_protocol::MAX_LINE));
    let long_input = format!("{AZURE}{}", "unknown=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n".repeat(2000));
    for input in [long_line, long_input] {
        let output = get(&input, |_| panic!("asked"));
        assert_eq!((output.status, output.stdout.as_str(), output.stderr.as_str()), (0, "", ""));
    }
    let within = format!("{AZURE}unknown={}\n", "a".repeat(8000));
    assert!(get(&within, policy).stdout.contains("password="));
}

#[test]
fn an_endless_input_ends() {
    let mut world =
        World { agent: Scripted { answer: policy, asked: Vec::new() }, processes: NoProcesses, trace: false };
    for operation in ["get", "erase", "store"] {
        let mut stdout = Vec::new();
        assert_eq!(run([operation.into()], io::repeat(b'a'), &mut stdout, io::sink(), &mut world), 0);
        assert_eq!(stdout, b"");
    }
}

/// Lines of the kind git writes, some of them spoiled.
fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just("protocol=https".to_owned()),
        1 => "protocol=[a-z]{0,6}",
        3 => Just("host=dev.azure.com".to_owned()),
        1 => Just("host=contoso.visualstudio.com".to_owned()),
        2 => "host=[a-zA-Z.:@]{0,4}(dev[.]azure|[.]visualstudio)?[.]com[.:a-z0-9]{0,4}",
        2 => "(path|username|password|wwwauth\\[\\]|state\\[\\]|capability\\[\\])=\\PC{0,20}",
        1 => any::<String>(),
    ]
}

proptest! {
    /// A key comes out only where every host that any reader could find in the input is one of ours.
    #[test]
    fn a_key_comes_out_for_the_closed_set_only(
        lines in proptest::collection::vec(line(), 0..7),
        separator in prop_oneof![9 => Just("\n"), 1 => Just("\r\n")],
    ) {
        let input = lines.join(separator);
        let output = get(&input, policy);
        for line in output.stdout.split_terminator('\n') {
            prop_assert!(valetkey_protocol::is_clean(line));
        }
        if !output.stdout.is_empty() {
            let block = input.split("\n\n").next().unwrap().trim_start_matches('\n');
            let values = |key: &str| -> Vec<String> {
                block.lines().filter_map(|line| Some(line.strip_prefix(key)?.strip_prefix('=')?.to_owned())).collect()
            };
            prop_assert_eq!(values("protocol"), ["https"]);
            let hosts = values("host");
            prop_assert_eq!(hosts.len(), 1);
            prop_assert!(Service::of(&hosts[0].to_ascii_lowercase()).is_some(), "{hosts:?}");
        }
    }

    #[test]
    fn no_bytes_panic_or_are_echoed(bytes in proptest::collection::vec(any::<u8>(), 0..400), trace in any::<bool>()) {
        for operation in ["get", "erase", "store"] {
            let output = call(operation, &bytes, trace, policy);
            prop_assert_eq!(output.status, 0);
            prop_assert_eq!(output.stdout, "");
            for line in output.stderr.split_terminator('\n') {
                prop_assert!(valetkey_protocol::is_clean(line));
            }
        }
    }
}
