use valetkey_azure_devops::{DevOpsErrorKind as Kind, NewPat, PatError, PatUpdate};
use valetkey_protocol::ExposeSecret as _;

use crate::{
    answers::{self, ID, TOKEN},
    server::{Server, bearer, json},
};

pub(crate) fn new_pat() -> NewPat {
    NewPat {
        display_name: "valetkey fetch@box 7f3a".to_owned(),
        scope: "vso.code".to_owned(),
        valid_to: 1_795_377_600,
    }
}

#[tokio::test]
async fn a_key_is_created_as_the_service_wants_it() {
    let body = [b"\xef\xbb\xbf".to_vec(), answers::created().into_bytes()].concat();
    let server = Server::answering(move |_| json(body.clone())).await;
    let created = server.devops().create("contoso", &bearer(), &new_pat()).await.unwrap();

    assert_eq!(created.token.expose_secret(), TOKEN);
    assert!(!format!("{created:?}").contains(TOKEN));
    assert_eq!(created.pat.authorization_id, ID);
    assert_eq!(created.pat.valid_to, 1_795_348_800, "the service's word, not ours");
    assert_eq!(created.pat.valid_from, 1_795_319_992);
    assert_eq!(created.pat.scope, "vso.code");
    assert_eq!(
        created.pat.target_accounts.as_deref(),
        Some(&["38aaa865-2c70-4bf7-a308-0c6539c38c1a".into()][..])
    );

    let asked = server.asked().remove(0);
    assert_eq!(asked.method, "POST");
    assert_eq!(asked.uri, "/contoso/_apis/tokens/pats?api-version=7.1-preview.1");
    assert_eq!(asked.header("authorization"), "Bearer opaque.access.token");
    assert_eq!(asked.header("x-tfs-fedauthredirect"), "Suppress");
    assert_eq!(asked.header("accept"), "application/json");
    assert_eq!(asked.header("content-type"), "application/json");
    assert!(asked.header("user-agent").starts_with("valetkey/"));
    assert_eq!(
        asked.body,
        r#"{"displayName":"valetkey fetch@box 7f3a","scope":"vso.code","validTo":"2026-11-22T20:00:00.000Z","allOrgs":false}"#
    );
}

#[tokio::test]
async fn a_200_is_a_success_only_with_a_key_and_its_secret() {
    let malformed = Kind::Malformed;
    let forbidden = Kind::Forbidden;
    for (body, kind, may_have_committed) in [
        (
            answers::refusal("disablePatCreationPolicyViolation"),
            forbidden(PatError::DisablePatCreationPolicyViolation),
            false,
        ),
        (
            answers::refusal("DisablePatCreationPolicyViolation"),
            forbidden(PatError::DisablePatCreationPolicyViolation),
            false,
        ),
        (answers::refusal("accessDenied"), forbidden(PatError::AccessDenied), false),
        (answers::refusal("globalPATCreationBlocked"), forbidden(PatError::GlobalPatCreationBlocked), false),
        (answers::refusal("unheardOf"), forbidden(PatError::Unknown("unheardOf".into())), false),
        (answers::refusal("none"), malformed.clone(), true),
        (answers::pat_result("null", "none"), malformed.clone(), true),
        (answers::pat_result("\"\"", "none"), malformed.clone(), true),
        (answers::pat_result("\"two words\"", "none"), malformed.clone(), true),
        (answers::pat_result("\"line\\nquit=1\"", "none"), malformed.clone(), true),
        (answers::pat_result("17", "none"), malformed.clone(), true),
        (answers::pat_result(&format!("\"{}\"", "a".repeat(8193)), "none"), malformed.clone(), true),
        (
            answers::pat_result("null", "failedToIssueAccessToken"),
            forbidden(PatError::FailedToIssueAccessToken),
            true,
        ),
        (answers::created().replace(ID, "not-an-id"), malformed.clone(), true),
        (answers::created().replace("2026-11-22T12", "soon"), malformed.clone(), true),
        (answers::created().replace("validTo", "validUntil"), malformed.clone(), true),
        ("{}".to_owned(), malformed.clone(), true),
        ("null".to_owned(), malformed.clone(), true),
        ("[]".to_owned(), malformed.clone(), true),
        (String::new(), malformed.clone(), true),
        ("[".repeat(100_000), malformed.clone(), true),
        (answers::created()[..200].to_owned(), malformed.clone(), true),
    ] {
        let shown: String = body.chars().take(120).collect();
        let server = Server::answering(move |_| json(body.clone())).await;
        let error = server.devops().create("contoso", &bearer(), &new_pat()).await.unwrap_err();
        assert_eq!(error.kind, kind, "{shown}");
        assert_eq!(error.may_have_committed(), may_have_committed, "{shown}");
        assert!(error.sentence.contains("`contoso`"), "{}", error.sentence);
        assert!(!format!("{error:?}").contains(TOKEN), "{shown}");
    }
}

#[tokio::test]
async fn an_update_sends_what_changes_and_nothing_else() {
    let server = Server::answering(|_| json(answers::pat_result("null", "none"))).await;
    let update = PatUpdate { valid_to: Some(0), ..PatUpdate::default() };
    let pat = server.devops().update("contoso", &bearer(), ID, &update).await.unwrap();
    assert_eq!(pat.authorization_id, ID);
    let asked = server.asked().remove(0);
    assert_eq!(asked.method, "PUT");
    assert_eq!(asked.body, format!(r#"{{"authorizationId":"{ID}","validTo":"1970-01-01T00:00:00.000Z"}}"#));

    let server = Server::answering(|_| json(answers::refusal("expiredPatCannotBeExtended"))).await;
    let error = server.devops().update("contoso", &bearer(), ID, &update).await.unwrap_err();
    assert_eq!(error.kind, Kind::Forbidden(PatError::ExpiredPatCannotBeExtended));
}

#[tokio::test]
async fn a_hostile_name_is_never_sent() {
    let server = Server::answering(|_| json(answers::created())).await;
    for name in ["", "..", "a/b", "..%2fevil", "a?b", "a#b", "a\\b", "a\r\nhost: evil", "a@b", "\u{1b}[2J"] {
        let error = server.devops().create(name, &bearer(), &new_pat()).await.unwrap_err();
        assert_eq!(error.kind, Kind::Misuse, "{name:?}");
        assert!(valetkey_protocol::is_clean(&error.sentence), "{name:?}");
    }
    let error = server.devops().create("contoso", &"a\r\nb".into(), &new_pat()).await.unwrap_err();
    assert_eq!(error.kind, Kind::Misuse);
    assert!(server.asked().is_empty());
}
