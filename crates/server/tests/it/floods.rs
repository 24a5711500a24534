//! Nobody fills the log of an organisation: neither from outside nor with acts.

use std::num::NonZeroU32;

use strongroom_format::event::{Event, EventKind};
use strongroom_format::wire::{ActPage, MAX_ACTS};

use crate::ledger::acts;
use crate::server::Server;
use crate::team::Person;

/// The refusals among `events`: how many as they were, and how many that say that there were more.
fn refusals(events: &[Event], of: impl Fn(&Event) -> bool) -> (usize, usize) {
    let count = |kind| events.iter().filter(|e| e.act.kind == kind).filter(|e| of(e)).count();
    (count(EventKind::Refused), count(EventKind::RateLimited))
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_nobody_here_adds_no_more_than_an_entry_a_second() {
    let server = Server::start().await;
    let (team, session) = server.team().await;
    let (org, client) = (team.org(), &server.client);
    let stranger = client.join(&Person::new(9)).await;
    let sync = format!("/v1/orgs/{org}/sync?from=0");
    let begun = client.log(&org, &session).await.len();
    for _ in 0..100 {
        client.get(&sync, "x").await.is(401, "sign-in-required");
        client.get(&sync, &stranger).await.is(404, "not-found");
    }
    // What members do wrong is written down all the same, and so is what they do.
    for _ in 0..100 {
        client.get(&format!("/v1/orgs/{org}/sync"), &session).await.is(400, "malformed");
    }
    client.get("/v1/orgs", &session).await.is(200, "ok");
    let log = client.log(&org, &session).await;
    let own = |event: &Event| event.act.actor == Some(team.owner.who);
    assert_eq!(refusals(&log[begun..], own), (100, 0));
    assert_eq!(refusals(&log[begun..], |event| !own(event)), (60, 1));

    server.clock.advance(60_000);
    client.get(&sync, "x").await.is(401, "sign-in-required");
    client.get("/v1/orgs", &session).await.is(200, "ok");
    let after = client.log(&org, &session).await;
    assert_eq!(refusals(&after[log.len()..], |event| !own(event)), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_acts_ends_and_leaves_one_entry_that_says_so() {
    let slow = |c: &mut strongroom_server::Config| c.limits.acts_per_minute = NonZeroU32::MIN;
    let server = Server::start_with(slow).await;
    let (team, session) = server.team().await;
    let (org, client) = (team.org(), &server.client);
    let path = format!("/v1/orgs/{org}/events");
    let all = acts(&team, None, MAX_ACTS + 5);
    let page = ActPage { acts: all[..MAX_ACTS].to_vec() };
    client.post(&path, &session, &page).await.is(200, "ok");
    let page = ActPage { acts: all[MAX_ACTS..].to_vec() };
    for _ in 0..5 {
        client.post(&path, &session, &page).await.is(429, "rate-limited");
    }
    client.get("/v1/orgs", &session).await.is(200, "ok");
    let log = client.log(&org, &session).await;
    assert_eq!(log.iter().filter(|event| event.act.kind == EventKind::Copied).count(), MAX_ACTS);
    assert_eq!(refusals(&log, |_| true), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_short_however_it_was_forwarded() {
    let server = Server::start_with(|c| {
        c.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    let (team, session) = server.team().await;
    let org = team.org();
    let bearer = format!("Bearer {session}");
    let long = "f".repeat(5_000);
    for (forwarded, seen) in [
        (long.as_str(), "127.0.0.1:"),
        ("2001:0db8:ffff:ffff:ffff:ffff:ffff:fffe", "2001:db8:ffff:ffff:ffff:ffff:ffff:fffe"),
        ("fe80::1%a-very-long-name-of-an-interface", "127.0.0.1:"),
    ] {
        let headers = [("authorization", bearer.as_str()), ("x-forwarded-for", forwarded)];
        let path = format!("/v1/orgs/{org}/sync?from=0");
        let answer = server.client.send(reqwest::Method::GET, &path, &headers, Vec::new()).await;
        answer.is(200, "ok");
        let log = server.client.log(&org, &session).await;
        let last = log.last().unwrap();
        assert!(last.peer.starts_with(seen) && last.peer.len() <= 64, "{}", last.peer);
    }
}
