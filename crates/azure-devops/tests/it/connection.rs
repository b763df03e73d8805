use valetkey_azure_devops::{Auth, DevOpsErrorKind as Kind};

use crate::server::{Server, bearer, json, reply};

const DATA: &str = r#"{"authenticatedUser":{"id":"6c3b8f0e-7c6b-4a8e-9a2b-0f1e2d3c4b5a","descriptor":"Microsoft.IdentityModel.Claims.ClaimsIdentity;x",
    "providerDisplayName":"Ada Lovelace","isActive":true,"properties":{"Account":{"$type":"System.String","$value":"ada@contoso.com"}}},
    "authorizedUser":{"id":"6c3b8f0e-7c6b-4a8e-9a2b-0f1e2d3c4b5a"},"instanceId":"38aaa865-2c70-4bf7-a308-0c6539c38c1a",
    "deploymentId":"0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0","deploymentType":"hosted"}"#;

#[tokio::test]
async fn who_one_is() {
    let server = Server::answering(|_| json(DATA)).await;
    let found = server.devops().connection_data("contoso", Auth::Bearer(&bearer())).await.unwrap();
    assert_eq!(found.instance_id, "38aaa865-2c70-4bf7-a308-0c6539c38c1a");
    assert_eq!((found.display_name.as_str(), found.account.as_str()), ("Ada Lovelace", "ada@contoso.com"));
    let asked = server.asked().remove(0);
    assert_eq!(asked.uri, "/contoso/_apis/connectionData?connectOptions=none&api-version=7.1-preview.1");
    assert_eq!(asked.header("authorization"), "Bearer opaque.access.token");
}

#[tokio::test]
async fn a_key_goes_as_basic() {
    let server = Server::answering(|asked| match asked.header("authorization") {
        "Basic dmFsZXRrZXk6czNjcmV0" => json(DATA),
        _ => reply(401, &[("www-authenticate", "Basic realm=\"https://tfsprodweu5.visualstudio.com/\"")], ""),
    })
    .await;
    server.devops().connection_data("contoso", Auth::Pat(&"s3cret".into())).await.unwrap();
    let error = server.devops().connection_data("contoso", Auth::Pat(&"dead".into())).await.unwrap_err();
    assert_eq!(error.kind, Kind::Unauthorized);
    assert_eq!(error.sentence, "`contoso` refused the key: it has expired, was revoked, or lacks the scope");
    let error = server.devops().connection_data("contoso", Auth::Nobody).await.unwrap_err();
    assert_eq!(error.kind, Kind::Unauthorized);
}

#[tokio::test]
async fn an_answer_without_an_organisation_is_none() {
    for body in ["{}", r#"{"instanceId":"x"}"#, r#"{"instanceId":null}"#] {
        let server = Server::answering(move |_| json(body)).await;
        let error = server.devops().connection_data("contoso", Auth::Nobody).await.unwrap_err();
        assert_eq!(error.kind, Kind::Malformed, "{body}");
    }
    let bare = r#"{"instanceId":"38aaa865-2c70-4bf7-a308-0c6539c38c1a","authenticatedUser":null}"#;
    let server = Server::answering(move |_| json(bare)).await;
    assert_eq!(server.devops().connection_data("contoso", Auth::Nobody).await.unwrap().account, "");
}
