//! The real git, driven with tokens minted over HTTP.

use std::{
    path::Path,
    process::{Command, Output},
};

use serde_json::json;
use valetkey_emulator::Emulator;

use crate::client::{Got, Rig};

const SERVICE: &str = "Payments%20Platform/_git/Card%20Auth%20(v2).Service";

/// git with nothing of this machine's configuration.
struct Git<'a> {
    home: &'a Path,
    emulator: &'a Emulator,
    /// The password that answers every question; without one git may not ask.
    secret: &'a str,
}

impl Git<'_> {
    fn run(&self, directory: &Path, arguments: &[&str]) -> Output {
        let authority = self.home.join("ca.pem");
        std::fs::write(&authority, self.emulator.ca_pem()).expect("ca.pem");
        let helper =
            format!("!f() {{ test \"$1\" = get && printf 'username=x\\npassword={}\\n'; }}; f", self.secret);
        Command::new("git")
            .args(["-c", "credential.helper=", "-c", &format!("credential.helper={helper}")])
            .args(["-c", "user.name=Test", "-c", "user.email=test@contoso.example"])
            .args(arguments)
            .current_dir(directory)
            .env("HOME", self.home)
            .env("XDG_CONFIG_HOME", self.home)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_SSL_CAINFO", &authority)
            .env_remove("HTTPS_PROXY")
            .env_remove("https_proxy")
            .env("NO_PROXY", "localhost")
            .output()
            .expect("git")
    }

    #[track_caller]
    fn ok(&self, directory: &Path, arguments: &[&str]) {
        let output = self.run(directory, arguments);
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    #[track_caller]
    fn fails(&self, directory: &Path, arguments: &[&str]) -> String {
        let output = self.run(directory, arguments);
        assert!(!output.status.success(), "git {arguments:?} should fail");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }
}

async fn pat(rig: &Rig, scope: &str) -> String {
    let token = rig.access_token().await;
    let got = rig.create("contoso", &token, json!({"scope": scope})).await;
    got.json()["patToken"]["token"].as_str().expect("token").to_owned()
}

#[tokio::test]
async fn clone_and_push_with_minted_tokens() {
    let rig = Rig::start();
    let home = tempfile::tempdir().expect("home");
    let (read, write) = (pat(&rig, "vso.code").await, pat(&rig, "vso.code_write").await);
    let url = format!("{}/contoso/{SERVICE}", rig.emulator.urls().dev);
    let reader = Git { home: home.path(), emulator: &rig.emulator, secret: &read };
    let writer = Git { secret: &write, ..reader };

    reader.ok(home.path(), &["clone", "--quiet", &url, "work"]);
    let work = home.path().join("work");
    assert_eq!(
        std::fs::read_to_string(work.join("README.md")).expect("README"),
        "Seeded by the emulator.\n:)"
    );
    // More than git's post buffer, so the push is chunked and probed first.
    let large: Vec<u8> = (0..3_000_000_u32).map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    std::fs::write(work.join("large.bin"), large).expect("file");
    reader.ok(&work, &["add", "."]);
    reader.ok(&work, &["commit", "--quiet", "-m", "Second"]);
    let refused = reader.fails(&work, &["push", "origin", "main"]);
    assert!(refused.contains("Authentication failed") || refused.contains("401"), "{refused}");
    writer.ok(&work, &["push", "--quiet", "origin", "main"]);
    reader.ok(home.path(), &["clone", "--quiet", &url, "again"]);
    assert!(home.path().join("again/large.bin").exists());
    assert_eq!(rig.emulator.control().violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_protected_branch_refuses_inside_the_protocol() {
    let rig = Rig::start();
    let home = tempfile::tempdir().expect("home");
    let write = pat(&rig, "vso.code_write").await;
    let git = Git { home: home.path(), emulator: &rig.emulator, secret: &write };
    let url = format!("{}/contoso/widgets/_git/widgets", rig.emulator.urls().dev);
    git.ok(home.path(), &["clone", "--quiet", &url, "work"]);
    let work = home.path().join("work");
    let refused = git.fails(&work, &["push", "origin", "HEAD:refs/heads/release/1"]);
    assert!(refused.contains("remote rejected") && refused.contains("TF402455"), "{refused}");
    git.ok(&work, &["push", "--quiet", "origin", "HEAD:refs/heads/topic"]);
}

#[tokio::test]
async fn fetches_stop_when_the_token_ends() {
    let rig = Rig::start();
    let home = tempfile::tempdir().expect("home");
    let read = pat(&rig, "vso.code").await;
    let git = Git { home: home.path(), emulator: &rig.emulator, secret: &read };
    let url = format!("{}/contoso/_git/widgets", rig.emulator.urls().dev);
    git.ok(home.path(), &["ls-remote", &url]);
    rig.emulator.control().advance(3601);
    git.fails(home.path(), &["ls-remote", &url]);
}

#[tokio::test]
async fn gits_first_question_gets_the_three_challenges() {
    let rig = Rig::start();
    let urls = rig.emulator.urls();
    let refs = format!("{}/contoso/widgets/_git/widgets/info/refs?service=git-upload-pack", urls.dev);
    let got = rig.get(&refs).await;
    assert_eq!((got.status.as_u16(), got.body.len()), (401, 0));
    let tenant = valetkey_emulator::TENANT_HOME;
    assert_eq!(
        got.all("www-authenticate"),
        [
            format!("Bearer authorization_uri={}/{tenant}", urls.login),
            format!("Basic realm=\"{}/\"", urls.dev),
            "TFS-Federated".to_owned(),
        ]
    );
    assert_eq!(got.all("x-vss-resourcetenant"), [tenant]);
    assert_eq!(got.all("x-vss-authorizationendpoint"), [format!("{}/contoso/", urls.vssps)]);
}

#[tokio::test]
async fn dead_tokens_answer_alike_and_unlike_unknown_ones() {
    let rig = Rig::start();
    let control = rig.emulator.control();
    let refs = format!(
        "{}/contoso/widgets/_git/widgets/info/refs?service=git-receive-pack",
        rig.emulator.urls().dev
    );
    let ask = async |secret: &str| {
        Got::read(rig.http.get(&refs).basic_auth("x", Some(secret)).send().await.expect("answer")).await
    };
    let (_, narrow) = control.mint("alice", "contoso", "vso.code", 600).expect("mint");
    let (revoked_id, revoked) = control.mint("alice", "contoso", "vso.code_write", 600).expect("mint");
    let (expired_id, expired) = control.mint("alice", "contoso", "vso.code_write", 600).expect("mint");
    let (_, good) = control.mint("alice", "contoso", "vso.code_write", 600).expect("mint");
    let (_, elsewhere) = control.mint("alice", "strict", "vso.code_write", 600).expect("mint");
    control.revoke_pat(&revoked_id).expect("revoke");
    control.expire_pat(&expired_id).expect("expire");
    for secret in [&narrow, &revoked, &expired, &elsewhere] {
        let got = ask(secret).await;
        assert_eq!((got.status.as_u16(), got.body.len()), (401, 0));
        assert_eq!(got.all("www-authenticate"), [format!("Basic realm=\"{}/\"", rig.emulator.urls().dev)]);
        assert_eq!(got.all("content-type"), Vec::<String>::new());
        assert_eq!(got.all("x-vss-resourcetenant"), Vec::<String>::new());
    }
    assert_eq!(ask("unknown").await.all("www-authenticate").len(), 3);
    assert_eq!(ask(&good).await.status, 200);
}

#[tokio::test]
async fn unknown_repositories_and_odd_queries_are_404() {
    let rig = Rig::start();
    let (_, pat) = rig.emulator.control().mint("alice", "contoso", "vso.code", 600).expect("mint");
    for path in [
        "contoso/widgets/_git/nothing/info/refs?service=git-upload-pack",
        "contoso/widgets/_git/widgets/info/refs?service=git-upload-pack&service=git-upload-pack",
    ] {
        let url = format!("{}/{path}", rig.emulator.urls().dev);
        let got =
            Got::read(rig.http.get(url).basic_auth("x", Some(&pat)).send().await.expect("answer")).await;
        assert_eq!(got.status, 404, "{path}");
        let body = got.json();
        assert!(body["message"].as_str().expect("message").starts_with("TF401019"), "{body}");
        assert_eq!(body["typeKey"], "GitRepositoryNotFoundException");
    }
}
