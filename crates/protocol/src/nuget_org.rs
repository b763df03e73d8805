//! Keys of nuget.org, which a person makes on its site and the agent keeps.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::secret::expose_on_the_wire;

/// A question about keys of nuget.org. Only `valetkey` asks them. Whoever uses a key says how that went.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum NugetOrgRequest {
    /// Keep a key. Answered with [`crate::Answer::NugetKeys`] holding that one.
    Add(NewNugetKey),
    /// Every key that is kept, without its value. Answered with [`crate::Answer::NugetKeys`].
    List,
    /// Forget a key. Answered with [`crate::Answer::Done`]. On nuget.org it lives on until a person deletes it there.
    Remove {
        /// Its name.
        name: String,
    },
    /// The narrowest live key for a job. Answered with [`crate::Answer::NugetKey`].
    Choose {
        /// Id of the package.
        package: String,
        /// What is to be done to it.
        operation: NugetOperation,
        /// Whether nuget.org has no package of that id yet, where that is known. Where it is not, the key need not be
        /// able to create one, and [`NugetKey::for_new_package`] names the key to ask for next.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        is_new: Option<bool>,
    },
    /// One key with its value, by name: to use it, or to check it. Answered with [`crate::Answer::NugetKey`].
    Secret {
        /// Its name.
        name: String,
    },
    /// nuget.org refused a key before its time: it was deleted or replaced there. It is chosen no more. Answered with
    /// [`crate::Answer::Done`].
    Refused {
        /// Its name.
        name: String,
    },
    /// Ask nuget.org whether it takes a key for a package. Answered with [`crate::Answer::NugetChecked`].
    Verify {
        /// Name of the key.
        name: String,
        /// Id of a package that is there.
        package: String,
        /// A version of it that is there.
        version: String,
    },
    /// Take a version out of searches, or put it back, with the narrowest key that may. The key stays in the agent.
    /// Answered with [`crate::Answer::NugetChecked`].
    Unlist {
        /// Id of the package.
        package: String,
        /// The version.
        version: String,
        /// Put it back.
        #[serde(default)]
        relist: bool,
    },
    /// What a person has to do to refresh a key on the site. Nothing changes here. Answered with
    /// [`crate::Answer::NugetRefresh`].
    BeginRefresh {
        /// Name of the key.
        name: String,
    },
    /// Put a new value in the old one's place: only after the proof holds, and only then the old one is dropped.
    /// Answered with [`crate::Answer::NugetChecked`].
    CompleteRefresh {
        /// Name of the key.
        name: String,
        /// The new value, as pasted.
        #[serde(serialize_with = "expose_on_the_wire")]
        secret: SecretString,
        /// When the new value dies, in seconds since 1970, where the value itself does not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires_at: Option<u64>,
        /// What shows that the new value is good.
        proof: NugetProof,
    },
    /// A question of a later version.
    #[serde(other)]
    Unknown,
}

/// A key to keep.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewNugetKey {
    /// What people here call it: `A-Z a-z 0-9 . _ -`, at most 64 characters.
    pub name: String,
    /// The user or organisation of nuget.org it belongs to.
    pub owner: String,
    /// Patterns of package ids it is for, as ticked on the site.
    pub globs: Vec<String>,
    /// What it may do, as ticked on the site.
    pub operations: Vec<NugetRight>,
    /// When it dies, in seconds since 1970, where the value itself does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<u64>,
    /// The value, as pasted.
    #[serde(serialize_with = "expose_on_the_wire")]
    pub secret: SecretString,
}

/// What nuget.org's page for keys lets a person tick (Microsoft: scoped API keys).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum NugetRight {
    /// "Push new packages and package versions".
    Push,
    /// "Push only new package versions".
    PushVersion,
    /// "Unlist or relist package versions".
    Unlist,
    /// A right of a later version: a key is never chosen for it.
    #[serde(other)]
    Unknown,
}

/// What is to be done to a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum NugetOperation {
    /// Push it.
    Push,
    /// Unlist or relist a version.
    Unlist,
    /// An operation of a later version: no key is chosen for it.
    #[serde(other)]
    Unknown,
}

/// What shows that a new value is good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum NugetProof {
    /// nuget.org takes it for this package.
    Package {
        /// Its id.
        package: String,
        /// A version of it that is there.
        version: String,
    },
    /// A person says so. Only for keys that cannot push, which nuget.org's check refuses however good they are.
    Person,
    /// Of a later version: shows nothing.
    #[serde(other)]
    Unknown,
}

/// What nuget.org says of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum NugetVerdict {
    /// It may push this package.
    MayPush,
    /// It is live and may push; whether this package is not known, since there is no such version of it.
    NoSuchPackage,
    /// Nobody asked: a person vouched for it.
    Unchecked,
    /// It was used, and what was asked for is done.
    Done,
    /// Of a later version.
    #[serde(other)]
    Unknown,
}

/// How a check of a key ended. A refusal by nuget.org is [`crate::Answer::Refused`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NugetChecked {
    /// The key.
    pub key: NugetKeyStatus,
    /// What nuget.org says of it.
    pub verdict: NugetVerdict,
    /// What else nuget.org wants a person to know: one line each.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// A refresh that a person is about to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NugetRefresh {
    /// The key as it is.
    pub key: NugetKeyStatus,
    /// The page where it is done.
    pub page: String,
    /// What to do there, step by step.
    pub steps: Vec<String>,
}

/// A key of nuget.org with its value.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NugetKey {
    /// Its name.
    pub name: String,
    /// The value.
    #[serde(serialize_with = "expose_on_the_wire")]
    pub secret: SecretString,
    /// The user or organisation of nuget.org it belongs to.
    #[serde(default)]
    pub owner: String,
    /// The pattern that covers the package that was asked for; empty where none was.
    #[serde(default)]
    pub glob: String,
    /// When it dies, in seconds since 1970, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<u64>,
    /// One line for a person, where the end is near.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
    /// The key to ask for if nuget.org answers that there is no such package yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_new_package: Option<String>,
}

/// A key of nuget.org, without its value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NugetKeyStatus {
    /// Its name.
    pub name: String,
    /// The user or organisation of nuget.org it belongs to.
    pub owner: String,
    /// Patterns of package ids it is for.
    pub globs: Vec<String>,
    /// What it may do.
    pub operations: Vec<NugetRight>,
    /// When it dies, in seconds since 1970, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<u64>,
    /// Shape of its value: `v4` says nothing of itself, `v5` carries its own end.
    pub kind: String,
    /// When nuget.org refused it before its time, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused_at: Option<u64>,
    /// One line for a person, where the end is near.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;
    use crate::{Answer, Request, read_frame, write_frame};

    fn sent(request: &Request) -> Request {
        let mut wire = Vec::new();
        write_frame(&mut wire, request).unwrap();
        read_frame(&wire[..]).unwrap()
    }

    #[test]
    fn a_key_to_keep_crosses_the_socket() {
        let new = NewNugetKey {
            name: "ci".to_owned(),
            owner: "contoso".to_owned(),
            globs: vec!["Contoso.*".to_owned()],
            operations: vec![NugetRight::PushVersion],
            expires_at: None,
            secret: SecretString::from("oy2canary"),
        };
        assert_eq!(
            serde_json::to_value(Request::NugetOrg(NugetOrgRequest::Add(new.clone()))).unwrap(),
            serde_json::json!({"type": "nuget-org", "do": "add", "name": "ci", "owner": "contoso",
                "globs": ["Contoso.*"], "operations": ["push-version"], "secret": "oy2canary"})
        );
        let Request::NugetOrg(NugetOrgRequest::Add(got)) =
            sent(&Request::NugetOrg(NugetOrgRequest::Add(new)))
        else {
            panic!("another request")
        };
        assert_eq!((got.secret.expose_secret(), got.expires_at), ("oy2canary", None));
        assert!(!format!("{got:?}").contains("canary"));
    }

    #[test]
    fn every_question_is_read_as_it_was_asked() {
        let named = |name: &str| name.to_owned();
        for (request, wire) in [
            (NugetOrgRequest::List, r#"{"type":"nuget-org","do":"list"}"#),
            (
                NugetOrgRequest::Choose {
                    package: named("Contoso.Core"),
                    operation: NugetOperation::Push,
                    is_new: Some(true),
                },
                r#"{"type":"nuget-org","do":"choose","package":"Contoso.Core","operation":"push","is_new":true}"#,
            ),
            (
                NugetOrgRequest::Verify { name: named("ci"), package: named("A"), version: named("1.0.0") },
                r#"{"type":"nuget-org","do":"verify","name":"ci","package":"A","version":"1.0.0"}"#,
            ),
            (
                NugetOrgRequest::CompleteRefresh {
                    name: named("ci"),
                    secret: "s".into(),
                    expires_at: Some(9),
                    proof: NugetProof::Package { package: named("A"), version: named("1.0.0") },
                },
                r#"{"type":"nuget-org","do":"complete-refresh","name":"ci","secret":"s","expires_at":9,"proof":{"by":"package","package":"A","version":"1.0.0"}}"#,
            ),
            (
                NugetOrgRequest::Secret { name: named("ci") },
                r#"{"type":"nuget-org","do":"secret","name":"ci"}"#,
            ),
            (
                NugetOrgRequest::BeginRefresh { name: named("ci") },
                r#"{"type":"nuget-org","do":"begin-refresh","name":"ci"}"#,
            ),
            (
                NugetOrgRequest::Remove { name: named("ci") },
                r#"{"type":"nuget-org","do":"remove","name":"ci"}"#,
            ),
        ] {
            let request = Request::NugetOrg(request);
            assert_eq!(serde_json::to_string(&request).unwrap(), wire);
            assert_eq!(serde_json::to_string(&sent(&request)).unwrap(), wire);
        }
    }

    #[test]
    fn words_of_a_later_version_are_unknown() {
        let read = |wire: &str| serde_json::from_str::<Request>(wire).unwrap();
        let later = read(r#"{"type":"nuget-org","do":"lend","name":"ci"}"#);
        assert!(matches!(later, Request::NugetOrg(NugetOrgRequest::Unknown)), "{later:?}");
        let later = read(r#"{"type":"nuget-org","do":"choose","package":"A","operation":"deprecate"}"#);
        let Request::NugetOrg(NugetOrgRequest::Choose { operation, is_new, .. }) = later else {
            panic!("another request")
        };
        assert_eq!((operation, is_new), (NugetOperation::Unknown, None));
        let proof: NugetProof = serde_json::from_str(r#"{"by":"oath","text":"really"}"#).unwrap();
        assert_eq!(proof, NugetProof::Unknown);
        let status: NugetKeyStatus = serde_json::from_str(r#"{"name":"ci","operations":["own"]}"#).unwrap();
        assert_eq!(status.operations, [NugetRight::Unknown]);
    }

    #[test]
    fn an_answer_with_a_value_shows_it_to_nobody() {
        let wire = r#"{"type":"nuget-key","name":"ci","secret":"oy2canary"}"#;
        let answer: Answer = serde_json::from_str(wire).unwrap();
        assert!(!format!("{answer:?}").contains("canary"));
        let Answer::NugetKey(key) = answer else { panic!("another answer") };
        assert_eq!((key.secret.expose_secret(), key.warning), ("oy2canary", None));
    }
}
