use std::io::{Cursor, Write as _};

use proptest::prelude::*;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::*;

const NUSPEC: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd">
  <metadata>
    <id>Contoso.Data</id>
    <version>1.2.0.0-beta+abc</version>
    <description>a &lt; b</description>
  </metadata>
</package>"#;

fn zip(files: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, bytes) in files {
        zip.start_file(*name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn package(nuspec: &[u8]) -> Vec<u8> {
    zip(&[("lib/net8.0/a.dll", b"MZ"), ("Contoso.nuspec", nuspec)], CompressionMethod::Deflated)
}

fn read(bytes: &[u8]) -> Result<Package, NupkgError> {
    Package::read(&mut Cursor::new(bytes))
}

fn of(nuspec: &str) -> Result<Package, NupkgError> {
    read(&package(nuspec.as_bytes()))
}

/// Text in place of the id's element, in an otherwise good nuspec.
fn with_id(element: &str) -> String {
    NUSPEC.replace("<id>Contoso.Data</id>", element)
}

#[test]
fn id_and_version() {
    for method in [CompressionMethod::Deflated, CompressionMethod::Stored] {
        let files: [(&str, &[u8]); 3] =
            [("_rels/.rels", b"x"), ("contoso.NuSpec", NUSPEC.as_bytes()), ("tools/other.nuspec", b"no")];
        let found = read(&zip(&files, method)).unwrap();
        assert_eq!((found.id.as_str(), found.version.as_str()), ("Contoso.Data", "1.2.0-beta"));
    }
}

#[test]
fn a_file_on_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.nupkg");
    std::fs::write(&path, package(NUSPEC.as_bytes())).unwrap();
    assert_eq!(Package::open(&path).unwrap().id.as_str(), "Contoso.Data");
    assert!(matches!(Package::open(folder.path()), Err(NupkgError::NotAFile)));
    assert!(matches!(Package::open(&folder.path().join("b")), Err(NupkgError::Io(_))));
}

#[test]
fn what_is_no_package() {
    let other = zip(&[("docs/a.nuspec", NUSPEC.as_bytes()), ("b\\c.nuspec", b"")], CompressionMethod::Stored);
    let two = zip(&[("a.nuspec", NUSPEC.as_bytes()), ("b.NUSPEC", b"")], CompressionMethod::Stored);
    assert!(matches!(read(b""), Err(NupkgError::NotAZip)));
    assert!(matches!(read(b"PK\x03\x04 and nothing"), Err(NupkgError::NotAZip)));
    assert!(matches!(read(&vec![b'P'; 200_000]), Err(NupkgError::NotAZip)));
    assert!(matches!(read(&zip(&[], CompressionMethod::Stored)), Err(NupkgError::NoNuspec)));
    assert!(matches!(read(&other), Err(NupkgError::NoNuspec)));
    assert!(matches!(read(&two), Err(NupkgError::ManyNuspecs)));
}

#[test]
fn the_same_name_twice_is_two() {
    let mut twice =
        zip(&[("a.nuspec", NUSPEC.as_bytes()), ("b.nuspec", NUSPEC.as_bytes())], CompressionMethod::Stored);
    while let Some(at) = twice.windows(8).position(|window| window == b"b.nuspec") {
        twice[at] = b'a';
    }
    assert!(matches!(read(&twice), Err(NupkgError::ManyNuspecs)));
}

#[test]
fn a_bomb_costs_no_more_than_its_fuse() {
    let declared = package(&vec![b' '; MAX_NUSPEC as usize + 1]);
    assert!(declared.len() < 4096);
    assert!(matches!(read(&declared), Err(NupkgError::NuspecTooLarge)));
    // One that lies about its length: 64 MiB that call themselves 100 bytes.
    let mut lying = package(&vec![b' '; 64 << 20]);
    let at = lying.windows(4).rposition(|window| window == b"PK\x01\x02").unwrap();
    lying[at + 24..at + 28].copy_from_slice(&100_u32.to_le_bytes());
    assert!(matches!(read(&lying), Err(NupkgError::Damaged(_))));
    let largest = format!("{NUSPEC}{}", " ".repeat(MAX_NUSPEC as usize - NUSPEC.len()));
    assert!(of(&largest).is_ok());
}

#[test]
fn an_archive_that_contradicts_itself() {
    let good = package(NUSPEC.as_bytes());
    let list = good.windows(4).rposition(|window| window == b"PK\x01\x02").unwrap();
    let end = good.windows(4).rposition(|window| window == b"PK\x05\x06").unwrap();
    for (what, at, bytes) in [
        ("flags: encrypted", list + 8, vec![1]),
        ("method: bzip2", list + 10, vec![12]),
        ("checksum", list + 16, vec![0, 0, 0, 0]),
        ("packed length", list + 20, vec![1, 0]),
        ("packed length beyond the list", list + 20, vec![0xff, 0x0f]),
        ("length", list + 24, vec![1, 0]),
        ("place", list + 42, vec![3]),
        ("place beyond the end", list + 42, vec![0xff, 0xff, 0xff, 0x7f]),
        ("name", list + 46, vec![b'X']),
        ("list: mark", list, vec![0]),
        ("end: volumes", end + 4, vec![1]),
        ("end: files", end + 8, vec![9, 0, 9, 0]),
        ("end: zip64", end + 8, vec![0xff, 0xff, 0xff, 0xff]),
        ("end: length", end + 12, vec![0xff, 0xff]),
        ("end: place", end + 16, vec![1]),
        ("end: comment", end + 20, vec![1]),
    ] {
        let mut bad = good.clone();
        bad[at..at + bytes.len()].copy_from_slice(&bytes);
        let error = read(&bad).expect_err(what);
        assert!(matches!(error, NupkgError::Damaged(_) | NupkgError::Unsupported(_)), "{what}: {error:?}");
        assert!(!error.hint().is_empty());
    }
}

#[test]
fn a_nuspec_that_goes_on_after_its_length_is_refused() {
    let mut crc = flate2::Crc::new();
    crc.update(NUSPEC.as_bytes());
    let mut longer = package(format!("{NUSPEC}<!-- and more -->").as_bytes());
    let list = longer.windows(4).rposition(|window| window == b"PK\x01\x02").unwrap();
    longer[list + 16..list + 20].copy_from_slice(&crc.sum().to_le_bytes());
    longer[list + 24..list + 28].copy_from_slice(&u32::try_from(NUSPEC.len()).unwrap().to_le_bytes());
    assert!(matches!(read(&longer), Err(NupkgError::Damaged(_))));
}

#[test]
fn only_the_metadata_counts() {
    let beside = "<files><id>No</id><version>9</version></files>";
    let nuspec = NUSPEC.replace("</metadata>", &format!("</metadata>{beside}"));
    assert_eq!(of(&nuspec).unwrap().id.as_str(), "Contoso.Data");
}

#[test]
fn xml_in_every_dress() {
    let bom = format!("\u{feff}{NUSPEC}");
    let wide: Vec<u8> = bom.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let wide_be: Vec<u8> = bom.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for bytes in [bom.as_bytes(), &wide, &wide_be] {
        assert_eq!(read(&package(bytes)).unwrap().id.as_str(), "Contoso.Data");
    }
    for element in [
        "<id>\n  Contoso.Data </id>",
        "<id><![CDATA[Contoso]]>.Data</id>",
        "<id>Contoso&#46;Da&#x74;a</id>",
        "<id>Contoso.<!-- x -->Data</id>",
        "<a><id>No</id></a><id x='y'>Contoso.Data</id>",
        "<n:id xmlns:n='urn:x'>Contoso.Data</n:id>",
    ] {
        assert_eq!(of(&with_id(element)).unwrap().id.as_str(), "Contoso.Data", "{element}");
    }
}

#[test]
fn a_nuspec_that_is_wrong() {
    let bad = |nuspec: &str| of(nuspec).expect_err(nuspec).to_string();
    for (nuspec, expected) in [
        ("", "its .nuspec is not well-formed: it ends too early"),
        ("hello", "its .nuspec is not well-formed: it has text outside its root"),
        ("<package><metadata></package>", "its .nuspec is not well-formed: a tag is wrong"),
        ("<package><metadata>", "its .nuspec is not well-formed: it ends too early"),
        ("<package/><package/>", "its .nuspec is not well-formed: it has two roots"),
        ("<html/>", "its .nuspec has no `package`"),
        ("<package><id>A</id><version>1</version></package>", "its .nuspec has no `id`"),
        ("<package><metadata><id>A</id></metadata></package>", "its .nuspec has no `version`"),
    ] {
        assert_eq!(bad(nuspec), expected);
    }
    for (element, expected) in [
        ("<id>A</id><id>A</id>", "its .nuspec has more than one `id`"),
        ("<id/>", "its id `` is none that nuget.org takes"),
        ("<id>$id$</id>", "its id `$id$` is none that nuget.org takes"),
        ("<id>../a</id>", "its id `../a` is none that nuget.org takes"),
        ("<id>a&#10;b</id>", "its id `a\u{fffd}b` is none that nuget.org takes"),
        ("<id><b>A</b></id>", "its .nuspec is not well-formed: its id has elements in it"),
        ("<id>&mine;</id>", "its .nuspec is not well-formed: it has an unknown entity"),
    ] {
        assert_eq!(bad(&with_id(element)), expected);
    }
    assert_eq!(bad(&NUSPEC.replace("1.2.0.0-beta+abc", "one")), "its version `one` is none");
    assert!(matches!(read(&package(b"<package>\xe4</package>")), Err(NupkgError::NotXml(_))));
    assert!(matches!(read(&package(b"\xff\xfea")), Err(NupkgError::NotXml(_))));
}

#[test]
fn document_types_are_refused_whatever_they_say() {
    for doctype in [
        "<!DOCTYPE package>",
        "<!DOCTYPE package SYSTEM 'file:///etc/passwd'>",
        "<!DOCTYPE p [<!ENTITY a 'AAAA'><!ENTITY b '&a;&a;&a;'>]>",
    ] {
        let nuspec = NUSPEC.replace("<package ", &format!("{doctype}<package "));
        assert!(matches!(of(&nuspec), Err(NupkgError::DocumentType)), "{doctype}");
    }
    let deep = format!("<package>{}", "<a>".repeat(100_000));
    assert!(matches!(of(&deep), Err(NupkgError::NotXml(_))));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn damaged_packages_never_panic(places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut bytes = package(NUSPEC.as_bytes());
        for (at, byte) in places {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = read(&bytes);
    }

    #[test]
    fn cut_packages_are_refused(at in any::<prop::sample::Index>()) {
        let bytes = package(NUSPEC.as_bytes());
        prop_assert!(read(&bytes[..at.index(bytes.len())]).is_err());
    }

    #[test]
    fn any_text_in_a_nuspec_is_an_id_or_an_error(text in "\\PC{0,40}|[a-z<>&;#/!-]{0,40}") {
        if let Ok(package) = of(&with_id(&format!("<id>{text}</id>"))) {
            prop_assert!(PackageId::parse(package.id.as_str()).is_some());
        }
    }
}
