//! Unlisting and relisting.

use valetkey_nuget_org::{NugetErrorKind as Kind, Warning};

use crate::server::{KEY, Server, id, key, version};

#[tokio::test]
async fn both_ways_and_both_successes() {
    for status in [200, 204] {
        let server = Server::saying(status, &[("X-NuGet-Warning", "mind the gap")], "").await;
        let (nuget, package) = (server.nuget(), id("Contoso.Data"));
        let gone = nuget.unlist(&key(), &package, &version("1.0")).await.unwrap();
        assert_eq!(gone.warnings, [Warning::Other("mind the gap".into())]);
        nuget.relist(&key(), &package, &version("1.0")).await.unwrap();
        let asked: Vec<_> =
            server.asked().iter().map(|asked| format!("{} {}", asked.method, asked.uri)).collect();
        let path = "/api/v2/package/Contoso.Data/1.0.0";
        assert_eq!(asked, [format!("DELETE {path}"), format!("POST {path}")]);
        assert!(server.asked().iter().all(|asked| asked.header("x-nuget-apikey") == KEY));
    }
}

#[tokio::test]
async fn refusals_name_what_was_to_be_done() {
    for (status, body, kind) in [
        (403, "", Kind::KeyRefused),
        (404, "no such package", Kind::NotFound),
        (429, "", Kind::Throttled),
        (500, "", Kind::Unavailable),
        (301, "", Kind::NotNuget),
        (200, "<html>", Kind::NotNuget),
    ] {
        let server = Server::saying(status, &[], body).await;
        let (nuget, package) = (server.nuget(), id("Contoso.Data"));
        let error = nuget.unlist(&key(), &package, &version("2")).await.unwrap_err();
        assert_eq!(error.kind, kind, "{status}");
        assert!(error.sentence.starts_with("cannot unlist `Contoso.Data` 2.0.0: "), "{error}");
        let error = nuget.relist(&key(), &package, &version("2")).await.unwrap_err();
        assert!(error.sentence.starts_with("cannot relist `Contoso.Data` 2.0.0: "), "{error}");
    }
}
