use url::Url;
use valetkey_azure_devops::{DevOpsErrorKind as Kind, OrganisationFacts, TenantHint};

use crate::server::{Server, reply};

const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const OTHER: &str = "11111111-2222-3333-4444-555555555555";
const ZERO: &str = "00000000-0000-0000-0000-000000000000";
const BASIC: (&str, &str) = ("www-authenticate", "Basic realm=\"https://tfsprodweu5.visualstudio.com/\"");
const FEDERATED: (&str, &str) = ("www-authenticate", "TFS-Federated");

async fn facts(status: u16, headers: &[(&str, &str)]) -> OrganisationFacts {
    let server = Server::saying(status, headers, "").await;
    let facts = server.devops().discover("contoso").await.unwrap();
    let asked = server.asked().remove(0);
    assert_eq!((asked.method.as_str(), asked.uri.to_string().as_str()), ("HEAD", "/contoso"));
    assert_eq!(asked.header("authorization"), "");
    assert_eq!(asked.header("x-tfs-fedauthredirect"), "Suppress");
    facts
}

fn tenant(id: &str) -> TenantHint {
    TenantHint::Tenant(id.to_owned())
}

#[tokio::test]
async fn an_organisation_of_a_tenant() {
    let bearer = format!("Bearer authorization_uri=https://login.windows.net/{TENANT}");
    let headers = [
        ("www-authenticate", bearer.as_str()),
        BASIC,
        FEDERATED,
        ("x-vss-resourcetenant", OTHER),
        ("x-vss-authorizationendpoint", "https://vssps.dev.azure.com/contoso/"),
    ];
    for status in [401, 302, 203, 200] {
        let facts = facts(status, &headers).await;
        assert_eq!(facts.tenant, tenant(TENANT), "{status}");
        assert_eq!(facts.sps.unwrap().as_str(), "https://vssps.dev.azure.com/contoso/");
        assert!(facts.refused.is_empty());
    }
}

#[tokio::test]
async fn every_way_to_name_a_tenant() {
    let joined = format!(
        "Basic realm=\"x\", Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/{TENANT}/oauth2/authorize\", error=\"insufficient_claims\", claims=\"e30=\""
    );
    let capitals = OTHER.to_uppercase();
    let zero_first = format!("{ZERO}, {OTHER}");
    for (headers, expected) in [
        (vec![("www-authenticate", joined.as_str()), ("x-vss-resourcetenant", OTHER)], tenant(TENANT)),
        (vec![("www-authenticate", "Bearer"), ("x-vss-resourcetenant", &capitals)], tenant(OTHER)),
        (
            vec![("www-authenticate", "Bearer authorization_uri=https://login.microsoftonline.com/common")],
            TenantHint::Unknown,
        ),
        (vec![("x-vss-resourcetenant", ZERO), ("x-vss-resourcetenant", OTHER)], tenant(OTHER)),
        (vec![("x-vss-resourcetenant", &zero_first)], tenant(OTHER)),
        (
            vec![BASIC, ("www-authenticate", "Bearer"), ("x-vss-resourcetenant", ZERO)],
            TenantHint::MicrosoftAccount,
        ),
        (vec![("x-vss-resourcetenant", "../../evil")], TenantHint::Unknown),
        (vec![("x-vss-resourcetenant", "")], TenantHint::Unknown),
        (
            vec![("www-authenticate", "Basic authorization_uri=https://login.windows.net/a.b")],
            TenantHint::Unknown,
        ),
        (vec![], TenantHint::Unknown),
    ] {
        assert_eq!(facts(401, &headers).await.tenant, expected, "{headers:?}");
    }
}

#[tokio::test]
async fn a_foreign_address_is_not_believed_but_told() {
    let evil = format!("Bearer authorization_uri=https://login.microsoftonline.com.evil/{TENANT}");
    let good = format!("Bearer authorization_uri=\"https://login.microsoftonline.com/{OTHER}\"");
    let facts = facts(
        401,
        &[
            ("www-authenticate", &evil),
            ("www-authenticate", &good),
            ("x-vss-authorizationendpoint", "https://vssps.dev.azure.com.evil/contoso/"),
        ],
    )
    .await;
    assert_eq!(facts.tenant, tenant(OTHER));
    assert_eq!(facts.sps, None);
    assert_eq!(
        facts.refused,
        [
            format!("https://login.microsoftonline.com.evil/{TENANT}"),
            "https://vssps.dev.azure.com.evil/contoso/".to_owned()
        ]
    );
}

#[tokio::test]
async fn the_configured_places_are_believed() {
    let server = Server::answering(|asked| {
        let host = asked.header("host");
        let bearer = format!("Bearer authorization_uri=https://localhost:4001/{TENANT}");
        let sps = format!("http://{host}/contoso/");
        reply(401, &[("www-authenticate", &bearer), ("x-vss-authorizationendpoint", &sps)], "")
    })
    .await;
    let devops = server.devops().with_authority(Url::parse("https://localhost:4001").unwrap());
    let facts = devops.discover("contoso").await.unwrap();
    assert_eq!(facts.tenant, tenant(TENANT));
    assert_eq!(facts.sps, Some(server.url.join("contoso/").unwrap()));
    let facts = server.devops().discover("contoso").await.unwrap();
    assert_eq!(facts.tenant, TenantHint::Unknown);
    assert_eq!(facts.refused.len(), 1);
}

#[tokio::test]
async fn an_organisation_that_cannot_be_asked() {
    for (status, kind, retry_after) in
        [(404, Kind::NotFound, None), (429, Kind::Throttled, Some(9)), (503, Kind::Unavailable, Some(9))]
    {
        let server =
            Server::saying(status, &[("retry-after", "9"), ("x-vss-resourcetenant", TENANT)], "").await;
        let error = server.devops().discover("contoso").await.unwrap_err();
        assert_eq!((error.kind, error.retry_after), (kind, retry_after));
    }
}

#[tokio::test]
async fn an_organisation_of_another_cloud_is_told_so() {
    for (alias, cloud) in [
        ("login.microsoftonline.us", "login.microsoftonline.us"),
        ("login.usgovcloudapi.net", "login.microsoftonline.us"),
        ("login.chinacloudapi.cn", "login.partner.microsoftonline.cn"),
        ("login.sovcloud-identity.fr", "login.sovcloud-identity.fr"),
    ] {
        let bearer = format!("Bearer authorization_uri=https://{alias}/{TENANT}");
        let server = Server::saying(401, &[("www-authenticate", bearer.as_str())], "").await;
        let error = server.devops().discover("contoso").await.unwrap_err();
        assert_eq!(error.kind, Kind::OtherCloud, "{alias}");
        assert!(error.sentence.contains(cloud) && error.hint.contains(cloud), "{error}; {}", error.hint);
        let there = Url::parse(&format!("https://{cloud}")).unwrap();
        let server = Server::saying(401, &[("www-authenticate", bearer.as_str())], "").await;
        let facts = server.devops().with_authority(there).discover("contoso").await.unwrap();
        assert_eq!(facts.tenant, tenant(TENANT), "its own agent signs in there");
    }
}
