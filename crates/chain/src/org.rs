//! The organisation chain: what one verified pass over its links says (docs/protocol.md, section 6).
//!
//! Pure: no clock, no I/O. A state exists only as the result of checking every link from the
//! genesis, so holding an [`OrgState`] *is* the proof. It also answers for the past ("might she
//! write at link 40?"), because commits name the head their author saw.
//!
//! Deliberately not here: data keys, wraps and names. The checks of each link type stand in
//! `rules.rs`.

use std::collections::{BTreeMap, BTreeSet};

use strongroom_format::check::{holds, require};
use strongroom_format::hash::Digest;
use strongroom_format::id::{
    AgentId, EnvId, InviteId, OrgId, Principal, SecretId, TokenId, UserId,
};
use strongroom_format::pins::AuditPin;
use strongroom_format::statement::{
    Body, CutPoint, EnvKind, EnvRight, EpochReason, Link, MemberKeys, NO_HEAD, Policy, PublicKey,
    Rights, Role, WrapEntry,
};
use thiserror::Error;

use crate::rules;
use crate::signature::verifies_labelled;

/// Why a link does not continue the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ChainError {
    /// The first link is no genesis, or a later one is.
    #[error("the chain does not begin with its one genesis")]
    Genesis,
    /// The link belongs to another organisation, or the genesis does not hash to the id.
    #[error("the link belongs to another organisation")]
    WrongOrg,
    /// The position is not the next one.
    #[error("the link is out of order")]
    WrongSeq,
    /// The predecessor is another one: the chain forks here.
    #[error("the link continues another chain")]
    WrongPrev,
    /// The time lies before the link before.
    #[error("the link's time goes back")]
    TimeWentBack,
    /// The author is not, or no longer, part of the organisation.
    #[error("the author is not part of the organisation")]
    UnknownAuthor,
    /// The signature is not the author's.
    #[error("the signature does not verify")]
    BadSignature,
    /// The author's role or rights do not allow this.
    #[error("the author may not do this")]
    NotAllowed,
    /// A key that must not be admitted.
    #[error("the key is weak")]
    WeakKey,
    /// A key that was used before.
    #[error("the key was used before")]
    KeyReused,
    /// The new key did not sign for itself.
    #[error("possession of the new key is not shown")]
    NoProof,
    /// The id exists already.
    #[error("the id exists already")]
    Duplicate,
    /// The subject does not exist, or no longer.
    #[error("the link speaks of something that does not exist")]
    Unknown,
    /// The invitation does not exist, is used, has ended or promised something else.
    #[error("the invitation cannot be used")]
    Invite,
    /// Nobody would own the organisation.
    #[error("one owner at least must remain")]
    LastOwner,
    /// The cut points do not list exactly the environments the member could write.
    #[error("the cut points are incomplete")]
    CutPoints,
    /// The principal can never have these rights.
    #[error("these rights cannot be given")]
    Rights,
    /// Kind, place, parent, owner or end of the environment contradict each other.
    #[error("the environment is not well formed")]
    Environment,
    /// The epoch is not the next one.
    #[error("the data-key epoch is out of order")]
    EpochNumber,
    /// The stated reason is not the one the chain gives.
    #[error("the data-key epoch has the wrong reason")]
    EpochReason,
    /// The recipients are not exactly the current readers.
    #[error("the data key's recipients are not the readers")]
    Recipients,
    /// The last commit before a new data key lies before that of the data key before.
    #[error("the data key's cut goes back")]
    EpochCut,
    /// The sealed previous key is missing, or there is none.
    #[error("the previous data key is not kept")]
    Previous,
    /// The policy would loosen.
    #[error("the policy may only be tightened")]
    NotTightening,
    /// The audit state contradicts an earlier one.
    #[error("the audit log goes back")]
    AuditBackwards,
    /// Retention does not end with a whole step of entries.
    #[error("the audit log is not cut at a whole step")]
    RetentionStep,
    /// A suite this program does not have.
    #[error("the suite is not known here")]
    UnknownSuite,
    /// Readers of a composition would not be readers of its groups.
    #[error("a reader of the composition cannot read its groups")]
    Composition,
    /// The chain ends below what was verified before.
    #[error("the chain is older than what was verified before")]
    BelowPin,
    /// The chain differs from what was verified before.
    #[error("the chain differs from what was verified before")]
    Fork,
}

/// A value that changed along the chain: what it was from which link on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline<T>(Vec<(u64, T)>);

impl<T> Timeline<T> {
    pub(crate) fn new(seq: u64, value: T) -> Self {
        Self(vec![(seq, value)])
    }

    pub(crate) fn set(&mut self, seq: u64, value: T) {
        self.0.push((seq, value));
    }

    /// The value in force at link `seq`, and the link that set it.
    pub fn at(&self, seq: u64) -> Option<(u64, &T)> {
        let after = self.0.partition_point(|(from, _)| *from <= seq);
        self.0.get(after.checked_sub(1)?).map(|(from, value)| (*from, value))
    }

    /// All values with the links that set them, in order.
    pub fn all(&self) -> &[(u64, T)] {
        &self.0
    }
}

/// A person of the organisation, present or former.
#[derive(Debug, Clone)]
pub struct Member {
    /// Roles, by link.
    pub roles: Timeline<Role>,
    /// Keys, by link.
    pub keys: Timeline<MemberKeys>,
    /// The link that admitted it.
    pub added: u64,
    /// The invitation it came with; zero for the founder.
    pub invite: InviteId,
    /// Links at which an admin replaced its keys.
    pub resets: Vec<u64>,
    /// The link that removed it, and where its commits end.
    pub removed: Option<(u64, Vec<CutPoint>)>,
}

impl Member {
    /// Whether it was part of the organisation at link `seq`.
    pub fn is_active_at(&self, seq: u64) -> bool {
        holds(self.added <= seq) && holds(self.removed.as_ref().is_none_or(|(at, _)| *at > seq))
    }

    /// Its role at link `seq`.
    pub fn role_at(&self, seq: u64) -> Option<Role> {
        self.roles.at(seq).map(|(_, role)| *role).filter(|_| self.is_active_at(seq))
    }
}

/// Rights on an environment and their end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// What is allowed; none after a revoke.
    pub rights: Rights,
    /// The end, in milliseconds since 1970; zero for none.
    pub not_after: u64,
}

impl Grant {
    /// The rights in force at `time_ms`.
    pub fn at(&self, time_ms: u64) -> Rights {
        let lasts = holds(self.not_after == 0 || time_ms <= self.not_after);
        if lasts { self.rights } else { Rights::NONE }
    }
}

/// One data key of an environment, as the chain knows it.
#[derive(Debug, Clone)]
pub struct Epoch {
    /// The link that announced it.
    pub link: u64,
    /// Commitment to the key itself.
    pub dek_commit: Digest,
    /// Why it was made.
    pub reason: EpochReason,
    /// The last commit before it: behind this one, none under an older key counts. 0 for none.
    pub cut_seq: u64,
    /// Head of that commit; zeros for none.
    pub cut_head: Digest,
    /// Who holds it, rising by recipient.
    pub wraps: Vec<WrapEntry>,
    /// SHA-256 of the sealed previous key; zero in the first epoch.
    pub previous: Digest,
}

/// An environment.
#[derive(Debug, Clone)]
pub struct EnvState {
    /// What it is.
    pub kind: EnvKind,
    /// The application or group it belongs to; zero for the directory.
    pub place: [u8; 16],
    /// The environment it overrides; zero for none.
    pub parent: EnvId,
    /// Its end, in milliseconds since 1970; zero for none.
    pub expires: u64,
    /// The link that created it.
    pub created: u64,
    /// Explicit grants, by principal and link. The directory has none.
    pub grants: BTreeMap<Principal, Timeline<Grant>>,
    /// Data keys; epoch `n` stands at `n - 1`.
    pub epochs: Vec<Epoch>,
    /// Groups it composes, in order.
    pub composed: Vec<EnvId>,
    /// Links after which the data key had to be replaced.
    pub(crate) due: Vec<u64>,
}

impl EnvState {
    /// The number of the data key in force at link `seq`; 0 if there was none yet.
    pub fn epoch_at(&self, seq: u64) -> u32 {
        let n = self.epochs.partition_point(|epoch| epoch.link <= seq);
        u32::try_from(n).unwrap_or(u32::MAX)
    }

    /// One data key.
    pub fn epoch(&self, number: u32) -> Option<&Epoch> {
        self.epochs.get(usize::try_from(number).ok()?.checked_sub(1)?)
    }

    /// Whether at link `seq` a reader had left since the last rotation.
    pub fn is_due_at(&self, seq: u64) -> bool {
        let last = self.due[..self.due.partition_point(|at| *at <= seq)].last();
        let rotated = self
            .epochs
            .iter()
            .rev()
            .find(|e| e.link <= seq && e.reason != EpochReason::ReaderAdded)
            .map(|e| e.link);
        last.is_some_and(|due| rotated.is_some_and(|link| link < *due))
    }
}

/// A service token.
#[derive(Debug, Clone)]
pub struct Token {
    /// The link that issued it.
    pub issued: u64,
    /// Ed25519 public key.
    pub sig_pub: PublicKey,
    /// X25519 public key.
    pub enc_pub: PublicKey,
    /// Its end, in milliseconds since 1970; zero for none.
    pub not_after: u64,
    /// The link that revoked it.
    pub revoked: Option<u64>,
}

/// An agent.
#[derive(Debug, Clone)]
pub struct Agent {
    /// The link that issued it first.
    pub issued: u64,
    /// The newest link that says what it may do; equals `issued` until it is issued again.
    pub changed: u64,
    /// The person who answers for it.
    pub responsible: UserId,
    /// Commitment to its name.
    pub name_hash: Digest,
    /// Commitment to its policy.
    pub policy_hash: Digest,
    /// Its end, in milliseconds since 1970; zero for none.
    pub not_after: u64,
    /// The link that revoked it.
    pub revoked: Option<u64>,
}

/// An invitation.
#[derive(Debug, Clone)]
pub struct Invite {
    /// The link that made it.
    pub link: u64,
    /// `H("invite", K_inv)`.
    pub key_hash: Digest,
    /// The promised role.
    pub role: Role,
    /// The promised grants.
    pub grants: Vec<EnvRight>,
    /// Its end, in milliseconds since 1970.
    pub expires: u64,
    /// The link that used it up.
    pub used: Option<u64>,
}

/// The verified state of an organisation.
#[derive(Debug, Clone)]
pub struct OrgState {
    pub(crate) org: OrgId,
    /// Head and time of each link.
    pub(crate) heads: Vec<(Digest, u64)>,
    pub(crate) suite: u8,
    pub(crate) policy: Policy,
    pub(crate) audit_vkey: PublicKey,
    pub(crate) audit: AuditPin,
    pub(crate) retained: AuditPin,
    pub(crate) members: BTreeMap<UserId, Member>,
    pub(crate) invites: BTreeMap<InviteId, Invite>,
    pub(crate) envs: BTreeMap<EnvId, EnvState>,
    pub(crate) tokens: BTreeMap<TokenId, Token>,
    pub(crate) agents: BTreeMap<AgentId, Agent>,
    pub(crate) used_keys: BTreeSet<PublicKey>,
    pub(crate) directory: Option<EnvId>,
}

/// Checks a whole chain. `org` is known from an invite code, a kit or an earlier visit; `pin` is
/// what this device verified before: position and head.
pub fn verify(
    links: &[Link],
    org: OrgId,
    pin: Option<(u64, Digest)>,
) -> Result<OrgState, ChainError> {
    let (genesis, rest) = links.split_first().ok_or(ChainError::Genesis)?;
    let mut state = OrgState::found(genesis)?;
    require(state.org == org, ChainError::WrongOrg)?;
    for link in rest {
        state.apply(link)?;
    }
    if let Some((seq, head)) = pin {
        state.require_pin(seq, &head)?;
    }
    Ok(state)
}

impl OrgState {
    /// Checks a genesis.
    pub fn found(genesis: &Link) -> Result<Self, ChainError> {
        rules::found(genesis)
    }

    /// Checks the next link and takes it in. After an error the state is what it was.
    pub fn apply(&mut self, link: &Link) -> Result<(), ChainError> {
        let statement = &link.statement;
        require(statement.org == self.org, ChainError::WrongOrg)?;
        require(statement.seq == self.seq() + 1, ChainError::WrongSeq)?;
        require(statement.prev == self.head(), ChainError::WrongPrev)?;
        require(statement.time_ms >= self.time_ms(), ChainError::TimeWentBack)?;
        let key = self
            .signing_key(&statement.author, self.seq(), statement.time_ms)
            .ok_or(ChainError::UnknownAuthor)?;
        let signed = verifies_labelled("stmt", &key, link.signed_bytes(), &link.signature());
        require(signed, ChainError::BadSignature)?;
        rules::apply(self, statement)?;
        self.heads.push((link.head(), statement.time_ms));
        Ok(())
    }

    /// Checks that the chain contains what was verified before.
    pub fn require_pin(&self, seq: u64, head: &Digest) -> Result<(), ChainError> {
        let own = self.head_at(seq);
        require(own.is_some(), ChainError::BelowPin)?;
        require(own.is_none_or(|own| own == *head), ChainError::Fork)
    }

    /// Which organisation.
    pub fn org(&self) -> OrgId {
        self.org
    }

    /// Position of the newest link.
    pub fn seq(&self) -> u64 {
        self.heads.len() as u64 - 1
    }

    /// Head of the newest link.
    pub fn head(&self) -> Digest {
        self.heads.last().map_or(NO_HEAD, |(head, _)| *head)
    }

    /// Head of the link at `seq`, if the chain is that long.
    pub fn head_at(&self, seq: u64) -> Option<Digest> {
        self.heads.get(usize::try_from(seq).ok()?).map(|(head, _)| *head)
    }

    /// Position of the link with this head; looked for from the newest on.
    pub fn seq_of(&self, head: &Digest) -> Option<u64> {
        self.heads.iter().rposition(|(own, _)| own == head).map(|at| at as u64)
    }

    /// Time of the link at `seq`, if the chain is that long, in milliseconds since 1970.
    pub fn time_at(&self, seq: u64) -> Option<u64> {
        self.heads.get(usize::try_from(seq).ok()?).map(|(_, time_ms)| *time_ms)
    }

    /// The newest signed time, in milliseconds since 1970.
    pub fn time_ms(&self) -> u64 {
        self.heads.last().map_or(0, |(_, time_ms)| *time_ms)
    }

    /// The suite in force.
    pub fn suite(&self) -> u8 {
        self.suite
    }

    /// The policy in force.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The key that signs the audit checkpoints.
    pub fn audit_vkey(&self) -> &PublicKey {
        &self.audit_vkey
    }

    /// How often an owner accepted a new audit tree.
    pub fn audit_reset(&self) -> u32 {
        self.audit.reset
    }

    /// The newest audit state that the chain itself repeats; size 0 if none.
    pub fn audit_anchor(&self) -> &AuditPin {
        &self.audit
    }

    /// Up to where entries of the audit log need not be kept any more, as an owner signed it: their
    /// number, and the root of their tree. Size 0 if all are kept.
    pub fn audit_retained(&self) -> &AuditPin {
        &self.retained
    }

    /// The environment that holds all names.
    pub fn directory(&self) -> Option<EnvId> {
        self.directory
    }

    /// All members, former ones included.
    pub fn members(&self) -> &BTreeMap<UserId, Member> {
        &self.members
    }

    /// One member, former ones included.
    pub fn member(&self, user: &UserId) -> Option<&Member> {
        self.members.get(user)
    }

    /// Whether `user` is part of the organisation now.
    pub fn is_member(&self, user: &UserId) -> bool {
        self.role(user).is_some()
    }

    /// The present role of `user`.
    pub fn role(&self, user: &UserId) -> Option<Role> {
        self.members.get(user)?.role_at(self.seq())
    }

    /// All environments.
    pub fn envs(&self) -> &BTreeMap<EnvId, EnvState> {
        &self.envs
    }

    /// One environment.
    pub fn env(&self, env: &EnvId) -> Option<&EnvState> {
        self.envs.get(env)
    }

    /// All tokens, revoked ones included.
    pub fn tokens(&self) -> &BTreeMap<TokenId, Token> {
        &self.tokens
    }

    /// One token, revoked ones included.
    pub fn token(&self, token: &TokenId) -> Option<&Token> {
        self.tokens.get(token)
    }

    /// All agents, revoked ones included.
    pub fn agents(&self) -> &BTreeMap<AgentId, Agent> {
        &self.agents
    }

    /// Whether an agent may do anything at `time_ms`: it is not revoked, has not ended, and the
    /// person who answers for it is still a member. Whoever leaves takes no agent along; a manager
    /// names somebody else by issuing it again.
    pub fn agent_lives(&self, agent: &AgentId, time_ms: u64) -> bool {
        self.agents.get(agent).is_some_and(|agent| {
            holds(agent.revoked.is_none())
                && holds(agent.not_after == 0 || time_ms <= agent.not_after)
                && holds(self.is_member(&agent.responsible))
        })
    }

    /// All invitations, used ones included.
    pub fn invites(&self) -> &BTreeMap<InviteId, Invite> {
        &self.invites
    }

    /// The key that signed for `who` at link `seq`; `None` if it was not part of the organisation.
    pub fn signing_key(&self, who: &Principal, seq: u64, time_ms: u64) -> Option<PublicKey> {
        match who {
            Principal::User(user) => {
                let member = self.members.get(user).filter(|m| m.is_active_at(seq))?;
                member.keys.at(seq).map(|(_, keys)| keys.isk)
            }
            Principal::Token(token) => {
                let token = self.tokens.get(token)?;
                let live = holds(token.issued <= seq)
                    && holds(token.revoked.is_none_or(|at| at > seq))
                    && holds(token.not_after == 0 || time_ms <= token.not_after);
                live.then_some(token.sig_pub)
            }
            Principal::Agent(_) => None,
        }
    }

    /// The key that wraps for `who` are made to, now.
    pub fn encryption_key(&self, who: &Principal) -> Option<PublicKey> {
        match who {
            Principal::User(user) => {
                let member = self.members.get(user).filter(|m| m.is_active_at(self.seq()))?;
                member.keys.at(self.seq()).map(|(_, keys)| keys.iek)
            }
            Principal::Token(token) => {
                self.tokens.get(token).filter(|t| t.revoked.is_none()).map(|t| t.enc_pub)
            }
            Principal::Agent(_) => None,
        }
    }

    /// The rights of `who` on `env` at link `seq` and time `time_ms`: a function of the chain and
    /// of nothing else. In the directory managers may do everything and every member may read;
    /// what else a member may write there depends on the item (`history.rs`).
    pub fn rights_at(&self, env: &EnvId, who: &Principal, seq: u64, time_ms: u64) -> Rights {
        let Some(state) = self.envs.get(env).filter(|state| holds(state.created <= seq)) else {
            return Rights::NONE;
        };
        if self.signing_key(who, seq, time_ms).is_none() {
            return Rights::NONE;
        }
        if state.kind == EnvKind::Directory {
            return match who {
                Principal::User(user) => match self.members[user].role_at(seq) {
                    Some(role) if role.manages() => Rights::ALL,
                    Some(_) => Rights::READ,
                    None => Rights::NONE,
                },
                _ => Rights::NONE,
            };
        }
        let grant = state.grants.get(who).and_then(|timeline| timeline.at(seq));
        grant.map_or(Rights::NONE, |(_, grant)| grant.at(time_ms))
    }

    /// The rights of `who` on `env` at the newest link.
    pub fn rights(&self, env: &EnvId, who: &Principal, time_ms: u64) -> Rights {
        self.rights_at(env, who, self.seq(), time_ms)
    }

    /// Everybody who may hold the data key of `env` at `time_ms`, rising.
    pub fn readers(&self, env: &EnvId, time_ms: u64) -> BTreeSet<Principal> {
        let Some(state) = self.envs.get(env) else {
            return BTreeSet::new();
        };
        let may_read = |who: &Principal| self.rights(env, who, time_ms).includes(Rights::READ);
        if state.kind == EnvKind::Directory {
            self.members.keys().copied().map(Principal::User).filter(may_read).collect()
        } else {
            state.grants.keys().copied().filter(may_read).collect()
        }
    }

    /// Whether the data key of `env` must be replaced before anything else is written: somebody
    /// who holds it left, lost the right, or its grant lapsed by `time_ms`.
    pub fn is_due(&self, env: &EnvId, time_ms: u64) -> bool {
        let Some(state) = self.envs.get(env) else {
            return false;
        };
        state.is_due_at(self.seq()) || self.holds_without_right(env, time_ms)
    }

    /// Whether a recipient of the newest data key is no reader at `time_ms`.
    pub(crate) fn holds_without_right(&self, env: &EnvId, time_ms: u64) -> bool {
        let newest = self.envs.get(env).and_then(|state| state.epochs.last());
        let readers = self.readers(env, time_ms);
        newest.is_some_and(|e| e.wraps.iter().any(|wrap| !readers.contains(&wrap.recipient)))
    }

    /// The environments that the removal of `user` must cut, rising: the directory and all that it
    /// might ever write. A right that ended before leaves commits that must stay valid, and a place
    /// where no other may be slipped in.
    pub fn envs_to_cut(&self, user: &UserId) -> Vec<EnvId> {
        let wrote = |state: &EnvState| {
            let grants = state.grants.get(&Principal::User(*user)).map_or(&[][..], Timeline::all);
            grants.iter().any(|(_, grant)| grant.rights.includes(Rights::WRITE))
        };
        let envs = self.envs.iter();
        envs.filter(|(_, state)| state.kind == EnvKind::Directory || wrote(state))
            .map(|(env, _)| *env)
            .collect()
    }

    /// Whether at link `seq` the chain knew a person, token, agent, environment, application, group
    /// or the organisation itself by the id of this directory item.
    pub(crate) fn is_named_at(&self, item: &SecretId, seq: u64) -> bool {
        *item == self.org.directory_item()
            || self.members.get(&UserId(item.0)).is_some_and(|member| member.added <= seq)
            || self.tokens.get(&TokenId(item.0)).is_some_and(|token| token.issued <= seq)
            || self.agents.get(&AgentId(item.0)).is_some_and(|agent| agent.issued <= seq)
            || self.envs.get(&EnvId(item.0)).is_some_and(|env| env.created <= seq)
            || self.envs.values().any(|env| env.created <= seq && env.place == item.0)
    }

    /// When the rights of `who` on `env` end, in milliseconds since 1970; zero for never.
    pub fn end_of_rights(&self, env: &EnvId, who: &Principal) -> u64 {
        let grants = self.envs.get(env).and_then(|state| state.grants.get(who));
        let grant = grants.and_then(|t| t.at(self.seq())).map_or(0, |(_, grant)| grant.not_after);
        let token = match who {
            Principal::Token(token) => self.tokens.get(token).map_or(0, |token| token.not_after),
            _ => 0,
        };
        [grant, token].into_iter().filter(|end| *end != 0).min().unwrap_or(0)
    }

    /// Which principals the body of a statement names; for explaining a link to a person.
    pub fn subject(body: &Body) -> Option<Principal> {
        match body {
            Body::MemberAdd { user, .. }
            | Body::MemberRole { user, .. }
            | Body::MemberRemove { user, .. }
            | Body::KeyReset { user, .. } => Some(Principal::User(*user)),
            Body::EnvGrant { principal, .. } | Body::EnvRevoke { principal, .. } => {
                Some(*principal)
            }
            Body::TokenIssue { token, .. } | Body::TokenRevoke { token } => {
                Some(Principal::Token(*token))
            }
            Body::AgentIssue { agent, .. } | Body::AgentRevoke { agent } => {
                Some(Principal::Agent(*agent))
            }
            _ => None,
        }
    }
}
