//! Bodies in Microsoft's shapes (vsts-rest-api-specs: tokens, examples).

pub(crate) const ID: &str = "4ab5c1d4-5a4c-4ef7-9a8f-1c2d3e4f5a6b";
pub(crate) const TOKEN: &str =
    "n0tAs3cretn0tAs3cretn0tAs3cretn0tAs3cretn0tAs3cretn0tAs3cretn0tAs3cretn0tAs3AZDOn0ne";
pub(crate) const PAGE: &str = "<!DOCTYPE html><html><head><title>Azure DevOps Services | Sign In</title>";

/// A created key: the one answer that carries a secret.
pub(crate) fn created() -> String {
    pat_result(&format!("\"{TOKEN}\""), "none")
}

/// `PatTokenResult` with a key whose `token` is this JSON.
pub(crate) fn pat_result(token: &str, error: &str) -> String {
    format!("{{\"patToken\":{},\"patTokenError\":\"{error}\"}}", pat(ID, token))
}

/// `PatTokenResult` of a refusal: HTTP says 200.
pub(crate) fn refusal(error: &str) -> String {
    format!(
        r#"{{"patToken":null,"patTokenError":"{error}","patTokenErrorMessage":"later versions say more"}}"#
    )
}

/// `PatToken`.
pub(crate) fn pat(id: &str, token: &str) -> String {
    format!(
        r#"{{"displayName":"valetkey fetch@box 7f3a","validTo":"2026-11-22T12:00:00.32Z","scope":"vso.code",
        "targetAccounts":["38aaa865-2c70-4bf7-a308-0c6539c38c1a"],"validFrom":"2026-11-22T03:59:52.1033333Z",
        "authorizationId":"{id}","token":{token},"isNewInSomeLaterVersion":true}}"#
    )
}

/// The standard error object, preceded by a byte order mark as the service sends it.
pub(crate) fn service_error(message: &str, type_key: &str) -> Vec<u8> {
    let body = serde_json::json!({
        "$id": "1",
        "innerException": null,
        "message": message,
        "typeName": format!("Microsoft.TeamFoundation.Framework.Server.{type_key}, Microsoft.TeamFoundation.Framework.Server"),
        "typeKey": type_key,
        "errorCode": 0,
        "eventId": 3000,
    });
    let mut bytes = b"\xef\xbb\xbf".to_vec();
    bytes.extend(body.to_string().bytes());
    bytes
}
