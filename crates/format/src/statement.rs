//! Statements of the organisation chain and the signed links that carry them
//! (docs/protocol.md, section 6).
//!
//! Only shape is decided here. Whether a statement is *allowed* is decided by `strongroom-chain`.

use crate::encoding::{Codec, DecodeError, Reader, Writer, read_sorted, write_list};
use crate::hash::{Digest, ZERO, h};
use crate::id::{AgentId, EnvId, InviteId, OrgId, Principal, TokenId, UserId};

/// The longest link, in bytes (signature included).
pub const MAX_LINK: usize = 64 * 1024;
/// The most readers of an environment, so that a `DekEpoch` fits into a link.
pub const MAX_READERS: usize = 1_200;
/// The most elements of any other list in a body.
pub const MAX_LIST: usize = 1_000;
/// Retention of the audit log goes in steps of this many entries: what a reader keeps in one file.
pub const RETENTION_STEP: u64 = 1_024;
/// The only suite of version 1 (docs/protocol.md, section 2).
pub const SUITE_1: u8 = 1;

/// An Ed25519 signature.
pub type Signature = [u8; 64];
/// An Ed25519 or X25519 public key.
pub type PublicKey = [u8; 32];

const VERSION: u8 = 1;

macro_rules! byte_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $value:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant = $value),* }

        impl $name {
            /// Every value, in the order of its byte.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The byte that stands for it.
            pub fn byte(self) -> u8 {
                self as u8
            }
        }

        impl Codec for $name {
            fn write(&self, w: &mut Writer) {
                w.u8(self.byte());
            }

            fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
                match r.u8()? {
                    $($value => Ok(Self::$variant),)*
                    _ => Err(DecodeError::UnknownTag),
                }
            }
        }
    };
}
pub(crate) use byte_enum;

byte_enum! {
    /// What a member may manage. Reading is a matter of grants and data keys, not of roles.
    Role {
        /// Everything, including policy and other owners.
        Owner = 1,
        /// Members, environments, tokens and agents.
        Admin = 2,
        /// Only what is granted.
        Member = 3,
        /// The directory, the chain and the audit log; never a value.
        Reviewer = 4,
    }
}

impl Role {
    /// Whether `self` stands above `other`.
    pub fn is_above(self, other: Self) -> bool {
        self.byte() < other.byte()
    }

    /// Owner or admin.
    pub fn manages(self) -> bool {
        matches!(self, Self::Owner | Self::Admin)
    }
}

byte_enum! {
    /// What an environment is.
    EnvKind {
        /// Belongs to an application.
        App = 1,
        /// A shared bag of secrets that applications compose.
        Group = 2,
        /// The organisation's names; readable by every member.
        Directory = 3,
        /// Overrides only what differs from its parent, until it expires.
        Branch = 4,
        /// One member's own overlay over its parent.
        Personal = 5,
    }
}

byte_enum! {
    /// Why a new data key was made.
    EpochReason {
        /// The environment is new.
        First = 1,
        /// A reader was added; values stay under the keys they have.
        ReaderAdded = 2,
        /// A reader left or changed keys; every current value is sealed anew.
        Rotation = 3,
    }
}

/// Rights on an environment, as a bit set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Rights(u8);

impl Rights {
    /// May hold the data key.
    pub const READ: Self = Self(1);
    /// May sign commits.
    pub const WRITE: Self = Self(2);
    /// May pass on rights that it has.
    pub const GRANT: Self = Self(4);
    /// May hold the data key and sign commits.
    pub const READ_WRITE: Self = Self(3);
    /// All three.
    pub const ALL: Self = Self(7);
    /// None.
    pub const NONE: Self = Self(0);

    /// The union of both.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` is included.
    pub fn includes(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The bits: 1 read, 2 write, 4 grant.
    pub fn bits(self) -> u8 {
        self.0
    }
}

impl Codec for Rights {
    fn write(&self, w: &mut Writer) {
        w.u8(self.0);
    }

    /// Refuses no rights at all: taking rights away is a statement of its own.
    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match r.u8()? {
            bits @ 1..=7 => Ok(Self(bits)),
            _ => Err(DecodeError::UnknownTag),
        }
    }
}

/// A right that an invite, a token or an agent comes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnvRight {
    /// Where.
    pub env: EnvId,
    /// What.
    pub rights: Rights,
    /// Until when, in milliseconds since 1970; zero means no end.
    pub not_after: u64,
}

impl Codec for EnvRight {
    fn write(&self, w: &mut Writer) {
        self.env.write(w);
        self.rights.write(w);
        w.u64(self.not_after);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { env: EnvId::read(r)?, rights: Rights::read(r)?, not_after: r.u64()? })
    }
}

/// One recipient of a data key: only wraps listed so are ever opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrapEntry {
    /// Who can open the wrap.
    pub recipient: Principal,
    /// SHA-256 of the wrap.
    pub wrap: Digest,
}

impl Codec for WrapEntry {
    fn write(&self, w: &mut Writer) {
        self.recipient.write(w);
        w.fixed(&self.wrap);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { recipient: Principal::read(r)?, wrap: r.array()? })
    }
}

/// Where an environment's commits stood when its writer was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CutPoint {
    /// Which environment.
    pub env: EnvId,
    /// The last commit that still counts; zero if there was none.
    pub seq: u64,
    /// Its head; zeros if there was none.
    pub head: Digest,
}

impl Codec for CutPoint {
    fn write(&self, w: &mut Writer) {
        self.env.write(w);
        w.u64(self.seq).fixed(&self.head);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { env: EnvId::read(r)?, seq: r.u64()?, head: r.array()? })
    }
}

/// What an organisation demands of everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The weakest passphrase profile that may be used.
    pub min_profile: u8,
    /// The oldest format version a client may write.
    pub min_format: u8,
    /// Days without a signed head after which clients warn.
    pub max_quiet_days: u16,
    /// Whether members whose keys nobody compared may be granted anything.
    pub grants_to_unverified: bool,
    /// Environments where one person alone may not grant.
    pub two_person: Vec<EnvId>,
}

impl Policy {
    /// What a new organisation starts with.
    pub fn initial() -> Self {
        Self {
            min_profile: 1,
            min_format: 1,
            max_quiet_days: 7,
            grants_to_unverified: true,
            two_person: Vec::new(),
        }
    }
}

impl Codec for Policy {
    fn write(&self, w: &mut Writer) {
        w.u8(self.min_profile).u8(self.min_format).u16(self.max_quiet_days);
        w.u8(u8::from(self.grants_to_unverified));
        write_list(w, &self.two_person);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            min_profile: r.u8()?,
            min_format: r.u8()?,
            max_quiet_days: r.u16()?,
            grants_to_unverified: match r.u8()? {
                0 => false,
                1 => true,
                _ => return Err(DecodeError::UnknownTag),
            },
            two_person: read_sorted(r, MAX_LIST, |env: &EnvId| *env)?,
        })
    }
}

/// The public keys of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemberKeys {
    /// Ed25519 identity key: signs links, commits and events.
    pub isk: PublicKey,
    /// X25519 encryption key: receives wraps.
    pub iek: PublicKey,
}

impl Codec for MemberKeys {
    fn write(&self, w: &mut Writer) {
        w.fixed(&self.isk).fixed(&self.iek);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { isk: r.array()?, iek: r.array()? })
    }
}

/// What a statement says; one variant per link type.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the columns of the table in docs/protocol.md")]
pub enum Body {
    /// 1: founds the organisation.
    Genesis { suite: u8, founder: UserId, keys: MemberKeys, audit_vkey: PublicKey, policy: Policy },
    /// 2: promises a place to whoever holds the invite key.
    Invite { invite: InviteId, key_hash: Digest, role: Role, grants: Vec<EnvRight>, expires: u64 },
    /// 3: admits a member.
    MemberAdd { user: UserId, keys: MemberKeys, role: Role, invite: InviteId, pop: Signature },
    /// 4: changes a role.
    MemberRole { user: UserId, role: Role },
    /// 5: removes a member; nothing it signs after the cut points counts.
    MemberRemove { user: UserId, cuts: Vec<CutPoint> },
    /// 6: a member replaces its own keys.
    KeyRotate { keys: MemberKeys, by_new: Signature },
    /// 7: an admin replaces the keys of a member who lost them; shown until acknowledged.
    KeyReset { user: UserId, keys: MemberKeys, pop: Signature },
    /// 8: creates an environment. `place` is the application or group it belongs to, or zero.
    EnvCreate {
        env: EnvId,
        kind: EnvKind,
        place: [u8; 16],
        parent: EnvId,
        expires: u64,
        owner: UserId,
    },
    /// 9: gives rights on an environment, replacing what the principal had there.
    EnvGrant { env: EnvId, principal: Principal, rights: Rights, not_after: u64 },
    /// 10: takes all rights on an environment.
    EnvRevoke { env: EnvId, principal: Principal },
    /// 11: a new data key; the list is exactly the current readers. The cut is the last commit
    /// before it (0 and zeros if there is none): nothing under an older key counts behind it.
    DekEpoch {
        env: EnvId,
        epoch: u32,
        dek_commit: Digest,
        reason: EpochReason,
        cut_seq: u64,
        cut_head: Digest,
        wraps: Vec<WrapEntry>,
        previous: Digest,
    },
    /// 12: a service token, with its rights.
    TokenIssue {
        token: TokenId,
        sig_pub: PublicKey,
        enc_pub: PublicKey,
        rights: Vec<EnvRight>,
        not_after: u64,
    },
    /// 13: ends a service token.
    TokenRevoke { token: TokenId },
    /// 14: changes the policy.
    Policy(Policy),
    /// 15: repeats an audit checkpoint inside the chain.
    AuditAnchor { reset: u32, size: u64, root: Digest },
    /// 16: raises the suite.
    SuiteRaise { suite: u8 },
    /// 17: an owner accepts a new audit tree, after a restore from backup for instance.
    AuditReset { old_reset: u32, size: u64, root: Digest, audit_vkey: PublicKey },
    /// 18: an agent, new or with other terms. `name_hash` and `policy_hash` commit to its name and
    /// policy, which stand sealed in the directory, under a salt that stands there too.
    AgentIssue {
        agent: AgentId,
        name_hash: Digest,
        policy_hash: Digest,
        responsible: UserId,
        not_after: u64,
    },
    /// 19: ends an agent.
    AgentRevoke { agent: AgentId },
    /// 20: the groups an environment composes, in order; the environment's own values win.
    Compose { env: EnvId, groups: Vec<EnvId> },
    /// 21: entries of the audit log before `size` need not be kept; their tree has this root.
    AuditRetention { reset: u32, size: u64, root: Digest },
}

impl Body {
    /// The type byte.
    pub fn kind(&self) -> u8 {
        match self {
            Self::Genesis { .. } => 1,
            Self::Invite { .. } => 2,
            Self::MemberAdd { .. } => 3,
            Self::MemberRole { .. } => 4,
            Self::MemberRemove { .. } => 5,
            Self::KeyRotate { .. } => 6,
            Self::KeyReset { .. } => 7,
            Self::EnvCreate { .. } => 8,
            Self::EnvGrant { .. } => 9,
            Self::EnvRevoke { .. } => 10,
            Self::DekEpoch { .. } => 11,
            Self::TokenIssue { .. } => 12,
            Self::TokenRevoke { .. } => 13,
            Self::Policy(_) => 14,
            Self::AuditAnchor { .. } => 15,
            Self::SuiteRaise { .. } => 16,
            Self::AuditReset { .. } => 17,
            Self::AgentIssue { .. } => 18,
            Self::AgentRevoke { .. } => 19,
            Self::Compose { .. } => 20,
            Self::AuditRetention { .. } => 21,
        }
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each type of link")]
    fn write(&self, w: &mut Writer) {
        match self {
            Self::Genesis { suite, founder, keys, audit_vkey, policy } => {
                w.u8(*suite);
                founder.write(w);
                keys.write(w);
                w.fixed(audit_vkey);
                policy.write(w);
            }
            Self::Invite { invite, key_hash, role, grants, expires } => {
                invite.write(w);
                w.fixed(key_hash);
                role.write(w);
                write_list(w, grants);
                w.u64(*expires);
            }
            Self::MemberAdd { user, keys, role, invite, pop } => {
                user.write(w);
                keys.write(w);
                role.write(w);
                invite.write(w);
                w.fixed(pop);
            }
            Self::MemberRole { user, role } => {
                user.write(w);
                role.write(w);
            }
            Self::MemberRemove { user, cuts } => {
                user.write(w);
                write_list(w, cuts);
            }
            Self::KeyRotate { keys, by_new } => {
                keys.write(w);
                w.fixed(by_new);
            }
            Self::KeyReset { user, keys, pop } => {
                user.write(w);
                keys.write(w);
                w.fixed(pop);
            }
            Self::EnvCreate { env, kind, place, parent, expires, owner } => {
                env.write(w);
                kind.write(w);
                w.fixed(place);
                parent.write(w);
                w.u64(*expires);
                owner.write(w);
            }
            Self::EnvGrant { env, principal, rights, not_after } => {
                env.write(w);
                principal.write(w);
                rights.write(w);
                w.u64(*not_after);
            }
            Self::EnvRevoke { env, principal } => {
                env.write(w);
                principal.write(w);
            }
            Self::DekEpoch {
                env,
                epoch,
                dek_commit,
                reason,
                cut_seq,
                cut_head,
                wraps,
                previous,
            } => {
                env.write(w);
                w.u32(*epoch).fixed(dek_commit);
                reason.write(w);
                w.u64(*cut_seq).fixed(cut_head);
                write_list(w, wraps);
                w.fixed(previous);
            }
            Self::TokenIssue { token, sig_pub, enc_pub, rights, not_after } => {
                token.write(w);
                w.fixed(sig_pub).fixed(enc_pub);
                write_list(w, rights);
                w.u64(*not_after);
            }
            Self::TokenRevoke { token } => token.write(w),
            Self::Policy(policy) => policy.write(w),
            Self::AuditAnchor { reset, size, root }
            | Self::AuditRetention { reset, size, root } => {
                w.u32(*reset).u64(*size).fixed(root);
            }
            Self::SuiteRaise { suite } => {
                w.u8(*suite);
            }
            Self::AuditReset { old_reset, size, root, audit_vkey } => {
                w.u32(*old_reset).u64(*size).fixed(root).fixed(audit_vkey);
            }
            Self::AgentIssue { agent, name_hash, policy_hash, responsible, not_after } => {
                agent.write(w);
                w.fixed(name_hash).fixed(policy_hash);
                responsible.write(w);
                w.u64(*not_after);
            }
            Self::AgentRevoke { agent } => agent.write(w),
            Self::Compose { env, groups } => {
                env.write(w);
                write_list(w, groups);
            }
        }
    }

    fn read(kind: u8, r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match kind {
            1 => Self::Genesis {
                suite: r.u8()?,
                founder: UserId::read(r)?,
                keys: MemberKeys::read(r)?,
                audit_vkey: r.array()?,
                policy: Policy::read(r)?,
            },
            2 => Self::Invite {
                invite: InviteId::read(r)?,
                key_hash: r.array()?,
                role: Role::read(r)?,
                grants: read_env_rights(r)?,
                expires: r.u64()?,
            },
            3 => Self::MemberAdd {
                user: UserId::read(r)?,
                keys: MemberKeys::read(r)?,
                role: Role::read(r)?,
                invite: InviteId::read(r)?,
                pop: r.array()?,
            },
            4 => Self::MemberRole { user: UserId::read(r)?, role: Role::read(r)? },
            5 => Self::MemberRemove {
                user: UserId::read(r)?,
                cuts: read_sorted(r, MAX_LIST, |cut: &CutPoint| cut.env)?,
            },
            6 => Self::KeyRotate { keys: MemberKeys::read(r)?, by_new: r.array()? },
            7 => Self::KeyReset {
                user: UserId::read(r)?,
                keys: MemberKeys::read(r)?,
                pop: r.array()?,
            },
            8 => Self::EnvCreate {
                env: EnvId::read(r)?,
                kind: EnvKind::read(r)?,
                place: r.array()?,
                parent: EnvId::read(r)?,
                expires: r.u64()?,
                owner: UserId::read(r)?,
            },
            9 => Self::EnvGrant {
                env: EnvId::read(r)?,
                principal: Principal::read(r)?,
                rights: Rights::read(r)?,
                not_after: r.u64()?,
            },
            10 => Self::EnvRevoke { env: EnvId::read(r)?, principal: Principal::read(r)? },
            11 => Self::DekEpoch {
                env: EnvId::read(r)?,
                epoch: r.u32()?,
                dek_commit: r.array()?,
                reason: EpochReason::read(r)?,
                cut_seq: r.u64()?,
                cut_head: r.array()?,
                wraps: read_sorted(r, MAX_READERS, |entry: &WrapEntry| entry.recipient)?,
                previous: r.array()?,
            },
            12 => Self::TokenIssue {
                token: TokenId::read(r)?,
                sig_pub: r.array()?,
                enc_pub: r.array()?,
                rights: read_env_rights(r)?,
                not_after: r.u64()?,
            },
            13 => Self::TokenRevoke { token: TokenId::read(r)? },
            14 => Self::Policy(Policy::read(r)?),
            15 => Self::AuditAnchor { reset: r.u32()?, size: r.u64()?, root: r.array()? },
            16 => Self::SuiteRaise { suite: r.u8()? },
            17 => Self::AuditReset {
                old_reset: r.u32()?,
                size: r.u64()?,
                root: r.array()?,
                audit_vkey: r.array()?,
            },
            18 => Self::AgentIssue {
                agent: AgentId::read(r)?,
                name_hash: r.array()?,
                policy_hash: r.array()?,
                responsible: UserId::read(r)?,
                not_after: r.u64()?,
            },
            19 => Self::AgentRevoke { agent: AgentId::read(r)? },
            20 => {
                let env = EnvId::read(r)?;
                let n = r.count(MAX_LIST)?;
                let groups: Vec<EnvId> =
                    (0..n).map(|_| EnvId::read(r)).collect::<Result<_, _>>()?;
                Self::Compose { env, groups }
            }
            21 => Self::AuditRetention { reset: r.u32()?, size: r.u64()?, root: r.array()? },
            _ => return Err(DecodeError::UnknownTag),
        })
    }
}

fn read_env_rights(r: &mut Reader<'_>) -> Result<Vec<EnvRight>, DecodeError> {
    read_sorted(r, MAX_LIST, |right: &EnvRight| right.env)
}

/// Something a principal says about the organisation, at one place of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Zero in the genesis, since the id is the hash of the genesis.
    pub org: OrgId,
    /// Position in the chain; the genesis is 0.
    pub seq: u64,
    /// Head of the link before; zero in the genesis.
    pub prev: Digest,
    /// Who says it.
    pub author: Principal,
    /// The author's clock, in milliseconds since 1970; never goes back along the chain.
    pub time_ms: u64,
    /// What is said.
    pub body: Body,
}

impl Codec for Statement {
    fn write(&self, w: &mut Writer) {
        let mut body = Writer::new();
        self.body.write(&mut body);
        w.u8(VERSION).u8(self.body.kind());
        self.org.write(w);
        w.u64(self.seq).fixed(&self.prev);
        self.author.write(w);
        w.u64(self.time_ms).lp(&body.finish());
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if r.u8()? != VERSION {
            return Err(DecodeError::UnknownVersion);
        }
        let kind = r.u8()?;
        let org = OrgId::read(r)?;
        let seq = r.u64()?;
        let prev = r.array()?;
        let author = Principal::read(r)?;
        let time_ms = r.u64()?;
        let mut inner = Reader::new(r.lp(MAX_LINK)?);
        let body = Body::read(kind, &mut inner)?;
        inner.finish()?;
        Ok(Self { org, seq, prev, author, time_ms, body })
    }
}

/// A signed statement as it is stored and sent: `stmt || signature`.
#[derive(Clone, PartialEq, Eq)]
pub struct Link {
    /// What is said.
    pub statement: Statement,
    bytes: Vec<u8>,
}

impl Link {
    /// Joins a statement and the signature over `label("stmt") || statement`.
    pub fn new(statement: Statement, signature: &Signature) -> Self {
        let mut bytes = statement.encode();
        bytes.extend_from_slice(signature);
        Self { statement, bytes }
    }

    /// Reads a link from outside; its signature is not checked here.
    pub fn parse(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() > MAX_LINK {
            return Err(DecodeError::TooLong);
        }
        let (statement, _) = bytes.split_last_chunk::<64>().ok_or(DecodeError::Truncated)?;
        Ok(Self { statement: Statement::decode(statement)?, bytes: bytes.to_vec() })
    }

    /// The whole link.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes the signature covers, without their label.
    pub fn signed_bytes(&self) -> &[u8] {
        &self.bytes[..self.bytes.len() - 64]
    }

    /// The author's signature.
    pub fn signature(&self) -> Signature {
        self.bytes.last_chunk::<64>().copied().unwrap_or([0; 64])
    }

    /// `H("link", link)`: what the next link names as its predecessor.
    pub fn head(&self) -> Digest {
        h("link", &[&self.bytes])
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Link({:?})", self.statement)
    }
}

/// What a new member's keys sign to show that they are held (`pop`); `org` and `invite` bind the
/// proof to one invitation.
pub fn pop_message(org: &OrgId, invite: &InviteId, user: &UserId, keys: &MemberKeys) -> Vec<u8> {
    crate::hash::ctx(
        "pop",
        &[org.as_bytes(), invite.as_bytes(), user.as_bytes(), &keys.isk, &keys.iek],
    )
}

/// What the new key signs in a `KeyRotate`, and in a `KeyReset` with the zero invite.
pub fn key_change_message(org: &OrgId, user: &UserId, keys: &MemberKeys) -> Vec<u8> {
    pop_message(org, &InviteId::ZERO, user, keys)
}

/// The head before the first link.
pub const NO_HEAD: Digest = ZERO;
