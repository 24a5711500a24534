//! What happens: an honest log, entry by entry.
//!
//! About half of the entries are signed by the key of whoever acted, counted by actor and device,
//! each naming the one before. Whatever falls, falls the same way in every run; keys and ids are
//! random.

use std::collections::HashMap;

use strongroom_format::event::{Act, Detail, Event, EventKind};
use strongroom_format::hash::{Digest, ZERO};
use strongroom_format::id::{DeviceId, EnvId, OrgId, Principal, SecretId};
use strongroom_format::wire::act_hash;
use strongroom_store::ActorHead;

use super::cast::{Actor, Cast, device};
use super::dice::Dice;
use crate::Failure;

/// Acts of one run of a build, which is a device of its own.
const RUN: usize = 150;
const HOUR: u64 = 60 * 60 * 1000;
/// Builds run day and night; people work.
const WEIGHTS: [u64; 24] =
    [3, 2, 2, 2, 2, 3, 4, 6, 10, 14, 15, 15, 12, 13, 15, 15, 14, 12, 8, 6, 5, 4, 4, 3];

/// Tells what happens.
pub(crate) struct Story<'a> {
    cast: &'a Cast,
    org: OrgId,
    dice: Dice,
    /// Where each actor's own count stands on each device.
    counts: HashMap<(Principal, DeviceId), (u64, Digest)>,
    /// The present run of each token, and how much of it is left.
    runs: HashMap<Principal, (DeviceId, usize)>,
}

/// When something happens, and the newest link then.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// In milliseconds since 1970.
    pub(crate) at_ms: u64,
    /// Head of the chain.
    pub(crate) head: Digest,
}

impl<'a> Story<'a> {
    /// Nothing has happened yet.
    pub(crate) fn new(cast: &'a Cast, org: OrgId) -> Self {
        let (counts, runs) = (HashMap::new(), HashMap::new());
        Self { cast, org, dice: Dice::new(7), counts, runs }
    }

    /// Where all counts stand.
    pub(crate) fn heads(&self) -> Vec<ActorHead> {
        let head = |((actor, device), (seq, hash)): (&(Principal, DeviceId), &(u64, Digest))| {
            ActorHead { actor: *actor, device: *device, seq: *seq, hash: *hash }
        };
        self.counts.iter().map(head).collect()
    }

    /// The next entry.
    pub(crate) fn next(&mut self, moment: Moment) -> Result<Event, Failure> {
        let cast = self.cast;
        let fall = self.dice.below(1_000);
        let by_token = fall < 370 || (500..720).contains(&fall);
        let actor = self.dice.pick(if by_token { &cast.tokens } else { &cast.people });
        let env = *self.dice.pick(&actor.envs);
        let about = |secret, number| Detail { env, secret, number, version: 0, status: 200 };
        let nothing = SecretId::ZERO;
        match fall {
            0..500 => {
                let kind = match fall {
                    0..370 => EventKind::Injected,
                    370..460 => EventKind::Decrypted,
                    460..490 => EventKind::Copied,
                    490..499 => EventKind::Revealed,
                    _ => EventKind::Exported,
                };
                let secret = *self.dice.pick(&cast.secrets[&env]);
                let detail = Detail { version: 1, status: 0, ..about(secret, 0) };
                let device = self.device_of(actor)?;
                Ok(self.signed(actor, device, kind, detail, moment))
            }
            500..800 => {
                let number = cast.secrets[&env].len() as u64;
                Ok(self.seen(actor, EventKind::EnvFetched, about(nothing, number), moment))
            }
            800..990 => {
                let kind = match fall {
                    800..900 => EventKind::ChainFetched,
                    900..910 => EventKind::HistoryFetched,
                    910..935 => EventKind::AuditFetched,
                    935..975 => EventKind::SignedIn,
                    975..984 => EventKind::KeysetFetched,
                    984..988 => EventKind::JoinsFetched,
                    _ => EventKind::EnvelopesStaged,
                };
                let is_env = matches!(kind, EventKind::HistoryFetched);
                let env = if is_env { env } else { EnvId::ZERO };
                let number = fall as u64 % 40;
                Ok(self.seen(actor, kind, Detail { env, ..about(nothing, number) }, moment))
            }
            _ => Ok(self.refused(actor, env, fall, moment)),
        }
    }

    /// An act of the owner.
    pub(crate) fn owner(&mut self, kind: EventKind, detail: Detail, moment: Moment) -> Event {
        let owner = &self.cast.owner;
        self.signed(owner, owner.devices[0], kind, detail, moment)
    }

    /// A link of the owner, as the server repeats it.
    pub(crate) fn appended(&mut self, link: Detail, moment: Moment) -> Event {
        let detail = Detail { status: 200, ..link };
        self.seen(&self.cast.owner, EventKind::LinkAppended, detail, moment)
    }

    fn device_of(&mut self, actor: &Actor) -> Result<DeviceId, Failure> {
        if !actor.devices.is_empty() {
            return Ok(*self.dice.pick(&actor.devices));
        }
        let run = match self.runs.get(&actor.who) {
            Some((run, left)) if *left > 0 => (*run, left - 1),
            _ => (device()?, RUN),
        };
        self.runs.insert(actor.who, run);
        Ok(run.0)
    }

    fn signed(
        &mut self,
        actor: &Actor,
        device: DeviceId,
        kind: EventKind,
        detail: Detail,
        moment: Moment,
    ) -> Event {
        let (seq, prev) = self.counts.get(&(actor.who, device)).copied().unwrap_or((0, ZERO));
        let act = Act {
            org: self.org,
            kind,
            actor: Some(actor.who),
            device,
            actor_seq: seq + 1,
            actor_prev: prev,
            org_head: moment.head,
            detail,
            agency: None,
        };
        self.counts.insert((actor.who, device), (act.actor_seq, act_hash(&act)));
        let signature = actor.sign(&act.message());
        Event { act, signature, server_time_ms: moment.at_ms, peer: self.peer(actor) }
    }

    fn seen(&mut self, actor: &Actor, kind: EventKind, detail: Detail, moment: Moment) -> Event {
        let act = Act {
            org: self.org,
            kind,
            actor: Some(actor.who),
            device: DeviceId::ZERO,
            actor_seq: 0,
            actor_prev: ZERO,
            org_head: moment.head,
            detail,
            agency: None,
        };
        let peer = self.peer(actor);
        Event { act, signature: [0; 64], server_time_ms: moment.at_ms, peer }
    }

    /// Every other one is of somebody who proved nothing.
    fn refused(&mut self, actor: &Actor, env: EnvId, fall: usize, moment: Moment) -> Event {
        let (kind, status) = match fall {
            990..998 => (EventKind::Refused, 403),
            _ => (EventKind::RateLimited, 429),
        };
        let mut event = self.seen(actor, kind, Detail { env, ..Detail::status(status) }, moment);
        if fall.is_multiple_of(2) {
            event.act.actor = None;
            event.peer = format!("203.0.113.{}:{}", self.dice.below(40), 1_024 + fall);
        }
        event
    }

    /// Somebody has a few addresses, and a port for each connection.
    fn peer(&mut self, actor: &Actor) -> String {
        let own = actor.who.id()[0];
        let (net, port) = (self.dice.below(4), 32_768 + self.dice.below(28_000));
        match actor.who {
            Principal::User(_) => format!("10.4.{net}.{own}:{port}"),
            _ => format!("10.9.{net}.{own}:{port}"),
        }
    }
}

/// When `count` things happen in the `hours` from `from_ms` on, a whole hour of a day: rising, more
/// of them when people work.
pub(crate) fn times(from_ms: u64, hours: u64, count: u64) -> impl Iterator<Item = u64> {
    let weight = move |hour: u64| {
        let of_day = usize::try_from((from_ms / HOUR + hour) % 24).unwrap_or(0);
        WEIGHTS[of_day]
    };
    let all: u64 = (0..hours).map(weight).sum();
    let mut before = 0;
    (0..hours).flat_map(move |hour| {
        let first = count * before / all;
        before += weight(hour);
        let here = count * before / all - first;
        (0..here).map(move |n| from_ms + hour * HOUR + n * HOUR / here)
    })
}
