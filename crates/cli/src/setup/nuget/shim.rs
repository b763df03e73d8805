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
    let compilers = sdks
        .into_iter()
        .filter_map(|(sdk, dotnet)| sdk_compiler(sdk, &dotnet.program, source, program))
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

fn sdk_compiler(sdk: &Sdk, dotnet: &Path, source: &Path, program: &Path) -> Option<Command> {
    let compiler = sdk.folder.join("Roslyn/bincore/csc.dll");
    let references = references(sdk.folder.parent()?.parent()?)?;
    compiler.is_file().then(|| {
        let mut command = sdk::command(dotnet, [compiler.as_os_str()]);
        command.args(["-nologo", "-noconfig", "-nostdlib", "-optimize", "-deterministic", "-target:exe"]);
        command.arg(option("-out:", program));
        command.args(references.iter().map(|reference| option("-r:", reference))).arg(source);
        command
    })
}

/// The reference assemblies of one runtime: `packs/Microsoft.NETCore.App.Ref/<version>/ref/<framework>/*.dll`.
fn references(root: &Path) -> Option<Vec<PathBuf>> {
    let only = |folder: PathBuf| entries(&folder).pop();
    let version = only(root.join("packs/Microsoft.NETCore.App.Ref"))?;
    let framework = only(version.join("ref"))?;
    let is_library = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "dll");
    let libraries: Vec<_> = entries(&framework).into_iter().filter(is_library).collect();
    (!libraries.is_empty()).then_some(libraries)
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
