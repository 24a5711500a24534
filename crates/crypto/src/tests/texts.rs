//! The printed forms: what prints reads back, and nothing else does.

use proptest::prelude::*;
use strongroom_format::id::{OrgId, TokenId};
use strongroom_format::statement::MemberKeys;
use strongroom_secret::{Key32, SecretText};
use subtle::ConstantTimeEq as _;

use super::{ORG, Script, USER, counting};
use crate::safe::token::TOKEN_LEN;
use crate::safe::{
    Fingerprint, InviteCode, InviteKey, RepeatableEntropy, SecretKey, ServiceToken, TextError,
};

fn shown(text: &SecretText) -> String {
    text.lend(str::to_owned)
}

fn secret_key(bytes: [u8; 32]) -> SecretKey {
    SecretKey::make(&mut Script(bytes.to_vec())).unwrap()
}

fn same(a: &Key32, b: &[u8; 32]) -> bool {
    a.ct_eq(&Key32::copy_of(b)).into()
}

fn token(id: [u8; 16], secret: [u8; 32]) -> ServiceToken {
    ServiceToken::make(&mut Script([&id[..], &secret].concat())).unwrap()
}

fn code(server_url: &str) -> InviteCode {
    InviteCode {
        org: ORG,
        head_seq: 41,
        head: counting(0x80),
        key: InviteKey::make(&mut RepeatableEntropy::new(1)).unwrap(),
        server_url: server_url.to_owned(),
    }
}

proptest! {
    #[test]
    fn a_secret_key_reads_back(bytes in any::<[u8; 32]>()) {
        let text = shown(&secret_key(bytes).to_text());
        prop_assert_eq!(text.len(), 75);
        prop_assert!(text.starts_with("SR1-") && text.split('-').skip(1).all(|g| g.len() == 5));
        prop_assert!(same(SecretKey::parse(&text).unwrap().key(), &bytes));
    }

    #[test]
    fn a_secret_key_copied_by_hand_reads_back(bytes in any::<[u8; 32]>()) {
        let text = shown(&secret_key(bytes).to_text());
        let sloppy = text[4..].replace('O', "0").replace('B', "8").replace('-', " ");
        for typed in [
            text.to_lowercase(),
            text.replace('-', ""),
            format!("  sr1 {sloppy}\n"),
            text.replace('-', " - "),
        ] {
            prop_assert!(same(SecretKey::parse(&typed).unwrap().key(), &bytes), "{}", typed);
        }
    }

    #[test]
    fn a_token_reads_back(id in any::<[u8; 16]>(), secret in any::<[u8; 32]>()) {
        let text = shown(&token(id, secret).to_text());
        prop_assert_eq!(text.len(), TOKEN_LEN);
        let back = ServiceToken::parse(&text).unwrap();
        prop_assert_eq!(back.id(), TokenId(id));
        prop_assert_eq!(back.bearer().hash(), token(id, secret).bearer().hash());
        prop_assert_eq!(shown(&back.to_text()), text);
    }

    #[test]
    fn an_invite_code_reads_back(url in "[a-zäöü.:/]{0,80}", seq in any::<u64>()) {
        let code = InviteCode { head_seq: seq, ..code(&url) };
        let text = shown(&code.to_text().unwrap());
        let typed = text.to_uppercase().as_bytes().chunks(7)
            .map(|c| str::from_utf8(c).unwrap()).collect::<Vec<_>>().join("\n ");
        for typed in [text, typed] {
            let back = InviteCode::parse(&typed).unwrap();
            prop_assert_eq!(back.org, code.org);
            prop_assert_eq!(back.head_seq, code.head_seq);
            prop_assert_eq!(back.head, code.head);
            prop_assert_eq!(&back.server_url, &code.server_url);
            prop_assert_eq!(back.key.commitment(), code.key.commitment());
        }
    }

    #[test]
    fn arbitrary_text_is_no_code(text in "\\PC{0,200}") {
        prop_assert!(SecretKey::parse(&text).is_err());
        prop_assert!(ServiceToken::parse(&text).is_err());
        prop_assert!(InviteCode::parse(&text).is_err());
    }
}

/// Every text in which one character of `text` is another letter or digit.
fn mistyped(text: &str) -> impl Iterator<Item = String> {
    (0..text.len()).flat_map(move |place| {
        "AaZz09_x".chars().filter_map(move |c| {
            let old = text[place..].chars().next()?;
            let changed = format!("{}{c}{}", &text[..place], &text[place + 1..]);
            (!old.eq_ignore_ascii_case(&c)).then_some(changed)
        })
    })
}

#[test]
fn one_wrong_character_is_noticed() {
    let key = shown(&secret_key(counting(1)).to_text());
    for typed in mistyped(&key) {
        // 0 and O are the same symbol to the reader.
        let normal = typed.replace('0', "O");
        if normal != key {
            assert!(SecretKey::parse(&typed).is_err(), "{typed}");
        }
    }
    for typed in mistyped(&shown(&token(counting(1), counting(2)).to_text())) {
        assert!(ServiceToken::parse(&typed).is_err(), "{typed}");
    }
    for typed in mistyped(&shown(&code("https://vault.example").to_text().unwrap())) {
        assert!(InviteCode::parse(&typed).is_err(), "{typed}");
    }
}

#[test]
fn the_reader_says_whether_a_code_is_foreign_or_mistyped() {
    let key = shown(&secret_key(counting(1)).to_text());
    let wrong = key.replacen('A', "C", 1);
    assert_ne!(key, wrong);
    assert_eq!(SecretKey::parse(&wrong).map(|_| ()), Err(TextError::Mistyped));
    assert_eq!(SecretKey::parse(&key[..70]).map(|_| ()), Err(TextError::Malformed));
    assert_eq!(SecretKey::parse("hello").map(|_| ()), Err(TextError::Malformed));
    assert_eq!(InviteCode::parse("aeaq").map(|_| ()), Err(TextError::Malformed));
    assert_eq!(InviteCode::parse(&"a".repeat(100_000)).map(|_| ()), Err(TextError::Malformed));
}

#[test]
fn a_token_has_one_spelling() {
    let text = shown(&token(counting(1), counting(2)).to_text());
    for other in [
        text.to_uppercase(),
        text.to_lowercase(),
        format!(" {text}"),
        format!("{text}\n"),
        text.replace("srs_", "srs-"),
        text.replacen('_', "", 2),
    ] {
        assert!(ServiceToken::parse(&other).is_err(), "{other}");
    }
}

/// A token text with a right checksum, whatever its digits are.
fn with_crc(body: &str) -> String {
    format!("{body}_{:08x}", crc32fast::hash(body.as_bytes()))
}

#[test]
fn digits_that_do_not_fit_their_bytes_are_refused() {
    let (id, secret) = ("0".repeat(22), "0".repeat(43));
    let parse = |id: &str, secret: &str| {
        ServiceToken::parse(&with_crc(&format!("srs_{id}_{secret}"))).map(|t| t.id())
    };
    assert_eq!(parse(&id, &secret), Ok(TokenId([0; 16])));
    // 2^128 - 1 and 2^128 in base 62.
    assert_eq!(parse("7n42DGM5Tflk9n8mt7Fhc7", &secret), Ok(TokenId([0xff; 16])));
    assert_eq!(parse("7n42DGM5Tflk9n8mt7Fhc8", &secret), Err(TextError::Malformed));
    assert_eq!(parse(&"z".repeat(22), &secret), Err(TextError::Malformed));
    assert_eq!(parse(&id, &"z".repeat(43)), Err(TextError::Malformed));
    assert_eq!(parse(&id[1..], &format!("0{secret}")), Err(TextError::Malformed));
}

#[test]
fn what_goes_on_the_wire_is_not_what_reads() {
    let t = token(counting(1), counting(2));
    let bearer = t.bearer().lend(|b| *b);
    assert!(!same(t.identity().seed(), &bearer));
    assert!(!same(t.encryption().private(), &bearer));
    assert_eq!(t.bearer().hash(), strongroom_format::hash::sha256(&[&bearer]));
    // Two tokens with one secret and two ids have nothing in common.
    let other = token(counting(9), counting(2));
    assert_ne!(t.bearer().hash(), other.bearer().hash());
    assert_ne!(t.encryption().public(), other.encryption().public());
}

#[test]
fn an_address_that_would_not_read_back_makes_no_code() {
    assert!(code(&"x".repeat(512)).to_text().is_ok());
    for url in ["x".repeat(513), "e\u{301}".to_owned()] {
        assert_eq!(code(&url).to_text().map(|_| ()), Err(TextError::Malformed));
    }
}

#[test]
fn a_code_of_a_later_version_is_called_that() {
    let mut payload = vec![2; 120];
    payload.extend_from_slice(&crc32fast::hash(&payload).to_be_bytes());
    let text = strongroom_format::id::base32().encode(&payload);
    assert_eq!(InviteCode::parse(&text).map(|_| ()), Err(TextError::UnknownVersion));
}

#[test]
fn a_join_mac_is_for_one_person_with_one_set_of_keys() {
    let key = InviteKey::make(&mut RepeatableEntropy::new(1)).unwrap();
    let keys = MemberKeys { isk: [1; 32], iek: [2; 32] };
    let mac = key.join_mac(&ORG, &USER, &keys);
    assert!(key.verify_join_mac(&ORG, &USER, &keys, &mac));
    let swapped = MemberKeys { isk: keys.iek, iek: keys.isk };
    assert!(!key.verify_join_mac(&ORG, &USER, &swapped, &mac));
    assert!(!key.verify_join_mac(&OrgId([1; 32]), &USER, &keys, &mac));
    let other = InviteKey::make(&mut RepeatableEntropy::new(2)).unwrap();
    assert!(!other.verify_join_mac(&ORG, &USER, &keys, &mac));
    assert_ne!(key.id(), other.id());
}

#[test]
fn a_fingerprint_is_twenty_characters_in_five_groups() {
    let keys = MemberKeys { isk: [1; 32], iek: [2; 32] };
    let fingerprint = Fingerprint::of(&USER, &keys);
    assert_eq!(fingerprint.to_string().len(), 20);
    assert_eq!(fingerprint.groups().replace(' ', ""), fingerprint.to_string());
    assert_eq!(fingerprint.groups().split(' ').map(str::len).collect::<Vec<_>>(), [4; 5]);
    let other = MemberKeys { iek: [3; 32], ..keys };
    assert_ne!(fingerprint, Fingerprint::of(&USER, &other));
}
