//! Feeds on a host that only the agent's configuration knows. The plugin asks a running agent about such a host and
//! starts none: every repository could name any host.

use valetkey_nuget_helper::{Source as Address, Whose};
use valetkey_protocol::shown;

use super::Finding;
use crate::{
    nuget::{Files, Source, in_force},
    world::Place,
};

/// What every feed of Azure Artifacts has in its path, and nuget.org has not.
const FEED: &str = "_packaging";

/// Looks where no agent runs.
pub(super) fn check(place: &Place) -> Vec<Finding> {
    let person = if cfg!(windows) { "AppData/Roaming" } else { ".nuget" };
    let files = Files::find(&place.folder, &place.home.join(person), &place.nuget_machine);
    // A file that is not to be understood stops NuGet with a sentence of its own.
    let sources = in_force(&files.texts).unwrap_or_default();
    let mut hosts: Vec<String> = sources.iter().filter_map(configured_host).collect();
    hosts.sort();
    hosts.dedup();
    let finding = |host: String| {
        let sentence =
            format!("feeds at `{}` get keys only while an agent runs, and none does", shown(&host));
        Finding::new(
            "feeds",
            sentence,
            "run `valetkey agent start`, if `[azure-devops] pkgs` names that host",
        )
    };
    hosts.into_iter().map(finding).collect()
}

fn configured_host(source: &Source) -> Option<String> {
    let Address { target, whose } = Address::parse(&source.address)?;
    let is_feed = target.path.as_deref().is_some_and(|path| path.split('/').any(|segment| segment == FEED));
    (whose == Whose::Perhaps && target.protocol == "https" && is_feed).then_some(target.host)
}
