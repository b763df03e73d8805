//! `doctor` in a home of its own with the real git.

use std::{ffi::OsString, fs, path::PathBuf};

use insta::assert_snapshot;
use tempfile::TempDir;
use valetkey_cli::{Exit, Git};
use valetkey_paths::env;
use valetkey_protocol::{AccountStatus, Answer, SessionState, StatusReport};

use crate::harness::{Run, write_program};

const AGNOSTIC: [&str; 2] =
    ["74a594ddd0c3ce7fee856b0becaafe1b68ec97a7.dat", "e31fb857036daf0857c70f5a13956500adde37dc.dat"];

/// A home that is set up for git and NuGet.
struct Home {
    root: TempDir,
    git: Git,
    path: Vec<PathBuf>,
}

impl Home {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let variables = [
            ("HOME", root.path().as_os_str().to_owned()),
            ("GIT_CONFIG_NOSYSTEM", OsString::from("1")),
            ("PATH", OsString::from("/usr/bin:/bin")),
        ];
        let environment = variables.into_iter().map(|(name, value)| (OsString::from(name), value)).collect();
        let git = Git { program: PathBuf::from("/usr/bin/git"), environment: Some(environment) };
        let home = Self { path: vec![root.path().join("bin")], root, git };
        home.program("bin/nuget-plugin-valetkey");
        home.program("bin/git-credential-valetkey");
        let run = Run::new("setup git").git(&home.git).git_helper(&home.at("bin/git-credential-valetkey"));
        assert_eq!(run.made().exit, Exit::Done);
        home
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn program(&self, path: &str) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        write_program(&path, "#!/bin/sh\n");
    }

    fn run(&self, command_line: &str) -> Run {
        Run::new(command_line)
            .home(self.root.path())
            .git(&self.git)
            .variable(env::PATH, std::env::join_paths(&self.path).unwrap())
            .answer(Answer::Status(Box::new(healthy())))
    }

    fn shown(&self, run: Run) -> String {
        run.shown().replace(&self.root.path().display().to_string(), "[HOME]")
    }
}

fn healthy() -> StatusReport {
    StatusReport {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        accounts: vec![AccountStatus {
            username: "alice@contoso.com".to_owned(),
            tenant: "contoso".to_owned(),
            client_id: "abc".to_owned(),
            organisations: vec!["contoso".to_owned()],
            used_for: Vec::new(),
            source: None,
            lends: false,
            session: SessionState::Ready,
            problem: None,
        }],
        ..StatusReport::default()
    }
}

#[test]
fn nothing_is_wrong() {
    let home = Home::new();
    assert_snapshot!(home.shown(home.run("doctor")), @r#"
    exit: 0 (Done)
    asked: Never {"type":"status"}
    ----- stdout -----
    nothing is wrong
    "#);
    assert_eq!(home.run("doctor --json").made().out, "[]\n");
}

#[test]
fn an_agent_that_does_not_run_is_no_finding() {
    let home = Home::new();
    let run = Run::new("doctor")
        .home(home.root.path())
        .git(&home.git)
        .variable(env::PATH, std::env::join_paths(&home.path).unwrap());
    assert_eq!(run.made().out, "nothing is wrong\n");
}

#[test]
fn a_feed_that_only_a_running_agent_knows_is_found_where_none_runs() {
    let home = Home::new();
    home.write(
        "work/nuget.config",
        r#"<configuration><packageSources>
            <add key="nuget" value="https://api.nuget.org/v3/index.json" />
            <add key="azure" value="https://pkgs.dev.azure.com/contoso/_packaging/f/nuget/v3/index.json" />
            <add key="plain" value="http://feeds.corp.example/contoso/_packaging/f/nuget/v3/index.json" />
            <add key="a" value="https://feeds.corp.example/contoso/_packaging/f/nuget/v3/index.json" />
            <add key="b" value="https://feeds.corp.example/contoso/_packaging/g/nuget/v3/index.json" />
            <add key="off" value="https://off.example/contoso/_packaging/f/nuget/v3/index.json" />
            <add key="folder" value="/srv/_packaging" />
        </packageSources><disabledPackageSources><add key="off" value="true" /></disabledPackageSources>
        </configuration>"#,
    );
    let run = || {
        Run::new("doctor")
            .home(home.root.path())
            .git(&home.git)
            .variable(env::PATH, std::env::join_paths(&home.path).unwrap())
    };
    assert_snapshot!(home.shown(run()), @r#"
    exit: 1 (Refused)
    asked: Never {"type":"status"}
    ----- stdout -----
    feeds: feeds at `feeds.corp.example` get keys only while an agent runs, and none does; next: run `valetkey agent start`, if `[azure-devops] pkgs` names that host
    "#);
    assert_eq!(home.run("doctor").made().out, "nothing is wrong\n", "a running agent answers for its own");
    home.write("work/nuget.config", "noise");
    assert_eq!(run().made().out, "nothing is wrong\n");
}

#[test]
fn a_poisoned_cache_is_found() {
    for (folder, file) in
        [(".local/share/NuGet/plugins-cache", AGNOSTIC[0]), (".local/share/NuGet/plugin-cache", AGNOSTIC[1])]
    {
        for (text, poisoned) in [
            ("[]", true),
            ("[\n  0\n]", true),
            ("", false),
            ("noise", false),
            ("[\n  1\n]", false),
            ("[0,1]", false),
        ] {
            let home = Home::new();
            home.write(&format!("{folder}/2fd05ff1/{file}"), text);
            // A plugin's answer about one source is empty in a healthy cache.
            home.write(&format!("{folder}/2fd05ff1/0123456789.dat"), "[]");
            let made = home.run("doctor").made();
            assert_eq!(made.out.starts_with("plugins-cache: "), poisoned, "{text:?}: {}", made.out);
            assert_eq!(made.exit == Exit::Refused, poisoned, "{text:?}");
        }
    }
}

#[test]
fn a_cache_elsewhere_is_looked_into() {
    let home = Home::new();
    home.write(&format!("data/NuGet/plugins-cache/a/{}", AGNOSTIC[0]), "[]");
    home.write(&format!("other/a/{}", AGNOSTIC[0]), "[]");
    let found = |run: Run| run.made().out.matches("plugins-cache: ").count();
    assert_eq!(found(home.run("doctor")), 0);
    assert_eq!(found(home.run("doctor").variable(env::XDG_DATA_HOME, home.at("data"))), 1);
    assert_eq!(found(home.run("doctor").variable(env::NUGET_PLUGINS_CACHE_PATH, home.at("other"))), 1);
}

#[test]
fn an_old_entry_is_believed_no_more() {
    let home = Home::new();
    let file = format!(".local/share/NuGet/plugins-cache/a/{}", AGNOSTIC[0]);
    home.write(&file, "[]");
    let then = std::time::SystemTime::now() - std::time::Duration::from_secs(31 * 24 * 60 * 60);
    fs::File::options().write(true).open(home.at(&file)).unwrap().set_modified(then).unwrap();
    assert_eq!(home.run("doctor").made().out, "nothing is wrong\n");
}

#[test]
fn who_answers_first_is_found() {
    let mut home = Home::new();
    home.path.insert(0, home.at("first"));
    home.path.push(home.at("last"));
    for program in
        ["first/nuget-plugin-other", "bin/nuget-plugin-a", "bin/nuget-plugin-z", "last/nuget-plugin-b"]
    {
        home.program(program);
    }
    home.write("first/nuget-plugin-not-a-program", "");
    let microsoft = ".nuget/plugins/netcore/CredentialProvider.Microsoft/CredentialProvider.Microsoft";
    home.write(&format!("{microsoft}.dll"), "");
    home.write(".nuget/plugins/netfx/CredentialProvider.Microsoft/CredentialProvider.Microsoft.exe", "");
    home.write(".nuget/plugins/netcore/nuget-plugin-valetkey/nuget-plugin-valetkey.dll", "");
    home.write(".nuget/plugins/netcore/empty/readme", "");
    assert_snapshot!(home.shown(home.run("doctor")), @r#"
    exit: 1 (Refused)
    asked: Never {"type":"status"}
    ----- stdout -----
    providers: dotnet asks `CredentialProvider.Microsoft` before valetkey; next: move `[HOME]/.nuget/plugins/netcore/CredentialProvider.Microsoft/CredentialProvider.Microsoft.dll` away
    providers: nuget.exe and MSBuild ask `CredentialProvider.Microsoft` before valetkey; next: move `[HOME]/.nuget/plugins/netfx/CredentialProvider.Microsoft/CredentialProvider.Microsoft.exe` away
    providers: NuGet asks `[HOME]/first/nuget-plugin-other` before valetkey; next: move its folder behind valetkey's on the PATH, or move it away
    providers: NuGet asks `[HOME]/bin/nuget-plugin-a` before valetkey; next: move its folder behind valetkey's on the PATH, or move it away
    "#);
}

#[test]
fn variables_that_lead_elsewhere_are_found() {
    let home = Home::new();
    let [microsoft, ..] = env::ARTIFACTS_PROVIDER;
    let run = home
        .run("doctor --json")
        .variable(env::NUGET_PLUGIN_PATHS, "/opt/other/nuget-plugin-other")
        .variable(env::NUGET_NETCORE_PLUGIN_PATHS, home.at("bin/nuget-plugin-valetkey"))
        .variable(microsoft, "{\"password\":\"canary\"}");
    let shown = home.shown(run);
    assert!(!shown.contains("canary"));
    assert_snapshot!(shown, @r#"
    exit: 1 (Refused)
    asked: Never {"type":"status"}
    ----- stdout -----
    [
      {
        "check": "variables",
        "next": "unset `NUGET_PLUGIN_PATHS`",
        "sentence": "`NUGET_PLUGIN_PATHS` is set: NuGet starts the plugins it names, and not valetkey's"
      },
      {
        "check": "variables",
        "next": "unset `NUGET_NETCORE_PLUGIN_PATHS`",
        "sentence": "`NUGET_NETCORE_PLUGIN_PATHS` is set: NuGet starts the plugins it names, and not valetkey's"
      },
      {
        "check": "variables",
        "next": "unset `ARTIFACTS_CREDENTIALPROVIDER_EXTERNAL_FEED_ENDPOINTS`",
        "sentence": "`ARTIFACTS_CREDENTIALPROVIDER_EXTERNAL_FEED_ENDPOINTS` is set: Microsoft's provider, where it is installed, answers from it"
      }
    ]
    "#);
    for ours in [home.at("bin"), home.at("bin/nuget-plugin-valetkey")] {
        let run = home.run("doctor").variable(env::NUGET_PLUGIN_PATHS, ours.as_os_str());
        assert_eq!(run.made().out, "nothing is wrong\n", "{}", ours.display());
    }
}

#[test]
fn a_plugin_that_nuget_does_not_find_is_found() {
    let mut home = Home::new();
    home.path.clear();
    assert_snapshot!(home.shown(home.run("doctor")), @r#"
    exit: 1 (Refused)
    asked: Never {"type":"status"}
    ----- stdout -----
    providers: `nuget-plugin-valetkey` is not on the PATH, where NuGet looks for it; next: run `valetkey setup nuget`
    "#);
}

#[test]
fn an_old_sdk_without_its_plugin_is_found() {
    let home = Home::new();
    write_program(&home.at("bin/dotnet"), "#!/bin/sh\necho '8.0.414 [/sdk]'; echo '10.0.401 [/sdk]'\n");
    assert_snapshot!(home.shown(home.run("doctor")), @r#"
    exit: 1 (Refused)
    asked: Never {"type":"status"}
    ----- stdout -----
    providers: SDK 8.0.414 looks for plugins where valetkey has none; next: run `valetkey setup nuget`
    "#);
    home.write(".nuget/plugins/netcore/nuget-plugin-valetkey/nuget-plugin-valetkey.dll", "");
    assert_eq!(home.run("doctor").made().out, "nothing is wrong\n");
}

#[test]
fn gits_that_do_not_ask_us_or_ask_others_too_are_found() {
    let home = Home::new();
    let config = fs::read_to_string(home.at(".gitconfig")).unwrap();
    home.write(".gitconfig", &format!("{config}[credential]\n\thelper = store\n"));
    assert_snapshot!(home.shown(home.run("doctor")), @r#"
    exit: 1 (Refused)
    asked: Never {"type":"status"}
    ----- stdout -----
    git: git also asks `credential.helper=store`, and tells it the keys; next: move this line above the ones of valetkey, or take it out
    "#);
    home.write(".gitconfig", "");
    assert_snapshot!(home.shown(home.run("doctor")), @r#"
    exit: 1 (Refused)
    asked: Never {"type":"status"}
    ----- stdout -----
    git: git does not ask valetkey for https://dev.azure.com; next: run `valetkey setup git`
    git: git does not ask valetkey for https://*.visualstudio.com; next: run `valetkey setup git`
    "#);
}

#[test]
fn an_agent_that_hands_nothing_out_is_found() {
    let home = Home::new();
    let report =
        StatusReport { locked: true, accounts: Vec::new(), version: "0.0.0".to_owned(), ..healthy() };
    let run = Run::new("doctor")
        .home(home.root.path())
        .git(&home.git)
        .variable(env::PATH, std::env::join_paths(&home.path).unwrap())
        .answer(Answer::Status(Box::new(report)));
    assert_snapshot!(home.shown(run).replace(env!("CARGO_PKG_VERSION"), "[VERSION]"), @r#"
    exit: 1 (Refused)
    asked: Never {"type":"status"}
    ----- stdout -----
    agent: the running agent is of version 0.0.0, not [VERSION]; next: run `valetkey agent restart`
    agent: the agent is locked: no key is handed out; next: run `valetkey unlock`
    session: nobody is signed in; next: run `valetkey login <organisation>`
    "#);
    let run = Run::new("doctor")
        .home(home.root.path())
        .git(&home.git)
        .variable(env::PATH, std::env::join_paths(&home.path).unwrap())
        .unreachable("the agent does not answer", "run `valetkey agent restart`");
    assert_snapshot!(home.shown(run), @r#"
    exit: 1 (Refused)
    asked: Never {"type":"status"}
    ----- stdout -----
    agent: the agent does not answer; next: run `valetkey agent restart`
    "#);
}
