//! The certificate of a finished offboarding: one file that anybody can judge without a server, a
//! vault or the organisation's goodwill.
//!
//! ```text
//! file  = label("certificate") || body || Ed25519(signer, label("certificate") || body)(64)
//! body  = 0x01 || n x lp(link) || who(17) || text name || signer(17) || u64 time || text checkpoint
//!         || n x env (rising) || n x value (rising)
//! env   = env_id(16) || text place || u64 seq || head(32) || lp(commit, or nothing)
//! value = env_id(16) || secret_id(16) || text name || flag deleted || u8 strongest use, or 0
//!         || u64 last use || u64 fetched || u64 new value || flag replaced || (act || signature(64))
//! ```
//!
//! The links are the organisation's whole chain, so that what it proves follows from the id of the
//! organisation alone. What rests on the signer's word, the verdict says.

mod judge;
mod page;

use strongroom_format::encoding::{Codec, DecodeError, Reader, Writer};
use strongroom_format::event::{EventKind, SignedAct};
use strongroom_format::hash::{Digest, label};
use strongroom_format::id::{EnvId, Principal, SecretId};
use strongroom_format::note::MAX_NOTE;
use strongroom_format::statement::MAX_LINK;

use crate::log::Use;
use crate::offboard::CouldRead;
use crate::replica::{Me, Replica};

pub use judge::{JudgedEnv, Refused, Verdict, judge};
pub(crate) use page::head_code;
pub use page::page;

/// What such a file is called.
pub const ENDING: &str = "strongroom-certificate";
/// The largest certificate that is read, in bytes.
pub const MAX_FILE: usize = 256 * 1024 * 1024;
const VERSION: u8 = 1;
const MAX_TEXT: usize = 1_024;
const MAX_LIST: usize = 1_000_000;

/// An environment that the leaver lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertifiedEnv {
    /// Which.
    pub env: EnvId,
    /// What people call it.
    pub place: String,
    /// The newest commit that the signer verified there ...
    pub seq: u64,
    /// ... and its head.
    pub head: Digest,
    /// The signed commit behind the new data key, which seals everything anew; empty where the
    /// environment held nothing.
    pub commit: Vec<u8>,
}

/// A secret that the leaver could read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertifiedValue {
    /// Its name; may be left empty.
    pub name: String,
    /// What is known of it.
    pub value: CouldRead,
}

/// What a signer certifies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Who left.
    pub who: Principal,
    /// The leaver's name; may be left empty.
    pub name: String,
    /// When it is signed, in milliseconds since 1970.
    pub signed_ms: u64,
    /// The checkpoint up to which the audit log was read.
    pub checkpoint: String,
    /// Every environment that the leaver lost.
    pub envs: Vec<CertifiedEnv>,
    /// Every secret that it could read there.
    pub values: Vec<CertifiedValue>,
}

impl Certificate {
    /// The file: with the chain as `replica` verified it, signed by `me`.
    pub fn sign(mut self, replica: &Replica, me: &Me) -> Vec<u8> {
        self.envs.sort_by_key(|env| env.env);
        self.values.sort_by_key(|v| (v.value.env, v.value.secret));
        let mut w = Writer::new();
        w.fixed(&label("certificate")).u8(VERSION);
        let last = replica.state().seq();
        w.count(usize::try_from(last).unwrap_or(usize::MAX).saturating_add(1));
        for link in (0..=last).filter_map(|seq| replica.link(seq)) {
            w.lp(link.as_bytes());
        }
        self.who.write(&mut w);
        w.lp(self.name.as_bytes());
        me.principal.write(&mut w);
        w.u64(self.signed_ms.max(replica.state().time_ms())).lp(self.checkpoint.as_bytes());
        w.count(self.envs.len());
        for env in &self.envs {
            write_env(&mut w, env);
        }
        w.count(self.values.len());
        for value in &self.values {
            write_value(&mut w, value);
        }
        let mut file = w.finish();
        let signature = me.keyset.isk.sign(&file);
        file.extend_from_slice(&signature);
        file
    }
}

/// A certificate as it was read, not judged yet.
struct Parsed {
    links: Vec<Vec<u8>>,
    certificate: Certificate,
    signer: Principal,
}

fn parse(signed: &[u8]) -> Result<Parsed, DecodeError> {
    let begin = label("certificate");
    let mut r = Reader::new(signed);
    if r.fixed(begin.len())? != begin || r.u8()? != VERSION {
        return Err(DecodeError::UnknownVersion);
    }
    let links = (0..r.count(MAX_LIST)?)
        .map(|_| r.lp(MAX_LINK).map(<[u8]>::to_vec))
        .collect::<Result<_, _>>()?;
    let who = Principal::read(&mut r)?;
    let name = r.text(MAX_TEXT)?.to_owned();
    let signer = Principal::read(&mut r)?;
    let signed_ms = r.u64()?;
    let checkpoint = r.text(MAX_NOTE)?.to_owned();
    let mut envs: Vec<CertifiedEnv> = Vec::new();
    for _ in 0..r.count(MAX_LIST)? {
        let env = read_env(&mut r)?;
        rises(envs.last().map(|last| &last.env), &env.env)?;
        envs.push(env);
    }
    let mut values: Vec<CertifiedValue> = Vec::new();
    for _ in 0..r.count(MAX_LIST)? {
        let value = read_value(&mut r)?;
        let key = |v: &CertifiedValue| (v.value.env, v.value.secret);
        rises(values.last().map(key).as_ref(), &key(&value))?;
        values.push(value);
    }
    r.finish()?;
    let certificate = Certificate { who, name, signed_ms, checkpoint, envs, values };
    Ok(Parsed { links, certificate, signer })
}

fn rises<K: Ord>(last: Option<&K>, next: &K) -> Result<(), DecodeError> {
    if last.is_none_or(|last| last < next) { Ok(()) } else { Err(DecodeError::NotCanonical) }
}

fn write_env(w: &mut Writer, env: &CertifiedEnv) {
    env.env.write(w);
    w.lp(env.place.as_bytes()).u64(env.seq).fixed(&env.head).lp(&env.commit);
}

fn read_env(r: &mut Reader<'_>) -> Result<CertifiedEnv, DecodeError> {
    Ok(CertifiedEnv {
        env: EnvId::read(r)?,
        place: r.text(MAX_TEXT)?.to_owned(),
        seq: r.u64()?,
        head: r.array()?,
        commit: r.lp(strongroom_format::commit::MAX_COMMIT)?.to_vec(),
    })
}

fn write_value(w: &mut Writer, CertifiedValue { name, value }: &CertifiedValue) {
    value.env.write(w);
    value.secret.write(w);
    w.lp(name.as_bytes()).u8(u8::from(value.deleted));
    w.u8(value.strongest.map_or(0, |(what, _)| what.kind().byte()));
    w.u64(value.strongest.map_or(0, |(_, at)| at));
    w.u64(value.fetched.unwrap_or(0)).u64(value.new_value.unwrap_or(0));
    w.u8(u8::from(value.replaced.is_some()));
    if let Some(word) = &value.replaced {
        word.signed.write(w);
    }
}

fn read_value(r: &mut Reader<'_>) -> Result<CertifiedValue, DecodeError> {
    let (env, secret) = (EnvId::read(r)?, SecretId::read(r)?);
    let name = r.text(MAX_TEXT)?.to_owned();
    let deleted = read_flag(r)?;
    let strongest = match (r.u8()?, r.u64()?) {
        (0, 0) => None,
        (kind, at) => Some((read_use(kind)?, at)),
    };
    let time = |at: u64| Some(at).filter(|at| *at != 0);
    let (fetched, new_value) = (time(r.u64()?), time(r.u64()?));
    let replaced = if read_flag(r)? { Some(SignedAct::read(r)?.into()) } else { None };
    let owner = None; // whom to ask is of no use to whoever reads a certificate
    let value = CouldRead { env, secret, deleted, strongest, fetched, owner, new_value, replaced };
    Ok(CertifiedValue { name, value })
}

fn read_use(kind: u8) -> Result<Use, DecodeError> {
    Use::of(EventKind::decode(&[kind])?).ok_or(DecodeError::UnknownTag)
}

fn read_flag(r: &mut Reader<'_>) -> Result<bool, DecodeError> {
    match r.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(DecodeError::UnknownTag),
    }
}

#[cfg(test)]
mod tests;
