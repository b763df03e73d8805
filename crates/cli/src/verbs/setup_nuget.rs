//! `valetkey setup nuget`.

use std::{io, path::PathBuf};

use super::{hint, warning};
use crate::{
    args::SetupNuget,
    exit::Exit,
    failure::{Failure, Outcome},
    programs,
    setup::nuget::{self, Dotnet, Ground, Laid, OnPath, Record, Sdk},
    world::World,
};

pub(super) fn run(args: &SetupNuget, world: &mut World<'_>) -> Outcome {
    let place = world.place.clone();
    let path = place.path().cloned();
    let ground = Ground { home: &place.home, plugin: &place.nuget_plugin, path };
    let mut record = Record::read(&place.nuget_record);
    if args.undo {
        return undo(record, world);
    }
    if !ground.plugin.is_file() {
        return Err(Failure::failed(
            format!("`{}` does not exist", ground.plugin.display()),
            "install `nuget-plugin-valetkey` next to `valetkey`",
        ));
    }
    let dotnets = dotnets(args, &ground, world)?;
    let mut put = Vec::new();
    let on_path = on_path(&ground, &mut record, &mut put, world)?;
    if args.nuget_exe || ["nuget", "nuget.exe"].iter().any(|name| has(&ground, name)) {
        let link = ground.folder("netfx").join(format!("{}.exe", nuget::PLUGIN));
        if nuget::put_in(&link, ground.plugin, &mut record)? == Laid::Now {
            put.push(link);
        }
    }
    let sdks: Vec<&Sdk> = dotnets.iter().flat_map(|dotnet| &dotnet.sdks).collect();
    let old = sdks.iter().filter(|sdk| !sdk.looks_on_path()).count();
    if old > 0 && nuget::put_shim(&ground, &dotnets, &mut record)? == Laid::Now {
        put.push(ground.folder("netcore"));
    }
    if on_path || !put.is_empty() {
        told(&put, world)?;
    }
    if old > 0 && old < sdks.len() {
        let text =
            "SDKs from 9.0.200 on start the plugin of the older ones too, which costs them 0.2 s a restore";
        hint(world, text)?;
    }
    Ok(if on_path { Exit::Done } else { Exit::Refused })
}

fn has(ground: &Ground<'_>, name: &str) -> bool {
    programs::find(name, ground.path.as_deref()).is_some()
}

fn undo(record: Record, world: &mut World<'_>) -> Outcome {
    let gone = record.take_out()?;
    if gone.is_empty() {
        writeln!(world.out, "nothing of valetkey was put in for NuGet")?;
    } else {
        writeln!(world.out, "taken out:")?;
        list(&gone, world)?;
    }
    Ok(Exit::Done)
}

fn told(put: &[PathBuf], world: &mut World<'_>) -> io::Result<()> {
    if put.is_empty() {
        return writeln!(world.out, "NuGet is already set up: nothing was changed");
    }
    writeln!(world.out, "NuGet now asks valetkey for keys to Azure Artifacts; put in:")?;
    list(put, world)
}

fn list(paths: &[PathBuf], world: &mut World<'_>) -> io::Result<()> {
    paths.iter().try_for_each(|path| writeln!(world.out, "  {}", path.display()))
}

/// The clients that are there, told to the person.
fn dotnets(args: &SetupNuget, ground: &Ground<'_>, world: &mut World<'_>) -> Result<Vec<Dotnet>, Failure> {
    let programs = if args.dotnets.is_empty() {
        programs::find("dotnet", ground.path.as_deref()).into_iter().collect()
    } else {
        args.dotnets.clone()
    };
    let mut dotnets = Vec::new();
    for program in programs {
        let Some(dotnet) = Dotnet::ask(&program) else {
            let what = format!("`{} --list-sdks` fails", program.display());
            return Err(Failure::failed(what, "name a `dotnet` that runs with `--dotnet`"));
        };
        let versions: Vec<_> = dotnet.sdks.iter().map(ToString::to_string).collect();
        let versions = if versions.is_empty() { "no SDK".to_owned() } else { versions.join(", ") };
        writeln!(world.out, "found {}: {versions}", program.display())?;
        dotnets.push(dotnet);
    }
    if dotnets.is_empty() {
        hint(world, "no `dotnet` is on the PATH; name one with `--dotnet` if there is an SDK elsewhere")?;
    }
    Ok(dotnets)
}

/// Sees to the PATH; `false` where the person has to.
fn on_path(
    ground: &Ground<'_>,
    record: &mut Record,
    put: &mut Vec<PathBuf>,
    world: &mut World<'_>,
) -> Result<bool, Failure> {
    match nuget::put_on_path(ground, record)? {
        OnPath::Here(_) => {}
        OnPath::Linked(link) => put.push(link),
        OnPath::Nowhere => {
            let folder = ground.plugin.parent().unwrap_or(ground.plugin).display();
            warning(world, "`nuget-plugin-valetkey` is not on the PATH, where NuGet looks for it")?;
            hint(world, &format!("put `{folder}` on the PATH, then run `valetkey setup nuget` again"))?;
            return Ok(false);
        }
    }
    if let Some(other) = nuget::before_it(ground.plugin, ground.path.as_deref()) {
        let folder = ground.plugin.parent().unwrap_or(ground.plugin).display();
        warning(world, &format!("NuGet asks `{}` first, which is another program", other.display()))?;
        hint(world, &format!("move it away, or put `{folder}` before its folder on the PATH"))?;
        return Ok(false);
    }
    Ok(true)
}
