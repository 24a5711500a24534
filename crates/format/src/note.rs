//! Audit checkpoints as C2SP signed notes (c2sp.org/tlog-checkpoint, c2sp.org/signed-note).
//!
//! The origin is a function of the organisation and its reset counter, so no server text chooses
//! which log a checkpoint belongs to.

use data_encoding::BASE64;
use thiserror::Error;

use crate::check::require;
use crate::hash::{Digest, sha256};
use crate::id::OrgId;
use crate::statement::{PublicKey, Signature};

/// The longest note this program reads, in bytes.
pub const MAX_NOTE: usize = 1024;
const ED25519: u8 = 0x01;

/// The text is not a checkpoint in its only accepted form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a checkpoint")]
pub struct NoteError;

/// The state of an audit log: how many entries, and their Merkle root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// Whose log.
    pub org: OrgId,
    /// How often an owner accepted a new tree; 0 for the first.
    pub reset: u32,
    /// Number of entries.
    pub size: u64,
    /// RFC 6962 root over all of them.
    pub root: Digest,
}

impl Checkpoint {
    /// The origin line and key name: `strongroom/<org id>/audit/<reset>`.
    pub fn origin(&self) -> String {
        format!("strongroom/{}/audit/{}", self.org, self.reset)
    }

    /// The signed text: origin, size and root, each with its newline.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin(), self.size, BASE64.encode(&self.root))
    }

    /// The whole note.
    pub fn note(&self, vkey: &PublicKey, signature: &Signature) -> String {
        let origin = self.origin();
        let mut signed = key_id(&origin, vkey).to_vec();
        signed.extend_from_slice(signature);
        format!("{}\n\u{2014} {origin} {}\n", self.text(), BASE64.encode(&signed))
    }

    /// Reads a note of the log `(org, reset)`; the caller checks the signature over
    /// [`Checkpoint::text`]. Anything but the one form [`Checkpoint::note`] writes is refused:
    /// extra lines, other origins, other keys, leading zeros.
    pub fn parse(
        note: &str,
        org: &OrgId,
        reset: u32,
        vkey: &PublicKey,
    ) -> Result<(Self, Signature), NoteError> {
        // A bound on the work: no note in the one accepted form is as long.
        if note.len() > MAX_NOTE {
            return Err(NoteError);
        }
        let mut lines = note.split('\n');
        let _origin = lines.next().ok_or(NoteError)?;
        let size = lines.next().and_then(|s| s.parse().ok()).ok_or(NoteError)?;
        let root = decode_array::<32>(lines.next())?;
        let signed = decode_array::<68>(lines.nth(1).and_then(|l| l.rsplit(' ').next()))?;
        let checkpoint = Self { org: *org, reset, size, root };
        let mut signature = [0; 64];
        signature.copy_from_slice(&signed[4..]);
        // Whatever was lenient above is settled here: there is one spelling.
        require(checkpoint.note(vkey, &signature) == note, NoteError)?;
        Ok((checkpoint, signature))
    }
}

/// The first four bytes of SHA-256(name || 0x0A || 0x01 || key) (c2sp.org/signed-note).
pub fn key_id(name: &str, vkey: &PublicKey) -> [u8; 4] {
    let digest = sha256(&[name.as_bytes(), b"\n", &[ED25519], vkey]);
    [digest[0], digest[1], digest[2], digest[3]]
}

fn decode_array<const N: usize>(text: Option<&str>) -> Result<[u8; N], NoteError> {
    let bytes = BASE64.decode(text.ok_or(NoteError)?.as_bytes()).map_err(|_| NoteError)?;
    bytes.try_into().map_err(|_| NoteError)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> (Checkpoint, String) {
        let checkpoint = Checkpoint { org: OrgId([7; 32]), reset: 0, size: 42, root: [9; 32] };
        (checkpoint, checkpoint.note(&[1; 32], &[2; 64]))
    }

    #[test]
    fn a_note_reads_back() {
        let (checkpoint, note) = sample();
        assert_eq!(
            Checkpoint::parse(&note, &OrgId([7; 32]), 0, &[1; 32]),
            Ok((checkpoint, [2; 64]))
        );
    }

    #[test]
    fn every_other_spelling_is_refused() {
        let (_, note) = sample();
        for bad in [
            note.replace("\n42\n", "\n042\n"),
            note.replace("\n42\n", "\n+42\n"),
            note.replace("\n42\n", "\n42\nextra\n"),
            note.replacen("strongroom/", "evil\n999\nstrongroom/", 1),
            format!("{note}\n"),
            note.trim_end().to_owned(),
            note.replace('\u{2014}', "-"),
            note.replace('\n', "\r\n"),
        ] {
            assert_eq!(Checkpoint::parse(&bad, &OrgId([7; 32]), 0, &[1; 32]), Err(NoteError));
        }
        assert!(Checkpoint::parse(&note, &OrgId([8; 32]), 0, &[1; 32]).is_err());
        assert!(Checkpoint::parse(&note, &OrgId([7; 32]), 1, &[1; 32]).is_err());
        assert!(Checkpoint::parse(&note, &OrgId([7; 32]), 0, &[3; 32]).is_err());
    }
}
