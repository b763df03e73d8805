//! The first frame each way.

use serde::{Deserialize, Serialize};

use crate::{Refusal, refusal::Reason, request::ClientKind};

/// Protocol versions this build speaks.
pub const VERSIONS: Versions = Versions { min: 1, max: 1 };

/// A range of protocol versions, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// Oldest version understood.
    pub min: u16,
    /// Newest version understood.
    pub max: u16,
}

impl Versions {
    /// The newest version both sides speak.
    pub fn common(self, other: Self) -> Option<u16> {
        let version = self.max.min(other.max);
        (version >= self.min.max(other.min)).then_some(version)
    }
}

/// What a client says first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Versions the client speaks.
    pub versions: Versions,
    /// The client's build, for status and audit.
    pub build: String,
    /// Which program is calling.
    pub client: ClientKind,
}

impl Hello {
    /// The hello of this build.
    pub fn new(client: ClientKind) -> Self {
        Self { versions: VERSIONS, build: env!("CARGO_PKG_VERSION").to_owned(), client }
    }

    /// The hello of a client that wants nothing but [`crate::Request::Stop`], which is the same in every version: an
    /// agent of any age takes it.
    pub fn to_stop(client: ClientKind) -> Self {
        Self { versions: Versions { min: 0, max: u16::MAX }, ..Self::new(client) }
    }
}

/// What the agent answers to [`Hello`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Welcome {
    /// Go on, in this version.
    Ready {
        /// The version both speak.
        version: u16,
        /// The agent's build.
        build: String,
        /// Differs for each run of the agent, so that a replaced socket is noticed.
        instance: String,
    },
    /// No conversation is possible.
    Refused(Refusal),
    /// An answer of a later version.
    #[serde(other)]
    Unknown,
}

impl Welcome {
    /// The answer to a hello.
    pub fn to(hello: &Hello, instance: &str) -> Self {
        match VERSIONS.common(hello.versions) {
            Some(version) => Self::Ready {
                version,
                build: env!("CARGO_PKG_VERSION").to_owned(),
                instance: instance.to_owned(),
            },
            None => Self::Refused(Refusal::new(
                Reason::VersionMismatch,
                format!(
                    "the running agent speaks protocol {}-{}, this program {}-{}",
                    VERSIONS.min, VERSIONS.max, hello.versions.min, hello.versions.max
                ),
                "run `valetkey agent restart`",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_meet_at_the_newest_common_one() {
        let ours = Versions { min: 2, max: 4 };
        assert_eq!(ours.common(Versions { min: 1, max: 3 }), Some(3));
        assert_eq!(ours.common(Versions { min: 4, max: 9 }), Some(4));
        assert_eq!(ours.common(Versions { min: 5, max: 9 }), None);
        assert_eq!(ours.common(Versions { min: 1, max: 1 }), None);
    }

    #[test]
    fn who_wants_to_stop_an_agent_is_welcome_at_any_age() {
        let Versions { min, max } = Hello::to_stop(ClientKind::Cli).versions;
        for theirs in [Versions { min: 1, max: 1 }, Versions { min: 7, max: 9 }, VERSIONS] {
            assert_eq!(theirs.common(Versions { min, max }), Some(theirs.max));
        }
    }

    #[test]
    fn a_client_of_another_age_is_told_what_to_do() {
        let mut hello = Hello::new(ClientKind::Git);
        hello.versions = Versions { min: 7, max: 9 };
        let Welcome::Refused(refusal) = Welcome::to(&hello, "i") else { panic!("must refuse") };
        assert_eq!(refusal.reason, Reason::VersionMismatch);
        assert_eq!(refusal.hint, "run `valetkey agent restart`");
    }
}
