use proptest::prelude::*;
use strongroom_format::agency::Agency;
use strongroom_format::event::{Act, Detail};
use strongroom_format::hash::ZERO;
use strongroom_format::id::{AgentId, OrgId, TokenId, UserId};

use super::*;
use crate::log::Level;

#[path = "naive.rs"]
mod naive;

const NOW: u64 = 1_790_000_000_000;
const MARA: Principal = Principal::User(UserId([1; 16]));
const DEPLOY: Principal = Principal::Token(TokenId([2; 16]));
const GONE: Principal = Principal::Agent(AgentId([3; 16]));
const PROD: EnvId = EnvId([4; 16]);
const DEV: EnvId = EnvId([5; 16]);
const STRIPE: SecretId = SecretId([6; 16]);
const HEBREW: SecretId = SecretId([7; 16]);
const LAPTOP: DeviceId = DeviceId([8; 16]);
const DESK: DeviceId = DeviceId([9; 16]);

/// Names of everything but [`GONE`] and whatever else is not here.
struct Directory;

impl Names for Directory {
    fn who(&self, who: &Principal) -> Option<String> {
        let name = [(MARA, "Mära Lind"), (DEPLOY, "deploy-prod")].into_iter();
        name.filter(|(id, _)| id == who).map(|(_, name)| name.to_owned()).next()
    }

    fn env(&self, env: &EnvId) -> Option<String> {
        let name = [(PROD, "storefront / prod"), (DEV, "storefront / dev")].into_iter();
        name.filter(|(id, _)| id == env).map(|(_, name)| name.to_owned()).next()
    }

    fn secret(&self, _: &EnvId, secret: &SecretId) -> Option<String> {
        let name = [(STRIPE, "STRIPE_SECRET_KEY"), (HEBREW, "מפתח_תשלום")].into_iter();
        name.filter(|(id, _)| id == secret).map(|(_, name)| name.to_owned()).next()
    }
}

fn event(kind: EventKind, who: Option<Principal>) -> Event {
    let act = Act {
        org: OrgId([0; 32]),
        kind,
        actor: who,
        device: DeviceId::ZERO,
        actor_seq: 0,
        actor_prev: ZERO,
        org_head: ZERO,
        detail: Detail::status(0),
        agency: None,
    };
    Event { act, signature: [0; 64], server_time_ms: NOW, peer: "192.0.2.1:50312".to_owned() }
}

fn on(device: DeviceId, kind: EventKind, who: Option<Principal>) -> Event {
    let mut event = event(kind, who);
    event.act.device = device;
    event
}

fn about(secret: SecretId, env: EnvId, kind: EventKind) -> Event {
    let mut event = event(kind, Some(MARA));
    event.act.detail.env = env;
    event.act.detail.secret = secret;
    event
}

fn numbered(number: u64, kind: EventKind) -> Event {
    let mut event = event(kind, Some(MARA));
    event.act.detail.number = number;
    event
}

fn answered(status: u16, kind: EventKind) -> Event {
    let mut event = event(kind, None);
    event.act.detail.status = status;
    event
}

fn index(events: &[(Verdict, Event)]) -> Index {
    let mut index = Index::new(0);
    for (verdict, event) in events {
        assert!(index.push(*verdict, event));
    }
    index
}

fn seen(events: Vec<Event>) -> Index {
    index(&events.into_iter().map(|event| (Verdict::Seen, event)).collect::<Vec<_>>())
}

fn rows(index: &Index, query: &Query) -> Vec<u32> {
    index.ask(query, &Directory).rows
}

fn typed(index: &Index, text: &str) -> Vec<u32> {
    rows(index, &Query { text: text.to_owned(), ..Query::default() })
}

#[test]
fn a_row_gives_back_what_was_put_in() {
    let mut event = about(STRIPE, PROD, EventKind::Copied);
    event.act.device = LAPTOP;
    event.act.detail.version = 3;
    event.act.detail.number = u64::MAX;
    event.act.detail.status = 65_535;
    let mut index = Index::new(5_120);
    assert!(index.push(Verdict::Gap, &event));
    let row = index.row(0).unwrap();
    assert_eq!((row.row, row.at_ms, row.kind), (0, NOW, EventKind::Copied));
    assert_eq!((row.verdict, row.who, row.device), (Verdict::Gap, Some(MARA), LAPTOP));
    assert_eq!((row.env, row.secret, row.version), (PROD, STRIPE, 3));
    assert_eq!((row.number, row.status, &*row.peer), (u64::MAX, 65_535, "192.0.2.1:50312"));
    assert_eq!((index.row(1), index.base(), index.len()), (None, 5_120, 1));
}

#[test]
fn what_was_done_for_an_agent_is_found_by_it_and_by_who_answers() {
    let agent = AgentId([3; 16]);
    let mut lent = event(EventKind::Brokered, Some(MARA));
    lent.act.agency = Some(Agency { agent, sealed: None });
    let index = seen(vec![event(EventKind::Copied, Some(MARA)), lent]);
    assert_eq!(index.row(1).unwrap().agent, Some(agent));
    assert_eq!(index.row(0).unwrap().agent, None);
    let of = |who| Query { who: vec![Some(who)], ..Query::default() };
    assert_eq!(rows(&index, &of(GONE)), [1]);
    assert_eq!(rows(&index, &of(MARA)), [0, 1]);
    assert_eq!(typed(&index, &GONE.to_string()), [1]);
    let who = index.ask(&Query::default(), &Directory).facets.who;
    assert_eq!(who, [(Some(MARA), 2), (Some(GONE), 1)]);
    assert_eq!(index.neighbours(1), (Some(0), None), "it is an act of its person too");
}

#[test]
fn a_peer_comes_back_to_the_letter_and_its_port_makes_no_new_one() {
    let all =
        ["192.0.2.1:1", "192.0.2.1:2", "192.0.2.1", "[2001:db8::1]:443", "2001:DB8::1", "", "a:b"];
    let mut index = Index::new(0);
    for peer in all {
        let event = Event { peer: peer.to_owned(), ..event(EventKind::SignedIn, None) };
        assert!(index.push(Verdict::Seen, &event));
    }
    let back: Vec<_> = (0..index.len()).map(|row| index.row(row).unwrap().peer).collect();
    assert_eq!(back.iter().map(|peer| &**peer).collect::<Vec<_>>(), all);
    assert_eq!(index.peers.values().len(), all.len() - 1);
    assert_eq!(typed(&index, "192.0.2.1:2"), [1]);
    assert_eq!(typed(&index, "192.0.2"), [0, 1, 2]);
    assert_eq!(typed(&index, "[2001:db8::1]:443"), [3]);
}

#[test]
fn the_proof_of_a_drill_is_no_secret() {
    let index = seen(vec![about(STRIPE, PROD, EventKind::Drilled)]);
    assert_eq!(index.row(0).unwrap().secret, SecretId::ZERO);
    let found = index.ask(&Query::default(), &Directory);
    assert_eq!((found.facets.secrets, found.facets.envs), (vec![], vec![(PROD, 1)]));
}

#[test]
fn the_empty_query_gives_every_row_and_counts_it() {
    let index = index(&[
        (Verdict::Seen, event(EventKind::SignedIn, Some(MARA))),
        (Verdict::Signed, about(STRIPE, PROD, EventKind::Copied)),
        (Verdict::Gap, about(STRIPE, PROD, EventKind::Copied)),
        (Verdict::Derived, event(EventKind::LinkAppended, Some(DEPLOY))),
    ]);
    let found = index.ask(&Query::default(), &Directory);
    assert_eq!(found.rows, [0, 1, 2, 3]);
    let Facets { levels, kinds, who, envs, secrets, outcomes } = found.facets;
    assert_eq!(levels, [(Level::Signed, 2), (Level::Seen, 1), (Level::Derived, 1)]);
    assert_eq!(kinds[0], (EventKind::Copied, 2));
    assert_eq!(who, [(Some(MARA), 3), (Some(DEPLOY), 1)]);
    assert_eq!((envs, secrets), (vec![(PROD, 2)], vec![((PROD, STRIPE), 2)]));
    assert_eq!(outcomes, [(Outcome::Done, 4)]);
}

#[test]
fn an_empty_index_answers() {
    let found = Index::new(7).ask(&Query::default(), &Directory);
    assert_eq!((found.rows, found.facets), (vec![], Facets::default()));
    assert_eq!(found.timeline, Timeline::default());
}

#[test]
fn a_query_that_matches_nothing_has_no_rows_and_no_bars() {
    let index = seen(vec![event(EventKind::SignedIn, Some(MARA))]);
    let query = Query { who: vec![Some(GONE)], text: "nowhere".to_owned(), ..Query::default() };
    let found = index.ask(&query, &Directory);
    assert_eq!((found.rows.len(), found.timeline.bars.len()), (0, 0));
    assert_eq!(found.facets.who, [(Some(GONE), 0)]);
}

#[test]
fn quiet_leaves_out_the_heartbeat_and_a_chosen_kind_brings_it_back() {
    let index = seen(vec![
        event(EventKind::ChainFetched, Some(MARA)),
        event(EventKind::AuditFetched, Some(MARA)),
        event(EventKind::JoinsFetched, Some(MARA)),
        event(EventKind::KeysetFetched, None),
        event(EventKind::EnvFetched, Some(MARA)),
    ]);
    let quiet = Query { quiet: true, ..Query::default() };
    assert_eq!(rows(&index, &quiet), [4]);
    let kinds = vec![EventKind::AuditFetched];
    assert_eq!(rows(&index, &Query { kinds, ..quiet.clone() }), [1]);
    // It is offered all the same.
    let facets = index.ask(&quiet, &Directory).facets;
    assert!(facets.kinds.contains(&(EventKind::ChainFetched, 1)));
    assert_eq!(facets.who, [(Some(MARA), 1)]);
}

#[test]
fn nobody_can_be_chosen() {
    let index = seen(vec![event(EventKind::SignedIn, Some(MARA)), event(EventKind::Refused, None)]);
    let found = index.ask(&Query { who: vec![None], ..Query::default() }, &Directory);
    assert_eq!(found.rows, [1]);
    assert_eq!(found.facets.who, [(None, 1), (Some(MARA), 1)]);
}

#[test]
fn an_outcome_is_told_by_kind_and_by_status() {
    let index = seen(vec![
        answered(200, EventKind::EnvFetched),
        answered(404, EventKind::EnvFetched),
        answered(0, EventKind::Refused),
        answered(0, EventKind::RateLimited),
        answered(0, EventKind::Denied),
        answered(399, EventKind::EnvFetched),
    ]);
    let ended = |outcome| rows(&index, &Query { outcomes: vec![outcome], ..Query::default() });
    assert_eq!(ended(Outcome::Done), [0, 5]);
    assert_eq!(ended(Outcome::Refused), [1, 2, 3, 4]);
}

#[test]
fn a_doubtful_row_is_neither_signed_nor_seen() {
    let index = index(&[
        (Verdict::Doubtful, event(EventKind::Copied, Some(MARA))),
        (Verdict::Gap, event(EventKind::Copied, Some(MARA))),
        (Verdict::Seen, event(EventKind::SignedIn, Some(MARA))),
    ]);
    let level = |level| rows(&index, &Query { levels: vec![level], ..Query::default() });
    assert_eq!(level(Level::Doubtful), [0]);
    assert_eq!(level(Level::Signed), [1]);
    let bars = index.ask(&Query::default(), &Directory).timeline.bars;
    let counts = (bars[0].signed, bars[0].seen, bars[0].derived, bars[0].doubtful);
    assert_eq!(counts, (1, 1, 0, 1));
}

#[test]
fn a_group_counts_what_its_own_filter_hides_and_obeys_the_others() {
    let index = seen(vec![
        about(STRIPE, PROD, EventKind::Copied),
        about(STRIPE, DEV, EventKind::Copied),
        about(STRIPE, DEV, EventKind::Revealed),
    ]);
    let query = Query { envs: vec![PROD], kinds: vec![EventKind::Copied], ..Query::default() };
    let found = index.ask(&query, &Directory);
    assert_eq!(found.rows, [0]);
    assert_eq!(found.facets.envs, [(PROD, 1), (DEV, 1)]);
    assert_eq!(found.facets.kinds, [(EventKind::Copied, 1)]);
}

#[test]
fn fifty_secrets_are_counted_and_the_chosen_one_among_them() {
    let secret = |n: u8| SecretId([n; 16]);
    let index = seen((1..=80).map(|n| about(secret(n), PROD, EventKind::Copied)).collect());
    let all = index.ask(&Query::default(), &Directory).facets.secrets;
    assert_eq!((all.len(), all[0].0.1), (50, secret(1)));
    let secrets = vec![(PROD, secret(80))];
    let one = index.ask(&Query { secrets, ..Query::default() }, &Directory).facets.secrets;
    assert_eq!((one.len(), one[50].0.1), (51, secret(80)));
}

#[test]
fn words_are_looked_for_in_every_column_and_all_must_be_found() {
    let index = seen(vec![
        about(STRIPE, PROD, EventKind::Copied),
        about(STRIPE, DEV, EventKind::Revealed),
        numbered(412, EventKind::LinkAppended),
        numbered(412, EventKind::CommitAppended),
        answered(403, EventKind::Refused),
        on(LAPTOP, EventKind::Injected, Some(DEPLOY)),
    ]);
    assert_eq!(typed(&index, "stripe"), [0, 1]);
    assert_eq!(typed(&index, "prod stripe"), [0]);
    assert_eq!(typed(&index, "  STOREFRONT  revealed "), [1]);
    assert_eq!(typed(&index, "link 412"), [2]);
    assert_eq!(typed(&index, "Commit 412"), [3]);
    assert_eq!(typed(&index, "41"), [0_u32; 0]);
    assert_eq!(typed(&index, "403"), [4]);
    assert_eq!(typed(&index, "deploy-prod"), [5]);
    assert_eq!(typed(&index, &LAPTOP.to_string()), [5]);
}

#[test]
fn what_has_no_name_is_found_by_its_id() {
    let index = seen(vec![event(EventKind::Brokered, Some(GONE)), event(EventKind::Copied, None)]);
    let id = GONE.to_string();
    for part in [id.as_str(), &id[..8], &id[4..], &id[4..8]] {
        assert_eq!(typed(&index, part), [0], "{part}");
    }
    assert_eq!(typed(&index, "agt_"), [0_u32; 0]);
    assert_eq!(typed(&index, &id[5..]), [0_u32; 0]);
}

#[test]
fn names_are_found_in_any_script_and_case() {
    let index =
        seen(vec![about(HEBREW, PROD, EventKind::Copied), event(EventKind::Copied, Some(DEPLOY))]);
    assert_eq!(typed(&index, "MÄRA"), [0]);
    assert_eq!(typed(&index, "ma\u{308}ra"), [0]);
    assert_eq!(typed(&index, "תשלום"), [0]);
    assert_eq!(typed(&index, "מפתח תשלום storefront"), [0]);
}

#[test]
fn control_characters_and_endless_texts_are_no_trouble() {
    let index = seen(vec![about(STRIPE, PROD, EventKind::Copied)]);
    assert_eq!(typed(&index, "\0\u{7}\n\t "), [0]);
    assert_eq!(typed(&index, &"x".repeat(100_000)), [0_u32; 0]);
    assert_eq!(typed(&index, "a b c d e f g h i j k l m"), [0_u32; 0]);
}

#[test]
fn a_time_range_takes_its_beginning_and_leaves_its_end() {
    let at = |ms: u64| Event { server_time_ms: NOW + ms, ..event(EventKind::SignedIn, None) };
    let index = seen(vec![at(0), at(10), at(20)]);
    let range = |from: u64, to: u64| {
        let (from_ms, to_ms) = (Some(NOW + from), Some(NOW + to));
        index.ask(&Query { from_ms, to_ms, ..Query::default() }, &Directory)
    };
    assert_eq!(range(0, 20).rows, [0, 1]);
    assert_eq!(range(10, 11).rows, [1]);
    assert_eq!(range(20, 0).rows, [0_u32; 0]);
    // The timeline stays whole.
    let bars = range(10, 11).timeline.bars;
    assert_eq!(bars.iter().map(|bar| bar.seen).sum::<u32>(), 3);
}

#[test]
fn the_timeline_of_one_moment_has_sixty_bars_and_all_rows_in_the_first() {
    for count in [1, 3] {
        let index = seen(vec![event(EventKind::SignedIn, None); count]);
        let Timeline { from_ms, to_ms, bars } = index.ask(&Query::default(), &Directory).timeline;
        assert_eq!((from_ms, to_ms, bars.len()), (NOW, NOW + 60, 60));
        assert_eq!(bars[0].seen as usize, count);
        assert_eq!((bars[1].from_ms, bars[1].seen), (NOW + 1, 0));
    }
}

#[test]
fn a_clock_that_goes_back_keeps_every_row_in_its_bar() {
    let at = |ms: u64| Event { server_time_ms: ms, ..event(EventKind::SignedIn, None) };
    let index = seen(vec![at(u64::MAX), at(0), at(u64::MAX), at(u64::MAX / 2)]);
    let Timeline { from_ms, to_ms, bars } = index.ask(&Query::default(), &Directory).timeline;
    assert_eq!((from_ms, to_ms), (0, u64::MAX));
    assert_eq!((bars[0].seen, bars[29].seen, bars[59].seen), (1, 1, 2));
}

#[test]
fn neighbours_are_of_the_same_actor_and_where_signed_of_the_same_device() {
    let index = index(&[
        (Verdict::Signed, on(LAPTOP, EventKind::Copied, Some(MARA))),
        (Verdict::Signed, on(DESK, EventKind::Copied, Some(MARA))),
        (Verdict::Seen, event(EventKind::EnvFetched, Some(MARA))),
        (Verdict::Signed, on(LAPTOP, EventKind::Copied, Some(DEPLOY))),
        (Verdict::Seen, event(EventKind::Refused, None)),
        (Verdict::Signed, on(LAPTOP, EventKind::Revealed, Some(MARA))),
        (Verdict::Seen, event(EventKind::Refused, None)),
    ]);
    assert_eq!(index.neighbours(0), (None, Some(5)));
    assert_eq!(index.neighbours(1), (None, None));
    assert_eq!(index.neighbours(2), (Some(1), Some(5)));
    assert_eq!(index.neighbours(3), (None, None));
    assert_eq!(index.neighbours(4), (None, None));
    assert_eq!(index.neighbours(5), (Some(0), None));
    assert_eq!(index.neighbours(7), (None, None));
}

#[test]
fn a_row_takes_about_forty_bytes() {
    let mut index = Index::new(0);
    index.reserve(100_000);
    for n in 0..100_000_u32 {
        let mut event = about(STRIPE, PROD, EventKind::Copied);
        event.peer = format!("192.0.2.1:{}", n % 60_000);
        assert!(index.push(Verdict::Signed, &event));
    }
    assert!(index.bytes() < 40 * 100_000, "{}", index.bytes());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn the_index_answers_as_a_list_of_events_does(
        events in proptest::collection::vec(naive::entry(), 0..60),
        query in naive::query(),
    ) {
        let index = index(&events);
        prop_assert_eq!(index.ask(&query, &Directory), naive::ask(&events, &query));
    }

    #[test]
    fn any_text_is_answered(text in any::<String>(), events in proptest::collection::vec(naive::entry(), 0..9)) {
        let query = Query { text, ..Query::default() };
        prop_assert_eq!(index(&events).ask(&query, &Directory), naive::ask(&events, &query));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn rows_beyond_the_first_block_are_answered_too(
        events in proptest::collection::vec(naive::entry(), 1..40),
        rows in 1_000_usize..2_600,
        query in naive::query(),
    ) {
        let events: Vec<_> = events.into_iter().cycle().take(rows).collect();
        prop_assert_eq!(index(&events).ask(&query, &Directory), naive::ask(&events, &query));
    }
}
