//! The shipped programs under Azure's own names, with no override at all.

use std::path::Path;

use anyhow::{Result, ensure};
use valetkey_tests::run_sealed;

#[test]
fn the_shipped_programs_need_no_override() -> Result<()> {
    let program = Path::new(env!("CARGO_BIN_EXE_sealed-world"));
    let Some(out) = run_sealed("sealed_world", 300, &[program])? else { return Ok(()) };
    ensure!(
        out.status.success(),
        "{}{}",
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr)
    );
    Ok(())
}
