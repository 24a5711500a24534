//! Links of every type.

use serde_json::{Value, json};
use strongroom_format::id::{AgentId, EnvId, InviteId, OrgId, TokenId, UserId};
use strongroom_format::statement::{
    Body, CutPoint, EnvKind, EnvRight, EpochReason, MemberKeys, Policy, Rights, Role, Statement,
    WrapEntry,
};

use crate::draw::{Draw, hex, list, text};

/// The types of the first record; a later one has a file of its own.
pub(crate) const TYPES: u8 = 20;

/// Retention of the audit log, which came later.
pub(crate) fn later(d: &mut Draw) -> (Value, Value) {
    link(d, 21)
}

/// A signed link of `kind`, and what it is made of.
pub(crate) fn link(d: &mut Draw, kind: u8) -> (Value, Value) {
    let (body, spelled) = body(d, kind);
    assert_eq!(body.kind(), kind);
    let genesis = kind == 1;
    let statement = Statement {
        org: if genesis { OrgId::ZERO } else { OrgId(d.bytes()) },
        seq: if genesis { 0 } else { d.u64() },
        prev: if genesis { [0; 32] } else { d.bytes() },
        author: d.principal(),
        time_ms: d.u64(),
        body,
    };
    let (isk, seed) = d.signer();
    let input = json!({
        "kind": "link",
        "type": kind,
        "org": text(statement.org),
        "seq": statement.seq,
        "prev": hex(statement.prev),
        "author": text(statement.author),
        "time_ms": statement.time_ms,
        "body": spelled,
        "isk_seed": seed,
    });
    let link = isk.sign_link(statement);
    let mut output = json!({ "bytes": hex(link.as_bytes()), "head": hex(link.head()) });
    if genesis {
        output["org_id"] = text(OrgId::of_genesis(link.as_bytes()));
    }
    (input, output)
}

/// Fields that many bodies have.
#[derive(Clone, Copy)]
struct Common {
    user: UserId,
    env: EnvId,
    invite: InviteId,
    keys: MemberKeys,
    role: Role,
    end: u64,
}

fn body(d: &mut Draw, kind: u8) -> (Body, Value) {
    let common = Common {
        user: UserId(d.bytes()),
        env: EnvId(d.bytes()),
        invite: InviteId(d.bytes()),
        keys: MemberKeys { isk: d.bytes(), iek: d.bytes() },
        role: d.one_of(Role::ALL),
        end: d.u64(),
    };
    match kind {
        1..=7 => about_people(d, kind, common),
        8..=11 | 20 => about_environments(d, kind, common),
        _ => about_the_rest(d, kind, common),
    }
}

fn about_people(d: &mut Draw, kind: u8, common: Common) -> (Body, Value) {
    let Common { user, invite, keys, role, end, .. } = common;
    match kind {
        1 => {
            let (audit_vkey, policy) = (d.bytes(), policy(d));
            let spelled = json!({
                "suite": 1, "founder": text(user), "isk": hex(keys.isk), "iek": hex(keys.iek),
                "audit_vkey": hex(audit_vkey), "policy": spell_policy(&policy),
            });
            (Body::Genesis { suite: 1, founder: user, keys, audit_vkey, policy }, spelled)
        }
        2 => {
            let (key_hash, grants) = (d.bytes(), env_rights(d));
            let spelled = json!({
                "invite": text(invite), "key_hash": hex(key_hash), "role": role.byte(),
                "grants": spell_rights(&grants), "expires": end,
            });
            (Body::Invite { invite, key_hash, role, grants, expires: end }, spelled)
        }
        3 => {
            let pop = d.bytes();
            let spelled = json!({
                "user": text(user), "isk": hex(keys.isk), "iek": hex(keys.iek),
                "role": role.byte(), "invite": text(invite), "pop": hex(pop),
            });
            (Body::MemberAdd { user, keys, role, invite, pop }, spelled)
        }
        4 => (Body::MemberRole { user, role }, json!({ "user": text(user), "role": role.byte() })),
        5 => {
            let cut =
                |d: &mut Draw| CutPoint { env: EnvId(d.bytes()), seq: d.u64(), head: d.bytes() };
            let cuts = d.rising(cut, |cut| cut.env);
            let spell =
                |c: &CutPoint| json!({ "env": text(c.env), "seq": c.seq, "head": hex(c.head) });
            let spelled = json!({ "user": text(user), "cuts": list(&cuts, spell) });
            (Body::MemberRemove { user, cuts }, spelled)
        }
        6 => {
            let by_new = d.bytes();
            let spelled =
                json!({ "isk": hex(keys.isk), "iek": hex(keys.iek), "by_new": hex(by_new) });
            (Body::KeyRotate { keys, by_new }, spelled)
        }
        _ => {
            let pop = d.bytes();
            let spelled = json!({
                "user": text(user), "isk": hex(keys.isk), "iek": hex(keys.iek), "pop": hex(pop),
            });
            (Body::KeyReset { user, keys, pop }, spelled)
        }
    }
}

fn about_environments(d: &mut Draw, kind: u8, common: Common) -> (Body, Value) {
    let Common { user, env, end, .. } = common;
    match kind {
        8 => {
            let (kind, place, parent) = (d.one_of(EnvKind::ALL), d.bytes(), EnvId(d.bytes()));
            let spelled = json!({
                "env": text(env), "env_kind": kind.byte(), "place": hex(place),
                "parent": text(parent), "expires": end, "owner": text(user),
            });
            (Body::EnvCreate { env, kind, place, parent, expires: end, owner: user }, spelled)
        }
        9 => {
            let (principal, rights) = (d.principal(), rights(d));
            let spelled = json!({
                "env": text(env), "principal": text(principal), "rights": rights.bits(),
                "not_after": end,
            });
            (Body::EnvGrant { env, principal, rights, not_after: end }, spelled)
        }
        10 => {
            let principal = d.principal();
            let spelled = json!({ "env": text(env), "principal": text(principal) });
            (Body::EnvRevoke { env, principal }, spelled)
        }
        11 => {
            let entry = |d: &mut Draw| WrapEntry { recipient: d.principal(), wrap: d.bytes() };
            let wraps = d.rising(entry, |entry| entry.recipient);
            let (epoch, dek_commit, previous) = (d.u32(), d.bytes(), d.bytes());
            let reason = d.one_of(EpochReason::ALL);
            // Drawn apart, so that the other kinds keep their bytes.
            let mut apart = Draw::new(u64::from(epoch));
            let (cut_seq, cut_head) = (apart.u64(), apart.bytes());
            let spell =
                |w: &WrapEntry| json!({ "recipient": text(w.recipient), "wrap": hex(w.wrap) });
            let spelled = json!({
                "env": text(env), "epoch": epoch, "dek_commit": hex(dek_commit),
                "reason": reason.byte(), "cut_seq": cut_seq, "cut_head": hex(cut_head),
                "wraps": list(&wraps, spell), "previous": hex(previous),
            });
            let body = Body::DekEpoch {
                env,
                epoch,
                dek_commit,
                reason,
                cut_seq,
                cut_head,
                wraps,
                previous,
            };
            (body, spelled)
        }
        _ => {
            let groups: Vec<EnvId> = (0..d.size(3)).map(|_| EnvId(d.bytes())).collect();
            let spelled = json!({ "env": text(env), "groups": list(&groups, |env| text(env)) });
            (Body::Compose { env, groups }, spelled)
        }
    }
}

fn about_the_rest(d: &mut Draw, kind: u8, common: Common) -> (Body, Value) {
    let Common { user, keys, end, .. } = common;
    match kind {
        12 => {
            let (token, rights) = (TokenId(d.bytes()), env_rights(d));
            let spelled = json!({
                "token": text(token), "sig_pub": hex(keys.isk), "enc_pub": hex(keys.iek),
                "rights": spell_rights(&rights), "not_after": end,
            });
            let body = Body::TokenIssue {
                token,
                sig_pub: keys.isk,
                enc_pub: keys.iek,
                rights,
                not_after: end,
            };
            (body, spelled)
        }
        13 => {
            let token = TokenId(d.bytes());
            (Body::TokenRevoke { token }, json!({ "token": text(token) }))
        }
        14 => {
            let policy = policy(d);
            let spelled = spell_policy(&policy);
            (Body::Policy(policy), spelled)
        }
        15 => {
            let (reset, size, root) = (d.u32(), d.u64(), d.bytes());
            let spelled = json!({ "reset": reset, "size": size, "root": hex(root) });
            (Body::AuditAnchor { reset, size, root }, spelled)
        }
        16 => {
            let [suite] = d.bytes();
            (Body::SuiteRaise { suite }, json!({ "suite": suite }))
        }
        17 => {
            let (old_reset, size, root, audit_vkey) = (d.u32(), d.u64(), d.bytes(), d.bytes());
            let spelled = json!({
                "old_reset": old_reset, "size": size, "root": hex(root),
                "audit_vkey": hex(audit_vkey),
            });
            (Body::AuditReset { old_reset, size, root, audit_vkey }, spelled)
        }
        18 => {
            let (agent, name_hash, policy_hash) = (AgentId(d.bytes()), d.bytes(), d.bytes());
            let spelled = json!({
                "agent": text(agent), "name_hash": hex(name_hash),
                "policy_hash": hex(policy_hash), "responsible": text(user), "not_after": end,
            });
            let body = Body::AgentIssue {
                agent,
                name_hash,
                policy_hash,
                responsible: user,
                not_after: end,
            };
            (body, spelled)
        }
        19 => {
            let agent = AgentId(d.bytes());
            (Body::AgentRevoke { agent }, json!({ "agent": text(agent) }))
        }
        _ => {
            let (reset, size, root) = (d.u32(), d.u64(), d.bytes());
            let spelled = json!({ "reset": reset, "size": size, "root": hex(root) });
            (Body::AuditRetention { reset, size, root }, spelled)
        }
    }
}

fn rights(d: &mut Draw) -> Rights {
    let mut rights = d.one_of(&[Rights::READ, Rights::WRITE, Rights::GRANT]);
    for more in [Rights::READ, Rights::WRITE, Rights::GRANT] {
        if d.up_to(1) == 1 {
            rights = rights.with(more);
        }
    }
    rights
}

fn env_rights(d: &mut Draw) -> Vec<EnvRight> {
    let right =
        |d: &mut Draw| EnvRight { env: EnvId(d.bytes()), rights: rights(d), not_after: d.u64() };
    d.rising(right, |right| right.env)
}

fn spell_rights(rights: &[EnvRight]) -> Value {
    list(
        rights,
        |r| json!({ "env": text(r.env), "rights": r.rights.bits(), "not_after": r.not_after }),
    )
}

fn policy(d: &mut Draw) -> Policy {
    let [min_profile, min_format] = d.bytes();
    Policy {
        min_profile,
        min_format,
        max_quiet_days: d.u16(),
        grants_to_unverified: d.up_to(1) == 1,
        two_person: d.rising(|d| EnvId(d.bytes()), |env| *env),
    }
}

fn spell_policy(policy: &Policy) -> Value {
    json!({
        "min_profile": policy.min_profile,
        "min_format": policy.min_format,
        "max_quiet_days": policy.max_quiet_days,
        "grants_to_unverified": policy.grants_to_unverified,
        "two_person": list(&policy.two_person, |env| text(env)),
    })
}
