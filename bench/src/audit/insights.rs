//! What deserves a look in a million entries: one pass, on the chain and the histories of the owner.

use std::collections::BTreeMap;
use std::time::Duration;

use strongroom_core::details::EnvClass;
use strongroom_core::insights::{Insights, Known, KnownSecrets, Zone, look};
use strongroom_core::log::index::Index;
use strongroom_core::log::{Against, AuditCopy, weigh_all};
use strongroom_core::replica::Replica;
use strongroom_format::encoding::Codec as _;
use strongroom_format::event::Event;
use strongroom_format::id::EnvId;
use strongroom_format::note::Checkpoint;
use strongroom_format::pins::AuditPin;

use super::made::{DAYS, Made};
use crate::Failure;
use crate::measure::{Spread, here};
use crate::table::{Bar, Row};
use crate::world::NOW_MS;

/// A screen that opens at once.
const BAR: Bar = Bar::Under(Duration::from_millis(200));
const ROUNDS: usize = 9;
const AT_ONCE: usize = 32 * 1_024;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// All entries are of the last fortnight, so that every one counts for bursts, refusals and charts.
pub(crate) fn rows(made: &Made) -> Result<Vec<Row>, Failure> {
    let (mut index, mut copy) = (Index::new(0), AuditCopy::new(0));
    let pin = AuditPin { reset: 0, size: 0, root: [0; 32] };
    let against = Against::new(made.replica.state(), &pin);
    for entries in made.entries.chunks(AT_ONCE) {
        for (bytes, weighed) in entries.iter().zip(weigh_all(&against, entries)) {
            let verdict = copy.take(&against, &weighed?)?;
            index.push(verdict, &Event::decode(bytes)?);
        }
    }
    let checkpoint = Checkpoint {
        org: made.replica.state().org(),
        reset: 0,
        size: copy.size(),
        root: copy.root(),
    };
    copy.settle(checkpoint, "")?;
    let mut replica = made.replica.clone();
    let (secrets, classes) = (KnownSecrets::of(&mut replica), classes(&mut replica));
    let (decoys, dismissed) = (BTreeMap::new(), BTreeMap::new());
    let known = Known {
        state: replica.state(),
        secrets: &secrets,
        classes: &classes,
        decoys: &decoys,
        queues: &[],
        facts: copy.facts(),
        dismissed: &dismissed,
        now_ms: NOW_MS + DAYS * DAY_MS,
        zone: Zone::minutes(60),
    };
    let find = || -> Insights { look(&known, index.glances()) };
    let found = find().findings.len();
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        times.push(here(|| Ok(find()))?.wall);
    }
    let most = times.iter().copied().max().unwrap_or_default();
    let what = format!("insights of {} entries: {found} findings", index.len());
    Ok(vec![Row::timed(&what, Spread::of(times.into_iter()), most, BAR)])
}

fn classes(replica: &mut Replica) -> BTreeMap<EnvId, EnvClass> {
    let envs: Vec<EnvId> = replica.state().envs().keys().copied().collect();
    let class = |env: EnvId| {
        let named = replica.directory_name(env.directory_item())?;
        Some((env, named.details.class?))
    };
    envs.into_iter().filter_map(class).collect()
}
