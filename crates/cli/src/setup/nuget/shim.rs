//! The managed plugin for older SDKs: compiled where it is needed, by a compiler that is there.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use valetkey_protocol::shown;

use super::{Dotnet, Ground, Laid, PLUGIN, Record, Sdk, SetupError, of, put_in, sdk};
use crate::programs;

const SOURCE: &str = include_str!("../../../../../install/nuget-shim/shim.cs");
const RUNTIME: &str =
    include_str!("../../../../../install/nuget-shim/nuget-plugin-valetkey.runtimeconfig.json");

/// Puts the shim into the folder older SDKs look into.
pub(crate) fn put_shim(
    ground: &Ground<'_>,
    dotnets: &[Dotnet],
    record: &mut Record,
) -> Result<Laid, SetupError> {
    let folder = ground.folder("netcore");
    let program = folder.join(format!("{PLUGIN}.dll"));
    let link = folder.join(format!("{PLUGIN}{}", std::env::consts::EXE_SUFFIX));
    let texts =
        [(folder.join("shim.cs"), SOURCE), (folder.join(format!("{PLUGIN}.runtimeconfig.json")), RUNTIME)];
    if program.exists() && !record.holds(&program) {
        return Err(SetupError::Taken(program));
    }
    let same = |(path, text): &(PathBuf, &str)| fs::read(path).is_ok_and(|found| found == text.as_bytes());
    let linked = put_in(&link, ground.plugin, record)?;
    if program.exists() && texts.iter().all(same) {
        return Ok(linked);
    }
    for (path, text) in &texts {
        record.note(path)?;
        fs::write(path, text).map_err(of(path))?;
    }
    record.note(&program)?;
    compile(&texts[0].0, &program, ground, dotnets)?;
    Ok(Laid::Now)
}

/// Compiles with the newest SDK that can, else with `mcs`.
fn compile(source: &Path, program: &Path, ground: &Ground<'_>, dotnets: &[Dotnet]) -> Result<(), SetupError> {
    let mut sdks: Vec<_> =
        dotnets.iter().flat_map(|dotnet| dotnet.sdks.iter().map(move |sdk| (sdk, dotnet))).collect();
    sdks.sort_by(|(one, _), (other, _)| other.cmp(one));
    let references = references(sdks.iter().filter_map(|(sdk, _)| sdk.folder.ancestors().nth(2)));
    let compilers = sdks
        .into_iter()
        .filter_map(|(sdk, dotnet)| sdk_compiler(sdk, &dotnet.program, &references, source, program))
        .chain(mcs(ground, source, program));
    let mut said = None;
    for mut compiler in compilers {
        match compiler.output() {
            Ok(output) if output.status.success() && program.is_file() => return Ok(()),
            Ok(output) => said = Some(first_line(&[output.stdout, output.stderr].concat())),
            Err(error) => said = Some(error.to_string()),
        }
        // Half a program would be taken for a whole one the next time.
        let _ = fs::remove_file(program);
    }
    Err(SetupError::NoCompiler(said))
}

fn first_line(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    shown(text.lines().find(|line| !line.trim().is_empty()).unwrap_or("the compiler gave no reason"))
}

fn option(name: &str, path: &Path) -> OsString {
    let mut option = OsString::from(name);
    option.push(path);
    option
}

fn sdk_compiler(
    sdk: &Sdk,
    dotnet: &Path,
    references: &[PathBuf],
    source: &Path,
    program: &Path,
) -> Option<Command> {
    let compiler = sdk.folder.join("Roslyn/bincore/csc.dll");
    (compiler.is_file() && !references.is_empty()).then(|| {
        let mut command = sdk::command(dotnet, [compiler.as_os_str()]);
        command.args(["-nologo", "-noconfig", "-nostdlib", "-optimize", "-deterministic", "-target:exe"]);
        command.arg(option("-out:", program));
        command.args(references.iter().map(|reference| option("-r:", reference))).arg(source);
        command
    })
}

/// The reference assemblies `packs/Microsoft.NETCore.App.Ref/<version>/ref/<framework>/*.dll` of the oldest runtime: a
/// program runs on the runtime it was compiled against and on later ones, never on an earlier one.
fn references<'a>(roots: impl Iterator<Item = &'a Path>) -> Vec<PathBuf> {
    let is_library = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "dll");
    roots
        .flat_map(|root| entries(&root.join("packs/Microsoft.NETCore.App.Ref")))
        .filter_map(|pack| {
            let framework = entries(&pack.join("ref")).pop()?;
            let libraries: Vec<_> = entries(&framework).into_iter().filter(is_library).collect();
            (!libraries.is_empty()).then_some((numbers(&pack), libraries))
        })
        .min_by(|(one, _), (other, _)| one.cmp(other))
        .map(|(_, libraries)| libraries)
        .unwrap_or_default()
}

fn numbers(pack: &Path) -> Vec<u32> {
    let name = pack.file_name().unwrap_or_default().to_string_lossy();
    name.split(['.', '-']).map_while(|number| number.parse().ok()).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<_> = fs::read_dir(folder)
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    entries.sort();
    entries
}

fn mcs(ground: &Ground<'_>, source: &Path, program: &Path) -> Option<Command> {
    let mut command = Command::new(programs::find("mcs", ground.path.as_deref())?);
    command.arg(option("-out:", program)).arg(source).stdin(Stdio::null());
    Some(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_runtime_is_compiled_against() {
        let root = tempfile::tempdir().unwrap();
        for (at, version) in [("a", "10.0.1"), ("a", "8.0.20"), ("b", "9.0.0"), ("b", "3.1.0-empty")] {
            let framework =
                root.path().join(at).join("packs/Microsoft.NETCore.App.Ref").join(version).join("ref/net");
            fs::create_dir_all(&framework).unwrap();
            fs::write(framework.join("notes.xml"), "").unwrap();
            if version != "3.1.0-empty" {
                fs::write(framework.join("System.Runtime.dll"), "").unwrap();
            }
        }
        let roots = ["a", "b", "absent"].map(|at| root.path().join(at));
        let found = references(roots.iter().map(PathBuf::as_path));
        assert_eq!(found.len(), 1);
        assert!(found[0].ends_with("8.0.20/ref/net/System.Runtime.dll"), "{found:?}");
    }
}
