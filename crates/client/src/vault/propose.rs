//! What a person asks for, shown as links before they are signed, and signed as shown.

use std::sync::Arc;

use strongroom_core::replica::Replica;
use strongroom_core::team::{AgentPut, Intent, Line, Plan, who};
use strongroom_core::{agents, names};
use strongroom_crypto::safe::{InviteCode, OsEntropy};
use strongroom_format::id::{AgentId, EnvId, InviteId, OrgId, Principal, UserId};
use strongroom_format::statement::{Body, Rights};
use strongroom_secret::SecretText;

use super::book::{KeptInvite, Trust};
use super::error::VaultError;
use super::session::{Notice, Session};
use crate::api::ApiError;

/// Links that wait to be signed, and what Rust itself says they do.
#[derive(Debug)]
pub struct Proposal {
    org: OrgId,
    plan: Plan,
    note: Note,
    /// What the links do.
    pub lines: Vec<Line>,
    /// A name that has to be typed before they are signed.
    pub typed: Option<String>,
    /// A sentence that has to be agreed to before they are signed.
    pub check: Option<String>,
    /// How many links there are, and commits that change where secrets may go; data-key links not
    /// counted.
    pub links: usize,
    /// Whether somebody gains access whose keys nobody checked.
    unverified: bool,
}

/// What is remembered beside an invitation.
#[derive(Debug, Clone, Default)]
pub struct Note {
    /// For whom it is.
    pub label: String,
    /// Whose keys it is to replace.
    pub resets: Option<UserId>,
}

/// Something that is shown once.
#[derive(Debug)]
pub enum Once {
    /// The code of an invitation; this computer keeps it until it is used.
    Invite(InviteId),
    /// A service token, which nobody keeps.
    Token(TokenOnce),
}

/// A service token right after it was made.
#[derive(Debug)]
pub struct TokenOnce {
    /// Its name.
    pub name: String,
    /// The token itself.
    pub text: SecretText,
    /// Where it may do what, in words.
    pub reads: Vec<String>,
    /// Its end, in milliseconds since 1970; zero for none.
    pub not_after: u64,
}

/// Links that the server accepted.
#[derive(Debug)]
pub struct Signed {
    /// The first of them; behind `last_link` where only secrets were written.
    pub first_link: u64,
    /// The last of them, data keys included.
    pub last_link: u64,
    /// The agent that was made or changed.
    pub agent: Option<AgentId>,
    /// What to show once.
    pub once: Option<Once>,
    /// Environments whose data key has to be replaced now, by whoever holds it.
    pub due: Vec<EnvId>,
    /// This person has left the organisation.
    pub left: bool,
}

impl Session {
    /// Plans what `intent` takes in the organisation in front. Nothing is signed.
    pub async fn propose(&self, intent: Intent, note: Note) -> Result<Proposal, VaultError> {
        let org = self.current()?;
        let (replica, _) = self.copy_to_change(org)?;
        self.propose_upon(org, replica, intent, note).await
    }

    pub(super) async fn propose_upon(
        &self,
        org: OrgId,
        mut replica: Replica,
        intent: Intent,
        note: Note,
    ) -> Result<Proposal, VaultError> {
        let now_ms = self.now_ms();
        let trust = self.trust()?;
        let unverified = move |who: &Principal| match who {
            Principal::User(user) => trust.get(user).is_none_or(|t| *t == Trust::Unverified),
            _ => false,
        };
        let (plan, lines, typed, check, unverified) = tokio::task::spawn_blocking(move || {
            require_to_come(&intent, now_ms, replica.state().time_ms())?;
            let intent = named(intent, &mut replica, now_ms)?;
            let plan = Plan::make(&mut replica, intent, &mut OsEntropy, now_ms)?;
            let unverified = !gains_unverified(&plan, &replica, &unverified, now_ms).is_empty();
            require_policy(&replica, unverified)?;
            let lines = plan.lines(&mut replica, now_ms);
            let typed = to_type(&plan, &mut replica);
            let check = to_agree(&plan, &replica, unverified, now_ms);
            Ok::<_, VaultError>((plan, lines, typed, check, unverified))
        })
        .await??;
        let links = plan.signatures();
        if links == 0 {
            return Err(VaultError::NothingToSign);
        }
        Ok(Proposal { org, plan, note, lines, typed, check, links, unverified })
    }

    /// Signs the links of a proposal exactly as they were shown, wraps data keys for whoever gains,
    /// and sends all of it as one write.
    pub async fn sign(&self, proposal: Proposal) -> Result<Signed, VaultError> {
        let Proposal { org, plan, note, check, unverified, .. } = proposal;
        // The one thing that is signed while the audit log contradicts is that it is given up.
        let gives_up = matches!(plan.intent(), Intent::AuditReset(_));
        let replaced = {
            let (replica, _) = self.copy_to_write(org, gives_up)?;
            plan.replaces(replica.state(), self.now_ms())
        };
        if let Some(key) = plan.invite_key() {
            // Kept before the link exists: a code that is lost could not be made again.
            let code = self.code_of(org, key)?;
            let kept =
                KeptInvite { invite: key.id(), label: note.label, resets: note.resets, code };
            self.write_book(org, |book| book.invites.push(kept))?;
        }
        let plan = Arc::new(plan);
        let carried = Arc::clone(&plan);
        let done = self
            .write_upon(org, None, gives_up, move |pen| {
                let (before, now_ms) = (pen.replica().state().seq(), pen.now_ms());
                // What others signed meanwhile may ask for a sentence that nobody agreed to.
                require_policy(pen.replica(), unverified)?;
                if to_agree(&carried, pen.replica(), unverified, now_ms) != check {
                    return Err(VaultError::SummaryChanged);
                }
                pen.carry_out(&carried)?;
                Ok(before + 1)
            })
            .await;
        let first_link = match done {
            Ok(first) => first,
            Err(error) => {
                // Where the answer was lost, the server may have the link: then the next sync shows
                // the invitation, and its code is still here.
                let unknown = matches!(&error, VaultError::Api(ApiError::Offline));
                if let Some(key) = plan.invite_key().filter(|_| !unknown) {
                    self.write_book(org, |book| book.forget(&key.id()))?;
                }
                return Err(error);
            }
        };
        let (replica, _) = self.copy_to_change(org)?;
        let left = !replica.state().is_member(&self.user());
        let signed = Signed {
            first_link,
            last_link: replica.state().seq(),
            agent: plan.agent(),
            once: self.shown_once(&plan, org, replica)?,
            due: if left { Vec::new() } else { replaced },
            left,
        };
        if let Intent::Reset(joiner) = plan.intent() {
            self.write_book(org, |book| {
                book.mark(joiner.user, false, signed.last_link);
                book.acknowledge(joiner.user, first_link);
                book.forget(&joiner.invite);
            })?;
        }
        self.tell(Notice::Org);
        self.tell(Notice::Status);
        Ok(signed)
    }

    fn shown_once(
        &self,
        plan: &Plan,
        org: OrgId,
        mut replica: Replica,
    ) -> Result<Option<Once>, VaultError> {
        if let Some(key) = plan.invite_key() {
            // The code names the newest link, which is now the one that made the invitation.
            let code = self.code_of(org, key)?;
            let invite = key.id();
            self.write_book(org, |book| {
                if let Some(kept) = book.invites.iter_mut().find(|kept| kept.invite == invite) {
                    kept.code = code;
                }
            })?;
            return Ok(Some(Once::Invite(invite)));
        }
        let (Some(token), Intent::TokenIssue(new)) = (plan.token(), plan.intent()) else {
            return Ok(None);
        };
        let reads = new.rights.iter().map(|right| {
            let place = strongroom_core::team::place(&mut replica, &right.env);
            format!("{place}: {}", strongroom_core::team::right_names(right.rights))
        });
        Ok(Some(Once::Token(TokenOnce {
            name: new.name.clone(),
            text: token.to_text(),
            reads: reads.collect(),
            not_after: new.not_after,
        })))
    }

    /// The code of an invitation upon the newest link that this computer has verified.
    fn code_of(
        &self,
        org: OrgId,
        key: &strongroom_crypto::safe::InviteKey,
    ) -> Result<SecretText, VaultError> {
        let (replica, _) = self.copy_to_change(org)?;
        InviteCode::text_of(
            key,
            org,
            replica.state().seq(),
            replica.state().head(),
            self.api.origin().as_str(),
        )
        .map_err(|error| VaultError::System(error.to_string()))
    }
}

/// Refuses an end that is still to come by this computer's clock and is over by the organisation's.
fn require_to_come(intent: &Intent, now_ms: u64, time_ms: u64) -> Result<(), VaultError> {
    let ends = match intent {
        Intent::Access(changes) => changes.iter().map(|change| change.not_after).collect(),
        Intent::Invite(new) => {
            let grants = new.grants.iter().map(|grant| grant.not_after);
            grants.chain([new.expires_ms]).collect()
        }
        Intent::TokenIssue(new) => {
            let rights = new.rights.iter().map(|right| right.not_after);
            rights.chain([new.not_after]).collect()
        }
        Intent::AgentPut(put) => vec![put.not_after],
        _ => Vec::new(),
    };
    let over = ends.into_iter().any(|end| end > now_ms && end <= time_ms);
    if over { Err(VaultError::ClockBehind) } else { Ok(()) }
}

/// The intent with an agent's name in the form that is kept. Agents that live have different names:
/// a person starts them, and reads of them, by name.
fn named(intent: Intent, replica: &mut Replica, now_ms: u64) -> Result<Intent, VaultError> {
    let Intent::AgentPut(put) = intent else { return Ok(intent) };
    let name = names::label(&put.name)?;
    let key = names::label_key(&name);
    let others = agents::agents(replica, now_ms).into_iter();
    let mut others = others.filter(|other| other.lives && Some(other.id) != put.agent);
    match others.find(|other| names::label_key(&other.name) == key) {
        Some(other) => Err(VaultError::NameTaken(other.name)),
        None => Ok(Intent::AgentPut(AgentPut { name, ..put })),
    }
}

fn require_policy(replica: &Replica, unverified: bool) -> Result<(), VaultError> {
    if unverified && !replica.state().policy().grants_to_unverified {
        return Err(VaultError::UnverifiedGains);
    }
    Ok(())
}

/// Unverified people who would hold a key that they do not hold now.
fn gains_unverified(
    plan: &Plan,
    replica: &Replica,
    unverified: &dyn Fn(&Principal) -> bool,
    now_ms: u64,
) -> Vec<Principal> {
    let gains = |body: &Body| match body {
        Body::EnvGrant { env, principal, rights, .. } => {
            let held = replica.state().rights(env, principal, now_ms);
            (rights.includes(Rights::READ) && !held.includes(Rights::READ)).then_some(*principal)
        }
        _ => None,
    };
    plan.bodies().iter().filter_map(gains).filter(|who| unverified(who)).collect()
}

/// Whoever leaves is named by whoever signs.
fn to_type(plan: &Plan, replica: &mut Replica) -> Option<String> {
    match plan.intent() {
        Intent::Remove { user } if replica.principal() == Principal::User(*user) => {
            let item = replica.state().org().directory_item();
            replica.directory_name(item).map(|named| named.name.clone())
        }
        Intent::Remove { user } => Some(who(replica, &Principal::User(*user))),
        Intent::TokenRevoke { token } => Some(who(replica, &Principal::Token(*token))),
        _ => None,
    }
}

fn to_agree(plan: &Plan, replica: &Replica, unverified: bool, now_ms: u64) -> Option<String> {
    let lonely = plan
        .replaces(replica.state(), now_ms)
        .iter()
        // The names are read by whoever is left; losing them loses no value.
        .filter(|env| Some(**env) != replica.state().directory())
        .filter(|env| {
            let (before, left) = people_who_read(plan, replica, env, now_ms);
            left < 2 && left < before
        })
        .count();
    match (unverified, lonely) {
        (true, _) => {
            Some("I checked that a person whose key is unverified gains access".to_owned())
        }
        (false, 0) => None,
        (false, 1) => {
            Some("I know that fewer than two people can then read one environment".to_owned())
        }
        (false, n) => {
            Some(format!("I know that fewer than two people can then read {n} environments"))
        }
    }
}

/// How many people read an environment now, and once the links are signed.
fn people_who_read(plan: &Plan, replica: &Replica, env: &EnvId, now_ms: u64) -> (usize, usize) {
    let state = replica.state();
    let leaves = |who: &Principal| {
        plan.bodies().iter().any(|body| match body {
            Body::MemberRemove { user, .. } => *who == Principal::User(*user),
            Body::EnvRevoke { env: at, principal } => at == env && principal == who,
            Body::EnvGrant { env: at, principal, rights, .. } => {
                at == env && principal == who && !rights.includes(Rights::READ)
            }
            _ => false,
        })
    };
    let time_ms = now_ms.max(state.time_ms());
    let readers = state.readers(env, time_ms);
    let people = || readers.iter().filter(|who| matches!(who, Principal::User(_)));
    (people().count(), people().filter(|who| !leaves(who)).count())
}
