//! A package from anywhere, a good package with bytes changed, and a nuspec without the archive around it: whatever
//! they are, the id and the version that come out can stand in an address, and mean themselves.
#![no_main]

use std::{
    io::{Cursor, Write as _},
    sync::LazyLock,
};

use libfuzzer_sys::fuzz_target;
use valetkey_nuget_org::{NupkgError, Package, PackageId, PackageVersion};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

/// Two good packages, stored and deflated.
static GOOD: LazyLock<[Vec<u8>; 2]> =
    LazyLock::new(|| [CompressionMethod::Stored, CompressionMethod::Deflated].map(good));

fn good(method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    let nuspec = "<package><metadata><id>A.b</id><version>1.2.0.1-c+d</version></metadata></package>";
    for (name, text) in [("_rels/.rels", "x"), ("A.nuspec", nuspec), ("lib/b.nuspec", "y")] {
        zip.start_file(name, options).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn hold(read: Result<Package, NupkgError>) {
    let Ok(Package { id, version }) = read else { return };
    assert_eq!(PackageId::parse(id.as_str()).as_ref(), Some(&id));
    assert_eq!(PackageVersion::parse(version.as_str()).unwrap().as_str(), version.as_str());
    let safe = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    assert!(safe(id.as_str()) && safe(version.as_str()), "{id} {version}");
}

fuzz_target!(|bytes: &[u8]| {
    hold(Package::read(&mut Cursor::new(bytes)));
    hold(Package::from_nuspec(bytes));
    for good in &*GOOD {
        let mut changed = good.clone();
        for change in bytes.chunks_exact(3) {
            let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % changed.len();
            changed[at] = change[2];
        }
        hold(Package::read(&mut Cursor::new(changed)));
    }
});
