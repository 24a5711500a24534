//! The envelope: round trips, sizes, and everything that must not open.

use std::collections::BTreeSet;

use proptest::prelude::*;
use strongroom_format::id::SecretId;

use super::{Script, context, counting, dek, item};
use crate::hazmat::{aes256gcm, hkdf_sha256};
use crate::safe::context::{Context, ItemContext};
use crate::safe::seal::{MAX_ENVELOPE, MAX_PLAINTEXT, OVERHEAD, padded_len};
use crate::safe::{Dek, OpenError, RepeatableEntropy, SealError, open, seal};

fn sealed(plaintext: &[u8]) -> Vec<u8> {
    seal(&dek(1), &context(), plaintext, &mut RepeatableEntropy::new(1)).unwrap()
}

fn refused(envelope: &[u8]) -> bool {
    open(&dek(1), &context(), envelope).map(|_| ()) == Err(OpenError)
}

/// An envelope whose padded plaintext is `padded`, whatever that is.
fn forge(key: &Dek, context: &Context, padded: &[u8]) -> Vec<u8> {
    let salt = counting::<24>(0x40);
    let mut okm = [0; 76];
    key.0.lend(|k| hkdf_sha256::derive(Some(&salt), k, context.as_bytes(), &mut okm)).unwrap();
    let mut ciphertext = padded.to_vec();
    let (ek, nonce) = (okm[..32].try_into().unwrap(), okm[64..].try_into().unwrap());
    let tag = aes256gcm::seal(ek, nonce, context.as_bytes(), &mut ciphertext).unwrap();
    [&[1], &salt[..], &okm[32..64], &ciphertext, &tag].concat()
}

fn padded(data: &[u8], length: usize) -> Vec<u8> {
    let mut bytes = u32::try_from(data.len()).unwrap().to_be_bytes().to_vec();
    bytes.extend_from_slice(data);
    bytes.resize(length, 0);
    bytes
}

proptest! {
    #[test]
    fn what_was_sealed_opens(
        plaintext in prop::collection::vec(any::<u8>(), 0..3000),
        seed in any::<u64>(),
    ) {
        let envelope =
            seal(&dek(1), &context(), &plaintext, &mut RepeatableEntropy::new(seed)).unwrap();
        prop_assert_eq!(envelope.len(), OVERHEAD + padded_len(plaintext.len()));
        prop_assert!(open(&dek(1), &context(), &envelope).unwrap().lend(|p| p == plaintext));
        prop_assert!(open(&dek(2), &context(), &envelope).is_err());
    }

    #[test]
    fn padding_is_a_multiple_of_its_step_and_no_more_than_needed(len in 0..=MAX_PLAINTEXT) {
        let (n, padded) = (len + 4, padded_len(len));
        let step = if n <= 1024 { 64 } else { n.next_power_of_two() / if n.is_power_of_two() { 8 } else { 16 } };
        prop_assert!(padded >= n && padded - n < step && padded % step == 0);
        prop_assert!(padded_len(len) <= padded_len(len + 1));
    }

    #[test]
    fn arbitrary_bytes_do_not_open(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(refused(&bytes));
    }
}

#[test]
fn short_values_all_look_the_same() {
    let sizes: BTreeSet<usize> = (0..=60).map(|n| sealed(&vec![b'x'; n]).len()).collect();
    assert_eq!(sizes, BTreeSet::from([64 + 73]));
    assert_eq!(sealed(&[b'x'; 61]).len(), 128 + 73);
}

#[test]
fn padding_has_few_sizes() {
    for (len, expected) in [
        (0, 64),
        (60, 64),
        (61, 128),
        (1020, 1024),
        (1021, 1152),
        (2044, 2048),
        (2045, 2304),
        (65_531, 65_536),
        (65_532, 65_536),
        (65_533, 73_728),
        (65_536, 73_728),
    ] {
        assert_eq!(padded_len(len), expected, "for {len} bytes");
    }
    let sizes: BTreeSet<usize> = (0..=MAX_PLAINTEXT).map(padded_len).collect();
    assert_eq!(sizes.len(), 16 + 6 * 8 + 1);
}

#[test]
fn a_value_of_64_kib_is_sealed_and_one_byte_more_is_not() {
    let envelope = sealed(&vec![7; MAX_PLAINTEXT]);
    assert_eq!(envelope.len(), MAX_ENVELOPE);
    assert!(open(&dek(1), &context(), &envelope).unwrap().lend(|p| p == vec![7; MAX_PLAINTEXT]));
    let one_more =
        seal(&dek(1), &context(), &vec![7; MAX_PLAINTEXT + 1], &mut RepeatableEntropy::new(1));
    assert_eq!(one_more, Err(SealError::TooLong));
}

#[test]
fn every_single_bit_of_an_envelope_matters() {
    let envelope = sealed(b"hunter2");
    for bit in 0..envelope.len() * 8 {
        let mut changed = envelope.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(refused(&changed), "bit {bit}");
    }
    assert!(!refused(&envelope));
}

#[test]
fn a_shorter_or_longer_envelope_does_not_open() {
    let envelope = sealed(b"hunter2");
    for end in 0..envelope.len() {
        assert!(refused(&envelope[..end]));
    }
    assert!(refused(&[&envelope[..], &[0]].concat()));
    assert!(refused(&vec![1; MAX_ENVELOPE + 1]));
}

#[test]
fn an_envelope_opens_in_its_own_place_only() {
    let here = item();
    let elsewhere = [
        ItemContext { org: strongroom_format::id::OrgId([1; 32]), ..here },
        ItemContext { app_or_group: [1; 16], ..here },
        ItemContext { env: strongroom_format::id::EnvId([1; 16]), ..here },
        ItemContext { epoch: here.epoch + 1, ..here },
        ItemContext { secret: SecretId([1; 16]), ..here },
        ItemContext { version: here.version - 1, ..here },
        ItemContext { field: 1, ..here },
        ItemContext { field: 3, ..here },
        ItemContext { field: 4, ..here },
    ];
    let places: Vec<ItemContext> = [here].into_iter().chain(elsewhere).collect();
    for (i, from) in places.iter().enumerate() {
        let mut entropy = RepeatableEntropy::new(i as u64);
        let envelope = seal(&dek(1), &from.context(), b"value", &mut entropy).unwrap();
        for (j, to) in places.iter().enumerate() {
            assert_eq!(open(&dek(1), &to.context(), &envelope).is_ok(), i == j, "{i} as {j}");
        }
    }
}

#[test]
fn a_value_has_one_padding() {
    let (key, context) = (dek(1), context());
    let opens = |padded: &[u8]| open(&key, &context, &forge(&key, &context, padded)).is_ok();
    assert!(opens(&padded(b"value", 64)), "the forge makes what seal makes");
    assert!(!opens(&padded(b"value", 128)), "more zeros than needed");
    assert!(!opens(&padded(&[b'x'; 61], 65)), "a length that is no step");
    let mut dirty = padded(b"value", 64);
    dirty[63] = 1;
    assert!(!opens(&dirty), "a byte behind the value");
    let mut too_long = padded(b"value", 64);
    too_long[..4].copy_from_slice(&61u32.to_be_bytes());
    assert!(!opens(&too_long), "a length past the end");
    too_long[..4].copy_from_slice(&u32::MAX.to_be_bytes());
    assert!(!opens(&too_long), "a length that overflows");
    assert!(!opens(&[]), "nothing at all");
}

#[test]
fn each_write_has_a_salt_of_its_own() {
    let mut entropy = RepeatableEntropy::new(5);
    let salts: BTreeSet<Vec<u8>> = (0..1000)
        .map(|_| seal(&dek(1), &context(), b"v", &mut entropy).unwrap()[1..25].to_vec())
        .collect();
    assert_eq!(salts.len(), 1000);
}

#[test]
fn without_entropy_nothing_is_sealed() {
    let result = seal(&dek(1), &context(), b"v", &mut Script(vec![0; 23]));
    assert!(matches!(result, Err(SealError::Entropy(_))));
}

#[test]
fn an_item_context_is_the_bytes_of_the_protocol() {
    let c = item();
    let expected = strongroom_format::hash::ctx(
        "item",
        &[
            &c.org.0,
            &c.app_or_group,
            &c.env.0,
            &[0, 0, 0, 3],
            &c.secret.0,
            &[0, 0, 0, 0, 0, 0, 0, 7],
            &[2],
        ],
    );
    assert_eq!(c.context().as_bytes(), expected);
}
