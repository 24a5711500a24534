//! From the two secrets to the keyset, and every way it must not open.

use ed25519_dalek::{Signature, VerifyingKey};
use strongroom_format::id::{InviteId, Principal, UserId};
use strongroom_format::statement::{MemberKeys, pop_message};
use strongroom_secret::Key32;
use subtle::ConstantTimeEq as _;

use super::{ORG, TOKEN, USER, passphrase};
use crate::safe::context::Context;
use crate::safe::{
    Auk, CacheKey, DraftsKey, Keyset, KeysetParams, LoginKey, OpenError, PinKey, Profile,
    RepeatableEntropy, SecretKey, UnknownProfile, open, seal,
};

struct Account {
    secret_key: SecretKey,
    params: KeysetParams,
    auk: Auk,
    keyset: Keyset,
    blob: Vec<u8>,
}

fn account() -> Account {
    let mut entropy = RepeatableEntropy::new(3);
    let secret_key = SecretKey::make(&mut entropy).unwrap();
    let params = KeysetParams::make(USER, 1, Profile::Test, &mut entropy).unwrap();
    let auk = Auk::derive(&passphrase("correct horse"), &secret_key, &params).unwrap();
    let keyset = Keyset::make(&mut entropy).unwrap();
    let blob = keyset.seal(&auk, &params, &mut entropy).unwrap();
    Account { secret_key, params, auk, keyset, blob }
}

fn equal(a: &Key32, b: &Key32) -> bool {
    a.ct_eq(b).into()
}

#[test]
fn the_two_secrets_open_the_keyset() {
    let a = account();
    assert_eq!(a.blob.len(), 201);
    let auk = Auk::derive(&passphrase("correct horse"), &a.secret_key, &a.params).unwrap();
    let opened = Keyset::open(&auk, &a.params, &a.keyset.public(), &a.blob).unwrap();
    assert!(equal(opened.isk.seed(), a.keyset.isk.seed()));
    assert!(equal(opened.iek.private(), a.keyset.iek.private()));
}

#[test]
fn one_secret_alone_opens_nothing() {
    let a = account();
    let other = SecretKey::make(&mut RepeatableEntropy::new(4)).unwrap();
    for auk in [
        Auk::derive(&passphrase("correct horsf"), &a.secret_key, &a.params).unwrap(),
        Auk::derive(&passphrase(""), &a.secret_key, &a.params).unwrap(),
        Auk::derive(&passphrase("correct horse"), &other, &a.params).unwrap(),
    ] {
        let result = Keyset::open(&auk, &a.params, &a.keyset.public(), &a.blob);
        assert_eq!(result.map(|_| ()), Err(OpenError));
    }
}

#[test]
fn a_keyset_moved_to_other_parameters_does_not_open() {
    let a = account();
    for params in [
        KeysetParams { user: UserId([9; 16]), ..a.params },
        KeysetParams { epoch: 2, ..a.params },
        KeysetParams { profile: Profile::Standard, ..a.params },
        KeysetParams { salt: [0; 16], ..a.params },
    ] {
        // With the same AUK, so that it is the envelope's context that refuses.
        assert!(Keyset::open(&a.auk, &params, &a.keyset.public(), &a.blob).is_err());
    }
}

#[test]
fn keys_that_the_chain_does_not_list_are_refused() {
    let a = account();
    let expected = a.keyset.public();
    let stranger = Keyset::make(&mut RepeatableEntropy::new(5)).unwrap().public();
    for keys in [
        stranger,
        MemberKeys { isk: stranger.isk, ..expected },
        MemberKeys { iek: stranger.iek, ..expected },
    ] {
        assert!(Keyset::open(&a.auk, &a.params, &keys, &a.blob).is_err());
    }
    // A blob whose context names the listed keys but that holds others: only recomputing shows it.
    let wrong = Keyset::make(&mut RepeatableEntropy::new(6)).unwrap();
    let plaintext = wrong.isk.seed().lend(|s| wrong.iek.private().lend(|p| [*s, *p].concat()));
    let context = Context::keyset(&a.params, &expected);
    let blob = seal(&a.auk, &context, &plaintext, &mut RepeatableEntropy::new(7)).unwrap();
    assert!(open(&a.auk, &context, &blob).is_ok());
    assert_eq!(Keyset::open(&a.auk, &a.params, &expected, &blob).map(|_| ()), Err(OpenError));
}

#[test]
fn every_part_of_the_derivation_changes_the_unlock_key() {
    let a = account();
    let derive = |p: &str, params: &KeysetParams| {
        Auk::derive(&passphrase(p), &a.secret_key, params).unwrap()
    };
    let base = derive("p", &a.params);
    assert!(equal(&base.0, &derive("p", &a.params).0));
    for (p, params) in [
        ("q", a.params),
        ("p", KeysetParams { user: UserId([9; 16]), ..a.params }),
        ("p", KeysetParams { epoch: 2, ..a.params }),
        ("p", KeysetParams { salt: [0; 16], ..a.params }),
    ] {
        assert!(!equal(&base.0, &derive(p, &params).0));
    }
}

#[test]
fn a_profile_that_nobody_compiled_in_is_refused() {
    for id in [0, 4, 7, 0x7f, 0xef, 0xf1, 0xff] {
        assert_eq!(Profile::from_id(id), Err(UnknownProfile));
    }
}

#[test]
fn the_login_key_needs_the_secret_key_and_nothing_else() {
    let a = account();
    let login = LoginKey::derive(&a.secret_key, &USER, 1);
    assert_eq!(login.public(), LoginKey::derive(&a.secret_key, &USER, 1).public());
    assert_ne!(login.public(), LoginKey::derive(&a.secret_key, &USER, 2).public());
    assert_ne!(login.public(), LoginKey::derive(&a.secret_key, &UserId([9; 16]), 1).public());
    let signature = Signature::from_bytes(&login.sign(b"challenge"));
    let key = VerifyingKey::from_bytes(&login.public()).unwrap();
    assert!(key.verify_strict(b"challenge", &signature).is_ok());
}

#[test]
fn possession_is_proved_for_one_invitation() {
    let a = account();
    let invite = InviteId([4; 16]);
    let proof = Signature::from_bytes(&a.keyset.prove_possession(&ORG, &invite, &USER));
    let keys = a.keyset.public();
    let isk = VerifyingKey::from_bytes(&keys.isk).unwrap();
    assert!(isk.verify_strict(&pop_message(&ORG, &invite, &USER, &keys), &proof).is_ok());
    let other = pop_message(&ORG, &InviteId([5; 16]), &USER, &keys);
    assert!(isk.verify_strict(&other, &proof).is_err());
}

#[test]
fn the_keys_of_this_device_are_apart_and_belong_to_one_owner() {
    let a = account();
    let owner = Principal::User(USER);
    let cache = CacheKey::derive(&a.keyset.iek, &owner);
    let drafts = DraftsKey::derive(&a.keyset.iek, &owner);
    assert!(!equal(&cache.0, &drafts.0));
    assert!(equal(&cache.0, &CacheKey::derive(&a.keyset.iek, &owner).0));
    assert!(!equal(&cache.0, &CacheKey::derive(&a.keyset.iek, &Principal::Token(TOKEN)).0));
    let context = Context::local(&USER, "cache", b"row 1");
    let row = seal(&cache, &context, b"page", &mut RepeatableEntropy::new(1)).unwrap();
    assert!(open(&cache, &context, &row).is_ok());
    assert!(open(&drafts, &context, &row).is_err());
    assert!(open(&cache, &Context::local(&USER, "cache", b"row 2"), &row).is_err());
}

#[test]
fn a_pin_file_that_was_touched_has_another_tag() {
    let key = PinKey::make(&mut RepeatableEntropy::new(1)).unwrap();
    let tag = key.tag(b"pins");
    assert!(key.verify(b"pins", &tag));
    assert!(!key.verify(b"pint", &tag));
    let again = key.lend_to_keyring(PinKey::from_keyring);
    assert!(again.verify(b"pins", &tag));
    assert!(!PinKey::from_keyring(&[0; 32]).verify(b"pins", &tag));
    // Without a keyring the key follows from the account, and is no other key of it.
    let (account, owner) = (account(), Principal::User(USER));
    let derived = PinKey::derive(&account.keyset.iek, &owner);
    let tag = derived.tag(b"pins");
    assert!(PinKey::derive(&account.keyset.iek, &owner).verify(b"pins", &tag));
    assert!(!PinKey::derive(&account.keyset.iek, &Principal::Token(TOKEN)).verify(b"pins", &tag));
    let cache = CacheKey::derive(&account.keyset.iek, &owner);
    assert!(!cache.0.lend(PinKey::from_keyring).verify(b"pins", &tag));
}
