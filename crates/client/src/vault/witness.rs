//! An independent witness of the audit log, asked by this computer after its syncs.
//!
//! It signs only what continues the states it has seen before, whoever showed them. So where two
//! people name the same witness, a server cannot keep two logs for them for longer than until both
//! have asked. It learns the id of the organisation and how many entries the log has, and no more.
//! What it says never stops a vault: it signs what it agrees to, and nothing else.

use std::fmt;

use strongroom_chain::tree;
use strongroom_core::cosign::{self, BadKey, WitnessKey};
use strongroom_core::replica::Replica;
use strongroom_format::encoding::{Codec, DecodeError, Reader, Writer};
use strongroom_format::hash::Digest;
use strongroom_format::id::OrgId;
use strongroom_format::pins::AuditPin;

use super::error::VaultError;
use super::session::{Notice, Session};
use super::sync::nodes;
use crate::api::{TimeLimits, WitnessAnswer, WitnessUrl, add_checkpoint};

/// How long a witness is let be, in milliseconds.
const PAUSE: u64 = 5 * 60 * 1000;
/// How often it is asked at once: it may tell which size it has seen, and others may ask meanwhile.
const ATTEMPTS: usize = 3;

/// A witness, and what came of asking it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Witness {
    url: WitnessUrl,
    key: WitnessKey,
    /// When it was asked last, in milliseconds since 1970.
    asked_ms: u64,
    last: Option<Cosigned>,
    problem: Option<WitnessProblem>,
}

/// A state that the witness signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cosigned {
    pin: AuditPin,
    time_s: u64,
}

/// Why there is no newer cosignature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WitnessProblem {
    /// It does not answer.
    Unreachable,
    /// It does not serve this log.
    UnknownLog,
    /// It knows another key for this log.
    OtherKey,
    /// It has seen another log: with another root at this size.
    Differs {
        /// At which size.
        size: u64,
    },
    /// It does not take the proof that the log goes on from what it has seen.
    Unproven,
    /// Its answer holds no signature of the key that was entered.
    NoSignature,
    /// It refused with this status.
    Refused(u16),
}

impl fmt::Display for WitnessProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable => f.write_str("The witness does not answer."),
            Self::UnknownLog => f.write_str(
                "The witness does not know this log. Its operator has to add the log's name and key.",
            ),
            Self::OtherKey => f.write_str("The witness knows another key for this log."),
            Self::Differs { size } => write!(
                f,
                "The witness has seen another log: with {size} entries it had another root. \
                 Somebody is shown a different history. Compare the log with your colleagues."
            ),
            Self::Unproven => f.write_str(
                "The witness does not accept that this log goes on from the entries it has seen.",
            ),
            Self::NoSignature => {
                f.write_str("The answer holds no signature of the key that was entered.")
            }
            Self::Refused(status) => write!(f, "The witness refused with status {status}."),
        }
    }
}

/// The witness as a window shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessShown {
    /// Where it is asked.
    pub url: String,
    /// The name in its key.
    pub name: String,
    /// The text form of its key.
    pub vkey: String,
    /// When it last signed, by its own clock in milliseconds since 1970, and how many entries. Only
    /// of the present log.
    pub last: Option<(u64, u64)>,
    /// Why there is no newer signature.
    pub problem: Option<WitnessProblem>,
}

/// Why a witness cannot be set.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// Its address.
    #[error(transparent)]
    Url(#[from] crate::api::BadOrigin),
    /// Its key.
    #[error(transparent)]
    Key(#[from] BadKey),
    /// It cannot be kept.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl Session {
    /// The witness that this computer asks for the organisation in front.
    pub fn witness(&self) -> Result<Option<WitnessShown>, VaultError> {
        let org = self.current()?;
        let reset = self.with_org(org, |opened| opened.replica.audit().reset)?;
        self.look_at_watch(org, |watch| watch.witness.as_ref().map(|witness| witness.shown(reset)))
    }

    /// Names a witness for the organisation in front, in place of another one, and asks it.
    pub async fn set_witness(&self, url: &str, key: &str) -> Result<WitnessShown, WitnessError> {
        let (url, key) = (url.parse()?, WitnessKey::parse(key)?);
        let org = self.current()?;
        let new = Witness { url, key, asked_ms: 0, last: None, problem: None };
        self.change_watch(org, |watch| watch.witness = Some(new))?;
        self.ask_witness(org).await?;
        Ok(self.witness()?.ok_or(VaultError::NotFound)?)
    }

    /// Asks no witness any more for the organisation in front.
    pub fn remove_witness(&self) -> Result<(), VaultError> {
        self.change_watch(self.current()?, |watch| watch.witness = None)?;
        self.tell(Notice::Status);
        Ok(())
    }

    /// Shows the witness the pinned audit state, unless it has signed that or was asked a moment ago.
    /// What goes wrong is kept to be shown.
    pub(super) async fn ask_witness(&self, org: OrgId) -> Result<(), VaultError> {
        let (replica, _) = self.copy_to_change(org)?;
        let (pin, now) = (*replica.audit(), self.now_ms());
        let Some(witness) = self.look_at_watch(org, |watch| watch.witness.clone())? else {
            return Ok(());
        };
        let signed = witness.last.is_some_and(|last| last.pin == pin);
        // A clock that was set back does not silence it for long.
        let rests = (witness.asked_ms..witness.asked_ms.saturating_add(PAUSE)).contains(&now);
        if signed || rests || pin.size == 0 || replica.audit_note().is_empty() {
            return Ok(());
        }
        let outcome = self.asked(&replica, &witness).await;
        self.change_watch(org, |watch| {
            // Another one may have been named meanwhile.
            let Some(kept) = watch.witness.as_mut().filter(|kept| kept.key == witness.key) else {
                return;
            };
            kept.asked_ms = now;
            match outcome {
                Ok(Some(time_s)) => {
                    (kept.last, kept.problem) = (Some(Cosigned { pin, time_s }), None);
                }
                Ok(None) => kept.problem = None,
                Err(problem) => kept.problem = Some(problem),
            }
        })?;
        self.tell(Notice::Status);
        Ok(())
    }

    /// The time of a cosignature of the pinned state; `None` where the witness has seen more of the
    /// log than this computer.
    async fn asked(
        &self,
        replica: &Replica,
        witness: &Witness,
    ) -> Result<Option<u64>, WitnessProblem> {
        let (pin, note) = (*replica.audit(), replica.audit_note());
        let known = witness.last.filter(|last| last.pin.reset == pin.reset);
        let mut old = known.map_or(0, |last| last.pin.size);
        for _ in 0..ATTEMPTS {
            let proof = self.way_from(replica, old).await.ok_or(WitnessProblem::Unproven)?;
            let request = cosign::request(old, &proof, note);
            let asked = add_checkpoint(&witness.url, TimeLimits::default(), request).await;
            match asked.map_err(|_| WitnessProblem::Unreachable)? {
                WitnessAnswer::Cosigned(lines) => {
                    let checkpoint = replica.signed_checkpoint(note);
                    let checkpoint = checkpoint.map_err(|_| WitnessProblem::NoSignature)?;
                    let found = witness.key.find(&lines, &checkpoint);
                    return found.map(|f| Some(f.time_s)).ok_or(WitnessProblem::NoSignature);
                }
                WitnessAnswer::Conflict(Some(size)) if size > pin.size => return Ok(None),
                WitnessAnswer::Conflict(size) if old == pin.size => {
                    let same = size.is_none_or(|size| size == old);
                    let differs = WitnessProblem::Differs { size: old };
                    return Err(if same { differs } else { WitnessProblem::Refused(409) });
                }
                WitnessAnswer::Conflict(Some(size)) if size != old => old = size,
                WitnessAnswer::Conflict(_) => return Err(WitnessProblem::Refused(409)),
                WitnessAnswer::Refused(404) => return Err(WitnessProblem::UnknownLog),
                WitnessAnswer::Refused(403) => return Err(WitnessProblem::OtherKey),
                WitnessAnswer::Refused(422) => {
                    let holds = self.is_shown(replica, old, &proof).await;
                    let differs = WitnessProblem::Differs { size: old };
                    return Err(if holds { differs } else { WitnessProblem::Unproven });
                }
                WitnessAnswer::Refused(status) => return Err(WitnessProblem::Refused(status)),
            }
        }
        // Others are quicker all the time: it is asked again later.
        Ok(None)
    }

    /// That the pinned log goes on from its first `old` entries, as the server shows it.
    async fn way_from(&self, replica: &Replica, old: u64) -> Option<Vec<Digest>> {
        let (org, size) = (replica.state().org(), replica.audit().size);
        if old == 0 || old == size {
            return Some(Vec::new());
        }
        let answer = self.api.consistency(&org, old, size).await.ok()?;
        Some(nodes(&answer.proof)).filter(|proof| proof.len() <= cosign::MAX_PROOF)
    }

    /// Whether `proof` leads from the server's own root at `old` to the pinned one: then it is the
    /// witness that has another root there.
    async fn is_shown(&self, replica: &Replica, old: u64, proof: &[Digest]) -> bool {
        let (org, pin) = (replica.state().org(), replica.audit());
        let root = if let Some(root) = self.root_read(org, pin.reset, old) {
            root
        } else {
            let answer = self.api.consistency(&org, old, old).await.ok();
            let stated = answer.and_then(|a| replica.signed_checkpoint(&a.checkpoint).ok());
            let Some(stated) = stated.filter(|stated| stated.size == old) else { return false };
            stated.root
        };
        tree::verify_consistency(old, &root, pin.size, &pin.root, proof).is_ok()
    }
}

impl Witness {
    fn shown(&self, reset: u32) -> WitnessShown {
        let last = self.last.filter(|last| last.pin.reset == reset);
        WitnessShown {
            url: self.url.to_string(),
            name: self.key.name().to_owned(),
            vkey: self.key.text(),
            last: last.map(|last| (last.time_s.saturating_mul(1_000), last.pin.size)),
            problem: self.problem,
        }
    }
}

impl Codec for Witness {
    fn write(&self, w: &mut Writer) {
        w.lp(self.url.as_str().as_bytes()).lp(self.key.text().as_bytes()).u64(self.asked_ms);
        let (tag, detail) = match self.problem {
            None => (0, 0),
            Some(WitnessProblem::Unreachable) => (1, 0),
            Some(WitnessProblem::UnknownLog) => (2, 0),
            Some(WitnessProblem::OtherKey) => (3, 0),
            Some(WitnessProblem::Differs { size }) => (4, size),
            Some(WitnessProblem::Unproven) => (5, 0),
            Some(WitnessProblem::NoSignature) => (6, 0),
            Some(WitnessProblem::Refused(status)) => (7, u64::from(status)),
        };
        w.u8(tag).u64(detail).u8(u8::from(self.last.is_some()));
        if let Some(Cosigned { pin, time_s }) = &self.last {
            w.u32(pin.reset).u64(pin.size).fixed(&pin.root).u64(*time_s);
        }
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let url = r.text(cosign::MAX_KEY * 2)?.parse().map_err(|_| DecodeError::NotCanonical)?;
        let key = WitnessKey::parse(r.text(cosign::MAX_KEY)?);
        let key = key.map_err(|_| DecodeError::NotCanonical)?;
        let asked_ms = r.u64()?;
        let problem = match (r.u8()?, r.u64()?) {
            (0, 0) => None,
            (1, 0) => Some(WitnessProblem::Unreachable),
            (2, 0) => Some(WitnessProblem::UnknownLog),
            (3, 0) => Some(WitnessProblem::OtherKey),
            (4, size) => Some(WitnessProblem::Differs { size }),
            (5, 0) => Some(WitnessProblem::Unproven),
            (6, 0) => Some(WitnessProblem::NoSignature),
            (7, status) => {
                let status = u16::try_from(status).map_err(|_| DecodeError::NotCanonical)?;
                Some(WitnessProblem::Refused(status))
            }
            _ => return Err(DecodeError::UnknownTag),
        };
        let last = if r.u8()? == 0 {
            None
        } else {
            let pin = AuditPin { reset: r.u32()?, size: r.u64()?, root: r.array()? };
            Some(Cosigned { pin, time_s: r.u64()? })
        };
        Ok(Self { url, key, asked_ms, last, problem })
    }
}
