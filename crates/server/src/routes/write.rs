//! `POST /v1/orgs` and `POST /v1/orgs/{org}/write`: links and commits, all or nothing.
//!
//! Everything is checked by the verifier that the clients use, on copies of the verified states,
//! before a row is written.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use strongroom_chain::{EnvHistory, OrgState};
use strongroom_format::commit::SignedCommit;
use strongroom_format::event::EventKind;
use strongroom_format::hash::Digest;
use strongroom_format::id::{DeviceId, EnvId, InviteId, OrgId, Principal, TokenId};
use strongroom_format::statement::{Body, CutPoint, Link};
use strongroom_format::wire::{MAX_BATCH_ENVS, WriteAnswer, WriteBatch, content_hash};
use strongroom_store::{
    CommitRow, InviteAuth, Item, LinkRow, PreviousRow, StoreError, TokenAuth, WrapRow,
};

use super::acts::Acts;
use super::retention;
use super::uploads::{match_invites, match_keys, match_tokens};
use crate::app::Shared;
use crate::error::ApiError;
use crate::http::{Peer, Unread, answer_json, enter_with_page, identify, malformed};
use crate::journal::{Batch, Job, Stop, Subject, Vault, load_history};

/// How far an author's clock may be ahead of the server's, in milliseconds.
const MAX_AHEAD_MS: u64 = 10 * 60 * 1000;
/// In how many organisations a founder may be already.
const MAX_ORGS: usize = 256;

/// `POST /v1/orgs`: founds an organisation; the first link is its genesis.
pub(crate) async fn found(
    State(app): State<Shared>,
    peer: Peer,
    headers: HeaderMap,
    body: Unread,
) -> Result<(StatusCode, Response), ApiError> {
    let caller = match identify(&app, &headers, &peer).await {
        Ok(caller) => caller,
        Err(error) => {
            body.discard().await;
            return Err(error);
        }
    };
    caller.require_user()?;
    let mut batch: WriteBatch = body.page(&headers).await?;
    let genesis = batch.links.first().ok_or_else(malformed)?;
    let org = OrgId::of_genesis(genesis);
    let by = caller.principal;
    let subject = Subject { org, actor: Some(by), env: EnvId::ZERO, peer: peer.text() };
    let acts = std::mem::take(&mut batch.acts).into();
    let answer = perform(&app, Write { subject, by, batch, acts, founds: true }).await?;
    Ok((StatusCode::CREATED, answer))
}

/// `POST /v1/orgs/{org}/write`.
pub(crate) async fn write(
    State(app): State<Shared>,
    Path(org): Path<String>,
    peer: Peer,
    headers: HeaderMap,
    body: Unread,
) -> Result<Response, ApiError> {
    let (inside, mut batch): (_, WriteBatch) =
        enter_with_page(&app, &headers, &peer, &org, body).await?;
    let by = inside.caller.principal;
    if !app.limits.allow_acts(&by, batch.acts.len()) {
        return Err(ApiError::rate_limited());
    }
    let acts = std::mem::take(&mut batch.acts).into();
    perform(&app, Write { subject: inside.subject, by, batch, acts, founds: false }).await
}

async fn perform(app: &Shared, write: Write) -> Result<Response, ApiError> {
    let org = write.subject.org;
    let link = app.journal.run(write).await?;
    let checkpoint = app.journal.checkpoint(&org).await?;
    answer_json(&WriteAnswer { link, checkpoint })
}

struct Write {
    subject: Subject,
    by: Principal,
    batch: WriteBatch,
    acts: Acts,
    founds: bool,
}

/// What a checked write changes.
struct Checked {
    state: OrgState,
    links: Vec<Link>,
    commits: Vec<SignedCommit>,
    histories: BTreeMap<EnvId, EnvHistory>,
    wraps: Vec<WrapRow>,
    previous: Vec<PreviousRow>,
    tokens: Vec<(TokenId, TokenAuth)>,
    invites: Vec<(InviteId, InviteAuth)>,
    /// The envelopes that the commits name, by environment.
    named: BTreeMap<EnvId, BTreeSet<Digest>>,
}

#[async_trait]
impl Job for Write {
    /// Position of the newest link.
    type Answer = u64;

    fn subject(&self) -> Option<Subject> {
        Some(self.subject.clone())
    }

    async fn run(&mut self, batch: &mut Batch<'_>) -> Result<u64, Stop> {
        let checked = self.check(batch).await?;
        batch.tx.mark().await?;
        match self.store(batch, &checked).await {
            Ok(()) => {}
            Err(Stop::Store(StoreError::Taken)) => {
                batch.tx.undo_to_mark().await?;
                let message = "something of this id is there already";
                return Err(Stop::Refused(ApiError::conflict("exists", message)));
            }
            Err(Stop::Refused(error)) => {
                batch.tx.undo_to_mark().await?;
                return Err(Stop::Refused(error));
            }
            // The whole transaction fails; a full disk has ended it already, mark and all.
            Err(stop) => return Err(stop),
        }
        self.keep(batch, checked).await
    }
}

impl Write {
    async fn check(&self, batch: &mut Batch<'_>) -> Result<Checked, Stop> {
        let now_ms = batch.now_ms;
        if !self.founds {
            // Before anything is said about what was sent.
            let vault = batch.vault(&self.subject.org).await?;
            let vault = vault.ok_or(Stop::Refused(ApiError::not_found()))?;
            crate::rights::require_insider(&vault.state, &self.by, now_ms, false)?;
        }
        if self.batch.links.is_empty() && self.batch.commits.is_empty() {
            let message = "there is nothing to write";
            return Err(Stop::Refused(ApiError::unprocessable("empty", message)));
        }
        let links = parse_links(&self.batch, &self.by, now_ms)?;
        let state = if self.founds {
            self.require_room(batch).await?;
            Self::found(&links)?
        } else {
            let vault = batch.vault(&self.subject.org).await?;
            let vault = vault.ok_or(Stop::Refused(ApiError::not_found()))?;
            let mut state = (*vault.state).clone();
            for link in &links {
                state.apply(link).map_err(ApiError::from)?;
            }
            state
        };
        if state.envs().len() > MAX_BATCH_ENVS {
            let message = "the organisation has as many environments as clients take";
            return Err(Stop::Refused(ApiError::unprocessable("too-many-envs", message)));
        }
        if !links.is_empty() && *state.audit_vkey() != batch.audit_vkey {
            let message = "the chain names another audit key than this server's";
            return Err(Stop::Refused(ApiError::unprocessable("wrong-audit-key", message)));
        }
        require_own_accounts(batch, &links).await?;
        let before = match batch.vault(&state.org()).await? {
            Some(vault) if !self.founds => Some(Arc::clone(&vault.state)),
            _ => None,
        };
        retention::check(batch.tx.as_mut(), before.as_deref(), &state, &links).await?;
        let (wraps, previous) = match_keys(&self.batch, &links)?;
        let tokens = match_tokens(&self.batch, &links, state.org())?;
        let invites = match_invites(&self.batch, &links, state.org())?;
        let commits = parse_commits(&self.batch, &self.by, now_ms)?;
        let mut histories = BTreeMap::new();
        self.check_cuts(batch, &state, &links, &mut histories).await?;
        let mut named: BTreeMap<EnvId, BTreeSet<Digest>> = BTreeMap::new();
        let newest = state.seq().saturating_sub(links.len() as u64);
        for signed in &commits {
            // Rights, data keys and removals count as they are now, not as they were at some link
            // of the author's choice: whoever lost a right would write on by looking away.
            if signed.commit.org_seq < newest {
                let message = "the organisation has changed; sync and try again";
                return Err(Stop::Refused(ApiError::conflict("stale-commit", message)));
            }
            let env = signed.commit.env;
            let history = match histories.entry(env) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => unknown.insert(self.history(batch, &state, env).await?),
            };
            history.apply(&state, signed).map_err(ApiError::from)?;
            let hashes = named.entry(env).or_default();
            let fields = signed.commit.changes.iter().flat_map(|change| &change.fields);
            for field in fields {
                if !hashes.insert(field.envelope) {
                    let message = "two fields name one envelope";
                    let error = ApiError::unprocessable("shared-envelope", message);
                    return Err(Stop::Refused(error));
                }
            }
        }
        Ok(Checked { state, links, commits, histories, wraps, previous, tokens, invites, named })
    }

    /// A removal and a new data key must cut every environment where it stands now, before the
    /// commits of this batch: a commit behind the cut would be refused by every client, and with
    /// it all that follow.
    async fn check_cuts(
        &self,
        batch: &mut Batch<'_>,
        state: &OrgState,
        links: &[Link],
        histories: &mut BTreeMap<EnvId, EnvHistory>,
    ) -> Result<(), Stop> {
        for link in links {
            let cuts = match &link.statement.body {
                Body::MemberRemove { cuts, .. } => cuts.clone(),
                Body::DekEpoch { env, cut_seq, cut_head, .. } => {
                    vec![CutPoint { env: *env, seq: *cut_seq, head: *cut_head }]
                }
                _ => continue,
            };
            for cut in cuts {
                let history = self.history(batch, state, cut.env).await?;
                if (cut.seq, cut.head) != (history.seq(), history.head()) {
                    let message = "the cut is not where the environment stands; sync and try again";
                    return Err(Stop::Refused(ApiError::conflict("stale-cut", message)));
                }
                histories.insert(cut.env, history);
            }
        }
        Ok(())
    }

    /// One person cannot fill the server with organisations.
    async fn require_room(&self, batch: &mut Batch<'_>) -> Result<(), Stop> {
        let Principal::User(user) = self.by else { return Err(malformed().into()) };
        if batch.tx.orgs_of(&user).await?.len() < MAX_ORGS {
            return Ok(());
        }
        let message = "you are in as many organisations as this server allows";
        Err(Stop::Refused(ApiError::unprocessable("too-many-orgs", message)))
    }

    fn found(links: &[Link]) -> Result<OrgState, Stop> {
        let (genesis, rest) = links.split_first().ok_or_else(malformed)?;
        let mut state = OrgState::found(genesis).map_err(ApiError::from)?;
        for link in rest {
            state.apply(link).map_err(ApiError::from)?;
        }
        Ok(state)
    }

    async fn history(
        &self,
        batch: &mut Batch<'_>,
        state: &OrgState,
        env: EnvId,
    ) -> Result<EnvHistory, Stop> {
        if self.founds {
            return Ok(EnvHistory::new(state.org(), env));
        }
        if state.env(&env).is_none() {
            return Err(Stop::Refused(ApiError::from(strongroom_chain::CommitError::UnknownEnv)));
        }
        let vault = batch.vault(&self.subject.org).await?;
        let vault = vault.ok_or(Stop::Refused(ApiError::not_found()))?;
        if let Some(history) = vault.histories.get(&env) {
            return Ok(history.clone());
        }
        // What is stored was right before these links: one of them may cut its author off behind
        // it, and that must refuse the link, not condemn the database.
        let before = Arc::clone(&vault.state);
        if before.env(&env).is_none() {
            return Ok(EnvHistory::new(state.org(), env));
        }
        Ok(load_history(batch.tx.as_mut(), &before, env).await?)
    }

    async fn store(&self, batch: &mut Batch<'_>, checked: &Checked) -> Result<(), Stop> {
        let org = checked.state.org();
        let now_ms = batch.now_ms;
        let tx = batch.tx.as_mut();
        if self.founds {
            tx.insert_org(&org).await?;
        }
        let rows: Vec<LinkRow> = checked
            .links
            .iter()
            .map(|link| LinkRow { seq: link.statement.seq, bytes: link.as_bytes().to_vec() })
            .collect();
        tx.insert_links(&org, &rows).await?;
        for (who, inside) in insiders(&checked.links) {
            tx.set_insider(&org, &who, inside).await?;
        }
        tx.insert_wraps(&org, &checked.wraps).await?;
        tx.insert_previous(&org, &checked.previous).await?;
        for (token, auth) in &checked.tokens {
            tx.insert_token_auth(token, auth).await?;
        }
        for (invite, auth) in &checked.invites {
            tx.insert_invite_auth(invite, auth).await?;
        }
        super::joins::retire(tx, &org, &checked.links).await?;
        retention::retire(tx, &org, &checked.state, &checked.links).await?;

        let inline: Vec<(Digest, Vec<u8>)> =
            self.batch.envelopes.iter().map(|bytes| (content_hash(bytes), bytes.clone())).collect();
        let all: BTreeSet<&Digest> = checked.named.values().flatten().collect();
        if inline.iter().any(|(hash, _)| !all.contains(hash)) {
            let message = "an envelope belongs to no commit";
            return Err(Stop::Refused(ApiError::unprocessable("extra-envelope", message)));
        }
        tx.stage(&org, &self.by, now_ms, &inline).await?;
        for (env, hashes) in &checked.named {
            let hashes: Vec<Digest> = hashes.iter().copied().collect();
            if tx.attach(&org, env, &self.by, &hashes).await? != hashes.len() {
                let message = "an envelope that a commit names is missing";
                return Err(Stop::Refused(ApiError::unprocessable("missing-envelope", message)));
            }
        }
        for signed in &checked.commits {
            let commit = &signed.commit;
            let row = CommitRow {
                seq: commit.seq,
                head: signed.head(),
                bytes: signed.as_bytes().to_vec(),
            };
            tx.insert_commit(&org, &commit.env, &row).await?;
            let items: Vec<Item> = commit
                .changes
                .iter()
                .map(|change| Item { change: change.clone(), epoch: commit.dek_epoch })
                .collect();
            tx.put_items(&org, &commit.env, &items).await?;
        }
        self.acts.check(batch, &checked.state, self.by).await
    }

    /// Takes the new states in, and writes the audit entries.
    async fn keep(&mut self, batch: &mut Batch<'_>, checked: Checked) -> Result<u64, Stop> {
        let Checked { state, links, commits, histories, .. } = checked;
        let (org, seq) = (state.org(), state.seq());
        if self.founds {
            batch.found(Vault::new(state));
        } else if let Some(vault) = batch.vault(&org).await? {
            vault.state = Arc::new(state);
        }
        if let Some(vault) = batch.vault(&org).await? {
            vault.histories.extend(histories);
        }
        self.acts.record(batch, &org, self.by, &self.subject.peer);
        for link in &links {
            let (kind, number) = (EventKind::LinkAppended, link.statement.seq);
            batch.record(&self.subject, kind, DeviceId::ZERO, number, 200).await?;
        }
        for signed in &commits {
            let subject = Subject { env: signed.commit.env, ..self.subject.clone() };
            let (kind, number) = (EventKind::CommitAppended, signed.commit.seq);
            batch.record(&subject, kind, DeviceId::ZERO, number, 200).await?;
        }
        Ok(seq)
    }
}

/// Whoever is admitted has an account of exactly these keys, or none yet: otherwise an organisation
/// could claim the id of somebody it has nothing to do with, whose account then contradicts it.
async fn require_own_accounts(batch: &mut Batch<'_>, links: &[Link]) -> Result<(), Stop> {
    for link in links {
        let Body::MemberAdd { user, keys, .. } = &link.statement.body else { continue };
        let account = batch.tx.account(user).await?;
        if account.is_some_and(|account| (account.isk, account.iek) != (keys.isk, keys.iek)) {
            let message = "the account of this id has other keys";
            return Err(Stop::Refused(ApiError::unprocessable("id-taken", message)));
        }
    }
    Ok(())
}

fn parse_links(batch: &WriteBatch, by: &Principal, now_ms: u64) -> Result<Vec<Link>, ApiError> {
    let parse = |bytes: &Vec<u8>| {
        let link = Link::parse(bytes).map_err(|_| malformed())?;
        check_author(&link.statement.author, by)?;
        check_clock(link.statement.time_ms, now_ms)?;
        Ok(link)
    };
    batch.links.iter().map(parse).collect()
}

fn parse_commits(
    batch: &WriteBatch,
    by: &Principal,
    now_ms: u64,
) -> Result<Vec<SignedCommit>, ApiError> {
    let parse = |bytes: &Vec<u8>| {
        let signed = SignedCommit::parse(bytes).map_err(|_| malformed())?;
        check_author(&signed.commit.author, by)?;
        check_clock(signed.commit.time_ms, now_ms)?;
        Ok(signed)
    };
    batch.commits.iter().map(parse).collect()
}

fn check_author(author: &Principal, by: &Principal) -> Result<(), ApiError> {
    if author == by {
        Ok(())
    } else {
        Err(ApiError::forbidden("not-the-author", "only the author may hand this in"))
    }
}

fn check_clock(time_ms: u64, now_ms: u64) -> Result<(), ApiError> {
    if time_ms > now_ms.saturating_add(MAX_AHEAD_MS) {
        let message = "your clock is more than ten minutes ahead of the server's";
        return Err(ApiError::unprocessable("clock-ahead", message));
    }
    Ok(())
}

/// Who comes and who goes by these links.
fn insiders(links: &[Link]) -> Vec<(Principal, bool)> {
    links
        .iter()
        .filter_map(|link| match &link.statement.body {
            Body::Genesis { founder: user, .. } | Body::MemberAdd { user, .. } => {
                Some((Principal::User(*user), true))
            }
            Body::MemberRemove { user, .. } => Some((Principal::User(*user), false)),
            Body::TokenIssue { token, .. } => Some((Principal::Token(*token), true)),
            Body::TokenRevoke { token } => Some((Principal::Token(*token), false)),
            _ => None,
        })
        .collect()
}
