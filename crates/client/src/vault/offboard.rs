//! Offboarding: what a leaver could read, what was done about it, and the certificate of it.
//!
//! Nothing here is kept: the chain, the histories and the audit log say it all, so that every
//! manager sees the same.

use std::collections::BTreeMap;

use strongroom_core::certificate::{self, Certificate, CertifiedEnv, CertifiedValue};
use strongroom_core::log::{AuditCopy, Facts, Replacement, may_say_replaced};
use strongroom_core::offboard::{
    self, CouldRead, EnvProgress, LostEnv, Offboarding, Tab, could_read, leavers,
};
use strongroom_core::replica::Replica;
use strongroom_core::{team, utc};
use strongroom_format::commit::SignedCommit;
use strongroom_format::event::{Detail, EventKind};
use strongroom_format::hash::Digest;
use strongroom_format::id::{EnvId, OrgId, Principal, SecretId};
use strongroom_format::statement::{EnvKind, Role};

use super::error::VaultError;
use super::org::OpenOrg;
use super::session::Session;
use crate::api::ApiError;

/// How far an offboarding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OffboardState {
    /// Data keys are still to be replaced.
    Running,
    /// Values are still to be replaced at their source.
    Queue,
    /// Nothing is left to do.
    Done,
}

/// Why there can be no certificate yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// The data key of this place is not replaced.
    Due(String),
    /// Not every value of this place is sealed anew.
    Sealing(String),
    /// This computer cannot read this place.
    Unseen(String),
    /// The audit log was not read.
    Log,
    /// So many used values are neither new nor replaced.
    Open(usize),
    /// This person does not manage the organisation.
    Role,
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Due(place) => write!(f, "The data key of {place} is not replaced yet."),
            Self::Sealing(place) => write!(f, "Values of {place} are not sealed anew yet."),
            Self::Unseen(place) => write!(
                f,
                "This computer cannot read {place}, or has not verified its past. Someone who \
                 holds its data key can write the certificate."
            ),
            Self::Log => f.write_str("The audit log has not been read to its end."),
            Self::Open(1) => f.write_str("One value is not replaced at its source yet."),
            Self::Open(n) => write!(f, "{n} values are not replaced at their source yet."),
            Self::Role => f.write_str("Only owners and admins sign certificates."),
        }
    }
}

/// One offboarding, counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffboardInfo {
    /// Who leaves, what was lost and how far the data keys are.
    pub offboarding: Offboarding,
    /// How far it is.
    pub state: OffboardState,
    /// Whoever signed the last link that took a right.
    pub by: Option<Principal>,
    /// How many values it could read.
    pub could_read: usize,
    /// Used ones; to be replaced at their source.
    pub rotate: usize,
    /// Of those, how many are new or replaced.
    pub settled: usize,
    /// Only fetched.
    pub fetched: usize,
    /// Never fetched.
    pub never: usize,
    /// What stands between it and its certificate.
    pub missing: Vec<Missing>,
    /// Whether the audit log was read.
    pub log_complete: bool,
}

/// One value of an offboarding, with its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffboardValue {
    /// Its name; its id where the name is lost.
    pub name: String,
    /// Application and environment.
    pub place: String,
    /// What is known of it.
    pub value: CouldRead,
}

/// A certificate, and the page to print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenCertificate {
    /// The proof.
    pub file: Vec<u8>,
    /// A copy for reading.
    pub page: String,
}

impl Session {
    /// Every offboarding of the organisation in front, newest first.
    pub fn offboard_list(&self) -> Result<Vec<OffboardInfo>, VaultError> {
        let now = self.now_ms();
        let who = self.with(|org| Ok(leavers(org.replica.state(), now)))?;
        let mut all: Vec<OffboardInfo> =
            who.into_iter().map(|who| self.offboard_view(who)).collect::<Result<_, _>>()?;
        all.sort_by_key(|info| std::cmp::Reverse(info.offboarding.began_ms()));
        Ok(all)
    }

    /// One offboarding; [`VaultError::NotFound`] for who has not left.
    pub fn offboard_view(&self, who: Principal) -> Result<OffboardInfo, VaultError> {
        self.with_offboarding(who, |org, offboarding, values, unseen, facts| {
            let count = |tab| values.iter().filter(|value| value.tab() == tab).count();
            let rotate = count(Tab::Rotate);
            let settled =
                values.iter().filter(|v| v.tab() == Tab::Rotate && v.is_settled()).count();
            let state = match (offboarding.is_sealed(), settled == rotate) {
                (false, _) => OffboardState::Running,
                (true, false) => OffboardState::Queue,
                (true, true) => OffboardState::Done,
            };
            let missing =
                missing(org.replica(), &offboarding, &unseen, facts.is_some(), rotate - settled);
            let last = offboarding.links().and_then(|(_, last)| org.replica.link(last));
            Ok(OffboardInfo {
                state,
                by: last.map(|link| link.statement.author),
                could_read: values.len(),
                rotate,
                settled,
                fetched: count(Tab::Fetched),
                never: count(Tab::Never),
                missing,
                log_complete: facts.is_some(),
                offboarding,
            })
        })
    }

    /// Some rows of one list of an offboarding, strongest use first, and how many there are.
    pub fn offboard_rows(
        &self,
        who: Principal,
        tab: Tab,
        offset: usize,
        limit: usize,
    ) -> Result<(usize, Vec<OffboardValue>), VaultError> {
        self.with_offboarding(who, |org, _, mut values, _, _| {
            values.retain(|value| value.tab() == tab);
            let total = values.len();
            let page = values.into_iter().skip(offset).take(limit);
            Ok((total, named(org.replica(), page)))
        })
    }

    /// Signs this person's word that what these secrets open was replaced at its source, or takes it
    /// back. Everybody who reads the audit log sees it after the next sync.
    pub fn offboard_tick(
        &self,
        secrets: &[(EnvId, SecretId)],
        done: bool,
    ) -> Result<(), VaultError> {
        let now = self.now_ms();
        let details = self.with(|org| {
            let (me, state) = (org.replica.principal(), org.replica.state());
            let allowed = |env: &EnvId| may_say_replaced(state, &me, env, state.seq());
            if !secrets.iter().all(|(env, _)| allowed(env)) {
                return Err(VaultError::NotAllowed);
            }
            let number = if done { now.max(state.time_ms()) } else { 0 };
            let detail = |(env, secret): &(EnvId, SecretId)| Detail {
                env: *env,
                secret: *secret,
                version: 0,
                number,
                status: 0,
            };
            Ok(secrets.iter().map(detail).collect::<Vec<_>>())
        })?;
        self.note_acts(EventKind::Replaced, &details)
    }

    /// The whole list of an offboarding as comma-separated values (RFC 4180).
    pub fn offboard_csv(&self, who: Principal) -> Result<String, VaultError> {
        self.with_offboarding(who, |org, _, values, _, _| {
            let rows = named(org.replica(), values.into_iter());
            let mut csv = String::from(
                "secret,where,list,strongest use,last,owner,new value since,replaced at source\r\n",
            );
            for row in rows {
                let owner = row.value.owner.map(|owner| team::who(org.replica(), &owner));
                csv.push_str(&csv_row(&row, owner.unwrap_or_default()));
            }
            Ok(csv)
        })
    }

    /// Signs the certificate of a finished offboarding, after a last look at server and log.
    pub async fn offboard_certificate(
        &self,
        who: Principal,
    ) -> Result<WrittenCertificate, VaultError> {
        let org = self.current()?;
        self.sync().await?;
        self.verify_history().await?;
        self.pull_log().await?;
        let info = self.offboard_view(who)?;
        if !info.missing.is_empty() {
            return Err(VaultError::NotFinished(info.missing));
        }
        let mut envs = Vec::with_capacity(info.offboarding.envs.len());
        for lost in &info.offboarding.envs {
            envs.push(self.certified_env(org, lost).await?);
        }
        let checkpoint = self.audit_copy()?;
        let checkpoint = checkpoint.as_deref().and_then(AuditCopy::settled);
        let checkpoint = checkpoint.map(|settled| settled.note.clone()).unwrap_or_default();
        let signed_ms = self.now_ms();
        let file = self.with_offboarding(who, |org, _, values, _, _| {
            let name = team::who(org.replica(), &who);
            let values = named(org.replica(), values.into_iter());
            let values = values
                .into_iter()
                .map(|row| CertifiedValue { name: row.name, value: row.value })
                .collect();
            let certificate = Certificate { who, name, signed_ms, checkpoint, envs, values };
            Ok(certificate.sign(&org.replica, org.replica.me()))
        })?;
        // What this program would not accept from somebody else it does not hand out.
        let verdict =
            certificate::judge(&file).map_err(|error| VaultError::Write(error.to_string()))?;
        let page = certificate::page(&file, &verdict);
        Ok(WrittenCertificate { file, page })
    }

    /// What a certificate says of an environment; its commit comes from the server and must lead to
    /// the head that this computer verified.
    async fn certified_env(&self, org: OrgId, lost: &LostEnv) -> Result<CertifiedEnv, VaultError> {
        let (place, seq, head) = self.with(|org| {
            let replica = org.replica();
            let place = team::place(replica, &lost.env);
            let history = replica.env(&lost.env).ok_or(VaultError::NotFound)?.history();
            Ok((place, history.seq(), history.head()))
        })?;
        let rotated = lost.rotated.ok_or(VaultError::NotFound)?;
        let commit = if seq > rotated.cut_seq {
            self.commit_of(org, lost.env, rotated.cut_seq + 1, seq, head).await?
        } else {
            Vec::new()
        };
        Ok(CertifiedEnv { env: lost.env, place, seq, head, commit })
    }

    async fn commit_of(
        &self,
        org: OrgId,
        env: EnvId,
        wanted: u64,
        newest: u64,
        head: Digest,
    ) -> Result<Vec<u8>, VaultError> {
        let mut found: Vec<u8> = Vec::new();
        let (mut next, mut last) = (wanted, None);
        while next <= newest {
            let page = self.api.commits(&org, &env, next, false).await?;
            if page.commits.is_empty() {
                return Err(ApiError::Garbage.into());
            }
            for record in page.commits {
                let signed = SignedCommit::parse(&record.commit).map_err(|_| ApiError::Garbage)?;
                let follows = last.is_none_or(|last: Digest| signed.commit.prev == last);
                if signed.commit.seq != next || !follows || next > newest {
                    break;
                }
                last = Some(signed.head());
                if next == wanted {
                    found = record.commit;
                }
                next += 1;
            }
            if last.is_none() {
                return Err(ApiError::Garbage.into());
            }
        }
        if last == Some(head) { Ok(found) } else { Err(ApiError::Garbage.into()) }
    }

    /// Looks at an offboarding with everything that is known of it.
    fn with_offboarding<R>(
        &self,
        who: Principal,
        look: impl FnOnce(
            &mut OpenOrg,
            Offboarding,
            Vec<CouldRead>,
            Vec<EnvId>,
            Option<&Facts>,
        ) -> Result<R, VaultError>,
    ) -> Result<R, VaultError> {
        let now = self.now_ms();
        let copy = self.audit_copy()?;
        let facts = copy.as_deref().and_then(AuditCopy::facts);
        let words = self.words_waiting()?;
        self.with(|org| {
            let offboarding = offboard::of(&org.replica, who, now).ok_or(VaultError::NotFound)?;
            let replaced = |env: &EnvId, secret: &SecretId| {
                let waiting = words.get(&(*env, *secret));
                waiting.or_else(|| facts.and_then(|facts| facts.replaced(env, secret))).cloned()
            };
            let (values, unseen) = could_read(&org.replica, &offboarding, facts, &replaced);
            look(org, offboarding, values, unseen, facts)
        })
    }

    /// Words of this person that are signed and not sent yet.
    fn words_waiting(&self) -> Result<BTreeMap<(EnvId, SecretId), Replacement>, VaultError> {
        let org = self.current()?;
        self.look_at_acts(org, |acts| {
            let words = acts.waiting().iter().filter(|s| s.act.kind == EventKind::Replaced);
            let key = |detail: &Detail| (detail.env, detail.secret);
            words.map(|word| (key(&word.act.detail), word.clone().into())).collect()
        })
    }
}

fn missing(
    replica: &mut Replica,
    offboarding: &Offboarding,
    unseen: &[EnvId],
    log: bool,
    open: usize,
) -> Vec<Missing> {
    let mut missing = Vec::new();
    for lost in &offboarding.envs {
        let hidden = unseen.contains(&lost.env) && lost.kind != EnvKind::Directory;
        let what = match lost.progress {
            EnvProgress::Due => Missing::Due,
            EnvProgress::Sealing => Missing::Sealing,
            EnvProgress::Unseen => Missing::Unseen,
            EnvProgress::Done if hidden => Missing::Unseen,
            EnvProgress::Done => continue,
        };
        missing.push(what(team::place(replica, &lost.env)));
    }
    if !log {
        missing.push(Missing::Log);
    }
    if open > 0 {
        missing.push(Missing::Open(open));
    }
    let role = match replica.principal() {
        Principal::User(user) => replica.state().role(&user),
        _ => None,
    };
    if !role.is_some_and(Role::manages) {
        missing.push(Missing::Role);
    }
    missing
}

fn named(replica: &mut Replica, values: impl Iterator<Item = CouldRead>) -> Vec<OffboardValue> {
    let mut places: BTreeMap<EnvId, String> = BTreeMap::new();
    values
        .map(|value| {
            let place = places.entry(value.env).or_insert_with(|| team::place(replica, &value.env));
            let place = place.clone();
            let own = replica.open_named(value.env, &value.secret).ok().map(|named| named.name);
            let label = || replica.directory_name(value.secret).map(|named| named.name.clone());
            let name = own.or_else(label).unwrap_or_else(|| value.secret.to_string());
            OffboardValue { name, place, value }
        })
        .collect()
}

fn csv_row(row: &OffboardValue, owner: String) -> String {
    let value = &row.value;
    let time = |at: Option<u64>| at.map(utc::minutes).unwrap_or_default();
    let list = match value.tab() {
        Tab::Rotate => "to rotate",
        Tab::Fetched => "fetched only",
        Tab::Never => "never fetched",
    };
    let (used, last) = match value.strongest {
        Some((what, at)) => (format!("{what:?}").to_lowercase(), Some(at)),
        None => (String::new(), value.fetched),
    };
    let replaced = value.replaced.as_ref().and_then(Replacement::since);
    let fields = [
        row.name.clone(),
        row.place.clone(),
        list.to_owned(),
        used,
        time(last),
        owner,
        time(value.new_value),
        time(replaced),
    ];
    fields.map(|field| quoted(&field)).join(",") + "\r\n"
}

/// A field that no spreadsheet takes for a formula.
fn quoted(field: &str) -> String {
    let formula = field.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let guard = if formula { "'" } else { "" };
    format!("\"{guard}{}\"", field.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_quoted_and_is_no_formula() {
        assert_eq!(quoted("A \"key\""), "\"A \"\"key\"\"\"");
        assert_eq!(quoted("=HYPERLINK(1)"), "\"'=HYPERLINK(1)\"");
    }
}
