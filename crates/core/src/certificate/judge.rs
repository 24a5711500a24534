//! What a certificate proves: a pure pass over its own bytes.

use strongroom_chain::OrgState;
use strongroom_chain::org::verify;
use strongroom_chain::signature::verifies;
use strongroom_crypto::safe::Fingerprint;
use strongroom_format::check::{holds, require};
use strongroom_format::commit::SignedCommit;
use strongroom_format::encoding::DecodeError;
use strongroom_format::event::EventKind;
use strongroom_format::hash::Digest;
use strongroom_format::id::{EnvId, OrgId, Principal};
use strongroom_format::note::Checkpoint;
use strongroom_format::statement::{EnvKind, Link, Rights, Role};
use thiserror::Error;

use super::{Certificate, CertifiedEnv, MAX_FILE, Parsed, parse};
use crate::log::{Replacement, may_say_replaced};
use crate::offboard::{Loss, LostEnv, Rotated, Tab, lost_by};

/// Why a file is no certificate of anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refused {
    /// Not the bytes of a certificate.
    #[error("this is no certificate, or it was changed: {0}")]
    Decode(#[from] DecodeError),
    /// Larger than any certificate.
    #[error("the file is larger than a certificate may be")]
    TooLarge,
    /// The organisation's chain in it does not verify.
    #[error("the organisation's chain in it does not verify")]
    Chain,
    /// The signer did not manage the organisation.
    #[error("whoever signed it did not manage the organisation")]
    Signer,
    /// The signature is not the signer's.
    #[error("the signature does not fit: the certificate was changed")]
    Signature,
    /// Whoever it names never held a key, or may still read something.
    #[error("whoever it names has not left")]
    NotLeft,
    /// The environments are not exactly those that were lost.
    #[error("the environments are not those that the leaver lost")]
    Environments,
    /// A data key that the leaver held is still in force.
    #[error("a data key that the leaver held is still in force")]
    Due,
    /// A commit is not the one behind the new data key.
    #[error("a commit is not the one that seals everything anew")]
    Commit,
    /// A value that was used is neither new nor replaced.
    #[error("a value that the leaver used is neither new nor replaced at its source")]
    Open,
    /// Somebody's word does not verify.
    #[error("a word that something was replaced does not verify")]
    Word,
    /// The checkpoint is not the audit log's.
    #[error("the audit checkpoint is not signed by the organisation's log")]
    Checkpoint,
}

/// One environment of a certificate that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgedEnv {
    /// Which.
    pub env: EnvId,
    /// What the signer calls it.
    pub place: String,
    /// The newest data key that the leaver held.
    pub held: u32,
    /// How it lost the right.
    pub loss: Loss,
    /// The data key that replaced it.
    pub rotated: Rotated,
    /// The commit that sealed everything anew, with its author; `None` where there was nothing to
    /// seal, by the signer's word.
    pub commit: Option<(u64, Principal)>,
}

/// What a certificate that holds proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The organisation.
    pub org: OrgId,
    /// Its newest link when the certificate was signed ...
    pub org_seq: u64,
    /// ... and that link's head.
    pub org_head: Digest,
    /// Who signed.
    pub signer: Principal,
    /// The fingerprint of the signer's keys, where it is a person.
    pub signer_fingerprint: Option<String>,
    /// The fingerprint of the leaver's last keys, where it is a person.
    pub fingerprint: Option<String>,
    /// How many entries of the audit log were read; `None` where there is no checkpoint.
    pub audit_size: Option<u64>,
    /// Every environment.
    pub envs: Vec<JudgedEnv>,
    /// What was certified.
    pub certificate: Certificate,
}

impl Verdict {
    /// How many values ask for this much.
    pub fn count(&self, tab: Tab) -> usize {
        self.certificate.values.iter().filter(|v| v.value.tab() == tab).count()
    }

    /// What it does not prove, in plain words.
    pub const LIMITS: [&'static str; 3] = [
        "Which values the leaver could read, and what it did with them, is the word of the signer, \
         who read the audit log up to the named checkpoint.",
        "The audit log knows what the leaver's own program noted. Whoever was able to open a value \
         may have opened it elsewhere.",
        "That something was replaced at its source is the word of whoever signed it.",
    ];
}

/// Judges a certificate by nothing but its own bytes.
pub fn judge(file: &[u8]) -> Result<Verdict, Refused> {
    if file.len() > MAX_FILE {
        return Err(Refused::TooLarge); // nothing but memory hangs on it
    }
    let (signed, signature) = file.split_last_chunk::<64>().ok_or(DecodeError::Truncated)?;
    let Parsed { links, certificate, signer } = parse(signed)?;
    let state = chain(&links)?;
    let Principal::User(user) = signer else { return Err(Refused::Signer) };
    require(state.role(&user).is_some_and(Role::manages), Refused::Signer)?;
    let key = state.signing_key(&signer, state.seq(), certificate.signed_ms);
    let key = key.ok_or(Refused::Signer)?;
    require(verifies(&key, signed, signature), Refused::Signature)?;
    let time_ms = certificate.signed_ms.max(state.time_ms());
    let lost = lost_by(&state, certificate.who, time_ms).ok_or(Refused::NotLeft)?;
    let envs = judge_envs(&state, &lost, &certificate)?;
    judge_values(&state, &lost, &certificate)?;
    Ok(Verdict {
        org: state.org(),
        org_seq: state.seq(),
        org_head: state.head(),
        signer,
        signer_fingerprint: fingerprint(&state, &signer),
        fingerprint: fingerprint(&state, &certificate.who),
        audit_size: audit_size(&state, &certificate.checkpoint)?,
        envs,
        certificate,
    })
}

fn chain(links: &[Vec<u8>]) -> Result<OrgState, Refused> {
    let parsed = links.iter().map(|link| Link::parse(link)).collect::<Result<Vec<_>, _>>()?;
    let genesis = links.first().ok_or(Refused::Chain)?;
    verify(&parsed, OrgId::of_genesis(genesis), None).map_err(|_| Refused::Chain)
}

fn judge_envs(
    state: &OrgState,
    lost: &[LostEnv],
    certificate: &Certificate,
) -> Result<Vec<JudgedEnv>, Refused> {
    let listed = lost.iter().map(|env| env.env).eq(certificate.envs.iter().map(|env| env.env));
    require(listed, Refused::Environments)?;
    lost.iter().zip(&certificate.envs).map(|(lost, env)| judge_env(state, lost, env)).collect()
}

fn judge_env(state: &OrgState, lost: &LostEnv, env: &CertifiedEnv) -> Result<JudgedEnv, Refused> {
    let rotated = lost.rotated.ok_or(Refused::Due)?;
    let epoch =
        state.env(&lost.env).and_then(|env| env.epoch(rotated.epoch)).ok_or(Refused::Due)?;
    let commit = if env.commit.is_empty() {
        // Nothing was written since, so there was nothing to seal anew either: else no other commit
        // would have been taken.
        require((env.seq, env.head) == (epoch.cut_seq, epoch.cut_head), Refused::Commit)?;
        None
    } else {
        let signed = SignedCommit::parse(&env.commit)?;
        require(is_resealing(state, lost, &rotated, &signed), Refused::Commit)?;
        require(env.seq >= signed.commit.seq, Refused::Commit)?;
        Some((signed.commit.seq, signed.commit.author))
    };
    let place = env.place.clone();
    Ok(JudgedEnv { env: env.env, place, held: lost.held, loss: lost.loss, rotated, commit })
}

/// Whether a commit is the one behind the rotation: by a writer, under a data key that the leaver
/// never held, continuing the very commit that the chain names.
fn is_resealing(
    state: &OrgState,
    lost: &LostEnv,
    rotated: &Rotated,
    signed: &SignedCommit,
) -> bool {
    let commit = &signed.commit;
    let Some(env) = state.env(&lost.env) else { return false };
    let cut = env.epoch(rotated.epoch).map(|epoch| epoch.cut_head);
    let placed = commit.org == state.org()
        && holds(commit.env == lost.env)
        && holds(commit.seq == rotated.cut_seq + 1)
        && holds(Some(commit.prev) == cut)
        && state.head_at(commit.org_seq) == Some(commit.org_head)
        && commit.dek_epoch >= rotated.epoch
        && commit.dek_epoch == env.epoch_at(commit.org_seq);
    let rights = state.rights_at(&lost.env, &commit.author, commit.org_seq, commit.time_ms);
    // In the directory, sealing everything anew takes in names that only a manager writes.
    let key = state.signing_key(&commit.author, commit.org_seq, commit.time_ms);
    let verified = key.is_some_and(|key| {
        strongroom_chain::signature::verifies_labelled(
            "commit",
            &key,
            signed.signed_bytes(),
            &signed.signature(),
        )
    });
    placed && rights.includes(Rights::WRITE) && holds(verified)
}

fn judge_values(
    state: &OrgState,
    lost: &[LostEnv],
    certificate: &Certificate,
) -> Result<(), Refused> {
    for value in certificate.values.iter().map(|v| &v.value) {
        let env = lost.iter().find(|env| env.env == value.env && env.kind != EnvKind::Directory);
        let env = env.ok_or(Refused::Environments)?;
        if let Some(word) = &value.replaced {
            let about = (word.signed.act.detail.env, word.signed.act.detail.secret);
            let since = word.since().is_some_and(|since| since >= env.loss.at_ms);
            require(about == (value.env, value.secret), Refused::Word)?;
            require(since, Refused::Word)?;
            require(is_said(state, word), Refused::Word)?;
        }
        require(value.tab() != Tab::Rotate || value.is_settled(), Refused::Open)?;
    }
    Ok(())
}

/// Whether a word is signed by somebody who had a say.
fn is_said(state: &OrgState, word: &Replacement) -> bool {
    let act = &word.signed.act;
    let Some(actor) = act.actor.filter(|_| act.kind == EventKind::Replaced) else { return false };
    let seq = (0..=state.seq()).rev().find(|seq| state.head_at(*seq) == Some(act.org_head));
    let Some(seq) = seq.filter(|_| act.org == state.org()) else { return false };
    let key = state.signing_key(&actor, seq, 0);
    holds(may_say_replaced(state, &actor, &act.detail.env, seq))
        && holds(key.is_some_and(|key| verifies(&key, &act.message(), &word.signed.signature)))
}

fn audit_size(state: &OrgState, note: &str) -> Result<Option<u64>, Refused> {
    if note.is_empty() {
        return Ok(None);
    }
    let (org, reset, vkey) = (state.org(), state.audit_reset(), state.audit_vkey());
    let parsed = Checkpoint::parse(note, &org, reset, vkey);
    let (checkpoint, signature) = parsed.map_err(|_| Refused::Checkpoint)?;
    require(verifies(vkey, checkpoint.text().as_bytes(), &signature), Refused::Checkpoint)?;
    Ok(Some(checkpoint.size))
}

fn fingerprint(state: &OrgState, who: &Principal) -> Option<String> {
    let Principal::User(user) = who else { return None };
    let (_, keys) = state.member(user)?.keys.all().last()?;
    Some(Fingerprint::of(user, keys).groups())
}
