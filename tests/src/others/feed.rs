//! A NuGet v3 feed of nothing but files (Microsoft: "NuGet Server API", service index and package content).

use std::{fs, path::Path};

use anyhow::Result;
use serde_json::json;
use valetkey_emulator::nupkg;

/// Writes a feed with these packages below `folder`, which is served as `base`. Gives the address of its service index.
pub fn write_feed(folder: &Path, base: &str, path: &str, packages: &[(&str, &str)]) -> Result<String> {
    let top = folder.join(path).join("nuget/v3");
    let url = format!("{base}/{path}/nuget/v3");
    for (id, version) in packages {
        let name = id.to_lowercase();
        let place = top.join("flat2").join(&name).join(version);
        fs::create_dir_all(&place)?;
        fs::write(place.join(format!("{name}.{version}.nupkg")), nupkg(id, version, &[]))?;
        let versions = json!({ "versions": [version] });
        fs::write(top.join("flat2").join(&name).join("index.json"), versions.to_string())?;
    }
    let resource = json!({"@id": format!("{url}/flat2/"), "@type": "PackageBaseAddress/3.0.0"});
    fs::write(top.join("index.json"), json!({"version": "3.0.0", "resources": [resource]}).to_string())?;
    Ok(format!("{url}/index.json"))
}
