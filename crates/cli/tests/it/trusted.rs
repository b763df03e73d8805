//! Trusted publishing: the built program in a job of the emulator's, with a `dotnet` that writes down its key.

use std::{
    fs,
    process::{Command, Output},
};

use tempfile::TempDir;
use valetkey_emulator::{Emulator, Options};

use crate::harness::{nupkg, write_program};

struct Job {
    emulator: Emulator,
    home: TempDir,
}

impl Job {
    fn new() -> Self {
        let job = Self {
            emulator: Emulator::start(Options::default()).unwrap(),
            home: tempfile::tempdir().unwrap(),
        };
        let home = job.home.path();
        fs::write(home.join("authority.pem"), job.emulator.ca_pem()).unwrap();
        fs::write(home.join("a.nupkg"), nupkg("Contoso.A", "1.0.0")).unwrap();
        let script = "#!/bin/sh\n[ \"$1\" = --version ] && echo 10.0.401 || echo $NUGET_API_KEY >>keys\n";
        write_program(&home.join("dotnet"), script);
        job
    }

    /// `valetkey nuget push` of two packages, with these variables of a job.
    fn push(&self, variables: &[(&str, &str)]) -> Output {
        let home = self.home.path();
        let source = format!("{}/v3/index.json", self.emulator.urls().nuget);
        Command::new(env!("CARGO_BIN_EXE_valetkey"))
            .args(["nuget", "push", "--trusted-publisher", "alice", "a.nupkg", "a.nupkg"])
            .args(["--source", &source, "--dotnet"])
            .arg(home.join("dotnet"))
            .current_dir(home)
            .env_clear()
            .env("HOME", home)
            .env("SSL_CERT_FILE", home.join("authority.pem"))
            .envs(variables.iter().copied())
            .output()
            .unwrap()
    }

    /// Keys the client was given.
    fn keys(&self) -> Vec<String> {
        let text = fs::read_to_string(self.home.path().join("keys")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

#[test]
fn a_job_gets_one_key_for_all_its_packages_and_nothing_stays() {
    let job = Job::new();
    let control = job.emulator.control();
    control.trust("alice", "contoso", "contoso/widgets", Some("release.yml"), &["Contoso.*"]).unwrap();
    let github = control.github_job("contoso/widgets", "release.yml");
    let output = job.push(&[
        ("GITHUB_ACTIONS", "true"),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", &github.url),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", &github.token),
    ]);
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), &*err), (Some(0), ""));
    let keys = job.keys();
    assert_eq!(keys.len(), 2);
    assert_eq!(keys[0], keys[1]);
    let made: Vec<_> =
        control.nuget_keys().into_iter().filter(|key| key.repository.is_some() && key.live).collect();
    assert_eq!(made.len(), 1, "{made:?}");
    assert!(control.secrets().contains(&keys[0]), "another key than the one that was made");
    assert!(!String::from_utf8_lossy(&output.stdout).contains(&keys[0]));
    let mut left: Vec<_> =
        fs::read_dir(job.home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["a.nupkg", "authority.pem", "dotnet", "keys"]);
    assert_eq!(control.violations(), Vec::<String>::new());
}

#[test]
fn gitlabs_token_is_taken_from_its_variable() {
    let job = Job::new();
    let control = job.emulator.control();
    control.trust("alice", "contoso", "contoso/gadgets", None, &[]).unwrap();
    let token = control.gitlab_token("contoso/gadgets", "https://www.nuget.org").unwrap();
    let variables = [("GITLAB_CI", "true"), ("NUGET_ID_TOKEN", token.as_str())];
    assert_eq!(job.push(&variables).status.code(), Some(0));
    // It works once; nothing is run without a key.
    let output = job.push(&variables);
    assert_eq!((output.status.code(), job.keys().len()), (Some(1), 2));
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(err.starts_with("error: ") && err.contains("\nhint: ") && !err.contains(&token), "{err}");
}

#[test]
fn a_job_that_nobody_trusts_pushes_nothing() {
    let job = Job::new();
    let github = job.emulator.control().github_job("mallory/widgets", "release.yml");
    let output = job.push(&[
        ("ACTIONS_ID_TOKEN_REQUEST_URL", &github.url),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", &github.token),
    ]);
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(err.starts_with("error: ") && !err.contains(&github.token), "{err}");
    assert!(job.keys().is_empty());
}
