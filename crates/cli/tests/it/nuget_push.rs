//! `nuget push` with a `dotnet` that only tells its version.

use std::{fs, path::PathBuf};

use insta::assert_snapshot;
use tempfile::TempDir;
use valetkey_cli::Exit;
use valetkey_paths::env;
use valetkey_protocol::{Answer, NugetKey, Reason};

use crate::harness::{Run, nupkg, write_program};

struct Home(TempDir);

impl Home {
    /// A home with a `dotnet` of this version and two packages.
    fn new(version: &str) -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        for folder in ["bin", "work"] {
            fs::create_dir(home.at(folder)).unwrap();
        }
        let script = format!("#!/bin/sh\n[ \"$1\" = --version ] && echo {version}\n");
        write_program(&home.at("bin/dotnet"), &script);
        home.package("core.nupkg", "Contoso.Core", "1.2.3");
        home.package("-x.nupkg", "Contoso.Extra", "1.0.0-beta");
        home
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn package(&self, file: &str, id: &str, version: &str) {
        fs::write(self.at("work").join(file), nupkg(id, version)).unwrap();
    }

    fn run(&self, command_line: &str) -> Run {
        Run::new(command_line).home(self.0.path()).variable(env::PATH, self.at("bin"))
    }

    fn shown(&self, run: Run) -> String {
        run.shown().replace(&self.0.path().display().to_string(), "[HOME]")
    }
}

fn key(name: &str) -> NugetKey {
    NugetKey {
        name: name.to_owned(),
        secret: "canary".into(),
        owner: "contoso".to_owned(),
        glob: "Contoso.*".to_owned(),
        expires_at: None,
        warning: None,
        for_new_package: None,
    }
}

#[test]
fn the_key_goes_through_the_environment_where_the_client_takes_it() {
    let home = Home::new("10.0.300");
    let ending = NugetKey { warning: Some("it ends in 3 days".to_owned()), ..key("extra") };
    let run = home
        .run("nuget push --skip-duplicate core.nupkg -- -x.nupkg")
        .answer(Answer::NugetKey(key("ci")))
        .answer(Answer::NugetKey(ending));
    assert_snapshot!(home.shown(run), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"nuget-org","do":"choose","package":"Contoso.Core","operation":"push"}
    asked: OnDemand {"type":"nuget-org","do":"choose","package":"Contoso.Extra","operation":"push"}
    ran: wait NUGET_API_KEY=canary [HOME]/bin/dotnet nuget push [HOME]/work/core.nupkg --source https://api.nuget.org/v3/index.json --skip-duplicate
    ran: wait NUGET_API_KEY=canary [HOME]/bin/dotnet nuget push [HOME]/work/-x.nupkg --source https://api.nuget.org/v3/index.json --skip-duplicate
    ----- stdout -----
    Contoso.Core 1.2.3 pushed with the key `ci`
    Contoso.Extra 1.0.0-beta pushed with the key `extra`
    ----- stderr -----
    warning: key `extra`: it ends in 3 days
    hint: run `valetkey nuget keys refresh extra`
    "#);
}

#[test]
fn an_older_client_forces_it_onto_its_command_line_and_that_is_said() {
    let home = Home::new("9.0.304");
    let run = home.run("nuget push core.nupkg").answer(Answer::NugetKey(key("ci")));
    assert_snapshot!(home.shown(run), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"nuget-org","do":"choose","package":"Contoso.Core","operation":"push"}
    ran: wait [HOME]/bin/dotnet nuget push [HOME]/work/core.nupkg --source https://api.nuget.org/v3/index.json --api-key canary
    ----- stdout -----
    Contoso.Core 1.2.3 pushed with the key `ci`
    ----- stderr -----
    warning: this `dotnet` takes a key on its command line only, where other programs can read it while it runs
    hint: SDK 10.0.300 and later take it from the environment
    "#);
}

#[test]
fn nuget_exe_pushes_as_well() {
    let home = Home::new("10.0.401");
    for (file, version) in [("old", "5.8.0.6930"), ("new", "7.6.0.1")] {
        let script = format!("#!/bin/sh\n[ \"$1\" = help ] && echo 'NuGet Version: {version}'\n");
        write_program(&home.at("work").join(file), &script);
    }
    let run = |name: &str| {
        let program = home.at("work").join(name);
        let line = format!("nuget push --skip-duplicate core.nupkg --nuget-exe {}", program.display());
        home.shown(home.run(&line).answer(Answer::NugetKey(key("ci"))))
    };
    assert_snapshot!(run("old"), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"nuget-org","do":"choose","package":"Contoso.Core","operation":"push"}
    ran: wait [HOME]/work/old push [HOME]/work/core.nupkg -Source https://api.nuget.org/v3/index.json -NonInteractive -SkipDuplicate -ApiKey canary
    ----- stdout -----
    Contoso.Core 1.2.3 pushed with the key `ci`
    ----- stderr -----
    warning: this nuget.exe takes a key on its command line only, where other programs can read it while it runs
    hint: nuget.exe 7.6 and later takes it from the environment
    "#);
    assert_snapshot!(run("new"), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"nuget-org","do":"choose","package":"Contoso.Core","operation":"push"}
    ran: wait NUGET_API_KEY=canary [HOME]/work/new push [HOME]/work/core.nupkg -Source https://api.nuget.org/v3/index.json -NonInteractive -SkipDuplicate
    ----- stdout -----
    Contoso.Core 1.2.3 pushed with the key `ci`
    "#);
    assert_snapshot!(home.shown(home.run("nuget push core.nupkg --nuget-exe ./absent")), @r#"
    exit: 1 (Refused)
    ----- stderr -----
    error: nuget.exe `./absent` cannot be asked for its version
    hint: name one that runs with `--nuget-exe`; outside Windows it takes mono
    "#);
}

#[test]
fn a_push_that_fails_ends_it_with_the_clients_code() {
    let home = Home::new("10.0.401");
    let with_other = NugetKey { for_new_package: Some("all".to_owned()), ..key("ci") };
    let run =
        home.run("nuget push core.nupkg core.nupkg").answer(Answer::NugetKey(with_other)).program_exits(7);
    assert_snapshot!(home.shown(run), @r#"
    exit: 7 (Other(7))
    asked: OnDemand {"type":"nuget-org","do":"choose","package":"Contoso.Core","operation":"push"}
    ran: overhear NUGET_API_KEY=canary [HOME]/bin/dotnet nuget push [HOME]/work/core.nupkg --source https://api.nuget.org/v3/index.json
    ----- stderr -----
    warning: Contoso.Core 1.2.3 was not pushed; it was tried with the key `ci`
    hint: if nuget.org has no such package yet, `valetkey nuget push --new [HOME]/work/core.nupkg` uses the key `all`
    hint: `valetkey nuget keys verify ci <id> <version>` tells whether nuget.org takes it
    "#);
}

#[test]
fn a_new_package_is_pushed_again_with_the_key_that_may() {
    let home = Home::new("10.0.401");
    let narrow = || NugetKey { for_new_package: Some("all".to_owned()), ..key("ci") };
    let all = || NugetKey { secret: "other".into(), ..key("all") };
    let refused = "  Forbidden https://www.nuget.org/api/v2/package/ 12ms";
    let run = home
        .run("nuget push core.nupkg")
        .answer(Answer::NugetKey(narrow()))
        .answer(Answer::NugetKey(all()))
        .program_exits(1)
        .program_says(refused);
    assert_snapshot!(home.shown(run), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"nuget-org","do":"choose","package":"Contoso.Core","operation":"push"}
    asked: OnDemand {"type":"nuget-org","do":"choose","package":"Contoso.Core","operation":"push","is_new":true}
    ran: overhear NUGET_API_KEY=canary [HOME]/bin/dotnet nuget push [HOME]/work/core.nupkg --source https://api.nuget.org/v3/index.json
    ran: wait NUGET_API_KEY=other [HOME]/bin/dotnet nuget push [HOME]/work/core.nupkg --source https://api.nuget.org/v3/index.json
    ----- stdout -----
    Contoso.Core 1.2.3 pushed with the key `all`
    ----- stderr -----
    warning: the key `ci` may push new versions only and was refused; the key `all` may push new packages
    "#);
    // The other one is refused as well: no third time, and the rest is not pushed.
    let run = home
        .run("nuget push core.nupkg core.nupkg")
        .answer(Answer::NugetKey(narrow()))
        .answer(Answer::NugetKey(all()))
        .program_exits(1)
        .program_exits(9)
        .program_says(refused);
    assert_snapshot!(home.shown(run), @r#"
    exit: 9 (Other(9))
    asked: OnDemand {"type":"nuget-org","do":"choose","package":"Contoso.Core","operation":"push"}
    asked: OnDemand {"type":"nuget-org","do":"choose","package":"Contoso.Core","operation":"push","is_new":true}
    ran: overhear NUGET_API_KEY=canary [HOME]/bin/dotnet nuget push [HOME]/work/core.nupkg --source https://api.nuget.org/v3/index.json
    ran: wait NUGET_API_KEY=other [HOME]/bin/dotnet nuget push [HOME]/work/core.nupkg --source https://api.nuget.org/v3/index.json
    ----- stderr -----
    warning: the key `ci` may push new versions only and was refused; the key `all` may push new packages
    warning: Contoso.Core 1.2.3 was not pushed; it was tried with the key `all`
    hint: `valetkey nuget keys verify all <id> <version>` tells whether nuget.org takes it
    "#);
    // Whatever it says: it ended well.
    let run = home.run("nuget push core.nupkg").answer(Answer::NugetKey(narrow())).program_says(refused);
    assert_eq!(run.made().exit, Exit::Done);
}

#[test]
fn a_new_package_is_said_to_be_one() {
    let home = Home::new("10.0.401");
    let made = home.run("nuget push --new core.nupkg").answer(Answer::NugetKey(key("all"))).made();
    assert!(made.asked[0].contains(r#""is_new":true"#), "{:?}", made.asked);
}

#[test]
fn nothing_is_pushed_where_one_is_no_package() {
    let home = Home::new("10.0.401");
    fs::write(home.at("work/noise.nupkg"), "noise").unwrap();
    assert_snapshot!(home.shown(home.run("nuget push core.nupkg noise.nupkg")), @"
    exit: 1 (Refused)
    ----- stderr -----
    error: `noise.nupkg` cannot be pushed: it is no package: not a zip archive
    hint: make the package again with `dotnet pack`
    ");
}

#[test]
fn without_a_key_nothing_is_run() {
    let home = Home::new("10.0.401");
    let run = home.run("nuget push core.nupkg").refuse(
        Reason::OperationNotAllowed,
        "no key may push `Contoso.Core`",
        "run `valetkey nuget keys add`",
    );
    assert_snapshot!(home.shown(run), @r#"
    exit: 1 (Refused)
    asked: OnDemand {"type":"nuget-org","do":"choose","package":"Contoso.Core","operation":"push"}
    ----- stderr -----
    error: no key may push `Contoso.Core`
    hint: run `valetkey nuget keys add`
    "#);
}

#[test]
fn a_client_that_is_not_there_or_does_not_run_is_named() {
    let home = Home::new("not-a-version");
    assert_snapshot!(home.shown(home.run("nuget push core.nupkg")), @"
    exit: 1 (Refused)
    ----- stderr -----
    error: `[HOME]/bin/dotnet --version` fails
    hint: name a `dotnet` that runs with `--dotnet`
    ");
    let run = Run::new("nuget push core.nupkg").home(home.0.path());
    assert_snapshot!(home.shown(run), @"
    exit: 1 (Refused)
    ----- stderr -----
    error: neither `dotnet` nor `nuget` is on the PATH
    hint: install the .NET SDK, or name a `dotnet` with `--dotnet` or a nuget.exe with `--nuget-exe`
    ");
}

#[test]
fn without_a_dotnet_the_nuget_on_the_path_pushes() {
    let home = Home::new("10.0.401");
    fs::rename(home.at("bin/dotnet"), home.at("work/dotnet")).unwrap();
    // No system runs it by itself, so it need not be executable; mono does, which is none here.
    fs::write(home.at("bin/nuget.exe"), "MZ").unwrap();
    let said = home.shown(home.run("nuget push core.nupkg"));
    assert!(said.contains("nuget.exe `[HOME]/bin/nuget.exe` cannot be asked for its version"), "{said}");
    // What a package of the system's puts there (Debian: nuget) goes first.
    write_program(&home.at("bin/nuget"), "#!/bin/sh\n[ \"$1\" = help ] && echo 'NuGet Version: 7.6.0.1'\n");
    let run = || home.run("nuget push core.nupkg").answer(Answer::NugetKey(key("ci")));
    assert!(home.shown(run()).contains("ran: wait NUGET_API_KEY=canary [HOME]/bin/nuget push "));
    fs::rename(home.at("work/dotnet"), home.at("bin/dotnet")).unwrap();
    assert!(home.shown(run()).contains("/bin/dotnet nuget push "), "a `dotnet` goes first");
}

#[test]
fn keys_go_nowhere_else() {
    let home = Home::new("10.0.401");
    let made = home.run("nuget push core.nupkg --source https://evil.example/v3/index.json").made();
    assert_eq!((made.exit, made.asked.len()), (Exit::Usage, 0));
    assert!(made.err.contains("a key of nuget.org is sent to nuget.org only"), "{}", made.err);
}

#[test]
fn a_pipeline_pushes_with_a_key_of_its_own_and_asks_no_agent() {
    let home = Home::new("10.0.401");
    let run = home.run("nuget push --trusted-publisher alice core.nupkg core.nupkg").pipeline("short");
    assert_snapshot!(home.shown(run), @"
    exit: 0 (Done)
    ran: wait NUGET_API_KEY=short-of-alice-at-https://www.nuget.org [HOME]/bin/dotnet nuget push [HOME]/work/core.nupkg --source https://api.nuget.org/v3/index.json
    ran: wait NUGET_API_KEY=short-of-alice-at-https://www.nuget.org [HOME]/bin/dotnet nuget push [HOME]/work/core.nupkg --source https://api.nuget.org/v3/index.json
    ----- stdout -----
    Contoso.Core 1.2.3 pushed with a key for this job alone
    Contoso.Core 1.2.3 pushed with a key for this job alone
    ");
    let source = "--source https://localhost:8443/v3/index.json";
    let run = home
        .run(&format!("nuget push --trusted-publisher alice {source} core.nupkg"))
        .pipeline("short")
        .program_exits(1);
    assert_snapshot!(home.shown(run), @"
    exit: 1 (Other(1))
    ran: wait NUGET_API_KEY=short-of-alice-at-https://localhost:8443 [HOME]/bin/dotnet nuget push [HOME]/work/core.nupkg --source https://localhost:8443/v3/index.json
    ----- stderr -----
    warning: Contoso.Core 1.2.3 was not pushed; it was tried with a key for this job alone
    ");
    assert_snapshot!(home.shown(home.run("nuget push --trusted-publisher alice core.nupkg")), @"
    exit: 1 (Refused)
    ----- stderr -----
    error: this is no pipeline
    hint: leave it out
    ");
}
