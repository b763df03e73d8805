//! The real .NET SDK against the feeds and nuget.org.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::TempDir;
use valetkey_emulator::{Host, nupkg};

use crate::{client::Rig, skip};

/// A project with a home of its own.
struct Project {
    dotnet: PathBuf,
    folder: TempDir,
    /// Variables of every run.
    variables: Vec<(String, String)>,
}

impl Project {
    /// `None` where there is no SDK; the skip is recorded.
    fn new(test: &str, rig: &Rig, sources: &[(&str, &str)], packages: &[(&str, &str)]) -> Option<Self> {
        let dotnet = skip::dotnet(test)?;
        let folder = tempfile::tempdir().expect("folder");
        let source = |(name, url): &(&str, &str)| format!("<add key=\"{name}\" value=\"{url}\" />");
        let sources = sources.iter().map(source).collect::<Vec<_>>().concat();
        let reference = |(id, version): &(&str, &str)| {
            format!("<PackageReference Include=\"{id}\" Version=\"{version}\" />")
        };
        let references = packages.iter().map(reference).collect::<Vec<_>>().concat();
        for (name, content) in [
            (
                "nuget.config",
                format!("<configuration><packageSources><clear />{sources}</packageSources></configuration>"),
            ),
            (
                "app.csproj",
                format!(
                    "<Project Sdk=\"Microsoft.NET.Sdk\"><PropertyGroup><TargetFramework>net10.0</TargetFramework>\
                     </PropertyGroup><ItemGroup>{references}</ItemGroup></Project>"
                ),
            ),
            ("ca.pem", rig.emulator.ca_pem().to_owned()),
        ] {
            fs::write(folder.path().join(name), content).expect(name);
        }
        Some(Self { dotnet, folder, variables: Vec::new() })
    }

    fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// `NuGetPackageSourceCredentials_{source}`, which the client reads before it asks any plugin.
    fn credentials(&mut self, source: &str, pat: &str) {
        let name = format!("NuGetPackageSourceCredentials_{source}");
        self.set(&name, &format!("Username=VssSessionToken;Password={pat}"));
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let home = self.folder.path().join("home");
        fs::create_dir_all(&home).expect("home");
        let root = self.dotnet.canonicalize().expect("dotnet");
        Command::new(&self.dotnet)
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", &home)
            .env("DOTNET_CLI_HOME", &home)
            .env("DOTNET_ROOT", root.parent().unwrap_or(Path::new("/")))
            .env("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "1")
            .env("DOTNET_CLI_TELEMETRY_OPTOUT", "1")
            .env("DOTNET_NOLOGO", "1")
            .env("MSBUILDDISABLENODEREUSE", "1")
            .env("SSL_CERT_FILE", self.folder.path().join("ca.pem"))
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .output()
            .expect("dotnet")
    }

    #[track_caller]
    fn ok(&self, arguments: &[&str]) {
        let output = self.run(arguments);
        assert!(output.status.success(), "dotnet {arguments:?}: {}", text(&output));
    }

    #[track_caller]
    fn fails(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(!output.status.success(), "dotnet {arguments:?} should fail: {}", text(&output));
        text(&output)
    }

    fn restored(&self, package: &str, version: &str) -> bool {
        self.folder.path().join("home/.nuget/packages").join(package).join(version).is_dir()
    }

    fn package(&self, id: &str, version: &str) -> String {
        let name = format!("{id}.{version}.nupkg");
        fs::write(self.folder.path().join(&name), nupkg(id, version, &[])).expect("package");
        name
    }
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn dotnet_restores_from_feeds_of_two_organisations() {
    let rig = Rig::start();
    let pkgs = &rig.emulator.urls().pkgs;
    let team = format!("{pkgs}/contoso/Payments%20Platform/_packaging/team/nuget/v3/index.json");
    let raw = format!("{pkgs}/fabrikam/Café Zürich/_packaging/Pakete für alle/nuget/v3/index.json");
    let sources = [("team", team.as_str()), ("raw", raw.as_str())];
    let packages = [("Contoso.Text", "1.2.0"), ("Only.Fabrikam", "1.0.0")];
    let test = "dotnet_restores_from_feeds_of_two_organisations";
    let Some(mut project) = Project::new(test, &rig, &sources, &packages) else { return };
    let control = rig.emulator.control();
    control.add_package("fabrikam", "Pakete für alle", "Only.Fabrikam", "1.0.0", &[]).expect("package");
    assert!(project.fails(&["restore"]).contains("401"), "without a key");
    for (source, organisation) in [("team", "contoso"), ("raw", "fabrikam")] {
        project
            .credentials(source, &control.mint("alice", organisation, "vso.packaging", 600).expect("mint").1);
    }
    project.ok(&["restore"]);
    assert!(project.restored("contoso.text", "1.2.0") && project.restored("contoso.core", "1.0.0"));
    assert!(project.restored("only.fabrikam", "1.0.0"));
    assert_eq!(control.violations(), Vec::<String>::new());
}

#[test]
fn dotnet_pushes_to_a_feed_and_unlists() {
    let rig = Rig::start();
    let shared = format!("{}/contoso/_packaging/shared/nuget/v3/index.json", rig.emulator.urls().pkgs);
    let test = "dotnet_pushes_to_a_feed_and_unlists";
    let Some(mut project) = Project::new(test, &rig, &[("shared", &shared)], &[]) else { return };
    let control = rig.emulator.control();
    let file = project.package("Contoso.Pushed", "1.0.0");
    project.credentials(
        "shared",
        &control.mint("alice", "contoso", "vso.packaging_write", 600).expect("mint").1,
    );
    let push = ["nuget", "push", &file, "--source", "shared", "--api-key", "az"];
    project.ok(&push);
    assert!(project.fails(&push).contains("409"), "a version is pushed once");
    let held = || control.packages().into_iter().find(|view| view.id == "Contoso.Pushed").expect("package");
    assert_eq!((held().pushed_by.as_deref(), held().listed), (Some("alice"), true));
    let delete = ["nuget", "delete", "Contoso.Pushed", "1.0.0", "--source", "shared", "--api-key", "az"];
    project.ok(&[&delete[..], &["--non-interactive"]].concat());
    assert!(!held().listed);
}

#[test]
fn dotnet_pushes_to_nuget_org_with_a_key_from_the_environment() {
    let rig = Rig::start();
    let nuget = format!("{}/v3/index.json", rig.emulator.urls().nuget);
    let test = "dotnet_pushes_to_nuget_org_with_a_key_from_the_environment";
    let packages = [("Tailspin.Toys", "3.0.0")];
    let Some(mut project) = Project::new(test, &rig, &[("nuget", &nuget)], &packages) else { return };
    let control = rig.emulator.control();
    project.ok(&["restore"]);
    assert!(project.restored("tailspin.toys", "3.0.0"));
    let file = project.package("Tailspin.New", "1.0.0");
    let key = control.nuget_key("alice", &["Tailspin.*"], &["package:push"], 86_400).expect("key");
    project.set("NUGET_API_KEY", &key);
    let push = ["nuget", "push", &file, "--source", "nuget"];
    let output = project.run(&push);
    assert!(output.status.success() && text(&output).contains("expires in 1 day"), "{}", text(&output));
    assert!(control.packages().iter().any(|view| view.id == "Tailspin.New"));
    let other = project.package("Other.New", "1.0.0");
    let refused = project.fails(&["nuget", "push", &other, "--source", "nuget"]);
    assert!(refused.contains("The specified API key is invalid, has expired"), "{refused}");
    let sent = control.requests_to(Host::Nuget, "PUT", "/api/v2/package");
    assert!(sent.iter().all(|request| request.api_key.as_deref() == Some("1")), "{sent:?}");
    assert_eq!(control.violations(), Vec::<String>::new());
}
