//! Cosignatures of independent witnesses (c2sp.org/tlog-witness, c2sp.org/tlog-cosignature).
//!
//! A witness keeps the newest checkpoint of each log that it knows and signs another one only if it
//! continues that. Here are the bytes: a witness's key, what it is asked, what it answers. Asking is
//! the client's work.

use data_encoding::{BASE64, HEXLOWER};
use strongroom_chain::signature::{is_strong_signing_key, verifies};
use strongroom_format::check::require;
use strongroom_format::hash::{Digest, sha256};
use strongroom_format::note::Checkpoint;
use strongroom_format::statement::{PublicKey, Signature};
use thiserror::Error;

/// Ed25519 cosignatures with a time, version 1.
const COSIGNATURE_V1: u8 = 0x04;
/// The most hashes that a witness takes as a proof.
pub const MAX_PROOF: usize = 63;
/// The longest key text, in bytes.
pub const MAX_KEY: usize = 256;
/// The longest answer that is looked at, in bytes.
pub const MAX_ANSWER: usize = 16 * 1024;
/// The most signature lines that are looked at.
const MAX_LINES: usize = 64;

/// The text is not the key of a witness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadKey {
    /// Not `name+hash+key`.
    #[error("a witness's key looks like name+1a2b3c4d+BASE64")]
    Malformed,
    /// The hash in the middle is not that of name and key: something was mistyped.
    #[error("the parts of this key do not belong together")]
    Mistyped,
    /// A key of another kind, that of a log for instance.
    #[error("this is not the Ed25519 key of a witness")]
    OtherKind,
}

/// Name and key of a witness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessKey {
    name: String,
    key: PublicKey,
}

/// What a witness signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cosignature {
    /// When, by the witness's clock, in seconds since 1970.
    pub time_s: u64,
    /// Over [`Cosignature::message`].
    pub signature: Signature,
}

impl WitnessKey {
    /// Reads `name+hash+base64(0x04 || key)`: the text form of a key (c2sp.org/signed-note).
    pub fn parse(text: &str) -> Result<Self, BadKey> {
        let text = text.trim();
        require(text.len() <= MAX_KEY, BadKey::Malformed)?;
        // The name holds no plus sign, and base64 may.
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(hash), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(BadKey::Malformed);
        };
        let plain = |c: char| !c.is_whitespace() && !c.is_control();
        require(!name.is_empty() && name.chars().all(plain), BadKey::Malformed)?;
        let hash = HEXLOWER.decode(hash.as_bytes()).map_err(|_| BadKey::Malformed)?;
        let bytes = BASE64.decode(key.as_bytes()).map_err(|_| BadKey::Malformed)?;
        let digest = sha256(&[name.as_bytes(), b"\n", &bytes]);
        require(hash == digest[..4], BadKey::Mistyped)?;
        let (kind, key) = bytes.split_first().ok_or(BadKey::Malformed)?;
        let key: PublicKey = key.try_into().map_err(|_| BadKey::OtherKind)?;
        require(*kind == COSIGNATURE_V1 && is_strong_signing_key(&key), BadKey::OtherKind)?;
        Ok(Self { name: name.to_owned(), key })
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text form.
    pub fn text(&self) -> String {
        let mut bytes = vec![COSIGNATURE_V1];
        bytes.extend_from_slice(&self.key);
        format!("{}+{}+{}", self.name, HEXLOWER.encode(&self.key_id()), BASE64.encode(&bytes))
    }

    fn key_id(&self) -> [u8; 4] {
        let digest = sha256(&[self.name.as_bytes(), b"\n", &[COSIGNATURE_V1], &self.key]);
        [digest[0], digest[1], digest[2], digest[3]]
    }

    /// This witness's cosignature of a checkpoint, among the signature lines of an answer. Lines of
    /// others are none of its business; `None` if there is no valid one.
    pub fn find(&self, answer: &str, checkpoint: &Checkpoint) -> Option<Cosignature> {
        let lines = answer.split('\n').take(MAX_LINES);
        lines.filter_map(|line| self.read(line)).find(|found| self.signs(found, checkpoint))
    }

    fn read(&self, line: &str) -> Option<Cosignature> {
        let (name, signed) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
        let signed = BASE64.decode(signed.as_bytes()).ok().filter(|_| name == self.name)?;
        let (id, signed) = signed.split_at_checked(4)?;
        let (time, signature) = signed.split_at_checked(8).filter(|_| id == self.key_id())?;
        let time_s = u64::from_be_bytes(time.try_into().ok()?);
        let signature = signature.try_into().ok()?;
        i64::try_from(time_s).is_ok().then_some(Cosignature { time_s, signature })
    }

    /// Whether a cosignature is this witness's over a checkpoint.
    pub fn signs(&self, found: &Cosignature, checkpoint: &Checkpoint) -> bool {
        let message = Cosignature::message(found.time_s, checkpoint);
        verifies(&self.key, message.as_bytes(), &found.signature)
    }
}

impl Cosignature {
    /// What a witness signs: that this was, at that time, the largest state it had seen.
    pub fn message(time_s: u64, checkpoint: &Checkpoint) -> String {
        format!("cosignature/v1\ntime {time_s}\n{}", checkpoint.text())
    }
}

/// What a witness is asked: to cosign `note`, which continues the `old` entries that it has seen.
pub fn request(old: u64, proof: &[Digest], note: &str) -> String {
    let mut text = format!("old {old}\n");
    for hash in proof.iter().take(MAX_PROOF) {
        text.push_str(&BASE64.encode(hash));
        text.push('\n');
    }
    text.push('\n');
    text.push_str(note);
    text
}

/// The size that a witness answers with where it has seen another one.
pub fn conflict_size(answer: &str) -> Option<u64> {
    let digits = answer.strip_suffix('\n')?;
    let plain =
        digits.bytes().all(|b| b.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    digits.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use strongroom_crypto::safe::{IdentityKey, OsEntropy};
    use strongroom_format::id::OrgId;

    use super::*;

    fn witness() -> (IdentityKey, WitnessKey) {
        let key = IdentityKey::make(&mut OsEntropy).unwrap();
        let public = WitnessKey { name: "witness.example/w1".to_owned(), key: key.public() };
        (key, public)
    }

    fn checkpoint(size: u64) -> Checkpoint {
        Checkpoint { org: OrgId([7; 32]), reset: 0, size, root: [9; 32] }
    }

    fn line(key: &IdentityKey, witness: &WitnessKey, time_s: u64, over: &Checkpoint) -> String {
        let mut signed = witness.key_id().to_vec();
        signed.extend_from_slice(&time_s.to_be_bytes());
        signed.extend_from_slice(&key.sign(Cosignature::message(time_s, over).as_bytes()));
        format!("\u{2014} {} {}\n", witness.name, BASE64.encode(&signed))
    }

    #[test]
    fn a_key_reads_back_and_every_slip_is_told() {
        let (_, key) = witness();
        let text = key.text();
        assert_eq!(WitnessKey::parse(&format!(" {text}\n")), Ok(key));
        assert_eq!(WitnessKey::parse(&text.replace("w1+", "w2+")), Err(BadKey::Mistyped));
        assert_eq!(WitnessKey::parse("witness.example"), Err(BadKey::Malformed));
        assert_eq!(WitnessKey::parse(&text.replace("w1", "w 1")), Err(BadKey::Malformed));
        let mut bytes = vec![0x01];
        bytes.extend_from_slice(&[5; 32]);
        let id = sha256(&[b"log", b"\n", &bytes]);
        let log = format!("log+{}+{}", HEXLOWER.encode(&id[..4]), BASE64.encode(&bytes));
        assert_eq!(WitnessKey::parse(&log), Err(BadKey::OtherKind));
    }

    #[test]
    fn only_the_witness_s_own_signature_over_this_very_state_counts() {
        let ((own, public), (other, stranger)) = (witness(), witness());
        let (now, later) = (checkpoint(5), checkpoint(6));
        let good = line(&own, &public, 1_700_000_000, &now);
        let answer = format!("{}{good}", line(&other, &stranger, 1, &now));
        assert_eq!(public.find(&answer, &now).map(|c| c.time_s), Some(1_700_000_000));
        assert_eq!(public.find(&answer, &later), None);
        assert_eq!(public.find(&line(&other, &public, 1, &now), &now), None);
        assert_eq!(stranger.find(&good, &now), None);
        assert_eq!(public.find("", &now), None);
        let broken = good.replace('A', "B");
        assert!(broken == good || public.find(&broken, &now).is_none());
    }

    #[test]
    fn a_request_is_what_the_specification_shows() {
        let text = request(3, &[[1; 32], [2; 32]], "origin\n5\nroot\n\n\u{2014} sig\n");
        let lines: Vec<&str> = text.split('\n').collect();
        assert_eq!(lines[0], "old 3");
        assert_eq!(BASE64.decode(lines[2].as_bytes()).unwrap(), [2; 32]);
        assert_eq!((lines[3], lines[4]), ("", "origin"));
        assert_eq!(conflict_size("20852014\n"), Some(20_852_014));
        for bad in ["", "5", "05\n", "+5\n", "5\n\n", "-1\n", " 5\n", "99999999999999999999999\n"] {
            assert_eq!(conflict_size(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_a_witness_answers_is_read_without_harm(answer in ".{0,400}", key in ".{0,80}") {
            let (_, public) = witness();
            prop_assert_eq!(public.find(&answer, &checkpoint(5)), None);
            let _ = (WitnessKey::parse(&key), conflict_size(&answer));
        }
    }
}
