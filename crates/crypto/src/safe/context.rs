//! Contexts: what an envelope is, where it belongs and which version of it this is.
//!
//! A [`Context`] is bound to its envelope twice, in the derivation of the key and as associated
//! data, so that an envelope opens in the one place it was made for. They are made here alone: no
//! caller can seal under a context of its own invention.

use strongroom_format::hash::ctx;
use strongroom_format::id::{AgentId, EnvId, OrgId, Principal, SecretId, UserId};
use strongroom_format::statement::MemberKeys;

use super::keyset::KeysetParams;

/// The canonical bytes of one context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context(Vec<u8>);

impl Context {
    /// The bytes that are bound: `ctx(kind, fields..)`.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// `ctx("keyset", user_id, u32 keyset_epoch, u8 profile, salt16, isk_pub, iek_pub)`.
    pub(crate) fn keyset(params: &KeysetParams, keys: &MemberKeys) -> Self {
        Self(ctx(
            "keyset",
            &[
                params.user.as_bytes(),
                &params.epoch.to_be_bytes(),
                &[params.profile.id()],
                &params.salt,
                &keys.isk,
                &keys.iek,
            ],
        ))
    }

    /// `ctx("dek-prev", org_id, env_id, u32 e)`, where `e` is the epoch of the key inside.
    pub(crate) fn previous_dek(org: &OrgId, env: &EnvId, epoch: u32) -> Self {
        Self(ctx("dek-prev", &[org.as_bytes(), env.as_bytes(), &epoch.to_be_bytes()]))
    }

    /// `ctx("agency", org_id, u8 actor_kind, actor_id, agent_id, u32 epoch)`: what an agent did, in
    /// an act of `actor`, whose signature binds it to that act.
    pub fn agency(org: &OrgId, actor: &Principal, agent: &AgentId, epoch: u32) -> Self {
        Self(ctx(
            "agency",
            &[org.as_bytes(), &[actor.kind()], &actor.id(), agent.as_bytes(), &epoch.to_be_bytes()],
        ))
    }

    /// `ctx("local", user_id, kind, name)`: something that never leaves this device, such as a row
    /// of the cache or a draft. `kind` says which store, `name` which entry of it.
    pub fn local(user: &UserId, kind: &str, name: &[u8]) -> Self {
        Self(ctx("local", &[user.as_bytes(), kind.as_bytes(), name]))
    }
}

/// One field of one version of one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ItemContext {
    /// The organisation.
    pub org: OrgId,
    /// The application or group the environment belongs to; zero for a directory.
    pub app_or_group: [u8; 16],
    /// The environment.
    pub env: EnvId,
    /// The epoch of the data key.
    pub epoch: u32,
    /// The item.
    pub secret: SecretId,
    /// Its version.
    pub version: u64,
    /// Its field: 1 name, 2 value, 3 note, 4 broker policy.
    pub field: u8,
}

impl ItemContext {
    /// `ctx("item", org_id, app_id, env_id, u32 epoch, secret_id, u64 version, u8 field)`.
    pub fn context(&self) -> Context {
        Context(ctx(
            "item",
            &[
                self.org.as_bytes(),
                &self.app_or_group,
                self.env.as_bytes(),
                &self.epoch.to_be_bytes(),
                self.secret.as_bytes(),
                &self.version.to_be_bytes(),
                &[self.field],
            ],
        ))
    }
}
