//! Data keys: who can unwrap them, and the points that nobody may seal to.

use hex_literal::hex;
use strongroom_format::id::{EnvId, OrgId, Principal, UserId};
use strongroom_secret::Key32;

use super::{ENV, ORG, Script, TOKEN, USER, dek};
use crate::safe::dek::WRAP_LEN;
use crate::safe::{
    Dek, EncryptionKey, IdentityKey, OpenError, Recipient, RepeatableEntropy, WrapContext,
    WrapError,
};

/// Points of order 1, 2, 4 and 8 on the curve and its twist, and other spellings of them
/// (<https://cr.yp.to/ecdh.html>, RFC 7748 section 6.1).
const LOW_ORDER: [[u8; 32]; 7] = [
    [0; 32],
    hex!("0100000000000000000000000000000000000000000000000000000000000000"),
    hex!("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    hex!("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
    hex!("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    hex!("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    hex!("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
];

struct Scene {
    dek: Dek,
    reader: EncryptionKey,
    context: WrapContext,
}

fn scene() -> Scene {
    let mut entropy = RepeatableEntropy::new(7);
    let dek = Dek::make(&mut entropy).unwrap();
    let reader = EncryptionKey::make(&mut entropy).unwrap();
    let author = IdentityKey::make(&mut entropy).unwrap();
    let context = WrapContext {
        org: ORG,
        env: ENV,
        epoch: 2,
        dek_commit: dek.commit(&ORG, &ENV, 2),
        recipient: Recipient { principal: Principal::User(USER), iek: reader.public() },
        author: Principal::User(UserId([9; 16])),
        author_isk: author.public(),
    };
    Scene { dek, reader, context }
}

fn same(a: &Dek, b: &Dek) -> bool {
    subtle::ConstantTimeEq::ct_eq(&a.0, &b.0).into()
}

#[test]
fn a_reader_unwraps_the_key_that_was_wrapped() {
    let s = scene();
    let wrap = s.dek.wrap(&s.context, &mut RepeatableEntropy::new(8)).unwrap();
    assert_eq!(wrap.len(), WRAP_LEN);
    assert!(same(&Dek::unwrap_with(&s.reader, &s.context, &wrap).unwrap(), &s.dek));
}

#[test]
fn a_wrap_opens_for_its_reader_in_its_place_only() {
    let s = scene();
    let c = s.context;
    let wrap = s.dek.wrap(&c, &mut RepeatableEntropy::new(8)).unwrap();
    let other = EncryptionKey::make(&mut RepeatableEntropy::new(9)).unwrap();
    let elsewhere = [
        WrapContext { org: OrgId([1; 32]), ..c },
        WrapContext { env: EnvId([1; 16]), ..c },
        WrapContext { epoch: 3, ..c },
        WrapContext { dek_commit: [0; 32], ..c },
        WrapContext {
            recipient: Recipient { principal: Principal::User(UserId([3; 16])), ..c.recipient },
            ..c
        },
        WrapContext {
            recipient: Recipient { principal: Principal::Token(TOKEN), ..c.recipient },
            ..c
        },
        WrapContext { recipient: Recipient { iek: other.public(), ..c.recipient }, ..c },
        WrapContext { author: Principal::User(UserId([8; 16])), ..c },
        WrapContext { author_isk: [5; 32], ..c },
    ];
    for (n, place) in elsewhere.iter().enumerate() {
        assert!(Dek::unwrap_with(&s.reader, place, &wrap).is_err(), "place {n}");
    }
    assert!(Dek::unwrap_with(&other, &c, &wrap).is_err());
    let for_other =
        WrapContext { recipient: Recipient { iek: other.public(), ..c.recipient }, ..c };
    assert!(Dek::unwrap_with(&other, &for_other, &wrap).is_err());
}

#[test]
fn a_wrap_of_another_key_than_the_link_commits_to_is_refused() {
    let s = scene();
    // The author seals a different key under the same, correctly committed context.
    let wrap = dek(0x66).wrap(&s.context, &mut RepeatableEntropy::new(8)).unwrap();
    assert_eq!(Dek::unwrap_with(&s.reader, &s.context, &wrap).map(|_| ()), Err(OpenError));
}

#[test]
fn every_single_bit_of_a_wrap_matters() {
    let s = scene();
    let wrap = s.dek.wrap(&s.context, &mut RepeatableEntropy::new(8)).unwrap();
    for bit in 0..wrap.len() * 8 {
        // X25519 ignores the top bit of a public key, but HPKE binds the bytes.
        let mut changed = wrap.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(Dek::unwrap_with(&s.reader, &s.context, &changed).is_err(), "bit {bit}");
    }
    for end in 0..wrap.len() {
        assert!(Dek::unwrap_with(&s.reader, &s.context, &wrap[..end]).is_err());
    }
    let longer = [&wrap[..], &[0]].concat();
    assert!(Dek::unwrap_with(&s.reader, &s.context, &longer).is_err());
}

#[test]
fn nobody_seals_to_a_point_of_low_order() {
    let s = scene();
    for mut point in LOW_ORDER {
        for top_bit in [0, 0x80] {
            point[31] |= top_bit;
            let context = WrapContext {
                recipient: Recipient { iek: point, ..s.context.recipient },
                ..s.context
            };
            let result = s.dek.wrap(&context, &mut RepeatableEntropy::new(8));
            assert_eq!(result, Err(WrapError::BadRecipient), "{point:02x?}");
        }
    }
}

#[test]
fn nobody_opens_what_was_encapsulated_with_a_point_of_low_order() {
    let s = scene();
    for mut point in LOW_ORDER {
        for top_bit in [0, 0x80] {
            point[31] |= top_bit;
            let wrap = [&point[..], &[0; 48]].concat();
            assert!(Dek::unwrap_with(&s.reader, &s.context, &wrap).is_err());
            let opened =
                s.reader.private().lend(|k| crate::hazmat::hpke_x25519::open(k, b"", b"", &wrap));
            assert!(opened.is_err());
        }
    }
}

#[test]
fn without_entropy_nothing_is_wrapped() {
    let s = scene();
    let result = s.dek.wrap(&s.context, &mut Script(vec![0; 31]));
    assert!(matches!(result, Err(WrapError::Entropy(_))));
}

#[test]
fn a_commitment_names_one_key_in_one_epoch_of_one_environment() {
    let d = dek(1);
    let commit = d.commit(&ORG, &ENV, 1);
    assert_ne!(commit, d.commit(&ORG, &ENV, 2));
    assert_ne!(commit, d.commit(&ORG, &EnvId([1; 16]), 1));
    assert_ne!(commit, d.commit(&OrgId([1; 32]), &ENV, 1));
    assert_ne!(commit, dek(2).commit(&ORG, &ENV, 1));
}

#[test]
fn the_key_of_the_epoch_before_is_read_through_the_current_one() {
    let (old, new) = (dek(1), dek(2));
    let commit = old.commit(&ORG, &ENV, 4);
    let sealed = new.seal_previous(&old, &ORG, &ENV, 4, &mut RepeatableEntropy::new(1)).unwrap();
    assert!(same(&new.open_previous(&ORG, &ENV, 4, &commit, &sealed).unwrap(), &old));
    assert!(new.open_previous(&ORG, &ENV, 5, &commit, &sealed).is_err());
    assert!(new.open_previous(&ORG, &ENV, 4, &[0; 32], &sealed).is_err());
    assert!(dek(3).open_previous(&ORG, &ENV, 4, &commit, &sealed).is_err());
}

#[test]
fn a_clamped_and_an_unclamped_private_key_are_one_reader() {
    let raw = EncryptionKey::from_private(Key32::copy_of(&[0xff; 32]));
    let clamped = {
        let mut bytes = [0xff; 32];
        bytes[0] &= 0xf8;
        bytes[31] = bytes[31] & 0x7f | 0x40;
        EncryptionKey::from_private(Key32::copy_of(&bytes))
    };
    assert_eq!(raw.public(), clamped.public());
}
