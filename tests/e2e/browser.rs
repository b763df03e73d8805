//! A person signs in with a real browser.

use std::{fs, io::BufRead as _, io::BufReader, path::Path, process::Stdio};

use anyhow::{Context as _, Result, ensure};
use valetkey_tests::{Browser, Rig, needs};

#[test]
fn chromium_signs_in_at_the_sign_in_page() -> Result<()> {
    if !needs("browser", &["chromium", "chromedriver"]) {
        return Ok(());
    }
    let rig = Rig::new()?;
    let browser = Browser::start(rig.sandbox.home())?;
    let mut login = rig.sandbox.command("valetkey");
    // No display is set, so the command line prints the address instead of opening a browser.
    login.args(["login", "contoso"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut login = login.spawn()?;
    let mut lines = BufReader::new(login.stderr.take().context("no standard error")?).lines();
    let url = lines
        .by_ref()
        .map_while(Result::ok)
        .find_map(|line| Some(line[line.find("https://localhost")?..].split_whitespace().next()?.to_owned()))
        .context("no address was printed")?;
    browser.open(&url)?;
    let page = browser.text_with("Sign in")?;
    ensure!(page.contains("alice"), "the page names nobody: {page}");
    keep_picture("sign-in", &browser)?;
    browser.click("button, input[type=submit]")?;
    let done = browser.text_with("signed in")?;
    keep_picture("signed-in", &browser)?;
    ensure!(!done.contains("code="), "the page shows what it should not: {done}");
    // The rest of what it prints is read, so that it never waits for us.
    lines.for_each(drop);
    let out = login.wait_with_output()?;
    ensure!(out.status.success(), "{}", String::from_utf8_lossy(&out.stdout));
    rig.set_up_git()?;
    let url = rig.repository("contoso/widgets/_git/widgets");
    rig.sandbox.git(&rig.sandbox.work(), &["clone", &url, "tree"])?.expect_ok("clone")?;
    Ok(())
}

/// Keeps a screenshot as an artefact of the test.
fn keep_picture(name: &str, browser: &Browser) -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("artefacts");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(format!("{name}.png")), browser.screenshot()?)?;
    Ok(())
}
