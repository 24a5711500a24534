//! Ids inside of bodies: each is looked at like those in paths (rows H15, H29). What belongs to one
//! organisation, environment or person is put into a sound request for another.

use strongroom_format::id::{EnvId, OrgId, TokenId, UserId};
use strongroom_format::statement::{Body, EnvKind, EpochReason, Rights};
use strongroom_format::wire::{
    ActPage, B64, EnvelopePage, ReplaceKeyset, WriteBatch, account_message,
};

use crate::server::{Client, Server};
use crate::team::{PROD, Person, Team, secret};
use crate::writes::picture;

const OTHER: EnvId = EnvId([0xe2; 16]);

type Change<'a> = &'a dyn Fn(&mut WriteBatch);

/// One person's two organisations, alike but for their ids, and the session.
async fn two_teams(server: &Server) -> (Team, Team, String) {
    let (mut one, session) = server.team().await;
    let vkey = server.client.audit_vkey().await;
    let mut two = Team::found_at(Person::new(1), vkey, crate::team::START + 7);
    server.client.post("/v1/orgs", &session, &two.take_batch()).await.is(201, "ok");
    for team in [&mut one, &mut two] {
        team.create(OTHER, EnvKind::App, [0xa1; 16]);
        team.write(PROD, &[(secret(1), 1)]);
        team.write(OTHER, &[(secret(1), 1)]);
        let batch = team.take_batch();
        server.client.write(&team.org(), &session, &batch).await.is(200, "ok");
    }
    (one, two, session)
}

/// A batch of everything that a batch may hold.
fn full(team: &Team) -> WriteBatch {
    let mut team = team.clone();
    let token = Person::token(40);
    team.issue(&token, Rights::READ, &[7; 32], 0);
    team.invite(50, strongroom_format::statement::Role::Member, team.now + 1_000_000);
    team.epoch(PROD, EpochReason::ReaderAdded);
    team.write(PROD, &[(secret(1), 2), (secret(2), 1)]);
    team.batch.acts = vec![team.owner.act(&team, None)];
    team.take_batch()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_part_of_a_batch_belongs_to_its_own_organisation() {
    let server = Server::start().await;
    let (one, two, session) = two_teams(&server).await;
    let (client, org) = (&server.client, one.org());
    let before = picture(&server, &one, &session).await;
    let (own, foreign) = (full(&one), full(&two));
    let changes: [(&str, Change<'_>); 16] = [
        ("all of it", &|b| *b = foreign.clone()),
        ("its links", &|b| b.links.clone_from(&foreign.links)),
        ("its last link", &|b| *b.links.last_mut().unwrap() = foreign.links[2].clone()),
        ("a link more", &|b| b.links.push(foreign.links[0].clone())),
        ("its commits", &|b| b.commits.clone_from(&foreign.commits)),
        ("a commit more", &|b| b.commits.push(foreign.commits[0].clone())),
        ("its acts", &|b| b.acts.clone_from(&foreign.acts)),
        ("an act more", &|b| b.acts.push(foreign.acts[0].clone())),
        ("the environment of its wraps", &|b| b.wraps[0].env = OTHER),
        ("the recipient of its wraps", &|b| b.wraps[0].recipient = Person::new(9).who),
        ("the epoch of its wraps", &|b| b.wraps[0].epoch += 1),
        ("the environment of its previous key", &|b| b.previous[0].env = OTHER),
        ("the epoch of its previous key", &|b| b.previous[0].epoch += 1),
        ("its token", &|b| b.tokens[0].token = TokenId([41; 16])),
        ("its invitation", &|b| b.invites[0].invite = strongroom_format::id::InviteId([51; 16])),
        ("its envelopes", &|b| b.envelopes[0].push(1)),
    ];
    for (what, change) in changes {
        let mut batch = own.clone();
        change(&mut batch);
        let answer = client.write(&org, &session, &batch).await;
        assert!((400..500).contains(&answer.status), "{what}: {}", answer.code());
        assert_eq!(before, picture(&server, &one, &session).await, "{what}");
    }
    client.write(&org, &session, &own).await.is(200, "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_list_is_empty_doubled_or_short_without_being_refused() {
    let server = Server::start().await;
    let (one, _, session) = two_teams(&server).await;
    let (client, org) = (&server.client, one.org());
    let before = picture(&server, &one, &session).await;
    let own = full(&one);
    macro_rules! lists {
        ($($name:ident),*) => {[$(
            (concat!(stringify!($name), " empty"), {
                let mut batch = own.clone();
                batch.$name.clear();
                batch
            }),
            (concat!(stringify!($name), " short"), {
                let mut batch = own.clone();
                batch.$name.pop();
                batch
            }),
            (concat!(stringify!($name), " doubled"), {
                let mut batch = own.clone();
                let again = batch.$name.last().unwrap().clone();
                batch.$name.push(again);
                batch
            }),
        )*]};
    }
    // Nobody has to report an act, and the same bytes under the same hash are one.
    let sound = ["acts empty", "acts short", "envelopes doubled"];
    let lists = lists!(links, wraps, previous, commits, envelopes, acts, tokens, invites);
    for (what, batch) in lists.into_iter().filter(|(what, _)| !sound.contains(what)) {
        let answer = client.write(&org, &session, &batch).await;
        assert!((400..500).contains(&answer.status), "{what}: {}", answer.code());
        assert_eq!(before, picture(&server, &one, &session).await, "{what}");
    }
    let mut batch = own.clone();
    batch.envelopes.push(own.envelopes[0].clone());
    client.write(&org, &session, &batch).await.is(200, "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_names_its_own_author_organisation_and_environment() {
    let server = Server::start().await;
    let (one, two, session) = two_teams(&server).await;
    let (client, org) = (&server.client, one.org());
    let events = format!("/v1/orgs/{org}/events");
    let bob = Person::new(2);
    for acts in [
        vec![one.owner.act(&two, None)],
        vec![bob.act(&one, None)],
        vec![one.owner.act(&one, None), one.owner.act(&two, None)],
        vec![one.owner.act(&one, None), one.owner.act(&one, None)],
    ] {
        let answer = client.post(&events, &session, &ActPage { acts }).await;
        assert!(["act-author", "act-gap"].contains(&answer.code().as_str()), "{}", answer.code());
    }
    client.post(&events, &session, &ActPage::default()).await.is(422, "empty");
    let envelopes = format!("/v1/orgs/{org}/envelopes");
    client.post(&envelopes, &session, &EnvelopePage::default()).await.is(422, "empty");

    // What was staged in one organisation is not there in the other.
    let mut next = two.clone();
    next.write(PROD, &[(secret(2), 1)]);
    let mut batch = next.take_batch();
    let page = EnvelopePage { envelopes: std::mem::take(&mut batch.envelopes) };
    client.post(&envelopes, &session, &page).await.is(200, "ok");
    client.write(&two.org(), &session, &batch).await.is(422, "missing-envelope");
    // A commit of an environment that only the other has.
    let mut next = two.clone();
    let third = EnvId([0xe3; 16]);
    next.create(third, EnvKind::App, [0xa1; 16]);
    next.write(third, &[(secret(1), 1)]);
    let batch = next.take_batch();
    let commits =
        WriteBatch { commits: batch.commits, envelopes: batch.envelopes, ..WriteBatch::default() };
    let answer = client.write(&org, &session, &commits).await;
    assert!((400..500).contains(&answer.status), "{}", answer.code());
}

pub(crate) fn replacement(
    client: &Client,
    old: &Person,
    new: &Person,
    user: UserId,
    epoch: u32,
) -> ReplaceKeyset {
    let mut keyset = client.account(new).keyset;
    keyset.epoch = epoch;
    let message = account_message(&client.origin, &user, &keyset);
    ReplaceKeyset {
        keyset,
        login_sig: B64(new.sign_by_login(&message).to_vec()),
        identity_sig: B64(new.sign(&message).to_vec()),
        by_current: B64(old.sign(&message).to_vec()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keyset_is_replaced_by_its_owner_in_order_and_with_both_keys() {
    let server = Server::start().await;
    let (mut team, session) = server.team().await;
    let (client, owner) = (&server.client, team.owner.clone());
    let path = "/v1/account/keyset";
    let user = owner.user();
    let post = async |request: &ReplaceKeyset| client.post_json_as(path, &session, request).await;
    let with = |change: &dyn Fn(&mut ReplaceKeyset)| {
        let mut request = replacement(client, &owner, &owner, user, 2);
        change(&mut request);
        request
    };
    let bob = Person::new(2);
    client.join(&bob).await;
    post(&with(&|r| r.by_current = B64(vec![1; 64]))).await.is(403, "bad-signature");
    post(&with(&|r| r.login_sig = r.identity_sig.clone())).await.is(403, "bad-signature");
    post(&with(&|r| r.keyset.blob = B64(vec![9; 201]))).await.is(403, "bad-signature");
    post(&replacement(client, &bob, &owner, user, 2)).await.is(403, "bad-signature");
    post(&replacement(client, &owner, &owner, bob.user(), 2)).await.is(403, "bad-signature");
    for epoch in [1, 3, u32::MAX] {
        post(&replacement(client, &owner, &owner, user, epoch)).await.is(409, "stale-keyset");
    }
    // Keys that the organisation does not name.
    let new = crate::joins::with_other_keys(&owner, 70);
    post(&replacement(client, &owner, &new, user, 2)).await.is(409, "other-keys");
    // A new passphrase, then again: the same request has no second effect.
    let again = with(&|_| {});
    post(&again).await.is(200, "ok");
    post(&again).await.is(409, "stale-keyset");

    // New keys: first the chain, then the keyset; the old ones are refused from then on.
    let by_new = new.sign(&strongroom_format::statement::key_change_message(
        &team.org(),
        &user,
        &new.keys(),
    ));
    team.say(Body::KeyRotate { keys: new.keys(), by_new });
    client.write(&team.org(), &session, &team.take_batch()).await.is(200, "ok");
    post(&replacement(client, &owner, &owner, user, 3)).await.is(409, "other-keys");
    post(&replacement(client, &owner, &new, user, 3)).await.is(200, "ok");
    let old = client.challenge(&owner).await;
    let answer = client.response(&owner, &old);
    client.post_json("/v1/session", &answer).await.is(403, "sign-in-refused");
    let session = client.sign_in(&new).await;
    let log = client.log(&team.org(), &session).await;
    let kind = strongroom_format::event::EventKind::KeysetReplaced;
    assert_eq!(log.iter().filter(|event| event.act.kind == kind).count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_in_two_organisations_has_one_pair_of_keys() {
    let server = Server::start().await;
    let (mut one, mut two, session) = two_teams(&server).await;
    let (client, owner) = (&server.client, one.owner.clone());
    let new = crate::joins::with_other_keys(&owner, 70);
    let request = replacement(client, &owner, &new, owner.user(), 2);
    let path = "/v1/account/keyset";
    for team in [&mut one, &mut two] {
        // Only when every one of them names the new keys.
        client.post_json_as(path, &session, &request).await.is(409, "other-keys");
        let message = strongroom_format::statement::key_change_message(
            &team.org(),
            &owner.user(),
            &new.keys(),
        );
        team.say(Body::KeyRotate { keys: new.keys(), by_new: new.sign(&message) });
        client.write(&team.org(), &session, &team.take_batch()).await.is(200, "ok");
    }
    client.post_json_as(path, &session, &request).await.is(200, "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_never_has_more_environments_than_clients_take() {
    let server = Server::start().await;
    let (mut team, session) = server.team().await;
    let org: OrgId = team.org();
    let create = |team: &mut Team, n: u16| {
        let mut env = [0xc0; 16];
        env[..2].copy_from_slice(&n.to_be_bytes());
        let (parent, owner) = (EnvId::ZERO, UserId::ZERO);
        let (env, kind, place) = (EnvId(env), EnvKind::App, [0xa1; 16]);
        team.say(Body::EnvCreate { env, kind, place, parent, expires: 0, owner });
    };
    for page in 0..2 {
        for n in 0..499 {
            create(&mut team, page * 499 + n);
        }
        server.client.write(&org, &session, &team.take_batch()).await.is(200, "ok");
    }
    assert_eq!(team.state.envs().len(), 1_000);
    create(&mut team, 1_000);
    server.client.write(&org, &session, &team.take_batch()).await.is(422, "too-many-envs");
}
