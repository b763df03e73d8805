use std::time::Duration;

use valetkey_azure_devops::{DevOps, DevOpsErrorKind as Kind, Endpoints, Filter, Listing, Sort};
use valetkey_http::{Http, Settings};

use crate::{
    answers::{ID, TOKEN, pat},
    server::{Server, bearer, json, reply},
};

fn page(ids: &[&str], next: &str) -> String {
    let pats: Vec<_> = ids.iter().map(|id| pat(id, "null")).collect();
    format!(r#"{{"continuationToken":{next},"patTokens":[{}]}}"#, pats.join(","))
}

const SECOND: &str = "00000000-0000-4000-8000-000000000002";

#[tokio::test]
async fn every_page_is_read_with_the_same_filter() {
    for end in ["\"\"", "null"] {
        let server = Server::answering(move |asked| match asked.query("continuationToken").as_deref() {
            None => json(page(&[ID], "\"a+b/c=&d\"")),
            Some("a+b/c=&d") => json(page(&[], "\"third\"")),
            Some("third") => json(page(&[SECOND], end)),
            Some(other) => panic!("{other}"),
        })
        .await;
        let found = server.devops().list("contoso", &bearer(), Filter::Active).await.unwrap();
        assert_eq!(found.iter().map(|p| p.authorization_id.as_str()).collect::<Vec<_>>(), [ID, SECOND]);
        let asked = server.asked();
        assert_eq!(asked.len(), 3);
        for asked in asked {
            assert_eq!(asked.uri.path(), "/contoso/_apis/tokens/pats");
            assert_eq!(asked.query("displayFilterOption").as_deref(), Some("active"));
            assert_eq!(asked.query("$top").as_deref(), Some("100"));
            assert_eq!(asked.query("api-version").as_deref(), Some("7.1-preview.1"));
        }
    }
}

#[tokio::test]
async fn a_page_is_asked_for_as_the_service_has_it() {
    let server = Server::answering(|asked| match asked.query("continuationToken").as_deref() {
        None => json(page(&[ID], "\"next\"")),
        _ => json(page(&[SECOND], "\"\"")),
    })
    .await;
    let devops = server.devops();
    let listing =
        Listing { filter: Filter::Revoked, sort: Some(Sort::DisplayDate), descending: true, top: Some(200) };
    let first = devops.page("contoso", &bearer(), &listing, None).await.unwrap();
    assert_eq!((first.pats.len(), first.next.as_deref()), (1, Some("next")));
    let last = devops.page("contoso", &bearer(), &listing, first.next.as_deref()).await.unwrap();
    assert_eq!(last.next, None);
    let plain = devops.page("contoso", &bearer(), &Listing::default(), None).await.unwrap();
    assert_eq!(plain.pats.len(), 1);
    let asked = server.asked();
    for (asked, after) in asked[..2].iter().zip([None, Some("next")]) {
        let query = |name: &str| asked.query(name);
        assert_eq!(query("displayFilterOption").as_deref(), Some("revoked"));
        assert_eq!(query("sortByOption").as_deref(), Some("displayDate"));
        assert_eq!(query("isSortAscending").as_deref(), Some("false"));
        assert_eq!(query("$top").as_deref(), Some("100"));
        assert_eq!(query("continuationToken").as_deref(), after);
    }
    assert_eq!((asked[2].query("sortByOption"), asked[2].query("$top")), (None, None));
}

#[tokio::test]
async fn a_list_without_an_end_is_given_up() {
    let server = Server::answering(|_| json(page(&[ID], "\"again\""))).await;
    let error = server.devops().list("contoso", &bearer(), Filter::All).await.unwrap_err();
    assert_eq!(error.kind, Kind::Malformed);
    assert_eq!(server.asked().len(), 2);

    let server = Server::answering(|asked| {
        let next = asked.query("continuationToken").map_or(0, |n| n.parse::<u32>().unwrap()) + 1;
        json(page(&[ID], &format!("\"{next}\"")))
    })
    .await;
    let error = server.devops().list("contoso", &bearer(), Filter::All).await.unwrap_err();
    assert_eq!(error.kind, Kind::Malformed);
    assert_eq!(server.asked().len(), 100);

    let server = Server::answering(|asked| match asked.query("continuationToken").as_deref() {
        Some("ping") => json(page(&[ID], "\"pong\"")),
        _ => json(page(&[ID], "\"ping\"")),
    })
    .await;
    let error = server.devops().list("contoso", &bearer(), Filter::All).await.unwrap_err();
    assert_eq!(error.kind, Kind::Malformed);
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn a_page_that_fails_fails_the_list() {
    let server = Server::answering(|asked| match asked.query("continuationToken") {
        None => json(page(&[ID], "\"next\"")),
        Some(_) => reply(503, &[("retry-after", "7")], ""),
    })
    .await;
    let error = server.devops().list("contoso", &bearer(), Filter::Revoked).await.unwrap_err();
    assert_eq!((error.kind, error.retry_after), (Kind::Unavailable, Some(7)));
    for asked in server.asked() {
        assert_eq!(asked.query("displayFilterOption").as_deref(), Some("revoked"));
    }
}

#[tokio::test]
async fn a_list_that_could_hide_a_key_is_no_list() {
    for body in [
        "{}".to_owned(),
        r#"{"patTokens":null,"continuationToken":""}"#.to_owned(),
        r#"{"count":0,"value":[]}"#.to_owned(),
        "[]".to_owned(),
        page(&["no-id"], "\"\""),
        page(&[ID], "\"\"").replace("validTo", "validUntil"),
    ] {
        let shown = body.clone();
        let server = Server::answering(move |_| json(body.clone())).await;
        let error = server.devops().list("contoso", &bearer(), Filter::Active).await.unwrap_err();
        assert_eq!(error.kind, Kind::Malformed, "{shown}");
        assert!(!error.may_have_committed());
    }
}

#[tokio::test]
async fn a_secret_in_a_list_is_not_kept() {
    let body = page(&[ID], "\"\"").replace("\"token\":null", &format!("\"token\":\"{TOKEN}\""));
    let server = Server::answering(move |_| json(body.clone())).await;
    let found = server.devops().list("contoso", &bearer(), Filter::Expired).await.unwrap();
    assert_eq!(found.len(), 1);
    assert!(!format!("{found:?}").contains(TOKEN));
}

#[tokio::test]
async fn a_broken_name_does_not_hide_the_other_keys() {
    let broken = page(&[ID, SECOND], "\"\"").replacen("valetkey fetch", "half \\ud83d", 1);
    let server = Server::answering(move |_| json(broken.clone())).await;
    let found = server.devops().list("contoso", &bearer(), Filter::Active).await.unwrap();
    assert!(found[0].display_name.starts_with("half \u{fffd}"), "{}", found[0].display_name);
    assert_eq!(found[1].display_name, "valetkey fetch@box 7f3a");
}

#[tokio::test]
async fn a_mark_that_fits_into_no_address_is_not_sent() {
    for length in [4097, 60_000, 100_000, 900_000] {
        let server =
            Server::answering(move |_| json(page(&[ID], &format!("\"{}\"", "a".repeat(length))))).await;
        let error = server.devops().list("contoso", &bearer(), Filter::Active).await.unwrap_err();
        assert_eq!((error.kind, server.asked().len()), (Kind::Malformed, 1), "{length}");
    }
}

#[tokio::test]
async fn a_list_that_comes_drop_by_drop_is_given_up() {
    let slow = Duration::from_millis(60);
    let server = Server::answering(move |asked| {
        std::thread::sleep(slow);
        let next = asked.query("continuationToken").map_or(0, |n| n.parse::<u32>().unwrap()) + 1;
        json(page(&[ID], &format!("\"{next}\"")))
    })
    .await;
    let settings = Settings { total_timeout: slow * 4, ..Settings::default() };
    let endpoints = Endpoints { dev: server.url.clone(), pats: server.url.clone() };
    let devops = DevOps::new(Http::new(settings), endpoints);
    devops.list("contoso", &bearer(), Filter::Active).await.unwrap_err();
    assert!(server.asked().len() < 20, "{} pages were asked for", server.asked().len());
}
