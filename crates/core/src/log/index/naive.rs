//! The same answers from a list of events, in the plainest way.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

pub(super) fn entry() -> impl Strategy<Value = (Verdict, Event)> {
    let who = select(vec![None, Some(MARA), Some(DEPLOY), Some(GONE)]);
    let device = select(vec![DeviceId::ZERO, LAPTOP, DESK]);
    let env = select(vec![EnvId::ZERO, PROD, DEV, EnvId([40; 16])]);
    let secret = select(vec![SecretId::ZERO, STRIPE, HEBREW, SecretId([60; 16])]);
    let number = select(vec![0, 7, 200, 412, u64::MAX]);
    let status = select(vec![0, 200, 399, 403, 429]);
    let at = prop_oneof![8 => NOW..NOW + 500, 1 => select(vec![0, 1, u64::MAX - 1, u64::MAX])];
    let peer =
        select(vec!["192.0.2.1:5", "192.0.2.1:412", "10.4.2.31", "[2001:db8::1]:5", "", "?:é"]);
    let about = (env, secret, number, status);
    let agency = proptest::option::weighted(0.3, select(vec![AgentId([3; 16]), AgentId([33; 16])]));
    let who = (who, agency);
    let parts = (select(&Verdict::ALL[..]), kind(), who, device, about, at, peer);
    parts.prop_map(
        |(verdict, kind, (who, agent), device, (env, secret, number, status), at, peer)| {
            let mut event = on(device, kind, who);
            event.act.agency = agent.map(|agent| Agency { agent, sealed: None });
            event.act.detail = Detail { env, secret, version: 0, number, status };
            (verdict, Event { server_time_ms: at, peer: peer.to_owned(), ..event })
        },
    )
}

fn kind() -> impl Strategy<Value = EventKind> {
    select(EventKind::ALL)
}

pub(super) fn query() -> impl Strategy<Value = Query> {
    let word = select(vec![
        "mära",
        "LIND",
        "deploy",
        "prod",
        "storefront",
        "stripe",
        "תשלום",
        "copied",
        "fetched",
        "link",
        "commit",
        "412",
        "403",
        "0",
        "192.0",
        "192.0.2.1:5",
        "10.4.2.31",
        "10.4.2.31:1",
        "[2001:db8::1]:5",
        "agt_amb",
        "db8",
        "beaqcaib",
        "nowhere",
    ]);
    let text = vec(word, 0..3).prop_map(|words| words.join(" "));
    let few = |most| 0..=most;
    let lists = (
        vec(select(&Level::ALL[..]), few(2)),
        vec(kind(), few(12)),
        vec(select(vec![None, Some(MARA), Some(DEPLOY), Some(GONE)]), few(2)),
        vec(select(vec![PROD, DEV, EnvId([41; 16])]), few(2)),
        vec(select(vec![(PROD, STRIPE), (DEV, STRIPE), (PROD, SecretId([61; 16]))]), few(2)),
        vec(select(&Outcome::ALL[..]), few(1)),
    );
    let lists = lists.prop_flat_map(|all| (Just(all), any::<[bool; 6]>()));
    let time = || proptest::option::weighted(0.3, prop_oneof![NOW..NOW + 500, Just(u64::MAX)]);
    (lists, text, time(), time(), any::<bool>()).prop_map(
        |((all, on), text, from_ms, to_ms, quiet)| {
            let (levels, kinds, who, envs, secrets, outcomes) = all;
            Query {
                levels: if on[0] { levels } else { vec![] },
                kinds: if on[1] { kinds } else { vec![] },
                who: if on[2] { who } else { vec![] },
                envs: if on[3] { envs } else { vec![] },
                secrets: if on[4] { secrets } else { vec![] },
                outcomes: if on[5] { outcomes } else { vec![] },
                text,
                from_ms,
                to_ms,
                quiet,
            }
        },
    )
}

type Entry = (Verdict, Event);

fn secret(event: &Event) -> SecretId {
    let is_proof = event.act.kind == EventKind::Drilled;
    if is_proof { SecretId::ZERO } else { event.act.detail.secret }
}

fn found_by(event: &Event) -> Vec<Option<Principal>> {
    let agent = event.act.agency.as_ref().map(|agency| Some(Principal::Agent(agency.agent)));
    let mut all = vec![event.act.actor];
    all.extend(agent.filter(|agent| event.act.actor != *agent));
    all
}

fn outcome((_, event): &Entry) -> Outcome {
    Outcome::of(event.act.kind, event.act.detail.status)
}

fn has_word(event: &Event, word: &str) -> bool {
    let fold = |text: &str| crate::search::Query::new(text).terms().join(" ");
    let Detail { env, number, status, .. } = event.act.detail;
    let mut names = vec![verb(event.act.kind).to_owned(), verb::counted(event.act.kind).to_owned()];
    let mut ids = vec![];
    for who in found_by(event).into_iter().flatten() {
        names.extend(Directory.who(&who));
        ids.push(who.to_string());
    }
    if !env.is_zero() {
        names.extend(Directory.env(&env));
        ids.push(env.to_string());
    }
    if !secret(event).is_zero() {
        names.extend(Directory.secret(&env, &secret(event)));
        ids.push(secret(event).to_string());
    }
    if !event.act.device.is_zero() {
        ids.push(event.act.device.to_string());
    }
    let socket = event.peer.parse::<SocketAddr>();
    names.push(socket.as_ref().map_or(event.peer.clone(), |socket| socket.ip().to_string()));
    let is_number = |n: u64| n != 0 && word == n.to_string();
    let is_id = |id: &String| {
        (id.starts_with(word) && word.len() > 4) || (id[4..].starts_with(word) && word.len() >= 4)
    };
    names.iter().any(|name| fold(name).split(' ').any(|part| part.contains(word)))
        || ids.iter().any(is_id)
        || is_number(number)
        || is_number(status.into())
        || (socket.is_ok() && word == event.peer)
}

#[derive(Clone, Copy, PartialEq)]
enum Group {
    Levels,
    Kinds,
    Who,
    Envs,
    Secrets,
    Outcomes,
    Time,
}

fn matches(entry: &Entry, query: &Query, but: Option<Group>) -> bool {
    let (verdict, event) = entry;
    let is = |group, fits: bool| but == Some(group) || fits;
    let within = |at: u64| {
        query.from_ms.is_none_or(|from| at >= from) && query.to_ms.is_none_or(|to| at < to)
    };
    let place = (event.act.detail.env, secret(event));
    is(Group::Levels, query.levels.is_empty() || query.levels.contains(&verdict.level()))
        && is(Group::Kinds, query.wants(event.act.kind))
        && is(
            Group::Who,
            query.who.is_empty() || found_by(event).iter().any(|who| query.who.contains(who)),
        )
        && is(Group::Envs, query.envs.is_empty() || query.envs.contains(&place.0))
        && is(Group::Secrets, query.secrets.is_empty() || query.secrets.contains(&place))
        && is(
            Group::Outcomes,
            query.outcomes.is_empty() || query.outcomes.contains(&outcome(entry)),
        )
        && is(Group::Time, within(event.server_time_ms))
        && crate::search::Query::new(&query.text).terms().iter().all(|word| has_word(event, word))
}

fn counts<T: Copy + Ord, I: IntoIterator<Item = T>>(
    entries: &[Entry],
    query: &Query,
    group: Group,
    chosen: &[T],
    value: impl Fn(&Entry) -> I,
) -> Vec<(T, u32)> {
    let mut sums: BTreeMap<T, u32> = chosen.iter().map(|value| (*value, 0)).collect();
    let matching = entries.iter().filter(|entry| matches(entry, query, Some(group)));
    matching.flat_map(value).for_each(|value| *sums.entry(value).or_default() += 1);
    let mut all: Vec<_> = sums.into_iter().collect();
    all.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    all
}

pub(super) fn ask(entries: &[Entry], query: &Query) -> Found {
    let rows = (0..).zip(entries).filter(|(_, entry)| matches(entry, query, None));
    let place = |(_, event): &Entry| (event.act.detail.env, secret(event));
    Found {
        rows: rows.map(|(row, _)| row).collect(),
        facets: Facets {
            levels: counts(entries, query, Group::Levels, &query.levels, |e| Some(e.0.level())),
            kinds: counts(entries, query, Group::Kinds, &query.kinds, |e| Some(e.1.act.kind)),
            who: counts(entries, query, Group::Who, &query.who, |e| found_by(&e.1)),
            envs: counts(entries, query, Group::Envs, &query.envs, |e| {
                Some(place(e).0).filter(|env| !env.is_zero())
            }),
            secrets: counts(entries, query, Group::Secrets, &query.secrets, |e| {
                Some(place(e)).filter(|(_, secret)| !secret.is_zero())
            }),
            outcomes: counts(entries, query, Group::Outcomes, &query.outcomes, |e| {
                Some(outcome(e))
            }),
        },
        timeline: timeline(entries, query),
    }
}

fn timeline(entries: &[Entry], query: &Query) -> Timeline {
    let line: Vec<&Entry> =
        entries.iter().filter(|entry| matches(entry, query, Some(Group::Time))).collect();
    let times = || line.iter().map(|(_, event)| event.server_time_ms);
    let (Some(from), Some(last)) = (times().min(), times().max()) else {
        return Timeline::default();
    };
    let width = u128::from((last - from) / 60 + 1);
    let begin = |n: u128| u64::try_from(u128::from(from) + n * width).unwrap_or(u64::MAX);
    let bar = |n: u128| {
        let inside = |entry: &&&Entry| u128::from(entry.1.server_time_ms - from) / width == n;
        let count = |level| {
            let of_level = line.iter().filter(inside).filter(|entry| entry.0.level() == level);
            u32::try_from(of_level.count()).unwrap()
        };
        Bar {
            from_ms: begin(n),
            signed: count(Level::Signed),
            seen: count(Level::Seen),
            derived: count(Level::Derived),
            doubtful: count(Level::Doubtful),
        }
    };
    Timeline { from_ms: from, to_ms: begin(60), bars: (0..60).map(bar).collect() }
}
