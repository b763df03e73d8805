//! Trusted Publishing: identity tokens of builds for keys that live minutes.

use serde_json::{Value, json};
use valetkey_emulator::GithubJob;

use crate::client::{Got, Rig};

const AUDIENCE: &str = "https://www.nuget.org";

impl Rig {
    async fn identity(&self, job: &GithubJob, audience: &str) -> String {
        let url = format!("{}&audience={audience}", job.url);
        let got = Got::read(self.http.get(url).bearer_auth(&job.token).send().await.expect("answer")).await;
        assert_eq!(got.status, 200);
        got.json()["value"].as_str().expect("value").to_owned()
    }

    async fn exchange(&self, token: &str, body: &Value) -> Got {
        let url = format!("{}/api/v2/token", self.emulator.urls().nuget);
        let request = self.http.post(url).header("user-agent", "test").bearer_auth(token).json(body);
        Got::read(request.send().await.expect("answer")).await
    }

    /// With a policy of alice for the repository's workflow, and its job.
    fn trusting() -> (Self, GithubJob) {
        let rig = Self::start();
        let control = rig.emulator.control();
        control
            .trust("alice", "contoso", "contoso/widgets", Some("release.yml"), &["Contoso.*"])
            .expect("policy");
        let job = control.github_job("contoso/widgets", "release.yml");
        (rig, job)
    }
}

fn body(user: &str) -> Value {
    json!({"username": user, "tokenType": "ApiKey"})
}

#[track_caller]
fn refused(got: &Got, status: u16, part: &str) {
    assert_eq!(got.status, status, "{got:?}");
    let error = got.json()["error"].as_str().expect("error").to_owned();
    assert!(error.contains(part), "`{part}` in `{error}`");
    assert_eq!(got.reason.as_deref(), Some(error.as_str()));
    assert_eq!(got.all("www-authenticate"), if status == 401 { vec!["Bearer"] } else { vec![] });
}

#[tokio::test]
async fn one_identity_token_gives_one_key() {
    let (rig, job) = Rig::trusting();
    let token = rig.identity(&job, AUDIENCE).await;
    let given = rig.exchange(&token, &body("Alice")).await;
    assert_eq!(given.status, 200);
    let given = given.json();
    assert_eq!(given["tokenType"], "ApiKey");
    let key = given["apiKey"].as_str().expect("key");
    assert_eq!((key.len(), &key[72..76], &key[76..80]), (84, "S003", "NUGT"));
    assert_eq!(rig.publish(key, "Contoso.Built", "1.0.0").await.status, 201);
    assert_eq!(rig.publish(key, "Other.Built", "1.0.0").await.status, 403, "the policy names `Contoso.*`");
    refused(&rig.exchange(&token, &body("alice")).await, 401, "already been used");
    let view = &rig.emulator.control().nuget_keys()[0];
    assert_eq!((view.owner.as_str(), view.repository.as_deref()), ("contoso", Some("contoso/widgets")));
    assert!(given["expires"].as_str().expect("time").ends_with('Z'));
    rig.emulator.control().advance(901);
    assert_eq!(rig.publish(key, "Contoso.Built", "2.0.0").await.status, 403);
    assert_eq!(rig.emulator.control().violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_policy_taken_away_takes_its_keys_along() {
    let (rig, job) = Rig::trusting();
    let token = rig.identity(&job, AUDIENCE).await;
    let given = rig.exchange(&token, &body("alice")).await.json();
    rig.emulator.control().distrust("contoso/widgets");
    let key = given["apiKey"].as_str().expect("key");
    assert_eq!(rig.publish(key, "Contoso.Built", "1.0.0").await.status, 403);
    let token = rig.identity(&job, AUDIENCE).await;
    refused(
        &rig.exchange(&token, &body("alice")).await,
        401,
        "No matching trust policy owned by user 'alice'",
    );
}

#[tokio::test]
async fn tokens_that_do_not_fit_are_refused() {
    let (rig, job) = Rig::trusting();
    let control = rig.emulator.control();
    refused(&rig.exchange("eyJ.unknown.token", &body("alice")).await, 401, "could not be parsed");
    let elsewhere = rig.identity(&job, "https://example.com").await;
    refused(&rig.exchange(&elsewhere, &body("alice")).await, 401, "audience");
    let other = control.github_job("contoso/widgets", "test.yml");
    let other = rig.identity(&other, AUDIENCE).await;
    refused(&rig.exchange(&other, &body("alice")).await, 401, "No matching trust policy");
    let token = rig.identity(&job, AUDIENCE).await;
    refused(&rig.exchange(&token, &body("bob")).await, 401, "owned by user 'bob'");
    refused(&rig.exchange(&token, &body("contoso")).await, 400, "organization");
    refused(&rig.exchange(&token, &body("")).await, 400, "username");
    refused(&rig.exchange(&token, &json!({"username": "alice"})).await, 400, "tokenType");
    control.advance(301);
    refused(&rig.exchange(&token, &body("alice")).await, 401, "expired");
    control.switch(|switches| switches.trusted_publishing = false);
    assert_eq!(rig.exchange(&token, &body("alice")).await.status, 404);
}

#[tokio::test]
async fn the_request_must_have_its_form() {
    let (rig, job) = Rig::trusting();
    let url = format!("{}/api/v2/token", rig.emulator.urls().nuget);
    let token = rig.identity(&job, AUDIENCE).await;
    let form = rig.http.post(&url).header("user-agent", "test").bearer_auth(&token).form(&[("a", "b")]);
    refused(&Got::read(form.send().await.expect("answer")).await, 415, "content type");
    let unnamed = rig.http.post(&url).bearer_auth(&token).json(&body("alice"));
    refused(&Got::read(unnamed.send().await.expect("answer")).await, 400, "User-Agent");
    let stranger = rig.http.post(&url).header("user-agent", "test").json(&body("alice"));
    refused(&Got::read(stranger.send().await.expect("answer")).await, 401, "missing");
    assert_eq!(rig.get(&job.url).await.status, 401, "the job's secret is asked for");
}

#[tokio::test]
async fn gitlab_has_its_own_tokens() {
    let rig = Rig::start();
    let control = rig.emulator.control();
    control.trust("alice", "alice", "group/tools", None, &[]).expect("policy");
    assert!(control.trust("contoso", "contoso", "a/b", None, &[]).is_err());
    let token = control.gitlab_token("group/tools", AUDIENCE).expect("token");
    assert_eq!(rig.exchange(&token, &body("alice")).await.status, 200);
    let other = control.gitlab_token("group/other", AUDIENCE).expect("token");
    refused(&rig.exchange(&other, &body("alice")).await, 401, "No matching trust policy");
    rig.http
        .get(format!("{}/log", rig.emulator.urls().ctl))
        .bearer_auth(&token)
        .send()
        .await
        .expect("answer");
    assert_eq!(control.violations(), ["a credential was sent to GET Ctl /log"]);
}
