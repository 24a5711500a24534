//! A server that was restored from a backup: its log lost entries that clients saw, and goes on in
//! the open, under another name, after an owner's word (row I09).

use std::fs;
use std::path::Path;

use strongroom_chain::tree::{leaf_hash, verify_consistency, verify_inclusion};
use strongroom_format::hash::Digest;
use strongroom_format::id::OrgId;
use strongroom_format::note::Checkpoint;
use strongroom_format::statement::Body;
use strongroom_format::wire::{ConsistencyAnswer, InclusionAnswer, SyncAnswer, WriteAnswer};

use crate::ledger::{Copy, digests, open, open_after};
use crate::server::{Client, Server};
use crate::team::{PROD, Team, secret};

fn copy_all(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(to, fs::Permissions::from_mode(0o700)).unwrap();
    }
}

async fn sync(client: &Client, org: &OrgId, session: &str) -> SyncAnswer {
    client.get(&format!("/v1/orgs/{org}/sync?from=0"), session).await.json()
}

/// The size that a note states, whatever log it is of.
fn size_of(note: &str) -> u64 {
    note.lines().nth(1).unwrap().parse().unwrap()
}

async fn proof(client: &Client, org: &OrgId, session: &str, old: u64, new: u64) -> Vec<Digest> {
    let path = format!("/v1/orgs/{org}/audit/proof?old={old}&new={new}");
    let answer: ConsistencyAnswer = client.get(&path, session).await.json();
    digests(&answer.proof)
}

/// A team whose server was restored after clients had seen `seen`.
struct Restored {
    server: Server,
    team: Team,
    session: String,
    seen: Checkpoint,
    before: Copy,
}

/// Backs up, goes on with reads, and restores; `change` does something to the restored files.
async fn restored(change: impl FnOnce(&Path)) -> Restored {
    let server = Server::start().await;
    let (mut team, session) = server.team().await;
    let org = team.org();
    let vkey = server.client.audit_vkey().await;
    team.write(PROD, &[(secret(1), 1)]);
    server.client.write(&org, &session, &team.take_batch()).await.is(200, "ok");
    let before = Copy::read(&server.client, &org, &session).await;
    let backup = tempfile::tempdir().unwrap();
    let kept = backup.path().join("data");
    let server = server.restart_on(|data| copy_all(data, &kept)).await;
    let session = server.client.sign_in(&team.owner).await;
    let mut note = String::new();
    for _ in 0..20 {
        note = sync(&server.client, &org, &session).await.checkpoint;
    }
    let seen = open(&note, &org, &vkey);
    let server = server
        .restart_on(|data| {
            copy_all(&kept, data);
            change(data);
        })
        .await;
    let session = server.client.sign_in(&team.owner).await;
    Restored { server, team, session, seen, before }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_log_goes_on_under_another_name_after_an_owners_word() {
    let Restored { server, mut team, session, seen, before } = restored(|_| {}).await;
    let (org, client) = (team.org(), &server.client);
    let audit_vkey = client.audit_vkey().await;
    // Shorter than what was seen; then as long, and another one.
    let short = open(&sync(client, &org, &session).await.checkpoint, &org, &audit_vkey);
    assert!(short.size < seen.size);
    let mut other = short;
    while other.size <= seen.size {
        other = open(&sync(client, &org, &session).await.checkpoint, &org, &audit_vkey);
    }
    let shown = proof(client, &org, &session, seen.size, other.size).await;
    let continues = verify_consistency(seen.size, &seen.root, other.size, &other.root, &shown);
    assert!(continues.is_err(), "whoever saw the lost entries notices");

    let Checkpoint { size, root, .. } = seen;
    team.say(Body::AuditReset { old_reset: 0, size, root, audit_vkey });
    let answer: WriteAnswer = client.write(&org, &session, &team.take_batch()).await.json();
    assert_eq!(open_after(0, &answer.checkpoint, &org, &audit_vkey), None);
    let first = open_after(1, &answer.checkpoint, &org, &audit_vkey).unwrap();

    // What is stored stays the beginning, and the tree is one, also after a restart.
    team.write(PROD, &[(secret(2), 1)]);
    client.write(&org, &session, &team.take_batch()).await.is(200, "ok");
    let server = server.restart().await;
    let (client, session) = (&server.client, server.client.sign_in(&team.owner).await);
    let copy = Copy::read(client, &org, &session).await;
    assert_eq!(copy.events[..before.events.len()], before.events[..]);
    assert_eq!(copy.roots[&first.size], first.root);
    let note = sync(client, &org, &session).await.checkpoint;
    let newest = open_after(1, &note, &org, &audit_vkey).unwrap();
    let shown = proof(client, &org, &session, first.size, newest.size).await;
    verify_consistency(first.size, &first.root, newest.size, &newest.root, &shown).unwrap();
    let path = format!("/v1/orgs/{org}/audit/inclusion?index=3");
    let answer: InclusionAnswer = client.get(&path, &session).await.json();
    let at = open_after(1, &answer.checkpoint, &org, &audit_vkey).unwrap();
    let leaf = leaf_hash(&copy.events[3]);
    verify_inclusion(&leaf, 3, at.size, &at.root, &digests(&answer.proof)).unwrap();
    // The chain anchors the new log only.
    let anchor = |reset| Body::AuditAnchor { reset, size: newest.size, root: newest.root };
    let batch = |body| strongroom_format::wire::WriteBatch {
        links: vec![team.clone().link(&team.owner, body).as_bytes().to_vec()],
        ..Default::default()
    };
    client.write(&org, &session, &batch(anchor(0))).await.is(422, "link-audit-backwards");
    let false_one = Body::AuditAnchor { reset: 1, size: newest.size, root: [7; 32] };
    client.write(&org, &session, &batch(false_one)).await.is(422, "wrong-root");
    let ahead = Body::AuditAnchor { reset: 1, size: newest.size + 1_000, root: newest.root };
    client.write(&org, &session, &batch(ahead)).await.is(422, "wrong-root");
    client.write(&org, &session, &batch(anchor(1))).await.is(200, "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_lost_its_audit_key_too_goes_on_with_the_one_that_an_owner_names() {
    let new_key = |data: &Path| fs::write(data.join("audit.key"), [0x5a; 32]).unwrap();
    let Restored { server, mut team, session, seen, .. } = restored(new_key).await;
    let (org, client, old) = (team.org(), &server.client, *team.state.audit_vkey());
    let audit_vkey = client.audit_vkey().await;
    assert_ne!(audit_vkey, old);
    // What it signs now is a checkpoint of no log that the chain knows.
    let note = sync(client, &org, &session).await.checkpoint;
    assert_eq!(open_after(0, &note, &org, &old), None);
    assert!(size_of(&note) < seen.size);

    let Checkpoint { size, root, .. } = seen;
    let reset = |audit_vkey| Body::AuditReset { old_reset: 0, size, root, audit_vkey };
    for body in [reset(old), Body::AuditAnchor { reset: 0, size, root }] {
        let mut wrong = team.clone();
        wrong.say(body);
        let refused = client.write(&org, &session, &wrong.take_batch()).await;
        refused.is(422, "wrong-audit-key");
    }
    team.say(reset(audit_vkey));
    let answer: WriteAnswer = client.write(&org, &session, &team.take_batch()).await.json();
    assert_eq!(open_after(1, &answer.checkpoint, &org, &old), None);
    let first = open_after(1, &answer.checkpoint, &org, &audit_vkey).unwrap();
    let copy = Copy::read(client, &org, &session).await;
    assert_eq!(copy.roots[&first.size], first.root);
    let note = sync(client, &org, &session).await.checkpoint;
    let newest = open_after(1, &note, &org, &audit_vkey).unwrap();
    let shown = proof(client, &org, &session, first.size, newest.size).await;
    verify_consistency(first.size, &first.root, newest.size, &newest.root, &shown).unwrap();
}
