use valetkey_azure_devops::{DevOpsErrorKind as Kind, PatError, PatUpdate};

use crate::{
    answers::{self, ID, PAGE},
    server::{Server, bearer, json, reply},
};

#[tokio::test]
async fn revoked_and_gone_are_the_same() {
    let json_type = ("content-type", "application/json");
    for (status, body) in [
        (204, String::new()),
        (200, String::new()),
        (200, " \r\n".to_owned()),
        (200, answers::pat_result("null", "none")),
        (200, answers::refusal("none")),
        (200, answers::refusal("authorizationNotFound")),
        (200, answers::refusal("TokenNotFound")),
        (200, answers::refusal("hostAuthorizationNotFound")),
        (404, r#"{"message":"TokenNotFound"}"#.to_owned()),
        (400, r#"{"message":"AuthorizationNotFound"}"#.to_owned()),
    ] {
        let shown = body.clone();
        let server = Server::answering(move |_| reply(status, &[json_type], body.clone())).await;
        server
            .devops()
            .revoke("contoso", &bearer(), ID)
            .await
            .unwrap_or_else(|e| panic!("{status} {shown}: {e}"));
        let asked = server.asked().remove(0);
        assert_eq!(asked.method, "DELETE");
        assert_eq!(
            asked.uri,
            format!("/contoso/_apis/tokens/pats?authorizationId={ID}&api-version=7.1-preview.1").as_str()
        );
    }
}

#[tokio::test]
async fn what_may_have_left_the_key_alive_is_an_error() {
    let (page, data) = (("content-type", "text/html; charset=utf-8"), ("content-type", "application/json"));
    for (status, content_type, body, kind) in [
        (200, data, answers::refusal("accessDenied"), Kind::Forbidden(PatError::AccessDenied)),
        (200, data, answers::refusal("unheardOf"), Kind::Forbidden(PatError::Unknown("unheardOf".into()))),
        (200, data, "what?".to_owned(), Kind::Malformed),
        (200, data, "{}".to_owned(), Kind::Malformed),
        (200, data, r#"{"status":"ok"}"#.to_owned(), Kind::Malformed),
        (200, data, "[null,null]".to_owned(), Kind::Malformed),
        (200, page, PAGE.to_owned(), Kind::SignInPage),
        (200, page, String::new(), Kind::SignInPage),
        (203, page, PAGE.to_owned(), Kind::SignInPage),
        (302, page, String::new(), Kind::SignInPage),
        (404, page, "<h2>no such host</h2>".to_owned(), Kind::NotFound),
        (404, data, String::new(), Kind::NotFound),
        (401, data, String::new(), Kind::Unauthorized),
        (403, data, String::new(), Kind::AccessDenied),
        (429, data, String::new(), Kind::Throttled),
        (500, data, String::new(), Kind::Unavailable),
    ] {
        let server = Server::saying(status, &[content_type], body).await;
        let error = server.devops().revoke("contoso", &bearer(), ID).await.unwrap_err();
        assert_eq!(error.kind, kind, "{status}");
        assert!(!error.may_have_committed());
    }
}

#[tokio::test]
async fn a_key_by_its_id() {
    let server = Server::answering(|_| json(answers::pat_result("null", "none"))).await;
    let found = server.devops().get("contoso", &bearer(), ID).await.unwrap().unwrap();
    assert_eq!(found.authorization_id, ID);
    assert_eq!(server.asked()[0].query("authorizationId").as_deref(), Some(ID));

    let server = Server::answering(|_| json(answers::refusal("authorizationNotFound"))).await;
    assert_eq!(server.devops().get("contoso", &bearer(), ID).await.unwrap(), None);
    let server = Server::answering(|_| json(answers::refusal("none"))).await;
    assert_eq!(server.devops().get("contoso", &bearer(), ID).await.unwrap_err().kind, Kind::Malformed);
}

#[tokio::test]
async fn an_id_that_is_none_is_never_sent() {
    let server = Server::answering(|_| reply(204, &[], "")).await;
    for id in ["", "*", "a", &format!("{ID}&displayFilterOption=all"), &format!("{ID}\n")] {
        assert_eq!(
            server.devops().revoke("contoso", &bearer(), id).await.unwrap_err().kind,
            Kind::Misuse,
            "{id}"
        );
        assert_eq!(
            server.devops().get("contoso", &bearer(), id).await.unwrap_err().kind,
            Kind::Misuse,
            "{id}"
        );
    }
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn a_404_speaks_of_the_key_only_where_the_organisation_answers() {
    let of_the_key = Server::answering(|asked| match asked.query("authorizationId") {
        Some(_) => reply(404, &[], ""),
        None => json(r#"{"continuationToken":"","patTokens":[]}"#),
    })
    .await;
    of_the_key.devops().revoke("contoso", &bearer(), ID).await.unwrap();
    assert_eq!(of_the_key.devops().get("contoso", &bearer(), ID).await.unwrap(), None);
    assert_eq!(of_the_key.asked()[1].uri, "/contoso/_apis/tokens/pats?%24top=1&api-version=7.1-preview.1");

    let renamed = Server::saying(404, &[], "").await;
    assert_eq!(renamed.devops().revoke("contoso", &bearer(), ID).await.unwrap_err().kind, Kind::NotFound);
    assert_eq!(renamed.devops().get("contoso", &bearer(), ID).await.unwrap_err().kind, Kind::NotFound);
}

#[tokio::test]
async fn what_is_said_of_another_key_is_not_believed_of_this_one() {
    let server = Server::answering(|_| json(answers::pat_result("null", "none"))).await;
    let devops = server.devops();
    let other = "00000000-0000-4000-8000-000000000002";
    assert_eq!(devops.get("contoso", &bearer(), other).await.unwrap_err().kind, Kind::Malformed);
    let update = PatUpdate { scope: Some("vso.code".to_owned()), ..PatUpdate::default() };
    assert_eq!(devops.update("contoso", &bearer(), other, &update).await.unwrap_err().kind, Kind::Malformed);
    devops.update("contoso", &bearer(), &ID.to_uppercase(), &update).await.unwrap();
}
