//! Rows D: backward compatibility and downgrade.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use strongroom_client::api::ApiError;
use strongroom_client::vault::{Cost, StopKind, VaultError};
use strongroom_crypto::safe::{Auk, Keyset, KeysetParams, RepeatableEntropy, SecretKey};
use strongroom_evil_server::{Answer, EvilServer, Request, shape};
use strongroom_format::commit::{Change, Op, SignedCommit};
use strongroom_format::encoding::Codec as _;
use strongroom_format::id::{OrgId, UserId};
use strongroom_format::statement::{Body, Link, Policy, Statement};
use strongroom_format::wire::{B64, CommitRecord, SyncAnswer};

use crate::honest::Honest;
use crate::integrity::{forge_commit, forge_link};
use crate::scenario::{Named, Outcome, commits, items, sync};
use crate::world::{Device, House, PASSPHRASE, passphrase};

/// Changes `vault.json`, the one place where a keyset is kept.
fn tamper(device: &Device, change: impl FnOnce(&mut Value)) {
    let file = device.record_file();
    let mut record: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    change(&mut record);
    std::fs::write(file, serde_json::to_vec(&record).unwrap()).unwrap();
}

fn flip(value: &mut Value, at: usize) {
    let mut bytes: B64 = serde_json::from_value(value.clone()).unwrap();
    let at = at % bytes.0.len();
    bytes.0[at] ^= 1;
    *value = serde_json::to_value(bytes).unwrap();
}

/// Opens a tampered vault: it must fail, ask the server nothing, and make no key.
async fn fails_closed(house: &House, what: &str, change: impl FnOnce(&mut Value)) -> VaultError {
    let mut device = house.device.at(&house.pinned);
    tamper(&device, change);
    house.evil.forget();
    let before = std::fs::read(device.record_file()).unwrap();
    let Err(error) = device.open().await else { panic!("{what} was opened") };
    assert!(house.evil.traffic().is_empty(), "{what}: something was sent");
    assert_eq!(std::fs::read(device.record_file()).unwrap(), before, "{what}: a key was made");
    error
}

/// Spells a binary answer otherwise.
type Bytes = fn(&mut Vec<u8>);
/// Spells a JSON answer otherwise.
type Text = fn(&str) -> String;

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn b05_bw07_a_rewritten_kdf_profile_salt_or_keyset_opens_nothing() {
    let house = House::new().await;
    for profile in [1, 2] {
        let error = fails_closed(&house, "profile", |r| r["keyset"]["profile"] = profile.into());
        assert!(matches!(error.await, VaultError::WrongPassphrase));
    }
    for field in ["salt", "blob", "isk", "iek"] {
        let error = fails_closed(&house, field, |r| flip(&mut r["keyset"][field], 3)).await;
        assert!(matches!(error, VaultError::WrongPassphrase), "{field}: {error:?}");
    }
    // What was sent when the account was made holds nothing that a guess could be checked against
    // without the Secret Key: no passphrase, no text of it, and a blob bound to both.
    for exchange in &house.founding_traffic {
        let bytes = exchange.request.bytes();
        for canary in [PASSPHRASE.as_bytes(), b"correct", b"battery"] {
            assert!(!bytes.windows(canary.len()).any(|window| window == canary));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn b06_kdf_dos_an_unknown_cost_is_refused_before_it_costs_anything() {
    let house = House::new().await;
    for profile in [0, 4, 9, 99, 255] {
        let begun = Instant::now();
        assert!(Cost::from_id(profile).is_err());
        assert!(begun.elapsed() < Duration::from_millis(10));
        let error = fails_closed(&house, "profile", |r| r["keyset"]["profile"] = profile.into());
        assert!(matches!(error.await, VaultError::WrongPassphrase), "{profile}");
    }
    // No server answer carries a cost at all: one that does is not the protocol.
    let lie = |request: &Request, answer: &mut Answer| {
        if request.path.ends_with("/challenge") {
            answer.edit_value(|value| value["kdf_memory_kib"] = json!(1 << 30));
        }
    };
    house.tell(lie).await.refused_by(&["fresh", "pinned"]);
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn d01_bw10_no_word_of_the_server_changes_what_the_client_does() {
    // The founding of a vault, honestly and under every lie about what the server is.
    let honest = founding(|_, _| {}).await.unwrap();
    for (field, value) in [
        ("version", json!("0.0.1")),
        ("version", json!("999.0.0")),
        ("time_ms", json!(0)),
        ("time_ms", json!(u64::MAX)),
        ("origin", json!("http://other.example")),
    ] {
        let lied = founding(move |request, answer| {
            if request.path == "/v1/server" {
                answer.edit_value(|info| info[field] = value.clone());
            }
        });
        assert_eq!(lied.await.unwrap(), honest, "{field}");
    }
    // A flag that no version of the protocol knows is no answer at all.
    for flag in ["per_item_keys", "legacy", "suite", "kdf", "capabilities", "amr"] {
        let lied = founding(move |_, answer| {
            answer.edit_value(|value| value[flag] = json!(false));
        });
        assert!(matches!(lied.await, Err(VaultError::Api(ApiError::Garbage))), "{flag}");
    }
}

/// What a client sends to found a vault.
async fn founding(
    lie: impl Fn(&Request, &mut Answer) + Send + Sync + 'static,
) -> Result<Vec<String>, VaultError> {
    let evil = Arc::new(EvilServer::listen().await.unwrap());
    let _honest = Honest::start(&evil).await;
    evil.lie(lie);
    let device = Device::try_create(&evil.origin()).await?;
    drop(device);
    Ok(shape(&evil.traffic()))
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn d02_bw11_a_keyset_that_is_missing_cut_or_typed_otherwise_opens_nothing() {
    let house = House::new().await;
    let cut = |n: usize| {
        move |record: &mut Value| {
            let mut blob: B64 = serde_json::from_value(record["keyset"]["blob"].clone()).unwrap();
            blob.0.truncate(n);
            record["keyset"]["blob"] = serde_json::to_value(blob).unwrap();
        }
    };
    for n in [0, 1, 57, 73, 136, 200] {
        let error = fails_closed(&house, "a cut keyset", cut(n)).await;
        assert!(matches!(error, VaultError::WrongPassphrase), "{n}: {error:?}");
    }
    let legacy = |record: &mut Value| {
        let mut blob: B64 = serde_json::from_value(record["keyset"]["blob"].clone()).unwrap();
        blob.0[0] = 0;
        record["keyset"]["blob"] = serde_json::to_value(blob).unwrap();
    };
    assert!(matches!(fails_closed(&house, "type 0", legacy).await, VaultError::WrongPassphrase));
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn d03_bw12_a_key_of_another_length_is_an_error() {
    let house = House::new().await;
    for field in ["isk", "iek", "salt"] {
        for length in [0, 15, 31, 33, 64] {
            let bytes = serde_json::to_value(B64(vec![1; length])).unwrap();
            let error = fails_closed(&house, field, |record| record["keyset"][field] = bytes).await;
            assert!(matches!(error, VaultError::WrongPassphrase), "{field} {length}: {error:?}");
        }
    }
    // On the wire too: wraps, nodes and heads of another length.
    for length in [0, 79, 81] {
        let lie = sync(move |a| a.wraps.iter_mut().for_each(|w| w.wrap.0.resize(length, 0)));
        house.tell(lie).await.refused_by(&["fresh"]);
        let lie = sync(move |a| a.envs.iter_mut().for_each(|env| env.head.0.resize(length, 0)));
        house.tell(lie).await.refused_by_all();
    }
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn d04_missing_keyset_a_missing_key_never_makes_a_new_one() {
    let house = House::new().await;
    let error = fails_closed(&house, "no keyset", |record| {
        record.as_object_mut().unwrap().remove("keyset");
    })
    .await;
    assert!(matches!(error, VaultError::Profile(_)), "{error:?}");
    let error = fails_closed(&house, "no blob", |record| {
        record["keyset"].as_object_mut().unwrap().remove("blob");
    })
    .await;
    assert!(matches!(error, VaultError::Profile(_)), "{error:?}");
    // The Secret Key is gone from the keyring.
    let mut device = house.device.at(&house.pinned);
    device.empty_keyring();
    house.evil.forget();
    let error = device.open().await.unwrap_err();
    assert!(matches!(error, VaultError::SecretKeyNeeded), "{error:?}");
    assert!(house.evil.traffic().is_empty());
    // The server says that it knows neither the person nor the organisation.
    for code in ["not-found", "unknown-account", "no-keyset"] {
        let lie = move |request: &Request, answer: &mut Answer| {
            if request.path != "/v1/server" {
                *answer = Answer::refusal(404, code);
            }
        };
        house.tell(lie).await.refused_by_all();
    }
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn d05_oracle_uniform_every_failure_to_open_looks_the_same() {
    let house = House::new().await;
    let mut seen = std::collections::BTreeSet::new();
    let causes: Vec<Named<fn(&mut Value)>> = vec![
        ("version", |r| flip(&mut r["keyset"]["blob"], 0)),
        ("salt of the envelope", |r| flip(&mut r["keyset"]["blob"], 5)),
        ("commitment", |r| flip(&mut r["keyset"]["blob"], 30)),
        ("ciphertext", |r| flip(&mut r["keyset"]["blob"], 100)),
        ("tag", |r| flip(&mut r["keyset"]["blob"], 200)),
        ("salt", |r| flip(&mut r["keyset"]["salt"], 0)),
        ("public key", |r| flip(&mut r["keyset"]["isk"], 0)),
    ];
    for (what, cause) in causes {
        let error = fails_closed(&house, what, cause).await;
        seen.insert((format!("{error:?}"), error.to_string()));
    }
    let mut device = house.device.at(&house.pinned);
    house.evil.forget();
    let error = device.open_with("another passphrase").await.unwrap_err();
    assert!(house.evil.traffic().is_empty());
    seen.insert((format!("{error:?}"), error.to_string()));
    assert_eq!(seen.len(), 1, "{seen:?}");

    // Envelopes of secrets: whatever is wrong with one, nothing is asked again because of it.
    let mut requests = std::collections::BTreeSet::new();
    for at in [0, 10, 40, 80, 130] {
        let mut device = house.device.at(&house.fresh);
        device.lose_cache();
        house.evil.lie(items(move |page| {
            for field in page.items.iter_mut().flat_map(|item| &mut item.fields) {
                field.envelope[at] ^= 1;
            }
        }));
        house.evil.forget();
        assert!(device.open().await.is_err());
        requests.insert(shape(&house.evil.traffic()));
    }
    assert_eq!(requests.len(), 1, "a server can tell failures apart by what is asked next");
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn d06_dl03_no_item_is_injected_by_a_forged_commit() {
    let house = House::new().await;
    // The next commit of every history, in the owner's name, by the liar's hand.
    let lie = |request: &Request, answer: &mut Answer| {
        if request.is("GET", "/commits") {
            answer.edit_page(|page: &mut strongroom_format::wire::CommitPage| {
                let Some(last) = page.commits.last() else { return };
                let last = SignedCommit::parse(&last.commit).unwrap();
                let commit = forge_commit(last.as_bytes(), |commit| {
                    commit.seq += 1;
                    commit.prev = last.head();
                    commit.changes = vec![Change {
                        op: Op::Delete,
                        secret: last.commit.changes[0].secret,
                        version: last.commit.changes[0].version + 1,
                        fields: Vec::new(),
                    }];
                });
                page.commits.push(CommitRecord { commit, envelopes: Vec::new() });
            });
        }
        if request.is("GET", "/sync") {
            answer.edit(|a: &mut SyncAnswer| a.envs.iter_mut().for_each(|env| env.seq += 1));
        }
    };
    let outcomes = house.tell(lie).await;
    outcomes.refused_by(&["half-way", "pinned"]);
    let Outcome::Refused(VaultError::Stopped(stop)) = outcomes.of("half-way") else { panic!() };
    assert_eq!(stop.kind, StopKind::Invalid);
}

/// Adds a link of the liar's to the chain, in the name of the owner.
fn forged(
    house: &House,
    body: impl Fn() -> Body + Send + Sync + 'static,
) -> impl Fn(&Request, &mut Answer) + Send + Sync + 'static {
    let (org, owner) = (house.device.org(), house.device.session().user());
    sync(move |answer| {
        let Some(last) = answer.links.last() else { return };
        let last = Link::parse(&last.0).unwrap();
        answer.links.push(B64(forge_link(Statement {
            org,
            seq: last.statement.seq + 1,
            prev: last.head(),
            author: owner.into(),
            time_ms: last.statement.time_ms,
            body: body(),
        })));
    })
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn d07_dl04_05_no_setting_changes_without_the_owner() {
    let house = House::new().await;
    let weak = || Policy { min_profile: 0, max_quiet_days: u16::MAX, ..Policy::initial() };
    house.tell(forged(&house, move || Body::Policy(weak()))).await.refused_by_all();
    let strict = || Policy { min_profile: 3, ..Policy::initial() };
    house.tell(forged(&house, move || Body::Policy(strict()))).await.refused_by_all();
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn d08_dl06_no_length_of_passphrase_skips_the_derivation() {
    let entropy = &mut RepeatableEntropy::new(7);
    let secret_key = SecretKey::make(entropy).unwrap();
    let keyset = Keyset::make(entropy).unwrap();
    let user = UserId([5; 16]);
    // One path for every length: what one opens, its neighbour does not.
    let params = KeysetParams::make(user, 1, Cost::from_id(0xf0).unwrap(), entropy).unwrap();
    let derive = |n: usize| Auk::derive(&passphrase(&"p".repeat(n)), &secret_key, &params).unwrap();
    for n in 1..=256 {
        let blob = keyset.seal(&derive(n), &params, entropy).unwrap();
        let open = |auk: &Auk| Keyset::open(auk, &params, &keyset.public(), &blob).is_ok();
        assert!(open(&derive(n)), "{n}");
        assert!(!open(&derive(n + 1)), "{n}");
    }
    // And at its real price: 64 bytes, the length that a hash could be mistaken for, cost no less.
    let params = KeysetParams::make(user, 1, Cost::Standard, entropy).unwrap();
    for n in [8, 63, 64, 65, 128] {
        let begun = Instant::now();
        let words = passphrase(&"p".repeat(n));
        Auk::derive(&words, &secret_key, &params).unwrap();
        assert!(begun.elapsed() > Duration::from_millis(10), "{n} bytes cost nothing");
    }
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn d09_suite_down_the_suite_is_not_the_servers_to_choose() {
    let house = House::new().await;
    for suite in [0, 1, 2] {
        house.tell(forged(&house, move || Body::SuiteRaise { suite })).await.refused_by_all();
    }
    // In the genesis, signed anew by the liar or not at all.
    for resign in [false, true] {
        let lie = sync(move |answer| {
            let Some(first) = answer.links.first_mut() else { return };
            let link = Link::parse(&first.0).unwrap();
            let mut statement = link.statement.clone();
            let Body::Genesis { suite, .. } = &mut statement.body else { return };
            *suite = 0;
            first.0 = if resign {
                forge_link(statement)
            } else {
                Link::new(statement, &link.signature()).as_bytes().to_vec()
            };
        });
        let outcomes = house.tell(lie).await;
        outcomes.refused_by(&["fresh", "half-way without a copy", "pinned without a copy"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn d10_rollback_an_old_signed_state_is_refused_in_every_part() {
    let house = House::new().await;
    let new = house.honest.backup().await;
    // Whole, then each part alone: the old answers come from the server as it was half-way.
    house.honest.restore(&house.old_backup).await;
    house.try_all().await.refused_by(&["pinned", "pinned without a copy"]);
    house.honest.restore(&new).await;
    let old = house.old_sync.clone();
    let parts: Vec<fn(&mut SyncAnswer, &SyncAnswer)> =
        vec![|now, old| now.envs.clone_from(&old.envs), |now, old| {
            now.links.truncate(old.links.len().saturating_sub(1));
        }];
    for part in parts {
        let old = old.clone();
        let outcomes = house.tell(sync(move |now| part(now, &old))).await;
        // Who was up to date sees it; who was not shows an honest state or refuses.
        assert!(outcomes.all.iter().any(|(_, outcome)| outcome.is_refused()), "nobody noticed");
    }
    // The audit log alone, for a device that lost its copy too: its pins know better.
    let note = house.old_sync.checkpoint.clone();
    let lie = sync(move |now| now.checkpoint.clone_from(&note));
    house.tell(lie).await.refused_by(&["pinned", "pinned without a copy"]);
    let before = house.old_items.items.clone();
    let old_head = house.old_items.head.clone();
    let lie = items(move |page| {
        if page.items.iter().any(|item| before.iter().any(|old| old.secret == item.secret)) {
            page.items.clone_from(&before);
            page.head.clone_from(&old_head);
        }
    });
    house.tell(lie).await.refused_by(&["pinned without a copy"]);
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn d10_rollback_a_longer_fork_below_the_pin_is_refused() {
    let house = House::new().await;
    // What the honest log says to a device that lost its copy; the liar will say the same.
    let mut honest = house.device.at(&house.pinned);
    honest.lose_cache();
    house.evil.forget();
    honest.open_with(PASSPHRASE).await.unwrap();
    let traffic = house.evil.traffic();
    let said = |ending: &str| {
        traffic.iter().rfind(|e| e.request.is("GET", ending)).unwrap().answer.clone()
    };
    let (sync, proof): (SyncAnswer, Answer) = (said("/sync").read_json().unwrap(), said("/proof"));
    // A server that goes back half-way and finds a writer who goes on from there: every signature
    // is good, and every history is longer.
    house.honest.restore(&house.old_backup).await;
    let mut writer = house.device.at(&house.half);
    writer.open().await.unwrap();
    for n in 0..6 {
        for env in ["dev", "prod"] {
            writer.put(env, &format!("FORK_{n}"), "fork").await.unwrap();
        }
    }
    writer.lock().await;
    house.evil.lie(move |request, answer| {
        if request.is("GET", "/sync") {
            answer.edit(|now: &mut SyncAnswer| now.checkpoint.clone_from(&sync.checkpoint));
        }
        if request.is("GET", "/proof") {
            *answer = proof.clone();
        }
    });
    for lost in [false, true] {
        let mut device = house.device.at(&house.pinned);
        if lost {
            device.lose_cache();
        }
        let Err(VaultError::Stopped(stop)) = device.open().await else {
            panic!("the fork was taken, copy lost: {lost}");
        };
        assert_eq!(stop.kind, StopKind::Fork, "copy lost: {lost}, {stop:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn d11_canon_a_second_spelling_is_no_answer() {
    let house = House::new().await;
    let spellings: Vec<Named<Bytes>> = vec![
        ("a byte behind", |body| body.push(0)),
        ("an object behind", |body| body.extend_from_slice(b"{}")),
        ("a byte in front", |body| body.insert(0, 0)),
        ("cut", |body| {
            body.pop();
        }),
    ];
    for ending in ["/sync", "/items", "/commits", "/challenge", "/v1/session"] {
        for (what, spell) in &spellings {
            let spell = *spell;
            let lie = move |request: &Request, answer: &mut Answer| {
                if request.path.ends_with(ending) {
                    spell(&mut answer.body);
                }
            };
            let outcomes = house.tell(lie).await;
            let reader = if ending == "/commits" { "half-way" } else { "fresh" };
            assert!(outcomes.of(reader).is_refused(), "{ending}: {what}");
        }
    }
    let json: Vec<Named<Text>> = vec![
        ("a field twice", |text| text.replacen('{', "{\"more\":false,", 1)),
        ("an unknown field", |text| text.replacen('{', "{\"extra\":1,", 1)),
        ("a text for a number", |text| text.replace("\"more\":false", "\"more\":\"false\"")),
        ("padded base64", |text| text.replacen("\"]", "=\"]", 1)),
    ];
    for (what, spell) in json {
        let lie = move |request: &Request, answer: &mut Answer| {
            if request.is("GET", "/sync") {
                answer.body = spell(&String::from_utf8(answer.body.clone()).unwrap()).into_bytes();
            }
        };
        let outcomes = house.tell(lie).await;
        assert!(outcomes.of("fresh").is_refused(), "{what}");
    }
    // The right bytes under another type, or with a transfer coding on top.
    for content_type in ["text/plain", "application/json", "", "application/octet-stream; a=b"] {
        let lie = move |request: &Request, answer: &mut Answer| {
            if request.is("GET", "/items") {
                content_type.clone_into(&mut answer.content_type);
            }
        };
        house.tell(lie).await.refused_by(&["fresh"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn d12_version_matrix_neighbouring_versions_are_refused() {
    let house = House::new().await;
    for version in [0, 2] {
        house
            .tell(sync(move |a| a.links.iter_mut().for_each(|link| link.0[0] = version)))
            .await
            .refused_by_all();
        house.tell(items(move |page| page.head[0] = version)).await.refused_by(&["fresh"]);
        house
            .tell(commits(move |page| page.commits.iter_mut().for_each(|c| c.commit[0] = version)))
            .await
            .refused_by(&["fresh", "half-way"]);
        for ending in ["/items", "/commits"] {
            let lie = move |request: &Request, answer: &mut Answer| {
                if request.path.ends_with(ending) {
                    answer.body[0] = version;
                }
            };
            house.tell(lie).await.refused_by(&["fresh"]);
        }
        let lie = items(move |page| {
            for field in page.items.iter_mut().flat_map(|item| &mut item.fields) {
                field.envelope[0] = version;
            }
        });
        house.tell(lie).await.refused_by(&["fresh"]);
    }
    let mut device = house.device.at(&house.pinned);
    tamper(&device, |record| record["version"] = 2.into());
    assert!(matches!(device.open().await, Err(VaultError::Profile(_))));
    assert_eq!(OrgId::LEN, 32);
    assert!(Statement::decode(&[2; 200]).is_err());
}
