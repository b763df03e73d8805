//! `setup git` with the real gits of this machine, in a home of its own.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use insta::assert_snapshot;
use valetkey_cli::{Exit, Git};
use valetkey_protocol::Answer;

use crate::harness::{Made, Run, write_program};

/// A home folder with a git and a helper.
struct Home {
    root: tempfile::TempDir,
    git: Git,
    helper: PathBuf,
}

impl Home {
    fn new(git: &Path) -> Self {
        Self::with_helper(git, "bin/git-credential-valetkey")
    }

    fn with_helper(git: &Path, helper: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        let helper = root.path().join(helper);
        fs::create_dir_all(helper.parent().unwrap()).unwrap();
        write_program(&helper, "#!/bin/sh\necho username=valet\necho password=for-$1\n");
        let variables = [
            ("HOME", root.path().as_os_str().to_owned()),
            ("GIT_CONFIG_SYSTEM", root.path().join("system").into_os_string()),
            ("GIT_TERMINAL_PROMPT", OsString::from("0")),
            ("PATH", OsString::from("/usr/bin:/bin")),
        ];
        let environment = variables.into_iter().map(|(name, value)| (OsString::from(name), value)).collect();
        Self { root, git: Git { program: git.to_owned(), environment: Some(environment) }, helper }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.git.program);
        command.env_clear().envs(self.git.environment.clone().unwrap()).current_dir("/");
        command
    }

    fn git(&self, args: &[&str]) -> String {
        let output = self.command().args(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn config(&self, lines: &str) {
        fs::write(self.root.path().join(".gitconfig"), lines).unwrap();
    }

    fn listed(&self) -> String {
        self.git(&["config", "--list", "--show-scope"])
    }

    fn made(&self, command_line: &str) -> Made {
        Run::new(command_line).git(&self.git).git_helper(&self.helper).made()
    }

    /// A run that must succeed, with the helper's path and the home left out of what it says.
    fn shown(&self, command_line: &str) -> String {
        self.made(command_line).to_string().replace(&self.root.path().display().to_string(), "[HOME]")
    }

    /// What git is told for an address.
    fn fill(&self, host: &str, path: &str) -> String {
        use std::io::Write as _;
        let mut child = self
            .command()
            .args(["credential", "fill"])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        writeln!(input, "protocol=https\nhost={host}\npath={path}\n").unwrap();
        drop(input);
        String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
    }
}

/// Every git there is to test with.
fn gits() -> Vec<PathBuf> {
    let gits: Vec<_> =
        ["/usr/bin/git", "/usr/local/bin/git"].iter().map(PathBuf::from).filter(|git| git.exists()).collect();
    assert!(!gits.is_empty(), "no git to test with");
    gits
}

/// Configurations a person may have before, with helpers that leave a trace.
const BEFORE: [&str; 7] = [
    "",
    "[user]\n\tname = Alice # not to be lost\n",
    "[credential]\n\thelper = \"!touch ~/asked #\"\n[user]\n\tname = A\n",
    "[credential \"https://dev.azure.com\"]\n\tuseHttpPath = true\n\thelper =\n\thelper = \"!touch ~/asked #\"\n[credential]\n\thelper = \"!touch ~/asked #\"\n",
    "[credential \"https://dev.azure.com\"]\n\tuseHttpPath = false\n[credential \"https://*.visualstudio.com\"]\n\thelper = \"!touch ~/asked #\"\n",
    "[credential \"https://dev.azure.com/contoso\"]\n\thelper = \"!touch ~/asked #\"\n\tusername = alice\n",
    "[credential \"https://dev.azure.com\"]\n\t; a note\n",
];

#[test]
fn git_then_asks_only_valetkey_and_undo_gives_back_what_was_there() {
    for git in gits() {
        for before in BEFORE {
            let home = Home::new(&git);
            home.config(before);
            let listed = home.listed();

            assert_eq!(home.made("setup git").exit, Exit::Done);
            let once = home.listed();
            assert_eq!(home.made("setup git").out, "git is already set up: nothing was changed\n");
            assert_eq!(home.listed(), once, "{before}");
            let answer = home.fill("dev.azure.com", "contoso/p/_git/r");
            assert!(answer.contains("path=contoso/p/_git/r\n"), "{before}: {answer}");
            assert!(answer.contains("password=for-get\n"), "{before}: {answer}");
            let answer = home.fill("contoso.visualstudio.com", "p/_git/r");
            assert!(!answer.contains("path=") && answer.contains("password=for-get\n"), "{before}: {answer}");
            assert!(!home.root.path().join("asked").exists(), "another helper was asked: {before}");

            assert_eq!(home.made("setup git --undo").exit, Exit::Done);
            assert_eq!(home.listed(), listed, "{before}");
            let text = fs::read_to_string(home.root.path().join(".gitconfig")).unwrap();
            // git keeps an emptied section where a comment stands before it.
            assert_eq!(text.trim_end_matches("[credential \"https://*.visualstudio.com\"]\n"), before);
            assert!(home.made("setup git --undo").out.starts_with("nothing of valetkey is in "));
        }
    }
}

#[test]
fn what_it_says() {
    let home = Home::new(&gits()[0]);
    assert_snapshot!(home.shown("setup git --host https://localhost:8443"), @"
    exit: 0 (Done)
    ----- stdout -----
    git now asks valetkey for keys to Azure Repos; put into git's global configuration:
      credential.https://dev.azure.com.helper = (empty)
      credential.https://dev.azure.com.helper = [HOME]/bin/git-credential-valetkey
      credential.https://dev.azure.com.useHttpPath = true
      credential.https://*.visualstudio.com.helper = (empty)
      credential.https://*.visualstudio.com.helper = [HOME]/bin/git-credential-valetkey
      credential.https://localhost:8443.helper = (empty)
      credential.https://localhost:8443.helper = [HOME]/bin/git-credential-valetkey
      credential.https://localhost:8443.useHttpPath = true
    the empty helper keeps other helpers from storing these keys
    ");
    assert_snapshot!(home.shown("setup git --undo"), @"
    exit: 0 (Done)
    ----- stdout -----
    git no longer asks valetkey; taken out of git's global configuration:
      credential.https://dev.azure.com.helper = [HOME]/bin/git-credential-valetkey
      credential.https://dev.azure.com.helper = (empty)
      credential.https://dev.azure.com.usehttppath = true
      credential.https://*.visualstudio.com.helper = [HOME]/bin/git-credential-valetkey
      credential.https://*.visualstudio.com.helper = (empty)
      credential.https://localhost:8443.helper = [HOME]/bin/git-credential-valetkey
      credential.https://localhost:8443.helper = (empty)
      credential.https://localhost:8443.usehttppath = true
    ");
}

#[test]
fn a_host_that_is_named_is_set_up_and_taken_out_alone() {
    for git in gits() {
        let home = Home::new(&git);
        assert_eq!(home.made("setup git").exit, Exit::Done);
        let listed = home.listed();
        assert_eq!(home.made("setup git --host https://localhost:8443").exit, Exit::Done);
        let answer = home.fill("localhost:8443", "contoso/p/_git/r");
        assert!(answer.contains("path=contoso") && answer.contains("password=for-get\n"), "{answer}");
        assert_eq!(home.made("setup git --undo --host https://localhost:8443").exit, Exit::Done);
        assert_eq!(home.listed(), listed);
    }
}

#[test]
fn a_path_that_a_shell_would_split_is_quoted() {
    for git in gits() {
        let home = Home::with_helper(&git, "it's $(my) tools/git-credential-valetkey");
        assert_eq!(home.made("setup git").exit, Exit::Done);
        let answer = home.fill("dev.azure.com", "contoso/_git/r");
        assert!(answer.contains("password=for-get\n"), "{answer}");
        assert_eq!(home.made("setup git").out, "git is already set up: nothing was changed\n");
        assert_eq!(home.made("setup git --undo").exit, Exit::Done);
        assert_eq!(home.listed(), "");
    }
}

#[test]
fn a_helper_that_moved_is_replaced_and_still_taken_out() {
    for git in gits() {
        let mut home = Home::new(&git);
        assert_eq!(home.made("setup git").exit, Exit::Done);
        home.helper = home.root.path().join("moved/git-credential-valetkey");
        fs::create_dir(home.root.path().join("moved")).unwrap();
        fs::rename(home.root.path().join("bin/git-credential-valetkey"), &home.helper).unwrap();
        assert_eq!(home.made("setup git").exit, Exit::Done);
        assert!(home.fill("dev.azure.com", "contoso/_git/r").contains("password=for-get\n"));
        assert!(!home.listed().contains("/bin/git-credential-valetkey"));
        assert_eq!(home.made("setup git --undo").exit, Exit::Done);
        assert_eq!(home.listed(), "");
    }
}

#[test]
fn entries_added_later_stay() {
    for git in gits() {
        let home = Home::new(&git);
        assert_eq!(home.made("setup git").exit, Exit::Done);
        home.git(&["config", "--global", "credential.https://dev.azure.com.username", "alice"]);
        home.git(&["config", "--global", "--add", "credential.https://dev.azure.com.helper", "manager"]);
        assert_eq!(home.made("setup git --undo").exit, Exit::Done);
        assert_eq!(
            home.listed(),
            "global\tcredential.https://dev.azure.com.username=alice\n\
             global\tcredential.https://dev.azure.com.helper=manager\n"
        );
    }
}

#[test]
fn a_value_git_cannot_tell_apart_is_left_and_told() {
    let home = Home::new(&gits()[0]);
    assert_eq!(home.made("setup git").exit, Exit::Done);
    home.git(&["config", "--global", "--add", "credential.https://dev.azure.com.helper", ""]);
    assert_snapshot!(home.shown("setup git --undo"), @"
    exit: 0 (Done)
    ----- stdout -----
    git no longer asks valetkey; taken out of git's global configuration:
      credential.https://dev.azure.com.helper = [HOME]/bin/git-credential-valetkey
      credential.https://dev.azure.com.usehttppath = true
      credential.https://*.visualstudio.com.helper = [HOME]/bin/git-credential-valetkey
      credential.https://*.visualstudio.com.helper = (empty)
    ----- stderr -----
    warning: `credential.https://dev.azure.com.helper=` is there more than once and was left; look at it yourself
    ");
}

#[test]
fn a_helper_named_later_is_warned_of() {
    let home = Home::new(&gits()[0]);
    assert_eq!(home.made("setup git").exit, Exit::Done);
    home.git(&["config", "--global", "credential.helper", "store"]);
    assert_snapshot!(home.shown("setup git"), @"
    exit: 0 (Done)
    ----- stdout -----
    git is already set up: nothing was changed
    ----- stderr -----
    warning: git also asks `credential.helper=store`, and tells it the keys
    hint: move this line above the ones of valetkey, or take it out
    ");
}

#[test]
fn a_helper_that_is_not_installed_is_not_put_in() {
    let mut home = Home::new(&gits()[0]);
    home.helper = PathBuf::from("/nonexistent/git-credential-valetkey");
    assert_snapshot!(home.shown("setup git"), @"
    exit: 1 (Refused)
    ----- stderr -----
    error: `/nonexistent/git-credential-valetkey` does not exist
    hint: install `git-credential-valetkey` next to `valetkey`
    ");
    assert_eq!(home.listed(), "");
}

#[test]
fn the_system_scope_is_another_file() {
    for git in gits() {
        let home = Home::new(&git);
        assert_eq!(home.made("setup git --scope system").exit, Exit::Done);
        assert!(fs::read_to_string(home.root.path().join("system")).unwrap().contains("dev.azure.com"));
        assert!(!home.root.path().join(".gitconfig").exists());
        assert_eq!(home.made("setup git --undo --scope system").exit, Exit::Done);
        assert_eq!(home.listed(), "");
    }
}

#[test]
fn an_old_git_gets_no_wildcard() {
    let mut home = Home::new(&gits()[0]);
    let old = home.root.path().join("old-git");
    write_program(
        &old,
        "#!/bin/sh\nif [ \"$1\" = --version ]; then echo git version 2.20.1; else exec /usr/bin/git \"$@\"; fi\n",
    );
    home.git.program = old;
    assert_snapshot!(home.shown("setup git"), @"
    exit: 0 (Done)
    ----- stdout -----
    git now asks valetkey for keys to Azure Repos; put into git's global configuration:
      credential.https://dev.azure.com.helper = (empty)
      credential.https://dev.azure.com.helper = [HOME]/bin/git-credential-valetkey
      credential.https://dev.azure.com.useHttpPath = true
    the empty helper keeps other helpers from storing these keys
    ----- stderr -----
    warning: this git is older than 2.26: addresses under visualstudio.com are left out
    hint: use addresses of the form `https://dev.azure.com/<organisation>`, or a newer git
    ");
}

#[test]
fn a_broken_configuration_is_left_alone() {
    let home = Home::new(&gits()[0]);
    home.config("[user\n");
    assert_snapshot!(home.shown("setup git"), @"
    exit: 1 (Refused)
    ----- stderr -----
    error: git could not tell its version: fatal: bad config line 1 in file [HOME]/.gitconfig
    hint: correct what git names, then run the command again
    ");
    assert_eq!(fs::read_to_string(home.root.path().join(".gitconfig")).unwrap(), "[user\n");
}

#[test]
fn a_change_that_fails_leaves_nothing_behind() {
    for git in gits() {
        let mut home = Home::new(&git);
        home.config("[user]\n\tname = A\n");
        let failing = home.root.path().join("failing-git");
        let script = format!(
            "#!/bin/sh\ncase \"$*\" in *--add*useHttpPath*) echo 'error: disk full' >&2; exit 4;; esac\nexec {} \"$@\"\n",
            git.display()
        );
        write_program(&failing, &script);
        let listed = home.listed();
        let real = std::mem::replace(&mut home.git.program, failing);
        let made = home.made("setup git");
        assert_eq!((made.exit, made.out.as_str()), (Exit::Refused, ""));
        assert!(
            made.err.contains("git could not change its configuration: error: disk full"),
            "{}",
            made.err
        );
        home.git.program = real;
        assert_eq!(home.listed(), listed);
    }
}

#[test]
fn no_git() {
    let home = Home::new(Path::new("/nonexistent/git"));
    assert_snapshot!(home.shown("setup git"), @"
    exit: 1 (Refused)
    ----- stderr -----
    error: git is not found
    hint: install git, or put it on the PATH
    ");
}

#[test]
fn after_signing_in_the_next_step_is_named_only_while_it_is_one() {
    let signed_in = || Answer::SignedIn {
        account: "alice".to_owned(),
        tenant: "t".to_owned(),
        organisations: vec!["contoso".to_owned()],
        silent: false,
    };
    for git in gits() {
        let home = Home::new(&git);
        let login = || Run::new("login contoso").git(&home.git).answer(signed_in()).made().err;
        assert_eq!(login(), "hint: run `valetkey setup git` so that git asks for keys by itself\n");
        assert_eq!(home.made("setup git").exit, Exit::Done);
        assert_eq!(login(), "");
    }
}
