//! Late words, crowds, and the limits of a task.

use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _};
use futures_util::poll;
use strongroom_format::id::{EnvId, SecretId};
use strongroom_policy::SecretAt;
use strongroom_policy::effect::Sentence;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::*;

const MINUTE_MS: u64 = 60_000;
const AT: SecretAt = SecretAt { env: EnvId([1; 16]), secret: SecretId([2; 16]) };

#[derive(Debug)]
struct FakeClock(AtomicU64);

impl FakeClock {
    fn forward(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for FakeClock {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

struct Room {
    approvals: Approvals,
    clock: Arc<FakeClock>,
    told: Mutex<UnboundedReceiver<ToOwner>>,
}

impl Room {
    fn new() -> Self {
        Self::waiting_for(WAIT)
    }

    fn waiting_for(wait: Duration) -> Self {
        let clock = Arc::new(FakeClock(AtomicU64::new(1_790_000_000_000)));
        let (tell, told) = unbounded_channel();
        let tell = move |what| tell.send(what).unwrap();
        let approvals = Approvals::with_wait(Arc::clone(&clock) as Arc<dyn Clock>, wait, tell);
        Self { approvals, clock, told: Mutex::new(told) }
    }

    /// A request that waits.
    async fn hold(&self, wish: Wish) -> (u64, BoxFuture<'_, Verdict>) {
        let before = self.approvals.waiting().len();
        let mut asking = self.approvals.ask(wish).boxed();
        assert_eq!(poll!(&mut asking), Poll::Pending);
        let waiting = self.approvals.waiting();
        assert_eq!(waiting.len(), before + 1);
        (waiting.last().unwrap().id, asking)
    }

    fn over(&self) -> Vec<(u64, String)> {
        let mut over = Vec::new();
        while let Ok(what) = self.told.lock().unwrap().try_recv() {
            if let ToOwner::HeldOver { id, how } = what {
                over.push((id, how));
            }
        }
        over
    }
}

fn bound() -> Bound<'static> {
    Bound {
        session: 1,
        rule: (0, "write"),
        agent_policy: &[7; 32],
        secret: Some((AT, 3, b"policy")),
        method: "PUT",
        target: "https://api.github.com",
    }
}

fn wish_of(agent: u8, bound: &Bound<'_>, path: &str) -> Wish {
    let held = Held {
        id: 0,
        agent: AgentId([agent; 16]),
        agent_name: "builder".to_owned(),
        responsible: "Ada".to_owned(),
        session: bound.session,
        sentence: Sentence { parts: Vec::new() },
        method: bound.method.to_owned(),
        host: "api.github.com".to_owned(),
        path: path.to_owned(),
        secret: Some(AT),
        secret_name: "GITHUB".to_owned(),
        place: "ci / prod".to_owned(),
        process: String::new(),
        rule: bound.rule.1.to_owned(),
        reason: String::new(),
        asked_ms: 0,
        ends_ms: 0,
        alike: 0,
        alike_last_ms: 0,
    };
    Wish { binding: Binding::of(bound), path: Path::parse(path).unwrap(), held }
}

fn wish(path: &str) -> Wish {
    wish_of(1, &bound(), path)
}

fn task(minutes: u32, count: u32, path: &str) -> Answer {
    Answer::Task { minutes, count, path: path.to_owned() }
}

#[tokio::test]
async fn a_request_waits_with_its_times_until_a_person_allows_it_once() {
    let room = Room::new();
    let now = room.clock.now_ms();
    let (id, asking) = room.hold(wish("/a")).await;
    let held = room.approvals.waiting().pop().unwrap();
    assert_eq!((held.asked_ms, held.ends_ms), (now, now + 5 * MINUTE_MS));
    assert_eq!(room.approvals.answer(id, Answer::Once), Answered::Taken);
    assert_eq!(asking.await, Verdict::Once);
    assert_eq!(room.over(), [(id, "once".to_owned())]);
    let (_, again) = room.hold(wish("/a")).await;
    assert_eq!(room.approvals.waiting()[0].alike, 1, "one like it was allowed today");
    assert_eq!(room.approvals.waiting()[0].alike_last_ms, now);
    drop(again);
    room.clock.forward(24 * 60 * MINUTE_MS);
    let (_, _next_day) = room.hold(wish("/a")).await;
    let held = room.approvals.waiting().pop().unwrap();
    assert_eq!((held.alike, held.alike_last_ms), (0, now));
}

#[tokio::test]
async fn a_no_reaches_the_agent_with_its_reason_as_one_line() {
    let room = Room::new();
    let (id, asking) = room.hold(wish("/a")).await;
    let reason = format!(" not\r\nX-Evil: 1\u{7}{} ", "ä".repeat(600));
    room.approvals.answer(id, Answer::Deny { reason });
    let Verdict::Denied { reason } = asking.await else { panic!("it was denied") };
    assert!(reason.starts_with("not  X-Evil: 1 ä"), "{reason}");
    assert_eq!(reason.chars().count(), 500);
    assert!(!reason.chars().any(char::is_control));
}

#[tokio::test]
async fn a_word_that_comes_too_late_says_by_how_much_and_allows_nothing() {
    let room = Room::waiting_for(Duration::from_millis(1));
    let asking = room.approvals.ask(wish("/a"));
    assert_eq!(asking.await, Verdict::TimedOut);
    let first = room.told.lock().unwrap().try_recv();
    let Ok(ToOwner::Held { held: Held { id, .. } }) = first else { panic!("{first:?}") };
    assert_eq!(room.over(), [(id, "timed-out".to_owned())]);
    room.clock.forward(12_300);
    for answer in [Answer::Once, task(15, 10, "/a")] {
        assert_eq!(room.approvals.answer(id, answer), Answered::TooLate { seconds: 12 });
    }
    assert_eq!(room.approvals.answer(id + 1, Answer::Once), Answered::Unknown);
    let asking = room.approvals.ask(wish("/a"));
    assert_eq!(asking.await, Verdict::TimedOut, "the late word allowed nothing");
}

#[tokio::test]
async fn a_request_that_is_dropped_waits_no_more() {
    let room = Room::new();
    let (id, asking) = room.hold(wish("/a")).await;
    drop(asking);
    assert!(room.approvals.waiting().is_empty());
    assert_eq!(room.over(), [(id, "withdrawn".to_owned())]);
    assert_eq!(room.approvals.answer(id, Answer::Once), Answered::TooLate { seconds: 0 });
}

#[tokio::test]
async fn a_second_word_does_not_undo_the_first() {
    let room = Room::new();
    let (id, asking) = room.hold(wish("/a")).await;
    let no = Answer::Deny { reason: String::new() };
    assert_eq!(room.approvals.answer(id, no), Answered::Taken);
    assert_eq!(room.approvals.answer(id, Answer::Once), Answered::TooLate { seconds: 0 });
    assert_eq!(asking.await, Verdict::Denied { reason: String::new() });
}

#[tokio::test]
async fn a_task_needs_minutes_and_count_and_a_path_that_narrows() {
    let room = Room::new();
    let (id, mut asking) = room.hold(wish("/repos/acme/docs")).await;
    for bad in [
        task(0, 10, "/repos/acme/*"),
        task(15, 0, "/repos/acme/*"),
        task(15, 10, ""),
        task(15, 10, "no path"),
        task(15, 10, "/**"),
        task(24 * 60 + 1, 10, "/repos/acme/*"),
        task(15, 10_001, "/repos/acme/*"),
        task(15, 10, "/repos/other/*"), // does not even cover the request itself
    ] {
        assert_eq!(room.approvals.answer(id, bad.clone()), Answered::BadTask, "{bad:?}");
        assert_eq!(poll!(&mut asking), Poll::Pending, "{bad:?}");
    }
    assert_eq!(room.approvals.answer(id, task(15, 10, "/repos/acme/*")), Answered::Taken);
    assert_eq!(asking.await, Verdict::Task);
}

#[tokio::test]
async fn a_task_covers_as_many_as_it_says_this_one_included() {
    let room = Room::new();
    let (id, asking) = room.hold(wish("/repos/acme/docs")).await;
    room.approvals.answer(id, task(15, 3, "/repos/acme/*"));
    assert_eq!(asking.await, Verdict::Task);
    for path in ["/repos/acme/site", "/repos/acme/docs?ref=x"] {
        assert_eq!(room.approvals.ask(wish(path)).await, Verdict::Task);
    }
    let (_, _fourth) = room.hold(wish("/repos/acme/docs")).await;
    let held = room.approvals.waiting().pop().unwrap();
    assert_eq!(held.alike, 3);
}

#[tokio::test]
async fn a_task_covers_its_path_only() {
    let room = Room::new();
    let (id, asking) = room.hold(wish("/repos/acme/docs")).await;
    room.approvals.answer(id, task(15, 10, "/repos/acme/*"));
    asking.await;
    for path in ["/repos/other/docs", "/repos/acme", "/repos/acme/docs/keys", "/"] {
        let (_, asking) = room.hold(wish(path)).await;
        drop(asking);
    }
}

#[tokio::test]
async fn a_task_ends_with_its_minutes_by_either_clock() {
    let room = Room::new();
    let (id, asking) = room.hold(wish("/a/b")).await;
    room.approvals.answer(id, task(15, 10, "/a/*"));
    asking.await;
    room.clock.forward(15 * MINUTE_MS - 1);
    assert_eq!(room.approvals.ask(wish("/a/b")).await, Verdict::Task);
    room.clock.forward(1);
    let (id, asking) = room.hold(wish("/a/b")).await;

    tokio::time::pause();
    room.approvals.answer(id, task(15, 10, "/a/*"));
    asking.await;
    assert_eq!(room.approvals.ask(wish("/a/b")).await, Verdict::Task);
    tokio::time::advance(Duration::from_mins(15)).await;
    let (_, _asking) = room.hold(wish("/a/b")).await;
}

#[tokio::test]
async fn a_task_holds_for_what_the_person_saw_and_nothing_else() {
    let room = Room::new();
    let (id, asking) = room.hold(wish("/a/b")).await;
    room.approvals.answer(id, task(15, 100, "/a/*"));
    asking.await;
    let other = SecretAt { env: EnvId([1; 16]), secret: SecretId([9; 16]) };
    for changed in [
        Bound { session: 2, ..bound() },
        Bound { rule: (1, "write"), ..bound() },
        Bound { rule: (0, "other"), ..bound() },
        Bound { agent_policy: &[8; 32], ..bound() },
        Bound { secret: Some((AT, 4, b"policy")), ..bound() },
        Bound { secret: Some((AT, 3, b"policy, wider")), ..bound() },
        Bound { secret: Some((other, 3, b"policy")), ..bound() },
        Bound { secret: None, ..bound() },
        Bound { method: "DELETE", ..bound() },
        Bound { target: "https://api.github.com:8443", ..bound() },
    ] {
        let (_, asking) = room.hold(wish_of(1, &changed, "/a/b")).await;
        drop(asking);
    }
    assert_eq!(room.approvals.ask(wish("/a/b")).await, Verdict::Task);
}

#[tokio::test]
async fn those_like_it_that_wait_beside_it_go_with_a_task() {
    let room = Room::new();
    let (first, one) = room.hold(wish("/a/1")).await;
    let (second, two) = room.hold(wish("/a/2")).await;
    let (third, _three) = room.hold(wish("/a/3")).await;
    let (fourth, _four) = room.hold(wish("/b/1")).await;
    assert_eq!(room.approvals.answer(second, task(15, 2, "/a/*")), Answered::Taken);
    assert_eq!((one.await, two.await), (Verdict::Task, Verdict::Task));
    let left: Vec<u64> = room.approvals.waiting().iter().map(|held| held.id).collect();
    assert_eq!(left, [third, fourth], "the task is used up, and the other path is another");
    assert_eq!(room.over(), [(second, "task".to_owned()), (first, "task".to_owned())]);
}

#[tokio::test]
async fn the_request_that_a_person_allowed_goes_even_where_older_ones_use_the_task_up() {
    let room = Room::new();
    let (_, _older) = room.hold(wish("/a/1")).await;
    let (id, asking) = room.hold(wish("/a/2")).await;
    assert_eq!(room.approvals.answer(id, task(15, 1, "/a/*")), Answered::Taken);
    assert_eq!(asking.await, Verdict::Task);
    assert_eq!(room.approvals.waiting().len(), 1);
}

#[tokio::test]
async fn a_crowd_is_refused_and_room_is_made_when_one_goes() {
    let room = Room::new();
    let mut crowd = Vec::new();
    for _ in 0..WAITING_PER_AGENT {
        crowd.push(room.hold(wish("/a")).await.1);
    }
    assert_eq!(room.approvals.ask(wish("/a")).await, Verdict::TooMany);
    assert_eq!(room.approvals.waiting_of(&AgentId([1; 16])), WAITING_PER_AGENT);
    crowd.pop();
    crowd.push(room.hold(wish("/a")).await.1);
    for agent in 2.. {
        if crowd.len() == WAITING {
            break;
        }
        for _ in 0..WAITING_PER_AGENT {
            crowd.push(room.hold(wish_of(agent, &bound(), "/a")).await.1);
        }
    }
    assert_eq!(room.approvals.ask(wish_of(99, &bound(), "/a")).await, Verdict::TooMany);
}

#[tokio::test]
async fn a_stop_and_the_end_of_a_session_let_nothing_wait_and_take_what_was_allowed() {
    let room = Room::new();
    let second = Bound { session: 2, ..bound() };
    for end in 0..3 {
        for (agent, bound) in [(1, bound()), (2, second)] {
            let (id, asking) = room.hold(wish_of(agent, &bound, "/a/b")).await;
            room.approvals.answer(id, task(15, 100, "/a/*"));
            asking.await;
        }
        let (_, first) = room.hold(wish("/a")).await;
        let (_, mut other) = room.hold(wish_of(2, &second, "/a")).await;
        match end {
            0 => room.approvals.end_session(1),
            1 => room.approvals.stop(Some(&AgentId([1; 16]))),
            _ => room.approvals.stop(None),
        }
        assert_eq!(first.await, Verdict::Stopped);
        let (_, again) = room.hold(wish("/a/b")).await;
        drop(again);
        if end == 2 {
            assert_eq!(other.await, Verdict::Stopped);
            let (_, _again) = room.hold(wish_of(2, &second, "/a/b")).await;
        } else {
            assert_eq!(poll!(&mut other), Poll::Pending);
            let again = room.approvals.ask(wish_of(2, &second, "/a/b"));
            assert_eq!(again.await, Verdict::Task);
            drop(other);
            room.approvals.end_session(2);
        }
    }
}

#[test]
fn parts_of_a_binding_do_not_run_into_each_other() {
    let one = Bound { method: "GE", target: "Thttps://a", ..bound() };
    let other = Bound { method: "GET", target: "https://a", ..bound() };
    assert_ne!(Binding::of(&one), Binding::of(&other));
    assert_eq!(Binding::of(&one), Binding::of(&one));
}
