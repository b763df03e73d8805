//! The helper as git calls it.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

/// File name of the helper, without a suffix.
pub(crate) const HELPER: &str = "git-credential-valetkey";

/// The helper of this name that belongs to the program in `folder`: where the PATH has the very same file, its place there, which
/// a package manager keeps when it moves the file behind it.
pub(crate) fn locate(helper: &str, folder: &Path, path: Option<&OsStr>) -> PathBuf {
    let name = format!("{helper}{}", std::env::consts::EXE_SUFFIX);
    let beside = folder.join(&name);
    let Ok(real) = beside.canonicalize() else { return beside };
    let same = |candidate: &PathBuf| candidate.canonicalize().is_ok_and(|other| other == real);
    path.and_then(|path| {
        std::env::split_paths(path)
            .filter(|folder| folder.is_absolute())
            .map(|folder| folder.join(&name))
            .find(same)
    })
    .unwrap_or(beside)
}

/// What to put under `credential.*.helper` for the helper at an absolute path. git hands an absolute path to the
/// shell as it is (gitcredentials(7)), so anything but plain characters is quoted, which makes it a `!` snippet.
pub(crate) fn for_path(helper: &Path) -> String {
    let mut path = helper.to_string_lossy().into_owned();
    if cfg!(windows) {
        path = path.replace('\\', "/");
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@,".contains(c);
    if path.chars().all(plain) { path } else { format!("!'{}'", path.replace('\'', r"'\''")) }
}

/// Whether a value calls our helper, at whatever path it was or is installed.
pub(crate) fn is_ours(value: &str) -> bool {
    if value == "valetkey" {
        return true;
    }
    let command = value.strip_prefix('!').unwrap_or(value).trim_matches(['\'', '"']);
    let name = command.rsplit('/').next().unwrap_or_default();
    name.strip_suffix(".exe").unwrap_or(name) == HELPER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_paths_go_unquoted() {
        for (path, value) in [
            ("/usr/bin/git-credential-valetkey", "/usr/bin/git-credential-valetkey"),
            ("/opt/my tools/git-credential-valetkey", "!'/opt/my tools/git-credential-valetkey'"),
            ("/home/o'neil/git-credential-valetkey", r"!'/home/o'\''neil/git-credential-valetkey'"),
            ("/x$(id)/git-credential-valetkey", "!'/x$(id)/git-credential-valetkey'"),
        ] {
            assert_eq!(for_path(Path::new(path)), value);
            assert!(is_ours(value), "{value}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn the_place_on_the_path_wins_only_for_the_same_file() {
        let root = tempfile::tempdir().unwrap();
        let folder = |name: &str| {
            let folder = root.path().join(name);
            std::fs::create_dir(&folder).unwrap();
            folder
        };
        let (versioned, bin, other) = (folder("1.2.3"), folder("bin"), folder("other"));
        std::fs::write(versioned.join(HELPER), "").unwrap();
        std::fs::write(other.join(HELPER), "").unwrap();
        std::os::unix::fs::symlink(versioned.join(HELPER), bin.join(HELPER)).unwrap();

        let path = std::env::join_paths([Path::new("."), &other, &bin]).unwrap();
        assert_eq!(locate(HELPER, &versioned, Some(&path)), bin.join(HELPER));
        assert_eq!(locate(HELPER, &versioned, Some(other.as_os_str())), versioned.join(HELPER));
        assert_eq!(locate(HELPER, &versioned, None), versioned.join(HELPER));
        assert_eq!(locate(HELPER, &bin.join("absent"), Some(&path)), bin.join("absent").join(HELPER));
    }

    #[test]
    fn other_helpers_are_not_ours() {
        for value in
            ["", "store", "cache --timeout=1", "manager", "/usr/bin/git-credential-valetkey-not", "!valetkey"]
        {
            assert!(!is_ours(value), "{value}");
        }
        assert!(is_ours("valetkey"));
        assert!(is_ours("C:/Program/git-credential-valetkey.exe"));
    }
}
