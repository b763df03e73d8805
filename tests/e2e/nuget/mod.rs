//! Real clients of NuGet get their keys: each case on every client, and what only the newest does.

pub(crate) mod bench;
mod cases;
mod gallery;
mod interrupted;
mod newest;
mod person;
mod proxy;
pub(crate) mod terminal;

use anyhow::Result;
use valetkey_tests::{
    clients::{Client, Dotnet10, Dotnet31, NugetExe},
    matrix::{Cell, record},
    skip,
};

use bench::Bench;

/// Runs a case on a client, and writes what became of it into the matrix.
fn cell<C: Client>(case: &str, run: impl FnOnce(&Bench<C>) -> Result<()>) -> Result<()> {
    judged(case, |bench| run(bench).map(|()| Cell::Yes))
}

/// The same with a case that says itself what became of it.
fn judged<C: Client>(case: &str, run: impl FnOnce(&Bench<C>) -> Result<Cell>) -> Result<()> {
    record(C::NAME, "", case, &Cell::Begun);
    let client = match C::find() {
        Ok(client) => client,
        Err(missing) => {
            skip(&format!("{}: {case}", C::NAME), &missing);
            record(C::NAME, "", case, &Cell::Skipped(missing));
            return Ok(());
        }
    };
    let bench = Bench::with(client)?;
    let version = bench.client.version(&bench.rig.sandbox)?;
    let outcome = run(&bench)?;
    record(C::NAME, &version, case, &outcome);
    Ok(())
}

macro_rules! every_case {
    ($($name:ident: $client:ty;)*) => { $(
        mod $name {
            use super::*;

            #[test]
            fn restores() -> Result<()> {
                cell::<$client>("restore", cases::restores)
            }

            #[test]
            fn restores_twenty_projects_of_two_organisations() -> Result<()> {
                cell::<$client>("20 projects, 2 organisations", cases::twenty_projects)
            }

            #[test]
            fn pushes() -> Result<()> {
                cell::<$client>("push to a feed", cases::pushes)
            }

            #[test]
            fn gets_no_key_for_a_wrong_organisation() -> Result<()> {
                cell::<$client>("wrong organisation", cases::wrong_organisation)
            }

            #[test]
            fn is_told_what_to_run_without_a_session() -> Result<()> {
                cell::<$client>("no session", person::nobody_is_asked)
            }

            #[test]
            fn signs_in_from_the_build() -> Result<()> {
                cell::<$client>("sign-in in the build", person::signs_in)
            }

            #[test]
            fn survives_a_key_revoked_in_the_middle() -> Result<()> {
                cell::<$client>("key revoked", interrupted::key_revoked)
            }

            #[test]
            fn ends_in_plain_words_where_the_agent_is_killed() -> Result<()> {
                cell::<$client>("agent killed", interrupted::agent_killed)
            }

            #[test]
            fn gets_another_agent_under_azures_own_names() -> Result<()> {
                judged::<$client>("agent killed, Azure's own names", interrupted::agent_killed_in_a_sealed_world)
            }

            #[test]
            fn tells_of_a_feed_that_is_down() -> Result<()> {
                cell::<$client>("feed down", interrupted::feed_down)
            }

            #[test]
            fn pushes_to_nuget_org() -> Result<()> {
                cell::<$client>("nuget.org push", gallery::narrowest_key)
            }

            #[test]
            fn pushes_a_new_package_to_nuget_org() -> Result<()> {
                cell::<$client>("nuget.org push, new package", gallery::new_package_of_a_narrow_key)
            }
        }
    )* };
}

every_case! {
    dotnet_10: Dotnet10;
    dotnet_31: Dotnet31;
    nuget_exe: NugetExe;
}
