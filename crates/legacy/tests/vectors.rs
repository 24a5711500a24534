//! The published vectors: an answer of the old service opens here to the values it promises.
#![expect(clippy::unwrap_used, reason = "a broken vector should fail loudly")]

use std::collections::BTreeMap;

use serde_json::Value;
use strongroom_legacy::{LegacyError, Recipient, Token};

fn vectors() -> Value {
    serde_json::from_str(include_str!("vectors.json")).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn the_token_of_the_vectors_has_their_id_and_public_key() {
    let vectors = vectors();
    let token = Token::parse(text(&vectors["token"])).unwrap();
    assert_eq!(token.id().as_str(), text(&vectors["tokenId"]));
    assert_eq!(token.recipient().to_jwk(), text(&vectors["publicKeyJwk"]));
    let read = Recipient::from_jwk(text(&vectors["publicKeyJwk"])).unwrap();
    assert_eq!(read, token.recipient());
}

#[test]
fn every_layer_of_the_vectors_opens_and_later_layers_win() {
    let vectors = vectors();
    let token = Token::parse(text(&vectors["token"])).unwrap();
    let mut merged = BTreeMap::new();
    for layer in vectors["resolve"]["layers"].as_array().unwrap() {
        let dek = token.unwrap(text(&layer["wrappedDek"])).unwrap();
        for secret in layer["secrets"].as_array().unwrap() {
            let name = text(&secret["name"]);
            let value = dek.open(text(&layer["environmentId"]), name, text(&secret["ciphertext"]));
            merged.insert(name.to_owned(), value.unwrap().lend(str::to_owned));
        }
    }
    let promised: BTreeMap<String, String> =
        serde_json::from_value(vectors["stored"].clone()).unwrap();
    assert_eq!(merged, promised);
}

#[test]
fn no_changed_bit_of_a_wrapped_key_opens() {
    let vectors = vectors();
    let token = Token::parse(text(&vectors["token"])).unwrap();
    let wrapped = text(&vectors["resolve"]["layers"][0]["wrappedDek"]);
    let segments: Vec<Vec<u8>> = wrapped
        .split('.')
        .skip(1)
        .map(|one| data_encoding::BASE64URL_NOPAD.decode(one.as_bytes()).unwrap())
        .collect();
    for segment in 0..segments.len() {
        for bit in 0..8 * segments[segment].len() {
            let mut changed = segments.clone();
            changed[segment][bit / 8] ^= 1 << (bit % 8);
            let blob = changed.iter().fold("wd1".to_owned(), |blob, one| {
                blob + "." + &data_encoding::BASE64URL_NOPAD.encode(one)
            });
            let error = token.unwrap(&blob).map(|_| ()).unwrap_err();
            assert!(matches!(error, LegacyError::Closed | LegacyError::Malformed), "{error}");
        }
    }
}
