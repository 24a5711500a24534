//! Rows B: the integrity of the vault.

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;

use ed25519_dalek::{Signer as _, SigningKey};
use strongroom_client::api::ApiError;
use strongroom_client::vault::{StopKind, VaultError};
use strongroom_core::env::EnvCopy;
use strongroom_evil_server::{Answer, Request};
use strongroom_format::commit::{Field, Op, SignedCommit};
use strongroom_format::encoding::Codec as _;
use strongroom_format::hash::label;
use strongroom_format::id::{EnvId, SecretId};
use strongroom_format::statement::{Body, EnvKind, Link, Statement};
use strongroom_format::wire::{
    B64, CommitPage, EnvHead, ItemPage, ItemRecord, SyncAnswer, WriteBatch,
};

use crate::scenario::{Named, Outcome, commits, items, sync};
use crate::world::House;

/// A key of the liar's own.
pub(crate) fn liar() -> SigningKey {
    SigningKey::from_bytes(&[66; 32])
}

pub(crate) fn forge_link(statement: Statement) -> Vec<u8> {
    let mut message = label("stmt");
    message.extend_from_slice(&statement.encode());
    Link::new(statement, &liar().sign(&message).to_bytes()).as_bytes().to_vec()
}

pub(crate) fn forge_commit(
    honest: &[u8],
    change: impl FnOnce(&mut strongroom_format::commit::Commit),
) -> Vec<u8> {
    let mut commit = SignedCommit::parse(honest).unwrap().commit;
    change(&mut commit);
    let mut message = label("commit");
    message.extend_from_slice(&commit.encode());
    SignedCommit::new(commit, &liar().sign(&message).to_bytes()).as_bytes().to_vec()
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn b01_bw04_no_plaintext_field_can_be_changed() {
    let house = House::new().await;
    // Items, field by field: a device that needs them refuses, or opens nothing.
    let lies: Vec<Named<fn(&mut ItemRecord)>> = vec![
        ("id", |item| item.secret.0[15] ^= 1),
        ("version", |item| item.version += 1),
        ("version", |item| item.version = 0),
        ("operation", |item| item.op = Op::Delete),
        ("epoch", |item| item.epoch += 1),
        ("epoch", |item| item.epoch = 0),
        ("field number", |item| {
            if let Some(field) = item.fields.last_mut() {
                field.field = Field::Policy;
            }
        }),
        ("field left out", |item| {
            item.fields.pop();
        }),
        ("envelope", |item| {
            if let Some(field) = item.fields.first_mut() {
                field.envelope[80] ^= 1;
            }
        }),
    ];
    for (what, lie) in lies {
        let lie = items(move |page| page.items.iter_mut().for_each(lie));
        let outcomes = house.tell(lie).await;
        // The epoch is a hint: the verified past overrules it.
        if what != "epoch" {
            outcomes.refused_by(&["fresh", "pinned without a copy"]);
        }
        assert!(!outcomes.of("pinned").is_refused(), "{what}: the copy needs no items");
    }
    // Heads, commits and links, bit by bit.
    for at in [0, 33, 57, 106, 150, 260] {
        let flip = move |bytes: &mut Vec<u8>| {
            let at = at % bytes.len();
            bytes[at] ^= 4;
        };
        let outcomes = house.tell(items(move |page| flip(&mut page.head))).await;
        outcomes.refused_by(&["fresh"]);
        let lie = commits(move |page| page.commits.iter_mut().for_each(|c| flip(&mut c.commit)));
        house.tell(lie).await.refused_by(&["fresh", "half-way"]);
        let lie = sync(move |answer| answer.links.iter_mut().for_each(|link| flip(&mut link.0)));
        house.tell(lie).await.refused_by_all();
    }
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn b01_bw04_no_field_of_a_sync_can_be_changed() {
    let house = House::new().await;
    for byte in [0, 40, 79] {
        let lie = sync(move |a| a.wraps.iter_mut().for_each(|wrap| wrap.wrap.0[byte] ^= 1));
        house.tell(lie).await.refused_by(&["fresh"]);
    }
    house.tell(sync(|a| a.wraps.clear())).await.refused_by(&["fresh"]);
    house
        .tell(sync(|a| a.wraps.iter_mut().for_each(|w| w.epoch += 1)))
        .await
        .refused_by(&["fresh"]);
    house
        .tell(sync(|a| a.envs.iter_mut().for_each(|e| e.head.0[0] ^= 1)))
        .await
        .refused_by(&["pinned"]);
    house.tell(sync(|a| a.envs.iter_mut().for_each(|e| e.seq -= 1))).await.refused_by(&["pinned"]);
    house.tell(sync(|a| a.envs.clear())).await.refused_by(&["pinned", "pinned without a copy"]);
    house.tell(sync(|a| a.links.clear())).await.refused_by_all();
    house
        .tell(sync(|a| a.checkpoint = a.checkpoint.replacen("strongroom", "Strongroom", 1)))
        .await
        .refused_by_all();
    house.tell(sync(|a| a.checkpoint.clear())).await.refused_by_all();
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn b02_bw05_no_two_fields_can_be_swapped() {
    let house = House::new().await;
    for (a, b) in [(0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1)] {
        // Field `a` gets the envelope of field `b`; or the two change places.
        for both in [false, true] {
            let lie = items(move |page| {
                for item in page.items.iter_mut().filter(|item| item.fields.len() > a.max(b)) {
                    let (left, right) =
                        (item.fields[a].envelope.clone(), item.fields[b].envelope.clone());
                    item.fields[a].envelope = right;
                    if both {
                        item.fields[b].envelope = left;
                    }
                }
            });
            house.tell(lie).await.refused_by(&["fresh", "pinned without a copy"]);
        }
    }
    // The envelopes of a commit come in the order that was signed.
    house
        .tell(commits(|page| page.commits.iter_mut().for_each(|c| c.envelopes.reverse())))
        .await
        .refused_by(&["half-way"]);
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn b03_swap_matrix_nothing_moves_between_items_environments_and_versions() {
    let house = House::new().await;
    for n in 0..8 {
        let name = format!("EXTRA_{n}");
        house.device.put("prod", &name, &format!("prod {n}")).await.unwrap();
        house.device.put("dev", &name, &format!("dev {n}")).await.unwrap();
        house.device.put("dev", &name, &format!("dev {n} again")).await.unwrap();
    }
    let (dev, prod) = (house.device.env("dev"), house.device.env("prod"));
    let pages = [house.items(dev).await, house.items(prod).await];
    let session = house.device.session();
    let check = |env: EnvId, head: &[u8], items: Vec<ItemRecord>| {
        session.with(|org| Ok(EnvCopy::from_items(org.replica().state(), env, head, items).is_ok()))
    };
    let mut tried = 0;
    for (target, env) in pages.iter().zip([dev, prod]) {
        assert!(check(env, &target.head, target.items.clone()).unwrap());
        for source in &pages {
            for i in 0..target.items.len() {
                for j in 0..source.items.len() {
                    let (old, new) = (&target.items[i], &source.items[j]);
                    if old == new || new.fields.is_empty() || old.fields.is_empty() {
                        continue;
                    }
                    // Its fields alone, its fields and version, the whole item.
                    let fields = ItemRecord { fields: new.fields.clone(), ..old.clone() };
                    let version = ItemRecord { version: new.version, ..fields.clone() };
                    for moved in [fields, version, new.clone()] {
                        let mut items = target.items.clone();
                        items[i] = moved;
                        assert!(!check(env, &target.head, items).unwrap(), "{i} from {j}");
                        tried += 1;
                    }
                }
            }
        }
        // Nor does a whole environment stand in for another.
        let (other, elsewhere) = if env == dev { (&pages[1], prod) } else { (&pages[0], dev) };
        assert!(!check(env, &other.head, other.items.clone()).unwrap());
        assert!(!check(elsewhere, &target.head, target.items.clone()).unwrap());
    }
    assert!(tried > 500, "{tried}");
    // Another organisation of the same person has its own chain and its own keys.
    session.create_org("Other").await.unwrap();
    assert!(check(prod, &pages[1].head, pages[1].items.clone()).is_ok_and(|fits| !fits));
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn b04_egress_none_no_request_follows_from_what_was_decrypted() {
    let house = House::new().await;
    for url in ["https://icons.example/a.png", "http://10.0.0.1/x", "mailto:a@b.example"] {
        let name = format!("URL_{}", url.len());
        house.device.put("prod", &name, url).await.unwrap();
    }
    house.device.catch_up().await.unwrap();
    house.device.see();
    let org = house.device.org().to_string();
    // An entry that the server promised is asked for by its place, which the server named.
    let known = ["sync", "write", "envelopes", "events", "audit/proof", "audit/inclusion"];
    for exchange in house.evil.traffic() {
        let path = exchange.request.path;
        let rest = path.strip_prefix(&format!("/v1/orgs/{org}/"));
        let fits = match rest {
            Some(rest) => {
                known.contains(&rest) || {
                    let parts: Vec<&str> = rest.split('/').collect();
                    matches!(parts.as_slice(), ["envs", env, "items" | "commits"]
                    if env.parse::<EnvId>().is_ok())
                }
            }
            None => matches!(path.as_str(), "/v1/server" | "/v1/session" | "/v1/session/challenge"),
        };
        assert!(fits, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn b08_dl01_no_commit_is_dropped_doubled_swapped_or_replayed() {
    let house = House::new().await;
    let lies: Vec<Named<fn(&mut CommitPage)>> = vec![
        ("dropped", |page| {
            page.commits.remove(0);
        }),
        ("doubled", |page| page.commits.insert(0, page.commits[0].clone())),
        ("swapped", |page| page.commits.reverse()),
        ("replayed", |page| page.commits.push(page.commits[0].clone())),
        ("all alike", |page| {
            let first = page.commits[0].clone();
            page.commits.fill(first);
        }),
    ];
    for (what, lie) in lies {
        let lie = commits(move |page| {
            if page.commits.len() > 1 {
                lie(page);
            }
        });
        let outcomes = house.tell(lie).await;
        assert!(outcomes.of("half-way").is_refused(), "{what}");
        // Behind the head that it checks towards, a fresh device does not look.
        assert!(outcomes.of("fresh").is_refused() || what == "replayed", "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn b09_1p02_no_item_is_dropped_or_doubled() {
    let house = House::new().await;
    let lies: Vec<fn(&mut ItemPage)> = vec![
        |page| {
            page.items.remove(0);
        },
        |page| {
            page.items.pop();
        },
        |page| page.items.push(page.items[0].clone()),
        |page| page.items.insert(0, page.items[0].clone()),
        |page| page.items.reverse(),
        |page| page.items.clear(),
        |page| {
            let mut copy = page.items[0].clone();
            copy.secret = SecretId([0xff; 16]);
            page.items.push(copy);
        },
    ];
    for lie in lies {
        let lie = items(move |page| {
            if page.items.len() > 1 {
                lie(page);
            }
        });
        house.tell(lie).await.refused_by(&["fresh", "pinned without a copy"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn b10_1p03_no_environment_is_injected() {
    let house = House::new().await;
    let env = EnvId([9; 16]);
    // Named beside the chain.
    let head = EnvHead { env_id: env, seq: 1, head: B64(vec![1; 32]) };
    house.tell(sync(move |answer| answer.envs.push(head.clone()))).await.refused_by_all();
    // Created on the chain, by somebody else's hand, in the name of the owner and of a stranger.
    let user = house.device.session().user();
    for author in [user, strongroom_format::id::UserId([9; 16])] {
        let lie = sync(move |answer: &mut SyncAnswer| {
            let Some(last) = answer.links.last() else { return };
            let last = Link::parse(&last.0).unwrap();
            let statement = Statement {
                seq: last.statement.seq + 1,
                prev: last.head(),
                org: strongroom_format::id::OrgId::ZERO,
                author: author.into(),
                time_ms: last.statement.time_ms,
                body: Body::EnvCreate {
                    env,
                    kind: EnvKind::App,
                    place: [8; 16],
                    parent: EnvId::ZERO,
                    expires: 0,
                    owner: strongroom_format::id::UserId::ZERO,
                },
            };
            let org = if last.statement.seq == 0 {
                strongroom_format::id::OrgId::of_genesis(last.as_bytes())
            } else {
                last.statement.org
            };
            answer.links.push(B64(forge_link(Statement { org, ..statement })));
        });
        house.tell(lie).await.refused_by_all();
    }
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn b11_resurrect_a_deleted_secret_stays_deleted() {
    let house = House::new().await;
    let lie = items(|page| {
        // The tombstone becomes the last live item's twin, at its old version and at a new one.
        let Some(live) = page.items.iter().find(|item| item.op == Op::Put).cloned() else { return };
        for item in page.items.iter_mut().filter(|item| item.op == Op::Delete) {
            item.op = Op::Put;
            item.version -= 1;
            item.fields = live.fields.clone();
        }
    });
    let outcomes = house.tell(lie).await;
    outcomes.refused_by(&["fresh", "pinned without a copy"]);
    // Leaving the tombstone out is no way either.
    let lie = items(|page| page.items.retain(|item| item.op == Op::Put));
    house.tell(lie).await.refused_by(&["fresh", "pinned without a copy"]);
    // The very item as it was before it was deleted, from the server's own backup.
    let before = house.old_items.items.clone();
    let lie = items(move |page| {
        for item in page.items.iter_mut().filter(|item| item.op == Op::Delete) {
            if let Some(old) = before.iter().find(|old| old.secret == item.secret) {
                *item = old.clone();
            }
        }
    });
    house.tell(lie).await.refused_by(&["fresh", "pinned without a copy"]);
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn b12_mixmatch_a_new_head_has_no_old_items() {
    let house = House::new().await;
    let before = house.old_items.items.clone();
    assert!(!before.is_empty());
    let lie = items(move |page| {
        for item in &mut page.items {
            if let Some(old) = before.iter().find(|old| old.secret == item.secret) {
                *item = old.clone();
            }
        }
    });
    house.tell(lie).await.refused_by(&["fresh", "pinned without a copy"]);
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn b13_restore_drill_an_older_state_is_refused_by_whoever_saw_a_newer_one() {
    let house = House::new().await;
    house.honest.restore(&house.old_backup).await;
    let outcomes = house.try_all().await;
    for situation in ["pinned", "pinned without a copy"] {
        let Outcome::Refused(VaultError::Stopped(stop)) = outcomes.of(situation) else {
            panic!("{situation}: {:?}", outcomes.of(situation));
        };
        // Without a copy it is the audit log that gives the server away first: it went back, or it has
        // grown past the pin by what the other devices did, and is another one.
        let forked = situation != "pinned" && stop.kind == StopKind::Fork;
        assert!(forked || stop.kind == StopKind::Rollback, "{situation}: {stop:?}");
        assert_eq!(stop.is_of_the_log(), situation != "pinned", "{situation}");
    }
    // Whoever never saw the newer state cannot know of it, and shows the honest older one.
    assert!(matches!(outcomes.of("fresh"), Outcome::Honest(_)));

    // The device stops writing and keeps both sides of the contradiction.
    let mut device = house.device.at(&house.pinned);
    device.open_with(crate::world::PASSPHRASE).await.unwrap();
    assert!(device.catch_up().await.is_err());
    house.evil.forget();
    let outcome = device.put("prod", "NEW", "x").await;
    assert!(matches!(outcome, Err(VaultError::Stopped(_))), "{outcome:?}");
    assert!(house.evil.traffic().is_empty(), "nothing is sent after a contradiction");
    let standing = device.session().with(|org| Ok(org.standing.clone())).unwrap();
    let evidence = std::fs::read(standing.evidence.expect("evidence")).unwrap();
    let evidence: strongroom_client::vault::Evidence = serde_json::from_slice(&evidence).unwrap();
    assert!(!evidence.verified.0.is_empty());
    // It can be judged without this device: the verified object is one that verifies.
    assert!(
        SignedCommit::parse(&evidence.verified.0).is_ok()
            || Link::parse(&evidence.verified.0).is_ok()
    );
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn b14_freeze_withheld_commits_show_as_an_old_head() {
    let house = House::new().await;
    // The server answers every question with what it said half-way, signatures and all.
    let mut device = house.device.at(&house.half);
    device.open_with(crate::world::PASSPHRASE).await.unwrap();
    house.honest.restore(&house.old_backup).await;
    device.catch_up().await.unwrap();
    let before = device.see();
    assert!(house.honest_views.contains(&before));
    let newest = |device: &crate::world::Device| {
        device.session().with(|org| Ok(org.replica().pins(0).newest_ms)).unwrap()
    };
    let signed = newest(&device);
    device.clock.advance(10 * 24 * 60 * 60 * 1000);
    device.catch_up().await.unwrap();
    // The state stays honest, and what a window needs to say "nothing new for ten days" is there:
    // the newest signed time does not move, and the policy says how long is too long.
    assert_eq!(device.see(), before);
    assert_eq!(newest(&device), signed);
    let (quiet, now) = device
        .session()
        .with(|org| Ok((org.replica().state().policy().max_quiet_days, org.standing.synced_ms)))
        .unwrap();
    assert!(now.unwrap() - signed > u64::from(quiet) * 24 * 60 * 60 * 1000);
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn b15_fast_forward_no_number_runs_ahead() {
    let house = House::new().await;
    for seq in [u64::MAX, 1 << 40, 1000] {
        let lie = sync(move |answer| answer.envs.iter_mut().for_each(|env| env.seq = seq));
        house.tell(lie).await.refused_by(&["pinned"]);
        let lie = commits(move |page| {
            if let Some(last) = page.commits.last_mut() {
                last.commit = forge_commit(&last.commit, |commit| commit.seq = seq);
            }
        });
        house.tell(lie).await.refused_by(&["fresh", "half-way"]);
        let lie = items(move |page| page.head = forge_commit(&page.head, |c| c.seq = seq));
        house.tell(lie).await.refused_by(&["fresh", "pinned without a copy"]);
    }
    // An audit log that runs ahead has to prove it.
    let lie = move |request: &Request, answer: &mut Answer| {
        if request.is("GET", "/proof") {
            answer.edit_value(|value| value["proof"] = serde_json::json!([]));
        }
    };
    house.tell(lie).await.refused_by(&["pinned"]);
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn b16_endless_an_answer_without_end_is_cut() {
    let house = House::new().await;
    for ending in ["/sync", "/items", "/commits", "/v1/session", "/challenge"] {
        let mut device =
            house.device.at(if ending == "/commits" { &house.half } else { &house.fresh });
        if ending != "/commits" {
            device.lose_cache();
        }
        let before = house.evil.streamed();
        house.evil.lie(move |request, answer| {
            if request.path.ends_with(ending) {
                answer.body = vec![b' '; 64 * 1024];
                answer.repeat = 16 * 1024; // one gibibyte
            }
        });
        let Err(error) = device.open().await else { panic!("{ending}") };
        let cut = matches!(error, VaultError::Api(ApiError::AnswerTooLarge { .. }));
        assert!(cut, "{ending}: {error:?}");
        let streamed = house.evil.streamed() - before;
        // Commits that do not fit are asked for once more without their envelopes.
        let answers = if ending == "/commits" { 2 } else { 1 };
        assert!(streamed < answers * 24 * 1024 * 1024, "{ending}: {streamed} bytes were taken");
    }
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn b16_endless_no_page_is_followed_for_ever() {
    let house = House::new().await;
    // Each answer promises more and brings nothing new.
    house.tell(sync(|answer| answer.more = true)).await.refused_by_all();
    house.tell(items(|page| page.more = true)).await;
    // The first page again and again.
    let first: Mutex<HashMap<String, Vec<u8>>> = Mutex::default();
    let lie = move |request: &Request, answer: &mut Answer| {
        if request.is("GET", "/items") {
            answer.edit_page(|page: &mut ItemPage| page.more = true);
            let mut first = first.lock().unwrap();
            match request.parameter("after") {
                None => drop(first.insert(request.path.clone(), answer.body.clone())),
                Some(_) => answer.body.clone_from(&first[&request.path]),
            }
        }
    };
    house.tell(lie).await.refused_by(&["fresh"]);
    let lie = commits(|page| {
        page.more = true;
        page.commits.truncate(1);
    });
    house.tell(lie).await;
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn b17_short_values_all_have_one_size() {
    let house = House::new().await;
    let mut sizes = BTreeSet::new();
    house.device.put("dev", "LENGTH", "x").await.unwrap();
    for length in [2, 1, 16, 32, 48, 60] {
        house.evil.forget();
        house.device.put("dev", "LENGTH", &"x".repeat(length)).await.unwrap();
        sizes.insert(written(&house).concat().len());
    }
    assert_eq!(sizes.len(), 1, "{sizes:?}");
}

/// Every envelope that was sent since the traffic was forgotten.
pub(crate) fn written(house: &House) -> Vec<Vec<u8>> {
    let traffic = house.evil.traffic();
    let writes = traffic.iter().filter(|exchange| exchange.request.is("POST", "/write"));
    writes.flat_map(|w| WriteBatch::decode(&w.request.body).unwrap().envelopes).collect()
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn b18_nothing_sent_depends_on_two_items_at_once() {
    let house = House::new().await;
    house.evil.forget();
    // The same value twice, and one that would compress well beside one that would not.
    house.device.put("dev", "TWIN_A", "the very same value").await.unwrap();
    house.device.put("dev", "TWIN_B", "the very same value").await.unwrap();
    let twins = written(&house);
    let distinct: BTreeSet<&Vec<u8>> = twins.iter().collect();
    assert_eq!(distinct.len(), twins.len(), "nothing is shared between items");
    house.evil.forget();
    house.device.put("dev", "DENSE", &"a".repeat(400)).await.unwrap();
    let dense: usize = written(&house).iter().map(Vec::len).sum();
    house.evil.forget();
    let noise: String = (0..400u32).map(|n| char::from(b'!' + (n * 7919 % 90) as u8)).collect();
    house.device.put("dev", "NOISE", &noise).await.unwrap();
    let noisy: usize = written(&house).iter().map(Vec::len).sum();
    assert_eq!(dense, noisy, "nothing is compressed");
    for exchange in house.evil.traffic() {
        let coded = exchange.request.headers.iter().any(|(name, _)| name.contains("encoding"));
        assert!(!coded);
    }
}
