//! One pass over the log.

use std::collections::HashMap;

use strongroom_format::event::EventKind;
use strongroom_format::id::{EnvId, Principal, SecretId};

use super::charts::{Charts, Counting};
use super::decoys::Decoys;
use super::firsts::Firsts;
use super::habits::Habit;
use super::limits::{FIRST_MS, OFF_HOURS_MS, RECENT_MS};
use super::refusals::{Refusals, TokensThatAsk};
use super::reveals::Reveals;
use super::{Found, Known, Looked};
use crate::log::index::Glance;
use crate::log::{Level, Use};

/// A use that its actor's client signed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Used {
    pub(super) at_ms: u64,
    pub(super) what: Use,
    pub(super) who: Principal,
    pub(super) env: EnvId,
    pub(super) secret: SecretId,
}

/// What is remembered of a principal.
#[derive(Debug, Default)]
struct Actor {
    habit: Habit,
    firsts: Firsts,
    reveals: Reveals,
}

/// What is remembered of the log.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    known: Known<'a>,
    /// Uses at or after these count as new.
    first_from_ms: u64,
    off_from_ms: u64,
    recent_from_ms: u64,
    actors: HashMap<Principal, Actor>,
    refusals: Refusals,
    tokens: TokensThatAsk,
    decoys: Decoys,
    charts: Counting,
    looked: Looked,
}

impl<'a> Pass<'a> {
    pub(super) fn new(known: &Known<'a>) -> Self {
        let now = known.now_ms;
        Self {
            known: *known,
            first_from_ms: now.saturating_sub(FIRST_MS),
            off_from_ms: now.saturating_sub(OFF_HOURS_MS),
            recent_from_ms: now.saturating_sub(RECENT_MS),
            actors: HashMap::new(),
            refusals: Refusals::default(),
            tokens: TokensThatAsk::new(known.state, now),
            decoys: Decoys::default(),
            charts: Counting::new(known.zone, now),
            looked: Looked::default(),
        }
    }

    pub(super) fn take(&mut self, row: &Glance<'_>) {
        self.looked.entries += 1;
        self.looked.from_ms.get_or_insert(row.at_ms);
        if row.verdict.level() == Level::Doubtful {
            self.looked.doubtful += 1;
            return;
        }
        let refused = is_refused(row);
        if refused {
            self.charts.refused(row.at_ms);
            if row.at_ms >= self.recent_from_ms {
                self.refusals.take(row.at_ms, row.address);
            }
        }
        let Some(who) = row.who else { return };
        if let Principal::Token(token) = who {
            self.tokens.take(&token, row.at_ms, row.address);
        }
        // What claims to be a use and is only the server's word is none.
        if row.verdict.level() == Level::Signed
            && let Some(what) = Use::of(row.kind)
        {
            let used = Used { at_ms: row.at_ms, what, who, env: row.env, secret: row.secret };
            self.used(&used);
        }
    }

    fn used(&mut self, used: &Used) {
        self.charts.used(used.at_ms);
        self.decoys.take(&self.known, used);
        let actor = self.actors.entry(used.who).or_default();
        let is_new = used.at_ms >= self.off_from_ms;
        actor.habit.take(self.known.zone.hour(used.at_ms), used.at_ms, is_new);
        if self.known.is_production(&used.env) {
            actor.firsts.take(used, used.at_ms >= self.first_from_ms);
        }
        if used.at_ms >= self.recent_from_ms {
            actor.reveals.take(self.known.secrets, used);
        }
    }

    pub(super) fn finish(self, found: &mut Found<'_>) -> (Charts, Looked) {
        let Self { actors, refusals, tokens, decoys, charts, looked, .. } = self;
        for (who, actor) in actors {
            actor.habit.finish(who, found);
            actor.firsts.finish(who, found);
            actor.reveals.finish(who, found);
        }
        refusals.finish(found);
        tokens.finish(found);
        decoys.finish(found);
        (charts.finish(), looked)
    }
}

/// Whether the server refused what was asked.
fn is_refused(row: &Glance<'_>) -> bool {
    matches!(row.kind, EventKind::Refused | EventKind::RateLimited)
        || (!row.kind.is_signed() && row.status >= 400)
}
