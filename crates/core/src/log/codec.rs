//! The bytes of an [`AuditCopy`] for the device's own cache.

use std::collections::BTreeMap;

use strongroom_chain::tree::Frontier;
use strongroom_format::encoding::{Codec, DecodeError, Reader, Writer};
use strongroom_format::event::{MAX_PEER, SignedAct};
use strongroom_format::hash::Digest;
use strongroom_format::id::{DeviceId, EnvId, Principal, SecretId};
use strongroom_format::note::{Checkpoint, MAX_NOTE};
use strongroom_format::statement::PublicKey;

use super::{
    ActorHead, AuditCopy, Drill, EnvFacts, Facts, PrincipalFacts, Replacement, SEGMENT, Seen,
    Settled, Uses,
};
use strongroom_format::id::OrgId;

const VERSION: u8 = 3;

impl AuditCopy {
    /// The bytes of this copy.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.u8(VERSION).u32(self.reset);
        w.lp(self.settled.as_ref().map_or(&[][..], |settled| settled.note.as_bytes()));
        w.u64(self.base).u64(self.frontier.size());
        for digests in [&self.base_peaks, self.frontier.peaks(), &self.roots] {
            w.count(digests.len());
            for digest in digests {
                w.fixed(digest);
            }
        }
        w.count(self.actors.len());
        for ((actor, device), (head, at)) in &self.actors {
            actor.write(&mut w);
            device.write(&mut w);
            w.u64(head.seq).fixed(&head.hash).u64(*at);
        }
        write_facts(&mut w, &self.facts);
        w.finish()
    }

    /// Reads what [`AuditCopy::encode`] wrote on this device; the log belongs to `org` and its
    /// checkpoints are signed by `vkey`.
    pub fn decode(org: OrgId, vkey: &PublicKey, bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        if r.u8()? != VERSION {
            return Err(DecodeError::UnknownVersion);
        }
        let reset = r.u32()?;
        let note = r.text(MAX_NOTE)?.to_owned();
        let (base, size) = (r.u64()?, r.u64()?);
        let (base_peaks, peaks) = (read_digests(&mut r)?, read_digests(&mut r)?);
        let roots = read_digests(&mut r)?;
        let frontier = Frontier::kept(size, peaks).map_err(|_| DecodeError::NotCanonical)?;
        let complete = (size / SEGMENT).checked_sub(base / SEGMENT);
        if base % SEGMENT != 0 || complete != u64::try_from(roots.len()).ok() {
            return Err(DecodeError::NotCanonical);
        }
        let mut actors = BTreeMap::new();
        for _ in 0..r.count(usize::MAX)? {
            let key = (Principal::read(&mut r)?, DeviceId::read(&mut r)?);
            let head = ActorHead { seq: r.u64()?, hash: r.array()? };
            actors.insert(key, (head, r.u64()?));
        }
        let facts = read_facts(&mut r)?;
        r.finish()?;
        let settled = if note.is_empty() {
            None
        } else {
            let (checkpoint, _) = Checkpoint::parse(&note, &org, reset, vkey)
                .map_err(|_| DecodeError::NotCanonical)?;
            Some(Settled { checkpoint, note })
        };
        Ok(Self { reset, base, base_peaks, frontier, roots, actors, facts, settled })
    }
}

fn read_digests(r: &mut Reader<'_>) -> Result<Vec<Digest>, DecodeError> {
    (0..r.count(usize::MAX)?).map(|_| r.array()).collect()
}

fn write_facts(w: &mut Writer, facts: &Facts) {
    w.u64(facts.doubtful).u64(facts.gaps).count(facts.principals.len());
    for (who, known) in &facts.principals {
        who.write(w);
        write_seen(w, known.last.as_ref());
        w.count(known.devices.len());
        for (device, at_ms) in &known.devices {
            device.write(w);
            w.u64(*at_ms);
        }
        w.count(known.envs.len());
        for (env, known) in &known.envs {
            env.write(w);
            write_env(w, known);
        }
    }
    w.count(facts.replaced.len());
    for replaced in facts.replaced.values() {
        replaced.signed.write(w);
    }
}

fn read_facts(r: &mut Reader<'_>) -> Result<Facts, DecodeError> {
    let (doubtful, gaps) = (r.u64()?, r.u64()?);
    let mut facts = Facts { doubtful, gaps, ..Facts::default() };
    for _ in 0..r.count(usize::MAX)? {
        let who = Principal::read(r)?;
        let mut known = PrincipalFacts { last: read_seen(r)?, ..PrincipalFacts::default() };
        for _ in 0..r.count(usize::MAX)? {
            known.devices.insert(DeviceId::read(r)?, r.u64()?);
        }
        for _ in 0..r.count(usize::MAX)? {
            known.envs.insert(EnvId::read(r)?, read_env(r)?);
        }
        facts.principals.insert(who, known);
    }
    for _ in 0..r.count(usize::MAX)? {
        let signed = SignedAct::read(r)?;
        let key = (signed.act.detail.env, signed.act.detail.secret);
        facts.replaced.insert(key, Replacement { signed });
    }
    Ok(facts)
}

fn write_env(w: &mut Writer, known: &EnvFacts) {
    write_seen(w, known.fetched.as_ref());
    let (at_ms, device) = known.decrypted.unwrap_or((0, DeviceId::ZERO));
    w.u8(u8::from(known.decrypted.is_some())).u64(at_ms);
    device.write(w);
    w.u8(u8::from(known.drill.is_some()));
    if let Some(drill) = &known.drill {
        w.u32(drill.epoch).u64(drill.at_ms).fixed(&drill.proof).u64(drill.org_seq);
    }
    w.count(known.secrets.len());
    for (secret, uses) in &known.secrets {
        secret.write(w);
        for at_ms in uses.0 {
            w.u64(at_ms);
        }
    }
}

fn read_env(r: &mut Reader<'_>) -> Result<EnvFacts, DecodeError> {
    let fetched = read_seen(r)?;
    let opened = r.u8()? == 1;
    let decrypted = (r.u64()?, DeviceId::read(r)?);
    let drill = match r.u8()? {
        0 => None,
        _ => Some(Drill { epoch: r.u32()?, at_ms: r.u64()?, proof: r.array()?, org_seq: r.u64()? }),
    };
    let mut secrets = BTreeMap::new();
    for _ in 0..r.count(usize::MAX)? {
        let secret = SecretId::read(r)?;
        let mut uses = Uses::default();
        for at_ms in &mut uses.0 {
            *at_ms = r.u64()?;
        }
        secrets.insert(secret, uses);
    }
    Ok(EnvFacts { fetched, decrypted: opened.then_some(decrypted), drill, secrets })
}

fn write_seen(w: &mut Writer, seen: Option<&Seen>) {
    w.u8(u8::from(seen.is_some()));
    if let Some(seen) = seen {
        w.u64(seen.at_ms).lp(seen.peer.as_bytes());
    }
}

fn read_seen(r: &mut Reader<'_>) -> Result<Option<Seen>, DecodeError> {
    match r.u8()? {
        0 => Ok(None),
        1 => Ok(Some(Seen { at_ms: r.u64()?, peer: r.text(MAX_PEER)?.to_owned() })),
        _ => Err(DecodeError::UnknownTag),
    }
}
