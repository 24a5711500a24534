//! A witness of a few lines that does what c2sp.org/tlog-witness asks of one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use data_encoding::BASE64;
use strongroom_chain::tree;
use strongroom_core::cosign::Cosignature;
use strongroom_crypto::safe::{IdentityKey, OsEntropy};
use strongroom_format::hash::{Digest, sha256};
use strongroom_format::id::OrgId;
use strongroom_format::note::Checkpoint;
use strongroom_format::statement::PublicKey;

use super::{House, house};
use crate::api::BadOrigin;
use crate::api::tests::server::{Request, Server, answer};
use crate::vault::session::Session;
use crate::vault::{WitnessError, WitnessProblem};

const NAME: &str = "witness.example/w1";
const NOW: u64 = 1_790_000_000;

struct Witness {
    server: Server,
    vkey: String,
    /// The newest state that was cosigned, by organisation.
    seen: Arc<Mutex<BTreeMap<OrgId, (u64, Digest)>>>,
}

impl Witness {
    /// A witness of the log that `session` pins.
    async fn of(session: &Session) -> Self {
        let (org, vkey) = session
            .with(|org| Ok((org.replica.state().org(), *org.replica.state().audit_vkey())))
            .unwrap();
        Self::start(BTreeMap::from([(org, vkey)])).await
    }

    async fn start(logs: BTreeMap<OrgId, PublicKey>) -> Self {
        let key = IdentityKey::make(&mut OsEntropy).unwrap();
        let public = [&[0x04][..], &key.public()].concat();
        let id = sha256(&[NAME.as_bytes(), b"\n", &public]);
        let hash = data_encoding::HEXLOWER.encode(&id[..4]);
        let vkey = format!("{NAME}+{hash}+{}", BASE64.encode(&public));
        let seen = Arc::new(Mutex::new(BTreeMap::new()));
        let kept = Arc::clone(&seen);
        let server = Server::start(move |request| {
            let mut seen = kept.lock().unwrap();
            add_checkpoint(request, &logs, &mut seen, &key, &id[..4])
        })
        .await;
        Self { server, vkey, seen }
    }

    fn url(&self) -> String {
        format!("{}/w/", self.server.origin)
    }

    fn asked(&self) -> usize {
        self.server.count("/w/add-checkpoint")
    }

    fn set(&self, org: OrgId, size: u64, root: Digest) {
        self.seen.lock().unwrap().insert(org, (size, root));
    }
}

fn add_checkpoint(
    request: &Request,
    logs: &BTreeMap<OrgId, PublicKey>,
    seen: &mut BTreeMap<OrgId, (u64, Digest)>,
    key: &IdentityKey,
    id: &[u8],
) -> Vec<u8> {
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/w/add-checkpoint"));
    assert!(request.header("authorization").is_none(), "a witness gets no credential");
    let text = std::str::from_utf8(&request.body).unwrap();
    let (head, note) = text.split_once("\n\n").unwrap();
    let mut lines = head.split('\n');
    let old: u64 = lines.next().unwrap().strip_prefix("old ").unwrap().parse().unwrap();
    let hash = |line: &str| BASE64.decode(line.as_bytes()).unwrap().try_into().unwrap();
    let proof: Vec<Digest> = lines.map(hash).collect();
    assert!(proof.len() <= 63);
    let origin = note.split('\n').next().unwrap();
    let Some((org, vkey)) = logs.iter().find(|(org, _)| origin.contains(&org.to_string())) else {
        return answer("404 Not Found", "", b"");
    };
    let Ok((checkpoint, _)) = Checkpoint::parse(note, org, 0, vkey) else {
        return answer("403 Forbidden", "", b"");
    };
    let Checkpoint { size, root, .. } = checkpoint;
    let (newest, newest_root) = seen.get(org).copied().unwrap_or((0, tree::empty_root()));
    if old > size {
        return answer("400 Bad Request", "", b"");
    }
    if old != newest || (old == size && root != newest_root) {
        let body = format!("{newest}\n");
        return answer("409 Conflict", "text/x.tlog.size", body.as_bytes());
    }
    if tree::verify_consistency(old, &newest_root, size, &root, &proof).is_err() {
        return answer("422 Unprocessable Entity", "", b"");
    }
    seen.insert(*org, (size, root));
    let signature = key.sign(Cosignature::message(NOW, &checkpoint).as_bytes());
    let signed = [id, &NOW.to_be_bytes(), &signature].concat();
    let line = format!("\u{2014} {NAME} {}\n", BASE64.encode(&signed));
    answer("200 OK", "text/plain; charset=utf-8", line.as_bytes())
}

fn pin(session: &Session) -> (u64, Digest) {
    let pin = session.with(|org| Ok(*org.replica.audit())).unwrap();
    (pin.size, pin.root)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_signs_what_continues_and_is_asked_when_there_is_something_new() {
    let House { world, teo, ren, .. } = house().await;
    let org = teo.current().unwrap();
    let witness = Witness::of(&teo).await;
    let shown = teo.set_witness(&witness.url(), &witness.vkey).await.unwrap();
    assert_eq!((shown.name.as_str(), shown.problem), (NAME, None));
    assert_eq!(shown.last, Some((NOW * 1_000, pin(&teo).0)));
    assert_eq!(witness.asked(), 1);

    // Not again within some minutes, and then from where it stopped.
    teo.follow_up().await.unwrap();
    assert_eq!(witness.asked(), 1);
    world.clock("Teo Varga").set(6 * 60 * 1000);
    teo.follow_up().await.unwrap();
    assert_eq!(witness.asked(), 2);
    assert_eq!(witness.seen.lock().unwrap()[&org], pin(&teo));

    // Somebody else's computer learns from the witness what it has seen.
    ren.follow_up().await.unwrap();
    let shown = ren.set_witness(&witness.url(), &witness.vkey).await.unwrap();
    assert_eq!((shown.problem, shown.last.map(|last| last.1)), (None, Some(pin(&ren).0)));
    assert_eq!(witness.asked(), 4, "it was told the size, and came again with the proof");

    // Whoever is behind waits until it has caught up.
    world.clock("Teo Varga").set(9 * 60 * 1000);
    let teo = world.reopen(teo, "Teo Varga").await;
    let before = teo.witness().unwrap().unwrap();
    world.clock("Teo Varga").set(20 * 60 * 1000);
    teo.ask_witness(org).await.unwrap();
    assert_eq!(teo.witness().unwrap().unwrap(), before, "nothing new, and nothing to complain of");
    world.clock("server").set(20 * 60 * 1000);
    world.clock("Teo Varga").set(30 * 60 * 1000);
    teo.follow_up().await.unwrap();
    assert_eq!(teo.witness().unwrap().unwrap().last, Some((NOW * 1_000, pin(&teo).0)));
    teo.remove_witness().unwrap();
    assert_eq!(teo.witness().unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_that_has_seen_another_log_is_heard() {
    let House { world: _world, mara, teo, ren } = house().await;
    let (org, old) = (mara.current().unwrap(), pin(&teo));
    mara.sync().await.unwrap();
    for (session, size) in [(&mara, pin(&mara).0), (&mara, old.0 - 1), (&ren, old.0)] {
        // The same size with another root, and one before it.
        let witness = Witness::of(&mara).await;
        witness.set(org, size, [7; 32]);
        let shown = session.set_witness(&witness.url(), &witness.vkey).await.unwrap();
        assert_eq!(shown.problem, Some(WitnessProblem::Differs { size }));
        assert_eq!(shown.last, None);
        assert!(WitnessProblem::Differs { size }.to_string().contains("another log"));
        session.follow_up().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_wrong_with_a_witness_is_told_and_stops_nothing() {
    let House { world: _world, teo, .. } = house().await;
    let org = teo.current().unwrap();
    let good = Witness::of(&teo).await;
    let other = Witness::of(&teo).await;
    let unknown = Witness::start(BTreeMap::new()).await;
    let other_key = Witness::start(BTreeMap::from([(org, [5; 32])])).await;
    let gone = format!("{}/w", Server::start(|_| Vec::new()).await.origin);
    for (url, vkey, problem) in [
        (good.url(), &other.vkey, WitnessProblem::NoSignature),
        (unknown.url(), &unknown.vkey, WitnessProblem::UnknownLog),
        (other_key.url(), &other_key.vkey, WitnessProblem::OtherKey),
        (gone, &good.vkey, WitnessProblem::Unreachable),
    ] {
        let shown = teo.set_witness(&url, vkey).await.unwrap();
        assert_eq!((shown.problem, shown.last), (Some(problem), None));
        assert!(problem.to_string().ends_with('.'));
        teo.follow_up().await.unwrap();
    }
    for (status, body, problem) in [
        ("500 No", "", WitnessProblem::Refused(500)),
        ("302 Found", "", WitnessProblem::Unreachable),
        ("200 OK", "\u{2014} witness.example/w1 AAAA\n", WitnessProblem::NoSignature),
        ("409 Conflict", "0\n", WitnessProblem::Refused(409)),
        ("422 No", "", WitnessProblem::Unproven),
    ] {
        let server =
            Server::start(move |_| answer(status, "text/x.tlog.size", body.as_bytes())).await;
        let shown = teo.set_witness(&server.origin, &good.vkey).await.unwrap();
        assert_eq!(shown.problem, Some(problem), "{status}");
    }
    let bad = teo.set_witness("http://witness.example", &good.vkey).await;
    assert!(matches!(bad, Err(WitnessError::Url(BadOrigin::Insecure))));
    let bad = teo.set_witness(&good.url(), "witness").await;
    assert!(matches!(bad, Err(WitnessError::Key(_))));
}
