//! `valetkey setup`.

use std::io;

use super::{hint, warning};
use crate::{
    args::{Scope, SetupGit},
    exit::Exit,
    failure::{Failure, Outcome},
    setup::{self, Change, Host},
    world::World,
};

pub(super) fn entra(for_admin: bool, world: &mut World<'_>) -> Outcome {
    let text = if for_admin { setup::for_admin() } else { setup::for_yourself(&world.place.config_file) };
    world.out.write_all(text.as_bytes())?;
    Ok(Exit::Done)
}

pub(super) fn git(args: &SetupGit, world: &mut World<'_>) -> Outcome {
    let file = match args.scope {
        Scope::Global => setup::File::Global,
        Scope::System => setup::File::System,
    };
    if args.undo {
        let changes = setup::take_out(&world.git, file, &args.hosts)?;
        if changes.is_empty() {
            writeln!(world.out, "nothing of valetkey is in {}", file.name())?;
        } else {
            writeln!(world.out, "git no longer asks valetkey; taken out of {}:", file.name())?;
            list(&changes, world)?;
        }
        return Ok(Exit::Done);
    }
    if !world.place.git_helper.is_file() {
        // git would be left with no helper at all.
        return Err(Failure::failed(
            format!("`{}` does not exist", world.place.git_helper.display()),
            "install `git-credential-valetkey` next to `valetkey`",
        ));
    }
    let hosts = hosts(args, world)?;
    let helper = setup::for_path(&world.place.git_helper);
    let changes = setup::put_in(&world.git, file, &hosts, &helper)?;
    if changes.is_empty() {
        writeln!(world.out, "git is already set up: nothing was changed")?;
    } else {
        writeln!(world.out, "git now asks valetkey for keys to Azure Repos; put into {}:", file.name())?;
        list(&changes, world)?;
        writeln!(world.out, "the empty helper keeps other helpers from storing these keys")?;
    }
    check(&hosts, world)?;
    Ok(Exit::Done)
}

/// The hosts to set up; without the one with a wildcard where git is too old to know it.
fn hosts(args: &SetupGit, world: &mut World<'_>) -> Result<Vec<Host>, Failure> {
    let knows_wildcards = world.git.knows_wildcards()?;
    let mut hosts: Vec<_> =
        Host::built_in().into_iter().filter(|host| knows_wildcards || !host.is_wildcard()).collect();
    if !knows_wildcards {
        warning(world, "this git is older than 2.26: addresses under visualstudio.com are left out")?;
        hint(world, "use addresses of the form `https://dev.azure.com/<organisation>`, or a newer git")?;
    }
    for host in &args.hosts {
        if !hosts.contains(host) {
            hosts.push(host.clone());
        }
    }
    Ok(hosts)
}

fn list(changes: &[Change], world: &mut World<'_>) -> io::Result<()> {
    for change in changes {
        match change {
            Change::Add { key, value } | Change::Remove { key, value } => {
                writeln!(world.out, "  {key} = {}", visible(value))?;
            }
            Change::Replace { key, old, new } => {
                writeln!(world.out, "  {key} = {}, before {}", visible(new), visible(old))?;
            }
            Change::Leave { key, value } => {
                let text =
                    format!("`{key}={value}` is there more than once and was left; look at it yourself");
                warning(world, &text)?;
            }
        }
    }
    Ok(())
}

fn visible(value: &str) -> &str {
    if value.is_empty() { "(empty)" } else { value }
}

/// Warns of helpers that are asked as well.
fn check(hosts: &[Host], world: &mut World<'_>) -> Result<(), Failure> {
    let entries = world.git.entries(setup::File::All)?;
    let mut later: Vec<_> = hosts.iter().flat_map(|host| setup::later_helpers(&entries, host)).collect();
    later.dedup();
    for helper in later {
        warning(
            world,
            &format!("git also asks `{}`, and tells it the keys", valetkey_protocol::shown(&helper)),
        )?;
        hint(world, "move this line above the ones of valetkey, or take it out")?;
    }
    Ok(())
}
