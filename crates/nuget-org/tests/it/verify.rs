//! The check of a key.

use valetkey_nuget_org::{NugetError, NugetErrorKind as Kind, Verdict, Warning};

use crate::server::{KEY, Server, id, key, version};

const INVALID: &str = "The specified API key is invalid, has expired, or does not have permission to access the specified package.";
const GONE: &str = "A package with ID 'contoso.data' and version '1.0.0' does not exist.";

async fn refused(status: u16, headers: &[(&str, &str)], body: &str) -> NugetError {
    let server = Server::saying(status, headers, body).await;
    let error = server.nuget().verify(&key(), &id("Contoso.Data"), &version("1.0")).await.unwrap_err();
    assert!(error.sentence.contains("`Contoso.Data` 1.0.0"), "{error:?}");
    assert!(!format!("{error:?}").contains(KEY) && !error.sentence.ends_with('.'), "{error:?}");
    error
}

#[tokio::test]
async fn a_good_key_and_what_is_sent_for_it() {
    let warning = "Your API key expires in 7 days. Visit https://www.nuget.org/account/ApiKeys to regenerate your API key.";
    let server = Server::saying(200, &[("X-NuGet-Warning", warning)], "").await;
    let found = server.nuget().verify(&key(), &id("Contoso.Data"), &version("1.0.0.0-rc.1")).await.unwrap();
    assert_eq!(found.value, Verdict::MayPush);
    assert_eq!(found.warnings, [Warning::Expires { days: 7 }]);
    let asked = &server.asked()[0];
    assert_eq!(format!("{} {}", asked.method, asked.uri), "GET /api/v2/verifykey/Contoso.Data/1.0.0-rc.1");
    assert_eq!(asked.header("x-nuget-apikey"), KEY);
    assert_eq!(asked.header("x-nuget-protocol-version"), "4.1.0");
    assert!(asked.header("user-agent").starts_with("valetkey/"));
    assert_eq!(asked.header("x-nuget-client-version"), "");
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_live_key_and_no_such_package() {
    let server = Server::saying(404, &[], GONE).await;
    let found = server.nuget().verify(&key(), &id("Contoso.Data"), &version("1.0")).await.unwrap();
    assert_eq!((found.value, found.warnings), (Verdict::NoSuchPackage, vec![]));
}

#[tokio::test]
async fn every_refusal() {
    let hurry = "{\"statusCode\":429,\"message\":\"Rate limit is exceeded. Try again in 56 seconds.\"}";
    for (status, body, kind, words) in [
        (401, "An API key must be provided", Kind::KeyRefused, "does not take the key"),
        (403, INVALID, Kind::KeyRefused, "not valid any more, or not for this package"),
        (403, "", Kind::KeyRefused, "not valid any more"),
        (403, "The package is locked.", Kind::AccessDenied, ": The package is locked"),
        (403, "{\"statusCode\":403,\"message\":\"Quota exceeded.\"}", Kind::Quota, ": Quota exceeded"),
        (400, "A client version '4.1.0' or higher is required.", Kind::Rejected, "or higher is required"),
        (400, "", Kind::Rejected, "status 400"),
        (404, "404 page not found", Kind::NotFound, "no such version"),
        (404, "", Kind::NotFound, "no such version"),
        (409, "This package ID has been reserved.", Kind::Rejected, "has been reserved"),
        (429, hurry, Kind::Throttled, "too often"),
        (500, "oops", Kind::Unavailable, "status 500"),
        (503, "<html>", Kind::Unavailable, "status 503"),
        (302, "", Kind::NotNuget, "other than nuget.org"),
        (200, "<!DOCTYPE html><p>sign in to the hotel", Kind::NotNuget, "other than nuget.org"),
        (200, "{}", Kind::Malformed, "status 200"),
        (404, "<html>nginx", Kind::NotNuget, "other than nuget.org"),
    ] {
        let error = refused(status, &[], body).await;
        assert_eq!(error.kind, kind, "{status} {body}");
        assert!(error.sentence.contains(words), "{status} {body}: {error}");
    }
    assert_eq!(refused(429, &[], hurry).await.retry_after, Some(56));
    assert_eq!(refused(429, &[("retry-after", "9")], hurry).await.retry_after, Some(9));
    assert_eq!(refused(429, &[], "Try again in 99999999 seconds").await.retry_after, Some(3600));
    assert_eq!(refused(503, &[("retry-after", "9")], "").await.retry_after, Some(9));
}

#[tokio::test]
async fn words_of_the_service_are_made_safe() {
    let error = refused(400, &[], "first\u{202e}\u{7}\nsecond").await;
    assert!(error.sentence.ends_with(": first\u{fffd}\u{fffd}"), "{error}");
    let server = Server::saying(403, &[], &format!("the key {KEY} is locked")).await;
    let error = server.nuget().verify(&key(), &id("A"), &version("1")).await.unwrap_err();
    assert!(matches!(error.kind, Kind::Http(_)) && !error.sentence.contains("locked"), "{error}");
    assert!(refused(400, &[], &"x".repeat(10_000)).await.sentence.len() < 400);
}

#[tokio::test]
async fn nobody_there() {
    // Taken, so that no test beside this one listens there, and listened at by nobody.
    let taken = tokio::net::TcpSocket::new_v4().unwrap();
    taken.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let url = valetkey_http::Url::parse(&format!("http://{}", taken.local_addr().unwrap())).unwrap();
    let nuget = valetkey_nuget_org::NugetOrg::new(crate::server::http(), url);
    let error = nuget.verify(&key(), &id("A"), &version("1")).await.unwrap_err();
    assert!(matches!(error.kind, Kind::Http(_)) && !error.may_have_arrived(), "{error:?}");
    let strange = valetkey_protocol::SecretString::from("a\nb");
    let error = nuget.verify(&strange, &id("A"), &version("1")).await.unwrap_err();
    assert_eq!(error.kind, Kind::Misuse);
}
