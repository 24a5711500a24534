//! Writes: every way to be refused, and that a refused write leaves nothing.

use strongroom_format::commit::{Commit, Op};
use strongroom_format::event::EventKind;
use strongroom_format::statement::{Body, EpochReason, Rights, Role};
use strongroom_format::wire::{
    ActPage, B64, CommitPage, EnvelopePage, ItemPage, StageAnswer, SyncAnswer, WriteAnswer,
    WriteBatch,
};

use crate::server::Server;
use crate::team::{PROD, Person, Team, put, secret};

/// What anybody can see of an organisation but the time and the audit log.
pub(crate) async fn picture(
    server: &Server,
    team: &Team,
    session: &str,
) -> (SyncAnswer, ItemPage, u64) {
    let org = team.org();
    let sync: SyncAnswer =
        server.client.get(&format!("/v1/orgs/{org}/sync?from=0"), session).await.json();
    let items = server.client.get(&format!("/v1/orgs/{org}/envs/{PROD}/items"), session).await;
    let log = server.client.log(&org, session).await;
    let writes = [EventKind::LinkAppended, EventKind::CommitAppended, EventKind::Copied];
    let written = log.iter().filter(|event| writes.contains(&event.act.kind)).count();
    (SyncAnswer { checkpoint: String::new(), ..sync }, items.page(), written as u64)
}

pub(crate) fn second_commit(team: &mut Team, change: impl FnOnce(&mut Commit)) -> WriteBatch {
    let owner = team.owner.clone();
    let (put, envelopes) = put(secret(2), 1, 5);
    team.now += 1;
    let mut commit = team.next_commit(&owner, PROD, vec![put]);
    change(&mut commit);
    let commit = owner.sign_commit(commit).as_bytes().to_vec();
    WriteBatch { commits: vec![commit], envelopes, ..Default::default() }
}

#[expect(clippy::too_many_lines, reason = "one row for each way to be refused")]
#[tokio::test(flavor = "multi_thread")]
async fn every_refused_write_has_its_code_and_leaves_nothing() {
    let server = Server::start().await;
    let (mut team, session) = server.team().await;
    let (org, owner) = (team.org(), team.owner.clone());
    team.write(PROD, &[(secret(1), 1)]);
    server.client.write(&org, &session, &team.take_batch()).await.is(200, "ok");
    let before = picture(&server, &team, &session).await;

    let epoch = |change: &dyn Fn(&mut WriteBatch)| {
        let mut team = team.clone();
        team.epoch(PROD, EpochReason::ReaderAdded);
        let mut batch = team.take_batch();
        change(&mut batch);
        batch
    };
    let commit = |change: &dyn Fn(&mut Commit)| second_commit(&mut team.clone(), change);
    let link = |body: &dyn Fn(&mut Team) -> Vec<u8>| {
        let links = vec![body(&mut team.clone())];
        WriteBatch { links, ..Default::default() }
    };
    let with = |mut batch: WriteBatch, change: &dyn Fn(&mut WriteBatch)| {
        change(&mut batch);
        batch
    };
    let revoke = || Body::EnvRevoke { env: PROD, principal: Person::new(9).who };
    let signed_by = |person: &Person, team: &mut Team| {
        let mut link = team.link(&owner, Body::SuiteRaise { suite: 1 }).statement;
        link.author = owner.who;
        person.sign_link(link).as_bytes().to_vec()
    };
    let issue = |change: &dyn Fn(&mut WriteBatch)| {
        let mut team = team.clone();
        team.issue(&Person::token(40), Rights::READ, &[7; 32], 0);
        let mut batch = team.take_batch();
        change(&mut batch);
        batch
    };

    for (what, batch, status, code) in [
        (
            "an old link",
            link(&|team| {
                let mut statement = team.link(&owner, revoke()).statement;
                statement.seq -= 1;
                owner.sign_link(statement).as_bytes().to_vec()
            }),
            409,
            "stale-link",
        ),
        (
            "a link on another head",
            link(&|team| {
                let mut statement = team.link(&owner, revoke()).statement;
                statement.prev = [9; 32];
                owner.sign_link(statement).as_bytes().to_vec()
            }),
            409,
            "stale-link",
        ),
        (
            "a link signed by another key",
            link(&|team| signed_by(&Person::new(8), team)),
            422,
            "link-bad-signature",
        ),
        (
            "a link of somebody else",
            link(&|team| team.link(&Person::new(8), revoke()).as_bytes().to_vec()),
            403,
            "not-the-author",
        ),
        (
            "a link from the future",
            link(&|team| {
                team.now += 12 * 60 * 1000;
                team.link(&owner, revoke()).as_bytes().to_vec()
            }),
            422,
            "clock-ahead",
        ),
        ("no link at all", link(&|_| vec![1, 2, 3]), 400, "malformed"),
        ("a missing wrap", epoch(&|b| b.wraps.clear()), 422, "wrong-wraps"),
        ("a wrap twice", epoch(&|b| b.wraps.push(b.wraps[0].clone())), 422, "wrong-wraps"),
        ("another wrap", epoch(&|b| b.wraps[0].wrap[79] ^= 1), 422, "wrong-wraps"),
        (
            "another recipient",
            epoch(&|b| b.wraps[0].recipient = Person::new(9).who),
            422,
            "wrong-wraps",
        ),
        ("a missing previous key", epoch(&|b| b.previous.clear()), 422, "wrong-wraps"),
        ("another previous key", epoch(&|b| b.previous[0].sealed.push(0)), 422, "wrong-wraps"),
        ("a token without a bearer", issue(&|b| b.tokens.clear()), 422, "wrong-tokens"),
        ("a bearer twice", issue(&|b| b.tokens.push(b.tokens[0])), 422, "wrong-tokens"),
        (
            "a bearer without a token",
            with(commit(&|_| {}), &|b| b.tokens = issue(&|_| {}).tokens),
            422,
            "wrong-tokens",
        ),
        ("an old commit", commit(&|c| c.seq -= 1), 409, "stale-commit"),
        ("a commit on another head", commit(&|c| c.prev = [9; 32]), 409, "stale-commit"),
        ("a wrong root", commit(&|c| c.state_root = [9; 32]), 422, "commit-state-root"),
        ("a wrong version", commit(&|c| c.changes[0].version = 2), 422, "commit-version"),
        ("a wrong epoch", commit(&|c| c.dek_epoch = 2), 422, "commit-wrong-epoch"),
        ("another chain", commit(&|c| c.org_head = [9; 32]), 422, "commit-org-head"),
        (
            "nothing to delete",
            commit(&|c| {
                c.changes[0].op = Op::Delete;
                c.changes[0].fields.clear();
            }),
            422,
            "commit-nothing-to-delete",
        ),
        (
            "an environment that is not there",
            commit(&|c| c.env.0 = [5; 16]),
            422,
            "commit-unknown-env",
        ),
        ("another organisation", commit(&|c| c.org.0 = [5; 32]), 422, "commit-wrong-env"),
        ("a commit from the future", commit(&|c| c.time_ms += 12 * 60 * 1000), 422, "clock-ahead"),
        (
            "somebody else's commit",
            commit(&|c| c.author = Person::new(8).who),
            403,
            "not-the-author",
        ),
        (
            "one envelope for two fields",
            commit(&|c| {
                c.changes[0].fields[1].envelope = c.changes[0].fields[0].envelope;
                let owner = team.history(PROD);
                c.state_root = owner.root_after(&c.changes);
            }),
            422,
            "shared-envelope",
        ),
        (
            "a missing envelope",
            with(commit(&|_| {}), &|b| {
                b.envelopes.pop();
            }),
            422,
            "missing-envelope",
        ),
        (
            "one envelope too many",
            with(commit(&|_| {}), &|b| b.envelopes.push(vec![1; 99])),
            422,
            "extra-envelope",
        ),
        (
            "an altered envelope",
            with(commit(&|_| {}), &|b| b.envelopes[0][0] ^= 1),
            422,
            "extra-envelope",
        ),
        (
            "a good link and a bad commit",
            with(commit(&|c| c.seq += 1), &|b| {
                b.links = vec![team.clone().link(&owner, revoke()).as_bytes().to_vec()];
            }),
            422,
            "link-unknown",
        ),
        (
            "a good epoch and a bad commit",
            with(epoch(&|_| {}), &|b| {
                b.commits = second_commit(&mut team.clone(), |c| c.seq += 1).commits;
            }),
            409,
            "stale-commit",
        ),
        (
            "a good epoch and a gap in the acts",
            with(epoch(&|_| {}), &|b| {
                let first = owner.act(&team, None);
                b.acts = vec![owner.act(&team, Some(&first.act))];
            }),
            422,
            "act-gap",
        ),
        (
            "a good commit and somebody else's act",
            with(commit(&|_| {}), &|b| {
                b.acts = vec![Person::new(8).act(&team, None)];
            }),
            422,
            "act-author",
        ),
        (
            "a good commit and an act with another signature",
            with(commit(&|_| {}), &|b| {
                let mut act = owner.act(&team, None);
                act.signature[5] ^= 1;
                b.acts = vec![act];
            }),
            422,
            "act-signature",
        ),
    ] {
        let answer = server.client.write(&org, &session, &batch).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{what}");
    }
    let mut after = picture(&server, &team, &session).await;
    assert_eq!(before, after);
    // What is stored is the same too, not only what is in memory.
    let server = server.restart().await;
    let session = server.client.sign_in(&owner).await;
    after = picture(&server, &team, &session).await;
    assert_eq!(before, after);

    let honest = second_commit(&mut team, |_| {});
    server.client.write(&org, &session, &honest).await.is(200, "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_sent_again_has_no_second_effect() {
    let server = Server::start().await;
    let (mut team, session) = server.team().await;
    let org = team.org();
    team.epoch(PROD, EpochReason::ReaderAdded);
    team.write(PROD, &[(secret(1), 1)]);
    team.batch.acts = vec![team.owner.act(&team, None)];
    let batch = team.take_batch();
    server.client.write(&org, &session, &batch).await.is(200, "ok");
    let before = picture(&server, &team, &session).await;
    for _ in 0..3 {
        server.client.write(&org, &session, &batch).await.is(409, "stale-link");
        let commits =
            WriteBatch { links: vec![], wraps: vec![], previous: vec![], ..batch.clone() };
        server.client.write(&org, &session, &commits).await.is(409, "stale-commit");
        let acts = ActPage { acts: batch.acts.clone() };
        let events = format!("/v1/orgs/{org}/events");
        server.client.post(&events, &session, &acts).await.is(422, "act-gap");
        server
            .client
            .post_json("/v1/accounts", &server.client.account(&team.owner))
            .await
            .is(409, "account-exists");
    }
    assert_eq!(before, picture(&server, &team, &session).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_can_be_fetched_as_it_was_sent() {
    let server = Server::start().await;
    let (mut team, session) = server.team().await;
    let org = team.org();
    for n in 1..=3 {
        team.write(PROD, &[(secret(n), 1), (secret(n + 10), 1)]);
    }
    let batch = team.take_batch();
    let answer: WriteAnswer = server.client.write(&org, &session, &batch).await.json();
    assert_eq!(answer.link, team.state.seq());
    for server in [server.restart().await] {
        let session = server.client.sign_in(&team.owner).await;
        let path = format!("/v1/orgs/{org}/envs/{PROD}/commits?from=1&envelopes=true");
        let page: CommitPage = server.client.get(&path, &session).await.page();
        let commits: Vec<_> = page.commits.iter().map(|c| c.commit.clone()).collect();
        let envelopes: Vec<_> = page.commits.iter().flat_map(|c| c.envelopes.clone()).collect();
        assert_eq!((commits, envelopes), (batch.commits.clone(), batch.envelopes.clone()));
        let path = format!("/v1/orgs/{org}/envs/{PROD}/items");
        let page: ItemPage = server.client.get(&path, &session).await.page();
        assert_eq!((page.head, page.items.len(), page.more), (batch.commits[2].clone(), 6, false));
        let path = format!("{path}?after={}", page.items[3].secret);
        let rest: ItemPage = server.client.get(&path, &session).await.page();
        assert_eq!(rest.items, page.items[4..]);
        let sync: SyncAnswer =
            server.client.get(&format!("/v1/orgs/{org}/sync?from=0"), &session).await.json();
        assert_eq!(sync.wraps.len(), 2, "the directory's and the environment's");
        let (seq, head) = team.head(PROD);
        assert_eq!((sync.envs[0].seq, &sync.envs[0].head), (seq, &B64(head.to_vec())));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn staged_envelopes_wait_for_an_hour_and_for_their_owner_only() {
    let server = Server::start().await;
    let (mut team, session) = server.team().await;
    let (org, other) = (team.org(), Person::new(2));
    team.admit(&other, Role::Member);
    team.grant(PROD, &other, Rights::READ.with(Rights::WRITE));
    server.client.write(&org, &session, &team.take_batch()).await.is(200, "ok");
    let other_session = server.client.join(&other).await;
    let stage = format!("/v1/orgs/{org}/envelopes");

    let mut batch = second_commit(&mut team.clone(), |_| {});
    let page = EnvelopePage { envelopes: std::mem::take(&mut batch.envelopes) };
    // The other one's bytes do not become the owner's.
    server.client.post(&stage, &other_session, &page).await.is(200, "ok");
    server.client.write(&org, &session, &batch).await.is(422, "missing-envelope");
    server.clock.advance(60 * 60 * 1000 + 1);
    server.clock.advance(60_000);
    let session = server.client.sign_in(&team.owner).await;
    let receipt: StageAnswer = server.client.post(&stage, &session, &page).await.json();
    assert_eq!(receipt.count, 2);
    server.clock.advance(59 * 60 * 1000);
    let session = server.client.sign_in(&team.owner).await;
    let late = batch.clone();
    server.clock.advance(2 * 60 * 1000);
    server.client.get("/v1/orgs", &session).await.is(200, "ok");
    server.client.write(&org, &session, &late).await.is(422, "missing-envelope");
    server.client.post(&stage, &session, &page).await.is(200, "ok");
    server.client.write(&org, &session, &batch).await.is(200, "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_cuts_where_the_environment_stands_and_ends_every_right_at_once() {
    let server = Server::start().await;
    let (mut team, session) = server.team().await;
    let (org, other) = (team.org(), Person::new(2));
    team.admit(&other, Role::Member);
    team.grant(PROD, &other, Rights::READ.with(Rights::WRITE));
    team.epoch(PROD, EpochReason::ReaderAdded);
    server.client.write(&org, &session, &team.take_batch()).await.is(200, "ok");
    let other_session = server.client.join(&other).await;

    let mut too_early = team.clone();
    too_early.remove(&other);
    team.write_as(&other, PROD, &[(secret(1), 1)]);
    server.client.write(&org, &other_session, &team.take_batch()).await.is(200, "ok");
    let early = too_early.take_batch();
    server.client.write(&org, &session, &early).await.is(409, "stale-cut");
    // The same from storage: a cut in front of what is stored says nothing against the storage.
    let server = server.restart().await;
    let (session, other_session) =
        (server.client.sign_in(&team.owner).await, server.client.sign_in(&other).await);
    server.client.write(&org, &session, &early).await.is(409, "stale-cut");

    team.remove(&other);
    server.client.write(&org, &session, &team.take_batch()).await.is(200, "ok");
    for path in ["sync?from=0", "audit/events?from=0"] {
        let path = format!("/v1/orgs/{org}/{path}");
        server.client.get(&path, &other_session).await.is(404, "not-found");
    }
    let honest = second_commit(&mut team.clone(), |_| {});
    server.client.write(&org, &session, &honest).await.is(422, "commit-due");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_data_key_cuts_where_the_environment_stands() {
    let server = Server::start().await;
    let (mut team, session) = server.team().await;
    let org = team.org();
    let mut too_early = team.clone();
    too_early.epoch(PROD, EpochReason::ReaderAdded);
    let early = too_early.take_batch();
    team.write(PROD, &[(secret(1), 1)]);
    server.client.write(&org, &session, &team.take_batch()).await.is(200, "ok");
    server.client.write(&org, &session, &early).await.is(409, "stale-cut");
    let server = server.restart().await;
    let session = server.client.sign_in(&team.owner).await;
    server.client.write(&org, &session, &early).await.is(409, "stale-cut");
    // The links of a batch come before its commits, so they name none of them.
    let mut ahead = team.clone();
    ahead.write(PROD, &[(secret(2), 1)]);
    ahead.epoch(PROD, EpochReason::ReaderAdded);
    server.client.write(&org, &session, &ahead.take_batch()).await.is(409, "stale-cut");
    team.epoch(PROD, EpochReason::ReaderAdded);
    team.write(PROD, &[(secret(2), 1)]);
    server.client.write(&org, &session, &team.take_batch()).await.is(200, "ok");
}
