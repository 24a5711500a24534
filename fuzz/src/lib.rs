//! What each fuzz target does with its bytes.
//!
//! Plain functions, so that the same bodies run under libFuzzer (`scripts/fuzz`) and, for a few
//! seconds each, in the ordinary tests (`tests/fuzz_smoke.rs`). A body panics where a promise is
//! broken: a decoder took bytes that it would not have written, or an opened thing was not sealed.

use strongroom_core::bundle::tlog_proof::{self, LogKey, Parsed};
use strongroom_core::cosign::{WitnessKey, conflict_size};
use strongroom_core::details::Details;
use strongroom_crypto::safe::context::ItemContext;
use strongroom_crypto::safe::{Dek, InviteCode, RepeatableEntropy, SecretKey, ServiceToken};
use strongroom_format::commit::{Field, SignedCommit};
use strongroom_format::encoding::Codec;
use strongroom_format::event::{Event, SignedAct};
use strongroom_format::id::{EnvId, OrgId, Principal, SecretId};
use strongroom_format::note::Checkpoint;
use strongroom_format::pins::Pins;
use strongroom_format::statement::Link;
use strongroom_format::wire::{
    ActPage, B64, CommitPage, EnvelopePage, ErrorAnswer, ItemPage, Keyset, SyncAnswer, WriteBatch,
};

/// A target: its name and its body.
pub type Target = (&'static str, fn(&[u8]));

/// Every target, by the name of its binary.
pub const TARGETS: &[Target] = &[
    ("link", link),
    ("commit", commit),
    ("event", event),
    ("pins", pins),
    ("write_batch", write_batch),
    ("pages", pages),
    ("checkpoint", checkpoint),
    ("id", id),
    ("json", json),
    ("envelope", envelope),
    ("token", token),
    ("invite_code", invite_code),
    ("secret_key", secret_key),
    ("details", details),
    ("dotenv", dotenv),
    ("tlog_proof", tlog_proof),
    ("bundle", bundle),
    ("witness", witness),
];

/// Runs one target.
pub fn run(name: &str, data: &[u8]) {
    if let Some((_, body)) = TARGETS.iter().find(|(target, _)| *target == name) {
        body(data);
    }
}

fn canonical<T: Codec>(data: &[u8]) {
    if let Ok(value) = T::decode(data) {
        assert!(value.encode() == data, "a second encoding was taken");
    }
}

fn link(data: &[u8]) {
    if let Ok(link) = Link::parse(data) {
        assert!(link.as_bytes() == data);
        assert!(link.statement.encode() == link.signed_bytes(), "a second encoding was taken");
        // Whatever it says, no chain begins with it unless its founder signed it.
        let _ = strongroom_chain::org::verify(&[link], OrgId([7; 32]), None);
    }
}

fn commit(data: &[u8]) {
    if let Ok(commit) = SignedCommit::parse(data) {
        assert!(commit.as_bytes() == data);
        assert!(commit.commit.encode() == commit.signed_bytes(), "a second encoding was taken");
        let history = strongroom_chain::EnvHistory::new(commit.commit.org, commit.commit.env);
        let _ = history.root_after(&commit.commit.changes);
    }
}

fn event(data: &[u8]) {
    canonical::<Event>(data);
    canonical::<SignedAct>(data);
}

fn pins(data: &[u8]) {
    canonical::<Pins>(data);
}

fn write_batch(data: &[u8]) {
    canonical::<WriteBatch>(data);
}

fn pages(data: &[u8]) {
    canonical::<EnvelopePage>(data);
    canonical::<ActPage>(data);
    canonical::<ItemPage>(data);
    canonical::<CommitPage>(data);
}

/// The organisation and key that the seeds of the checkpoint target are made with; the key is the
/// one of the seed `[1; 32]`.
pub const LOG: (OrgId, [u8; 32]) = (
    OrgId([7; 32]),
    [
        0x8a, 0x88, 0xe3, 0xdd, 0x74, 0x09, 0xf1, 0x95, 0xfd, 0x52, 0xdb, 0x2d, 0x3c, 0xba, 0x5d,
        0x72, 0xca, 0x67, 0x09, 0xbf, 0x1d, 0x94, 0x12, 0x1b, 0xf3, 0x74, 0x88, 0x01, 0xb4, 0x0f,
        0x6f, 0x5c,
    ],
);

/// A witness; its key is the one of the seed `[2; 32]`.
pub const WITNESS: &str =
    "witness.example/w1+df1c0a35+BIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU";

/// The parser of signed notes: whatever it takes has one spelling, says what was read, and is taken
/// for no other log, key or reset.
fn checkpoint(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let (org, vkey) = LOG;
    for reset in [0, 1, u32::MAX] {
        let Ok((checkpoint, signature)) = Checkpoint::parse(text, &org, reset, &vkey) else {
            continue;
        };
        assert!(checkpoint.note(&vkey, &signature) == text, "a second spelling was taken");
        assert!((checkpoint.org, checkpoint.reset) == (org, reset), "another log's was taken");
        let lines: Vec<&str> = text.split('\n').collect();
        assert!(lines.len() == 6, "a note of another shape was taken");
        let (origin, size, root, signed) = (lines[0], lines[1], lines[2], lines[4]);
        assert!(lines[3].is_empty() && lines[5].is_empty());
        assert!(origin == checkpoint.origin() && size == checkpoint.size.to_string());
        assert!(root.len() == 44 && signed.ends_with('=') && !text.contains('\r'));
        assert!(text.starts_with(&checkpoint.text()), "what is signed is not what stands there");
        let others = [(OrgId([8; 32]), reset, vkey), (org, reset ^ 1, vkey), (org, reset, [2; 32])];
        for (org, reset, vkey) in others {
            assert!(Checkpoint::parse(text, &org, reset, &vkey).is_err(), "another log's is taken");
        }
    }
}

fn id(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    if let Ok(id) = text.parse::<OrgId>() {
        assert!(id.to_string() == text, "a second spelling was taken");
    }
    if let Ok(id) = text.parse::<EnvId>() {
        assert!(id.to_string() == text, "a second spelling was taken");
    }
    if let Ok(id) = text.parse::<Principal>() {
        assert!(id.to_string() == text, "a second spelling was taken");
    }
}

fn json(data: &[u8]) {
    let _ = serde_json::from_slice::<SyncAnswer>(data);
    let _ = serde_json::from_slice::<Keyset>(data);
    let _ = serde_json::from_slice::<ErrorAnswer>(data);
    if let Ok(bytes) = serde_json::from_slice::<B64>(data)
        && let Ok(again) = serde_json::to_vec(&bytes)
    {
        assert!(serde_json::from_slice::<B64>(&again).is_ok_and(|b| b == bytes));
    }
}

fn envelope(data: &[u8]) {
    // Bytes that no seal made open under no key.
    let Ok(dek) = Dek::make(&mut RepeatableEntropy::new(1)) else { return };
    let context = ItemContext {
        org: OrgId([7; 32]),
        app_or_group: [1; 16],
        env: EnvId([2; 16]),
        epoch: 1,
        secret: SecretId([3; 16]),
        version: 1,
        field: Field::Value.byte(),
    };
    assert!(strongroom_crypto::safe::open(&dek, &context.context(), data).is_err());
}

fn token(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    if let Ok(token) = ServiceToken::parse(text) {
        let same = token.to_text().lend(|own| own == text);
        assert!(same, "a second spelling was taken");
    }
}

fn invite_code(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    if let Ok(code) = InviteCode::parse(text) {
        assert!(code.to_text().is_ok_and(|again| again.lend(InviteCode::parse).is_ok()));
    }
}

fn secret_key(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    if let Ok(key) = SecretKey::parse(text) {
        assert!(key.to_text().lend(SecretKey::parse).is_ok());
    }
}

fn details(data: &[u8]) {
    let _ = Details::parse(data);
}

fn dotenv(data: &[u8]) {
    if let Ok(parsed) = strongroom_core::dotenv::parse(data) {
        let mut last = 0;
        for entry in &parsed.entries {
            assert!(entry.line > last, "two entries begin on one line");
            last = entry.line;
        }
    }
}

fn tlog_proof(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    if let Ok(proof) = tlog_proof::parse(text) {
        let Parsed { index, event, proof, note } = &proof;
        assert!(
            tlog_proof::write(*index, event, proof, note) == text,
            "a second spelling was taken"
        );
        let log = LogKey { org: LOG.0, reset: 0, key: LOG.1 };
        if let Ok(proven) = tlog_proof::judge(text, Some(&log)) {
            assert!(proven.event.encode() == *event && proven.index < proven.checkpoint.size);
        }
    }
    if let Ok(log) = text.parse::<LogKey>() {
        assert!(log.to_string() == text, "a second spelling was taken");
    }
}

fn bundle(data: &[u8]) {
    // A file that nobody signed is refused, whatever it says, at a line that it has.
    let lines = data.split(|byte| *byte == b'\n').count() as u64;
    let refused = strongroom_core::bundle::judge(data);
    assert!(refused.is_err_and(|refused| refused.line <= lines + 1));
}

fn witness(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let checkpoint = Checkpoint { org: LOG.0, reset: 0, size: 42, root: [9; 32] };
    if let Ok(key) = WitnessKey::parse(text) {
        assert!(key.text() == text.trim(), "a second spelling was taken");
        // Nothing that it did not sign is its cosignature.
        assert!(key.find(text, &checkpoint).is_none());
    }
    if let Some(size) = conflict_size(text) {
        assert!(format!("{size}\n") == text, "a second spelling was taken");
    }
    if let Ok(key) = WitnessKey::parse(WITNESS)
        && let Some(found) = key.find(text, &checkpoint)
    {
        assert!(key.signs(&found, &checkpoint));
    }
}
