//! What is written of agents: their terms, and acts that tell what they did.

use serde_json::{Value, json};
use strongroom_chain::tree;
use strongroom_core::agents::Terms;
use strongroom_crypto::safe::context::Context;
use strongroom_crypto::safe::{Dek, seal};
use strongroom_format::agency::{Agency, AgentCall, CallOutcome, SealedCall};
use strongroom_format::encoding::Codec as _;
use strongroom_format::event::{Act, Detail, Event, EventKind};
use strongroom_format::id::{AgentId, DeviceId, EnvId, OrgId, SecretId};
use strongroom_policy::{AgentPolicy, OnLock};

use crate::draw::{Draw, Script, hex, text};
use crate::objects::Vector;

pub(crate) fn terms(d: &mut Draw) -> Vector {
    let salt = d.bytes();
    let name = d.one_of(&["triage", "refund-desk", "Büro Süd"]);
    let on_lock = d.one_of(&[OnLock::Pause, OnLock::End]);
    let policy = AgentPolicy { on_lock, requests: Some(d.u64()), ..AgentPolicy::nothing() };
    let terms = Terms::new(salt, &policy);
    let input = json!({
        "kind": "agent-terms",
        "salt": hex(salt),
        "name": name,
        "policy": String::from_utf8(policy.encode()).unwrap(),
    });
    let output = json!({
        "bytes": hex(terms.encode()),
        "name_hash": hex(terms.commits_to_name(name)),
        "policy_hash": hex(terms.commits_to_policy()),
    });
    (input, output)
}

/// An act about an agent; every third holds no words, as a token's.
pub(crate) fn act(d: &mut Draw) -> Vector {
    let kind = d.one_of(&[EventKind::Brokered, EventKind::Approved, EventKind::Denied]);
    let (org, actor, agent) = (OrgId(d.bytes()), d.principal(), AgentId(d.bytes()));
    let mut words = Value::Null;
    let sealed = (d.up_to(2) > 0).then(|| {
        let (dek, salt, epoch) = (d.bytes::<32>(), d.bytes::<24>(), 1 + d.u32() / 2);
        let call = AgentCall::new(
            d.one_of(&["GET", "POST"]),
            d.one_of(&["api.github.com", "xn--bcher-kva.example:8443"]),
            d.one_of(&["/", "/repos/acme/docs/issues", "/v1/büro"]),
            d.one_of(&["", "/usr/bin/node"]),
            d.one_of(CallOutcome::ALL),
        );
        let key = Dek::make(&mut Script(dek.to_vec())).unwrap();
        let context = Context::agency(&org, &actor, &agent, epoch);
        let envelope = seal(&key, &context, &call.encode(), &mut Script(salt.to_vec())).unwrap();
        words = json!({
            "dek": hex(dek),
            "salt": hex(salt),
            "epoch": epoch,
            "method": call.method,
            "host": call.host,
            "path": call.path,
            "process": call.process,
            "outcome": call.outcome.byte(),
        });
        SealedCall { epoch, envelope }
    });
    let detail = Detail {
        env: EnvId(d.bytes()),
        secret: SecretId(d.bytes()),
        version: d.u64(),
        number: d.u64(),
        status: d.u16(),
    };
    let act = Act {
        org,
        kind,
        actor: Some(actor),
        device: DeviceId(d.bytes()),
        actor_seq: d.u64(),
        actor_prev: d.bytes(),
        org_head: d.bytes(),
        detail,
        agency: Some(Agency { agent, sealed }),
    };
    let (isk, seed) = d.signer();
    let signature = isk.sign(&act.message());
    let event = Event { act, signature, server_time_ms: d.u64(), peer: "127.0.0.1:7".to_owned() };
    let bytes = event.encode();
    let act = &event.act;
    let input = json!({
        "kind": "agent-act",
        "event": act.kind.byte(),
        "org": text(act.org),
        "actor": text(actor),
        "device": text(act.device),
        "actor_seq": act.actor_seq,
        "actor_prev": hex(act.actor_prev),
        "org_head": hex(act.org_head),
        "env": text(act.detail.env),
        "secret": text(act.detail.secret),
        "version": act.detail.version,
        "number": act.detail.number,
        "status": act.detail.status,
        "agent": text(agent),
        "words": words,
        "isk_seed": seed,
        "server_time_ms": event.server_time_ms,
        "peer": event.peer,
    });
    (input, json!({ "bytes": hex(&bytes), "leaf": hex(tree::leaf_hash(&bytes)) }))
}
