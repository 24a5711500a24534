//! Audit events (docs/protocol.md, section 12).
//!
//! An event names things by id and never holds a value. Kinds below 0x80 are signed by the client
//! that acted; kinds from 0x80 are what the server saw or derived.

use crate::agency::Agency;
use crate::encoding::{Codec, DecodeError, Reader, Writer};
use crate::hash::{Digest, label};
use crate::id::{DeviceId, EnvId, OrgId, Principal, SecretId};
use crate::statement::{Signature, byte_enum};

/// The longest peer text (address and port), in bytes.
pub const MAX_PEER: usize = 64;
/// The longest detail with the agency behind it, in bytes.
pub const MAX_DETAIL: usize = 512;
const VERSION: u8 = 1;

byte_enum! {
    /// What happened.
    EventKind {
        /// A client signed a commit.
        CommitSigned = 0x01,
        /// A client signed a link.
        LinkSigned = 0x02,
        /// A value was shown in a secure window.
        Revealed = 0x03,
        /// A value was put on the clipboard.
        Copied = 0x04,
        /// A value was put into a process.
        Injected = 0x05,
        /// A value was used through the broker.
        Brokered = 0x06,
        /// A value was opened on a device.
        Decrypted = 0x07,
        /// Values were written to a file.
        Exported = 0x08,
        /// A person allowed an agent's request.
        Approved = 0x09,
        /// A person, a time limit or the policy refused an agent's request.
        Denied = 0x0a,
        /// A holder showed that it can open a data key. The version is the key's epoch, the number
        /// the actor's time, and the secret's place holds the proof.
        Drilled = 0x0b,
        /// A person says that what a secret opens was replaced where it was issued. The number is
        /// the actor's time, in milliseconds since 1970; 0 takes an earlier word back.
        Replaced = 0x0c,
        /// A session was opened.
        SignedIn = 0x80,
        /// Links, wraps and heads were fetched.
        ChainFetched = 0x81,
        /// Sealed items of an environment were fetched.
        EnvFetched = 0x82,
        /// Commits of an environment were fetched.
        HistoryFetched = 0x83,
        /// The audit log was read.
        AuditFetched = 0x84,
        /// Envelopes were uploaded, ahead of their commit.
        EnvelopesStaged = 0x85,
        /// A sealed keyset was fetched.
        KeysetFetched = 0x86,
        /// The chain was fetched with an invitation; the number is the invitation's link.
        InviteFetched = 0x87,
        /// Somebody asked to join with an invitation; the number is the invitation's link.
        JoinAsked = 0x88,
        /// The joins that wait were read.
        JoinsFetched = 0x89,
        /// An account was made; the number is the link of the invitation that admitted it, or 0.
        AccountMade = 0x8a,
        /// A sealed keyset was replaced.
        KeysetReplaced = 0x8b,
        /// An identity of an issuer was bound to the account.
        IdentityBound = 0x8c,
        /// A link was appended (repeated from the chain).
        LinkAppended = 0x90,
        /// A commit was appended (repeated from the history).
        CommitAppended = 0x91,
        /// A request was refused.
        Refused = 0xa0,
        /// A request was over its rate.
        RateLimited = 0xa1,
    }
}

impl EventKind {
    /// Whether the actor's client must have signed it.
    pub fn is_signed(self) -> bool {
        self.byte() < 0x80
    }

    /// Whether such an act may say which agent it is about.
    pub fn may_name_agent(self) -> bool {
        matches!(self, Self::Brokered | Self::Approved | Self::Denied)
    }

    /// Whether the server repeats a link or a commit, which everybody can look at.
    pub fn is_derived(self) -> bool {
        matches!(self, Self::LinkAppended | Self::CommitAppended)
    }
}

/// What an event is about. Fields that do not apply are zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Detail {
    /// The environment.
    pub env: EnvId,
    /// The secret.
    pub secret: SecretId,
    /// The secret's version.
    pub version: u64,
    /// A link's or commit's position, or how many things were fetched.
    pub number: u64,
    /// HTTP status of the answer; 0 for what happened on a device.
    pub status: u16,
}

impl Detail {
    /// Nothing but a status.
    pub fn status(status: u16) -> Self {
        Self { env: EnvId::ZERO, secret: SecretId::ZERO, version: 0, number: 0, status }
    }
}

impl Codec for Detail {
    fn write(&self, w: &mut Writer) {
        self.env.write(w);
        self.secret.write(w);
        w.u64(self.version).u64(self.number).u16(self.status);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            env: EnvId::read(r)?,
            secret: SecretId::read(r)?,
            version: r.u64()?,
            number: r.u64()?,
            status: r.u16()?,
        })
    }
}

/// The part of an event that its actor's client signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// Which organisation's log.
    pub org: OrgId,
    /// What happened.
    pub kind: EventKind,
    /// Who acted; `None` where nobody was authenticated.
    pub actor: Option<Principal>,
    /// On which device; zero where unknown.
    pub device: DeviceId,
    /// The actor's own count on that device, from 1; zero in server events.
    pub actor_seq: u64,
    /// SHA-256 of the signed part of the actor's event before; zero for the first and in server
    /// events.
    pub actor_prev: Digest,
    /// Head of the organisation chain the actor (or the server) saw.
    pub org_head: Digest,
    /// What it is about.
    pub detail: Detail,
    /// Which agent it is about; only in the kinds that [may name one](EventKind::may_name_agent).
    pub agency: Option<Agency>,
}

impl Act {
    /// What the client's signature covers: `label("event")` and the act's bytes.
    pub fn message(&self) -> Vec<u8> {
        let mut bytes = label("event");
        bytes.extend_from_slice(&self.encode());
        bytes
    }
}

impl Codec for Act {
    fn write(&self, w: &mut Writer) {
        w.u8(VERSION);
        self.org.write(w);
        self.kind.write(w);
        match &self.actor {
            Some(actor) => actor.write(w),
            None => {
                w.fixed(&[0; 17]);
            }
        }
        self.device.write(w);
        w.u64(self.actor_seq).fixed(&self.actor_prev).fixed(&self.org_head);
        let mut about = Writer::new();
        self.detail.write(&mut about);
        if let Some(agency) = &self.agency {
            agency.write(&mut about);
        }
        w.lp(&about.finish());
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if r.u8()? != VERSION {
            return Err(DecodeError::UnknownVersion);
        }
        let org = OrgId::read(r)?;
        let kind = EventKind::read(r)?;
        let actor: [u8; 17] = r.array()?;
        let actor = if actor == [0; 17] { None } else { Some(Principal::decode(&actor)?) };
        let device = DeviceId::read(r)?;
        let actor_seq = r.u64()?;
        let actor_prev = r.array()?;
        let org_head = r.array()?;
        let mut about = Reader::new(r.lp(MAX_DETAIL)?);
        let detail = Detail::read(&mut about)?;
        let names_agent = kind.may_name_agent() && !about.rest().is_empty();
        let agency = if names_agent { Some(Agency::read(&mut about)?) } else { None };
        about.finish()?;
        Ok(Self { org, kind, actor, device, actor_seq, actor_prev, org_head, detail, agency })
    }
}

/// An act and its client's signature, on its way to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedAct {
    /// What happened.
    pub act: Act,
    /// By the actor's identity or token key.
    pub signature: Signature,
}

impl Codec for SignedAct {
    fn write(&self, w: &mut Writer) {
        self.act.write(w);
        w.fixed(&self.signature);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { act: Act::read(r)?, signature: r.array()? })
    }
}

/// One entry of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What happened.
    pub act: Act,
    /// The client's signature; zero for kinds the server writes.
    pub signature: Signature,
    /// The server's clock, in milliseconds since 1970.
    pub server_time_ms: u64,
    /// Where the request came from, as the server saw it.
    pub peer: String,
}

impl Codec for Event {
    fn write(&self, w: &mut Writer) {
        self.act.write(w);
        w.fixed(&self.signature).u64(self.server_time_ms).lp(self.peer.as_bytes());
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let act = Act::read(r)?;
        let signature: Signature = r.array()?;
        if act.kind.is_signed() == (signature == [0; 64]) {
            return Err(DecodeError::NotCanonical);
        }
        Ok(Self { act, signature, server_time_ms: r.u64()?, peer: r.text(MAX_PEER)?.to_owned() })
    }
}
