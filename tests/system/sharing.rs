//! Rows C: sharing and membership.

use std::collections::BTreeSet;

use strongroom_client::vault::{VaultError, look, read_code};
use strongroom_core::details::EnvClass;
use strongroom_core::team::Intent;
use strongroom_crypto::safe::{Dek, Fingerprint, InviteCode, OsEntropy, Recipient, WrapContext};
use strongroom_evil_server::{Answer, Request};
use strongroom_format::commit::SignedCommit;
use strongroom_format::encoding::Codec as _;
use strongroom_format::event::Event;
use strongroom_format::hash::ZERO;
use strongroom_format::id::{InviteId, OrgId, Principal, UserId};
use strongroom_format::statement::{Body, EpochReason, Link, MemberKeys, Rights, Role, Statement};
use strongroom_format::wire::{
    B64, ChainAnswer, CommitPage, CommitRecord, EnvelopePage, ItemPage, JoinList, OrgList,
    SyncAnswer, WrapAnswer, WriteBatch,
};
use strongroom_secret::SecretText;

use crate::integrity::forge_link;
use crate::scenario::{Named, sync};
use crate::team_house::{CI, PINNED, Team, WITH_CODE, WITHOUT, cell, invite, right, sign};
use crate::world::{Device, api};

type ChangeOfWraps = fn(&mut Vec<strongroom_format::statement::WrapEntry>);
type ChangeOfJoin = fn(&mut strongroom_format::wire::JoinRequest);
type Parser = fn(&[u8]) -> bool;

/// Whoever fetches the chain from its beginning.
const FROM_THE_BEGINNING: [&str; 3] = [WITH_CODE, WITHOUT, CI];

/// A lie about links, wherever they are served.
fn links(
    change: impl Fn(&mut Vec<B64>) + Send + Sync + 'static,
) -> impl Fn(&Request, &mut Answer) + Send + Sync + 'static {
    move |request, answer| {
        if request.is("GET", "/sync") {
            answer.edit(|answer: &mut SyncAnswer| change(&mut answer.links));
        } else if request.is("GET", "/invite/chain") {
            answer.edit(|answer: &mut ChainAnswer| change(&mut answer.links));
        }
    }
}

/// Changes what a link says and leaves its signature as it was.
fn reworded(link: &B64, change: impl FnOnce(&mut Statement)) -> B64 {
    let link = Link::parse(&link.0).unwrap();
    let mut statement = link.statement.clone();
    change(&mut statement);
    B64(Link::new(statement, &link.signature()).as_bytes().to_vec())
}

fn is_member_add(link: &B64) -> bool {
    matches!(Link::parse(&link.0).unwrap().statement.body, Body::MemberAdd { .. })
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn c01_bw08_no_organisation_is_taken_in_because_the_server_lists_it() {
    let team = Team::new().await;
    let stranger = Device::create(&team.evil.origin()).await;
    let foreign = stranger.org();
    let lie = move |request: &Request, answer: &mut Answer| {
        if request.is("GET", "/v1/orgs") {
            answer.edit(|list: &mut OrgList| list.orgs.push(foreign));
        }
    };
    team.tell(lie).await.without_effect();
    let asked = team.evil.traffic().iter().any(|e| e.request.path.contains(&foreign.to_string()));
    assert!(!asked, "nobody asks for an organisation that only the server named");
    assert_eq!(team.mara.session().organisations().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn c02_bw09_an_organisation_is_not_another_one_right_after_it_was_made() {
    let team = Team::new().await;
    let mut made = Device::create(&team.evil.origin()).await;
    made.lock().await;
    let theirs = chain_of(&team).await;
    team.evil.lie(sync(move |answer| answer.links.clone_from(&theirs)));
    assert!(made.open().await.is_err());
    made.lose_cache();
    assert!(made.open().await.is_err());
}

/// The whole chain as the honest server shows it.
async fn chain_of(team: &Team) -> Vec<B64> {
    let mut device = team.mara.at(&team.pinned);
    device.lose_cache();
    team.evil.forget();
    device.open().await.unwrap();
    let traffic = team.evil.traffic();
    let first = traffic.iter().find(|e| e.request.is("GET", "/sync")).unwrap();
    first.answer.read_json::<SyncAnswer>().unwrap().links
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn c03_lp07_no_public_key_comes_from_anywhere_but_the_signed_chain() {
    let team = Team::new().await;
    let lies: Vec<Named<fn(&mut MemberKeys)>> = vec![
        ("encryption key", |keys| keys.iek = [9; 32]),
        ("identity key", |keys| keys.isk = [9; 32]),
        ("both", |keys| *keys = MemberKeys { isk: [8; 32], iek: [9; 32] }),
        ("each in the place of the other", |keys| std::mem::swap(&mut keys.isk, &mut keys.iek)),
        ("one bit", |keys| keys.iek[31] ^= 1),
    ];
    for (what, change) in lies {
        let lie = links(move |links| {
            for link in links.iter_mut().filter(|link| is_member_add(link)) {
                *link = reworded(link, |statement| {
                    if let Body::MemberAdd { keys, .. } = &mut statement.body {
                        change(keys);
                    }
                });
            }
        });
        let ends = team.tell(lie).await;
        println!("{what}");
        ends.refused_in(&FROM_THE_BEGINNING);
    }
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn c04_1p06_a_data_key_that_the_server_knows_is_never_opened() {
    let team = Team::new().await;
    let (org, teo) = (team.org, team.teo.session().user());
    let keys = team.mara.session().with(|opened| {
        let state = opened.replica().state();
        Ok(state.encryption_key(&Principal::User(teo)).unwrap())
    });
    let iek = keys.unwrap();
    let known = Dek::make(&mut OsEntropy).unwrap();
    let lie = sync(move |answer| {
        for wrap in &mut answer.wraps {
            let context = WrapContext {
                org,
                env: wrap.env_id,
                epoch: wrap.epoch,
                dek_commit: known.commit(&org, &wrap.env_id, wrap.epoch),
                recipient: Recipient { principal: Principal::User(teo), iek },
                author: Principal::User(teo),
                author_isk: [1; 32],
            };
            wrap.wrap = B64(known.wrap(&context, &mut OsEntropy).unwrap());
        }
    });
    team.tell(lie).await.refused_in(&FROM_THE_BEGINNING);
    // Wraps that are each other's, or another epoch's.
    let lie = sync(|answer| {
        let wraps: Vec<B64> = answer.wraps.iter().map(|wrap| wrap.wrap.clone()).collect();
        for (at, wrap) in answer.wraps.iter_mut().enumerate() {
            wrap.wrap = wraps[(at + 1) % wraps.len()].clone();
        }
    });
    team.tell(lie).await.refused_in(&[WITH_CODE, WITHOUT]);
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn c05_ghost_nobody_is_added_to_or_taken_from_those_who_hold_a_key() {
    let team = Team::new().await;
    let ghost = |wraps: &mut Vec<strongroom_format::statement::WrapEntry>| {
        let mut entry = *wraps.last().unwrap();
        entry.recipient = Principal::User(UserId([0xff; 16]));
        wraps.push(entry);
    };
    let lies: Vec<Named<ChangeOfWraps>> = vec![
        ("one more", ghost),
        ("one less", |wraps| {
            wraps.pop();
        }),
        ("one twice", |wraps| wraps.push(*wraps.last().unwrap())),
        ("another wrap", |wraps| wraps[0].wrap = [7; 32]),
    ];
    for (what, change) in lies {
        println!("{what}");
        let lie = links(move |links| {
            for link in links.iter_mut() {
                let parsed = Link::parse(&link.0).unwrap();
                if matches!(parsed.statement.body, Body::DekEpoch { .. }) {
                    *link = reworded(link, |statement| {
                        if let Body::DekEpoch { wraps, .. } = &mut statement.body {
                            change(wraps);
                        }
                    });
                    break;
                }
            }
        });
        team.tell(lie).await.refused_in(&FROM_THE_BEGINNING);
    }
    // The same, signed by somebody who is nobody here.
    let lie = links(|links| {
        let epoch = links.iter_mut().find(|link| {
            let body = Link::parse(&link.0).unwrap().statement.body;
            matches!(body, Body::DekEpoch { reason: EpochReason::ReaderAdded, .. })
        });
        if let Some(link) = epoch {
            *link = B64(forge_link(Link::parse(&link.0).unwrap().statement));
        }
    });
    team.tell(lie).await.refused_in(&FROM_THE_BEGINNING);
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn c06_no_list_of_devices_or_keys_is_the_servers() {
    let team = Team::new().await;
    // A second admission of the same person, with keys of the server's.
    let lie = links(|links| {
        let Some(add) = links.iter().find(|link| is_member_add(link)).cloned() else { return };
        let last = Link::parse(&links.last().unwrap().0).unwrap();
        let mut statement = Link::parse(&add.0).unwrap().statement;
        statement.seq = last.statement.seq + 1;
        statement.prev = last.head();
        statement.time_ms = last.statement.time_ms;
        if let Body::MemberAdd { keys, .. } = &mut statement.body {
            *keys = MemberKeys { isk: [3; 32], iek: [4; 32] };
        }
        links.push(B64(forge_link(statement)));
    });
    team.tell(lie).await.refused_in(&FROM_THE_BEGINNING);
}

#[test]
pub(crate) fn c07_fp_domain_no_id_or_key_passes_for_another_kind() {
    let mut all = BTreeSet::new();
    let mut tried = 0;
    for n in 0..64_u8 {
        let (user, isk, iek) = ([n; 16], [n.wrapping_add(1); 32], [n.wrapping_add(2); 32]);
        let swapped = MemberKeys { isk: iek, iek: isk };
        for (user, keys) in [
            (UserId(user), MemberKeys { isk, iek }),
            (UserId(user), swapped),
            (UserId(isk[..16].try_into().unwrap()), MemberKeys { isk: iek, iek: isk }),
        ] {
            tried += 1;
            all.insert((Fingerprint::of(&user, &keys).to_string(), user, keys.isk, keys.iek));
        }
    }
    let prints: BTreeSet<&String> = all.iter().map(|(print, ..)| print).collect();
    assert_eq!(prints.len(), all.len(), "two inputs share a fingerprint among {tried}");
    // One text is an id of one kind only.
    let user = UserId([5; 16]).to_string();
    assert!(user.parse::<InviteId>().is_err() && user.parse::<OrgId>().is_err());
    assert!(user.replace("usr_", "env_").parse::<UserId>().is_err());
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn c08_unsolicited_wraps_change_nothing() {
    let team = Team::new().await;
    let lie = sync(|answer| {
        let Some(first) = answer.wraps.first().cloned() else { return };
        for epoch in [0, 7, u32::MAX] {
            answer.wraps.push(WrapAnswer { epoch, ..first.clone() });
        }
        let env_id = strongroom_format::id::EnvId([9; 16]);
        answer.wraps.push(WrapAnswer { env_id, ..first });
    });
    team.tell(lie).await.without_effect();
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn c09_xproto_every_object_is_read_by_its_own_parser_only() {
    let team = Team::new().await;
    let mut device = team.mara.at(&team.pinned);
    device.lose_cache();
    team.evil.forget();
    device.open().await.unwrap();
    device.put("prod", "DATABASE_URL", "postgres://two").await.unwrap();
    let traffic = team.evil.traffic();
    let page = |ending: &str| {
        let found = traffic.iter().find(|e| e.request.is("GET", ending)).unwrap();
        found.answer.body.clone()
    };
    let write = traffic.iter().find(|e| e.request.is("POST", "/write")).unwrap();
    let batch = WriteBatch::decode(&write.request.body).unwrap();
    let items = ItemPage::decode(&page("/items")).unwrap();
    let link = Link::parse(&chain_of(&team).await[1].0).unwrap().as_bytes().to_vec();
    let envelope = items.items.iter().flat_map(|item| &item.fields).next().unwrap();
    let objects: Vec<(&str, Vec<u8>)> = vec![
        ("link", link),
        ("commit", items.head.clone()),
        ("items", page("/items")),
        ("batch", batch.encode()),
        ("envelope", envelope.envelope.clone()),
        ("envelopes", EnvelopePage { envelopes: vec![envelope.envelope.clone()] }.encode()),
    ];
    let parsers: Vec<(&str, Parser)> = vec![
        ("link", |b| Link::parse(b).is_ok()),
        ("commit", |b| SignedCommit::parse(b).is_ok()),
        ("items", |b| ItemPage::decode(b).is_ok()),
        ("batch", |b| WriteBatch::decode(b).is_ok()),
        ("envelopes", |b| EnvelopePage::decode(b).is_ok()),
        ("event", |b| Event::decode(b).is_ok()),
        ("commits", |b| CommitPage::decode(b).is_ok()),
    ];
    for (object, bytes) in &objects {
        for (parser, reads) in &parsers {
            assert_eq!(reads(bytes), object == parser, "{object} read as {parser}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn c10_oddeven_two_histories_are_found_when_one_commit_crosses() {
    let mut team = Team::new().await;
    let teo = team.teo.moment().await;
    let before = team.honest.backup().await;
    team.mara.open().await.unwrap();
    team.mara.put("prod", "STRIPE_KEY", "sk_odd").await.unwrap();
    // The server forgets that, and lets Teo write at the same place.
    team.honest.restore(&before).await;
    let mut other = team.teo.at(&teo);
    other.open().await.unwrap();
    other.put("prod", "STRIPE_KEY", "sk_even").await.unwrap();
    let met = team.mara.session().sync().await;
    assert!(matches!(met, Err(VaultError::Stopped(_))), "{met:?}");
    let again = team.mara.put("prod", "STRIPE_KEY", "sk_three").await;
    assert!(matches!(again, Err(VaultError::Stopped(_))), "{again:?}");
    let evidence = team.mara.session().with(|org| Ok(org.standing.evidence.clone())).unwrap();
    let file = std::fs::read(evidence.expect("evidence is left")).unwrap();
    assert!(strongroom_core::evidence::judge(&file).is_ok());
}

/// What Teo writes on a server that forgot what happened since.
async fn written_by_teo_after(
    team: &mut Team,
    happens: impl AsyncFnOnce(&Team),
) -> (CommitRecord, u64) {
    let teo = team.teo.moment().await;
    let before = team.honest.backup().await;
    happens(team).await;
    let now = team.honest.backup().await;
    team.honest.restore(&before).await;
    let mut zombie = team.teo.at(&teo);
    zombie.open().await.unwrap();
    team.evil.forget();
    zombie.put("prod", "STRIPE_KEY", "sk_zombie").await.unwrap();
    let traffic = team.evil.traffic();
    let write = traffic.iter().find(|e| e.request.is("POST", "/write")).unwrap();
    let batch = WriteBatch::decode(&write.request.body).unwrap();
    let prod = team.prod;
    let commit = batch
        .commits
        .iter()
        .find(|bytes| SignedCommit::parse(bytes).unwrap().commit.env == prod)
        .unwrap();
    let signed = SignedCommit::parse(commit).unwrap();
    let fields: usize = signed.commit.changes.iter().map(|change| change.fields.len()).sum();
    let record = CommitRecord {
        commit: commit.clone(),
        envelopes: batch.envelopes.into_iter().take(fields).collect(),
    };
    team.honest.restore(&now).await;
    (record, signed.commit.seq)
}

/// Serves a commit in the place of the honest one, and nothing after it.
fn instead_of(
    record: CommitRecord,
    seq: u64,
    team: &Team,
) -> impl Fn(&Request, &mut Answer) + Send + Sync + 'static {
    let env = format!("/envs/{}/", team.prod);
    let head = SignedCommit::parse(&record.commit).unwrap().head();
    let prod = team.prod;
    move |request, answer| {
        if request.is("GET", "/sync") {
            answer.edit(|answer: &mut SyncAnswer| {
                for stated in answer.envs.iter_mut().filter(|head| head.env_id == prod) {
                    stated.seq = seq;
                    stated.head = B64(head.to_vec());
                }
            });
        } else if request.path.contains(&env) && request.is("GET", "/commits") {
            answer.edit_page(|page: &mut CommitPage| {
                page.commits.retain(|r| SignedCommit::parse(&r.commit).unwrap().commit.seq < seq);
                page.commits.push(record.clone());
                page.more = false;
            });
        } else if request.path.contains(&env) && request.is("GET", "/items") {
            answer.edit_page(|page: &mut ItemPage| page.head.clone_from(&record.commit));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn c11_zombie_writer_a_removed_member_writes_no_more_with_the_servers_help() {
    let mut team = Team::new().await;
    let user = team.teo.session().user();
    let (record, seq) = written_by_teo_after(&mut team, async |team| {
        let due = sign(&team.mara, Intent::Remove { user }).await.unwrap();
        for done in team.mara.session().rotate(&due).await.unwrap() {
            done.result.unwrap();
        }
    })
    .await;
    team.mara.open().await.unwrap();
    let lie = instead_of(record, seq, &team);
    let ends = team.tell(lie).await;
    ends.refused_in(&[PINNED, WITHOUT, CI]);
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn c12_whoever_may_only_read_writes_nothing_even_with_the_servers_help() {
    let mut team = Team::new().await;
    let (prod, user) = (team.prod, team.teo.session().user());
    let (record, seq) = written_by_teo_after(&mut team, async |team| {
        let only = vec![cell(prod, user, Rights::READ)];
        sign(&team.mara, Intent::Access(only)).await.unwrap();
        team.mara.put("prod", "STRIPE_KEY", "sk_three").await.unwrap();
    })
    .await;
    team.mara.open().await.unwrap();
    let mut pinned = team.mara.moment().await;
    std::mem::swap(&mut team.pinned, &mut pinned);
    team.mara.open().await.unwrap();
    let lie = instead_of(record, seq, &team);
    team.evil.lie(lie);
    let met = team.mara.session().sync().await;
    assert!(matches!(met, Err(VaultError::Stopped(_))), "{met:?}");
    team.evil.be_honest();
    let mut teo = team.teo.at(&team.asked);
    teo.open_with(crate::world::PASSPHRASE).await.unwrap();
    teo.session().follow_up().await.unwrap();
    let refused = teo.put("prod", "STRIPE_KEY", "sk_reader").await;
    assert!(matches!(refused, Err(VaultError::NotAllowed)), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn c13_nobody_raises_himself_or_acts_on_whoever_stands_above() {
    let team = Team::new().await;
    let (mara, teo) = (team.mara.session().user(), team.teo.session().user());
    for intent in [
        Intent::Remove { user: mara },
        Intent::Role { user: mara, role: Role::Member },
        Intent::Role { user: teo, role: Role::Admin },
        Intent::Role { user: teo, role: Role::Owner },
        Intent::OnlyVerified,
    ] {
        let refused = sign(&team.teo, intent.clone()).await;
        assert!(refused.is_err(), "a member: {intent:?}");
    }
    sign(&team.mara, Intent::Role { user: teo, role: Role::Admin }).await.unwrap();
    team.teo.session().follow_up().await.unwrap();
    for intent in [
        Intent::Remove { user: mara },
        Intent::Role { user: mara, role: Role::Member },
        Intent::Role { user: teo, role: Role::Owner },
        Intent::OnlyVerified,
    ] {
        let refused = sign(&team.teo, intent.clone()).await;
        assert!(refused.is_err(), "an admin: {intent:?}");
    }
    let last = sign(&team.mara, Intent::Remove { user: mara }).await;
    assert!(last.is_err(), "one owner at least remains");
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn c14_an_id_is_admitted_once() {
    let mut team = Team::new().await;
    // Teo asks again with the code of another invitation, under the id that he has.
    let code = invite(&team.mara, Role::Member, vec![right(team.prod, Rights::READ)]).await;
    let asks = Device::join(&team.evil.origin(), &code, "Eve").await.unwrap();
    let (eve, teo) = (asks.session().user(), team.teo.session().user());
    team.evil.lie(move |request: &Request, answer: &mut Answer| {
        if request.is("GET", "/joins") {
            answer.edit(|list: &mut JoinList| {
                for join in list.joins.iter_mut().filter(|join| join.request.user_id == eve) {
                    join.request.user_id = teo;
                }
            });
        }
    });
    team.mara.session().follow_up().await.unwrap();
    assert_eq!(team.mara.session().members().unwrap().len(), 2);
    team.evil.be_honest();
    team.mara.open().await.unwrap();
    team.mara.session().follow_up().await.unwrap();
    assert_eq!(team.mara.session().members().unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn c15_a_join_is_of_whoever_holds_the_code_and_of_nobody_else() {
    let team = Team::new().await;
    let code = invite(&team.mara, Role::Member, vec![right(team.prod, Rights::READ)]).await;
    let joins = Device::join(&team.evil.origin(), &code, "Ines").await.unwrap();
    let stranger = Device::create(&team.evil.origin()).await;
    let lies: Vec<Named<ChangeOfJoin>> = vec![
        ("another identity key", |join| join.isk.0[0] ^= 1),
        ("another encryption key", |join| join.iek.0[0] ^= 1),
        ("keys of the server's", |join| join.iek = B64(vec![9; 32])),
        ("another person", |join| join.user_id = UserId([9; 16])),
        ("another proof", |join| join.pop.0[0] ^= 1),
        ("another MAC", |join| join.mac.0[31] ^= 1),
        ("no MAC", |join| join.mac.0.clear()),
        ("keys in each other's place", |join| std::mem::swap(&mut join.isk, &mut join.iek)),
    ];
    for (what, change) in lies {
        team.evil.lie(move |request: &Request, answer: &mut Answer| {
            if request.is("GET", "/joins") {
                answer.edit(|list: &mut JoinList| {
                    list.joins.iter_mut().for_each(|join| change(&mut join.request));
                });
            }
        });
        team.mara.session().follow_up().await.unwrap();
        assert_eq!(team.mara.session().members().unwrap().len(), 2, "{what}");
    }
    team.evil.be_honest();
    team.mara.session().follow_up().await.unwrap();
    joins.session().follow_up().await.unwrap();
    assert_eq!(joins.session().members().unwrap().len(), 3);
    drop(stranger);
    // Used up: whoever else has the text comes too late.
    let late = Device::join(&team.evil.origin(), &code, "Late").await;
    assert!(matches!(late.err(), Some(VaultError::UsedCode)));
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn c16_no_byte_of_a_code_reaches_the_server() {
    let team = Team::new().await;
    team.evil.forget();
    let code = invite(&team.mara, Role::Member, Vec::new()).await;
    Device::join(&team.evil.origin(), &code, "Ines").await.unwrap();
    team.mara.session().follow_up().await.unwrap();
    let kept = team.honest.backup().await;
    let text = code.lend(str::to_owned);
    let key = team_key(&code);
    let mut stored = Vec::new();
    for entry in std::fs::read_dir(kept.0.path()).unwrap().flatten() {
        if entry.path().is_file() {
            stored.extend(std::fs::read(entry.path()).unwrap());
        }
    }
    let sent: Vec<u8> = team.evil.traffic().iter().flat_map(|e| e.request.bytes()).collect();
    let base64 = data_encoding::BASE64URL_NOPAD.encode(&key).into_bytes();
    let hex = data_encoding::HEXLOWER.encode(&key).into_bytes();
    // The end of the text is the address and the checksum, which are no secret.
    let middle = text.as_bytes()[120..160].to_vec();
    for needle in [key, base64, hex, middle] {
        for place in [&stored, &sent] {
            assert!(!place.windows(needle.len()).any(|window| window == needle));
        }
    }
}

/// The bytes of `K_inv` in a code: after version, id, position and head.
fn team_key(code: &SecretText) -> Vec<u8> {
    let bytes = code.lend(|code| strongroom_format::id::base32().decode(code.as_bytes()).unwrap());
    bytes[1 + 32 + 8 + 32..][..32].to_vec()
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn c17_a_code_shows_where_it_leads_before_anything_is_sent() {
    let team = Team::new().await;
    let code = invite(&team.mara, Role::Member, Vec::new()).await;
    assert_eq!(read_code(&code).unwrap().0, team.evil.origin());
    team.evil.forget();
    let seen = look(&code, &api(&team.evil.origin())).await.unwrap();
    assert_eq!(seen.org, team.org);
    let own = team.mara.session().members().unwrap()[0].fingerprint.clone();
    assert_eq!(seen.inviter_fingerprint, own);
    for exchange in team.evil.traffic() {
        assert_eq!(exchange.request.method, "GET");
        assert!(
            exchange.request.path.ends_with("/invite/chain") && exchange.request.body.is_empty()
        );
    }
    // A hostile server shows another organisation to whoever comes with the code.
    let stranger = Device::create(&team.evil.origin()).await;
    let foreign = {
        team.evil.forget();
        stranger.session().sync().await.unwrap();
        team.evil.traffic()
    };
    let genesis = foreign.iter().find_map(|e| e.answer.read_json::<SyncAnswer>()).unwrap().links;
    team.evil.lie(links(move |links| links.clone_from(&genesis)));
    assert!(matches!(
        look(&code, &api(&team.evil.origin())).await,
        Err(VaultError::Stopped(_) | VaultError::Api(_))
    ));
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn c18_genesis_another_beginning_is_refused_by_whoever_knows_nothing_yet() {
    let team = Team::new().await;
    let lie = links(|links| {
        // A genesis of the same shape with another founder key, and what follows it.
        if let Some(first) = links.first_mut() {
            let mut statement = Link::parse(&first.0).unwrap().statement;
            if statement.seq == 0 {
                statement.time_ms += 1;
                *first = B64(forge_link(statement));
            }
        }
    });
    team.tell(lie).await.refused_in(&FROM_THE_BEGINNING);
    let lie = links(|links| {
        if let Some(first) = links.first() {
            let begins = Link::parse(&first.0).unwrap().statement.prev == ZERO;
            if begins && links.len() > 1 {
                links.remove(0);
            }
        }
    });
    team.tell(lie).await.refused_in(&FROM_THE_BEGINNING);
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn c19_race_links_two_who_sign_at_once_lose_nothing() {
    let team = Team::new().await;
    let teo = team.teo.session().user();
    sign(&team.mara, Intent::Role { user: teo, role: Role::Admin }).await.unwrap();
    team.teo.session().follow_up().await.unwrap();
    let envs = |name: &str| vec![(name.to_owned(), EnvClass::Other)];
    for round in 0..12 {
        let (one, two) = (format!("mara-{round}"), format!("teo-{round}"));
        let (first, second) = tokio::join!(
            team.mara.session().create_app(&one, envs("prod")),
            team.teo.session().create_app(&two, envs("prod")),
        );
        first.unwrap();
        second.unwrap();
    }
    team.mara.session().sync().await.unwrap();
    team.teo.session().sync().await.unwrap();
    let count = |device: &Device| {
        let all = device.session().with(|org| {
            let envs = org.replica().state().envs().len();
            Ok((envs, org.replica().state().head()))
        });
        all.unwrap()
    };
    assert_eq!(count(&team.mara), count(&team.teo));
    assert_eq!(count(&team.mara).0, 3 + 24, "nothing lost, nothing doubled");
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn c20_stale_key_an_old_key_signs_nothing_after_it_was_replaced() {
    let mut team = Team::new().await;
    let user = team.teo.session().user();
    let (record, seq) = written_by_teo_after(&mut team, async |team| {
        let code = invite(&team.mara, Role::Member, Vec::new()).await;
        let key = code.lend(InviteCode::parse).unwrap().key.id();
        let again =
            Device::join_again(&team.evil.origin(), &code, "Teo again", user).await.unwrap();
        team.mara.session().follow_up().await.unwrap();
        let joiner = team.mara.session().reset_of(key, user).unwrap();
        let due = sign(&team.mara, Intent::Reset(joiner)).await.unwrap();
        for done in team.mara.session().rotate(&due).await.unwrap() {
            done.result.unwrap();
        }
        drop(again);
    })
    .await;
    team.mara.open().await.unwrap();
    let lie = instead_of(record, seq, &team);
    team.tell(lie).await.refused_in(&[PINNED, WITHOUT, CI]);
}
