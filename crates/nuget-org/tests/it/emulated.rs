//! Against the emulator, which was written from the same documents by another hand.

use std::collections::BTreeMap;

use valetkey_emulator::{Control, Emulator, Options};
use valetkey_http::{Http, Settings, Url};
use valetkey_nuget_org::{
    InventoryFile, Key, KeyKind, KeyName, Keys, KeysError, NugetErrorKind as Kind, NugetOrg, Operations,
    Pasted, Pipeline, Proof, Verdict, Warning,
};
use valetkey_protocol::SecretString;

use crate::{
    keys::Memory,
    server::{id, version},
};

const DAY: i64 = 86_400;
const PUSH: &str = "package:push";

struct Rig {
    emulator: Emulator,
    folder: tempfile::TempDir,
}

impl Rig {
    fn start() -> Self {
        let rig = Self {
            emulator: Emulator::start(Options::default()).unwrap(),
            folder: tempfile::tempdir().unwrap(),
        };
        std::fs::write(rig.folder.path().join("ca.pem"), rig.emulator.ca_pem()).unwrap();
        rig
    }

    fn control(&self) -> &Control {
        self.emulator.control()
    }

    fn http(&self) -> Http {
        let ca_file = Some(self.folder.path().join("ca.pem"));
        Http::new(Settings { ca_file, ..Settings::default() })
    }

    fn nuget(&self) -> NugetOrg {
        NugetOrg::new(self.http(), Url::parse(&self.emulator.urls().nuget).unwrap())
    }

    /// A key of the organisation `contoso` as a person pastes it.
    fn pasted(&self, globs: &[&str], scopes: &[&str], lifetime: i64) -> Pasted {
        paste(&self.control().nuget_key("contoso", globs, scopes, lifetime).unwrap())
    }

    async fn verify(&self, key: &SecretString, of: &str) -> Result<Verdict, Kind> {
        let answered = self.nuget().verify(key, &id(of), &version("1.0")).await;
        answered.map(|answered| answered.value).map_err(|error| error.kind)
    }
}

fn paste(secret: &str) -> Pasted {
    Pasted::parse(&SecretString::from(format!(" {secret}\n"))).unwrap()
}

#[tokio::test]
async fn what_the_check_of_a_key_tells() {
    let rig = Rig::start();
    let key = |globs: &[&str], scopes: &[&str]| rig.pasted(globs, scopes, 365 * DAY).secret;
    let good = key(&["contoso.*"], &["package:pushversion"]);
    assert_eq!(rig.verify(&good, "Contoso.Public").await, Ok(Verdict::MayPush));
    assert_eq!(rig.verify(&good, "Contoso.Unheard-of").await, Ok(Verdict::NoSuchPackage));
    assert_eq!(rig.verify(&good, "Wingtip.Shared").await, Err(Kind::KeyRefused), "not in its patterns");
    let all = key(&[], &[PUSH]);
    assert_eq!(rig.verify(&all, "Contoso.Public").await, Ok(Verdict::MayPush));
    assert_eq!(rig.verify(&all, "Wingtip.Shared").await, Err(Kind::KeyRefused), "another owner's");
    let unlists = key(&[], &["package:unlist"]);
    assert_eq!(rig.verify(&unlists, "Contoso.Public").await, Err(Kind::KeyRefused), "it cannot push");
    rig.control().advance(366 * DAY);
    assert_eq!(rig.verify(&good, "Contoso.Public").await, Err(Kind::KeyRefused), "expired");
    assert_eq!(rig.control().violations(), Vec::<String>::new());
}

#[tokio::test]
async fn unlisted_and_back() {
    let rig = Rig::start();
    let key = rig.pasted(&["Contoso.Public"], &["package:unlist"], 3 * DAY).secret;
    let (nuget, package, first) = (rig.nuget(), id("contoso.public"), version("1.0.0.0"));
    let listed = || {
        let packages = rig.control().packages();
        let found = packages.iter().find(|found| found.id == "Contoso.Public" && found.version == "1.0.0");
        found.unwrap().listed
    };
    let gone = nuget.unlist(&key, &package, &first).await.unwrap();
    assert_eq!((listed(), gone.warnings), (false, vec![Warning::Expires { days: 3 }]));
    nuget.relist(&key, &package, &first).await.unwrap();
    assert!(listed());
    let error = nuget.unlist(&key, &package, &version("9")).await.unwrap_err();
    assert_eq!(error.kind, Kind::NotFound);
    let error = nuget.unlist(&rig.pasted(&[], &[PUSH], DAY).secret, &package, &first).await.unwrap_err();
    assert_eq!(error.kind, Kind::KeyRefused);
    rig.control().lock_on_nuget("Contoso.Public");
    let error = nuget.unlist(&key, &package, &first).await.unwrap_err();
    assert_eq!(error.kind, Kind::AccessDenied);
    assert!(error.sentence.contains("is locked"), "{error}");
    assert_eq!(rig.control().violations(), Vec::<String>::new());
}

#[tokio::test]
async fn too_much_in_an_hour() {
    let rig = Rig::start();
    rig.control().switch(|switches| switches.unlists_per_hour = 1);
    let key = rig.pasted(&[], &["package:unlist"], 30 * DAY).secret;
    let (nuget, package, first) = (rig.nuget(), id("Contoso.Public"), version("1.0.0"));
    nuget.unlist(&key, &package, &first).await.unwrap();
    let error = nuget.unlist(&key, &package, &first).await.unwrap_err();
    assert_eq!(error.kind, Kind::Throttled);
    assert!((3500..=3600).contains(&error.retry_after.unwrap()), "{error:?}");
}

#[tokio::test]
async fn a_refresh_from_the_site_to_the_vault() {
    let rig = Rig::start();
    let state = rig.folder.path().canonicalize().unwrap().join("state");
    let memory = Memory::default();
    let keys = Keys::new(InventoryFile::in_folder(&state), &memory);
    let name = KeyName::parse("ci").unwrap();
    let operations = Operations::parse("push").unwrap();
    let secret = rig.control().nuget_key("contoso", &["Contoso.*"], &[PUSH], 365 * DAY).unwrap();
    let key = Key { operations, ..Key::new(name.clone(), "contoso", KeyKind::V4) };
    keys.add(key, &paste(&secret), 0).unwrap();

    let refresh = keys.begin_refresh(&name, &rig.nuget()).unwrap();
    let new = rig.control().refresh_nuget_key(&secret).unwrap();
    let (package, first) = (id("Contoso.Public"), version("1.0.0"));
    let proof = Proof::Package(&package, &first);
    let another = rig.control().nuget_key("bob", &[], &[PUSH], DAY).unwrap();
    let wrong = keys.complete_refresh(&refresh, &paste(&another), None, proof, &rig.nuget(), 0).await;
    assert!(matches!(wrong, Err(KeysError::Nuget(error)) if error.kind == Kind::KeyRefused), "bob's");
    keys.complete_refresh(&refresh, &paste(&new), Some(9), proof, &rig.nuget(), 0).await.unwrap();
    let value = keys.value(&keys.find(&name).unwrap()).unwrap();
    assert_eq!(rig.verify(&value, "Contoso.Public").await, Ok(Verdict::MayPush));
    assert_eq!(rig.control().violations(), Vec::<String>::new(), "the site itself was never asked");
}

#[tokio::test]
async fn pipelines_get_a_key_each() {
    let rig = Rig::start();
    let control = rig.control();
    control.trust("alice", "contoso", "contoso/widgets", Some("release.yml"), &["Contoso.*"]).unwrap();
    control.trust("alice", "contoso", "contoso/gadgets", None, &[]).unwrap();
    let job = control.github_job("contoso/widgets", "release.yml");
    let gitlab = control.gitlab_token("contoso/gadgets", "https://www.nuget.org").unwrap();
    let github = BTreeMap::from([
        ("ACTIONS_ID_TOKEN_REQUEST_URL", job.url),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", job.token),
    ]);
    let gitlab = BTreeMap::from([("GITLAB_CI", "true".to_owned()), ("NUGET_TOKEN", gitlab)]);
    for variables in [github, gitlab] {
        let pipeline = Pipeline::find(|name| variables.get(name).cloned(), "NUGET_TOKEN").unwrap().unwrap();
        let token = pipeline.token(&rig.http()).await.unwrap();
        let key = rig.nuget().exchange(&token, "alice").await.unwrap();
        assert!(key.expires_at > u64::try_from(control.now()).unwrap());
        assert_eq!(rig.verify(&key.secret, "Contoso.Public").await, Ok(Verdict::MayPush), "{pipeline:?}");
        let again = rig.nuget().exchange(&token, "alice").await.unwrap_err();
        assert_eq!(again.kind, Kind::TokenUsed);
        let organisation = rig.nuget().exchange(&token, "contoso").await.unwrap_err();
        assert_eq!(organisation.kind, Kind::Rejected);
    }
    let job = control.github_job("contoso/widgets", "test.yml");
    let request_url = Url::parse(&job.url).unwrap();
    let pipeline = Pipeline::GitHub { request_url, request_token: job.token.into() };
    let token = pipeline.token(&rig.http()).await.unwrap();
    assert_eq!(rig.nuget().exchange(&token, "alice").await.unwrap_err().kind, Kind::NoPolicy);
    control.switch(|switches| switches.trusted_publishing = false);
    assert_eq!(rig.nuget().exchange(&token, "alice").await.unwrap_err().kind, Kind::NoExchange);
    assert_eq!(control.violations(), Vec::<String>::new());
}
