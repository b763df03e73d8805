use std::{fs, path::Path};

use insta::assert_snapshot;
use tempfile::TempDir;
use valetkey_cli::Exit;
use valetkey_paths::env;
use valetkey_protocol::{Answer, Credential, Reason};

use crate::harness::{Made, Run};

const FEED: &str = "https://pkgs.dev.azure.com/contoso/_packaging/f/nuget/v3/index.json";

fn credential() -> Answer {
    Answer::Credential(Credential {
        username: "alice".to_owned(),
        password: "canary".into(),
        expires_at: 1_800_028_800,
        key: "k1".to_owned(),
        scope: "vso.packaging".to_owned(),
        organisation: "contoso".to_owned(),
        state: "s".to_owned(),
        may_retry: false,
        fresh: true,
        notice: None,
    })
}

fn write(home: &Path, file: &str, sources: &[(&str, &str)]) {
    let lines: Vec<_> =
        sources.iter().map(|(name, url)| format!("<add key=\"{name}\" value=\"{url}\" />")).collect();
    let path = home.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let text = format!("<configuration><packageSources>{}</packageSources></configuration>", lines.concat());
    fs::write(path, text).unwrap();
}

/// A home with these sources in the current folder's configuration.
fn home(sources: &[(&str, &str)]) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    write(home.path(), "work/nuget.config", sources);
    home
}

#[test]
fn our_sources_get_a_key_and_the_command_runs() {
    let home = home(&[("nuget.org", "http://api.nuget.org/v3/index.json"), ("feed", FEED)]);
    let run = Run::new("exec -- dotnet restore --no-cache").home(home.path()).answer(credential());
    assert_snapshot!(run.shown(), @r#"
    exit: 0 (Other(0))
    asked: OnDemand {"type":"get","target":{"protocol":"https","host":"pkgs.dev.azure.com","path":"contoso/_packaging/f/nuget/v3/index.json"},"operation":"read","can_retry":false}
    ran: instead NuGetPackageSourceCredentials_feed=Username=valetkey;Password=canary;ValidAuthenticationTypes=Basic dotnet restore --no-cache
    "#);
}

#[test]
fn a_push_gets_a_key_that_may_push() {
    let home = home(&[("my feed", FEED)]);
    for line in ["exec -- dotnet nuget push a.nupkg", "exec --write -- make publish"] {
        let made = Run::new(line).home(home.path()).answer(credential()).made();
        assert!(made.asked[0].contains(r#""operation":"write""#), "{:?}", made.asked);
    }
}

#[test]
fn every_file_in_force_is_read() {
    let home = tempfile::tempdir().unwrap();
    write(home.path(), "work/NuGet.Config", &[("a", FEED)]);
    write(home.path(), "nuget.config", &[("b", FEED)]);
    write(home.path(), ".nuget/NuGet/NuGet.Config", &[("c", FEED)]);
    write(home.path(), ".nuget/config/team.config", &[("d", FEED)]);
    write(home.path(), "machine/all.Config", &[("e", FEED)]);
    write(home.path(), ".config/NuGet/NuGet.Config", &[("f", FEED)]);
    write(home.path(), "cli-home/.nuget/NuGet/NuGet.Config", &[("g", FEED)]);
    let names = |run: Run, count: usize| {
        let mut run = run.home(home.path());
        for _ in 0..count {
            run = run.answer(credential());
        }
        let made: Made = run.made();
        made.ran[0]
            .split("NuGetPackageSourceCredentials_")
            .skip(1)
            .map(|rest| rest.split('=').next().unwrap().to_owned())
            .collect::<String>()
    };
    assert_eq!(names(Run::new("exec -- dotnet restore"), 5), "abcde");
    assert_eq!(names(Run::new("exec -- mono nuget.exe restore"), 4), "abef");
    let moved = home.path().join("cli-home");
    assert_eq!(names(Run::new("exec -- dotnet restore").variable(env::DOTNET_CLI_HOME, moved), 4), "abeg");
    assert_eq!(names(Run::new("exec --configfile ../nuget.config -- dotnet restore"), 1), "b");
}

#[test]
fn a_source_without_a_key_does_not_stop_the_command() {
    let home =
        home(&[("theirs", "https://pkgs.dev.azure.com/dnceng/public/_packaging/x/nuget/v3/index.json")]);
    let run = Run::new("exec -- dotnet restore").home(home.path()).refuse(
        Reason::OrganisationNotAllowed,
        "keys for `dnceng` are not allowed",
        "",
    );
    assert_snapshot!(run.shown(), @r#"
    exit: 0 (Other(0))
    asked: OnDemand {"type":"get","target":{"protocol":"https","host":"pkgs.dev.azure.com","path":"dnceng/public/_packaging/x/nuget/v3/index.json"},"operation":"read","can_retry":false}
    ran: instead dotnet restore
    ----- stderr -----
    warning: no key for the source `theirs`: keys for `dnceng` are not allowed
    hint: run `valetkey login <organisation>`
    "#);
}

#[test]
fn hosts_that_are_not_ours_are_passed_over() {
    let home = home(&[
        ("local", "/srv/packages"),
        ("plain", "http://pkgs.dev.azure.com/contoso/_packaging/f/nuget/v3/index.json"),
        ("like", "https://pkgs.dev.azure.com.evil.example/contoso/_packaging/f/nuget/v3/index.json"),
    ]);
    let run = Run::new("exec -- true").home(home.path()).refuse(Reason::NotOurs, "not ours", "");
    assert_snapshot!(run.shown(), @r#"
    exit: 0 (Other(0))
    asked: OnDemand {"type":"get","target":{"protocol":"https","host":"pkgs.dev.azure.com.evil.example","path":"contoso/_packaging/f/nuget/v3/index.json"},"operation":"read","can_retry":false}
    ran: instead true
    "#);
    // An agent that cannot be reached matters to our own hosts only.
    assert_eq!(Run::new("exec -- true").home(home.path()).made().exit, Exit::Other(0));
}

#[test]
fn without_an_agent_nothing_runs() {
    let home = home(&[("feed", FEED)]);
    let run = Run::new("exec -- dotnet restore")
        .home(home.path())
        .unreachable("the agent cannot be started", "install it");
    assert_snapshot!(run.shown(), @r#"
    exit: 3 (NoAgent)
    asked: OnDemand {"type":"get","target":{"protocol":"https","host":"pkgs.dev.azure.com","path":"contoso/_packaging/f/nuget/v3/index.json"},"operation":"read","can_retry":false}
    ----- stderr -----
    error: the agent cannot be started
    hint: install it
    "#);
}

#[test]
fn a_name_no_variable_can_have_is_said() {
    let home = home(&[("a=b", FEED), ("c d", FEED)]);
    let run = Run::new("exec -- true").home(home.path()).answer(credential()).answer(credential());
    assert_snapshot!(run.shown(), @r#"
    exit: 0 (Other(0))
    asked: OnDemand {"type":"get","target":{"protocol":"https","host":"pkgs.dev.azure.com","path":"contoso/_packaging/f/nuget/v3/index.json"},"operation":"read","can_retry":false}
    asked: OnDemand {"type":"get","target":{"protocol":"https","host":"pkgs.dev.azure.com","path":"contoso/_packaging/f/nuget/v3/index.json"},"operation":"read","can_retry":false}
    ran: instead NuGetPackageSourceCredentials_c d=Username=valetkey;Password=canary;ValidAuthenticationTypes=Basic true
    ----- stderr -----
    warning: no variable can be called after the source `a=b`: it gets no key
    hint: give it a name without `=`, or let the plugin answer: `valetkey setup nuget`
    "#);
}

#[test]
fn a_broken_configuration_is_named() {
    let home = home(&[]);
    fs::write(home.path().join("work/nuget.config"), "<configuration><packageSources></configuration>")
        .unwrap();
    let shown = Run::new("exec -- true").home(home.path()).shown();
    assert_snapshot!(shown.replace(&home.path().display().to_string(), "[HOME]"), @"
    exit: 1 (Refused)
    ----- stderr -----
    error: `[HOME]/work/nuget.config` is not to be understood: ill-formed document: expected `</packageSources>`, but `</configuration>` was found
    hint: correct that file
    ");
    let shown = Run::new("exec --configfile absent -- true").home(home.path()).shown();
    assert_snapshot!(shown, @"
    exit: 1 (Refused)
    ----- stderr -----
    error: `absent` cannot be read: No such file or directory
    hint: name another file
    ");
}
