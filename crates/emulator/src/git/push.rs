//! The command list of a push, read before git sees it, so that a protected branch is refused as Azure Repos
//! refuses it: inside the protocol (git: gitprotocol-pack, "Reference Update Request").

use anyhow::{Result, bail};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use crate::answer::Answer;

/// More than a thousand reference updates.
const LONGEST: usize = 256 * 1024;
const REASON: &str =
    "TF402455: Pushes to this branch are not permitted; you must use a pull request to update this branch.";

/// What was read, and the references that it wants changed.
pub(super) struct Commands {
    read: Bytes,
    references: Vec<String>,
    side_band: bool,
}

/// Reads up to the flush packet that ends the command list.
pub(super) async fn commands(body: &mut Incoming) -> Result<Commands> {
    let mut read = BytesMut::new();
    loop {
        if let Some(commands) = parse(&read)? {
            return Ok(Commands { read: read.freeze(), ..commands });
        }
        if read.len() > LONGEST {
            bail!("the command list is too long");
        }
        match body.frame().await {
            Some(frame) => {
                if let Ok(data) = frame?.into_data() {
                    read.extend_from_slice(&data);
                }
            }
            // A body that ends early is git's to judge.
            None => return Ok(Commands { read: read.freeze(), references: Vec::new(), side_band: false }),
        }
    }
}

fn parse(mut bytes: &[u8]) -> Result<Option<Commands>> {
    let mut references = Vec::new();
    let mut side_band = false;
    loop {
        let Some((digits, rest)) = bytes.split_at_checked(4) else { return Ok(None) };
        let length = usize::from_str_radix(std::str::from_utf8(digits)?, 16)?;
        if length < 4 {
            return Ok(Some(Commands { read: Bytes::new(), references, side_band }));
        }
        let Some((line, after)) = rest.split_at_checked(length - 4) else { return Ok(None) };
        let text = String::from_utf8_lossy(line);
        let (command, capabilities) = text.split_once('\0').unwrap_or((&text, ""));
        side_band |= capabilities.contains("side-band-64k");
        if let Some(reference) = command.trim_end().splitn(3, ' ').nth(2) {
            references.push(reference.to_owned());
        }
        bytes = after;
    }
}

impl Commands {
    pub(super) fn into_bytes(self) -> Bytes {
        self.read
    }

    /// The report of a refused push: all or nothing, as soon as one reference is protected.
    pub(super) fn refused(&self, is_protected: impl Fn(&str) -> bool) -> Option<Answer> {
        if !self.references.iter().any(|reference| is_protected(reference)) {
            return None;
        }
        let mut report = packet("unpack ok\n");
        for reference in &self.references {
            let reason = if is_protected(reference) { REASON } else { "TF401027: the push was rejected" };
            report.push_str(&packet(&format!("ng {reference} {reason}\n")));
        }
        report.push_str("0000");
        if self.side_band {
            report = format!("{}0000", packet(&format!("\u{1}{report}")));
        }
        let answer = Answer::empty(200).content("application/x-git-receive-pack-result", report);
        Some(answer.header("cache-control", "no-cache"))
    }
}

fn packet(text: &str) -> String {
    format!("{:04x}{text}", text.len() + 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_up_to_the_flush() {
        let zero = "0".repeat(40);
        let line = packet(&format!("{zero} {zero} refs/heads/release/1\0 report-status side-band-64k"));
        let whole = format!("{line}0000PACK");
        let commands = parse(whole.as_bytes()).expect("well formed").expect("complete");
        assert_eq!(commands.references, ["refs/heads/release/1"]);
        assert!(commands.side_band);
        assert!(parse(&whole.as_bytes()[..20]).expect("well formed").is_none());
        assert!(parse(b"zzzz").is_err());
        assert!(commands.refused(|reference| reference.starts_with("refs/heads/release")).is_some());
        assert!(commands.refused(|_| false).is_none());
    }
}
