use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;

/// A user that owns nothing on this machine, so that whatever the test makes belongs to somebody else.
const STRANGER: u32 = 3_999_999_999;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// The folder under its real name: the system's temporary folder can itself be a link.
fn folder() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().canonicalize().unwrap();
    (dir, path)
}

#[test]
fn missing_folders_are_made_private() {
    let (_dir, root) = folder();
    let path = root.join("a/b/c");
    ensure_private_dir(&path).unwrap();
    assert_eq!([mode(&root.join("a")), mode(&root.join("a/b")), mode(&path)], [0o700; 3]);
    ensure_private_dir(&path).unwrap();
}

#[test]
fn a_readable_folder_of_ours_is_narrowed() {
    let (_dir, root) = folder();
    let path = root.join("a");
    fs::create_dir(&path).unwrap();
    set_mode(&path, 0o755);
    ensure_private_dir(&path).unwrap();
    assert_eq!(mode(&path), 0o700);
}

#[test]
fn a_folder_that_others_can_change_is_refused_at_any_depth() {
    let (_dir, root) = folder();
    let path = root.join("a/b");
    fs::create_dir_all(&path).unwrap();
    for (changed, open) in [(&path, 0o770), (&path, 0o702), (&root.join("a"), 0o775)] {
        set_mode(&root.join("a"), 0o700);
        set_mode(&path, 0o700);
        set_mode(changed, open);
        let error = ensure_private_dir(&path).unwrap_err();
        assert!(error.to_string().ends_with("can be changed by other users"), "{error}");
        assert_eq!(mode(changed), open, "a refused folder is left as it is");
    }
}

#[test]
fn a_folder_of_another_user_is_refused() {
    let (_dir, root) = folder();
    let path = root.join("a");
    ensure_private_dir(&path).unwrap();
    let error = imp::ensure_private_dir(&path, STRANGER).unwrap_err();
    assert!(error.to_string().ends_with("belongs to another user"), "{error}");
}

#[test]
fn owner_and_mode_decide_together() {
    let place = Path::new("/x");
    let judged = |owner, mode| imp::judge(place, owner, mode, 1000).is_ok();
    assert!(judged(1000, 0o40755) && judged(0, 0o40755) && judged(1000, 0o100_644));
    assert!(!judged(1001, 0o40700));
    assert!(!judged(1000, 0o40775) && !judged(1000, 0o40757) && !judged(0, 0o40777));
}

#[test]
fn links_are_followed_and_what_they_lead_to_is_judged() {
    let (_dir, root) = folder();
    fs::create_dir_all(root.join("real/open")).unwrap();
    set_mode(&root.join("real/open"), 0o777);
    symlink("real", root.join("relative")).unwrap();
    symlink(root.join("real/open"), root.join("absolute")).unwrap();

    ensure_private_dir(&root.join("relative/run")).unwrap();
    assert_eq!(mode(&root.join("real/run")), 0o700);
    let error = ensure_private_dir(&root.join("absolute/run")).unwrap_err();
    assert!(error.to_string().contains("real/open"), "{error}");
    assert!(error.hint().contains("chmod go-w"), "{}", error.hint());
}

#[test]
fn links_in_a_circle_end() {
    let (_dir, root) = folder();
    symlink("two", root.join("one")).unwrap();
    symlink("one", root.join("two")).unwrap();
    let error = ensure_private_dir(&root.join("one/run")).unwrap_err();
    assert!(error.to_string().contains("too many symbolic links"), "{error}");
}

#[test]
fn a_file_where_a_folder_should_be_is_refused() {
    let (_dir, root) = folder();
    fs::write(root.join("a"), "").unwrap();
    for path in ["a", "a/b"] {
        let error = ensure_private_dir(&root.join(path)).unwrap_err();
        assert!(error.to_string().ends_with("is not a folder"), "{error}");
    }
}

#[test]
fn a_relative_path_is_refused() {
    let error = ensure_private_dir(Path::new("run")).unwrap_err();
    assert!(error.to_string().ends_with("is not an absolute path"), "{error}");
}

#[test]
fn a_file_may_be_read_but_not_changed_by_others() {
    let (_dir, root) = folder();
    let file = root.join("config.toml");
    fs::write(&file, "").unwrap();
    for (mode, fine) in [(0o600, true), (0o644, true), (0o664, false), (0o646, false)] {
        set_mode(&file, mode);
        assert_eq!(check_private_file(&file).is_ok(), fine, "{mode:o}");
    }
    assert!(check_private_file(&root.join("none")).unwrap_err().is_missing());
    assert!(check_private_file(&root).is_err());
}
