//! What signing the staged changes would do: who gains and loses what, and what follows.

use std::collections::{BTreeMap, BTreeSet};

use strongroom_chain::org::OrgState;
use strongroom_format::id::{EnvId, Principal, UserId};
use strongroom_format::statement::Rights;
use strongroom_format::wire::MAX_LINKS;

use super::CellChange;
use super::changes::{Refused, RefusedChanges, bodies};
use super::matrix::holders;
use super::words::{counted, day, secret_counts};
use crate::log::Facts;
use crate::replica::Replica;
use crate::team::{place, right_names, who};

/// What signing would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Review {
    /// Who gains what.
    pub gains: Vec<Party>,
    /// Who loses what.
    pub loses: Vec<Party>,
    /// What happens.
    pub acts: Vec<Act>,
    /// The text of the one box to be ticked first, if one is needed.
    pub check: Option<String>,
    /// Why it cannot be signed, in words.
    pub blocked: Option<String>,
    /// How many links are signed.
    pub links: usize,
    /// The environments whose data key is to be replaced afterwards.
    pub replaced: Vec<EnvId>,
    /// How many secrets are then sealed anew.
    pub resealed: usize,
}

/// One principal that gains or loses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// Who.
    pub principal: Principal,
    /// Its name.
    pub name: String,
    /// What else there is to know.
    pub note: Option<String>,
    /// What changes.
    pub lines: Vec<PartyLine>,
}

/// One change in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartyLine {
    /// `Read storefront / prod, until 6 Dec 2026`
    pub text: String,
    /// How many secrets it is about.
    pub secrets: usize,
}

/// Something that happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// Its kind, for its mark.
    pub kind: ActKind,
    /// The sentence.
    pub text: String,
    /// Whose key should be compared first.
    pub compare_with: Option<UserId>,
}

/// Kinds of acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActKind {
    /// Links are signed.
    Sign,
    /// Data keys are replaced.
    Rotate,
    /// To be read twice.
    Warn,
}

/// Reviews staged changes. `verified` says whether this person checked somebody's key, or the
/// invitation code did.
pub fn review(
    replica: &mut Replica,
    changes: &[CellChange],
    verified: &dyn Fn(&UserId) -> bool,
    facts: &Facts,
    now_ms: u64,
) -> Review {
    let counts = secret_counts(replica);
    let mut found = Found::of(replica, changes, now_ms);
    found.cells.sort_by_cached_key(|cell| {
        (who(replica, &cell.change.principal).to_lowercase(), cell.change.principal)
    });
    let mut review = Review { links: found.links, ..Review::default() };
    review.gains = parties(replica, &counts, &found.cells, gained);
    review.loses = parties(replica, &counts, &found.cells, lost);
    for party in &mut review.loses {
        let used: usize = found
            .cells
            .iter()
            .filter(|cell| cell.change.principal == party.principal && cell.lost() != Rights::NONE)
            .filter_map(|cell| facts.in_env(&party.principal, &cell.change.env))
            .map(|facts| facts.secrets.len())
            .sum();
        if used > 0 {
            let values = counted(used, "value", "values");
            party.note = Some(format!("Decrypted {values} and may still have them."));
        }
    }
    review.replaced = found.replaced(replica.state());
    review.resealed = review.replaced.iter().filter_map(|env| counts.get(env)).sum();
    signs(replica, &mut review);
    rotates(replica, &mut review, now_ms);
    keeps(&mut review);
    let unverified = found.unverified(verified);
    warn_unverified(replica, &unverified, &mut review);
    let few = warn_few(replica, &found, &mut review, now_ms);
    warn_waiting(replica, &found, &mut review, now_ms);
    review.check = check(replica, &found, &unverified, &few);
    review.blocked = blocked(replica, &found, &unverified);
    review
}

/// A change with what was before.
struct Changed {
    change: CellChange,
    before: Rights,
    ended_ms: u64,
}

impl Changed {
    fn gained(&self) -> Rights {
        minus(self.change.rights, self.before)
    }

    fn lost(&self) -> Rights {
        minus(self.before, self.change.rights)
    }

    fn reads_now(&self) -> bool {
        self.before.includes(Rights::READ)
    }

    fn reads_then(&self) -> bool {
        self.change.rights.includes(Rights::READ)
    }
}

/// The changes that would have an effect, and those that cannot be signed.
struct Found {
    cells: Vec<Changed>,
    refused: Vec<Refused>,
    links: usize,
}

impl Found {
    fn of(replica: &Replica, changes: &[CellChange], now_ms: u64) -> Self {
        let (state, me) = (replica.state(), replica.principal());
        let time_ms = now_ms.max(state.time_ms());
        let (links, refused) = match bodies(state, &me, changes, now_ms) {
            Ok(bodies) => (bodies.len(), Vec::new()),
            Err(RefusedChanges(refused)) => (0, refused),
        };
        let last: BTreeMap<(EnvId, Principal), CellChange> =
            changes.iter().map(|change| ((change.env, change.principal), *change)).collect();
        let cell = |change: CellChange| {
            let before = state.rights(&change.env, &change.principal, time_ms);
            let grants = state.env(&change.env).and_then(|env| env.grants.get(&change.principal));
            let newest = grants.and_then(|line| line.all().last());
            let ended_ms = newest.map_or(0, |(_, grant)| grant.not_after);
            Changed { change, before, ended_ms: if before == Rights::NONE { 0 } else { ended_ms } }
        };
        let refuses = |change: &CellChange| refused.iter().any(|r| r.change == *change);
        let cells = last.into_values().filter(|change| !refuses(change)).map(cell).collect();
        Self { cells, refused, links }
    }

    /// Environments that a holder of the data key, or a reader, no longer reads; a revocation
    /// replaces the key in any case.
    fn replaced(&self, state: &OrgState) -> Vec<EnvId> {
        let ends = |cell: &&Changed| {
            let change = &cell.change;
            let held = state.env(&change.env).map(holders);
            let holds = held.is_some_and(|holders| holders.contains(&change.principal));
            let revoked = change.rights == Rights::NONE && cell.before != Rights::NONE;
            revoked || (!cell.reads_then() && (cell.reads_now() || holds))
        };
        let envs: BTreeSet<EnvId> =
            self.cells.iter().filter(ends).map(|cell| cell.change.env).collect();
        envs.into_iter().collect()
    }

    /// The people whose keys nobody checked and who would gain something, with the place of it.
    fn unverified(&self, verified: &dyn Fn(&UserId) -> bool) -> Vec<(UserId, EnvId)> {
        let mut found: Vec<(UserId, EnvId)> = Vec::new();
        for cell in &self.cells {
            let Principal::User(user) = cell.change.principal else { continue };
            let known = found.iter().any(|(other, _)| *other == user);
            if cell.gained() != Rights::NONE && !known && !verified(&user) {
                found.push((user, cell.change.env));
            }
        }
        found
    }

    /// How many people hold the key of an environment now, and how many of them will still.
    fn people(&self, state: &OrgState, env: &EnvId, time_ms: u64) -> (usize, usize) {
        let holders = state.env(env).map(holders).unwrap_or_default();
        let reads = |who: &Principal| state.rights(env, who, time_ms).includes(Rights::READ);
        let change = |who: &Principal| {
            let cell = |cell: &&Changed| cell.change.env == *env && cell.change.principal == *who;
            self.cells.iter().find(cell)
        };
        let is_person = |who: &&Principal| matches!(who, Principal::User(_));
        let now: Vec<&Principal> =
            holders.iter().filter(is_person).filter(|who| reads(who)).collect();
        let stays = |who: &&&Principal| change(who).is_none_or(Changed::reads_then);
        let kept = now.iter().filter(stays).count();
        let new = self.cells.iter().filter(|cell| {
            let person = matches!(cell.change.principal, Principal::User(_));
            let held = holders.contains(&cell.change.principal) && cell.reads_now();
            cell.change.env == *env && person && cell.reads_then() && !held
        });
        (now.len(), kept + new.count())
    }
}

fn minus(all: Rights, other: Rights) -> Rights {
    [Rights::READ, Rights::WRITE, Rights::GRANT]
        .into_iter()
        .filter(|right| all.includes(*right) && !other.includes(*right))
        .fold(Rights::NONE, Rights::with)
}

/// What a cell gives in words: rights that are new, or a later end of those there are.
fn gained(cell: &Changed, place: &str) -> Option<String> {
    let CellChange { rights, not_after, .. } = cell.change;
    let until = match not_after {
        0 => String::new(),
        end => format!(", until {}", day(end)),
    };
    if cell.gained() != Rights::NONE {
        return Some(format!("{} {place}{until}", capital(&right_names(cell.gained()))));
    }
    let later = not_after == 0 || not_after > cell.ended_ms;
    let stays = minus(rights, minus(rights, cell.before)) != Rights::NONE;
    let longer = stays && cell.ended_ms != 0 && cell.ended_ms != not_after && later;
    let held = right_names(rights);
    longer.then(|| match not_after {
        0 => format!("{} {place} without an end", capital(&held)),
        _ => format!("{} {place}{until}", capital(&held)),
    })
}

/// What a cell takes in words: rights that go, or an earlier end of those that stay.
fn lost(cell: &Changed, place: &str) -> Option<String> {
    let CellChange { rights, not_after, .. } = cell.change;
    if cell.lost() != Rights::NONE {
        return Some(format!("{} {place}", capital(&right_names(cell.lost()))));
    }
    let sooner = not_after != 0 && (cell.ended_ms == 0 || not_after < cell.ended_ms);
    let shortened = cell.before != Rights::NONE && cell.gained() == Rights::NONE && sooner;
    let held = right_names(rights);
    shortened.then(|| format!("{} {place} ends on {}", capital(&held), day(not_after)))
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn parties(
    replica: &mut Replica,
    counts: &BTreeMap<EnvId, usize>,
    cells: &[Changed],
    words: fn(&Changed, &str) -> Option<String>,
) -> Vec<Party> {
    let mut parties: Vec<Party> = Vec::new();
    for cell in cells {
        let CellChange { principal, env, .. } = cell.change;
        let Some(text) = words(cell, &place(replica, &env)) else { continue };
        let line = PartyLine { text, secrets: counts.get(&env).copied().unwrap_or(0) };
        match parties.last_mut().filter(|party| party.principal == principal) {
            Some(party) => party.lines.push(line),
            None => parties.push(Party {
                principal,
                name: who(replica, &principal),
                note: None,
                lines: vec![line],
            }),
        }
    }
    for party in &mut parties {
        party.lines.sort_by_cached_key(|line| line.text.to_lowercase());
    }
    parties
}

fn act(kind: ActKind, text: String) -> Act {
    Act { kind, text, compare_with: None }
}

fn signs(replica: &mut Replica, review: &mut Review) {
    if review.links > 0 {
        let me = replica.principal();
        let links = counted(review.links, "organisation link", "organisation links");
        let text = format!("You sign {links} as {}, on this computer.", who(replica, &me));
        review.acts.push(act(ActKind::Sign, text));
    }
}

fn rotates(replica: &mut Replica, review: &mut Review, now_ms: u64) {
    if review.replaced.is_empty() {
        return;
    }
    let keys = counted(review.replaced.len(), "data key is", "data keys are");
    let secrets = counted(review.resealed, "secret", "secrets");
    let text = format!("{keys} replaced and {secrets} sealed again. It resumes if interrupted.");
    review.acts.push(act(ActKind::Rotate, text));
    for env in review.replaced.clone() {
        if !crate::rotation::may_rotate(replica, &env, now_ms) {
            let place = place(replica, &env);
            let text = format!(
                "You hold no key of {place}. Somebody who does has to replace it before anything \
                 else is signed there."
            );
            review.acts.push(act(ActKind::Warn, text));
        }
    }
}

fn keeps(review: &mut Review) {
    let notes: Vec<String> = review
        .loses
        .iter()
        .filter_map(|party| {
            let note = party.note.as_ref()?;
            let rest = note.strip_prefix("Decrypted")?;
            let queue = "They go to the queue \u{201c}rotate at the source\u{201d}.";
            Some(format!("{} decrypted{rest} {queue}", party.name))
        })
        .collect();
    review.acts.extend(notes.into_iter().map(|text| act(ActKind::Warn, text)));
}

fn warn_unverified(replica: &mut Replica, unverified: &[(UserId, EnvId)], review: &mut Review) {
    for (user, _) in unverified {
        let name = who(replica, &Principal::User(*user));
        let text = format!("{name}\u{2019}s key was never compared.");
        review.acts.push(Act { kind: ActKind::Warn, text, compare_with: Some(*user) });
    }
}

/// Environments that fewer than two people would still read, where it is fewer than now.
fn warn_few(
    replica: &mut Replica,
    found: &Found,
    review: &mut Review,
    now_ms: u64,
) -> Vec<(EnvId, usize)> {
    let time_ms = now_ms.max(replica.state().time_ms());
    let envs: BTreeSet<EnvId> = found.cells.iter().map(|cell| cell.change.env).collect();
    let few: Vec<(EnvId, usize)> = envs
        .into_iter()
        .filter_map(|env| {
            let (now, then) = found.people(replica.state(), &env, time_ms);
            (then < 2 && then < now).then_some((env, then))
        })
        .collect();
    for (env, then) in &few {
        let place = place(replica, env);
        let text = match then {
            0 => format!("Nobody would hold the key of {place} any more."),
            _ => format!("Only one person would hold the key of {place}."),
        };
        review.acts.push(act(ActKind::Warn, text));
    }
    few
}

/// New readers of environments whose key this person does not hold: they wait for somebody.
fn warn_waiting(replica: &mut Replica, found: &Found, review: &mut Review, now_ms: u64) {
    let me = replica.principal();
    let replaced: BTreeSet<EnvId> = review.replaced.iter().copied().collect();
    let envs: BTreeSet<EnvId> = found
        .cells
        .iter()
        .filter(|cell| cell.reads_then() && !cell.reads_now() && cell.change.principal != me)
        .map(|cell| cell.change.env)
        .filter(|env| !replaced.contains(env))
        .collect();
    for env in envs {
        if !crate::rotation::may_rotate(replica, &env, now_ms) {
            let place = place(replica, &env);
            let text = format!(
                "You hold no key of {place}. New readers wait until somebody who does is online."
            );
            review.acts.push(act(ActKind::Warn, text));
        }
    }
}

fn check(
    replica: &mut Replica,
    found: &Found,
    unverified: &[(UserId, EnvId)],
    few: &[(EnvId, usize)],
) -> Option<String> {
    let mut facts = Vec::new();
    if let Some((_, env)) = unverified.first() {
        let envs: BTreeSet<EnvId> = found
            .cells
            .iter()
            .filter(|cell| {
                let gains = cell.gained() != Rights::NONE;
                gains
                    && unverified.iter().any(|(u, _)| cell.change.principal == Principal::User(*u))
            })
            .map(|cell| cell.change.env)
            .collect();
        let at = match envs.len() {
            1 => place(replica, env),
            n => counted(n, "environment", "environments"),
        };
        let people = match unverified.len() {
            1 => "an unverified person gains".to_owned(),
            n => format!("{n} unverified people gain"),
        };
        facts.push(format!("{people} access to {at}"));
    }
    if let Some((env, then)) = few.first() {
        let at = match few.len() {
            1 => place(replica, env),
            n => counted(n, "environment", "environments"),
        };
        let people = if *then == 0 { "nobody keeps" } else { "only one person keeps" };
        facts.push(format!("{people} the key of {at}"));
    }
    (!facts.is_empty()).then(|| format!("I checked that {}.", facts.join(", and that ")))
}

fn blocked(replica: &mut Replica, found: &Found, unverified: &[(UserId, EnvId)]) -> Option<String> {
    if let Some(Refused { change, why }) = found.refused.first() {
        let (name, place) = (who(replica, &change.principal), place(replica, &change.env));
        let others = match found.refused.len() - 1 {
            0 => String::new(),
            n => format!(" And {} more.", counted(n, "change", "changes")),
        };
        return Some(format!("{name} in {place} cannot be signed: {why}.{others}"));
    }
    if found.links > MAX_LINKS {
        return Some(format!("At most {MAX_LINKS} changes are signed at once."));
    }
    if replica.state().policy().grants_to_unverified || unverified.is_empty() {
        return None;
    }
    let names: Vec<String> =
        unverified.iter().map(|(user, _)| who(replica, &Principal::User(*user))).collect();
    Some(format!(
        "The policy gives no access to people whose key was never compared: {}. Compare words \
         first.",
        names.join(", ")
    ))
}
