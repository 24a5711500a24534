//! Checks every entry that is kept once more, from its bytes, and says what that shows and what not.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use strongroom_chain::signature::verifies;
use strongroom_core::log::{
    Against, AuditCopy, LogError, Nodes, SEGMENT, Segment, Verdict, weigh_all,
};
use strongroom_core::replica::Replica;
use strongroom_format::event::{Event, EventKind};
use strongroom_format::hash::Digest;
use strongroom_format::id::{OrgId, Principal};
use strongroom_format::note::Checkpoint;
use strongroom_format::pins::AuditPin;
use strongroom_format::statement::Body;

use super::super::anchor::{AnchorSeen, anchors};
use super::super::error::VaultError;
use super::super::session::{Session, TaskKind, hold};
use super::super::trust::short_code;
use super::super::witness::WitnessShown;
use super::keep::{Entries, count};
use crate::api::ApiError;

/// How many segments are checked in one go.
const AT_ONCE: usize = 16;
/// How many anchors are compared, newest first.
const ANCHORS: usize = 32;

/// An entry that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadEntry {
    /// Its place; `None` where it is only known that there is one.
    pub entry: Option<u64>,
    /// Why.
    pub why: String,
}

/// One claim of a verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepKind {
    /// The checkpoint is signed by the key that the chain names.
    Checkpoint,
    /// It continues what was pinned when the vault was opened.
    Grew,
    /// Every entry hashes into its root.
    Included,
    /// Every signed entry is signed by its actor, without a gap.
    Signed,
    /// What this computer handed in is there.
    Own,
    /// Other people's computers saw the same log.
    Others,
}

/// A claim, with its numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Which claim.
    pub kind: StepKind,
    /// In words, with its numbers.
    pub detail: String,
    /// Whether it holds; `None` where there was nothing to check.
    pub ok: Option<bool>,
}

/// What checking the whole log gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogVerified {
    /// Whether every step holds.
    pub ok: bool,
    /// How many entries were checked.
    pub entries: u64,
    /// How many entries the log has.
    pub size: u64,
    /// Its root.
    pub root: Digest,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// How long it took.
    pub took: Duration,
    /// The claims, in their order.
    pub steps: Vec<Step>,
    /// The first entry that does not hold.
    pub bad: Option<BadEntry>,
    /// The newest anchor that holds.
    pub anchor: Option<AnchorSeen>,
    /// How much the server's clock is ahead of this computer's, in milliseconds.
    pub clock_ahead_ms: Option<i64>,
    /// What it does not prove, a sentence each.
    pub limits: Vec<String>,
}

/// What the entries came to.
#[derive(Debug, Default)]
struct Tally {
    entries: u64,
    signed: u64,
    actors: BTreeSet<Principal>,
    bad: Option<BadEntry>,
}

impl Session {
    /// Checks every entry of the log of the organisation in front, as far as it is kept here, after
    /// asking the server for what is new. [`VaultError::NotAllowed`] for who may not read the log;
    /// [`VaultError::Cancelled`] when cancelled.
    pub async fn verify_log(&self) -> Result<LogVerified, VaultError> {
        let org = self.current()?;
        let task = self.begin(TaskKind::VerifyLog, 1);
        let began = Instant::now();
        match self.pull_log().await {
            Ok(false) => return Err(VaultError::NotAllowed),
            // What is kept is checked all the same.
            Ok(true) | Err(VaultError::Stopped(_) | VaultError::Api(ApiError::Offline)) => {}
            Err(error) => return Err(error),
        }
        self.open_log().await?;
        let replica = Arc::new(self.replica_of(org)?);
        let Some((copy, entries)) = self.settled_log(org)? else {
            return Ok(self.nothing_holds(org, began));
        };
        let (again, tally) =
            self.read_again(org, &replica, &copy, &entries, |done, of| task.part(done, of)).await?;
        let mut nodes = Nodes::new(&copy, |number| self.segment_of(org, &copy, &entries, number));
        let pin = hold(&self.audits).get(&org).and_then(|audit| audit.kept.began);
        let grew = pin.filter(|pin| pin.reset == copy.reset() && pin.size >= copy.base());
        let grew = grew.map(|pin| (pin.size, nodes.root_at(pin.size) == Some(pin.root)));
        let (anchors, others) = held_anchors(&replica, &copy, |size| nodes.root_at(size));
        let witness = self.witness()?.filter(|witness| witness.last.is_some());
        let anchors_hold = anchors.iter().all(|(_, holds)| *holds);
        // From the signed note alone: what was kept beside it is not asked.
        let signed = signed(&replica, &copy);
        let stated = (again.size(), again.root());
        let included = signed.is_some_and(|signed| (signed.size, signed.root) == stated);
        let (handed_in, there) = self.own_acts(org, &replica, &copy)?;
        let (stopped, clock_ahead_ms) = {
            let mut audits = hold(&self.audits);
            let kept = &audits.entry(org).or_default().kept;
            (kept.bad.clone(), kept.clock_ahead_ms)
        };
        let kept_bad = stopped.or(tally.bad.clone());
        let steps = vec![
            Step {
                kind: StepKind::Checkpoint,
                detail: key_named(&replica, copy.reset()),
                ok: Some(signed.is_some()),
            },
            Step {
                kind: StepKind::Grew,
                detail: match grew {
                    Some((size, _)) => format!("it grew from your pin at {size}"),
                    None => "nothing was pinned on this computer before".to_owned(),
                },
                ok: grew.map(|(_, holds)| holds),
            },
            Step {
                kind: StepKind::Included,
                detail: format!("{} hashes, one root", tally.entries),
                ok: Some(included),
            },
            Step {
                kind: StepKind::Signed,
                detail: format!(
                    "{} signatures, {} signers, counted without a gap",
                    tally.signed,
                    tally.actors.len()
                ),
                ok: Some(tally.bad.is_none()),
            },
            Step {
                kind: StepKind::Own,
                detail: format!("{there} of {handed_in} from this computer"),
                ok: (handed_in > 0).then_some(there >= handed_in),
            },
            Step {
                kind: StepKind::Others,
                detail: seen_by(
                    others,
                    anchors.last().map(|(anchor, _)| anchor.size),
                    witness.as_ref(),
                ),
                ok: (others > 0 || witness.is_some()).then_some(anchors_hold),
            },
        ];
        let anchor = anchors.iter().rev().find(|(_, holds)| *holds).map(|(anchor, _)| *anchor);
        let mut limits = limits(&copy);
        if others == 0 && witness.is_none() {
            limits.push(
                "That other people see the same log: nobody else has anchored it yet. Compare the \
                 code with somebody."
                    .to_owned(),
            );
        }
        Ok(LogVerified {
            ok: kept_bad.is_none() && anchors_hold && steps.iter().all(|s| s.ok != Some(false)),
            entries: tally.entries,
            size: copy.size(),
            root: copy.root(),
            at_ms: self.now_ms(),
            took: began.elapsed(),
            steps,
            bad: kept_bad,
            anchor,
            clock_ahead_ms,
            limits,
        })
    }

    /// The server's log contradicts, and nothing of it was ever settled here.
    fn nothing_holds(&self, org: OrgId, began: Instant) -> LogVerified {
        let bad = hold(&self.audits).get(&org).and_then(|audit| audit.kept.bad.clone());
        LogVerified {
            ok: false,
            entries: 0,
            size: 0,
            root: [0; 32],
            at_ms: self.now_ms(),
            took: began.elapsed(),
            steps: vec![Step {
                kind: StepKind::Included,
                detail: "the entries are not those that were signed".to_owned(),
                ok: Some(false),
            }],
            bad,
            anchor: None,
            clock_ahead_ms: None,
            limits: Vec::new(),
        }
    }

    fn replica_of(&self, org: OrgId) -> Result<Replica, VaultError> {
        let orgs = hold(&self.orgs);
        Ok(orgs.all.get(&org).ok_or(VaultError::NotFound)?.replica.clone())
    }

    /// Reads every kept entry from its bytes, as if it came from the server now.
    async fn read_again(
        &self,
        org: OrgId,
        replica: &Arc<Replica>,
        copy: &AuditCopy,
        entries: &Entries,
        tell: impl Fn(usize, usize) -> Result<(), VaultError>,
    ) -> Result<(AuditCopy, Tally), VaultError> {
        let (mut again, mut tally) = (copy.anew(), Tally::default());
        let numbers: Vec<u64> = (Segment::of(copy.base())..copy.size().div_ceil(SEGMENT)).collect();
        for numbers in numbers.chunks(AT_ONCE) {
            let segments: Vec<_> = numbers
                .iter()
                .filter_map(|number| self.segment_of(org, copy, entries, *number))
                .collect();
            if segments.len() < numbers.len() {
                // A file of this computer is gone: it is read from the server next time.
                hold(&self.audits).entry(org).or_default().kept.entries = None;
                return Err(VaultError::NotFound);
            }
            let own = Arc::clone(replica);
            let check = move || {
                let checked = check(&own, &mut again, &mut tally, &segments);
                (again, tally, checked)
            };
            let checked;
            (again, tally, checked) = tokio::task::spawn_blocking(check).await?;
            if let Err((entry, error)) = checked {
                let why = error.to_string();
                tally.bad.get_or_insert(BadEntry { entry: Some(entry), why });
                break;
            }
            tell(count(again.size() - again.base()), count(copy.size() - copy.base()))?;
        }
        Ok((again, tally))
    }

    /// How many acts the server said it took from this computer, and how many are there.
    fn own_acts(
        &self,
        org: OrgId,
        replica: &Replica,
        copy: &AuditCopy,
    ) -> Result<(u64, u64), VaultError> {
        let look = |acts: &strongroom_core::log::Acts| (acts.device(), acts.acknowledged());
        let (device, handed_in) = self.look_at_acts(org, look)?;
        let there = copy.actor(replica.principal(), device).map_or(0, |head| head.seq);
        Ok((handed_in, there))
    }
}

/// Checks segments; the entry at fault and why where something is no entry of this log at all.
fn check(
    replica: &Replica,
    again: &mut AuditCopy,
    tally: &mut Tally,
    segments: &[Arc<Segment>],
) -> Result<(), (u64, LogError)> {
    let nothing_pinned = AuditPin { reset: 0, size: 0, root: [0; 32] };
    let against = Against::new(replica.state(), &nothing_pinned);
    let entries = segments.iter().flat_map(|segment| segment.entries());
    let bytes: Vec<&[u8]> = entries.map(|entry| entry.bytes.as_slice()).collect();
    for weighed in weigh_all(&against, &bytes) {
        let entry = again.size();
        let weighed = weighed.map_err(|error| (entry, error))?;
        let verdict = again.take(&against, &weighed).map_err(|error| (entry, error))?;
        tally.entries += 1;
        let why = match verdict {
            Verdict::Gap => Some("entries of the same actor before it are missing"),
            Verdict::Doubtful => Some("its signature is not its actor's, or it comes twice"),
            Verdict::Derived if !repeats_a_link(replica, &weighed.event) => {
                Some("it repeats a link that is not in the chain")
            }
            Verdict::Signed => {
                tally.signed += 1;
                tally.actors.extend(weighed.event.act.actor);
                None
            }
            Verdict::Seen | Verdict::Derived => None,
        };
        if let Some(why) = why {
            let bad = BadEntry { entry: Some(entry), why: why.to_owned() };
            tally.bad.get_or_insert(bad);
        }
    }
    Ok(())
}

/// Whether a derived entry repeats a link of the chain. A link that came after the last sync cannot
/// be held against it, and commits are checked where their environment is.
fn repeats_a_link(replica: &Replica, event: &Event) -> bool {
    let number = event.act.detail.number;
    if event.act.kind != EventKind::LinkAppended || number > replica.state().seq() {
        return true;
    }
    replica.link(number).is_some_and(|link| Some(link.statement.author) == event.act.actor)
}

/// The newest anchors of this tree, oldest first, each with whether it is a root of this log, and how
/// many other people made those that are.
fn held_anchors(
    replica: &Replica,
    copy: &AuditCopy,
    mut root_at: impl FnMut(u64) -> Option<Digest>,
) -> (Vec<(AnchorSeen, bool)>, usize) {
    let read = |anchor: &AnchorSeen| (copy.base()..=copy.size()).contains(&anchor.size);
    let mut all: Vec<AnchorSeen> = anchors(replica, 0).into_iter().filter(read).collect();
    all.drain(..all.len().saturating_sub(ANCHORS));
    let hold = |anchor: AnchorSeen| (anchor, root_at(anchor.size) == Some(anchor.root));
    let held: Vec<_> = all.into_iter().map(hold).collect();
    let me = replica.principal();
    let others = held.iter().filter(|(anchor, holds)| *holds && anchor.by != me);
    let others: BTreeSet<Principal> = others.map(|(anchor, _)| anchor.by).collect();
    let others = others.len();
    (held, others)
}

/// Who else has seen this log, in words.
fn seen_by(others: usize, newest: Option<u64>, witness: Option<&WitnessShown>) -> String {
    let anchored = match (others, newest) {
        (0, _) | (_, None) => "nobody else has anchored this log in the chain yet".to_owned(),
        (1, Some(size)) => format!("1 other person anchored it, last at {size}"),
        (n, Some(size)) => format!("{n} other people anchored it, last at {size}"),
    };
    match witness.and_then(|witness| Some((&witness.name, witness.last?.1))) {
        Some((name, size)) => format!("{anchored}; {name} witnessed it at {size}"),
        None => anchored,
    }
}

/// What the kept checkpoint says, if the key that the chain names signed it.
fn signed(replica: &Replica, copy: &AuditCopy) -> Option<Checkpoint> {
    let (state, note) = (replica.state(), &copy.settled()?.note);
    let vkey = state.audit_vkey();
    let (checkpoint, signature) =
        Checkpoint::parse(note, &state.org(), state.audit_reset(), vkey).ok()?;
    verifies(vkey, checkpoint.text().as_bytes(), &signature).then_some(checkpoint)
}

/// Which link names the key of the checkpoint.
fn key_named(replica: &Replica, reset: u32) -> String {
    let resets = (0..=replica.state().seq()).rev().find(|seq| {
        let link = replica.link(*seq);
        link.is_some_and(|link| matches!(link.statement.body, Body::AuditReset { .. }))
    });
    let link = if reset == 0 { 0 } else { resets.unwrap_or(0) };
    let key = short_code(replica.state().audit_vkey());
    format!("by the key {key}, which link {link} names")
}

fn limits(copy: &AuditCopy) -> Vec<String> {
    let mut limits = vec![
        "That seen rows are true: only signed rows prove who acted, the others are the server's \
         word."
            .to_owned(),
        "That nothing else happened: what no client signed and no server saw leaves no row."
            .to_owned(),
        "That the server's clock was right.".to_owned(),
    ];
    if copy.base() > 0 {
        limits.push(format!("What stood in the {} rows that an owner retired.", copy.base()));
    }
    limits
}
