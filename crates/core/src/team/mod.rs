//! What people decide about a team: invite, admit, grant, take away, let go.
//!
//! An [`Intent`] is what a person asks for. A [`Plan`] holds the links it takes, with whatever keys
//! are made for it, so that a secure window can show them in words before anything is signed.
//! [`Pen::carry_out`] signs exactly those links. Data keys follow by themselves: a new reader gets a
//! wrap in the same write, a lost reader makes the environment due (`rotation`).

mod agents;
mod plan;
mod summary;
mod summary_agents;
mod write;

use strongroom_format::hash::Digest;
use strongroom_format::id::{AgentId, InviteId, TokenId, UserId};
use strongroom_format::pins::AuditPin;
use strongroom_format::statement::{EnvRight, MemberKeys, PublicKey, Role, Signature};
use strongroom_policy::{AgentPolicy, SecretAt, SecretPolicy};

use crate::access::CellChange;

pub use plan::{Plan, PlanError};
pub use summary::{Line, LineKind, place, right_names, role_name, who};
pub use write::{lacking, waits};

/// What a person asks for.
#[derive(Debug, Clone)]
pub enum Intent {
    /// Gives and takes rights on environments.
    Access(Vec<CellChange>),
    /// Promises a place to whoever gets the code.
    Invite(NewInvite),
    /// Changes a role.
    Role {
        /// Whose.
        user: UserId,
        /// The new one.
        role: Role,
    },
    /// Removes a member; the one who signs leaves by the same link.
    Remove {
        /// Whom.
        user: UserId,
    },
    /// Makes a service token.
    TokenIssue(NewToken),
    /// Ends a service token.
    TokenRevoke {
        /// Which.
        token: TokenId,
    },
    /// Replaces the keys of a member who lost them.
    Reset(Joiner),
    /// Forbids grants to people whose keys nobody checked.
    OnlyVerified,
    /// Accepts a new audit log in place of the one that was verified.
    AuditReset(NewLog),
    /// Lets old entries of the audit log go.
    AuditRetention(OldEntries),
    /// Makes an agent, or gives one that lives other terms.
    AgentPut(AgentPut),
    /// Ends an agent for good.
    AgentEnd {
        /// Which.
        agent: AgentId,
    },
    /// Says where a secret may go.
    SecretPolicyPut(SecretPolicyPut),
}

/// An agent to be made or changed, and where the secrets it uses may go.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentPut {
    /// Which; `None` for a new one.
    pub agent: Option<AgentId>,
    /// Its name, for people; sealed in the directory.
    pub name: String,
    /// What it may do; sealed in the directory.
    pub policy: AgentPolicy,
    /// The person who answers for it.
    pub responsible: UserId,
    /// Its end, in milliseconds since 1970; zero for none.
    pub not_after: u64,
    /// Signed together with it; those that say what is already so are left out.
    pub secrets: Vec<SecretPolicyPut>,
}

/// Where a secret may go.
#[derive(Debug, Clone, PartialEq)]
pub struct SecretPolicyPut {
    /// Which secret.
    pub at: SecretAt,
    /// Where it may go; `None` for nowhere.
    pub policy: Option<SecretPolicy>,
}

/// A new audit log, after a restore from a backup for instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewLog {
    /// The state of the old one that this device had verified; its reset counter is the present one.
    pub old: AuditPin,
    /// The key that signs the new one.
    pub audit_vkey: PublicKey,
}

/// Entries of the audit log that need not be kept any more: all before `size`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OldEntries {
    /// How many, all that went before included; a multiple of 1,024.
    pub size: u64,
    /// The root over them.
    pub root: Digest,
    /// The time of the newest of them, in milliseconds since 1970.
    pub newest_ms: u64,
}

/// An invitation to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInvite {
    /// The promised role.
    pub role: Role,
    /// The promised grants.
    pub grants: Vec<EnvRight>,
    /// Its end, in milliseconds since 1970.
    pub expires_ms: u64,
}

/// A service token to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// Its name, for people; sealed in the directory.
    pub name: String,
    /// Where it may do what.
    pub rights: Vec<EnvRight>,
    /// Its end, in milliseconds since 1970; zero for none.
    pub not_after: u64,
}

/// Somebody whose keys were recognised by the key of an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Joiner {
    /// The invitation.
    pub invite: InviteId,
    /// Who.
    pub user: UserId,
    /// The new keys.
    pub keys: MemberKeys,
    /// The proof that they are held.
    pub pop: Signature,
}
