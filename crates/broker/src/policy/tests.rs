use proptest::prelude::*;
use valetkey_protocol::{Target, is_clean};

use super::*;

fn hosts() -> Hosts {
    Hosts { dev: "localhost:8443".to_owned(), pkgs: "localhost:8444".to_owned() }
}

fn target(host: &str, path: Option<&str>, username: Option<&str>) -> Target {
    Target {
        protocol: "https".to_owned(),
        host: host.to_owned(),
        path: path.map(str::to_owned),
        username: username.map(str::to_owned),
    }
}

fn of(product: Product, organisation: Option<&str>) -> Place {
    Place { product, organisation: organisation.map(str::to_owned), user: None, nick: None, feed: None }
}

fn organisation(host: &str, path: Option<&str>, username: Option<&str>) -> Option<String> {
    place(&target(host, path, username), &hosts()).unwrap().organisation
}

fn reason(host: &str, path: Option<&str>, username: Option<&str>) -> Reason {
    place(&target(host, path, username), &hosts()).unwrap_err().reason
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
    let place = place(&target("dev.azure.com", None, Some("Alice@Contoso.com")), &hosts()).unwrap();
    let expected = Place { user: Some("alice@contoso.com".to_owned()), ..of(Product::Code, None) };
    assert_eq!(place, expected);
}

#[test]
fn a_user_who_is_not_signed_in_is_named_with_both_ways_out() {
    let place =
        place(&target("dev.azure.com", Some("contoso/p"), Some("bob@contoso.com")), &hosts()).unwrap();
    let refusal = decide(&place, None, true, &Hosts::default(), None).unwrap_err();
    assert_eq!(refusal.sentence, "`bob@contoso.com` is not signed in");
    assert_eq!(
        refusal.hint,
        "run `valetkey login contoso` as that user, or take the name out of the address"
    );
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
        "a.pkgs.dev.azure.com",
        "evilpkgs.dev.azure.com",
        "pkgs.dev.azure.com.evil",
        "pkgs.dev.azure.com:8444",
        "a.b.pkgs.visualstudio.com",
        "pkgs.visualstudio.com",
        "localhost",
        "localhost:8445",
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
        assert_eq!(place(&target, &hosts()).unwrap_err().reason, Reason::BadRequest, "{protocol}");
    }
}

fn decided(
    organisation: Option<&str>,
    operation: Option<Operation>,
    allowed: &[&str],
) -> Result<Decision, Refusal> {
    let place = of(Product::Code, organisation);
    let allowed: Vec<String> = allowed.iter().map(|&name| name.to_owned()).collect();
    decide(&place, operation, true, &Hosts::default(), Some(&allowed))
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
    let place = of(Product::Code, Some("contoso"));
    let allowed = ["contoso".to_owned()];
    let refusal =
        decide(&place, Some(Operation::Write), false, &Hosts::default(), Some(&allowed)).unwrap_err();
    assert_eq!(refusal.reason, Reason::OperationNotAllowed);
}

#[test]
fn without_an_account_the_next_step_is_to_sign_in() {
    let place = of(Product::Code, Some("contoso"));
    let refusal = decide(&place, None, true, &Hosts::default(), None).unwrap_err();
    assert_eq!((refusal.reason, refusal.hint.as_str()), (Reason::NeedsLogin, "run `valetkey login contoso`"));
}

const PKGS: &str = "pkgs.dev.azure.com";
const GUID: &str = "7d1c3f9a-2b4e-4c55-9a10-0a1b2c3d4e5f";

#[test]
fn every_form_of_a_feed_names_its_organisation_and_itself() {
    let of_guid = format!("contoso/{GUID}/_packaging/{GUID}@Local/nuget/v3/flat2/a/index.json");
    let guids = format!("{GUID}/{GUID}@Local");
    for (host, path, feed) in [
        (PKGS, "contoso/_packaging/shared/nuget/v3/index.json", Some("shared")),
        (
            PKGS,
            "Contoso/My Proj \u{e9}/_packaging/a b@Release/nuget/v3/index.json",
            Some("My Proj \u{e9}/a b@Release"),
        ),
        (PKGS, "contoso/_Packaging/shared/nuget/v2", Some("shared")),
        (PKGS, &of_guid, Some(guids.as_str())),
        ("PKGS.dev.azure.com:443", "contoso/_packaging/f/nuget/v3/index.json", Some("f")),
        ("Contoso.pkgs.visualstudio.com", "_packaging/f/nuget/v3/index.json", Some("f")),
        ("contoso.pkgs.visualstudio.com", "DefaultCollection/_packaging/f/nuget/v3/index.json", Some("f")),
        ("localhost:8444", "contoso/_packaging/f/nuget/v3/index.json", Some("f")),
        (PKGS, "contoso", None),
        (PKGS, "contoso/_packaging", None),
    ] {
        let place = place(&target(host, Some(path), None), &hosts()).unwrap();
        let expected = Place { feed: feed.map(str::to_owned), ..of(Product::Packaging, Some("contoso")) };
        assert_eq!(place, expected, "{host} {path}");
    }
}

#[test]
fn a_feed_of_a_hostile_form_is_refused() {
    for path in [
        "../contoso/_packaging/f/nuget/v3/index.json",
        "contoso/../evil/_packaging/f/nuget/v3/index.json",
        "_packaging/f/nuget/v3/index.json",
        "contoso%2f..%2fevil/_packaging/f",
        "cont\u{f6}so/_packaging/f",
        "contoso/_packaging/f\u{202e}/nuget/v3/index.json",
        "con toso/_packaging/f",
    ] {
        assert_eq!(reason(PKGS, Some(path), None), Reason::BadRequest, "{path:?}");
    }
    let plain = Target { protocol: "http".to_owned(), ..target(PKGS, Some("contoso/_packaging/f"), None) };
    assert_eq!(place(&plain, &hosts()).unwrap_err().reason, Reason::BadRequest);
}

#[test]
fn one_host_for_both_is_told_apart_by_the_path() {
    let one = Hosts { dev: "tfs.contoso.com".to_owned(), pkgs: "tfs.contoso.com".to_owned() };
    let product = |path: &str| place(&target("tfs.contoso.com", Some(path), None), &one).unwrap().product;
    assert_eq!(product("contoso/p/_git/r"), Product::Code);
    assert_eq!(product("contoso/p/_packaging/f/nuget/v3/index.json"), Product::Packaging);
}

#[test]
fn a_feed_gets_a_key_for_packages_that_writes_only_where_that_was_said() {
    let place = of(Product::Packaging, Some("contoso"));
    let allowed = ["contoso".to_owned()];
    let decided = |operation, write| decide(&place, operation, write, &Hosts::default(), Some(&allowed));
    for operation in [None, Some(Operation::Read), Some(Operation::Unknown)] {
        assert_eq!(decided(operation, true).unwrap().purpose, Purpose::PackagingRead);
    }
    assert_eq!(decided(Some(Operation::Write), true).unwrap().purpose, Purpose::PackagingWrite);
    assert_eq!(decided(Some(Operation::Write), false).unwrap_err().reason, Reason::OperationNotAllowed);
    let elsewhere = of(Product::Packaging, Some("evil"));
    let refusal = decide(&elsewhere, None, true, &Hosts::default(), Some(&allowed)).unwrap_err();
    assert_eq!(refusal.reason, Reason::OrganisationNotAllowed);
    let both = ["contoso".to_owned(), "fabrikam".to_owned()];
    let refusal = decide(&of(Product::Packaging, None), None, true, &hosts(), Some(&both)).unwrap_err();
    assert_eq!(refusal.reason, Reason::OrganisationUnknown);
    assert!(refusal.hint.contains("https://localhost:8444/ORGANISATION/_packaging/"), "{}", refusal.hint);
}

#[test]
fn each_scope_is_one_purpose() {
    for purpose in Purpose::ALL {
        assert_eq!(Purpose::of_scope(purpose.scope()), Some(purpose));
    }
    assert_eq!(Purpose::of_scope("vso.packaging_manage"), None);
}

proptest! {
    #[test]
    fn what_is_accepted_has_a_known_host_and_a_clean_organisation(
        host in "([a-zA-Z.@:-]{0,12})?((pkgs[.])?dev[.]azure[.]com|([.]pkgs)?[.]visualstudio[.]com|localhost)(:[0-9]{1,4})?[.]?",
        path in proptest::option::of("[a-zA-Z0-9./%_\\\\ \u{0}-\u{1f}-]{0,24}"),
        username in proptest::option::of("[a-zA-Z0-9@._ \n-]{0,12}"),
    ) {
        if let Ok(place) = place(&target(&host, path.as_deref(), username.as_deref()), &hosts()) {
            let host = host.to_ascii_lowercase();
            let labels: Vec<_> = host.strip_suffix(":443").unwrap_or(&host).split('.').collect();
            let known = matches!(
                labels[..],
                ["dev", "azure", "com"]
                    | ["pkgs", "dev", "azure", "com"]
                    | [_, "visualstudio", "com"]
                    | [_, "pkgs", "visualstudio", "com"]
            );
            prop_assert!(known || host == hosts().dev || host == hosts().pkgs);
            if let Some(organisation) = place.organisation {
                prop_assert!(organisation.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
            }
            prop_assert!(place.user.is_none_or(|user| user.contains('@') && is_clean(&user)));
        }
    }
}
