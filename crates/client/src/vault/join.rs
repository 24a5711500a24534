//! Joining with an invite code: the chain is checked before anything is sent, and an account is made
//! only for an organisation that the code vouches for.

use strongroom_chain::org::{OrgState, verify};
use strongroom_core::names;
use strongroom_core::replica::ReplicaError;
use strongroom_crypto::safe::{
    Fingerprint, InviteCode, InviteKey, OsEntropy, Profile as Cost, words,
};
use strongroom_format::hash::Digest;
use strongroom_format::id::{InviteId, OrgId, Principal, UserId};
use strongroom_format::statement::{Link, Role, key_change_message};
use strongroom_format::wire::{B64, JoinRequest};
use strongroom_secret::{Passphrase, SecretBytes, SecretText};

use super::account::{Account, give_up, settle};
use super::error::{Stop, StopKind, VaultError};
use super::kit::head_code;
use super::org::OpenOrg;
use super::session::{Host, Notice, Session, TaskKind, hold};
use super::task::Task;
use crate::api::{Admission, Api, ApiError};
use crate::cache::CacheError;
use crate::profile::{KeepSecretKey, NewVault, ServerPlace};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

/// The sealed draft that says which organisation a new vault waits for.
const JOINING: &str = "joining";

/// What a code leads to, checked against the chain that the server shows.
#[derive(Debug, Clone)]
pub struct JoinLook {
    /// The server in the code.
    pub server: String,
    /// The organisation.
    pub org: OrgId,
    /// Six words of its id, for reading aloud.
    pub organisation_words: [&'static str; 6],
    /// Who made the invitation.
    pub inviter: UserId,
    /// The fingerprint of that person's keys.
    pub inviter_fingerprint: String,
    /// The invitation.
    pub invite: InviteId,
    /// The newest link that the server shows.
    pub link: u64,
    /// The promised role.
    pub role: Role,
    /// Its end, in milliseconds since 1970.
    pub expires: u64,
}

/// Everything that joining takes.
pub struct Joining {
    /// The code.
    pub code: SecretText,
    /// The joiner's name.
    pub person: String,
    /// The local label of the new vault.
    pub label: String,
    /// The account whose keys were all lost; none for somebody new.
    pub lost: Option<UserId>,
    /// Where the Secret Key stays.
    pub keep: KeepSecretKey,
    /// What a guess at the passphrase costs.
    pub cost: Cost,
}

impl std::fmt::Debug for Joining {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Joining(..)")
    }
}

/// An organisation that this vault asked to be let into.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// Which.
    pub org: OrgId,
    /// Six words of its id.
    pub organisation_words: [&'static str; 6],
    /// The joiner's own fingerprint, which the inviter sees.
    pub fingerprint: String,
    /// The server.
    pub server: String,
    /// Since when, in milliseconds since 1970.
    pub since_ms: u64,
}

/// Where a code leads, by the code alone: the server's address, and six words of the organisation's
/// id. Nothing is sent.
pub fn read_code(code: &SecretText) -> Result<(String, [&'static str; 6]), VaultError> {
    let parsed = code.lend(InviteCode::parse).map_err(|_| VaultError::BadCode)?;
    Ok((parsed.server_url, words::of_org(&parsed.org)))
}

/// Fetches the chain with the code and checks it. Only the question for the chain is sent.
pub async fn look(code: &SecretText, api: &Api) -> Result<JoinLook, VaultError> {
    let code = code.lend(InviteCode::parse).map_err(|_| VaultError::BadCode)?;
    let (state, links) = chain_of(&code, api).await?;
    let invite = code.key.id();
    let found = state.invites().get(&invite).ok_or(VaultError::BadCode)?;
    let made = usize::try_from(found.link).ok().and_then(|at| links.get(at));
    let Some(Principal::User(inviter)) = made.map(|link| link.statement.author) else {
        return Err(VaultError::BadCode);
    };
    let member = state.member(&inviter).ok_or(VaultError::BadCode)?;
    let keys = member.keys.all().last().map(|(_, keys)| *keys).ok_or(VaultError::BadCode)?;
    Ok(JoinLook {
        server: code.server_url,
        org: code.org,
        organisation_words: words::of_org(&code.org),
        inviter,
        inviter_fingerprint: Fingerprint::of(&inviter, &keys).groups(),
        invite,
        link: state.seq(),
        role: found.role,
        expires: found.expires,
    })
}

/// The verified chain that a code vouches for: its genesis hashes to the organisation's id, and it
/// holds the head that the inviter saw. With the links that it was verified from.
async fn chain_of(code: &InviteCode, api: &Api) -> Result<(OrgState, Vec<Link>), VaultError> {
    let links = links_of(code, api).await?;
    let pin = Some((code.head_seq, code.head));
    let state = verify(&links, code.org, pin).map_err(|error| {
        let error = ReplicaError::Chain { seq: code.head_seq, error };
        VaultError::Stopped(Box::new(super::sync::stop_of(
            &error,
            "link",
            code.head_seq,
            &code.head,
        )))
    })?;
    let invite = state.invites().get(&code.key.id());
    match invite.filter(|invite| invite.key_hash == code.key.commitment()) {
        None => Err(VaultError::BadCode),
        Some(invite) if invite.used.is_some() => Err(VaultError::UsedCode),
        Some(_) => Ok((state, links)),
    }
}

async fn links_of(code: &InviteCode, api: &Api) -> Result<Vec<Link>, VaultError> {
    let admission = Admission::of_invite(&code.key);
    let mut links: Vec<Link> = Vec::new();
    loop {
        let page =
            api.invite_chain(&code.org, links.len() as u64, &admission).await.map_err(of_invite)?;
        if page.links.is_empty() && page.more {
            return Err(ApiError::Garbage.into());
        }
        for link in page.links {
            links.push(Link::parse(&link.0).map_err(|_| ApiError::Garbage)?);
        }
        if !page.more {
            return Ok(links);
        }
    }
}

/// A server that does not know the code says so by its status; which of the reasons, it may not say.
fn of_invite(error: ApiError) -> VaultError {
    match error {
        ApiError::Refused { status: 401 | 404, .. } => VaultError::UsedCode,
        ref error if error.is("invite-ended") => VaultError::EndedCode,
        ApiError::Refused { status: 403, code } if code.as_str().starts_with("invite-") => {
            VaultError::UsedCode
        }
        other => other.into(),
    }
}

impl Joining {
    /// Makes an account (or new keys for a lost one), asks to be let in, and leaves the vault open.
    /// It has no organisation until an admin's computer lets it in.
    pub async fn run(
        self,
        passphrase: Passphrase,
        api: Api,
        host: Host,
    ) -> Result<Arc<Session>, VaultError> {
        let task = Task::start(TaskKind::Join, 4, false, &host.notices);
        let person = names::label(&self.person)?;
        let code = self.code.lend(InviteCode::parse).map_err(|_| VaultError::BadCode)?;
        let (state, _) = chain_of(&code, &api).await?;
        if self.lost.is_some_and(|user| !state.is_member(&user)) {
            return Err(VaultError::NotFound);
        }
        task.step(1)?;
        let (cost, lost) = (self.cost, self.lost);
        let make = move || Account::make(&passphrase, cost, lost);
        let account = tokio::task::spawn_blocking(make).await??;
        let request = account.request(api.origin().as_str());
        let admission = Admission::of_invite(&code.key);
        task.step(2)?;
        if lost.is_none() {
            // A lost account's keyset is replaced once the chain names the new keys.
            api.create_account(&request, Some(&admission)).await.map_err(of_invite)?;
        }
        let new = NewVault {
            label: self.label,
            server: ServerPlace::Origin(api.origin().to_string()),
            user: account.user(),
            keyset: request.keyset.clone(),
            keep: self.keep,
            sample: false,
            created_ms: host.clock.now_ms(),
        };
        let ask = join_request(&account, &code, lost.is_some());
        let session = settle(new, Arc::clone(&account.me), api, host).await?;
        let asked = async {
            session.keep_secret_key(account.secret_key, true).await?;
            session.keep_joining(&self.code, &person, lost.is_some())?;
            task.step(3)?;
            session.api.ask_to_join(&code.org, &ask, &admission).await.map_err(of_invite)
        };
        if let Err(error) = asked.await {
            give_up(session).await;
            return Err(error);
        }
        session.tell(Notice::Org);
        Ok(session)
    }
}

fn join_request(account: &Account, code: &InviteCode, reset: bool) -> JoinRequest {
    let (user, keyset) = (account.user(), &account.me.keyset);
    let (keys, invite) = (keyset.public(), code.key.id());
    let pop = if reset {
        keyset.isk.sign(&key_change_message(&code.org, &user, &keys))
    } else {
        keyset.prove_possession(&code.org, &invite, &user)
    };
    JoinRequest {
        user_id: user,
        isk: B64(keys.isk.to_vec()),
        iek: B64(keys.iek.to_vec()),
        pop: B64(pop.to_vec()),
        mac: B64(code.key.join_mac(&code.org, &user, &keys).to_vec()),
        reset,
    }
}

/// What a vault that waits remembers.
struct Kept {
    code: InviteCode,
    person: String,
    reset: bool,
    since_ms: u64,
}

impl Session {
    fn keep_joining(&self, code: &SecretText, person: &str, reset: bool) -> Result<(), VaultError> {
        let mut text = String::with_capacity(2048 + person.len());
        let reset = if reset { "reset" } else { "new" };
        let _ = write!(text, "{}\n{reset}\n{person}\n", self.now_ms());
        code.lend(|code| text.push_str(code.trim()));
        let bytes = SecretBytes::from_vec(text.into_bytes());
        Ok(bytes.lend(|bytes| self.drafts.put(JOINING, bytes, &mut OsEntropy))?)
    }

    fn joining(&self) -> Result<Option<Kept>, VaultError> {
        let bytes = match self.drafts.get(JOINING) {
            Ok(bytes) => bytes,
            Err(CacheError::Missing | CacheError::Broken) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        Ok(bytes.lend(|bytes| {
            let mut lines = str::from_utf8(bytes).ok()?.splitn(4, '\n');
            let since_ms = lines.next()?.parse().ok()?;
            let reset = lines.next()? == "reset";
            let person = lines.next()?.to_owned();
            let code = InviteCode::parse(lines.next()?).ok()?;
            Some(Kept { code, person, reset, since_ms })
        }))
    }

    /// What the kit of a vault that waits can say: the organisation, the link and head that the code
    /// vouches for, and the person's name.
    pub(super) fn awaited(&self) -> Result<Option<(OrgId, u64, Digest, String)>, VaultError> {
        let of = |kept: Kept| (kept.code.org, kept.code.head_seq, kept.code.head, kept.person);
        Ok(self.joining()?.filter(|kept| !self.is_in(&kept.code.org)).map(of))
    }

    fn is_in(&self, org: &OrgId) -> bool {
        hold(&self.orgs).all.contains_key(org)
    }

    /// The organisation that this vault waits to be let into, if it does.
    pub fn waiting(&self) -> Result<Option<Waiting>, VaultError> {
        let own = self.me.keyset.public();
        let asked = self.joining()?.filter(|kept| !self.is_in(&kept.code.org));
        Ok(asked.map(|kept| Waiting {
            org: kept.code.org,
            organisation_words: words::of_org(&kept.code.org),
            fingerprint: Fingerprint::of(&self.user(), &own).groups(),
            server: kept.code.server_url,
            since_ms: kept.since_ms,
        }))
    }

    /// Looks whether the join was finished, and takes the organisation in if so.
    pub(super) async fn finish_joining(&self) -> Result<(), VaultError> {
        let Some(kept) = self.joining()? else { return Ok(()) };
        let org = kept.code.org;
        if self.is_in(&org) {
            return self.name_oneself(org, kept.person).await;
        }
        if kept.reset {
            self.replace_lost_account(&kept).await?;
        }
        let pin = (kept.code.head_seq, kept.code.head);
        match self.take_in(org, Some(pin), None).await {
            Ok(()) => {}
            Err(VaultError::Api(ApiError::Refused { status: 401 | 403 | 404, .. })) => {
                return self.require_open(&kept.code).await;
            }
            Err(error) => return Err(error),
        }
        self.write_book(org, |book| book.vouched = kept.code.head_seq)?;
        self.tell(Notice::Org);
        self.tell(Notice::Status);
        self.name_oneself(org, kept.person).await
    }

    /// Writes one's own name into the directory, which ends the join.
    async fn name_oneself(&self, org: OrgId, person: String) -> Result<(), VaultError> {
        let user = self.user();
        let named = self
            .write_in(org, None, move |pen| {
                if pen.replica().directory_name(user.directory_item()).is_none() {
                    pen.introduce(&user, &person)?;
                }
                Ok(())
            })
            .await;
        match named {
            Ok(()) => {
                self.drafts.remove(JOINING)?;
                self.tell(Notice::Org);
                Ok(())
            }
            // The names may be due for a new key, or theirs may not be wrapped for this person yet:
            // the next visit tries again.
            Err(VaultError::NotAllowed | VaultError::KeyDue) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// That a code which nobody was let in with still can be: one that served somebody else, or
    /// whose time is over, is waited for in vain. Only the server can say so.
    async fn require_open(&self, code: &InviteCode) -> Result<(), VaultError> {
        let admission = Admission::of_invite(&code.key);
        let newer = code.head_seq.saturating_add(1);
        self.api.invite_chain(&code.org, newer, &admission).await.map_err(of_invite)?;
        Ok(())
    }

    /// Once the chain names the new keys, the account gets them too.
    async fn replace_lost_account(&self, kept: &Kept) -> Result<(), VaultError> {
        let known = self.api.sign_in().await.is_ok();
        if known {
            return Ok(());
        }
        let record = self.record();
        let Some(request) = self.account_again(&record.keyset) else { return Ok(()) };
        let admission = Admission::of_invite(&kept.code.key);
        match self.api.create_account(&request, Some(&admission)).await {
            Err(ApiError::Refused { .. }) | Ok(()) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Fetches an organisation from its genesis and accepts it on this computer. It must hold the
    /// link that a code names, or the one whose head code a kit prints.
    pub(super) async fn take_in(
        &self,
        org: OrgId,
        pin: Option<(u64, Digest)>,
        kit: Option<&(u64, String)>,
    ) -> Result<(), VaultError> {
        let _gate = self.gate.lock().await;
        let replica = self.fetch_whole(org, None).await?;
        if let Some((seq, code)) = kit {
            require_code(replica.state(), *seq, code)?;
        }
        if let Some((seq, head)) = pin {
            replica.state().require_pin(seq, &head).map_err(|error| {
                let error = ReplicaError::Chain { seq, error };
                VaultError::Stopped(Box::new(super::sync::stop_of(&error, "link", seq, &head)))
            })?;
        }
        self.keep_copy(&replica, None)?;
        let pins = self.pins.first(replica.pins(0), &mut OsEntropy)?;
        let mut record = self.record();
        if !record.orgs.contains(&org) {
            record.orgs.push(org);
        }
        record.last_opened_ms = Some(self.now_ms());
        self.profile.save(&self.lock, &record)?;
        *hold(&self.record) = record;
        let mut opened = OpenOrg::new(replica, pins, BTreeMap::new());
        opened.standing.synced_ms = Some(self.now_ms());
        let mut orgs = hold(&self.orgs);
        orgs.all.insert(org, opened);
        orgs.current.get_or_insert(org);
        Ok(())
    }
}

/// Checks that a chain has the head whose code, without spaces, a kit prints for `seq`.
fn require_code(state: &OrgState, seq: u64, code: &str) -> Result<(), VaultError> {
    let shown = state.head_at(seq).map(|head| head_code(&head).replace(' ', ""));
    if shown.as_deref() == Some(code) {
        return Ok(());
    }
    let kind = if shown.is_some() { StopKind::Fork } else { StopKind::Rollback };
    Err(VaultError::Stopped(Box::new(Stop {
        kind,
        place: format!("link {seq}"),
        pinned: code.to_owned(),
        shown: shown.unwrap_or_default(),
    })))
}

/// Whether a join request was made by somebody who holds the code of `key`.
pub(super) fn is_recognised(
    key: &InviteKey,
    org: &OrgId,
    request: &JoinRequest,
) -> Option<strongroom_core::team::Joiner> {
    let keys = strongroom_format::statement::MemberKeys {
        isk: request.isk.0.as_slice().try_into().ok()?,
        iek: request.iek.0.as_slice().try_into().ok()?,
    };
    let mac: [u8; 32] = request.mac.0.as_slice().try_into().ok()?;
    let pop = request.pop.0.as_slice().try_into().ok()?;
    let user = request.user_id;
    key.verify_join_mac(org, &user, &keys, &mac).then_some(strongroom_core::team::Joiner {
        invite: key.id(),
        user,
        keys,
        pop,
    })
}
