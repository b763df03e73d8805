use std::collections::HashMap;

use super::*;

/// Command lines from this process's parent upwards; ids count from 100, start times from 1000.
struct Above(HashMap<u32, Process>);

impl Above {
    fn new(command_lines: &[&str]) -> Self {
        let process = |(index, line): (u32, &&str)| {
            let arguments = line.split(' ').map(str::to_owned).collect();
            (100 + index, Process { parent: 101 + index, started: u64::from(1000 + index), arguments })
        };
        Self((0..).zip(command_lines).map(process).collect())
    }
}

impl Processes for Above {
    fn parent(&self) -> Option<u32> {
        Some(100)
    }

    fn process(&self, id: u32) -> Option<Process> {
        self.0.get(&id).cloned()
    }
}

const SHELL: &str = "/bin/sh -c /opt/valetkey/git-credential-valetkey\u{a0}get";
const TRANSPORT: [&str; 2] = [
    "/usr/lib/git-core/git-remote-https origin https://dev.azure.com/o/p/_git/r",
    "/usr/lib/git-core/git remote-https origin https://dev.azure.com/o/p/_git/r",
];

fn below(command: &str) -> Calling {
    Calling::above(&Above::new(&[SHELL, TRANSPORT[0], TRANSPORT[1], command, "-bash", "/sbin/init"]))
}

#[test]
fn git_says_what_it_does() {
    for (command, operation) in [
        ("git push", Some(Operation::Write)),
        ("/usr/bin/git push origin HEAD", Some(Operation::Write)),
        ("/usr/lib/git-core/git push", Some(Operation::Write)),
        ("git -c push.default=current -C fetch --no-pager push", Some(Operation::Write)),
        ("git --git-dir push fetch", Some(Operation::Read)),
        ("git --git-dir=/x --exec-path=/y -p fetch", Some(Operation::Read)),
        ("git-push origin", Some(Operation::Write)),
        ("git clone https://dev.azure.com/o/p/_git/push", Some(Operation::Read)),
        ("git pull --rebase", Some(Operation::Read)),
        ("git ls-remote", Some(Operation::Read)),
        ("git submodule update", Some(Operation::Read)),
        ("git remote show push", Some(Operation::Read)),
        ("git.exe fetch", Some(Operation::Read)),
        ("C:\\Program\u{a0}Files\\Git\\cmd\\git.exe push", Some(Operation::Write)),
        ("git", None),
        ("git -c", None),
        ("git something-new", None),
        ("code --type=utility", None),
        ("gitk push", None),
    ] {
        assert_eq!(below(command).operation, operation, "{command}");
    }
}

#[test]
fn the_caller_is_the_program_that_lives_on() {
    let transport = Some(Caller { pid: 101, started: 1001 });
    assert_eq!(below("git push").caller, transport);
    assert_eq!(below("unheard-of").caller, transport);

    let by_name = Above::new(&["git credential-valetkey get", TRANSPORT[0], TRANSPORT[1], "git fetch"]);
    assert_eq!(Calling::above(&by_name), Calling { operation: Some(Operation::Read), caller: transport });

    let by_hand = Above::new(&[SHELL, "git credential fill", "python3 deploy.py", "git push"]);
    let script = Some(Caller { pid: 102, started: 1002 });
    assert_eq!(Calling::above(&by_hand), Calling { operation: None, caller: script });
}

#[test]
fn large_files_are_pushed_and_fetched() {
    let lfs = |command| Calling::above(&Above::new(&[SHELL, "git credential fill", command])).operation;
    assert_eq!(lfs("git-lfs pre-push origin https://dev.azure.com/o/p/_git/r"), Some(Operation::Write));
    assert_eq!(lfs("/usr/bin/git-lfs push --all origin"), Some(Operation::Write));
    assert_eq!(lfs("git lfs push"), Some(Operation::Write));
    assert_eq!(lfs("git-lfs filter-process"), Some(Operation::Read));
    assert_eq!(lfs("git-lfs smudge -- a.bin"), Some(Operation::Read));
    assert_eq!(lfs("git-lfs"), None);
}

#[test]
fn a_push_far_above_says_nothing_about_a_hooks_own_work() {
    let hook = ["/bin/sh .git/hooks/pre-push", "git push"];
    let fetching = Above::new(&[SHELL, TRANSPORT[0], TRANSPORT[1], "git fetch", hook[0], hook[1]]);
    assert_eq!(Calling::above(&fetching).operation, Some(Operation::Read));
    let unknown = Above::new(&[SHELL, TRANSPORT[0], TRANSPORT[1], "tool", hook[0], hook[1]]);
    assert_eq!(Calling::above(&unknown).operation, None);
}

#[test]
fn the_walk_ends() {
    let deep: Vec<&str> = [SHELL; 50].into_iter().chain(["git push"]).collect();
    assert_eq!(Calling::above(&Above::new(&deep)), Calling::default());
    assert_eq!(Calling::above(&Above::new(&[])), Calling::default());

    let mut circle = Above::new(&[SHELL]);
    circle.0.get_mut(&100).unwrap().parent = 100;
    assert_eq!(Calling::above(&circle), Calling::default());
}
