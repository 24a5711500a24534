//! The repository traits.
//!
//! Every method that touches an organisation's data takes the organisation, and a backend puts it
//! into every condition: there is no look-up by environment, item or hash alone.

use std::collections::BTreeMap;
use std::fmt::Debug;

use async_trait::async_trait;
use strongroom_format::hash::Digest;
use strongroom_format::id::{
    DeviceId, EnvId, InviteId, OrgId, Principal, SecretId, TokenId, UserId,
};

use crate::StoreError;
use crate::records::{
    Account, ActorHead, CommitRow, EnvHeadRow, EventRow, Identity, InviteAuth, Item, JoinRow,
    LinkRow, NodeRow, PreviousRow, TokenAuth, WrapRow,
};

type Result<T> = std::result::Result<T, StoreError>;

/// One database.
#[async_trait]
pub trait Store: Debug + Send + Sync + 'static {
    /// A consistent snapshot to read from.
    async fn read(&self) -> Result<Box<dyn ReadTx>>;

    /// The one write transaction; waits until the one before has ended. Dropped without
    /// [`WriteTx::commit`], it leaves nothing.
    async fn write(&self) -> Result<Box<dyn WriteTx>>;

    /// Ends all connections and leaves the files in order.
    async fn close(&self);
}

/// A consistent snapshot.
#[async_trait]
pub trait ReadTx: Send {
    /// An account.
    async fn account(&mut self, user: &UserId) -> Result<Option<Account>>;
    /// Whether there is any account at all.
    async fn has_accounts(&mut self) -> Result<bool>;
    /// Whose account an identity is bound to.
    async fn bound_user(&mut self, identity: &Identity) -> Result<Option<UserId>>;
    /// How many identities are bound to an account.
    async fn identities_of(&mut self, user: &UserId) -> Result<u64>;
    /// The organisations whose present member `user` is, rising.
    async fn orgs_of(&mut self, user: &UserId) -> Result<Vec<OrgId>>;
    /// Whether `who` is a present member or a live token of `org`.
    async fn is_insider(&mut self, org: &OrgId, who: &Principal) -> Result<bool>;
    /// What a token's bearer is compared with.
    async fn token_auth(&mut self, token: &TokenId) -> Result<Option<TokenAuth>>;
    /// What an invitation's bearer is compared with.
    async fn invite_auth(&mut self, invite: &InviteId) -> Result<Option<InviteAuth>>;
    /// The joins that wait, by invitation and then by person.
    async fn joins(&mut self, org: &OrgId) -> Result<Vec<JoinRow>>;

    /// Links from position `from` on: at most `count`, and no more once they hold `bytes`.
    async fn links(
        &mut self,
        org: &OrgId,
        from: u64,
        count: usize,
        bytes: usize,
    ) -> Result<Vec<LinkRow>>;
    /// The wraps for `recipient` that the links `from..=to` list.
    async fn wraps(
        &mut self,
        org: &OrgId,
        recipient: &Principal,
        from: u64,
        to: u64,
    ) -> Result<Vec<WrapRow>>;
    /// The sealed previous keys that the links `from..=to` list.
    async fn previous(&mut self, org: &OrgId, from: u64, to: u64) -> Result<Vec<PreviousRow>>;
    /// The sealed previous keys of one environment, by epoch.
    async fn previous_of(&mut self, org: &OrgId, env: &EnvId) -> Result<Vec<PreviousRow>>;

    /// Where the environments with commits stand, rising.
    async fn env_heads(&mut self, org: &OrgId) -> Result<Vec<EnvHeadRow>>;
    /// The newest commit of an environment.
    async fn head_commit(&mut self, org: &OrgId, env: &EnvId) -> Result<Option<CommitRow>>;
    /// Commits from position `from` on: at most `count`, and no more once they hold `bytes`.
    async fn commits(
        &mut self,
        org: &OrgId,
        env: &EnvId,
        from: u64,
        count: usize,
        bytes: usize,
    ) -> Result<Vec<CommitRow>>;
    /// At most `count` current items, rising, behind `after`.
    async fn items(
        &mut self,
        org: &OrgId,
        env: &EnvId,
        after: Option<&SecretId>,
        count: usize,
    ) -> Result<Vec<Item>>;
    /// Those of the committed envelopes with these hashes that exist in `env`.
    async fn envelopes(
        &mut self,
        org: &OrgId,
        env: &EnvId,
        hashes: &[Digest],
    ) -> Result<BTreeMap<Digest, Vec<u8>>>;

    /// Number of audit entries, retired ones included.
    async fn log_size(&mut self, org: &OrgId) -> Result<u64>;
    /// Audit entries from position `from` on that are not retired: at most `count`, and no more once they hold `bytes`.
    async fn events(
        &mut self,
        org: &OrgId,
        from: u64,
        count: usize,
        bytes: usize,
    ) -> Result<Vec<EventRow>>;
    /// Those of the tree nodes at these (level, index) that exist.
    async fn nodes(
        &mut self,
        org: &OrgId,
        places: &[(u8, u64)],
    ) -> Result<BTreeMap<(u8, u64), Digest>>;
    /// The checkpoint of exactly `size` entries, or the newest, with its size.
    async fn checkpoint(&mut self, org: &OrgId, size: Option<u64>)
    -> Result<Option<(u64, String)>>;
    /// Where an actor's signed events on a device stand.
    async fn actor_head(
        &mut self,
        org: &OrgId,
        actor: &Principal,
        device: &DeviceId,
    ) -> Result<Option<ActorHead>>;
}

/// A transaction that writes. It sees its own effects.
#[async_trait]
pub trait WriteTx: ReadTx {
    /// Adds an account; [`StoreError::Taken`] if the id exists.
    async fn insert_account(&mut self, account: &Account) -> Result<()>;
    /// Replaces the keys and the keyset of an account; [`StoreError::Failed`] if there is none.
    async fn replace_account(&mut self, account: &Account) -> Result<()>;
    /// Binds an identity to an account; [`StoreError::Taken`] if it is bound already.
    async fn insert_identity(&mut self, identity: &Identity, user: &UserId) -> Result<()>;
    /// Adds an organisation; [`StoreError::Taken`] if it exists.
    async fn insert_org(&mut self, org: &OrgId) -> Result<()>;
    /// Appends links; [`StoreError::Taken`] if one of the positions is.
    async fn insert_links(&mut self, org: &OrgId, links: &[LinkRow]) -> Result<()>;
    /// Says who is a present member or live token.
    async fn set_insider(&mut self, org: &OrgId, who: &Principal, inside: bool) -> Result<()>;
    /// Keeps what a new token's bearer is compared with.
    async fn insert_token_auth(&mut self, token: &TokenId, auth: &TokenAuth) -> Result<()>;
    /// Keeps what a new invitation's bearer is compared with; [`StoreError::Taken`] if there is
    /// one of this id.
    async fn insert_invite_auth(&mut self, invite: &InviteId, auth: &InviteAuth) -> Result<()>;
    /// Says that an invitation was used for a reset of keys.
    async fn spend_invite(&mut self, org: &OrgId, invite: &InviteId) -> Result<()>;
    /// Keeps a join, instead of an earlier one of the same person with the same invitation.
    async fn put_join(&mut self, org: &OrgId, join: &JoinRow) -> Result<()>;
    /// Forgets the joins of an invitation.
    async fn drop_joins(&mut self, org: &OrgId, invite: &InviteId) -> Result<()>;
    /// Keeps the wraps that new links list.
    async fn insert_wraps(&mut self, org: &OrgId, wraps: &[WrapRow]) -> Result<()>;
    /// Keeps the sealed previous keys that new links list.
    async fn insert_previous(&mut self, org: &OrgId, previous: &[PreviousRow]) -> Result<()>;

    /// Keeps envelopes of `by` until a commit names them or [`WriteTx::drop_staged`] forgets them.
    /// What is there already stays as it is.
    async fn stage(
        &mut self,
        org: &OrgId,
        by: &Principal,
        now_ms: u64,
        envelopes: &[(Digest, Vec<u8>)],
    ) -> Result<()>;
    /// How many bytes `by` has staged in `org`.
    async fn staged_bytes(&mut self, org: &OrgId, by: &Principal) -> Result<u64>;
    /// Moves staged envelopes of `by` into `env`; gives how many of `hashes` there were. A hash
    /// that another principal staged, or that is committed already, does not count.
    async fn attach(
        &mut self,
        org: &OrgId,
        env: &EnvId,
        by: &Principal,
        hashes: &[Digest],
    ) -> Result<usize>;
    /// Forgets what was staged before `before_ms`; gives how many envelopes.
    async fn drop_staged(&mut self, before_ms: u64) -> Result<u64>;
    /// Appends a commit; [`StoreError::Taken`] if the position is.
    async fn insert_commit(&mut self, org: &OrgId, env: &EnvId, commit: &CommitRow) -> Result<()>;
    /// Replaces the current items.
    async fn put_items(&mut self, org: &OrgId, env: &EnvId, items: &[Item]) -> Result<()>;

    /// Appends audit entries; [`StoreError::Taken`] if one of the positions is.
    async fn insert_events(&mut self, org: &OrgId, events: &[EventRow]) -> Result<()>;
    /// Adds tree nodes; [`StoreError::Taken`] if one of them exists.
    async fn insert_nodes(&mut self, org: &OrgId, nodes: &[NodeRow]) -> Result<()>;
    /// Adds a checkpoint; [`StoreError::Taken`] if there is one of this size.
    async fn insert_checkpoint(&mut self, org: &OrgId, size: u64, note: &str) -> Result<()>;
    /// Removes the audit entries before `size`, never their nodes and checkpoints. The positions
    /// stay taken by their nodes.
    async fn retire_events(&mut self, org: &OrgId, size: u64) -> Result<()>;
    /// Remembers where actors' signed events stand.
    async fn put_actor_heads(&mut self, org: &OrgId, heads: &[ActorHead]) -> Result<()>;

    /// Remembers this place of the transaction, instead of the one remembered before.
    async fn mark(&mut self) -> Result<()>;
    /// Takes back everything since [`WriteTx::mark`]; the mark stays.
    async fn undo_to_mark(&mut self) -> Result<()>;
    /// Makes everything durable.
    async fn commit(self: Box<Self>) -> Result<()>;
}
