//! One entry of the log with its proof, as a text of the form c2sp.org/tlog-proof.
//!
//! The entry itself goes along as the format's extra data, so that the file says what was proven.
//! The log's key does not: a proof that brought its own key would prove nothing.

use std::fmt;
use std::str::FromStr;

use data_encoding::{BASE64, HEXLOWER};
use strongroom_chain::signature::{is_strong_signing_key, verifies};
use strongroom_chain::tree::{leaf_hash, verify_inclusion};
use strongroom_format::check::require;
use strongroom_format::encoding::Codec as _;
use strongroom_format::event::Event;
use strongroom_format::hash::Digest;
use strongroom_format::id::OrgId;
use strongroom_format::note::{Checkpoint, key_id};
use strongroom_format::statement::PublicKey;
use thiserror::Error;

/// What such a file is called.
pub const ENDING: &str = "tlog-proof";
/// The largest such file that is read, in bytes.
pub const MAX_FILE: usize = 16 * 1024;
/// The first line.
pub const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// No entry is longer, in bytes.
const MAX_EVENT: usize = 512;
/// A tree of 2^64 entries is that deep.
const MAX_PROOF: usize = 64;

/// Why a proof proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NoProof {
    /// Not such a file, in its only accepted spelling.
    #[error("this is no proof of an entry, or it is damaged")]
    Malformed,
    /// Without the key nobody knows whose log it is.
    #[error("the log's key is needed to judge it: give it with --log-key")]
    KeyMissing,
    /// The checkpoint belongs to another log, or its signature is not the log's.
    #[error("the checkpoint in it is not signed by that log's key")]
    Checkpoint,
    /// The entry belongs to another organisation than the log.
    #[error("the entry in it belongs to another organisation")]
    Foreign,
    /// The entry is not at that place of the tree.
    #[error("the entry is not where the file says: the proof does not lead to the signed root")]
    Inclusion,
}

/// A log and its key, as a C2SP verifier key: `<origin>+<key id, hex>+<base64(0x01 || key)>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogKey {
    /// Whose log.
    pub org: OrgId,
    /// Which of its trees.
    pub reset: u32,
    /// Ed25519.
    pub key: PublicKey,
}

impl LogKey {
    fn origin(&self) -> String {
        Checkpoint { org: self.org, reset: self.reset, size: 0, root: [0; 32] }.origin()
    }

    /// The checkpoint of a note that this log's key signed.
    pub fn checkpoint(&self, note: &str) -> Option<Checkpoint> {
        let (checkpoint, signature) =
            Checkpoint::parse(note, &self.org, self.reset, &self.key).ok()?;
        verifies(&self.key, checkpoint.text().as_bytes(), &signature).then_some(checkpoint)
    }
}

impl fmt::Display for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = self.origin();
        let id = HEXLOWER.encode(&key_id(&origin, &self.key));
        let key = BASE64.encode(&[&[0x01], self.key.as_slice()].concat());
        write!(f, "{origin}+{id}+{key}")
    }
}

/// A text that is no verifier key of a Strongroom log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not the key of a log: strongroom/org_…/audit/…+…+…")]
pub struct LogKeyError;

impl FromStr for LogKey {
    type Err = LogKeyError;

    fn from_str(text: &str) -> Result<Self, LogKeyError> {
        let (origin, rest) = text.split_once('+').ok_or(LogKeyError)?;
        let (_, key) = rest.split_once('+').ok_or(LogKeyError)?;
        let (org, reset) = read_origin(origin).ok_or(LogKeyError)?;
        let key = BASE64.decode(key.as_bytes()).map_err(|_| LogKeyError)?;
        let key = key.get(1..).and_then(|key| key.try_into().ok()).ok_or(LogKeyError)?;
        let log = Self { org, reset, key };
        require(log.to_string() == text, LogKeyError)?;
        require(is_strong_signing_key(&key), LogKeyError)?;
        Ok(log)
    }
}

/// `strongroom/<org id>/audit/<reset>`.
fn read_origin(origin: &str) -> Option<(OrgId, u32)> {
    let (org, reset) = origin.strip_prefix("strongroom/")?.split_once("/audit/")?;
    Some((org.parse().ok()?, reset.parse().ok()?))
}

/// The file that shows that `event` (its encoded bytes) is entry `index` of the log that
/// `checkpoint_note` signs; `proof` is the RFC 6962 path, deepest node first.
pub fn write(index: u64, event: &[u8], proof: &[Digest], checkpoint_note: &str) -> String {
    let mut text = format!("{HEADER}\nextra {}\nindex {index}\n", BASE64.encode(event));
    for node in proof {
        text.push_str(&BASE64.encode(node));
        text.push('\n');
    }
    text.push('\n');
    text.push_str(checkpoint_note);
    text
}

/// Such a file as it was read, not judged yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// Which entry.
    pub index: u64,
    /// The entry's bytes.
    pub event: Vec<u8>,
    /// The path to the root, deepest node first.
    pub proof: Vec<Digest>,
    /// The signed note.
    pub note: String,
}

/// Reads a file; there is one spelling of each.
pub fn parse(file: &str) -> Result<Parsed, NoProof> {
    // A bound on the work: no file in the one accepted form is as long.
    if file.len() > MAX_FILE {
        return Err(NoProof::Malformed);
    }
    let (head, note) = file.split_once("\n\n").ok_or(NoProof::Malformed)?;
    let mut lines = head.split('\n');
    let _header = lines.next();
    let extra = lines.next().and_then(|line| line.strip_prefix("extra "));
    let event = decode(extra).filter(|event| event.len() <= MAX_EVENT).ok_or(NoProof::Malformed)?;
    let index = lines.next().and_then(|line| line.strip_prefix("index "));
    let index = index.and_then(|index| index.parse().ok()).ok_or(NoProof::Malformed)?;
    let proof: Option<Vec<Digest>> =
        lines.map(|line| decode(Some(line)).and_then(|node| node.try_into().ok())).collect();
    let proof = proof.filter(|proof| proof.len() <= MAX_PROOF).ok_or(NoProof::Malformed)?;
    // Whatever was lenient above is settled here: there is one spelling.
    require(write(index, &event, &proof, note) == file, NoProof::Malformed)?;
    Ok(Parsed { index, event, proof, note: note.to_owned() })
}

fn decode(text: Option<&str>) -> Option<Vec<u8>> {
    BASE64.decode(text?.as_bytes()).ok()
}

/// What a proof shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// Which entry.
    pub index: u64,
    /// Of which log, at which size.
    pub checkpoint: Checkpoint,
    /// The entry.
    pub event: Event,
}

/// Judges a file by the key of the log that it should come from. Whether the act in it is signed
/// by its actor only the chain could show, which is not in it.
pub fn judge(file: &str, log: Option<&LogKey>) -> Result<Proven, NoProof> {
    let Parsed { index, event: bytes, proof, note } = parse(file)?;
    let log = log.ok_or(NoProof::KeyMissing)?;
    let checkpoint = log.checkpoint(&note).ok_or(NoProof::Checkpoint)?;
    let event = Event::decode(&bytes).map_err(|_| NoProof::Malformed)?;
    require(event.act.org == log.org, NoProof::Foreign)?;
    verify_inclusion(&leaf_hash(&bytes), index, checkpoint.size, &checkpoint.root, &proof)
        .map_err(|_| NoProof::Inclusion)?;
    Ok(Proven { index, checkpoint, event })
}

#[cfg(test)]
mod tests {
    use strongroom_chain::tree::{Frontier, prove_inclusion};
    use strongroom_crypto::safe::{Keyset, RepeatableEntropy};
    use strongroom_format::event::{Act, Detail, EventKind};
    use strongroom_format::hash::ZERO;
    use strongroom_format::id::DeviceId;

    use super::*;

    fn event(n: u16) -> Vec<u8> {
        event_of(OrgId([3; 32]), n)
    }

    fn event_of(org: OrgId, n: u16) -> Vec<u8> {
        let act = Act {
            org,
            kind: EventKind::AuditFetched,
            actor: None,
            device: DeviceId::ZERO,
            actor_seq: 0,
            actor_prev: ZERO,
            org_head: ZERO,
            detail: Detail::status(n),
            agency: None,
        };
        Event { act, signature: [0; 64], server_time_ms: 9, peer: "[::1]:7".into() }.encode()
    }

    /// The log's key, and the proof of entry `index` of `size`.
    fn sample(index: u64, size: u64) -> (LogKey, String) {
        let keys = Keyset::make(&mut RepeatableEntropy::new(5)).unwrap();
        let (mut frontier, mut nodes) = (Frontier::new(), std::collections::HashMap::new());
        for n in 0..size {
            for node in frontier.append(leaf_hash(&event(u16::try_from(n).unwrap()))) {
                nodes.insert((node.level, node.index), node.hash);
            }
        }
        let checkpoint = Checkpoint { org: OrgId([3; 32]), reset: 0, size, root: frontier.root() };
        let signature = keys.isk.sign(checkpoint.text().as_bytes());
        let note = checkpoint.note(&keys.isk.public(), &signature);
        let proof = prove_inclusion(index, size, |l, i| nodes.get(&(l, i)).copied()).unwrap();
        let log = LogKey { org: OrgId([3; 32]), reset: 0, key: keys.isk.public() };
        (log, write(index, &event(u16::try_from(index).unwrap()), &proof, &note))
    }

    #[test]
    fn a_proof_reads_back_and_holds_for_every_entry_of_small_logs() {
        for size in 1..20 {
            for index in 0..size {
                let (log, file) = sample(index, size);
                let proven = judge(&file, Some(&log)).unwrap();
                assert_eq!((proven.index, proven.checkpoint.size), (index, size));
                assert_eq!(u64::from(proven.event.act.detail.status), index);
            }
        }
    }

    #[test]
    fn the_layout_is_that_of_the_specification() {
        let (_, file) = sample(4, 7);
        let lines: Vec<&str> = file.split('\n').collect();
        assert_eq!(lines[0], "c2sp.org/tlog-proof@v1");
        assert!(lines[1].starts_with("extra "));
        assert_eq!(lines[2], "index 4");
        assert_eq!(lines[3..6].iter().map(|line| line.len()).collect::<Vec<_>>(), [44, 44, 44]);
        assert_eq!(lines[6], "");
        assert!(lines[7].starts_with("strongroom/org_"));
        assert_eq!(lines[8], "7");
        assert_eq!(lines.last(), Some(&""), "the checkpoint stands there as it is");
    }

    #[test]
    fn any_one_changed_byte_is_refused() {
        let (log, file) = sample(4, 7);
        for at in 0..file.len() {
            for bit in 0..8 {
                let mut bytes = file.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                let holds = str::from_utf8(&bytes).is_ok_and(|f| judge(f, Some(&log)).is_ok());
                assert!(!holds, "byte {at}, bit {bit}");
            }
        }
    }

    #[test]
    fn a_proof_needs_the_right_key_and_no_other_log() {
        let (log, file) = sample(4, 7);
        assert_eq!(judge(&file, None), Err(NoProof::KeyMissing));
        for other in [
            LogKey { org: OrgId([4; 32]), ..log },
            LogKey { reset: 1, ..log },
            LogKey { key: [9; 32], ..log },
        ] {
            assert_eq!(judge(&file, Some(&other)), Err(NoProof::Checkpoint));
        }
        let other = file.replace("index 4", "index 5");
        assert_eq!(judge(&other, Some(&log)), Err(NoProof::Inclusion));
        let other = file.replace("index 4", "index 04");
        assert_eq!(judge(&other, Some(&log)), Err(NoProof::Malformed));
    }

    #[test]
    fn an_entry_of_another_organisation_is_none_of_this_log() {
        let keys = Keyset::make(&mut RepeatableEntropy::new(5)).unwrap();
        let event = event_of(OrgId([8; 32]), 1);
        let org = OrgId([3; 32]);
        let checkpoint = Checkpoint { org, reset: 0, size: 1, root: leaf_hash(&event) };
        let signature = keys.isk.sign(checkpoint.text().as_bytes());
        let note = checkpoint.note(&keys.isk.public(), &signature);
        let log = LogKey { org, reset: 0, key: keys.isk.public() };
        assert_eq!(judge(&write(0, &event, &[], &note), Some(&log)), Err(NoProof::Foreign));
    }

    #[test]
    fn the_key_of_a_log_has_one_spelling() {
        let (log, _) = sample(0, 1);
        let text = log.to_string();
        assert_eq!(text.parse(), Ok(log));
        assert!(text.starts_with("strongroom/org_") && text.contains("/audit/0+"));
        let weak = LogKey { key: [0; 32], ..log }.to_string();
        assert_eq!(weak.parse::<LogKey>(), Err(LogKeyError), "a key that signs anything");
        for bad in [text.replace("/audit/0", "/audit/00"), text.replace('+', " "), String::new()] {
            assert_eq!(bad.parse::<LogKey>(), Err(LogKeyError));
        }
    }
}
