//! Rows E: what broke other end-to-end systems.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use strongroom_client::vault::{Cost, VaultError};
use strongroom_crypto::safe::context::ItemContext;
use strongroom_crypto::safe::{
    Auk, Dek, Keyset, KeysetParams, OsEntropy, Recipient, RepeatableEntropy, SecretKey,
    WrapContext, open, seal,
};
use strongroom_format::commit::{Field, Op};
use strongroom_format::id::{EnvId, OrgId, SecretId, UserId};
use strongroom_format::statement::{Body, Link};
use strongroom_format::wire::{B64, WrapAnswer};

use crate::integrity::{forge_commit, forge_link, written};
use crate::scenario::{commits, items, sync};
use crate::world::{House, passphrase};

/// A keyset sealed as a new account's is.
fn keyset() -> (Keyset, Auk, KeysetParams, Vec<u8>) {
    let entropy = &mut RepeatableEntropy::new(1);
    let secret_key = SecretKey::make(entropy).unwrap();
    let params =
        KeysetParams::make(UserId([1; 16]), 1, Cost::from_id(0xf0).unwrap(), entropy).unwrap();
    let auk = Auk::derive(&passphrase("words"), &secret_key, &params).unwrap();
    let keyset = Keyset::make(entropy).unwrap();
    let blob = keyset.seal(&auk, &params, entropy).unwrap();
    (keyset, auk, params, blob)
}

#[test]
pub(crate) fn e01_maul_keyset_no_mutation_of_a_keyset_opens() {
    let (keyset, auk, params, blob) = keyset();
    let public = keyset.public();
    assert!(Keyset::open(&auk, &params, &public, &blob).is_ok());
    let mut tried = 0;
    let mut refused = |blob: &[u8]| {
        assert!(Keyset::open(&auk, &params, &public, blob).is_err());
        tried += 1;
    };
    for bit in 0..blob.len() * 8 {
        let mut mauled = blob.clone();
        mauled[bit / 8] ^= 1 << (bit % 8);
        refused(&mauled);
        for other in [bit + 13, bit + 101, bit + 509, bit + 1021, bit + 77] {
            let mut twice = mauled.clone();
            let other = other % (blob.len() * 8);
            twice[other / 8] ^= 1 << (other % 8);
            refused(&twice);
        }
    }
    for n in 0..blob.len() {
        refused(&blob[..n]);
        let mut longer = blob.clone();
        longer.insert(n, 0);
        refused(&longer);
    }
    assert!(tried >= 10_000, "{tried}");
    // Other public keys than those that are sealed, one at a time.
    for change in [
        |k: &mut strongroom_format::statement::MemberKeys| k.isk[0] ^= 1,
        |k: &mut strongroom_format::statement::MemberKeys| k.iek[0] ^= 1,
    ] {
        let mut other = public;
        change(&mut other);
        assert!(Keyset::open(&auk, &params, &other, &blob).is_err());
    }
}

#[test]
pub(crate) fn e02_xproto_no_sealed_key_stands_in_for_another() {
    let (keyset, auk, params, blob) = keyset();
    let public = keyset.public();
    // Blocks of the blob change places.
    for (a, b) in [(57, 89), (57, 121), (89, 121), (25, 57)] {
        let mut swapped = blob.clone();
        for n in 0..32 {
            swapped.swap(a + n, b + n);
        }
        assert!(Keyset::open(&auk, &params, &public, &swapped).is_err(), "{a} and {b}");
    }
    // The same blob under another person, epoch, cost or salt.
    let others = [
        KeysetParams { user: UserId([2; 16]), ..params },
        KeysetParams { epoch: 2, ..params },
        KeysetParams { profile: Cost::Standard, ..params },
        KeysetParams { salt: [9; 16], ..params },
    ];
    for other in others {
        assert!(Keyset::open(&auk, &other, &public, &blob).is_err(), "{other:?}");
    }
    // An item is no keyset, and one field's envelope is no other's.
    let dek = Dek::make(&mut RepeatableEntropy::new(2)).unwrap();
    let context = |field| ItemContext {
        org: OrgId([7; 32]),
        app_or_group: [1; 16],
        env: EnvId([2; 16]),
        epoch: 1,
        secret: SecretId([3; 16]),
        version: 1,
        field,
    };
    let sealed = seal(&dek, &context(1).context(), &[0; 64], &mut OsEntropy).unwrap();
    assert!(Keyset::open(&auk, &params, &public, &sealed).is_err());
    for field in Field::ALL.iter().map(|field| field.byte()) {
        assert_eq!(open(&dek, &context(field).context(), &sealed).is_ok(), field == 1);
    }
    assert!(open(&dek, &context(1).context(), &blob).is_err());
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn e03_frame_nothing_is_planted_in_the_name_of_a_member() {
    let house = House::new().await;
    // The commits as they are, signed by another hand.
    let lie = commits(|page| {
        for record in &mut page.commits {
            record.commit = forge_commit(&record.commit, |_| {});
        }
    });
    house.tell(lie).await.refused_by(&["fresh", "half-way"]);
    let lie = items(|page| page.head = forge_commit(&page.head, |_| {}));
    house.tell(lie).await.refused_by(&["fresh", "pinned without a copy"]);
}

/// The packages that a package of this workspace is built of when it is shipped.
fn tree(package: &str, extra: &[&str]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(root)
        .args(["tree", "--offline", "-e", "normal", "--prefix", "none", "-p", package])
        .args(extra)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn names(tree: &str) -> BTreeSet<&str> {
    tree.lines().filter_map(|line| line.split(' ').next()).collect()
}

#[test]
pub(crate) fn b07_no_cipher_without_authentication_is_at_hand() {
    let cryptography = tree("strongroom-crypto", &[]);
    let linked = names(&cryptography);
    for cipher in ["cbc", "ecb", "cfb-mode", "ofb", "des", "rc4", "salsa20", "blowfish"] {
        assert!(!linked.contains(cipher), "{cipher}");
    }
    // Counter mode is there, inside GCM and nowhere else.
    let users = tree("strongroom-crypto", &["-i", "ctr", "--depth", "1"]);
    assert_eq!(names(&users), BTreeSet::from(["ctr", "aes-gcm"]));
    // No bit of an envelope can be turned.
    let dek = Dek::make(&mut RepeatableEntropy::new(2)).unwrap();
    let context = ItemContext {
        org: OrgId([7; 32]),
        app_or_group: [1; 16],
        env: EnvId([2; 16]),
        epoch: 1,
        secret: SecretId([3; 16]),
        version: 1,
        field: 2,
    };
    let sealed = seal(&dek, &context.context(), b"value", &mut OsEntropy).unwrap();
    for bit in 0..sealed.len() * 8 {
        let mut flipped = sealed.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(open(&dek, &context.context(), &flipped).is_err(), "bit {bit}");
    }
}

#[test]
pub(crate) fn e04_no_rsa_decryption_can_be_an_oracle() {
    for package in ["strongroom-crypto", "strongroom-core", "strongroom-client"] {
        assert!(!names(&tree(package, &[])).contains("rsa"), "{package}");
    }
}

/// A data key of the liar's, wrapped to the person of this house.
fn wrapped_by_the_liar(house: &House, env: EnvId, epoch: u32) -> (Dek, Vec<u8>) {
    let dek = Dek::make(&mut OsEntropy).unwrap();
    let context = house
        .device
        .session()
        .with(|org| {
            let replica = org.replica();
            let state = replica.state();
            let recipient = replica.principal();
            let iek = state.encryption_key(&recipient).unwrap();
            Ok(WrapContext {
                org: state.org(),
                env,
                epoch,
                dek_commit: state.env(&env).unwrap().epoch(epoch).unwrap().dek_commit,
                recipient: Recipient { principal: recipient, iek },
                author: recipient,
                author_isk: state.signing_key(&recipient, state.seq(), state.time_ms()).unwrap(),
            })
        })
        .unwrap();
    let wrap = dek.wrap(&context, &mut OsEntropy).unwrap();
    (dek, wrap)
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn e05_1p06_an_empty_environment_takes_no_key_from_the_server() {
    let house = House::new().await;
    let app = house
        .device
        .session()
        .create_app("empty", vec![("void".to_owned(), strongroom_core::details::EnvClass::Other)])
        .await;
    app.unwrap();
    let env = house.device.env("void");
    let moment = house.device.org();
    assert_eq!(moment, house.device.org());
    let (liars, wrap) = wrapped_by_the_liar(&house, env, 1);
    house.evil.lie(sync(move |answer| {
        for honest in answer.wraps.iter_mut().filter(|wrap| wrap.env_id == env) {
            honest.wrap = B64(wrap.clone());
        }
        answer.wraps.push(WrapAnswer { env_id: env, epoch: 1, wrap: B64(wrap.clone()) });
    }));
    // A device that has the honest wrap goes on with it; one that has not writes nothing at all.
    house.device.catch_up().await.unwrap();
    house.evil.forget();
    house.device.put("void", "FIRST", "first value").await.unwrap();
    for envelope in written(&house) {
        for field in Field::ALL.iter().map(|field| field.byte()) {
            let context = ItemContext {
                org: house.device.org(),
                app_or_group: house
                    .device
                    .session()
                    .with(|org| Ok(org.replica().state().env(&env).unwrap().place))
                    .unwrap(),
                env,
                epoch: 1,
                secret: house.device.secret("void", "FIRST"),
                version: 1,
                field,
            };
            assert!(open(&liars, &context.context(), &envelope).is_err());
        }
    }
    let mut fresh = house.device.at(&house.fresh);
    fresh.lose_cache();
    let opened = fresh.open().await;
    if opened.is_ok() {
        house.evil.forget();
        assert!(fresh.put("void", "SECOND", "second value").await.is_err());
        assert!(written(&house).is_empty(), "nothing is sealed under a key of the server's");
    }
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn e06_no_key_of_a_person_comes_from_anywhere_but_the_chain() {
    let house = House::new().await;
    // The only place that names keys is the chain; other keys there are another chain.
    for part in [0, 1, 2] {
        let lie = sync(move |answer| {
            let Some(first) = answer.links.first_mut() else { return };
            let mut statement = Link::parse(&first.0).unwrap().statement;
            let Body::Genesis { keys, audit_vkey, .. } = &mut statement.body else { return };
            let liar = crate::integrity::liar().verifying_key().to_bytes();
            match part {
                0 => keys.isk = liar,
                1 => keys.iek = liar,
                _ => *audit_vkey = liar,
            }
            first.0 = forge_link(statement);
        });
        let outcomes = house.tell(lie).await;
        outcomes.refused_by(&["fresh", "half-way without a copy", "pinned without a copy"]);
    }
    // No answer has a place for keys or certificates.
    for field in ["keys", "certificate", "public_key", "admins", "recovery"] {
        let lie = move |request: &strongroom_evil_server::Request,
                        answer: &mut strongroom_evil_server::Answer| {
            if request.is("GET", "/sync") {
                answer.edit_value(|value| value[field] = serde_json::json!([]));
            }
        };
        house.tell(lie).await.refused_by_all();
    }
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn e07_no_two_envelopes_share_a_salt() {
    let dek = Dek::make(&mut RepeatableEntropy::new(2)).unwrap();
    let context = ItemContext {
        org: OrgId([7; 32]),
        app_or_group: [1; 16],
        env: EnvId([2; 16]),
        epoch: 1,
        secret: SecretId([3; 16]),
        version: 1,
        field: 2,
    };
    // The same key, context and value again and again: `seal` takes no nonce, so none can repeat.
    let mut salts = BTreeSet::new();
    for _ in 0..20_000 {
        let sealed = seal(&dek, &context.context(), b"v", &mut OsEntropy).unwrap();
        assert!(salts.insert(sealed[1..25].to_vec()));
    }
    // And in what a client really sends when it changes one secret to and fro.
    let house = House::new().await;
    let mut salts = BTreeSet::new();
    let mut sent = 0;
    for n in 0..6 {
        house.device.put("dev", "DATABASE_URL", ["left", "right"][n % 2]).await.unwrap();
    }
    for envelope in written(&house) {
        sent += 1;
        salts.insert(envelope[1..25].to_vec());
    }
    assert!(sent >= 12);
    assert_eq!(salts.len(), sent);
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn e08_keys_that_the_server_supplies_are_never_used() {
    let house = House::new().await;
    let prod = house.device.env("prod");
    let (_, wrap) = wrapped_by_the_liar(&house, prod, 1);
    // In the place of the honest wraps: who needs them opens nothing.
    let bad = wrap.clone();
    let lie = sync(move |answer| {
        for honest in answer.wraps.iter_mut().filter(|w| w.env_id == prod) {
            honest.wrap = B64(bad.clone());
        }
    });
    let outcomes = house.tell(lie).await;
    outcomes.refused_by(&["fresh", "pinned without a copy"]);
    assert!(!outcomes.of("pinned").is_refused());
    // Beside them, for this epoch and for one that does not exist: dropped.
    for epoch in [1, 2, u32::MAX] {
        let bad = wrap.clone();
        let lie = sync(move |answer| {
            answer.wraps.push(WrapAnswer { env_id: prod, epoch, wrap: B64(bad.clone()) });
            let unasked = WrapAnswer { env_id: EnvId([9; 16]), epoch, wrap: B64(bad.clone()) };
            answer.wraps.insert(0, unasked);
            answer.previous.push(strongroom_format::wire::PreviousAnswer {
                env_id: prod,
                epoch,
                sealed: B64(vec![1; 137]),
            });
        });
        house.tell(lie).await.without_effect();
    }
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn e09_chunks_a_value_is_one_envelope_or_none() {
    let mut house = House::new().await;
    let largest = "x".repeat(64 * 1024);
    house.evil.forget();
    house.device.put("dev", "LARGE", &largest).await.unwrap();
    let sent: Vec<usize> = house
        .evil
        .traffic()
        .iter()
        .filter(|e| e.request.method == "POST")
        .map(|e| e.request.body.len())
        .collect();
    assert!(sent.iter().sum::<usize>() > largest.len());
    let seen = house.device.see();
    assert!(seen["dev"]["LARGE"] == largest);
    house.honest_views.push(seen);
    house.evil.forget();
    let outcome = house.device.put("dev", "LARGER", &format!("{largest}x")).await;
    assert!(matches!(outcome, Err(VaultError::TooLarge(_))), "{outcome:?}");
    assert!(house.evil.traffic().is_empty());
    // Cut at any place, it is refused.
    for keep in [0, 1, 73, 1024, 65_000] {
        let lie = items(move |page| {
            for field in page.items.iter_mut().flat_map(|item| &mut item.fields) {
                let keep = keep.min(field.envelope.len() - 1);
                field.envelope.truncate(keep);
            }
        });
        house.tell(lie).await.refused_by(&["fresh"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn e10_nothing_is_renamed_or_moved() {
    let house = House::new().await;
    // Two live items exchange their names; or their names and values.
    for fields in [1, 2] {
        let lie = items(move |page| {
            let live: Vec<usize> =
                (0..page.items.len()).filter(|i| page.items[*i].op == Op::Put).collect();
            let [a, b, ..] = live.as_slice() else { return };
            for field in 0..fields.min(page.items[*a].fields.len()).min(page.items[*b].fields.len())
            {
                let left = page.items[*a].fields[field].clone();
                page.items[*a].fields[field] = page.items[*b].fields[field].clone();
                page.items[*b].fields[field] = left;
            }
        });
        house.tell(lie).await.refused_by(&["fresh", "pinned without a copy"]);
    }
    // Two environments exchange everything.
    let (dev, prod) = (house.device.env("dev"), house.device.env("prod"));
    let lie = sync(move |answer| {
        for env in &mut answer.envs {
            env.env_id = match env.env_id {
                id if id == dev => prod,
                id if id == prod => dev,
                other => other,
            };
        }
    });
    house.tell(lie).await.refused_by(&["pinned"]);
}
