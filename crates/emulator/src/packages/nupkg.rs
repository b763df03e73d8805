//! Making and reading .nupkg files.

use std::io::{Cursor, Read, Seek, Write};

use bytes::Bytes;
use zip::{ZipArchive, ZipWriter, result::ZipResult, write::SimpleFileOptions};

use super::{Package, nuspec};

/// More than any honest nuspec.
const LARGEST_NUSPEC: u64 = 1024 * 1024;

const CONTENT_TYPES: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
    <Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
    <Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\" />\
    <Default Extension=\"nuspec\" ContentType=\"application/octet\" />\
    <Default Extension=\"_\" ContentType=\"application/octet\" /></Types>";

/// The bytes of a package that every client restores: a nuspec and an empty `lib/netstandard2.0`. Dependencies
/// are names and version ranges. The same arguments give the same bytes.
pub fn nupkg(id: &str, version: &str, dependencies: &[(&str, &str)]) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    match write(&mut file, id, version, dependencies) {
        Ok(()) => file.into_inner(),
        Err(error) => unreachable!("memory takes every write: {error}"),
    }
}

fn write(
    file: &mut (impl Write + Seek),
    id: &str,
    version: &str,
    dependencies: &[(&str, &str)],
) -> ZipResult<()> {
    let relationships = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
         <Relationship Type=\"http://schemas.microsoft.com/packaging/2010/07/manifest\" Target=\"/{id}.nuspec\" \
         Id=\"R1\" /></Relationships>"
    );
    let mut archive = ZipWriter::new(file);
    for (name, content) in [
        ("_rels/.rels".to_owned(), relationships),
        (format!("{id}.nuspec"), nuspec::write(id, version, dependencies)),
        ("lib/netstandard2.0/_._".to_owned(), String::new()),
        ("[Content_Types].xml".to_owned(), CONTENT_TYPES.to_owned()),
    ] {
        archive.start_file(name, SimpleFileOptions::default())?;
        archive.write_all(content.as_bytes())?;
    }
    archive.finish()?;
    Ok(())
}

/// Reads a pushed package; the error is what nuget.org says to its sender.
pub(crate) fn read(bytes: &[u8]) -> Result<Package, String> {
    let broken = |_| "Central Directory corrupt.".to_owned();
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
    let manifests: Vec<String> = archive
        .file_names()
        .filter(|name| !name.contains(['/', '\\']) && name.to_lowercase().ends_with(".nuspec"))
        .map(str::to_owned)
        .collect();
    let [manifest] = manifests.as_slice() else {
        return Err(match manifests.len() {
            0 => "Nuspec file does not exist in package.".to_owned(),
            _ => "Package contains multiple nuspec files.".to_owned(),
        });
    };
    let mut nuspec = String::new();
    let entry = archive.by_name(manifest).map_err(broken)?;
    entry
        .take(LARGEST_NUSPEC)
        .read_to_string(&mut nuspec)
        .map_err(|_| "The package manifest cannot be read.".to_owned())?;
    let read = nuspec::read(&nuspec)?;
    Ok(Package {
        id: read.id,
        version: read.version,
        dependencies: read.dependencies,
        nuspec,
        bytes: Bytes::copy_from_slice(bytes),
        listed: true,
        pushed_by: None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_made_package_reads_back_and_is_always_the_same() {
        let bytes = nupkg("Contoso.Text", "1.2.0", &[("Contoso.Core", "1.0.0")]);
        assert_eq!(bytes, nupkg("Contoso.Text", "1.2.0", &[("Contoso.Core", "1.0.0")]));
        let package = read(&bytes).expect("package");
        assert_eq!((package.id.as_str(), package.version.as_str()), ("Contoso.Text", "1.2.0"));
        assert_eq!(package.dependencies.len(), 1);
    }

    proptest! {
        #[test]
        fn a_damaged_package_is_read_or_refused(at in 0..800usize, byte: u8, end in 0..800usize) {
            let mut bytes = nupkg("Contoso.Text", "1.2.0", &[("Contoso.Core", "1.0.0")]);
            let length = bytes.len();
            bytes[at % length] = byte;
            bytes.truncate(length - end % 2 * (end % length));
            if let Ok(package) = read(&bytes) {
                prop_assert!(!package.id.is_empty() && !package.id.contains(['/', '\\']));
            }
        }
    }

    #[test]
    fn what_is_no_package_is_refused() {
        let bytes = nupkg("A", "1.0.0", &[]);
        assert!(read(&bytes[..bytes.len() / 2]).is_err());
        assert!(read(b"PK but not really").is_err());
        let mut file = Cursor::new(Vec::new());
        let mut archive = ZipWriter::new(&mut file);
        for name in ["a.nuspec", "B.NUSPEC"] {
            archive.start_file(name, SimpleFileOptions::default()).expect("entry");
        }
        archive.finish().expect("archive");
        assert_eq!(read(file.get_ref()).unwrap_err(), "Package contains multiple nuspec files.");
    }
}
