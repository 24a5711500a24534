//! Agents: what they may do, the credentials lent to them, and the acts that tell what they did.

use std::sync::Arc;

use strongroom_core::agents::{self, AgentEntry, AgentSecret, seal_call};
use strongroom_crypto::safe::OsEntropy;
use strongroom_format::agency::{Agency, AgentCall, CallOutcome};
use strongroom_format::commit::Field;
use strongroom_format::event::{Detail, EventKind};
use strongroom_format::id::{AgentId, EnvId, SecretId};
use strongroom_policy::{AgentPolicy, PolicyError, SecretAt, SecretPolicy};
use strongroom_secret::SecretBytes;

use super::error::VaultError;
use super::session::{Notice, Session};

/// What an agent did with a credential, or was not allowed to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentUse {
    /// Which agent.
    pub agent: AgentId,
    /// Which credential, and its version; `None` where none was asked for.
    pub secret: Option<(SecretAt, u64)>,
    /// The HTTP status that came back; 0 for none.
    pub status: u16,
    /// What was asked for, and what became of it.
    pub call: AgentCall,
}

impl AgentUse {
    /// The kind of act that tells it.
    pub fn kind(&self) -> EventKind {
        match self.call.outcome {
            CallOutcome::Done | CallOutcome::Broken | CallOutcome::Unknown => EventKind::Brokered,
            CallOutcome::Approved => EventKind::Approved,
            CallOutcome::Refused
            | CallOutcome::TimedOut
            | CallOutcome::Forbidden
            | CallOutcome::Alarm => EventKind::Denied,
        }
    }

    /// What the act is about.
    pub(crate) fn detail(&self) -> Detail {
        let nothing = Detail::status(self.status);
        match &self.secret {
            Some((at, version)) => {
                Detail { env: at.env, secret: at.secret, version: *version, ..nothing }
            }
            None => nothing,
        }
    }
}

impl Session {
    /// All agents of the organisation in front, ended ones included, rising by id.
    pub fn agents(&self) -> Result<Vec<AgentEntry>, VaultError> {
        let now_ms = self.now_ms();
        self.with(|org| Ok(agents::agents(org.replica(), now_ms)))
    }

    /// The credentials that the rules of a policy name, as far as this person can read them.
    pub fn agent_secrets(&self, policy: &AgentPolicy) -> Result<Vec<AgentSecret>, VaultError> {
        self.with(|org| Ok(agents::secrets_of(org.replica(), policy)))
    }

    /// Where a secret may go; `None` where nothing says so, and then it goes nowhere. The inner
    /// error is of a policy that says nothing this program understands.
    pub fn secret_policy(
        &self,
        env: EnvId,
        secret: &SecretId,
    ) -> Result<Result<Option<SecretPolicy>, PolicyError>, VaultError> {
        self.with(|org| Ok(agents::secret_policy(org.replica(), env, secret)?))
    }

    /// Opens the signed value of a secret for an agent, with its version; what is only staged is
    /// lent to nobody. That this version was opened is noted first, once on this computer.
    pub fn lend_to_agent(
        &self,
        env: EnvId,
        secret: &SecretId,
    ) -> Result<(u64, Arc<SecretBytes>), VaultError> {
        self.with(|org| {
            let item = org.replica.env(&env).and_then(|copy| copy.lookup(secret));
            let version = item.ok_or(VaultError::NotFound)?.change.version;
            let me = Arc::clone(org.replica.me());
            let state = org.replica.state();
            self.change_acts(state.org(), |acts| {
                acts.push_opened(&me, state, env, *secret, version);
            })?;
            Ok((version, Arc::new(org.replica.open_field(env, secret, Field::Value)?)))
        })
    }

    /// Signs what agents did, one act each; they are kept on this computer when this returns, and
    /// sent at the next sync.
    pub fn note_agent_uses(&self, uses: &[AgentUse]) -> Result<(), VaultError> {
        if uses.is_empty() {
            return Ok(());
        }
        self.with(|org| {
            let sealed = uses.iter().map(|used| {
                let agency = seal_call(&mut org.replica, used.agent, &used.call, &mut OsEntropy)?;
                Ok((used.kind(), used.detail(), agency))
            });
            let sealed: Vec<(EventKind, Detail, Agency)> =
                sealed.collect::<Result<_, VaultError>>()?;
            let me = Arc::clone(org.replica.me());
            let state = org.replica.state();
            self.change_acts(state.org(), |acts| {
                for (kind, detail, agency) in sealed {
                    acts.push_about(&me, state, kind, detail, Some(agency));
                }
            })
        })
    }

    /// Signs a credential that a provider gave in place of version `replaces` of a secret; nothing
    /// else about it changes. [`VaultError::Conflict`] where somebody wrote the secret meanwhile.
    pub async fn capture(
        &self,
        env: EnvId,
        secret: SecretId,
        replaces: u64,
        value: SecretBytes,
    ) -> Result<u64, VaultError> {
        let value = Arc::new(value);
        let version = self
            .write(None, move |pen| {
                let found = pen.replica().env(&env).and_then(|copy| copy.lookup(&secret));
                let version = found.ok_or(VaultError::NotFound)?.change.version;
                if version != replaces {
                    return Err(VaultError::Conflict(Vec::new()));
                }
                pen.replace_value(env, secret, Arc::clone(&value))?;
                Ok(version + 1)
            })
            .await?;
        self.tell(Notice::Env(env));
        Ok(version)
    }
}
