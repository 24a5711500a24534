//! The server, as typed calls: one method for each route of [`strongroom_format::wire`].
//!
//! The server is an untrusted mailbox. What comes from it is capped while it streams in, must have
//! the exact content type and decode without a byte to spare, and is still unverified then: that is
//! `strongroom-chain`'s work. Nothing is followed, nothing is retried, except one new sign-in after
//! a 401 (docs/protocol.md, section 14, rule 4).
//!
//! Deliberately not here: polling, paging and cancellation. A call is cancelled by dropping its
//! future; whether a write that was cut off was accepted, the next sync shows.

mod admission;
mod error;
mod origin;
mod session;
mod transport;
mod witness;

use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use reqwest::Method;
use reqwest::header::HeaderValue;
use strongroom_crypto::safe::ServiceToken;
use strongroom_format::encoding::Codec;
use strongroom_format::event::MAX_PEER;
use strongroom_format::id::{EnvId, OrgId, SecretId};
use strongroom_format::note::MAX_NOTE;
use strongroom_format::wire::{
    AccountAnswer, ActPage, ChainAnswer, CommitPage, ConsistencyAnswer, CreateAccount,
    EnvelopePage, EventsAnswer, InclusionAnswer, ItemPage, JoinList, JoinRequest, MAX_ACTS,
    MAX_BATCH_ENVS, MAX_LINKS, OrgList, PendingJoin, Receipt, ReplaceKeyset, ServerInfo,
    SyncAnswer, WriteAnswer, WriteBatch,
};

use zeroize::Zeroizing;

pub use admission::Admission;
pub use error::{ApiError, ServerCode};
pub use origin::{BadOrigin, Origin};
pub use session::{CannotSign, SignIn};
pub use transport::TimeLimits;
pub use witness::{WitnessAnswer, WitnessUrl, add_checkpoint};

use session::Sessions;
use transport::{Call, Transport};

/// The most nodes of a consistency proof: two for each level of a tree of 2^64 leaves.
const MAX_PROOF: usize = 130;

/// A client of one server for one person.
#[derive(Debug)]
pub struct Api {
    transport: Transport,
    sessions: Sessions,
}

impl Api {
    /// A client of the server at `origin`. Connects on first use.
    pub fn new(origin: Origin, limits: TimeLimits) -> Result<Self, ApiError> {
        Ok(Self { transport: Transport::new(origin, limits)?, sessions: Sessions::default() })
    }

    /// The server's address, which sign-ins are bound to.
    pub fn origin(&self) -> &Origin {
        self.transport.origin()
    }

    /// Sets who signs in from now on, and ends the present session.
    pub async fn sign_in_as(&self, signer: Arc<dyn SignIn>) {
        self.sessions.sign_in_as(Some(signer)).await;
    }

    /// Speaks for a service token from now on: its bearer is all that is sent, and opens nothing.
    pub async fn speak_for(&self, token: &ServiceToken) -> Result<(), ApiError> {
        let mut text = Zeroizing::new(String::with_capacity(160));
        text.push_str("Bearer srt.");
        text.push_str(&token.id().to_string());
        text.push('.');
        token.bearer().lend(|bytes| BASE64URL_NOPAD.encode_append(bytes, &mut text));
        let mut header = HeaderValue::from_str(&text).map_err(|_| ApiError::Unsupported)?;
        header.set_sensitive(true);
        self.sessions.send_always(session::Token::fixed(header)).await;
        Ok(())
    }

    /// Forgets session and signer: for lock.
    pub async fn sign_out(&self) {
        self.sessions.sign_in_as(None).await;
    }

    /// Signs in now, to find out whether the server knows this person. Other calls sign in by
    /// themselves.
    pub async fn sign_in(&self) -> Result<(), ApiError> {
        self.sessions.token(&self.transport, None).await.map(|_| ())
    }

    /// `GET /v1/server`.
    pub async fn server_info(&self) -> Result<ServerInfo, ApiError> {
        let info: ServerInfo = self.transport.json(Call::get("/v1/server")).await?;
        exactly(&info.audit_vkey.0, 32)?;
        if info.origin.len() > 512 || info.version.len() > 64 {
            return Err(ApiError::Garbage);
        }
        Ok(info)
    }

    /// `POST /v1/accounts`, with what a server that is not open to everybody asks for.
    pub async fn create_account(
        &self,
        account: &CreateAccount,
        admission: Option<&Admission>,
    ) -> Result<(), ApiError> {
        let call = Call::post_json("/v1/accounts", account)?;
        let token = admission.map(Admission::token).transpose()?;
        self.transport.send(&call, token.as_ref(), transport::Expect::Nothing).await.map(|_| ())
    }

    /// `GET /v1/account`: who the caller is, and the sealed keyset.
    pub async fn account(&self) -> Result<AccountAnswer, ApiError> {
        self.json(Call::get("/v1/account")).await
    }

    /// Whether a credential of somebody without a session belongs to an account already.
    pub async fn has_account(&self, admission: &Admission) -> Result<bool, ApiError> {
        let token = admission.token()?;
        let call = Call::get("/v1/account");
        match self.transport.send(&call, Some(&token), transport::Expect::Json).await {
            Ok(bytes) => transport::parse_json::<AccountAnswer>(&bytes).map(|_| true),
            Err(ApiError::Refused { status: 401, code }) if code.as_str() == "unknown-identity" => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// `POST /v1/account/keyset`.
    pub async fn replace_keyset(&self, new: &ReplaceKeyset) -> Result<(), ApiError> {
        self.done(Call::post_json("/v1/account/keyset", new)?).await
    }

    /// `GET /v1/orgs/{org}/invite/chain`: the chain from link `from` on, for who holds the code.
    pub async fn invite_chain(
        &self,
        org: &OrgId,
        from: u64,
        invite: &Admission,
    ) -> Result<ChainAnswer, ApiError> {
        let call = Call::get(format!("/v1/orgs/{org}/invite/chain?from={from}"));
        let token = invite.token()?;
        let bytes = self.transport.send(&call, Some(&token), transport::Expect::Json).await?;
        let answer: ChainAnswer = transport::parse_json(&bytes)?;
        at_most(answer.links.len(), MAX_LINKS)?;
        Ok(answer)
    }

    /// `POST /v1/orgs/{org}/invite/join`: asks to be admitted.
    pub async fn ask_to_join(
        &self,
        org: &OrgId,
        request: &JoinRequest,
        invite: &Admission,
    ) -> Result<(), ApiError> {
        let call = Call::post_json(format!("/v1/orgs/{org}/invite/join"), request)?;
        let token = invite.token()?;
        self.transport.send(&call, Some(&token), transport::Expect::Nothing).await.map(|_| ())
    }

    /// `GET /v1/orgs/{org}/joins`, for managers: who asks to be admitted.
    pub async fn joins(&self, org: &OrgId) -> Result<Vec<PendingJoin>, ApiError> {
        let list: JoinList = self.json(Call::get(format!("/v1/orgs/{org}/joins"))).await?;
        at_most(list.joins.len(), 10_000)?;
        Ok(list.joins)
    }

    /// `GET /v1/orgs`.
    pub async fn orgs(&self) -> Result<OrgList, ApiError> {
        let list: OrgList = self.json(Call::get("/v1/orgs")).await?;
        at_most(list.orgs.len(), 10_000)?;
        Ok(list)
    }

    /// `POST /v1/orgs`: the first link of `batch` is the genesis.
    pub async fn create_org(&self, batch: &WriteBatch) -> Result<WriteAnswer, ApiError> {
        self.json(Call::post_page("/v1/orgs", batch)?).await
    }

    /// `GET /v1/orgs/{org}/sync`: the chain from link `from` on.
    pub async fn sync(&self, org: &OrgId, from: u64) -> Result<SyncAnswer, ApiError> {
        let path = format!("/v1/orgs/{org}/sync?from={from}");
        let answer: SyncAnswer = self.json(Call::get(path)).await?;
        at_most(answer.links.len(), MAX_LINKS)?;
        at_most(answer.envs.len(), MAX_BATCH_ENVS)?;
        for env in &answer.envs {
            exactly(&env.head.0, 32)?;
        }
        Ok(answer)
    }

    /// `POST /v1/orgs/{org}/envelopes`: ahead of the commit that names them.
    pub async fn stage_envelopes(&self, org: &OrgId, page: &EnvelopePage) -> Result<(), ApiError> {
        let path = format!("/v1/orgs/{org}/envelopes");
        self.done(Call::post_page(path, page)?).await
    }

    /// `POST /v1/orgs/{org}/write`: all or nothing.
    pub async fn write(&self, org: &OrgId, batch: &WriteBatch) -> Result<WriteAnswer, ApiError> {
        let path = format!("/v1/orgs/{org}/write");
        self.json(Call::post_page(path, batch)?).await
    }

    /// `POST /v1/orgs/{org}/events`: acts that are not writes.
    pub async fn report_acts(&self, org: &OrgId, page: &ActPage) -> Result<Receipt, ApiError> {
        let path = format!("/v1/orgs/{org}/events");
        let receipt: Receipt = self.json(Call::post_page(path, page)?).await?;
        at_most(receipt.peer.len(), MAX_PEER)?;
        at_most(receipt.checkpoint.len(), MAX_NOTE)?;
        Ok(receipt)
    }

    /// `GET /v1/orgs/{org}/envs/{env}/items`: current items that come after `after`.
    pub async fn items(
        &self,
        org: &OrgId,
        env: &EnvId,
        after: Option<&SecretId>,
    ) -> Result<ItemPage, ApiError> {
        let query = after.map(|after| format!("?after={after}")).unwrap_or_default();
        let path = format!("/v1/orgs/{org}/envs/{env}/items{query}");
        self.page(Call::get(path)).await
    }

    /// `GET /v1/orgs/{org}/envs/{env}/commits`: history from commit `from` on, with the sealed
    /// fields or without.
    pub async fn commits(
        &self,
        org: &OrgId,
        env: &EnvId,
        from: u64,
        envelopes: bool,
    ) -> Result<CommitPage, ApiError> {
        let path = format!("/v1/orgs/{org}/envs/{env}/commits?from={from}&envelopes={envelopes}");
        self.page(Call::get(path)).await
    }

    /// `GET /v1/orgs/{org}/audit/proof`: that the log of size `new` continues the one of size `old`.
    pub async fn consistency(
        &self,
        org: &OrgId,
        old: u64,
        new: u64,
    ) -> Result<ConsistencyAnswer, ApiError> {
        let path = format!("/v1/orgs/{org}/audit/proof?old={old}&new={new}");
        let answer: ConsistencyAnswer = self.json(Call::get(path)).await?;
        at_most(answer.proof.len(), MAX_PROOF)?;
        for node in &answer.proof {
            exactly(&node.0, 32)?;
        }
        Ok(answer)
    }

    /// `GET /v1/orgs/{org}/audit/inclusion`: that an entry is in the log.
    pub async fn inclusion(&self, org: &OrgId, index: u64) -> Result<InclusionAnswer, ApiError> {
        let path = format!("/v1/orgs/{org}/audit/inclusion?index={index}");
        let answer: InclusionAnswer = self.json(Call::get(path)).await?;
        at_most(answer.proof.len(), MAX_PROOF)?;
        at_most(answer.checkpoint.len(), MAX_NOTE)?;
        for node in &answer.proof {
            exactly(&node.0, 32)?;
        }
        Ok(answer)
    }

    /// `GET /v1/orgs/{org}/audit/events`: entries of the log from one on; for members.
    pub async fn audit_events(&self, org: &OrgId, from: u64) -> Result<EventsAnswer, ApiError> {
        let path = format!("/v1/orgs/{org}/audit/events?from={from}");
        let answer: EventsAnswer = self.json(Call::get(path)).await?;
        at_most(answer.events.len(), MAX_ACTS)?;
        at_most(answer.checkpoint.len(), MAX_NOTE)?;
        Ok(answer)
    }

    async fn json<T: serde::de::DeserializeOwned>(&self, call: Call) -> Result<T, ApiError> {
        let answer = self.signed(&call, transport::Expect::Json).await?;
        transport::parse_json(&answer)
    }

    async fn page<T: Codec>(&self, call: Call) -> Result<T, ApiError> {
        let answer = self.signed(&call, transport::Expect::Page).await?;
        T::decode(&answer).map_err(|_| ApiError::Garbage)
    }

    async fn done(&self, call: Call) -> Result<(), ApiError> {
        self.signed(&call, transport::Expect::Nothing).await.map(|_| ())
    }

    /// Sends a call with a session, and once more with a new one if that was refused as such.
    async fn signed(&self, call: &Call, expect: transport::Expect) -> Result<Vec<u8>, ApiError> {
        let token = self.sessions.token(&self.transport, None).await?;
        match self.transport.send(call, Some(&token), expect).await {
            Err(ApiError::Refused { status: 401, .. }) => {}
            answer => return answer,
        }
        let token = self.sessions.token(&self.transport, Some(&token)).await?;
        self.transport.send(call, Some(&token), expect).await
    }
}

fn at_most(n: usize, cap: usize) -> Result<(), ApiError> {
    if n <= cap { Ok(()) } else { Err(ApiError::Garbage) }
}

fn exactly(bytes: &[u8], n: usize) -> Result<(), ApiError> {
    if bytes.len() == n { Ok(()) } else { Err(ApiError::Garbage) }
}

#[cfg(test)]
pub(crate) mod tests;
