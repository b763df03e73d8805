use insta::assert_snapshot;
use valetkey_cli::Exit;

use crate::harness::Run;

#[test]
fn nothing_at_all() {
    let made = Run::new("").made();
    assert_eq!((made.exit, made.out.as_str()), (Exit::Usage, ""));
    assert!(made.err.contains("Usage: valetkey <COMMAND>"), "{}", made.err);
}

#[test]
fn wrong_command_lines_ask_nobody() {
    for wrong in [
        "frobnicate",
        "login a b",
        "login http://dev.azure.com/contoso",
        "login --tenant=",
        "exec",
        "exec true",
        "exec --",
        "nuget push",
        "nuget push --trusted-publisher= a.nupkg",
        "nuget unlist A",
        "nuget keys add ci --owner contoso --allow push",
        "nuget keys add ci --owner contoso --glob * --allow everything",
        "nuget keys refresh ci Contoso.Core",
        "setup nuget --undo=no",
        "doctor now",
        "keys revoke",
        "keys revoke k1 --all",
        "keys revoke --org contoso --all",
        "audit -n 0",
        "audit -n -1",
        "setup git --scope local",
        "setup git --host http://localhost:1",
        "agent",
        "lock --revoke=maybe",
    ] {
        let made = Run::new(wrong).made();
        assert_eq!((made.exit, made.out.as_str()), (Exit::Usage, ""), "{wrong}");
        assert!(made.err.starts_with("error: ") || made.err.contains("Usage:"), "{wrong}: {}", made.err);
        assert!(made.asked.is_empty(), "{wrong}");
    }
}

#[test]
fn a_bad_organisation_is_explained() {
    assert_snapshot!(Run::new("login https://github.com/contoso").shown(), @"
    exit: 2 (Usage)
    ----- stderr -----
    error: invalid value 'https://github.com/contoso' for '[ORG]': give the organisation's name, such as `contoso`, or an address in it, such as `https://dev.azure.com/contoso`

    For more information, try '--help'.
    ");
}
