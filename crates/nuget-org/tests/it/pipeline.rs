//! A pipeline's own token.

use valetkey_http::Url;
use valetkey_nuget_org::{NugetErrorKind as Kind, Pipeline};
use valetkey_protocol::{ExposeSecret as _, SecretString};

use crate::server::{Server, http};

fn github(server: &Server, path: &str) -> Pipeline {
    Pipeline::GitHub {
        request_url: Url::parse(&format!("{}{path}", server.url)).unwrap(),
        request_token: SecretString::from("sesame"),
    }
}

#[tokio::test]
async fn github_is_asked_for_nuget_orgs_audience() {
    let server = Server::saying(200, &[], r#"{"count":1,"value":"a.b.c"}"#).await;
    let token = github(&server, "idtoken/1?api-version=2.0").token(&http()).await.unwrap();
    assert_eq!(token.expose_secret(), "a.b.c");
    let asked = &server.asked()[0];
    let expected = "/idtoken/1?api-version=2.0&audience=https%3A%2F%2Fwww.nuget.org";
    assert_eq!(asked.uri.to_string(), expected);
    assert_eq!((asked.method.as_str(), asked.header("authorization")), ("GET", "Bearer sesame"));
}

#[tokio::test]
async fn github_says_no() {
    for (status, body, kind) in [
        (401, "", Kind::TokenRefused),
        (403, "", Kind::TokenRefused),
        (500, "", Kind::Unavailable),
        (302, "", Kind::TokenRefused),
        (200, "", Kind::Malformed),
        (200, r#"{"value":""}"#, Kind::Malformed),
        (200, "<html>", Kind::Malformed),
    ] {
        let server = Server::saying(status, &[], body).await;
        let error = github(&server, "").token(&http()).await.unwrap_err();
        assert_eq!(error.kind, kind, "{status} {body}");
        assert!(!error.hint.is_empty() && !format!("{error:?}").contains("sesame"));
    }
}

#[tokio::test]
async fn the_request_token_goes_nowhere_unencrypted() {
    let url = Url::parse("http://actions.example.com/").unwrap();
    let pipeline = Pipeline::GitHub { request_url: url, request_token: SecretString::from("sesame") };
    assert!(matches!(pipeline.token(&http()).await.unwrap_err().kind, Kind::Http(_)));
}

#[tokio::test]
async fn gitlab_has_it_already() {
    let variables = [("GITLAB_CI", "true"), ("MINE", " a.b.c\n")];
    let lookup = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
    let pipeline = Pipeline::find(lookup, "MINE").unwrap().unwrap();
    assert_eq!(pipeline.token(&http()).await.unwrap().expose_secret(), "a.b.c");
    assert!(!format!("{pipeline:?}").contains("a.b.c"));
}
