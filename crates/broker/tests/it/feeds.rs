//! Keys for feeds of two organisations on one host.

use anyhow::Result;
use valetkey_protocol::{Flow, Operation};

use crate::place::Place;

#[tokio::test]
async fn a_restore_over_two_organisations_mints_one_key_each_and_heals_a_dead_one() -> Result<()> {
    let place = Place::new()?;
    let broker = place.signed_in().await?;
    place.login(&broker, "fabrikam", Flow::Browser).await?;
    let contoso = place.ask_for_feed(&broker, "contoso", Operation::Read, None).await?;
    let fabrikam = place.ask_for_feed(&broker, "fabrikam", Operation::Read, None).await?;
    assert_eq!(
        (place.index("contoso", &contoso).await?, place.index("fabrikam", &fabrikam).await?),
        (200, 200)
    );
    assert_eq!(place.index("contoso", &fabrikam).await?, 401, "NuGet shows it there all the same");
    for _ in 0..5 {
        let again = place.ask_for_feed(&broker, "contoso", Operation::Read, Some(&contoso)).await?;
        assert_eq!(again.state, contoso.state);
    }
    assert_eq!(place.emulator.control().pats().len(), 2);
    let dead = place.emulator.control().live_pats().into_iter().find(|pat| pat.organisation == "contoso");
    place.emulator.control().revoke_pat(&dead.expect("it lives").authorization_id)?;
    assert_eq!(place.index("contoso", &contoso).await?, 401);
    let healed = place.ask_for_feed(&broker, "contoso", Operation::Read, Some(&contoso)).await?;
    assert_ne!(healed.state, contoso.state);
    assert_eq!(place.index("contoso", &healed).await?, 200);
    assert_eq!(place.emulator.control().pats().len(), 3);
    assert_eq!(place.live(), ["vso.packaging", "vso.packaging"]);
    assert_eq!(place.emulator.control().violations(), Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_push_has_its_own_key() -> Result<()> {
    let place = Place::new()?;
    let broker = place.signed_in().await?;
    let write = place.ask_for_feed(&broker, "contoso", Operation::Write, None).await?;
    let read = place.ask_for_feed(&broker, "contoso", Operation::Read, Some(&write)).await?;
    assert_eq!((write.scope.as_str(), read.scope.as_str()), ("vso.packaging_write", "vso.packaging"));
    assert_eq!(place.live(), ["vso.packaging", "vso.packaging_write"]);
    place.check_nothing_leaked()
}
