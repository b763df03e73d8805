//! A package from anywhere, and a nuspec without the archive around it: whatever they are, the id and the version
//! that come out can stand in an address, and mean themselves.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use valetkey_nuget_org::{NupkgError, Package, PackageId, PackageVersion};

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
});
