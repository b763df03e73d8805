//! Who may speak to the agent at all.

use valetkey_protocol::{Reason, Refusal};

/// Whether a peer may be served, from nothing but its user id as the kernel tells it (`SO_PEERCRED`).
///
/// The threat: another user of the machine reaches the socket, because the folder's mode was loosened, or because
/// a descriptor was passed on, and has keys minted with somebody else's session. The folder's mode is one wall, this
/// is the other. Program names and process ids are not looked at: any process can look like `git` by connecting,
/// forking and calling `exec`.
///
/// Root can read the agent's memory anyhow; it is refused all the same unless `allow_root`, so that a root shell does
/// not use a person's session by accident.
pub fn authorise(peer_uid: u32, own_uid: u32, allow_root: bool) -> Result<(), Refusal> {
    if peer_uid == own_uid || (peer_uid == 0 && allow_root) {
        return Ok(());
    }
    Err(Refusal::new(
        Reason::NotPermitted,
        format!("user {peer_uid} is not the owner of this agent"),
        "run `valetkey agent start` as that user",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_owner_is_served() {
        let table = [
            (1000, 1000, false, true),
            (1000, 1000, true, true),
            (1001, 1000, false, false),
            (1001, 1000, true, false),
            (0, 1000, false, false),
            (0, 1000, true, true),
            (0, 0, false, true),
            (1000, 0, false, false),
            (1000, 0, true, false),
            (u32::MAX, 1000, true, false),
            (65534, 1000, true, false),
        ];
        for (peer, own, allow_root, served) in table {
            let verdict = authorise(peer, own, allow_root);
            assert_eq!(verdict.is_ok(), served, "peer {peer}, own {own}, allow_root {allow_root}");
            if let Err(refusal) = verdict {
                assert_eq!(refusal.reason, Reason::NotPermitted);
            }
        }
    }
}
