use proptest::prelude::*;

use super::*;

const DEV: &str = "localhost:8443";

fn target(host: &str, path: Option<&str>, username: Option<&str>) -> Target {
    Target {
        protocol: "https".to_owned(),
        host: host.to_owned(),
        path: path.map(str::to_owned),
        username: username.map(str::to_owned),
    }
}

fn organisation(host: &str, path: Option<&str>, username: Option<&str>) -> Option<String> {
    place(&target(host, path, username), DEV).unwrap().organisation
}

fn reason(host: &str, path: Option<&str>, username: Option<&str>) -> Reason {
    place(&target(host, path, username), DEV).unwrap_err().reason
}

#[test]
fn every_form_of_address_names_its_organisation() {
    for (host, path, username) in [
        ("dev.azure.com", Some("contoso/Payments Platform/_git/Card Auth"), None),
        ("dev.azure.com", Some("Contoso/p/_git/r"), Some("contoso")),
        ("DEV.Azure.COM:443", Some("contoso"), None),
        ("dev.azure.com", None, Some("Contoso")),
        ("dev.azure.com", Some("contoso/_git/r"), Some("alice@fabrikam.com")),
        ("dev.azure.com", Some("contoso/p/_git/_optimized/r/info/lfs"), None),
        ("dev.azure.com", Some("contoso/p/_git/p.wiki"), Some("other")),
        ("contoso.visualstudio.com", None, None),
        ("Contoso.VisualStudio.com", Some("DefaultCollection/p/_git/r"), Some("alice")),
        ("contoso.visualstudio.com", Some("_git/r"), Some("alice@contoso.com")),
        ("localhost:8443", Some("contoso/p/_git/r"), None),
    ] {
        assert_eq!(
            organisation(host, path, username).as_deref(),
            Some("contoso"),
            "{host} {path:?} {username:?}"
        );
    }
}

#[test]
fn a_user_with_an_at_sign_is_a_user_and_no_organisation() {
    let place = place(&target("dev.azure.com", None, Some("Alice@Contoso.com")), DEV).unwrap();
    assert_eq!(place, Place { organisation: None, user: Some("alice@contoso.com".to_owned()) });
}

#[test]
fn hosts_of_others_are_left_to_others() {
    for host in [
        "github.com",
        "dev.azure.com.",
        "dev.azure.com:8443",
        "dev.azure.com.evil",
        "evildev.azure.com",
        "evilvisualstudio.com",
        "a.b.visualstudio.com",
        "dev.\u{430}zure.com",
        "ssh.dev.azure.com",
        "vssps.dev.azure.com",
        "pkgs.dev.azure.com",
        "contoso.pkgs.visualstudio.com",
        "localhost",
        "localhost:8444",
        "localhost:8443.evil",
        "dev.azure.com@evil",
    ] {
        assert_eq!(reason(host, Some("contoso/p/_git/r"), None), Reason::NotOurs, "{host}");
    }
}

#[test]
fn hostile_paths_are_refused() {
    for path in [
        "contoso/../evil/_git/r",
        "./contoso/_git/r",
        "/contoso/_git/r",
        "//contoso",
        "contoso%2f..%2fevil/_git/r",
        "contoso/%2E%2E/evil",
        "contoso\\..\\evil",
        "con_toso/p",
        "contoso%00/p",
        "_git/r",
        "con\ntoso/p",
        "contoso/\u{202e}p",
        "contös/p",
        "-contoso/p",
    ] {
        assert_eq!(reason("dev.azure.com", Some(path), None), Reason::BadRequest, "{path:?}");
    }
    assert_eq!(reason("contoso.visualstudio.com", Some("a/../b"), None), Reason::BadRequest);
    assert_eq!(reason("dev.azure.com", None, Some("a\rb")), Reason::BadRequest);
    assert_eq!(reason("", None, None), Reason::BadRequest);
}

#[test]
fn plain_http_is_not_answered() {
    for protocol in ["http", "", "HTTPS", "ssh"] {
        let target =
            Target { protocol: protocol.to_owned(), ..target("dev.azure.com", Some("contoso"), None) };
        assert_eq!(place(&target, DEV).unwrap_err().reason, Reason::BadRequest, "{protocol}");
    }
}

fn decided(
    organisation: Option<&str>,
    operation: Option<Operation>,
    allowed: &[&str],
) -> Result<Decision, Refusal> {
    let place = Place { organisation: organisation.map(str::to_owned), user: None };
    let allowed: Vec<String> = allowed.iter().map(|&name| name.to_owned()).collect();
    decide(&place, operation, true, "dev.azure.com", Some(&allowed))
}

#[test]
fn only_organisations_signed_in_for_are_served() {
    let refusal = decided(Some("evil"), None, &["contoso"]).unwrap_err();
    assert_eq!(refusal.reason, Reason::OrganisationNotAllowed);
    assert_eq!(refusal.hint, "run `valetkey login evil`");
    assert_eq!(decided(Some("contoso"), None, &["fabrikam", "contoso"]).unwrap().organisation, "contoso");
}

#[test]
fn a_missing_organisation_is_the_only_one_or_asked_for() {
    assert_eq!(decided(None, None, &["contoso"]).unwrap().organisation, "contoso");
    let refusal = decided(None, None, &["contoso", "fabrikam"]).unwrap_err();
    assert_eq!(refusal.reason, Reason::OrganisationUnknown);
    assert_eq!(refusal.hint, "run `git config --global credential.https://dev.azure.com.useHttpPath true`");
    assert_eq!(decided(None, None, &[]).unwrap_err().reason, Reason::NeedsLogin);
}

#[test]
fn a_key_reads_unless_writing_is_known_and_allowed() {
    let purpose = |operation| decided(Some("contoso"), operation, &["contoso"]).unwrap().purpose;
    assert_eq!(purpose(None), Purpose::CodeRead);
    assert_eq!(purpose(Some(Operation::Read)), Purpose::CodeRead);
    assert_eq!(purpose(Some(Operation::Unknown)), Purpose::CodeRead);
    assert_eq!(purpose(Some(Operation::Write)), Purpose::CodeWrite);
    let place = Place { organisation: Some("contoso".to_owned()), user: None };
    let allowed = ["contoso".to_owned()];
    let refusal = decide(&place, Some(Operation::Write), false, "", Some(&allowed)).unwrap_err();
    assert_eq!(refusal.reason, Reason::OperationNotAllowed);
}

#[test]
fn without_an_account_the_next_step_is_to_sign_in() {
    let place = Place { organisation: Some("contoso".to_owned()), user: None };
    let refusal = decide(&place, None, true, "", None).unwrap_err();
    assert_eq!((refusal.reason, refusal.hint.as_str()), (Reason::NeedsLogin, "run `valetkey login contoso`"));
}

proptest! {
    #[test]
    fn what_is_accepted_has_a_known_host_and_a_clean_organisation(
        host in "([a-zA-Z.@:-]{0,12})?(dev[.]azure[.]com|[.]visualstudio[.]com|localhost)(:[0-9]{1,4})?[.]?",
        path in proptest::option::of("[a-zA-Z0-9./%_\\\\ \u{0}-\u{1f}-]{0,24}"),
        username in proptest::option::of("[a-zA-Z0-9@._ \n-]{0,12}"),
    ) {
        if let Ok(place) = place(&target(&host, path.as_deref(), username.as_deref()), DEV) {
            let host = host.to_ascii_lowercase();
            let labels: Vec<_> = host.strip_suffix(":443").unwrap_or(&host).split('.').collect();
            let known = matches!(labels[..], ["dev", "azure", "com"] | [_, "visualstudio", "com"]);
            prop_assert!(known || host == DEV);
            if let Some(organisation) = place.organisation {
                prop_assert!(organisation.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
            }
            prop_assert!(place.user.is_none_or(|user| user.contains('@') && is_clean(&user)));
        }
    }
}
