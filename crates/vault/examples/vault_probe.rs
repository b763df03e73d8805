//! A vault driven by lines: the tests run it where a keyring of their own is, since a process's environment says
//! which one that is. Never shipped.
//!
//! Arguments: deadline in milliseconds, then `os`, `kernel FILE` or `passphrase FILE`. Each line on the standard
//! input is a command, each answered by one line.

use std::{
    env,
    error::Error,
    io::{self, BufRead as _, Write as _},
    time::Duration,
};

use valetkey_protocol::{ExposeSecret as _, SecretString};
use valetkey_vault::{Argon, SealedKey, Vault, VaultError};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let vault = open(&arguments.iter().map(String::as_str).collect::<Vec<_>>())?;
    for line in io::stdin().lock().lines() {
        let answer = answer(&vault, &line?);
        let mut out = io::stdout().lock();
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

fn open(arguments: &[&str]) -> Result<Vault, Box<dyn Error>> {
    let cheap = Argon { memory_kib: 8, passes: 1, lanes: 1 };
    let deadline = Duration::from_millis(arguments.first().ok_or("a deadline is missing")?.parse()?);
    match arguments[1..] {
        ["os"] => Ok(Vault::os(deadline)),
        ["kernel", path] => Ok(Vault::sealed(path, SealedKey::Kernel, deadline)),
        ["passphrase", path] => Ok(Vault::sealed(path, SealedKey::Passphrase(cheap), deadline)),
        _ => Err("a tier is missing".into()),
    }
}

fn answer(vault: &Vault, line: &str) -> String {
    match line.split(' ').collect::<Vec<_>>()[..] {
        ["get", name] => match vault.get(name) {
            Ok(Some(secret)) => format!("some {}", secret.expose_secret()),
            Ok(None) => "none".to_owned(),
            Err(error) => failed(&error),
        },
        ["set", name, value] => done(&vault.set(name, &SecretString::from(value))),
        // A secret of that many bytes, for what does not fit on a line.
        ["fill", name, bytes] => {
            done(&vault.set(name, &SecretString::from("x".repeat(bytes.parse().unwrap_or_default()))))
        }
        ["delete", name] => done(&vault.delete(name)),
        ["unlock", passphrase] => done(&vault.unlock(&SecretString::from(passphrase))),
        ["probe"] => done(&vault.probe()),
        ["status"] => {
            let status = vault.status();
            format!("{:?} {:?}: {}; {}", status.tier, status.state, status.sentence, status.hint)
        }
        // Many calls at once: only a vault that answers without waiting comes back from it.
        ["storm", name, times] => {
            let times: u32 = times.parse().unwrap_or_default();
            let mut last = "nothing".to_owned();
            for _ in 0..times {
                last = done(&vault.get(name));
            }
            last
        }
        _ => "what?".to_owned(),
    }
}

fn done<T>(result: &Result<T, VaultError>) -> String {
    result.as_ref().map_or_else(failed, |_| "done".to_owned())
}

fn failed(error: &VaultError) -> String {
    format!("{error:?}")
}
