//! Acts that clients sign: which are taken, and what their sender learns.

use strongroom_chain::tree::leaf_hash;
use strongroom_format::encoding::Codec as _;
use strongroom_format::event::{Act, Event, EventKind, SignedAct};
use strongroom_format::hash::ZERO;
use strongroom_format::id::DeviceId;
use strongroom_format::statement::{Body, Role, key_change_message};
use strongroom_format::wire::{ActPage, Receipt, act_hash};

use crate::ledger::{Copy, acts, open};
use crate::server::Server;
use crate::team::{Person, Team, filler};

/// The first act of the owner on a device of its own, changed before it is signed.
fn signed(team: &Team, device: u8, change: impl FnOnce(&mut Act)) -> SignedAct {
    let mut act = team.owner.act(team, None).act;
    act.device = DeviceId([device; 16]);
    change(&mut act);
    let signature = team.owner.sign(&act.message());
    SignedAct { act, signature }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_its_receipt_a_client_makes_the_very_entries_of_its_acts() {
    let server = Server::start().await;
    let (mut team, session) = server.team().await;
    let (org, client) = (team.org(), &server.client);
    let vkey = client.audit_vkey().await;
    let bob = Person::new(2);
    team.admit(&bob, Role::Member);
    client.write(&org, &session, &team.take_batch()).await.is(200, "ok");
    let bobs = client.join(&bob).await;
    let path = format!("/v1/orgs/{org}/events");
    let all = acts(&team, None, 12);
    let mut receipts: Vec<(Receipt, &[SignedAct])> = Vec::new();
    for page in all.chunks(4) {
        let body = ActPage { acts: page.to_vec() };
        // Others write at the same time.
        let sync = format!("/v1/orgs/{org}/sync?from=0");
        let (receipt, _) =
            tokio::join!(client.post(&path, &session, &body), client.get(&sync, &bobs));
        receipts.push((receipt.json(), page));
        server.clock.advance(7);
    }
    let copy = Copy::read(client, &org, &session).await;
    for (receipt, acts) in receipts {
        assert_eq!(receipt.count, 4);
        assert_ne!(receipt.peer, "");
        let checkpoint = open(&receipt.checkpoint, &org, &vkey);
        assert!(receipt.first + receipt.count <= checkpoint.size);
        assert_eq!(copy.roots[&checkpoint.size], checkpoint.root);
        for (at, signed) in (receipt.first..).zip(acts) {
            let event = Event {
                act: signed.act.clone(),
                signature: signed.signature,
                server_time_ms: receipt.time_ms,
                peer: receipt.peer.clone(),
            };
            let stored = &copy.events[usize::try_from(at).unwrap()];
            assert_eq!(leaf_hash(&event.encode()), leaf_hash(stored));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_act_names_a_link_of_this_chain_and_is_of_a_kind_that_clients_sign() {
    let server = Server::start().await;
    let (mut team, session) = server.team().await;
    let (org, client) = (team.org(), &server.client);
    let path = format!("/v1/orgs/{org}/events");
    let before = Copy::read(client, &org, &session).await.size();
    let heads: Vec<_> = (0..=team.state.seq()).map(|n| team.state.head_at(n).unwrap()).collect();
    let mut refused = vec![
        (signed(&team, 9, |act| act.org_head = ZERO), "act-head"),
        (signed(&team, 9, |act| act.org_head = [9; 32]), "act-head"),
    ];
    let kinds: Vec<_> = EventKind::ALL.iter().filter(|kind| kind.byte() >= 0x80).collect();
    assert!(kinds.len() > 15);
    for kind in kinds {
        refused.push((signed(&team, 9, |act| act.kind = *kind), "act-author"));
    }
    let count = refused.len() as u64;
    for (act, code) in refused {
        let page = ActPage { acts: vec![act.clone()] };
        client.post(&path, &session, &page).await.is(422, code);
        // Nothing of a page is taken if one of its acts is not.
        let good = signed(&team, 8, |_| {});
        let page = ActPage { acts: vec![good, act] };
        client.post(&path, &session, &page).await.is(422, code);
    }
    let after = Copy::read(client, &org, &session).await;
    assert_eq!(after.size(), before + 2 * count + 1);
    let clients = after.events.iter().map(|event| Event::decode(event).unwrap().act.kind);
    assert_eq!(clients.filter(|kind| kind.is_signed()).count(), 0);

    // An act may be older than the newest link, and one page may come from several places.
    let first = signed(&team, 1, |act| act.org_head = heads[0]);
    let second = signed(&team, 1, |act| {
        act.actor_seq = 2;
        act.actor_prev = act_hash(&first.act);
    });
    let page = ActPage { acts: vec![first, second] };
    client.post(&path, &session, &page).await.is(200, "ok");
    // In a write it may name a link of the same batch.
    team.say(filler(5, &team.owner));
    team.batch.acts = vec![signed(&team, 2, |_| {})];
    client.write(&org, &session, &team.take_batch()).await.is(200, "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_act_is_signed_by_the_key_in_force_at_the_link_that_it_names() {
    let server = Server::start().await;
    let (mut team, session) = server.team().await;
    let (org, client) = (team.org(), &server.client);
    let path = format!("/v1/orgs/{org}/events");
    let old = team.clone();
    let new = crate::joins::with_other_keys(&team.owner, 70);
    let by_new = new.sign(&key_change_message(&org, &new.user(), &new.keys()));
    team.say(Body::KeyRotate { keys: new.keys(), by_new });
    client.write(&org, &session, &team.take_batch()).await.is(200, "ok");
    team.owner = new;
    let send = async |act: SignedAct| {
        client.post(&path, &session, &ActPage { acts: vec![act] }).await.code()
    };
    // What waited on a device when the keys changed is what it was; the old key ends with its time.
    let (head, now) = (old.state.head(), team.state.head());
    assert_eq!(send(signed(&old, 1, |act| act.org_head = head)).await, "ok");
    assert_eq!(send(signed(&old, 2, |act| act.org_head = now)).await, "act-signature");
    assert_eq!(send(signed(&team, 3, |act| act.org_head = head)).await, "act-signature");
    assert_eq!(send(signed(&team, 4, |act| act.org_head = now)).await, "ok");
}
