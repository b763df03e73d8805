//! The main job with every git that is here.

use std::{fs, path::Path};

use anyhow::{Result, ensure};
use valetkey_tests::{Rig, gits};

/// A project and a repository as people name them.
const CARD_AUTH: &str = "contoso/Payments%20Platform/_git/Card%20Auth%20(v2).Service";
const WIDGETS: &str = "contoso/widgets/_git/widgets";

/// Runs one case with each git; what fails is named with its git.
fn with_each_git(case: impl Fn(&Path) -> Result<()>) -> Result<()> {
    let gits = gits();
    ensure!(!gits.is_empty(), "git is not installed");
    for git in gits {
        case(&git).map_err(|error| error.context(format!("with {}", git.display())))?;
    }
    Ok(())
}

#[test]
fn clone_push_fetch_each_with_its_own_key() -> Result<()> {
    with_each_git(|git| {
        let rig = Rig::signed_in_with(git)?;
        let work = rig.sandbox.work();
        rig.sandbox.git(&work, &["clone", &rig.repository(CARD_AUTH), "tree"])?.expect_ok("clone")?;
        ensure!(scopes(&rig) == ["vso.code"], "after cloning: {:?}", scopes(&rig));
        let tree = work.join("tree");
        commit(&rig, &tree, "a")?;
        rig.sandbox.git(&tree, &["push", "origin", "HEAD"])?.expect_ok("push")?;
        ensure!(scopes(&rig) == ["vso.code", "vso.code_write"], "after pushing: {:?}", scopes(&rig));
        rig.sandbox.git(&tree, &["fetch"])?.expect_ok("fetch")?;
        rig.sandbox.git(&tree, &["pull", "--ff-only"])?.expect_ok("pull")?;
        rig.sandbox.git(&tree, &["ls-remote"])?.expect_ok("ls-remote")?;
        ensure!(rig.mints() == 2, "{} keys were minted for two jobs", rig.mints());
        nothing_left(&rig)
    })
}

#[test]
fn a_push_larger_than_gits_post_buffer_goes_through() -> Result<()> {
    with_each_git(|git| {
        let rig = Rig::signed_in_with(git)?;
        let work = rig.sandbox.work();
        rig.sandbox.git(&work, &["clone", &rig.repository(WIDGETS), "tree"])?.expect_ok("clone")?;
        let tree = work.join("tree");
        // Does not compress: a linear congruence, not text.
        let mut state: u32 = 1;
        let noise: Vec<u8> = (0..3_000_000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state.to_be_bytes()[0]
            })
            .collect();
        fs::write(tree.join("noise.bin"), noise)?;
        rig.sandbox.git(&tree, &["add", "."])?.expect_ok("add")?;
        rig.sandbox.git(&tree, &["commit", "-m", "noise"])?.expect_ok("commit")?;
        rig.sandbox.git(&tree, &["push", "origin", "HEAD"])?.expect_ok("push")?;
        nothing_left(&rig)
    })
}

#[test]
fn a_key_revoked_behind_our_back_is_healed() -> Result<()> {
    with_each_git(|git| {
        let rig = Rig::signed_in_with(git)?;
        let work = rig.sandbox.work();
        rig.sandbox.git(&work, &["clone", &rig.repository(WIDGETS), "tree"])?.expect_ok("clone")?;
        for pat in rig.control().live_pats() {
            rig.control().revoke_pat(&pat.authorization_id)?;
        }
        let tree = work.join("tree");
        let first = rig.sandbox.git(&tree, &["fetch"])?;
        if asks_again(&rig)? {
            first.expect_ok("the same command")?;
        } else {
            ensure!(!first.ok(), "a git that does not ask twice cannot have noticed");
            rig.sandbox.git(&tree, &["fetch"])?.expect_ok("the next command")?;
        }
        nothing_left(&rig)
    })
}

#[test]
fn clones_side_by_side_share_one_mint() -> Result<()> {
    with_each_git(|git| {
        let rig = Rig::signed_in_with(git)?;
        let work = rig.sandbox.work();
        let children: Vec<_> = (0..8)
            .map(|number| {
                let mut command = rig.sandbox.command("git");
                command.args(["clone", "--quiet", &rig.repository(WIDGETS), &format!("tree{number}")]);
                command.current_dir(&work).spawn()
            })
            .collect::<std::io::Result<_>>()?;
        for mut child in children {
            ensure!(child.wait()?.success(), "one of the clones failed");
        }
        ensure!(rig.mints() == 1, "{} mints for one key", rig.mints());
        nothing_left(&rig)
    })
}

#[test]
fn the_forms_of_an_address_lead_to_one_key() -> Result<()> {
    with_each_git(|git| {
        let rig = Rig::signed_in_with(git)?;
        let dev = rig.emulator.urls().dev.clone();
        let host = dev.trim_start_matches("https://");
        for address in [
            format!("https://{host}/contoso/widgets/_git/widgets"),
            format!("https://contoso@{host}/contoso/widgets/_git/widgets"),
            format!("https://alice%40contoso.example@{host}/contoso/widgets/_git/widgets"),
            format!("https://{host}/Contoso/widgets/_git/widgets"),
        ] {
            rig.sandbox.git(&rig.sandbox.work(), &["ls-remote", &address])?.expect_ok(&address)?;
        }
        ensure!(rig.mints() == 1, "{} mints for one organisation", rig.mints());
        nothing_left(&rig)
    })
}

/// Scopes of the keys that are alive at the service, sorted.
fn scopes(rig: &Rig) -> Vec<String> {
    let mut scopes: Vec<_> = rig.control().live_pats().into_iter().map(|pat| pat.scope).collect();
    scopes.sort();
    scopes
}

/// Whether this git asks a helper again in the same command (2.46 and later).
fn asks_again(rig: &Rig) -> Result<bool> {
    let version = rig.sandbox.git(&rig.sandbox.work(), &["--version"])?.stdout();
    let mut numbers =
        version.trim().trim_start_matches("git version ").split('.').map_while(|n| n.parse::<u32>().ok());
    Ok((numbers.next(), numbers.next()) >= (Some(2), Some(46)))
}

fn commit(rig: &Rig, tree: &Path, name: &str) -> Result<()> {
    fs::write(tree.join(name), name)?;
    rig.sandbox.git(tree, &["add", "."])?.expect_ok("add")?;
    rig.sandbox.git(tree, &["commit", "-m", name])?.expect_ok("commit")?;
    Ok(())
}

/// Signs out, and holds that no key is alive and no rule was broken.
fn nothing_left(rig: &Rig) -> Result<()> {
    rig.sandbox.valetkey(&["logout"])?.expect_ok("logout")?;
    ensure!(rig.control().live_pats().is_empty(), "left alive: {:?}", scopes(rig));
    ensure!(rig.control().violations().is_empty(), "{:?}", rig.control().violations());
    Ok(())
}
