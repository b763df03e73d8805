//! From the wire to the sentence.

use valetkey_azure_devops::{DevOpsError, DevOpsErrorKind as Kind, PatError};

use crate::{
    answers::{self, PAGE, service_error},
    create::new_pat,
    server::{Server, bearer},
};

const OURS: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const THEIRS: &str = "11111111-2222-3333-4444-555555555555";
const JSON: (&str, &str) = ("content-type", "application/json; charset=utf-8");
const HTML: (&str, &str) = ("content-type", "text/html; charset=utf-8");
const TF400813: &str = "TF400813: The user 'ada@contoso.com' is not authorized to access this resource.";

async fn create(status: u16, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> DevOpsError {
    let server = Server::saying(status, headers, body).await;
    let mut error =
        server.devops().in_tenant(OURS).create("contoso", &bearer(), &new_pat()).await.unwrap_err();
    assert!(error.sentence.contains("`contoso`"), "{error:?}");
    assert!(
        !error.hint.is_empty() && !error.sentence.ends_with('.') && !error.hint.ends_with('.'),
        "{error:?}"
    );
    assert!(
        valetkey_protocol::is_clean(&error.sentence) && valetkey_protocol::is_clean(&error.hint),
        "{error:?}"
    );
    error.hint = error.hint.replace(server.url.as_str(), "DEV/");
    error.sentence = error.sentence.replace(&valetkey_http::host_and_port(&server.url), "HOST");
    assert_eq!(error.refusal().sentence, valetkey_protocol::shown(&error.sentence));
    error
}

/// `kind: sentence; hint`, and whether a key may have come about.
fn line(error: &DevOpsError) -> String {
    let committed = if error.may_have_committed() { " (may have committed)" } else { "" };
    format!("{:?}{committed}: {}; {}", error.kind, error.sentence, error.hint)
}

#[tokio::test]
async fn a_401_by_what_it_says() {
    let percent = "TF400813%3A%20The%20user%20%27ada%40contoso.com%27%20is%20not%20authorized%20to%20access%20this%20resource.";
    let theirs = format!("Bearer authorization_uri=https://login.windows.net/{THEIRS}");
    let bearer = ("www-authenticate", "Bearer");
    let zero = ("x-vss-resourcetenant", "00000000-0000-0000-0000-000000000000");
    let unauthorized = "check that your account is a member of `contoso`, then run `valetkey login contoso`";
    for (headers, body, expected) in [
        (
            vec![bearer, ("x-tfs-serviceerror", percent)],
            vec![],
            format!("Unauthorized: `contoso` refused the sign-in (TF400813); {unauthorized}"),
        ),
        (
            vec![bearer, JSON, ("x-vss-resourcetenant", OURS)],
            service_error(TF400813, "UnauthorizedRequestException"),
            format!("Unauthorized: `contoso` refused the sign-in (TF400813); {unauthorized}"),
        ),
        (vec![], vec![], format!("Unauthorized: `contoso` refused the sign-in; {unauthorized}")),
        (vec![HTML], PAGE.into(), format!("Unauthorized: `contoso` refused the sign-in; {unauthorized}")),
        (
            vec![("www-authenticate", &theirs), JSON],
            service_error(TF400813, "InvalidIdentityException"),
            format!("WrongTenant: `contoso` belongs to the tenant `{THEIRS}`, and you are signed in to `{OURS}`; run `valetkey login contoso --tenant {THEIRS}`"),
        ),
        (
            vec![bearer, zero],
            vec![],
            "MicrosoftAccount: `contoso` belongs to no Microsoft Entra tenant: its people have Microsoft accounts; ask the owner of `contoso` to connect it to Microsoft Entra".to_owned(),
        ),
        (
            vec![bearer, JSON],
            service_error(&format!("TF401444: Please sign-in at least once as {OURS}\\ada@contoso.com in a web browser to enable access to the service."), "UnauthorizedRequestException"),
            "NeverSignedIn: this account has never opened `contoso` (TF401444); open `DEV/contoso` once in a browser with this account, then try again".to_owned(),
        ),
        (
            vec![bearer, ("x-tfs-serviceerror", "VS403463%3A%20The%20conditional%20access%20policy%20defined%20by%20your%20Azure%20Active%20Directory%20administrator%20has%20failed.")],
            vec![],
            "ConditionalAccess: a conditional access policy refused the sign-in to `contoso` (VS403463); use a network and a device that the policy allows, or ask your administrator".to_owned(),
        ),
        (
            vec![bearer, ("x-tfs-serviceerror", "Service%20principals%20are%20not%20allowed%20to%20perform%20this%20action.")],
            vec![],
            "NotAPerson: `contoso` issues personal access tokens to people only, not to a service principal; sign in as a person with `valetkey login contoso`".to_owned(),
        ),
        (
            vec![bearer, JSON],
            service_error("Service principals are not allowed to perform this action.", "InvalidAccessException"),
            "NotAPerson: `contoso` issues personal access tokens to people only, not to a service principal; sign in as a person with `valetkey login contoso`".to_owned(),
        ),
        (
            vec![bearer, JSON],
            service_error("The requested operation is not allowed.", "InvalidAccessException"),
            "AccessDenied: `contoso` does not allow this account to do this; ask an administrator of `contoso` for access; where only a proxy leads out, it may be the one that refuses".to_owned(),
        ),
    ] {
        assert_eq!(line(&create(401, &headers, body).await), expected);
    }
}

#[tokio::test]
async fn a_claims_challenge_keeps_its_claims() {
    let challenge = "Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\", error=\"insufficient_claims\", claims=\"eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZX19fQ==\"";
    let error =
        create(401, &[("www-authenticate", "Basic realm=\"x\""), ("www-authenticate", challenge)], "").await;
    assert_eq!(
        line(&error),
        "InsufficientClaims: `contoso` wants further proof of who you are; run `valetkey login contoso`"
    );
    assert_eq!(error.claims.as_deref(), Some(r#"{"access_token":{"nbf":{"essential":true}}}"#));
    let broken =
        create(401, &[("www-authenticate", "Bearer error=insufficient_claims, claims=%%%")], "").await;
    assert_eq!((broken.kind, broken.claims), (Kind::InsufficientClaims, None));
}

#[tokio::test]
async fn other_statuses_by_what_they_say() {
    let denied = "AccessDenied: `contoso` does not allow this account to do this; ask an administrator of `contoso` for access; where only a proxy leads out, it may be the one that refuses";
    let after =
        "run `valetkey login contoso`; if it comes again, a gateway on the way wants a sign-in of its own";
    let page = format!("`HOST` answered for `contoso` with a sign-in page; {after}");
    let redirect = format!(
        "`HOST` answered for `contoso` with a redirect to `spsprodweu5.vssps.visualstudio.com`, which is not followed; {after}"
    );
    let nowhere = format!("`HOST` answered for `contoso` with a redirect, which is not followed; {after}");
    let long = format!("https://{}.example/", "a".repeat(60));
    let location = ("location", "https://spsprodweu5.vssps.visualstudio.com/_signin?realm=dev.azure.com");
    let activity = ("activityid", "2f1c8f3e-0f4c-4a55-bb7e-d2f2c7a8c1f0");
    for (status, headers, body, expected) in [
        (403, vec![], vec![], denied.to_owned()),
        (403, vec![JSON], service_error("The requested operation is not allowed.", "InvalidAccessException"), denied.to_owned()),
        (403, vec![JSON], service_error("Service principals are not allowed to perform this action.", "InvalidAccessException"), "NotAPerson: `contoso` issues personal access tokens to people only, not to a service principal; sign in as a person with `valetkey login contoso`".into()),
        (403, vec![JSON], service_error("VS403463: The conditional access policy defined by your Azure Active Directory administrator has failed.", "x"), "ConditionalAccess: a conditional access policy refused the sign-in to `contoso` (VS403463); use a network and a device that the policy allows, or ask your administrator".into()),
        (400, vec![JSON], service_error("FailedToReadTenantPolicy", "x"), "Forbidden(FailedToReadTenantPolicy): `contoso` could not read the policy of its tenant (`failedToReadTenantPolicy`); try again in a minute".into()),
        (403, vec![JSON], service_error("DisablePatCreationPolicyViolation", "x"), "Forbidden(DisablePatCreationPolicyViolation): `contoso` does not allow you to create personal access tokens (`disablePatCreationPolicyViolation`); ask an administrator of `contoso` to put you on the allow-list of the policy `Restrict personal access token creation`".into()),
        (400, vec![JSON], service_error("TF400898: An Internal Error Occurred.\r\nActivity Id: x", "JsonReaderException"), "BadRequest: Azure DevOps refused the request for `contoso` (400): TF400898: An Internal Error Occurred; check `[azure-devops]` in the configuration, or report this".into()),
        (409, vec![], vec![], "BadRequest: Azure DevOps refused the request for `contoso` (409): without a reason; check `[azure-devops]` in the configuration, or report this".into()),
        (404, vec![], vec![], "NotFound: Azure DevOps has no organisation `contoso`, or does not show it to this account; check the name of the organisation in the address of the repository".into()),
        (429, vec![], vec![], "Throttled: Azure DevOps asks to slow down for `contoso`; wait a minute, then try again".into()),
        (429, vec![("retry-after", "120"), JSON], service_error("TF400733: The request has been canceled: Request was blocked due to exceeding usage of resource", "x"), "Throttled: Azure DevOps asks to slow down for `contoso`; wait 120 s, then try again".into()),
        (500, vec![], vec![], "Unavailable (may have committed): Azure DevOps has a fault (500) and did not serve `contoso`; try again in a minute".into()),
        (503, vec![HTML, activity], PAGE.into(), "Unavailable (may have committed): Azure DevOps has a fault (503) and did not serve `contoso`; try again in a minute; Microsoft finds the fault by its activity id `2f1c8f3e-0f4c-4a55-bb7e-d2f2c7a8c1f0`".into()),
        (302, vec![location, HTML], b"<h2>Object moved to <a href=x>here</a></h2>".to_vec(), format!("SignInPage: {redirect}")),
        (307, vec![], vec![], format!("SignInPage: {nowhere}")),
        (303, vec![("location", &long)], vec![], format!("SignInPage (may have committed): {nowhere}")),
        (203, vec![HTML], PAGE.into(), format!("SignInPage: {page}")),
        (203, vec![], vec![], format!("SignInPage: {page}")),
        (302, vec![location, ("x-vss-resourcetenant", "00000000-0000-0000-0000-000000000000")], vec![], "MicrosoftAccount: `contoso` belongs to no Microsoft Entra tenant: its people have Microsoft accounts; ask the owner of `contoso` to connect it to Microsoft Entra".into()),
        (200, vec![HTML], PAGE.into(), format!("SignInPage (may have committed): {page}")),
        (204, vec![], vec![], "Malformed (may have committed): `HOST` does not answer for `contoso` as Azure DevOps does; try again; a gateway on the way may have changed the answer".into()),
        (200, vec![], vec![0xff, 0xfe], "Malformed (may have committed): `HOST` does not answer for `contoso` as Azure DevOps does; try again; a gateway on the way may have changed the answer".into()),
    ] {
        assert_eq!(line(&create(status, &headers, body).await), expected);
    }
}

#[tokio::test]
async fn the_wrong_content_type_does_not_hide_an_answer() {
    for content_type in ["text/plain", "application/octet-stream", "application/json;api-version=7.1"] {
        let server = Server::saying(200, &[("content-type", content_type)], answers::created()).await;
        assert!(server.devops().create("contoso", &bearer(), &new_pat()).await.is_ok(), "{content_type}");
    }
    let server = Server::saying(200, &[], answers::refusal("invalidScope")).await;
    let error = server.devops().create("contoso", &bearer(), &new_pat()).await.unwrap_err();
    assert_eq!(error.kind, Kind::Forbidden(PatError::InvalidScope));
}

#[tokio::test]
async fn a_wish_to_slow_down_is_kept_whatever_the_answer() {
    let server = Server::saying(200, &[JSON, ("retry-after", "1800")], answers::created()).await;
    let devops = server.devops();
    assert_eq!(devops.pause(), None);
    devops.clone().create("contoso", &bearer(), &new_pat()).await.unwrap();
    assert!(devops.pause().is_some_and(|left| left.as_secs() <= 1800));

    let error = create(429, &[("retry-after", "120")], "").await;
    assert_eq!(error.retry_after, Some(120));
    assert_eq!(error.refusal().retry_after, Some(120));
    assert_eq!(create(429, &[("retry-after", "soon")], "").await.retry_after, None);
}

#[tokio::test]
async fn hostile_headers_do_no_harm() {
    let flood = "Bearer ,".repeat(900);
    let nested = format!("Bearer error=\"insufficient_claims\", claims=\"{}\"", "e".repeat(6000));
    for value in
        [flood.as_str(), &nested, "Bearer \"", "\"", "=", "Bearer authorization_uri=\"javascript:alert(1)\""]
    {
        let error =
            create(401, &[("www-authenticate", value), ("x-tfs-serviceerror", "%0d%0aquit%3D1%ff%zz")], "")
                .await;
        assert!(matches!(error.kind, Kind::Unauthorized | Kind::InsufficientClaims), "{error:?}");
    }
}
