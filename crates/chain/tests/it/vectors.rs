//! A whole chain with every link type, and a whole history, as known answers under `tests/vectors/chain/`:
//! another implementation makes these bytes from the fields, and its verifier accepts them.
//!
//! `UPDATE_VECTORS=1 cargo test -p strongroom-chain` writes the files; without it they are compared.
//! A published case is never edited: a new construct gets a new file. (Single objects, a thousand of
//! them, stand in the folder above.)

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::{Value, json};
use strongroom_format::commit::{Change, SignedCommit};
use strongroom_format::id::{AgentId, EnvId, InviteId, Principal, TokenId, UserId};
use strongroom_format::statement::{
    Body, EnvKind, EnvRight, EpochReason, Link, MemberKeys, Policy, Rights, Role,
};

use crate::world::{
    DAY, PROD, Signer, World, admin, bystander, delete, digest, env_id, owner, place, put,
    reviewer, secret, writer,
};

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

fn compare(file: &str, construct: &str, cases: &[Value]) {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/chain");
    let path = root.join(file);
    let vectors = json!({ "protocol": "strongroom/1", "construct": construct, "cases": cases });
    let text = format!("{}\n", serde_json::to_string_pretty(&vectors).unwrap());
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::create_dir_all(&root).unwrap();
        std::fs::write(path, text).unwrap();
    } else {
        let committed = std::fs::read_to_string(path).unwrap();
        assert!(committed == text, "{file} differs from what this program computes");
    }
}

fn principal(who: &Principal) -> Value {
    json!({ "kind": who.kind(), "id": hex(&who.id()) })
}

fn keys(keys: &MemberKeys) -> Value {
    json!({ "isk": hex(&keys.isk), "iek": hex(&keys.iek) })
}

fn policy(policy: &Policy) -> Value {
    json!({
        "min_profile": policy.min_profile,
        "min_format": policy.min_format,
        "max_quiet_days": policy.max_quiet_days,
        "grants_to_unverified": policy.grants_to_unverified,
        "two_person": policy.two_person.iter().map(|env| hex(&env.0)).collect::<Vec<_>>(),
    })
}

fn env_rights(rights: &[EnvRight]) -> Value {
    let one = |right: &EnvRight| {
        json!({
            "env_id": hex(&right.env.0),
            "rights": right.rights.bits(),
            "not_after": right.not_after,
        })
    };
    rights.iter().map(one).collect()
}

/// The fields of a body, in the order in which they are encoded.
fn body_fields(body: &Body) -> Value {
    match body {
        Body::Genesis { suite, founder, keys: k, audit_vkey, policy: p } => json!({
            "suite": suite, "founder": hex(&founder.0), "keys": keys(k),
            "audit_vkey": hex(audit_vkey), "policy": policy(p),
        }),
        Body::Invite { invite, key_hash, role, grants, expires } => json!({
            "invite_id": hex(&invite.0), "key_hash": hex(key_hash), "role": role.byte(),
            "grants": env_rights(grants), "expires": expires,
        }),
        Body::MemberAdd { user, keys: k, role, invite, pop } => json!({
            "user_id": hex(&user.0), "keys": keys(k), "role": role.byte(),
            "invite_id": hex(&invite.0), "pop_sig": hex(pop),
        }),
        Body::MemberRole { user, role } => {
            json!({ "user_id": hex(&user.0), "role": role.byte() })
        }
        Body::MemberRemove { user, cuts } => json!({
            "user_id": hex(&user.0),
            "cuts": cuts.iter().map(|cut| json!({
                "env_id": hex(&cut.env.0), "commit_seq": cut.seq, "commit_head": hex(&cut.head),
            })).collect::<Vec<_>>(),
        }),
        Body::KeyRotate { keys: k, by_new } => {
            json!({ "keys": keys(k), "sig_by_new": hex(by_new) })
        }
        Body::KeyReset { user, keys: k, pop } => {
            json!({ "user_id": hex(&user.0), "keys": keys(k), "pop_sig": hex(pop) })
        }
        Body::EnvCreate { env, kind, place, parent, expires, owner } => json!({
            "env_id": hex(&env.0), "kind": kind.byte(), "place": hex(place),
            "parent": hex(&parent.0), "expires": expires, "owner": hex(&owner.0),
        }),
        Body::EnvGrant { env, principal: who, rights, not_after } => json!({
            "env_id": hex(&env.0), "principal": principal(who), "rights": rights.bits(),
            "not_after": not_after,
        }),
        Body::EnvRevoke { env, principal: who } => {
            json!({ "env_id": hex(&env.0), "principal": principal(who) })
        }
        Body::DekEpoch { env, epoch, dek_commit, reason, cut_seq, cut_head, wraps, previous } => {
            json!({
                "env_id": hex(&env.0), "epoch": epoch, "dek_commit": hex(dek_commit),
                "reason": reason.byte(), "cut_seq": cut_seq, "cut_head": hex(cut_head),
                "wraps": wraps.iter().map(|wrap| json!({
                    "recipient": principal(&wrap.recipient), "wrap_hash": hex(&wrap.wrap),
                })).collect::<Vec<_>>(),
                "previous_hash": hex(previous),
            })
        }
        Body::TokenIssue { token, sig_pub, enc_pub, rights, not_after } => json!({
            "token_id": hex(&token.0), "sig_pub": hex(sig_pub), "enc_pub": hex(enc_pub),
            "rights": env_rights(rights), "not_after": not_after,
        }),
        Body::TokenRevoke { token } => json!({ "token_id": hex(&token.0) }),
        Body::Policy(p) => json!({ "policy": policy(p) }),
        Body::AuditAnchor { reset, size, root } | Body::AuditRetention { reset, size, root } => {
            json!({ "reset": reset, "size": size, "root": hex(root) })
        }
        Body::SuiteRaise { suite } => json!({ "suite": suite }),
        Body::AuditReset { old_reset, size, root, audit_vkey } => json!({
            "old_reset": old_reset, "size": size, "root": hex(root),
            "audit_vkey": hex(audit_vkey),
        }),
        Body::AgentIssue { agent, name_hash, policy_hash, responsible, not_after } => json!({
            "agent_id": hex(&agent.0), "name_hash": hex(name_hash),
            "policy_hash": hex(policy_hash), "responsible": hex(&responsible.0),
            "not_after": not_after,
        }),
        Body::AgentRevoke { agent } => json!({ "agent_id": hex(&agent.0) }),
        Body::Compose { env, groups } => json!({
            "env_id": hex(&env.0),
            "groups": groups.iter().map(|group| hex(&group.0)).collect::<Vec<_>>(),
        }),
    }
}

fn link_case(name: &str, signer: &Signer, link: &Link) -> Value {
    let s = &link.statement;
    let org_id = strongroom_format::id::OrgId::of_genesis(link.as_bytes());
    let org_id = (s.seq == 0).then(|| hex(org_id.as_bytes()));
    json!({
        "name": name,
        "author_isk_seed": hex(&signer.key.to_bytes()),
        "type": s.body.kind(),
        "org_id": hex(s.org.as_bytes()),
        "seq": s.seq,
        "prev": hex(&s.prev),
        "author_kind": s.author.kind(),
        "author_id": hex(&s.author.id()),
        "time_ms": s.time_ms,
        "body": body_fields(&s.body),
        "stmt": hex(link.signed_bytes()),
        "sig": hex(&link.signature()),
        "link": hex(link.as_bytes()),
        "head": hex(&link.head()),
        "founds_org_id": org_id,
    })
}

#[expect(clippy::too_many_lines, reason = "one story")]
/// One chain with every link type that a chain can have (a raised suite stands beside it).
fn chain() -> (World, Vec<Value>) {
    let mut world = World::founded();
    let mut cases = vec![link_case("genesis", &owner(), &world.links[0])];
    cases.push(link_case("the directory", &owner(), &world.links[1]));
    cases.push(link_case("the directory's first data key", &owner(), &world.links[2]));
    let mut say = |world: &mut World, name: &str, signer: &Signer, body: Body| {
        world.say(signer, body).unwrap();
        cases.push(link_case(name, signer, world.links.last().unwrap()));
    };
    let right = |env, rights, not_after| EnvRight { env, rights, not_after };
    let o = owner();
    for (person, role, name) in [
        (admin(), Role::Admin, "an admin"),
        (writer(), Role::Member, "a member"),
        (reviewer(), Role::Reviewer, "a reviewer"),
        (bystander(), Role::Member, "another member"),
    ] {
        let id = person.who.id()[0];
        let body = world.invite_body(id, role);
        say(&mut world, &format!("invite for {name}"), &o, body);
        let body = world.add_body(&person, role, InviteId([id; 16]));
        say(&mut world, &format!("{name} is admitted"), &o, body);
    }
    let body = World::create_body(PROD, EnvKind::App, place(1), EnvId::ZERO);
    say(&mut world, "an application's environment", &o, body);
    let body = world.epoch_body(PROD, EpochReason::First);
    say(&mut world, "its first data key", &o, body);
    let not_after = world.now + 30 * DAY;
    let rights = Rights::READ.with(Rights::WRITE);
    let body = Body::EnvGrant { env: PROD, principal: writer().who, rights, not_after };
    say(&mut world, "a grant with an end", &o, body);
    let body = World::grant_body(PROD, &admin(), Rights::ALL);
    say(&mut world, "a grant of everything", &o, body);
    let body = world.epoch_body(PROD, EpochReason::ReaderAdded);
    say(&mut world, "a data key for three readers", &o, body);
    world.write(&writer(), PROD, vec![put(secret(1), 1, 1)]).unwrap();
    let token = Signer::token(70);
    let rights = vec![right(PROD, Rights::READ, 0)];
    let body = World::token_body(&token, rights, world.now + DAY);
    say(&mut world, "a token that reads", &o, body);
    let body = World::token_body(&Signer::token(71), Vec::new(), 0);
    say(&mut world, "a token without rights", &o, body);
    say(&mut world, "a token is revoked", &o, Body::TokenRevoke { token: TokenId([70; 16]) });
    let body = World::create_body(env_id(2), EnvKind::Group, place(2), EnvId::ZERO);
    say(&mut world, "a group", &o, body);
    for reader in [admin(), writer()] {
        let body = World::grant_body(env_id(2), &reader, Rights::READ);
        say(&mut world, "a grant on the group", &o, body);
    }
    let body = Body::Compose { env: PROD, groups: vec![env_id(2)] };
    say(&mut world, "a composition", &admin(), body);
    let body = Body::Compose { env: PROD, groups: Vec::new() };
    say(&mut world, "an empty composition", &admin(), body);
    let (owner_id, expires) = (UserId::ZERO, world.now + 7 * DAY);
    let body = Body::EnvCreate {
        env: env_id(3),
        kind: EnvKind::Branch,
        place: place(1),
        parent: PROD,
        expires,
        owner: owner_id,
    };
    say(&mut world, "a branch", &writer(), body);
    let body = Body::EnvCreate {
        env: env_id(4),
        kind: EnvKind::Personal,
        place: place(1),
        parent: PROD,
        expires: 0,
        owner: writer().user(),
    };
    say(&mut world, "a personal overlay", &writer(), body);
    let promised = Body::Invite {
        invite: InviteId([0x77; 16]),
        key_hash: digest(0x78),
        role: Role::Member,
        grants: vec![
            right(PROD, Rights::READ, not_after),
            right(env_id(2), Rights::READ.with(Rights::WRITE), 0),
        ],
        expires: world.now + DAY,
    };
    say(&mut world, "an invite with grants", &admin(), promised);
    let body = Body::EnvRevoke { env: env_id(2), principal: admin().who };
    say(&mut world, "a revoke", &o, body);
    let body = Body::MemberRole { user: bystander().user(), role: Role::Admin };
    say(&mut world, "a role", &o, body);
    let rekeyed = admin().rekeyed(90);
    let body = world.rotate_body(&admin(), &rekeyed);
    say(&mut world, "rotated keys", &admin(), body);
    let body = world.reset_body(&writer(), &writer().rekeyed(91));
    say(&mut world, "reset keys", &rekeyed, body);
    let body = world.remove_body(&writer());
    say(&mut world, "a removal", &o, body);
    let body = world.epoch_body(PROD, EpochReason::Rotation);
    say(&mut world, "a rotation", &o, body);
    let policy = Policy {
        min_profile: 2,
        min_format: 1,
        max_quiet_days: 3,
        grants_to_unverified: false,
        two_person: vec![PROD, env_id(2)],
    };
    say(&mut world, "a policy", &o, Body::Policy(policy));
    let body = Body::AuditAnchor { reset: 0, size: 41, root: digest(0x41) };
    say(&mut world, "an audit anchor", &reviewer(), body);
    let body = Body::AuditReset {
        old_reset: 0,
        size: 41,
        root: digest(0x41),
        audit_vkey: Signer::person(0xfb).keys().isk,
    };
    say(&mut world, "a new audit log", &o, body);
    let body = Body::AgentIssue {
        agent: AgentId([0x72; 16]),
        name_hash: digest(0x73),
        policy_hash: digest(0x74),
        responsible: o.user(),
        not_after: world.now + DAY,
    };
    say(&mut world, "an agent", &o, body);
    let body = Body::AgentRevoke { agent: AgentId([0x72; 16]) };
    say(&mut world, "an agent is revoked", &o, body);
    let raise = world.link(&o, Body::SuiteRaise { suite: 2 });
    cases.push(link_case("a raised suite (refused by programs of suite 1)", &o, &raise));
    let body = Body::AuditRetention { reset: 1, size: 2_048, root: digest(0x42) };
    world.say(&o, body).unwrap();
    cases.push(link_case("retention of the audit log", &o, world.links.last().unwrap()));
    (world, cases)
}

#[test]
fn the_recorded_chain_is_made_again_and_verifies() {
    let (world, cases) = chain();
    let types: std::collections::BTreeSet<u64> =
        cases.iter().map(|case| case["type"].as_u64().unwrap()).collect();
    assert!(types.into_iter().eq(1..=21));
    assert!(strongroom_chain::org::verify(&world.links, world.org.org(), None).is_ok());
    compare("chain.json", "chain", &cases);
}

fn change(change: &Change) -> Value {
    json!({
        "op": change.op.byte(),
        "secret_id": hex(&change.secret.0),
        "version": change.version,
        "fields": change.fields.iter().map(|field| json!({
            "field": field.field.byte(), "envelope_hash": hex(&field.envelope),
        })).collect::<Vec<_>>(),
    })
}

fn commit_case(name: &str, signer: &Signer, signed: &SignedCommit) -> Value {
    let c = &signed.commit;
    json!({
        "name": name,
        "author_isk_seed": hex(&signer.key.to_bytes()),
        "org_id": hex(c.org.as_bytes()),
        "env_id": hex(&c.env.0),
        "seq": c.seq,
        "prev": hex(&c.prev),
        "author_kind": c.author.kind(),
        "author_id": hex(&c.author.id()),
        "org_seq": c.org_seq,
        "org_head": hex(&c.org_head),
        "dek_epoch": c.dek_epoch,
        "time_ms": c.time_ms,
        "state_root": hex(&c.state_root),
        "changes": c.changes.iter().map(change).collect::<Vec<_>>(),
        "commit": hex(signed.signed_bytes()),
        "sig": hex(&signed.signature()),
        "head": hex(&signed.head()),
    })
}

fn sorted(mut changes: Vec<Change>) -> Vec<Change> {
    changes.sort_by_key(|change| change.secret);
    changes
}

/// A history with puts, a tombstone, a rotation and a token's commit.
fn history() -> (World, Vec<(&'static str, Signer)>) {
    let mut world = World::team();
    let token = Signer::token(70);
    let right = EnvRight { env: PROD, rights: Rights::READ.with(Rights::WRITE), not_after: 0 };
    world.say(&owner(), World::token_body(&token, vec![right], 0)).unwrap();
    world.epoch(&owner(), PROD, EpochReason::ReaderAdded);
    let mut one = put(secret(1), 1, 1);
    one.fields.truncate(1);
    world.write(&writer(), PROD, vec![one]).unwrap();
    let many = sorted((2..9).map(|n| put(secret(n), 1, n)).collect());
    world.write(&writer(), PROD, many).unwrap();
    let mixed = vec![put(secret(1), 2, 9), delete(secret(2), 2), put(secret(9), 1, 1)];
    world.write(&token, PROD, sorted(mixed)).unwrap();
    world.say(&owner(), world.remove_body(&writer())).unwrap();
    world.epoch(&owner(), PROD, EpochReason::Rotation);
    let all = world.reseal(PROD);
    world.write(&owner(), PROD, all).unwrap();
    let signers = vec![
        ("one secret without a value", writer()),
        ("seven secrets", writer()),
        ("a token's put, delete and put", token),
        ("everything sealed anew after a removal", owner()),
    ];
    (world, signers)
}

#[test]
fn the_recorded_history_is_made_again_and_verifies() {
    let (world, signers) = history();
    assert!(world.verify_fresh(PROD).is_ok());
    let commits = &world.commits[&PROD];
    let case = |(commit, (name, signer)): (_, &(&str, Signer))| commit_case(name, signer, commit);
    let cases: Vec<Value> = commits.iter().zip(&signers).map(case).collect();
    compare("history.json", "history", &cases);
}
