//! No key shows a byte of itself when it is printed.

use std::fmt::Debug;

use strongroom_format::id::Principal;

use super::{ORG, USER, dek, passphrase};
use crate::safe::{
    Auk, CacheKey, Dek, DraftsKey, EncryptionKey, IdentityKey, InviteCode, InviteKey, Keyset,
    KeysetParams, LoginKey, PinKey, Profile, RepeatableEntropy, SecretKey, ServiceToken,
};

fn shows(value: &dyn Debug, expected: &str) {
    assert_eq!(format!("{value:?}"), expected);
    assert_eq!(format!("{value:#?}"), expected);
}

#[test]
fn a_key_prints_as_its_name() {
    let entropy = &mut RepeatableEntropy::new(1);
    let secret_key = SecretKey::make(entropy).unwrap();
    let params = KeysetParams::make(USER, 1, Profile::Test, entropy).unwrap();
    let auk = Auk::derive(&passphrase("p"), &secret_key, &params).unwrap();
    let token = ServiceToken::make(entropy).unwrap();
    let keyset = Keyset::make(entropy).unwrap();
    shows(&LoginKey::derive(&secret_key, &USER, 1), "LoginKey(..)");
    shows(&secret_key.to_text(), "SecretText(..)");
    shows(&secret_key, "SecretKey(..)");
    shows(&auk, "Auk(..)");
    shows(&Dek::make(entropy).unwrap(), "Dek(..)");
    shows(&dek(1), "Dek(..)");
    shows(&IdentityKey::make(entropy).unwrap(), "IdentityKey(..)");
    shows(&EncryptionKey::make(entropy).unwrap(), "EncryptionKey(..)");
    shows(&CacheKey::derive(&keyset.iek, &Principal::User(USER)), "CacheKey(..)");
    shows(&DraftsKey::derive(&keyset.iek, &Principal::User(USER)), "DraftsKey(..)");
    shows(&keyset, "Keyset(..)");
    shows(&PinKey::make(entropy).unwrap(), "PinKey(..)");
    shows(&InviteKey::make(entropy).unwrap(), "InviteKey(..)");
    shows(&token.bearer(), "Bearer(..)");
    shows(&token.to_text(), "SecretText(..)");
    shows(&token, "ServiceToken(..)");
}

#[test]
fn an_invite_code_prints_without_its_key() {
    let code = InviteCode {
        org: ORG,
        head_seq: 1,
        head: [0; 32],
        key: InviteKey::make(&mut RepeatableEntropy::new(1)).unwrap(),
        server_url: "https://vault.example".to_owned(),
    };
    assert!(format!("{code:?}").contains("key: InviteKey(..)"));
}
