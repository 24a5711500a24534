//! Everything else that is signed, sealed, hashed or printed.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use strongroom_chain::tree::{self, Frontier};
use strongroom_chain::trie::{Item, Trie};
use strongroom_crypto::safe::context::ItemContext;
use strongroom_crypto::safe::{
    Dek, EncryptionKey, Fingerprint, InviteCode, InviteKey, LoginKey, Recipient, SecretKey,
    ServiceToken, WrapContext, seal,
};
use strongroom_format::commit::{Change, Commit, Field, FieldHash, Op};
use strongroom_format::encoding::Codec as _;
use strongroom_format::event::{Act, Detail, Event, EventKind};
use strongroom_format::id::{DeviceId, EnvId, OrgId, SecretId, UserId};
use strongroom_format::note::Checkpoint;
use strongroom_format::pins::{AuditPin, EnvPin, Pins};
use strongroom_format::statement::MemberKeys;
use strongroom_format::wire::{B64, Keyset, account_message, challenge_message};

use crate::draw::{Draw, Script, hex, list, text};

/// What a vector is made of, and what comes out.
pub(crate) type Vector = (Value, Value);

pub(crate) fn commit(d: &mut Draw) -> Vector {
    let commit = Commit {
        org: OrgId(d.bytes()),
        env: EnvId(d.bytes()),
        seq: d.u64(),
        prev: d.bytes(),
        author: d.principal(),
        org_seq: d.u64(),
        org_head: d.bytes(),
        dek_epoch: d.u32(),
        time_ms: d.u64(),
        state_root: d.bytes(),
        changes: d.rising(change, |change| change.secret),
    };
    let (isk, seed) = d.signer();
    let input = json!({
        "kind": "commit",
        "org": text(commit.org),
        "env": text(commit.env),
        "seq": commit.seq,
        "prev": hex(commit.prev),
        "author": text(commit.author),
        "org_seq": commit.org_seq,
        "org_head": hex(commit.org_head),
        "dek_epoch": commit.dek_epoch,
        "time_ms": commit.time_ms,
        "state_root": hex(commit.state_root),
        "changes": list(&commit.changes, spell_change),
        "isk_seed": seed,
    });
    let signed = isk.sign_commit(commit);
    (input, json!({ "bytes": hex(signed.as_bytes()), "head": hex(signed.head()) }))
}

fn change(d: &mut Draw) -> Change {
    let op = d.one_of(Op::ALL);
    let mut fields = Vec::new();
    if op == Op::Put {
        for field in Field::ALL {
            if *field == Field::Name || d.up_to(1) == 1 {
                fields.push(FieldHash { field: *field, envelope: d.bytes() });
            }
        }
    }
    Change { op, secret: SecretId(d.bytes()), version: d.u64(), fields }
}

fn spell_change(change: &Change) -> Value {
    json!({
        "op": change.op.byte(),
        "secret": text(change.secret),
        "version": change.version,
        "fields": list(&change.fields, |f| json!([f.field.byte(), hex(f.envelope)])),
    })
}

pub(crate) fn state_root(d: &mut Draw) -> Vector {
    let mut items: BTreeMap<SecretId, Change> = BTreeMap::new();
    for _ in 0..d.size(6) {
        let mut change = change(d);
        // Ids that agree in many bits make the deep branches.
        let shared = d.size(16);
        if let Some((last, _)) = items.last_key_value() {
            change.secret.0[..shared].copy_from_slice(&last.0[..shared]);
        }
        items.insert(change.secret, change);
    }
    let changes: Vec<Change> = items.into_values().collect();
    let item = |change: &Change| Item { change: change.clone(), epoch: 1, origin: None };
    let trie = Trie::default().with(changes.iter().map(item).collect());
    let input = json!({ "kind": "state-root", "items": list(&changes, spell_change) });
    (input, json!({ "root": hex(trie.root()) }))
}

/// Kinds that came after the first vectors were drawn, which stay as they are.
const LATER_KINDS: std::ops::RangeInclusive<u8> = 0x87..=0x8c;
const LATER_ACTS: std::ops::RangeInclusive<u8> = 0x0b..=0x0c;

pub(crate) fn event(d: &mut Draw) -> Vector {
    event_of(d, |kind| !LATER_KINDS.contains(&kind.byte()) && !LATER_ACTS.contains(&kind.byte()))
}

pub(crate) fn later_act(d: &mut Draw) -> Vector {
    event_of(d, |kind| LATER_ACTS.contains(&kind.byte()))
}

pub(crate) fn later_event(d: &mut Draw) -> Vector {
    event_of(d, |kind| LATER_KINDS.contains(&kind.byte()))
}

fn event_of(d: &mut Draw, drawn: impl Fn(&EventKind) -> bool) -> Vector {
    let kinds: Vec<EventKind> = EventKind::ALL.iter().copied().filter(drawn).collect();
    let kind = d.one_of(&kinds);
    let act = Act {
        org: OrgId(d.bytes()),
        kind,
        actor: (kind.is_signed() || d.up_to(2) > 0).then(|| d.principal()),
        device: DeviceId(d.bytes()),
        actor_seq: d.u64(),
        actor_prev: d.bytes(),
        org_head: d.bytes(),
        detail: Detail {
            env: EnvId(d.bytes()),
            secret: SecretId(d.bytes()),
            version: d.u64(),
            number: d.u64(),
            status: d.u16(),
        },
        agency: None,
    };
    let (isk, seed) = d.signer();
    let signature = if kind.is_signed() { isk.sign(&act.message()) } else { [0; 64] };
    let peers = ["", "127.0.0.1:41782", "[2001:db8::7]:443", "relay-ü"];
    let event =
        Event { act, signature, server_time_ms: d.u64(), peer: d.one_of(&peers).to_owned() };
    let bytes = event.encode();
    let (act, detail) = (&event.act, &event.act.detail);
    let input = json!({
        "kind": "event",
        "event": kind.byte(),
        "org": text(act.org),
        "actor": act.actor.map(text),
        "device": text(act.device),
        "actor_seq": act.actor_seq,
        "actor_prev": hex(act.actor_prev),
        "org_head": hex(act.org_head),
        "env": text(detail.env),
        "secret": text(detail.secret),
        "version": detail.version,
        "number": detail.number,
        "status": detail.status,
        "isk_seed": if kind.is_signed() { seed } else { Value::Null },
        "server_time_ms": event.server_time_ms,
        "peer": event.peer,
    });
    (input, json!({ "bytes": hex(&bytes), "leaf": hex(tree::leaf_hash(&bytes)) }))
}

pub(crate) fn checkpoint(d: &mut Draw) -> Vector {
    let checkpoint =
        Checkpoint { org: OrgId(d.bytes()), reset: d.u32(), size: d.u64(), root: d.bytes() };
    let (key, seed) = d.signer();
    let note = checkpoint.note(&key.public(), &key.sign(checkpoint.text().as_bytes()));
    let input = json!({
        "kind": "checkpoint",
        "org": text(checkpoint.org),
        "reset": checkpoint.reset,
        "size": checkpoint.size,
        "root": hex(checkpoint.root),
        "key_seed": seed,
    });
    (input, json!({ "note": note }))
}

pub(crate) fn pins(d: &mut Draw) -> Vector {
    let env = |d: &mut Draw| EnvPin {
        env: EnvId(d.bytes()),
        seq: d.u64(),
        head: d.bytes(),
        epoch: d.u32(),
    };
    let pins = Pins {
        org: OrgId(d.bytes()),
        generation: d.u64(),
        org_seq: d.u64(),
        org_head: d.bytes(),
        newest_ms: d.u64(),
        suite: 1,
        audit: AuditPin { reset: d.u32(), size: d.u64(), root: d.bytes() },
        envs: d.rising(env, |pin| pin.env),
    };
    let spell = |p: &EnvPin| json!({ "env": text(p.env), "seq": p.seq, "head": hex(p.head), "epoch": p.epoch });
    let input = json!({
        "kind": "pins",
        "org": text(pins.org),
        "generation": pins.generation,
        "org_seq": pins.org_seq,
        "org_head": hex(pins.org_head),
        "newest_ms": pins.newest_ms,
        "suite": pins.suite,
        "audit_reset": pins.audit.reset,
        "audit_size": pins.audit.size,
        "audit_root": hex(pins.audit.root),
        "envs": list(&pins.envs, spell),
    });
    (input, json!({ "bytes": hex(pins.encode()) }))
}

pub(crate) fn audit_tree(d: &mut Draw) -> Vector {
    let events: Vec<Vec<u8>> = (0..=d.size(20)).map(|_| d.blob(8)).collect();
    let size = events.len() as u64;
    let (index, old) = (d.up_to(size - 1), 1 + d.up_to(size - 1));
    let mut log = Frontier::new();
    let mut nodes = BTreeMap::new();
    for event in &events {
        for node in log.append(tree::leaf_hash(event)) {
            nodes.insert((node.level, node.index), node.hash);
        }
    }
    let node = |level, index| nodes.get(&(level, index)).copied();
    let inclusion = tree::prove_inclusion(index, size, node).unwrap();
    let consistency = tree::prove_consistency(old, size, node).unwrap();
    let input = json!({ "kind": "tree", "events": list(&events, |e| hex(e)), "index": index, "old_size": old });
    let output = json!({
        "root": hex(log.root()),
        "inclusion": hex(inclusion.concat()),
        "consistency": hex(consistency.concat()),
    });
    (input, output)
}

pub(crate) fn envelope(d: &mut Draw) -> Vector {
    let (key, salt) = (d.bytes::<32>(), d.bytes::<24>());
    let item = ItemContext {
        org: OrgId(d.bytes()),
        app_or_group: d.bytes(),
        env: EnvId(d.bytes()),
        epoch: d.u32(),
        secret: SecretId(d.bytes()),
        version: d.u64(),
        field: d.one_of(Field::ALL).byte(),
    };
    let most = d.one_of(&[60, 200, 1_100]);
    let plaintext = d.blob(most);
    let dek = Dek::make(&mut Script(key.to_vec())).unwrap();
    let sealed = seal(&dek, &item.context(), &plaintext, &mut Script(salt.to_vec())).unwrap();
    let input = json!({
        "kind": "envelope",
        "dek": hex(key),
        "salt": hex(salt),
        "org": text(item.org),
        "place": hex(item.app_or_group),
        "env": text(item.env),
        "epoch": item.epoch,
        "secret": text(item.secret),
        "version": item.version,
        "field": item.field,
        "plaintext": hex(plaintext),
    });
    (input, json!({ "bytes": hex(sealed) }))
}

pub(crate) fn wrap(d: &mut Draw) -> Vector {
    let (dek, reader, ikm_e) = (d.bytes::<32>(), d.bytes::<32>(), d.bytes::<32>());
    let key = Dek::make(&mut Script(dek.to_vec())).unwrap();
    let iek = EncryptionKey::make(&mut Script(reader.to_vec())).unwrap();
    let (org, env, epoch) = (OrgId(d.bytes()), EnvId(d.bytes()), d.u32());
    let context = WrapContext {
        org,
        env,
        epoch,
        dek_commit: key.commit(&org, &env, epoch),
        recipient: Recipient { principal: d.principal(), iek: iek.public() },
        author: d.principal(),
        author_isk: d.bytes(),
    };
    let wrap = key.wrap(&context, &mut Script(ikm_e.to_vec())).unwrap();
    let input = json!({
        "kind": "wrap",
        "dek": hex(dek),
        "recipient_iek_sk": hex(reader),
        "ikm_e": hex(ikm_e),
        "org": text(org),
        "env": text(env),
        "epoch": epoch,
        "recipient": text(context.recipient.principal),
        "author": text(context.author),
        "author_isk": hex(context.author_isk),
    });
    (input, json!({ "bytes": hex(wrap), "dek_commit": hex(context.dek_commit) }))
}

pub(crate) fn token(d: &mut Draw) -> Vector {
    let (id, secret) = (d.bytes::<16>(), d.bytes::<32>());
    let token = ServiceToken::make(&mut Script([&id[..], &secret].concat())).unwrap();
    let input = json!({ "kind": "token", "token_id": text(token.id()), "secret": hex(secret) });
    let output = json!({
        "text": token.to_text().lend(str::to_owned),
        "bearer_sha256": hex(token.bearer().hash()),
        "sig_pub": hex(token.identity().public()),
        "enc_pub": hex(token.encryption().public()),
    });
    (input, output)
}

pub(crate) fn invite(d: &mut Draw) -> Vector {
    let key = d.bytes::<32>();
    let code = InviteCode {
        org: OrgId(d.bytes()),
        head_seq: d.u64(),
        head: d.bytes(),
        key: InviteKey::make(&mut Script(key.to_vec())).unwrap(),
        server_url: d.one_of(&["http://127.0.0.1:4178", "https://tresor.exämple"]).to_owned(),
    };
    let (user, keys) = (UserId(d.bytes()), MemberKeys { isk: d.bytes(), iek: d.bytes() });
    let input = json!({
        "kind": "invite",
        "org": text(code.org),
        "head_seq": code.head_seq,
        "head": hex(code.head),
        "k_inv": hex(key),
        "server_url": code.server_url,
        "user": text(user),
        "isk": hex(keys.isk),
        "iek": hex(keys.iek),
    });
    let output = json!({
        "code": code.to_text().unwrap().lend(str::to_owned),
        "invite_id": text(code.key.id()),
        "commitment": hex(code.key.commitment()),
        "join_mac": hex(code.key.join_mac(&code.org, &user, &keys)),
        "fingerprint": Fingerprint::of(&user, &keys).to_string(),
    });
    (input, output)
}

pub(crate) fn sign_in(d: &mut Draw) -> Vector {
    let (key, user, epoch) = (d.bytes::<32>(), UserId(d.bytes()), d.u32());
    let secret_key = SecretKey::make(&mut Script(key.to_vec())).unwrap();
    let login = LoginKey::derive(&secret_key, &user, epoch);
    let origin = d.one_of(&["http://127.0.0.1:4178", "https://vault.example"]);
    let (nonce, time_ms) = (d.bytes::<32>(), d.u64());
    let keyset = Keyset {
        epoch,
        profile: 1,
        salt: B64(d.bytes::<16>().to_vec()),
        login_pub: B64(login.public().to_vec()),
        isk: B64(d.bytes::<32>().to_vec()),
        iek: B64(d.bytes::<32>().to_vec()),
        blob: B64(d.bytes::<64>().to_vec()),
    };
    let input = json!({
        "kind": "sign-in",
        "secret_key": hex(key),
        "user": text(user),
        "keyset_epoch": epoch,
        "origin": origin,
        "nonce": hex(nonce),
        "time_ms": time_ms,
        "profile": keyset.profile,
        "salt": hex(&keyset.salt.0),
        "isk": hex(&keyset.isk.0),
        "iek": hex(&keyset.iek.0),
        "blob": hex(&keyset.blob.0),
    });
    let output = json!({
        "secret_key_text": secret_key.to_text().lend(str::to_owned),
        "login_pub": hex(login.public()),
        "challenge_sig": hex(login.sign(&challenge_message(origin, &user, &nonce, time_ms))),
        "account_sig": hex(login.sign(&account_message(origin, &user, &keyset))),
    });
    (input, output)
}
