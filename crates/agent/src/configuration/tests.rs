use std::{fs, path::Path};

use super::*;

#[expect(clippy::unnecessary_wraps, reason = "the form of `Trust`")]
fn trusting(_: &Path) -> Result<(), ConfigurationError> {
    Ok(())
}

struct Files(tempfile::TempDir);

impl Files {
    fn new(system: &str, user: &str) -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        fs::write(files.sources().system, system).unwrap();
        fs::write(files.sources().user, user).unwrap();
        files
    }

    fn sources(&self) -> Sources {
        Sources {
            system: self.0.path().join("system.toml"),
            user: self.0.path().join("user.toml"),
            trust: trusting,
        }
    }

    /// Sentence and hint, with the folder taken out.
    fn refused(&self) -> String {
        let error = self.sources().read().unwrap_err();
        let text = format!("{error}\n{}", error.hint());
        text.replace(&format!("{}/", self.0.path().display()), "")
    }
}

#[test]
fn no_file_gives_the_defaults() {
    let files = Files(tempfile::tempdir().unwrap());
    let configuration = files.sources().read().unwrap();
    assert_eq!(configuration, Configuration::default());
    assert_eq!(configuration.keys.lifetime, Duration::from_hours(8));
    assert_eq!(configuration.agent.idle_exit, Some(Duration::from_mins(480)));
    assert!(configuration.agent.notify);
}

#[test]
fn the_user_goes_over_the_system_value_by_value() {
    let system = "[keys]\nlifetime-hours = 2\nallow-write = false\n[agent]\nidle-exit-minutes = 0\n";
    let files = Files::new(system, "[keys]\nlifetime-hours = 4\n");
    let configuration = files.sources().read().unwrap();
    assert_eq!(configuration.keys.lifetime, Duration::from_hours(4));
    assert!(!configuration.keys.allow_write);
    assert_eq!(configuration.agent.idle_exit, None);
}

#[test]
fn an_unknown_key_is_named_with_its_line() {
    insta::assert_snapshot!(Files::new("", "[entra]\n\n[keys]\nallow-writes = false\n").refused(), @r"
    `user.toml` line 4: unknown key `allow-writes`
    known here: `lifetime-hours`, `allow-write`, `mints-per-hour`
    ");
    insta::assert_snapshot!(Files::new("[policy]\n", "").refused(), @"
    `system.toml` line 1: unknown key `policy`
    known here: `entra`, `azure-devops`, `keys`, `issuers`, `nuget`, `network`, `vault`, `agent`
    ");
}

#[test]
fn a_value_of_the_wrong_kind_is_named_with_its_line() {
    insta::assert_snapshot!(Files::new("", "[keys]\nlifetime-hours = \"8\"\n").refused(), @r#"
    `user.toml` line 2: invalid type: string "8", expected u32
    correct `user.toml`, then run `valetkey agent restart`
    "#);
    insta::assert_snapshot!(Files::new("", "[vault]\nstore = \"plain\"\n").refused(), @r"
    `user.toml` line 2: unknown variant `plain`, expected one of `os`, `sealed`, `memory`
    correct `user.toml`, then run `valetkey agent restart`
    ");
}

#[test]
fn a_broken_line_is_not_quoted() {
    let files = Files::new("", "[network]\nproxy = \"http://me:hunter2@proxy.example\n");
    let text = files.refused();
    assert!(text.starts_with("`user.toml` line 2: "), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn values_out_of_bounds_are_refused_by_name() {
    let table = [
        ("entra", "client-id", "\"valetkey\""),
        ("entra", "client-id", "\"6d1f6a3e-8f0f-4c59-9a57-0d6f0c1b2a3g\""),
        ("entra", "tenant", "\"../common\""),
        ("entra", "tenant", "\"a/b\""),
        ("entra", "authority", "\"http://login.example\""),
        ("entra", "authority", "\"https://user@login.example\""),
        ("entra", "authority", "\"ftp://localhost\""),
        ("azure-devops", "dev", "\"http://127.0.0.1.example\""),
        ("azure-devops", "dev", "\"https://dev.example/?a=b\""),
        ("azure-devops", "pkgs", "\"http://pkgs.example\""),
        ("azure-devops", "pats", "\"http://10.0.0.1\""),
        ("nuget", "nuget-org", "\"https://www.nuget.org./\""),
        ("keys", "lifetime-hours", "0"),
        ("keys", "lifetime-hours", "169"),
        ("keys", "mints-per-hour", "0"),
        ("network", "proxy", "\"proxy.example\""),
        ("network", "ca-file", "\"ca.pem\""),
        ("agent", "idle-exit-minutes", "43201"),
    ];
    for (section, key, value) in table {
        let files = Files::new("", &format!("[{section}]\n{key} = {value}\n"));
        let text = files.refused();
        assert!(text.starts_with(&format!("`user.toml`: `{section}.{key}` must ")), "{value}: {text}");
    }
}

#[test]
fn loopback_may_be_plain() {
    for address in
        ["http://localhost:8080", "http://127.0.0.1:1", "http://[::1]:1", "https://dev.example:8443"]
    {
        Files::new("", &format!("[azure-devops]\ndev = \"{address}\"\n")).sources().read().unwrap();
    }
}

#[test]
fn a_password_of_the_proxy_is_not_printed() {
    let files = Files::new("", "[network]\nproxy = \"http://me:hunter2@proxy.example\"\n");
    let live = Live::read(files.sources()).unwrap();
    assert!(live.current().network.proxy.as_ref().unwrap().contains("hunter2"));
    assert!(!format!("{live:?}").contains("hunter2"));
    fs::write(files.sources().user, "[network]\nproxy = \"hunter2@\"\n").unwrap();
    assert!(!live.reload(|_| Ok(())).unwrap_err().to_string().contains("hunter2"));
}

#[test]
fn a_bad_reload_keeps_what_held() {
    let files = Files::new("", "[keys]\nallow-write = false\n");
    let live = Live::read(files.sources()).unwrap();
    fs::write(files.sources().user, "[keys]\nallow-wriet = true\n").unwrap();
    let refusal = live.reload(|_| Ok(())).unwrap_err();
    assert!(!live.current().keys.allow_write);
    assert_eq!(live.problem(), Some(refusal));
    fs::write(files.sources().user, "[keys]\nallow-write = true\n").unwrap();
    live.reload(|_| Ok(())).unwrap();
    assert!(live.current().keys.allow_write);
    assert_eq!(live.problem(), None);
}

#[test]
fn what_is_not_trusted_is_not_read() {
    let files = Files::new("", "this is not even TOML");
    let trust = |_: &Path| Err(ConfigurationError::Untrusted { sentence: "no".into(), hint: "do".into() });
    let error = Sources { trust, ..files.sources() }.read().unwrap_err();
    assert_eq!(error.to_string(), "no");
}

#[test]
fn what_counts_at_start_only_is_told() {
    let files = Files::new("", "");
    let live = Live::read(files.sources()).unwrap();
    fs::write(files.sources().user, "[keys]\nallow-write = false\n").unwrap();
    live.reload(|_| Ok(())).unwrap();
    assert!(!live.needs_restart());
    for text in ["[network]\nproxy = \"\"\n", "[vault]\nstore = \"memory\"\n"] {
        fs::write(files.sources().user, text).unwrap();
        live.reload(|_| Ok(())).unwrap();
        assert!(live.needs_restart(), "{text}");
    }
}

#[test]
fn what_the_agent_cannot_work_with_is_not_taken() {
    let files = Files::new("", "");
    let live = Live::read(files.sources()).unwrap();
    fs::write(files.sources().user, "[keys]\nallow-write = false\n").unwrap();
    let no = valetkey_protocol::Refusal::new(valetkey_protocol::Reason::Tls, "no", "");
    assert_eq!(live.reload(|_| Err(no.clone())), Err(no.clone()));
    assert!(live.current().keys.allow_write);
    assert_eq!(live.problem(), Some(no));
}

/// The table and the parser know the same keys with the same defaults.
#[test]
fn the_reference_is_true() {
    for key in KEYS {
        let value = if key.default.is_empty() { key.example } else { key.default };
        let text = format!("[{}]\n{} = {value}\n", key.section, key.name);
        let read = Files::new("", &text).sources().read().unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(read == Configuration::default(), !key.default.is_empty(), "{text}");
    }
    for section in ["entra", "azure-devops", "keys", "nuget", "network", "vault", "agent"] {
        let files = Files::new("", &format!("[{section}]\nnone = 1\n"));
        let known = files.sources().read().unwrap_err().hint();
        let listed: Vec<_> =
            KEYS.iter().filter(|it| it.section == section).map(|it| format!("`{}`", it.name)).collect();
        let said: Vec<_> = known.split('`').skip(1).step_by(2).map(|it| format!("`{it}`")).collect();
        assert_eq!(listed, said, "[{section}]");
    }
    assert!(reference().starts_with("## `[entra]`\n\n| key | default | meaning |\n"));
}
