//! `setup nuget` in a home of its own, with clients that are scripts.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
};

use insta::assert_snapshot;
use tempfile::TempDir;
use valetkey_cli::Exit;
use valetkey_paths::env;

use crate::harness::{Made, Run, write_program};

/// A home with the plugin in `bin`, and a folder `clients` on the PATH.
struct Home {
    root: TempDir,
    path: Vec<PathBuf>,
}

impl Home {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let clients = root.path().join("clients");
        for folder in ["bin", "clients", "state"] {
            fs::create_dir(root.path().join(folder)).unwrap();
        }
        fs::set_permissions(root.path().join("state"), fs::Permissions::from_mode(0o700)).unwrap();
        let home = Self { root, path: vec![clients] };
        home.program("bin/nuget-plugin-valetkey", "");
        home
    }

    /// Its own programs are on the PATH.
    fn on_path(mut self, folder: &str) -> Self {
        self.path.push(self.at(folder));
        self
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    fn program(&self, path: &str, script: &str) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        write_program(&path, &format!("#!/bin/sh\n{script}"));
    }

    /// A `dotnet` that lists these SDKs, and "compiles" by writing the file after `-out:`.
    fn dotnet(self, sdks: &[&str]) -> Self {
        let root = self.at("dotnet");
        let mut list = String::new();
        for sdk in sdks {
            writeln!(list, "echo '{sdk} [{}/sdk]'", root.display()).unwrap();
            let compiler = root.join("sdk").join(sdk).join("Roslyn/bincore/csc.dll");
            fs::create_dir_all(compiler.parent().unwrap()).unwrap();
            fs::write(compiler, "").unwrap();
        }
        let references = root.join("packs/Microsoft.NETCore.App.Ref/9.0.0/ref/net9.0");
        fs::create_dir_all(&references).unwrap();
        fs::write(references.join("System.Runtime.dll"), "").unwrap();
        let script = format!(
            "[ \"$1\" != --list-sdks ] || {{ {list}exit; }}\n\
             for a; do case $a in -out:*) echo compiled > \"${{a#-out:}}\";; esac; done\n"
        );
        self.program("clients/dotnet", &script);
        self
    }

    fn made(&self, command_line: &str) -> Made {
        let path = std::env::join_paths(&self.path).unwrap();
        Run::new(command_line).home(self.root.path()).variable(env::PATH, path).made()
    }

    fn shown(&self, command_line: &str) -> String {
        self.made(command_line).to_string().replace(&self.root.path().display().to_string(), "[HOME]")
    }

    /// Every file, folder and link, with where it leads.
    fn tree(&self) -> BTreeMap<PathBuf, Option<PathBuf>> {
        fn walk(folder: &Path, into: &mut BTreeMap<PathBuf, Option<PathBuf>>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                into.insert(path.clone(), fs::read_link(&path).ok());
                if path.is_dir() && !path.is_symlink() {
                    walk(&path, into);
                }
            }
        }
        let mut tree = BTreeMap::new();
        walk(self.root.path(), &mut tree);
        tree
    }
}

#[test]
fn a_new_sdk_and_a_path_need_nothing() {
    let home = Home::new().on_path("bin").dotnet(&["9.0.200", "10.0.401"]);
    let before = home.tree();
    assert_snapshot!(home.shown("setup nuget"), @"
    exit: 0 (Done)
    ----- stdout -----
    found [HOME]/clients/dotnet: 9.0.200, 10.0.401
    NuGet is already set up: nothing was changed
    ");
    assert_eq!(home.tree(), before);
}

#[test]
fn another_program_of_its_name_before_it_is_told() {
    let home = Home::new().on_path("old").on_path("bin").dotnet(&["10.0.401"]);
    home.program("old/nuget-plugin-valetkey", "");
    assert_snapshot!(home.shown("setup nuget"), @"
    exit: 1 (Refused)
    ----- stdout -----
    found [HOME]/clients/dotnet: 10.0.401
    ----- stderr -----
    warning: NuGet asks `[HOME]/old/nuget-plugin-valetkey` first, which is another program
    hint: move it away, or put `[HOME]/bin` before its folder on the PATH
    ");
    // It is the same one, by a link.
    fs::remove_file(home.at("old/nuget-plugin-valetkey")).unwrap();
    std::os::unix::fs::symlink(home.at("bin/nuget-plugin-valetkey"), home.at("old/nuget-plugin-valetkey"))
        .unwrap();
    assert_eq!(home.made("setup nuget").exit, Exit::Done);
}

#[test]
fn without_a_path_of_its_own_it_is_linked_into_the_persons() {
    let home = Home::new().on_path(".local/bin").dotnet(&["10.0.401"]);
    assert_snapshot!(home.shown("setup nuget"), @"
    exit: 0 (Done)
    ----- stdout -----
    found [HOME]/clients/dotnet: 10.0.401
    NuGet now asks valetkey for keys to Azure Artifacts; put in:
      [HOME]/.local/bin/nuget-plugin-valetkey
    ");
    assert_eq!(
        fs::read_link(home.at(".local/bin/nuget-plugin-valetkey")).unwrap(),
        home.at("bin/nuget-plugin-valetkey")
    );
}

#[test]
fn nowhere_on_the_path_is_said() {
    let home = Home::new().dotnet(&["10.0.401"]);
    let before = home.tree();
    assert_snapshot!(home.shown("setup nuget"), @"
    exit: 1 (Refused)
    ----- stdout -----
    found [HOME]/clients/dotnet: 10.0.401
    ----- stderr -----
    warning: `nuget-plugin-valetkey` is not on the PATH, where NuGet looks for it
    hint: put `[HOME]/bin` on the PATH, then run `valetkey setup nuget` again
    ");
    assert_eq!(home.tree(), before);
}

#[test]
fn an_old_sdk_gets_the_shim_and_nuget_exe_its_link() {
    let home = Home::new().on_path("bin").dotnet(&["3.1.102", "9.0.110", "10.0.401"]);
    assert_snapshot!(home.shown("setup nuget --nuget-exe"), @"
    exit: 0 (Done)
    ----- stdout -----
    found [HOME]/clients/dotnet: 3.1.102, 9.0.110, 10.0.401
    NuGet now asks valetkey for keys to Azure Artifacts; put in:
      [HOME]/.nuget/plugins/netfx/nuget-plugin-valetkey/nuget-plugin-valetkey.exe
      [HOME]/.nuget/plugins/netcore/nuget-plugin-valetkey
    ----- stderr -----
    hint: SDKs from 9.0.200 on start the plugin of the older ones too, which costs them 0.2 s a restore
    ");
    let folder = home.at(".nuget/plugins/netcore/nuget-plugin-valetkey");
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(
        names,
        [
            "nuget-plugin-valetkey",
            "nuget-plugin-valetkey.dll",
            "nuget-plugin-valetkey.runtimeconfig.json",
            "shim.cs"
        ]
    );
    let once = home.tree();
    assert!(home.made("setup nuget --nuget-exe").out.ends_with("nothing was changed\n"));
    assert_eq!(home.tree(), once);
}

#[test]
fn undo_takes_out_what_was_put_in_and_nothing_else() {
    let everything = || Home::new().on_path(".local/bin").dotnet(&["3.1.102"]);
    let theirs = [
        None,
        Some(".nuget/plugins/netcore/CredentialProvider.Microsoft/CredentialProvider.Microsoft.dll"),
        Some(".local/bin/other"),
        Some(".nuget/plugins/netfx/nuget-plugin-valetkey/notes"),
    ];
    for file in theirs {
        let home = everything();
        if let Some(file) = file {
            home.program(file, "");
        }
        let before = home.tree();
        assert_eq!(home.made("setup nuget --nuget-exe").exit, Exit::Done);
        assert_ne!(home.tree(), before);
        assert_eq!(home.made("setup nuget --undo").exit, Exit::Done);
        assert_eq!(home.tree(), before, "{file:?}");
    }
    let home = everything();
    home.made("setup nuget --nuget-exe");
    assert_snapshot!(home.shown("setup nuget --undo"), @"
    exit: 0 (Done)
    ----- stdout -----
    taken out:
      [HOME]/.nuget/plugins/netcore/nuget-plugin-valetkey/nuget-plugin-valetkey.dll
      [HOME]/.nuget/plugins/netcore/nuget-plugin-valetkey/nuget-plugin-valetkey.runtimeconfig.json
      [HOME]/.nuget/plugins/netcore/nuget-plugin-valetkey/shim.cs
      [HOME]/.nuget/plugins/netcore/nuget-plugin-valetkey/nuget-plugin-valetkey
      [HOME]/.nuget/plugins/netcore/nuget-plugin-valetkey
      [HOME]/.nuget/plugins/netcore
      [HOME]/.nuget/plugins/netfx/nuget-plugin-valetkey/nuget-plugin-valetkey.exe
      [HOME]/.nuget/plugins/netfx/nuget-plugin-valetkey
      [HOME]/.nuget/plugins/netfx
      [HOME]/.nuget/plugins
      [HOME]/.nuget
      [HOME]/.local/bin/nuget-plugin-valetkey
      [HOME]/.local/bin
      [HOME]/.local
    ");
    assert_snapshot!(home.shown("setup nuget --undo"), @"
    exit: 0 (Done)
    ----- stdout -----
    nothing of valetkey was put in for NuGet
    ");
}

#[test]
fn what_is_not_ours_is_left() {
    for path in [
        ".local/bin/nuget-plugin-valetkey",
        ".nuget/plugins/netfx/nuget-plugin-valetkey/nuget-plugin-valetkey.exe",
        ".nuget/plugins/netcore/nuget-plugin-valetkey/nuget-plugin-valetkey.dll",
    ] {
        let home = Home::new().on_path(".local/bin").dotnet(&["3.1.102"]);
        home.program(path, "echo theirs");
        let made = home.made("setup nuget --nuget-exe");
        assert_eq!(made.exit, Exit::Refused, "{path}");
        assert!(made.err.starts_with("error: `") && made.err.contains(path), "{}", made.err);
        assert!(fs::read_to_string(home.at(path)).unwrap().contains("theirs"), "{path}");
        home.made("setup nuget --undo");
        assert!(fs::read_to_string(home.at(path)).unwrap().contains("theirs"), "{path}");
    }
}

#[test]
fn a_link_to_where_it_was_is_renewed() {
    let home = Home::new().on_path(".local/bin").dotnet(&["10.0.401"]);
    let link = home.at(".local/bin/nuget-plugin-valetkey");
    fs::create_dir_all(link.parent().unwrap()).unwrap();
    symlink("/gone/nuget-plugin-valetkey", &link).unwrap();
    assert_eq!(home.made("setup nuget").exit, Exit::Done);
    assert_eq!(fs::read_link(&link).unwrap(), home.at("bin/nuget-plugin-valetkey"));
}

#[test]
fn a_shim_that_cannot_be_compiled_is_tried_again() {
    let home = Home::new().on_path("bin").dotnet(&["3.1.102"]);
    home.program(
        "clients/dotnet",
        &format!(
            "[ \"$1\" = --list-sdks ] && echo '3.1.102 [{}/sdk]' && exit\necho 'error CS0000: no'; exit 1\n",
            home.at("dotnet").display()
        ),
    );
    assert_snapshot!(home.shown("setup nuget"), @"
    exit: 1 (Refused)
    ----- stdout -----
    found [HOME]/clients/dotnet: 3.1.102
    ----- stderr -----
    error: the plugin for SDKs older than 9.0.200 cannot be compiled: error CS0000: no
    hint: install Debian's `mono-mcs`, then run `valetkey setup nuget` again
    ");
    home.program("clients/mcs", "for a; do case $a in -out:*) echo compiled > \"${a#-out:}\";; esac; done\n");
    assert_eq!(home.made("setup nuget").exit, Exit::Done);
}

#[test]
fn a_plugin_that_is_not_there_is_not_linked() {
    let home = Home::new().on_path("bin").dotnet(&["3.1.102"]);
    fs::remove_file(home.at("bin/nuget-plugin-valetkey")).unwrap();
    assert_snapshot!(home.shown("setup nuget"), @"
    exit: 1 (Refused)
    ----- stderr -----
    error: `[HOME]/bin/nuget-plugin-valetkey` does not exist
    hint: install `nuget-plugin-valetkey` next to `valetkey`
    ");
}
