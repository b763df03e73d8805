use proptest::prelude::*;

use super::*;

const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

#[test]
fn tenants_of_known_hosts() {
    for host in ENTRA {
        assert_eq!(tenant_of(&format!("https://{host}/{TENANT}"), None), Ok(Some(TENANT.into())), "{host}");
    }
    for (uri, expected) in [
        (format!("https://login.windows.net/{}", TENANT.to_uppercase()), Some(TENANT)),
        (format!("https://login.microsoftonline.com/{TENANT}/oauth2/authorize"), Some(TENANT)),
        (format!("https://login.microsoftonline.com:443/{TENANT}"), Some(TENANT)),
        ("https://LOGIN.windows.net/contoso.onmicrosoft.com".into(), Some("contoso.onmicrosoft.com")),
        ("https://login.microsoftonline.com/common/oauth2/authorize".into(), None),
        ("https://login.microsoftonline.com/organizations".into(), None),
        ("https://login.microsoftonline.com/00000000-0000-0000-0000-000000000000".into(), None),
        ("https://login.microsoftonline.com/".into(), None),
        ("https://login.microsoftonline.com".into(), None),
        ("https://login.microsoftonline.com/a..b".into(), None),
        ("https://login.microsoftonline.com/-a.b".into(), None),
        ("https://login.microsoftonline.com/%2e%2e/evil".into(), None),
        ("https://login.microsoftonline.com/a%2fb.com".into(), None),
    ] {
        assert_eq!(tenant_of(&uri, None), Ok(expected.map(str::to_owned)), "{uri}");
    }
}

#[test]
fn authorities_that_are_not_microsofts() {
    for host in [
        "http://login.microsoftonline.com",
        "https://login.microsoftonline.com.evil",
        "https://login.microsoftonline.com.",
        "https://login.microsoftonline.com:8443",
        "https://evil-login.microsoftonline.com",
        "https://a.login.microsoftonline.com",
        "https://login.microsoftonline.com@evil",
        "https://u:p@login.microsoftonline.com",
        "https://evil/login.microsoftonline.com",
        "https://evil\\login.microsoftonline.com",
        "https://login.micros\u{43e}ftonline.com",
        "https://login.windows-ppe.net",
        "https://127.0.0.1",
        "https://[::1]",
        "ftp://login.windows.net",
        "login.windows.net",
        "javascript:alert(1)",
        "",
    ] {
        assert_eq!(tenant_of(&format!("{host}/{TENANT}"), None), Err(ForeignHost), "{host}");
    }
}

#[test]
fn the_configured_authority_counts_with_its_port() {
    let own = url("https://localhost:4001/");
    let ask = |uri: &str| tenant_of(uri, Some(&own));
    assert_eq!(ask(&format!("https://localhost:4001/{TENANT}")), Ok(Some(TENANT.into())));
    assert_eq!(ask(&format!("https://localhost:4002/{TENANT}")), Err(ForeignHost));
    assert_eq!(ask(&format!("http://localhost:4001/{TENANT}")), Err(ForeignHost));
    assert_eq!(ask(&format!("https://x@localhost:4001/{TENANT}")), Err(ForeignHost));
    assert_eq!(ask(&format!("https://login.windows.net/{TENANT}")), Ok(Some(TENANT.into())));
}

#[test]
fn hosts_that_mint() {
    let own = url("https://localhost:4002");
    for good in [
        "https://vssps.dev.azure.com/contoso/",
        "https://vssps.visualstudio.com/",
        "https://contoso.vssps.visualstudio.com/",
        "https://spsprodweu5.vssps.visualstudio.com/_signin",
        "https://a.vssps.dev.azure.com",
        "https://vsspsext.visualstudio.com",
        "https://vsspsext.dev.azure.com",
        "https://VSSPS.dev.azure.com",
        "https://vssps.dev.azure.com:443/",
        "https://localhost:4002/contoso/",
    ] {
        assert!(sps(good, &own).is_ok(), "{good}");
    }
    for bad in [
        "http://vssps.dev.azure.com/contoso/",
        "https://vssps.dev.azure.com.evil/",
        "https://vssps.dev.azure.com./",
        "https://evilvssps.dev.azure.com/",
        "https://evil-vssps.visualstudio.com/",
        "https://vssps.dev.azure.com:8443/",
        "https://vssps.dev.azure.com@evil/",
        "https://evil@vssps.dev.azure.com/",
        "https://a.vsspsext.dev.azure.com/",
        "https://vssps.evil/vssps.dev.azure.com",
        "https://evil/?vssps.dev.azure.com",
        "https://evil#.vssps.dev.azure.com",
        "https://a_b.vssps.dev.azure.com",
        "https://..vssps.dev.azure.com",
        "https://dev.azure.com/",
        "https://localhost:4003/",
        "http://localhost:4002/",
        "//vssps.dev.azure.com/",
        "",
    ] {
        assert_eq!(sps(bad, &own), Err(ForeignHost), "{bad}");
    }
}

proptest! {
    #[test]
    fn what_is_accepted_is_below_microsofts(
        host in "[a-z.@:/?#\\\\-]{0,24}(vssps|vsspsext)?[.](dev[.]azure|visualstudio)[.]com[a-z.@:/-]{0,8}"
    ) {
        if let Ok(url) = sps(&format!("https://{host}"), &url("https://localhost:1")) {
            let host = url.host_str().unwrap();
            prop_assert!(host.ends_with("dev.azure.com") || host.ends_with("visualstudio.com"));
            prop_assert!(host.contains("vssps"));
            prop_assert_eq!(url.scheme(), "https");
        }
    }
}
