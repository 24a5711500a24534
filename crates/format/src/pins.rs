//! What a device remembers of what it verified (docs/protocol.md, section 10).
//!
//! The bytes here are stored with a MAC by `strongroom-client`; comparing a state with its pins is
//! `strongroom-chain`'s work.

use crate::encoding::{Codec, DecodeError, Reader, Writer, read_sorted, write_list};
use crate::hash::Digest;
use crate::id::{EnvId, OrgId};

const VERSION: u8 = 1;
/// The most environments a pin file lists.
pub const MAX_ENVS: usize = 20_000;

/// The verified head of one environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnvPin {
    /// Which environment.
    pub env: EnvId,
    /// Its newest verified commit.
    pub seq: u64,
    /// That commit's head.
    pub head: Digest,
    /// Its data-key epoch.
    pub epoch: u32,
}

impl Codec for EnvPin {
    fn write(&self, w: &mut Writer) {
        self.env.write(w);
        w.u64(self.seq).fixed(&self.head).u32(self.epoch);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { env: EnvId::read(r)?, seq: r.u64()?, head: r.array()?, epoch: r.u32()? })
    }
}

/// The verified state of an audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditPin {
    /// The reset counter of the origin.
    pub reset: u32,
    /// Number of entries.
    pub size: u64,
    /// Their root.
    pub root: Digest,
}

/// Everything a device verified of one organisation. Anything lower or different is an attack or a
/// restored backup, never an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pins {
    /// Which organisation.
    pub org: OrgId,
    /// Counts the writes of this file; the keyring knows the newest.
    pub generation: u64,
    /// Position of the newest verified link ...
    pub org_seq: u64,
    /// ... and its head.
    pub org_head: Digest,
    /// The newest signed time seen, in milliseconds since 1970.
    pub newest_ms: u64,
    /// The suite in force.
    pub suite: u8,
    /// The audit log.
    pub audit: AuditPin,
    /// The environments, rising.
    pub envs: Vec<EnvPin>,
}

impl Codec for Pins {
    fn write(&self, w: &mut Writer) {
        w.u8(VERSION);
        self.org.write(w);
        w.u64(self.generation).u64(self.org_seq).fixed(&self.org_head);
        w.u64(self.newest_ms).u8(self.suite);
        w.u32(self.audit.reset).u64(self.audit.size).fixed(&self.audit.root);
        write_list(w, &self.envs);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if r.u8()? != VERSION {
            return Err(DecodeError::UnknownVersion);
        }
        Ok(Self {
            org: OrgId::read(r)?,
            generation: r.u64()?,
            org_seq: r.u64()?,
            org_head: r.array()?,
            newest_ms: r.u64()?,
            suite: r.u8()?,
            audit: AuditPin { reset: r.u32()?, size: r.u64()?, root: r.array()? },
            envs: read_sorted(r, MAX_ENVS, |pin: &EnvPin| pin.env)?,
        })
    }
}
