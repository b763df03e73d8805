//! Access tokens of an Azure CLI that somebody is signed in with.
//!
//! Microsoft: "az account get-access-token", "az account show". The CLI keeps the session and refreshes it; what comes
//! here is an access token and its end. It is run without a terminal, so that it can ask nobody anything.

use std::{
    ffi::OsString,
    io,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    time::{Duration, SystemTime},
};

use serde::Deserialize;
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    process::Command,
};
use valetkey_protocol::{SecretString, shown};
use zeroize::Zeroizing;

use crate::{
    SignInError, SignInErrorKind as Kind, Tokens,
    sign_in::{AZURE_DEVOPS, is_name},
    tokens::{LONGEST, UNSAID, is_token},
    wire::number,
};

mod challenge;
mod complaint;

/// A cold start takes seconds, and it may have to refresh.
const DEADLINE: Duration = Duration::from_secs(25);
/// More is no answer of this program.
const MOST: usize = 64 * 1024;

/// The Azure CLI of a person.
#[derive(Debug, Clone)]
pub struct AzureCli {
    /// Absolute path of the program. Whether it may be believed is the caller's to check.
    pub program: PathBuf,
    /// Its whole environment.
    pub environment: Vec<(OsString, OsString)>,
}

/// Who is signed in there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// User name.
    pub username: String,
    /// The tenant it uses where none is named.
    pub tenant: String,
}

#[derive(Deserialize)]
struct Account {
    #[serde(rename = "tenantId", default)]
    tenant: String,
    #[serde(default)]
    user: User,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct User {
    name: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Given {
    #[serde(rename = "accessToken")]
    access_token: SecretString,
    /// Seconds since 1970. Only since version 2.54.
    #[serde(default)]
    expires_on: Value,
    /// Local time, as `2026-11-22 21:07:13.000000`.
    #[serde(rename = "expiresOn", default)]
    expires_on_local: Value,
    #[serde(default)]
    tenant: Option<String>,
}

impl AzureCli {
    /// Who is signed in. Asks no service.
    pub async fn signed_in(&self) -> Result<Signed, SignInError> {
        let out = self.run(&["account", "show"], None).await?;
        let account: Account = serde_json::from_slice(&out).map_err(|_| complaint::unreadable())?;
        if account.user.name.is_empty() {
            return Err(complaint::unreadable());
        }
        if account.user.kind != "user" {
            return Err(complaint::machine(&account.user.name));
        }
        let tenant = if is_name(&account.tenant) { account.tenant } else { String::new() };
        Ok(Signed { username: shown(&account.user.name), tenant })
    }

    /// An access token for Azure DevOps, of a tenant where one is named.
    pub async fn token(&self, tenant: Option<&str>) -> Result<Tokens, SignInError> {
        let tenant = tenant.filter(|tenant| !matches!(*tenant, "organizations" | "common"));
        if tenant.is_some_and(|tenant| !is_name(tenant)) {
            return Err(SignInError::new(
                Kind::Misconfigured,
                "the tenant is not an id or a domain",
                "write it as `contoso.onmicrosoft.com`",
            ));
        }
        let arguments = ["account", "get-access-token", "--resource", AZURE_DEVOPS];
        let out = self.run(&arguments, tenant).await?;
        read(&out, SystemTime::now()).ok_or_else(complaint::unreadable)
    }

    async fn run(&self, arguments: &[&str], tenant: Option<&str>) -> Result<Zeroizing<Vec<u8>>, SignInError> {
        let mut command = Command::new(&self.program);
        command.args(arguments).args(["--output", "json", "--only-show-errors"]);
        if let Some(tenant) = tenant {
            command.arg(format!("--tenant={tenant}"));
        }
        command.env_clear().envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        // Not where the agent happened to start: a module lying there would be loaded.
        command.current_dir("/");
        let ran = tokio::time::timeout(DEADLINE, finish(command)).await;
        let (status, out, said) = match ran {
            Err(_) => return Err(complaint::late(DEADLINE)),
            Ok(Err(error)) if error.kind() == io::ErrorKind::FileTooLarge => {
                return Err(complaint::unreadable());
            }
            Ok(Err(error)) => return Err(complaint::unstartable(&self.program, &error)),
            Ok(Ok(ended)) => ended,
        };
        if status.success() {
            return Ok(out);
        }
        Err(complaint::of(&String::from_utf8_lossy(&said), tenant))
    }
}

async fn finish(mut command: Command) -> io::Result<(ExitStatus, Zeroizing<Vec<u8>>, Zeroizing<Vec<u8>>)> {
    let mut child = command.spawn()?;
    let mut started = Started(child.id());
    let (out, said) = (child.stdout.take(), child.stderr.take());
    let (out, said) = tokio::try_join!(drain(out, Rest::Refused), drain(said, Rest::Dropped))?;
    let status = child.wait().await?;
    started.0 = None;
    Ok((status, out, said))
}

/// The program and all that it started, which often is the Azure CLI itself: what is installed as `az` may be a script.
/// They end with whoever waits for them.
struct Started(Option<u32>);

impl Drop for Started {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(group) =
            self.0.and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw)
        {
            // It was not waited for yet, so that the number is still its own.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

/// What becomes of what is too much.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rest {
    /// It makes the whole worthless.
    Refused,
    /// It is not looked at.
    Dropped,
}

/// All of it, or as much as is looked at. The buffer never grows, so that no copy stays behind.
async fn drain(from: Option<impl AsyncRead + Unpin>, rest: Rest) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut held = Zeroizing::new(Vec::with_capacity(MOST));
    let Some(mut from) = from else { return Ok(held) };
    let mut piece = Zeroizing::new([0; 4096]);
    loop {
        match from.read(&mut *piece).await? {
            0 => return Ok(held),
            read => {
                let fits = read.min(MOST - held.len());
                if fits < read && rest == Rest::Refused {
                    return Err(io::ErrorKind::FileTooLarge.into());
                }
                held.extend_from_slice(&piece[..fits]);
            }
        }
    }
}

fn read(out: &[u8], now: SystemTime) -> Option<Tokens> {
    let given: Given = serde_json::from_slice(out).ok()?;
    if !is_token(&given.access_token) {
        return None;
    }
    let now = now.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
    let end = number(&given.expires_on).or_else(|| local(given.expires_on_local.as_str()?));
    let expires_in = end.map_or(UNSAID, |end| Duration::from_secs(end.saturating_sub(now)));
    Some(Tokens {
        access_token: given.access_token,
        refresh_token: None,
        expires_in: expires_in.min(LONGEST),
        refresh_in: None,
        scopes: vec!["user_impersonation".to_owned()],
        username: None,
        account_id: None,
        tenant: given.tenant.filter(|tenant| is_name(tenant)),
    })
}

fn local(text: &str) -> Option<u64> {
    let time: jiff::civil::DateTime = text.parse().ok()?;
    let zoned = time.to_zoned(jiff::tz::TimeZone::system()).ok()?;
    u64::try_from(zoned.timestamp().as_second()).ok()
}

#[cfg(test)]
mod tests;
