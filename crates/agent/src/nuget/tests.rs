use std::sync::{Mutex, PoisonError};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use valetkey_protocol::{ClientKind, ExposeSecret as _, NugetKeyStatus, NugetRight};

use super::*;
use crate::configuration::{ConfigurationError, Sources};

const NOW: u64 = 1_800_000_000;
const DAY: u64 = 86_400;
const OLD: &str = concat!("oy2", "abcdefghijklmnopqrstuvwxyz234567abcdefghijk");
const NEW: &str = concat!("oy2", "kjihgfedcba765432zyxwvutsrqponmlkjihgfedcba");

#[derive(Debug)]
struct Still;

impl Clock for Still {
    fn now(&self) -> u64 {
        NOW
    }

    fn monotonic(&self) -> std::time::Duration {
        std::time::Duration::ZERO
    }
}

#[derive(Debug, Default)]
struct Trail(Mutex<Vec<AuditRecord>>);

impl AuditSink for Trail {
    fn record(&self, record: AuditRecord) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(record);
    }
}

struct Place {
    folder: tempfile::TempDir,
    vault: Vault,
    trail: Arc<Trail>,
    desk: Arc<NugetDesk>,
}

impl Place {
    /// With nuget.org at an address where nobody is, unless told otherwise.
    fn new(nuget_org: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let user = folder.path().join("config.toml");
        let address = nuget_org.unwrap_or("http://127.0.0.1:9");
        std::fs::write(&user, format!("[nuget]\nnuget-org = \"{address}\"\n")).unwrap();
        let trust = |_: &Path| Ok::<(), ConfigurationError>(());
        let configuration =
            Arc::new(Live::read(Sources { system: folder.path().join("none"), user, trust }).unwrap());
        let (vault, trail) = (Vault::memory(), Arc::new(Trail::default()));
        let http = Http::new(valetkey_http::Settings {
            proxy: Some(String::new()),
            ..valetkey_http::Settings::default()
        });
        let state = folder.path().join("state");
        let desk = NugetDesk::new(
            &state,
            vault.clone(),
            http,
            configuration,
            Arc::new(Still),
            Arc::clone(&trail) as _,
        );
        Self { folder, vault, trail, desk }
    }

    async fn ask(&self, request: NugetOrgRequest) -> Answer {
        self.ask_while(request, false).await
    }

    async fn ask_while(&self, request: NugetOrgRequest, locked: bool) -> Answer {
        let peer = Peer { pid: 7, uid: 1000, exe: "/v".to_owned(), client: ClientKind::Cli };
        self.desk.answer(request, peer, locked).await
    }

    async fn refused(&self, request: NugetOrgRequest) -> Refusal {
        match self.ask(request).await {
            Answer::Refused(refusal) => refusal,
            other => panic!("not refused: {other:?}"),
        }
    }

    async fn add(&self, name: &str, globs: &[&str], operations: &[NugetRight], days: u64) -> NugetKeyStatus {
        match self.ask(add(name, globs, operations, days)).await {
            Answer::NugetKeys { keys } => keys.into_iter().next().unwrap(),
            other => panic!("not added: {other:?}"),
        }
    }

    async fn list(&self) -> Vec<NugetKeyStatus> {
        match self.ask_while(NugetOrgRequest::List, true).await {
            Answer::NugetKeys { keys } => keys,
            other => panic!("no list: {other:?}"),
        }
    }

    async fn chosen(&self, package: &str, operation: NugetOperation, is_new: Option<bool>) -> NugetKey {
        let package = package.to_owned();
        match self.ask(NugetOrgRequest::Choose { package, operation, is_new }).await {
            Answer::NugetKey(key) => key,
            other => panic!("none: {other:?}"),
        }
    }

    fn events(&self) -> Vec<String> {
        let trail = self.trail.0.lock().unwrap_or_else(PoisonError::into_inner);
        trail.iter().map(|record| format!("{} {} {}", record.event, record.key, record.note)).collect()
    }

    /// What rests on the disk and in the trail.
    fn at_rest(&self) -> String {
        let file = self.folder.path().join("state/nuget-keys.json");
        format!("{} {:?}", std::fs::read_to_string(file).unwrap_or_default(), self.trail)
    }
}

fn add(name: &str, globs: &[&str], operations: &[NugetRight], days: u64) -> NugetOrgRequest {
    NugetOrgRequest::Add(NewNugetKey {
        name: name.to_owned(),
        owner: "contoso".to_owned(),
        globs: globs.iter().map(|&glob| glob.to_owned()).collect(),
        operations: operations.to_vec(),
        expires_at: Some(NOW + days * DAY),
        secret: format!(" {OLD}\n").into(),
    })
}

fn named(name: &str) -> String {
    name.to_owned()
}

/// Answers every request with one status, and notes request lines and keys.
async fn gallery(status: &'static str) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                match stream.read_u8().await {
                    Ok(byte) => head.push(byte),
                    Err(_) => break,
                }
            }
            let head = String::from_utf8(head).unwrap();
            let key = head.lines().find_map(|line| line.strip_prefix("x-nuget-apikey: "));
            let line = head.lines().next().unwrap_or_default();
            noted.lock().unwrap().push(format!("{line} {}", key.unwrap_or("no key")));
            let answer = format!(
                "HTTP/1.1 {status}\r\nx-nuget-warning: Your API key expires in 7 days.\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (address, asked)
}

#[tokio::test]
async fn a_key_is_kept_listed_and_forgotten_without_showing_its_value() {
    let place = Place::new(None);
    let added = place.add("ci", &["Contoso.*"], &[NugetRight::PushVersion, NugetRight::Unknown], 300).await;
    assert_eq!((added.kind.as_str(), added.owner.as_str()), ("v4", "contoso"));
    assert_eq!((added.operations.as_slice(), added.warning.as_ref()), (&[NugetRight::PushVersion][..], None));
    assert_eq!(place.list().await, [added]);
    assert!(!place.at_rest().contains(OLD));
    let again = place.refused(add("ci", &[], &[NugetRight::Push], 1)).await;
    assert!(again.sentence.contains("there is a key `ci` already"), "{again:?}");
    assert!(place.vault.get("nuget-org/ci/1").unwrap().is_some());
    assert!(matches!(place.ask(NugetOrgRequest::Remove { name: named("ci") }).await, Answer::Done));
    assert_eq!(place.list().await, []);
    assert!(place.vault.get("nuget-org/ci/1").unwrap().is_none());
    let gone = place.refused(NugetOrgRequest::Secret { name: named("ci") }).await;
    assert_eq!(gone.reason, Reason::BadRequest);
    assert_eq!(
        place.events(),
        [
            "nuget-key-added ci push-version",
            "refused  bad-request: there is a key `ci` already",
            "nuget-key-removed ci ",
            "refused  bad-request: there is no key `ci`",
        ]
    );
}

#[tokio::test]
async fn what_is_no_key_is_not_kept() {
    let place = Place::new(None);
    let NugetOrgRequest::Add(good) = add("ci", &["Contoso.*"], &[NugetRight::Push], 1) else {
        unreachable!()
    };
    for bad in [
        NewNugetKey { secret: "hunter2".into(), ..good.clone() },
        NewNugetKey { name: named("--undo"), ..good.clone() },
        NewNugetKey { globs: vec![named("a b")], ..good.clone() },
        NewNugetKey { operations: vec![NugetRight::Unknown], ..good.clone() },
        NewNugetKey { expires_at: Some(NOW - 1), ..good.clone() },
    ] {
        let refusal = place.refused(NugetOrgRequest::Add(bad)).await;
        assert_eq!(refusal.reason, Reason::BadRequest, "{refusal:?}");
        assert!(!refusal.hint.is_empty() && !refusal.sentence.contains("hunter2"), "{refusal:?}");
    }
    assert_eq!(place.list().await, []);
}

#[tokio::test]
async fn the_narrowest_key_is_chosen_and_named_in_the_trail() {
    let place = Place::new(None);
    place.add("wide", &["*"], &[NugetRight::Push, NugetRight::Unlist], 300).await;
    place.add("core", &["Contoso.Core"], &[NugetRight::PushVersion], 9).await;
    let key = place.chosen("contoso.core", NugetOperation::Push, None).await;
    assert_eq!((key.name.as_str(), key.glob.as_str()), ("core", "Contoso.Core"));
    assert_eq!((key.secret.expose_secret(), key.for_new_package.as_deref()), (OLD, Some("wide")));
    let warning = "the nuget.org key `core` expires in 9 days: run `valetkey nuget keys refresh core`";
    assert_eq!(key.warning.as_deref(), Some(warning));
    assert_eq!(place.desk.warnings().await, [warning]);
    assert_eq!(place.chosen("Contoso.Core", NugetOperation::Push, Some(true)).await.name, "wide");
    assert_eq!(place.chosen("Contoso.Core", NugetOperation::Unlist, None).await.name, "wide");
    assert!(place.events().contains(&named("nuget-key-chosen core to push new versions `contoso.core`")));
    let later = NugetOperation::Unknown;
    let request = NugetOrgRequest::Choose { package: named("A"), operation: later, is_new: None };
    assert_eq!(place.refused(request).await.reason, Reason::VersionMismatch);
}

#[tokio::test]
async fn a_key_that_nuget_org_refused_is_chosen_no_more() {
    let place = Place::new(None);
    place.add("ci", &["*"], &[NugetRight::Push], 300).await;
    assert!(matches!(place.ask(NugetOrgRequest::Refused { name: named("ci") }).await, Answer::Done));
    let request =
        NugetOrgRequest::Choose { package: named("A"), operation: NugetOperation::Push, is_new: None };
    let refusal = place.refused(request).await;
    assert_eq!(
        (refusal.reason, refusal.hint.as_str()),
        (Reason::AccessDenied, "run `valetkey nuget keys refresh ci`")
    );
    assert_eq!(place.list().await[0].refused_at, Some(NOW));
    assert!(place.desk.warnings().await[0].contains("is not taken by nuget.org any more"));
}

#[tokio::test]
async fn while_locked_keys_are_listed_and_nothing_else() {
    let place = Place::new(None);
    place.add("ci", &["*"], &[NugetRight::Push], 300).await;
    for request in [
        NugetOrgRequest::Secret { name: named("ci") },
        NugetOrgRequest::Choose { package: named("A"), operation: NugetOperation::Push, is_new: None },
        NugetOrgRequest::Remove { name: named("ci") },
        add("other", &["*"], &[NugetRight::Push], 300),
    ] {
        let Answer::Refused(refusal) = place.ask_while(request, true).await else { panic!("not refused") };
        assert_eq!(refusal.reason, Reason::Locked);
    }
    assert_eq!(place.list().await.len(), 1);
}

#[tokio::test]
async fn a_refresh_drops_the_old_value_only_once_the_new_one_is_good() {
    for (status, taken) in [("403 Forbidden", false), ("200 OK", true)] {
        let (address, asked) = gallery(status).await;
        let place = Place::new(Some(&address));
        place.add("ci", &["Contoso.*"], &[NugetRight::Push], 3).await;
        let Answer::NugetRefresh(begun) =
            place.ask(NugetOrgRequest::BeginRefresh { name: named("ci") }).await
        else {
            panic!("not begun")
        };
        assert_eq!(begun.page, format!("{address}/account/apikeys"));
        assert_eq!(begun.steps.len(), 3);
        let complete = |secret: &str, proof| NugetOrgRequest::CompleteRefresh {
            name: named("ci"),
            secret: secret.into(),
            expires_at: Some(NOW + 365 * DAY),
            proof,
        };
        let vouched = place.refused(complete(NEW, NugetProof::Person)).await;
        assert!(vouched.sentence.contains("cannot be taken unchecked"), "{vouched:?}");
        place.refused(complete(NEW, NugetProof::Unknown)).await;
        let proof = NugetProof::Package { package: named("Contoso.Core"), version: named("1.0.0") };
        let ended = place.ask(complete(NEW, proof)).await;
        let value = match place.ask(NugetOrgRequest::Secret { name: named("ci") }).await {
            Answer::NugetKey(key) => key.secret.expose_secret().to_owned(),
            other => panic!("no value: {other:?}"),
        };
        assert_eq!(value, if taken { NEW } else { OLD });
        match ended {
            Answer::NugetChecked(checked) if taken => {
                assert_eq!(checked.verdict, NugetVerdict::MayPush);
                assert_eq!(checked.warnings, ["nuget.org says that the key expires in 7 days"]);
                assert_eq!(place.desk.warnings().await, Vec::<String>::new());
            }
            Answer::Refused(refusal) if !taken => assert_eq!(refusal.reason, Reason::AccessDenied),
            other => panic!("{status}: {other:?}"),
        }
        let line = format!("GET /api/v2/verifykey/Contoso.Core/1.0.0 HTTP/1.1 {NEW}");
        assert_eq!(*asked.lock().unwrap(), [line]);
        assert!(!place.at_rest().contains(NEW) && !place.at_rest().contains(OLD));
    }
}

#[tokio::test]
async fn the_agent_unlists_and_checks_by_itself() {
    let (address, asked) = gallery("200 OK").await;
    let place = Place::new(Some(&address));
    place.add("push", &["*"], &[NugetRight::Push], 300).await;
    place.add("unlist", &["Contoso.*"], &[NugetRight::Unlist], 300).await;
    let (package, version) = (named("Contoso.Core"), named("1.0.0"));
    for relist in [false, true] {
        let request = NugetOrgRequest::Unlist { package: package.clone(), version: version.clone(), relist };
        let Answer::NugetChecked(checked) = place.ask(request).await else { panic!("not unlisted") };
        assert_eq!((checked.key.name.as_str(), checked.verdict), ("unlist", NugetVerdict::Done));
    }
    let request = NugetOrgRequest::Verify { name: named("push"), package: package.clone(), version };
    assert!(matches!(place.ask(request).await, Answer::NugetChecked(_)));
    let at = "/api/v2/package/Contoso.Core/1.0.0 HTTP/1.1";
    let check = "/api/v2/verifykey/Contoso.Core/1.0.0 HTTP/1.1";
    assert_eq!(
        *asked.lock().unwrap(),
        [format!("DELETE {at} {OLD}"), format!("POST {at} {OLD}"), format!("GET {check} {OLD}")]
    );
    let request = NugetOrgRequest::Verify { name: named("push"), package, version: named("latest") };
    assert_eq!(place.refused(request).await.reason, Reason::BadRequest);
}
