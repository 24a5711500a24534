//! Every object of the protocol, drawn at random.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use proptest::sample::select;
use strongroom_format::agency::{Agency, SealedCall};
use strongroom_format::commit::{Change, Commit, Field, FieldHash, Op, SignedCommit};
use strongroom_format::event::{Act, Detail, Event, EventKind, SignedAct};
use strongroom_format::hash::ZERO;
use strongroom_format::id::{
    AgentId, DeviceId, EnvId, InviteId, OrgId, Principal, SecretId, TokenId, UserId,
};
use strongroom_format::pins::{AuditPin, EnvPin, Pins};
use strongroom_format::statement::{
    Body, CutPoint, EnvKind, EnvRight, EpochReason, Link, MemberKeys, Policy, Rights, Role,
    Signature, Statement, WrapEntry,
};
use strongroom_format::wire::{
    ActPage, CommitPage, CommitRecord, EnvelopePage, FieldEnvelope, InviteUpload, ItemPage,
    ItemRecord, PreviousUpload, TokenUpload, WrapUpload, WriteBatch,
};

pub(crate) fn key() -> impl Strategy<Value = [u8; 32]> {
    any::<[u8; 32]>()
}

fn id16() -> impl Strategy<Value = [u8; 16]> {
    any::<[u8; 16]>()
}

pub(crate) fn env() -> impl Strategy<Value = EnvId> {
    id16().prop_map(EnvId)
}

fn user() -> impl Strategy<Value = UserId> {
    id16().prop_map(UserId)
}

fn org() -> impl Strategy<Value = OrgId> {
    key().prop_map(OrgId)
}

pub(crate) fn signature() -> impl Strategy<Value = Signature> {
    (key(), key()).prop_map(|(r, s)| {
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&r);
        signature[32..].copy_from_slice(&s);
        signature
    })
}

pub(crate) fn principal() -> impl Strategy<Value = Principal> {
    prop_oneof![
        user().prop_map(Principal::User),
        id16().prop_map(|id| Principal::Token(TokenId(id))),
        id16().prop_map(|id| Principal::Agent(AgentId(id))),
    ]
}

fn rights() -> impl Strategy<Value = Rights> {
    vec(select(&[Rights::READ, Rights::WRITE, Rights::GRANT][..]), 1..4)
        .prop_map(|list| list.into_iter().fold(Rights::NONE, Rights::with))
}

fn keys() -> impl Strategy<Value = MemberKeys> {
    (key(), key()).prop_map(|(isk, iek)| MemberKeys { isk, iek })
}

fn envs() -> impl Strategy<Value = Vec<EnvId>> {
    btree_set(env(), 0..5).prop_map(|set| set.into_iter().collect())
}

fn policy() -> impl Strategy<Value = Policy> {
    (any::<u8>(), any::<u8>(), any::<u16>(), any::<bool>(), envs()).prop_map(
        |(min_profile, min_format, max_quiet_days, grants_to_unverified, two_person)| Policy {
            min_profile,
            min_format,
            max_quiet_days,
            grants_to_unverified,
            two_person,
        },
    )
}

fn env_rights() -> impl Strategy<Value = Vec<EnvRight>> {
    btree_map(env(), (rights(), any::<u64>()), 0..5).prop_map(|map| {
        let one = |(env, (rights, not_after))| EnvRight { env, rights, not_after };
        map.into_iter().map(one).collect()
    })
}

fn wraps() -> impl Strategy<Value = Vec<WrapEntry>> {
    btree_map(principal(), key(), 0..5).prop_map(|map: BTreeMap<_, _>| {
        map.into_iter().map(|(recipient, wrap)| WrapEntry { recipient, wrap }).collect()
    })
}

fn cuts() -> impl Strategy<Value = Vec<CutPoint>> {
    btree_map(env(), (any::<u64>(), key()), 0..5).prop_map(|map| {
        map.into_iter().map(|(env, (seq, head))| CutPoint { env, seq, head }).collect()
    })
}

/// Links 1 to 10.
fn first_bodies() -> impl Strategy<Value = Body> {
    let role = || select(Role::ALL);
    let invite = || id16().prop_map(InviteId);
    prop_oneof![
        (any::<u8>(), user(), keys(), key(), policy()).prop_map(
            |(suite, founder, keys, audit_vkey, policy)| Body::Genesis {
                suite,
                founder,
                keys,
                audit_vkey,
                policy
            }
        ),
        (invite(), key(), role(), env_rights(), any::<u64>()).prop_map(
            |(invite, key_hash, role, grants, expires)| Body::Invite {
                invite,
                key_hash,
                role,
                grants,
                expires
            }
        ),
        (user(), keys(), role(), invite(), signature()).prop_map(
            |(user, keys, role, invite, pop)| Body::MemberAdd { user, keys, role, invite, pop }
        ),
        (user(), role()).prop_map(|(user, role)| Body::MemberRole { user, role }),
        (user(), cuts()).prop_map(|(user, cuts)| Body::MemberRemove { user, cuts }),
        (keys(), signature()).prop_map(|(keys, by_new)| Body::KeyRotate { keys, by_new }),
        (user(), keys(), signature()).prop_map(|(user, keys, pop)| Body::KeyReset {
            user,
            keys,
            pop
        }),
        (env(), select(EnvKind::ALL), id16(), env(), any::<u64>(), user()).prop_map(
            |(env, kind, place, parent, expires, owner)| Body::EnvCreate {
                env,
                kind,
                place,
                parent,
                expires,
                owner
            }
        ),
        (env(), principal(), rights(), any::<u64>()).prop_map(
            |(env, principal, rights, not_after)| Body::EnvGrant {
                env,
                principal,
                rights,
                not_after
            }
        ),
        (env(), principal()).prop_map(|(env, principal)| Body::EnvRevoke { env, principal }),
    ]
}

/// Links 11 to 20.
fn last_bodies() -> impl Strategy<Value = Body> {
    let token = || id16().prop_map(TokenId);
    let agent = || id16().prop_map(AgentId);
    prop_oneof![
        (
            (env(), any::<u32>(), key(), select(EpochReason::ALL)),
            (any::<u64>(), key()),
            wraps(),
            key()
        )
            .prop_map(
                |((env, epoch, dek_commit, reason), (cut_seq, cut_head), wraps, previous)| {
                    Body::DekEpoch {
                        env,
                        epoch,
                        dek_commit,
                        reason,
                        cut_seq,
                        cut_head,
                        wraps,
                        previous,
                    }
                }
            ),
        (token(), key(), key(), env_rights(), any::<u64>()).prop_map(
            |(token, sig_pub, enc_pub, rights, not_after)| Body::TokenIssue {
                token,
                sig_pub,
                enc_pub,
                rights,
                not_after
            }
        ),
        token().prop_map(|token| Body::TokenRevoke { token }),
        policy().prop_map(Body::Policy),
        (any::<u32>(), any::<u64>(), key()).prop_map(|(reset, size, root)| Body::AuditAnchor {
            reset,
            size,
            root
        }),
        (any::<u32>(), any::<u64>(), key()).prop_map(|(reset, size, root)| Body::AuditRetention {
            reset,
            size,
            root
        }),
        any::<u8>().prop_map(|suite| Body::SuiteRaise { suite }),
        (any::<u32>(), any::<u64>(), key(), key()).prop_map(
            |(old_reset, size, root, audit_vkey)| Body::AuditReset {
                old_reset,
                size,
                root,
                audit_vkey
            }
        ),
        (agent(), key(), key(), user(), any::<u64>()).prop_map(
            |(agent, name_hash, policy_hash, responsible, not_after)| Body::AgentIssue {
                agent,
                name_hash,
                policy_hash,
                responsible,
                not_after
            }
        ),
        agent().prop_map(|agent| Body::AgentRevoke { agent }),
        (env(), vec(env(), 0..5)).prop_map(|(env, groups)| Body::Compose { env, groups }),
    ]
}

pub(crate) fn statement() -> impl Strategy<Value = Statement> {
    let body = prop_oneof![first_bodies(), last_bodies()];
    (org(), any::<u64>(), key(), principal(), any::<u64>(), body).prop_map(
        |(org, seq, prev, author, time_ms, body)| Statement {
            org,
            seq,
            prev,
            author,
            time_ms,
            body,
        },
    )
}

pub(crate) fn link() -> impl Strategy<Value = Link> {
    (statement(), signature()).prop_map(|(statement, signature)| Link::new(statement, &signature))
}

pub(crate) fn changes() -> impl Strategy<Value = Vec<Change>> {
    let more = btree_map(select(&Field::ALL[1..]), key(), 0..4);
    let fields = prop::option::of((key(), more));
    btree_map(id16(), (any::<u64>(), fields), 0..6).prop_map(|map| {
        let one = |(secret, (version, fields)): ([u8; 16], (u64, Option<(_, BTreeMap<_, _>)>))| {
            let secret = SecretId(secret);
            let Some((name, more)) = fields else {
                return Change { op: Op::Delete, secret, version, fields: Vec::new() };
            };
            let name = FieldHash { field: Field::Name, envelope: name };
            let more = more.into_iter().map(|(field, envelope)| FieldHash { field, envelope });
            let fields = std::iter::once(name).chain(more).collect();
            Change { op: Op::Put, secret, version, fields }
        };
        map.into_iter().map(one).collect()
    })
}

pub(crate) fn commit() -> impl Strategy<Value = Commit> {
    let place = (org(), env(), any::<u64>(), key(), principal());
    let seen = (any::<u64>(), key(), any::<u32>(), any::<u64>(), key());
    (place, seen, changes()).prop_map(
        |(
            (org, env, seq, prev, author),
            (org_seq, org_head, dek_epoch, time_ms, root),
            changes,
        )| {
            Commit {
                org,
                env,
                seq,
                prev,
                author,
                org_seq,
                org_head,
                dek_epoch,
                time_ms,
                state_root: root,
                changes,
            }
        },
    )
}

pub(crate) fn signed_commit() -> impl Strategy<Value = SignedCommit> {
    (commit(), signature()).prop_map(|(commit, signature)| SignedCommit::new(commit, &signature))
}

pub(crate) fn act() -> impl Strategy<Value = Act> {
    let detail = (env(), id16(), any::<u64>(), any::<u64>(), any::<u16>()).prop_map(
        |(env, secret, version, number, status)| Detail {
            env,
            secret: SecretId(secret),
            version,
            number,
            status,
        },
    );
    let actor = prop::option::of(principal());
    let who = (org(), select(EventKind::ALL), actor, id16());
    (who, (any::<u64>(), key(), key()), detail, prop::option::of(agency())).prop_map(
        |((org, kind, actor, device), (actor_seq, actor_prev, org_head), detail, agency)| Act {
            org,
            kind,
            actor,
            device: DeviceId(device),
            actor_seq,
            actor_prev,
            org_head,
            detail,
            agency: agency.filter(|_| kind.may_name_agent()),
        },
    )
}

fn agency() -> impl Strategy<Value = Agency> {
    let sealed = (1u32.., vec(any::<u8>(), 137..=400))
        .prop_map(|(epoch, envelope)| SealedCall { epoch, envelope });
    (id16(), prop::option::of(sealed))
        .prop_map(|(agent, sealed)| Agency { agent: AgentId(agent), sealed })
}

pub(crate) fn signed_act() -> impl Strategy<Value = SignedAct> {
    (act(), signature()).prop_map(|(act, signature)| SignedAct { act, signature })
}

pub(crate) fn event() -> impl Strategy<Value = Event> {
    (act(), signature(), any::<u64>(), "[ -~\u{e9}]{0,30}").prop_map(
        |(act, signature, server_time_ms, peer)| {
            let signature = if act.kind.is_signed() { signature } else { [0; 64] };
            Event { act, signature, server_time_ms, peer }
        },
    )
}

pub(crate) fn pins() -> impl Strategy<Value = Pins> {
    let env_pin = btree_map(env(), (any::<u64>(), key(), any::<u32>()), 0..5);
    let audit = (any::<u32>(), any::<u64>(), key());
    let head = (any::<u64>(), any::<u64>(), key(), any::<u64>(), any::<u8>());
    (org(), head, audit, env_pin).prop_map(
        |(org, (generation, org_seq, org_head, newest_ms, suite), (reset, size, root), envs)| {
            Pins {
                org,
                generation,
                org_seq,
                org_head,
                newest_ms,
                suite,
                audit: AuditPin { reset, size, root },
                envs: envs
                    .into_iter()
                    .map(|(env, (seq, head, epoch))| EnvPin { env, seq, head, epoch })
                    .collect(),
            }
        },
    )
}

fn blobs() -> impl Strategy<Value = Vec<Vec<u8>>> {
    vec(vec(any::<u8>(), 0..20), 0..4)
}

pub(crate) fn envelope_page() -> impl Strategy<Value = EnvelopePage> {
    blobs().prop_map(|envelopes| EnvelopePage { envelopes })
}

pub(crate) fn act_page() -> impl Strategy<Value = ActPage> {
    vec(signed_act(), 0..3).prop_map(|acts| ActPage { acts })
}

pub(crate) fn write_batch() -> impl Strategy<Value = WriteBatch> {
    let wrap =
        (env(), any::<u32>(), principal(), key()).prop_map(|(env, epoch, recipient, seed)| {
            WrapUpload { env, epoch, recipient, wrap: std::array::from_fn(|i| seed[i % 32]) }
        });
    let previous = (env(), any::<u32>(), vec(any::<u8>(), 0..20))
        .prop_map(|(env, epoch, sealed)| PreviousUpload { env, epoch, sealed });
    let token = (id16(), key())
        .prop_map(|(token, bearer_hash)| TokenUpload { token: TokenId(token), bearer_hash });
    let invite = (id16(), key())
        .prop_map(|(invite, bearer_hash)| InviteUpload { invite: InviteId(invite), bearer_hash });
    let keys = (vec(wrap, 0..3), vec(previous, 0..3), vec(token, 0..3), vec(invite, 0..3));
    (blobs(), keys, blobs(), blobs(), vec(signed_act(), 0..3)).prop_map(
        |(links, (wraps, previous, tokens, invites), commits, envelopes, acts)| WriteBatch {
            links,
            wraps,
            previous,
            commits,
            envelopes,
            acts,
            tokens,
            invites,
        },
    )
}

pub(crate) fn item_page() -> impl Strategy<Value = ItemPage> {
    let field = (select(Field::ALL), vec(any::<u8>(), 0..20))
        .prop_map(|(field, envelope)| FieldEnvelope { field, envelope });
    let item = (id16(), any::<u64>(), select(Op::ALL), any::<u32>(), vec(field, 0..4)).prop_map(
        |(secret, version, op, epoch, fields)| ItemRecord {
            secret: SecretId(secret),
            version,
            op,
            epoch,
            fields,
        },
    );
    (vec(any::<u8>(), 0..20), vec(item, 0..4), any::<bool>())
        .prop_map(|(head, items, more)| ItemPage { head, items, more })
}

pub(crate) fn commit_page() -> impl Strategy<Value = CommitPage> {
    let record = (vec(any::<u8>(), 0..20), blobs())
        .prop_map(|(commit, envelopes)| CommitRecord { commit, envelopes });
    (vec(record, 0..4), any::<bool>()).prop_map(|(commits, more)| CommitPage { commits, more })
}

/// Something that is "nothing yet" now and then.
pub(crate) fn digest_or_zero() -> impl Strategy<Value = [u8; 32]> {
    prop_oneof![Just(ZERO), key()]
}
