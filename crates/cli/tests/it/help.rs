use insta::assert_snapshot;
use valetkey_cli::Exit;

use crate::harness::Run;

#[test]
fn help() {
    assert_snapshot!(Run::new("--help").shown(), @"
    exit: 0 (Done)
    ----- stdout -----
    Signs you in once, and git and NuGet get short-lived keys for Azure DevOps by themselves

    Usage: valetkey <COMMAND>

    Commands:
      login    Sign in, so that keys can be made for an organisation
      logout   Revoke every key, then forget the session
      account  List accounts, choose between them, sign one out
      status   Show accounts, keys and what needs attention
      setup    Make git and NuGet use valetkey, or show how to register the application in Microsoft Entra
      agent    Start, stop or restart the agent; it also starts by itself when it is needed
      lock     Stop handing out keys until `valetkey unlock`
      unlock   Hand out keys again
      doctor   Find what keeps keys from reaching git or NuGet
      exec     Run a command with keys for the package sources of the NuGet.Config in force
      nuget    Push to nuget.org, and the keys for that
      audit    Show who got which key, newest last
      keys     List or revoke keys
      pat      Make, replace, revoke and look over your personal access tokens
      config   The agent's configuration
      help     Print this message or the help of the given subcommand(s)

    Options:
      -h, --help     Print help
      -V, --version  Print version

    Exit codes:
      0  done
      1  refused, or something needs attention: standard error says what and the next step
      2  the command line is wrong
      3  no agent could be reached
    ");
}

fn help_of<const N: usize>(verbs: [&str; N]) -> String {
    let texts = verbs.map(|verb| {
        let made = Run::new(&format!("{verb} --help")).made();
        assert_eq!((made.exit, made.err.as_str()), (Exit::Done, ""), "{verb}");
        made.out
    });
    texts.join("\n")
}

#[test]
fn help_of_signing_in_and_setting_up() {
    assert_snapshot!(help_of(["login", "logout", "status", "setup git", "setup nuget", "setup entra"]), @"
    Sign in, so that keys can be made for an organisation

    Usage: valetkey login [OPTIONS] [ORG]

    Arguments:
      [ORG]  Organisation, or the address of anything in it

    Options:
          --device-code              Show a code to type on any device instead of opening a browser
          --tenant <TENANT>          Tenant id or domain, where it is not to be discovered
          --client-id <ID>           Client id of the application registered in Microsoft Entra
          --fresh                    Sign in again even where the session is still good
          --account <ACCOUNT>        Sign in as this account, by its user name
          --from <PROGRAM>           Take access tokens from the Azure CLI, where no application may be registered [possible values: az]
          --machine <PROOF>          Sign in as an application or a managed identity, by what proves it here; it gets Entra tokens and makes no keys [possible values: secret, certificate, federated, github, pipelines, managed]
          --proof-file <FILE>        The file the secret, the certificate with its key, or the federated token is in
          --service-connection <ID>  Id of the service connection, for `--machine pipelines`
      -h, --help                     Print help

    Examples:
      valetkey login contoso
      valetkey login contoso --device-code
      valetkey login contoso --from az

    Revoke every key, then forget the session

    Usage: valetkey logout [OPTIONS]

    Options:
          --account <ACCOUNT>  Only this account, by its user name
      -h, --help               Print help

    Show accounts, keys and what needs attention

    Usage: valetkey status [OPTIONS]

    Options:
          --json  Print the report as JSON
      -h, --help  Print help

    Does not start an agent.

    Exit codes:
      0  keys are handed out
      1  something needs attention
      3  no agent is running

    Make git ask valetkey for Azure Repos

    Usage: valetkey setup git [OPTIONS]

    Options:
          --undo           Take out exactly what was put in
          --scope <SCOPE>  Which of git's configuration files [default: global] [possible values: global, system]
          --host <URL>     Another address that counts as Azure Repos, as in `[azure-devops] dev` of the configuration
      -h, --help           Print help

    Changes nothing the second time, and keeps every entry of yours.

    Examples:
      valetkey setup git
      valetkey setup git --undo

    Make dotnet and nuget.exe ask valetkey for Azure Artifacts

    Usage: valetkey setup nuget [OPTIONS]

    Options:
          --undo              Take out exactly what was put in
          --dotnet <PROGRAM>  A `dotnet` to set up instead of the one on the PATH
          --nuget-exe         Set up nuget.exe and MSBuild too, even where no `nuget` is on the PATH
      -h, --help              Print help

    Puts in what the clients that are found need, and nothing the second time.

    Examples:
      valetkey setup nuget
      valetkey setup nuget --undo

    Show how to register the application in Microsoft Entra

    Usage: valetkey setup entra [OPTIONS]

    Options:
          --for-admin  Print a text to send to an administrator instead
      -h, --help       Print help
    ");
}

#[test]
fn help_of_the_agents_verbs() {
    assert_snapshot!(help_of(["lock", "unlock", "doctor", "exec", "audit", "keys revoke"]), @"
    Stop handing out keys until `valetkey unlock`

    Usage: valetkey lock [OPTIONS]

    Options:
          --revoke  Revoke every key as well
      -h, --help    Print help

    Hand out keys again

    Usage: valetkey unlock

    Options:
      -h, --help  Print help

    Asks for the passphrase where secrets rest in a file sealed with one.

    Find what keeps keys from reaching git or NuGet

    Usage: valetkey doctor [OPTIONS]

    Options:
          --json  Print a JSON array
      -h, --help  Print help

    Changes nothing and starts no agent.

    Exit codes:
      0  nothing is wrong
      1  there are findings, one a line

    Run a command with keys for the package sources of the NuGet.Config in force

    Usage: valetkey exec [OPTIONS] -- <COMMAND>...

    Arguments:
      <COMMAND>...  The command and its arguments

    Options:
          --write              Keys that may push too, whatever the command; without it only `nuget push` and `nuget delete` get them
          --configfile <FILE>  Only the sources of this file
      -h, --help               Print help

    The keys are in the command's environment and nowhere else. A restore is faster so than with any plugin.

    Exits with the command's own code.

    Examples:
      valetkey exec -- dotnet restore
      valetkey exec --write -- make publish

    Show who got which key, newest last

    Usage: valetkey audit [OPTIONS]

    Options:
      -n, --lines <N>  How many lines [default: 20]
          --json       Print one JSON object a line
      -h, --help       Print help

    Revoke keys

    Usage: valetkey keys revoke <ID|--org <ORG>|--all>

    Arguments:
      [ID]  The key with this id, as `valetkey keys list` shows it

    Options:
          --org <ORG>  Every key of one organisation
          --all        Every key
      -h, --help       Print help

    Examples:
      valetkey keys revoke k7
      valetkey keys revoke --org contoso
    ");
}

#[test]
fn help_of_nuget() {
    let verbs = ["nuget push", "nuget unlist", "nuget keys add", "nuget keys refresh"];
    assert_snapshot!(help_of(verbs), @"
    Push packages with the narrowest key that may

    Usage: valetkey nuget push [OPTIONS] <PACKAGE>...

    Arguments:
      <PACKAGE>...  The packages

    Options:
          --new                          nuget.org has no package of that id yet
          --skip-duplicate               Pass over versions that are there
          --source <URL>                 The source of nuget.org, where it is not the usual one [default: https://api.nuget.org/v3/index.json]
          --trusted-publisher <PROFILE>  In a job of GitHub Actions or GitLab: push by the trust policy of this profile of nuget.org, with no kept key
          --dotnet <PROGRAM>             The `dotnet` to use instead of the one on the PATH
          --nuget-exe <PROGRAM>          Push with this nuget.exe instead of `dotnet`; mono runs it where that takes one. Without a `dotnet`, the one on the PATH is used
      -h, --help                         Print help

    Runs `dotnet nuget push`, or nuget.exe where one is named. Exits with its code where a push fails.

    Examples:
      valetkey nuget push bin/Release/*.nupkg

    Take a version out of searches; it can still be restored

    Usage: valetkey nuget unlist [OPTIONS] <ID> <VERSION>

    Arguments:
      <ID>       Id of the package
      <VERSION>  The version

    Options:
          --relist  Put it back instead
      -h, --help    Print help

    Keep a key that you made on nuget.org

    Usage: valetkey nuget keys add [OPTIONS] --owner <OWNER> --glob <PATTERN> --allow <RIGHTS> <NAME>

    Arguments:
      <NAME>
              What to call it: letters, digits, `.`, `_`, `-`

    Options:
          --owner <OWNER>
              The user or organisation of nuget.org it belongs to

          --glob <PATTERN>
              Packages it is for, as on the site; only `*` is a wildcard

          --allow <RIGHTS>
              What it may do, as ticked on the site

              Possible values:
              - push:         Push new packages and package versions
              - push-version: Push only new package versions
              - unlist:       Unlist or relist package versions

          --expires <WHEN>
              When it ends: a day as `2027-03-01`, or `365d` from now; a key that says so itself needs none

      -h, --help
              Print help (see a summary with '-h')

    The key itself is asked for, or read from standard input where that is no terminal.

    Examples:
      valetkey nuget keys add ci --owner contoso --glob 'Contoso.*' --allow push-version --expires 365d

    Put a new value in an old one's place, as soon as nuget.org takes it

    Usage: valetkey nuget keys refresh [OPTIONS] <NAME> [ID] [VERSION]

    Arguments:
      <NAME>     Name of the key
      [ID]       A package of yours that is on nuget.org, to check the new value with
      [VERSION]  A version of it that is there

    Options:
          --expires <WHEN>  When the new value ends: a day as `2027-03-01`, or `365d` from now
      -h, --help            Print help

    Says what to do on nuget.org, and asks for the value that the site shows then.

    Examples:
      valetkey nuget keys refresh ci Contoso.Core 1.0.0
    ");
}

#[test]
fn version() {
    let made = Run::new("--version").made();
    assert_eq!(
        (made.exit, made.out.as_str()),
        (Exit::Done, concat!("valetkey ", env!("CARGO_PKG_VERSION"), "\n"))
    );
}
