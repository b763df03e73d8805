//! Where requests go, whatever is asked for: never to a page of the site.

use valetkey_nuget_org::{
    InventoryFile, Key, KeyKind, KeyName, Keys, Operations, PackageId, PackageVersion, Pasted, Proof,
};
use valetkey_protocol::SecretString;

use crate::{
    keys::Memory,
    server::{KEY, Server, key},
};

/// Every address there is.
fn is_known(method: &str, path: &str) -> bool {
    let package = |rest: &str| {
        rest.split_once('/').is_some_and(|(id, version)| {
            PackageId::parse(id).is_some()
                && PackageVersion::parse(version).is_some_and(|v| v.as_str() == version)
        })
    };
    match method {
        "GET" => path.strip_prefix("/api/v2/verifykey/").is_some_and(package),
        "DELETE" => path.strip_prefix("/api/v2/package/").is_some_and(package),
        "POST" => path == "/api/v2/token" || path.strip_prefix("/api/v2/package/").is_some_and(package),
        _ => false,
    }
}

#[tokio::test]
async fn four_addresses_and_no_other() {
    for status in [200, 302, 401, 403, 404, 429, 500] {
        let location = [("location", "/account/apikeys"), ("www-authenticate", "ApiKey realm=\"x\"")];
        let server = Server::saying(status, &location, "").await;
        let nuget = server.nuget();
        for (id, version) in
            [("account", "1.0"), ("apikeys", "1.0"), ("A.b-C_d", "1.2.3.4-x+y"), ("Users", "0")]
        {
            let (id, version) = (PackageId::parse(id).unwrap(), PackageVersion::parse(version).unwrap());
            let _ = nuget.verify(&key(), &id, &version).await;
            let _ = nuget.unlist(&key(), &id, &version).await;
            let _ = nuget.relist(&key(), &id, &version).await;
        }
        for username in ["jane", "../account/apikeys", "?x", ""] {
            let _ = nuget.exchange(&SecretString::from("a.b.c"), username).await;
        }
        refresh(&server).await;
        let asked = server.asked();
        assert_eq!(asked.len(), 12 + 3 + 1);
        for asked in asked {
            let uri = asked.uri.to_string();
            assert!(is_known(asked.method.as_str(), &uri), "{} {uri}", asked.method);
        }
    }
}

/// From its beginning to its end, whichever that is.
async fn refresh(server: &Server) {
    let folder = tempfile::tempdir().unwrap();
    let keys = Keys::new(InventoryFile::in_folder(&folder.path().canonicalize().unwrap()), Memory::default());
    let name = KeyName::parse("ci").unwrap();
    let operations = Operations::parse("push").unwrap();
    let old = Pasted::parse(&KEY.into()).unwrap();
    keys.add(Key { operations, ..Key::new(name.clone(), "contoso", KeyKind::V4) }, &old, 0).unwrap();
    let refresh = keys.begin_refresh(&name, &server.nuget()).unwrap();
    assert_eq!(refresh.page, format!("{}account/apikeys", server.url));
    let new = Pasted::parse(&KEY.replace('a', "b").into()).unwrap();
    let (id, version) = (PackageId::parse("A").unwrap(), PackageVersion::parse("1").unwrap());
    let _ =
        keys.complete_refresh(&refresh, &new, None, Proof::Package(&id, &version), &server.nuget(), 0).await;
}

#[test]
fn what_could_leave_its_segment_is_no_id_and_no_version() {
    for text in ["..", ".", "a/../account", "a%2f..", "a?b", "a#b", "a\\b", ""] {
        assert!(PackageId::parse(text).is_none() && PackageVersion::parse(text).is_none(), "{text}");
    }
}
