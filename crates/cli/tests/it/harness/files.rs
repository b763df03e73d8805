//! Files that a test needs.

use std::path::Path;

/// Copies a program, in another process: a file that is open for writing in this one, or in a child another test is
/// just starting, cannot be run.
pub(crate) fn copy_program(from: &Path, to: &Path) {
    let status = std::process::Command::new("cp").arg("-p").args([from, to]).status().unwrap();
    assert!(status.success(), "{} cannot be copied", from.display());
}

/// Writes a program that can be run at once.
#[cfg(unix)]
pub(crate) fn write_program(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let draft = path.with_extension("draft");
    std::fs::write(&draft, text).unwrap();
    std::fs::set_permissions(&draft, std::fs::Permissions::from_mode(0o755)).unwrap();
    copy_program(&draft, path);
    std::fs::remove_file(draft).unwrap();
}

/// The bytes of a package.
#[cfg(unix)]
pub(crate) fn nupkg(id: &str, version: &str) -> Vec<u8> {
    use std::io::Write as _;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file(format!("{id}.nuspec"), zip::write::SimpleFileOptions::default()).unwrap();
    write!(zip, "<package><metadata><id>{id}</id><version>{version}</version></metadata></package>").unwrap();
    zip.finish().unwrap().into_inner()
}
