//! The rows, in the words of the protocol.

use strongroom_format::commit::Change;
use strongroom_format::hash::Digest;
use strongroom_format::id::{DeviceId, EnvId, InviteId, OrgId, Principal, UserId};
use strongroom_format::statement::{MemberKeys, PublicKey, Signature};
use strongroom_format::wire::WRAP_LEN;

/// A person's public keys and sealed keyset (docs/protocol.md, section 3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Who.
    pub user: UserId,
    /// Counts passphrase and Secret Key changes, from 1.
    pub epoch: u32,
    /// The passphrase profile.
    pub profile: u8,
    /// Salt of the passphrase.
    pub salt: [u8; 16],
    /// Ed25519 public key that answers challenges of a locked device.
    pub login_pub: PublicKey,
    /// Ed25519 identity public key.
    pub isk: PublicKey,
    /// X25519 encryption public key.
    pub iek: PublicKey,
    /// The sealed private keys.
    pub blob: Vec<u8>,
}

/// One link of an organisation chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkRow {
    /// Position; the genesis is 0.
    pub seq: u64,
    /// The whole link.
    pub bytes: Vec<u8>,
}

/// A data key, wrapped for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrapRow {
    /// Which environment.
    pub env: EnvId,
    /// Which epoch.
    pub epoch: u32,
    /// The link that lists it.
    pub link: u64,
    /// For whom.
    pub recipient: Principal,
    /// The bytes.
    pub wrap: [u8; WRAP_LEN],
}

/// A data key, sealed under its successor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviousRow {
    /// Which environment.
    pub env: EnvId,
    /// The epoch of the sealed key.
    pub epoch: u32,
    /// The link that lists its hash.
    pub link: u64,
    /// The envelope.
    pub sealed: Vec<u8>,
}

/// One commit of an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitRow {
    /// Position; the first is 1.
    pub seq: u64,
    /// Its head.
    pub head: Digest,
    /// The signed commit.
    pub bytes: Vec<u8>,
}

/// Where an environment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnvHeadRow {
    /// Which environment.
    pub env: EnvId,
    /// Its newest commit.
    pub seq: u64,
    /// That commit's head.
    pub head: Digest,
}

/// A current item, or a tombstone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What the newest commit that touched it said.
    pub change: Change,
    /// The data-key epoch of that commit.
    pub epoch: u32,
}

/// What a service token's bearer is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenAuth {
    /// The only organisation it speaks to.
    pub org: OrgId,
    /// SHA-256 of the bearer.
    pub hash: Digest,
}

/// What an invitation's bearer is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InviteAuth {
    /// The only organisation it speaks to.
    pub org: OrgId,
    /// SHA-256 of the bearer.
    pub hash: Digest,
    /// Whether it was used in a way of which the chain says nothing: for a reset of keys.
    pub spent: bool,
}

/// Somebody's request to be admitted with an invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinRow {
    /// The invitation.
    pub invite: InviteId,
    /// Who asks.
    pub user: UserId,
    /// The keys to be admitted.
    pub keys: MemberKeys,
    /// By the identity key.
    pub pop: Signature,
    /// By the invitation's key; the server cannot check it.
    pub mac: [u8; 32],
    /// Whether a present member asks for new keys.
    pub reset: bool,
    /// When it came, in milliseconds since 1970.
    pub time_ms: u64,
}

/// Somebody as an issuer of tokens knows them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    /// The issuer identifier, `iss`.
    pub issuer: String,
    /// The issuer's own name for the person, `sub`.
    pub subject: String,
}

/// One entry of an audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// Position; the first is 0.
    pub index: u64,
    /// The event.
    pub bytes: Vec<u8>,
}

/// One node of an audit tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeRow {
    /// Height over the leaves.
    pub level: u8,
    /// Position within its level.
    pub index: u64,
    /// Its hash.
    pub hash: Digest,
}

/// Where the signed events of one actor on one device stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActorHead {
    /// Who.
    pub actor: Principal,
    /// Where.
    pub device: DeviceId,
    /// The actor's newest count there.
    pub seq: u64,
    /// SHA-256 of that act.
    pub hash: Digest,
}
