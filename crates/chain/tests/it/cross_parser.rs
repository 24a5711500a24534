//! Protocol confusion (attack C09): every kind of object at every parser, and every kind of signature
//! at every check. Only the diagonal is accepted.

use strongroom_chain::signature::verifies;
use strongroom_format::commit::{Field, Op, SignedCommit};
use strongroom_format::encoding::Codec as _;
use strongroom_format::event::{Act, Detail, Event, EventKind, SignedAct};
use strongroom_format::hash::{ZERO, label};
use strongroom_format::id::{DeviceId, InviteId, OrgId, TokenId};
use strongroom_format::note::Checkpoint;
use strongroom_format::pins::{AuditPin, Pins};
use strongroom_format::statement::{Link, key_change_message, pop_message};
use strongroom_format::wire::{
    ActPage, B64, CommitPage, CommitRecord, EnvelopePage, FieldEnvelope, InviteUpload, ItemPage,
    ItemRecord, Keyset, PreviousUpload, TokenUpload, WrapUpload, WriteBatch, account_message,
    challenge_message,
};

use crate::world::{PROD, Signer, World, put, secret, writer};

const ORG: OrgId = OrgId([7; 32]);

pub(crate) fn sample_act(world: &World, kind: EventKind) -> Act {
    Act {
        org: world.org.org(),
        kind,
        actor: Some(writer().who),
        device: DeviceId([0xde; 16]),
        actor_seq: 3,
        actor_prev: [0x11; 32],
        org_head: world.org.head(),
        detail: Detail { env: PROD, secret: secret(1), version: 2, number: 0, status: 0 },
        agency: None,
    }
}

fn signed(act: Act) -> SignedAct {
    let signature = writer().sign(&act.message());
    SignedAct { act, signature }
}

pub(crate) fn sample_pins(world: &World) -> Pins {
    Pins {
        org: world.org.org(),
        generation: 4,
        org_seq: world.org.seq(),
        org_head: world.org.head(),
        newest_ms: world.now,
        suite: 1,
        audit: AuditPin { reset: 0, size: 9, root: [0x22; 32] },
        envs: vec![world.history(PROD).pin()],
    }
}

/// One of each object, and whether each parser takes some bytes for its own object.
type Parser = fn(&[u8]) -> bool;

fn objects() -> Vec<(&'static str, Vec<u8>, Parser)> {
    let mut world = World::team();
    world.write(&writer(), PROD, vec![put(secret(1), 1, 1)]).unwrap();
    let link = world.links[5].as_bytes().to_vec();
    let commit = world.commits[&PROD][0].as_bytes().to_vec();
    let act = signed(sample_act(&world, EventKind::Copied));
    let event = Event {
        act: act.act.clone(),
        signature: act.signature,
        server_time_ms: world.now,
        peer: "192.0.2.1:4178".to_owned(),
    };
    let checkpoint = Checkpoint { org: ORG, reset: 0, size: 9, root: [0x22; 32] };
    let envelope = vec![1; 137];
    let field = FieldEnvelope { field: Field::Name, envelope: envelope.clone() };
    let item =
        ItemRecord { secret: secret(1), version: 1, op: Op::Put, epoch: 2, fields: vec![field] };
    let wrap = WrapUpload { env: PROD, epoch: 2, recipient: writer().who, wrap: [3; 80] };
    let previous = PreviousUpload { env: PROD, epoch: 1, sealed: envelope.clone() };
    let token = TokenUpload { token: TokenId([9; 16]), bearer_hash: [4; 32] };
    let invite = InviteUpload { invite: InviteId([8; 16]), bearer_hash: [5; 32] };
    let batch = WriteBatch {
        links: vec![link.clone()],
        wraps: vec![wrap.clone()],
        previous: vec![previous.clone()],
        commits: vec![commit.clone()],
        envelopes: vec![envelope.clone()],
        acts: vec![act.clone()],
        tokens: vec![token],
        invites: vec![invite],
    };
    let record = CommitRecord { commit: commit.clone(), envelopes: vec![envelope.clone()] };
    let pages = CommitPage { commits: vec![record], more: false };
    let items = ItemPage { head: commit.clone(), items: vec![item], more: false };
    vec![
        ("link", link, |b| Link::parse(b).is_ok()),
        ("commit", commit, |b| SignedCommit::parse(b).is_ok()),
        ("signed act", act.encode(), |b| SignedAct::decode(b).is_ok()),
        ("event", event.encode(), |b| Event::decode(b).is_ok()),
        ("pins", sample_pins(&world).encode(), |b| Pins::decode(b).is_ok()),
        ("wrap", wrap.encode(), |b| WrapUpload::decode(b).is_ok()),
        ("previous key", previous.encode(), |b| PreviousUpload::decode(b).is_ok()),
        ("token upload", token.encode(), |b| TokenUpload::decode(b).is_ok()),
        ("write batch", batch.encode(), |b| WriteBatch::decode(b).is_ok()),
        ("envelope page", EnvelopePage { envelopes: vec![envelope] }.encode(), |b| {
            EnvelopePage::decode(b).is_ok()
        }),
        ("act page", ActPage { acts: vec![act] }.encode(), |b| ActPage::decode(b).is_ok()),
        ("item page", items.encode(), |b| ItemPage::decode(b).is_ok()),
        ("commit page", pages.encode(), |b| CommitPage::decode(b).is_ok()),
        ("checkpoint", checkpoint.note(&[1; 32], &[2; 64]).into_bytes(), |b| {
            str::from_utf8(b).is_ok_and(|note| Checkpoint::parse(note, &ORG, 0, &[1; 32]).is_ok())
        }),
    ]
}

#[test]
fn every_parser_takes_its_own_object_and_no_other() {
    let objects = objects();
    for (object, bytes, _) in &objects {
        for (parser, _, parse) in &objects {
            assert_eq!(parse(bytes), object == parser, "a {object} at the parser of a {parser}");
        }
    }
}

/// Every kind of message that an identity key (or the server's audit key) ever signs.
fn messages() -> Vec<(&'static str, Vec<u8>)> {
    let mut world = World::team();
    world.write(&writer(), PROD, vec![put(secret(1), 1, 1)]).unwrap();
    let labelled = |kind: &str, bytes: &[u8]| [label(kind), bytes.to_vec()].concat();
    let keys = writer().keys();
    let org = world.org.org();
    let keyset = Keyset {
        epoch: 1,
        profile: 1,
        salt: B64(vec![1; 16]),
        login_pub: B64(vec![2; 32]),
        isk: B64(keys.isk.to_vec()),
        iek: B64(keys.iek.to_vec()),
        blob: B64(vec![3; 200]),
    };
    let origin = "http://127.0.0.1:4178";
    let user = writer().user();
    vec![
        ("statement", labelled("stmt", world.links[5].signed_bytes())),
        ("commit", labelled("commit", world.commits[&PROD][0].signed_bytes())),
        ("event", sample_act(&world, EventKind::Copied).message()),
        ("joining", pop_message(&org, &InviteId([1; 16]), &user, &keys)),
        ("key change", key_change_message(&org, &user, &keys)),
        ("account", account_message(origin, &user, &keyset)),
        ("sign-in", challenge_message(origin, &user, &[5; 32], 6)),
        ("checkpoint", Checkpoint { org, reset: 0, size: 1, root: ZERO }.text().into_bytes()),
    ]
}

#[test]
fn a_signature_of_one_kind_is_worth_nothing_as_another() {
    let signer: Signer = writer();
    let key = signer.keys().isk;
    let messages = messages();
    for (kind, message) in &messages {
        let signature = signer.sign(message);
        for (other, message) in &messages {
            assert_eq!(verifies(&key, message, &signature), kind == other, "{kind} as {other}");
        }
    }
}

#[test]
fn no_signed_message_begins_like_one_of_another_kind() {
    let kind_of = |message: &[u8]| {
        let end = message.iter().position(|b| *b == 0 || *b == b'\n').unwrap();
        message[..=end].to_vec()
    };
    let mut kinds: Vec<Vec<u8>> = messages().iter().map(|(_, m)| kind_of(m)).collect();
    let all = kinds.len();
    kinds.sort();
    kinds.dedup();
    // Joining and changing keys are one construct, told apart by the invite inside it.
    assert_eq!(kinds.len(), all - 1);
    for (i, a) in kinds.iter().enumerate() {
        for (j, b) in kinds.iter().enumerate() {
            assert!(i == j || !b.starts_with(a));
        }
    }
}
