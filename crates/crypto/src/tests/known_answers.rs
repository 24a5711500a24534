//! Recorded answers of every construct (tests/vectors), so that neither this program nor a second
//! implementation can drift. A vector is added, never edited: a change here is a new version of the
//! protocol.

use std::path::PathBuf;

use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use strongroom_format::hash::{ctx, h, label};
use strongroom_format::id::{EnvId, OrgId, Principal, SecretId, TokenId, UserId};
use strongroom_format::statement::{MemberKeys, pop_message};
use strongroom_secret::Key32;

use super::{Script, counting, passphrase};
use crate::hazmat::{hpke_x25519, x25519};
use crate::safe::context::{Context, ItemContext};
use crate::safe::kdf::derive_from_passphrase;
use crate::safe::seal::padded_len;
use crate::safe::{
    Auk, Dek, EncryptionKey, Fingerprint, IdentityKey, InviteCode, InviteKey, Keyset, KeysetParams,
    LoginKey, PinKey, Profile, Recipient, SecretKey, ServiceToken, WrapContext, seal,
};

fn hex(bytes: impl AsRef<[u8]>) -> String {
    HEXLOWER.encode(bytes.as_ref())
}

fn key_hex(key: &Key32) -> String {
    key.lend(|bytes| hex(bytes))
}

fn org() -> OrgId {
    OrgId(counting(0x10))
}

fn env() -> EnvId {
    EnvId(counting(0x30))
}

fn user() -> UserId {
    UserId(counting(0x40))
}

fn secret_key() -> SecretKey {
    SecretKey::make(&mut Script(counting::<32>(0x50).to_vec())).unwrap()
}

fn dek(first: u8) -> Dek {
    Dek(Key32::copy_of(&counting(first)))
}

fn ctx_cases() -> Value {
    let cases: [(&str, &[&[u8]]); 5] = [
        ("empty", &[]),
        ("one", &[b""]),
        ("two", &[b"ab", b"c"]),
        ("two", &[b"a", b"bc"]),
        ("item", &[&counting::<32>(0), &[0xff; 70]]),
    ];
    let cases = cases.map(|(kind, fields)| {
        json!({
            "kind": kind,
            "fields": fields.iter().map(hex).collect::<Vec<_>>(),
            "label": hex(label(kind)),
            "ctx": hex(ctx(kind, fields)),
            "h": hex(h(kind, fields)),
        })
    });
    json!({ "cases": cases })
}

fn auk_cases() -> Value {
    let cases = [
        (Profile::Test, 1, "correct horse battery staple"),
        (Profile::Test, 2, "e\u{301}t\u{e9} \u{212b}"),
        (Profile::Test, 1, ""),
        (Profile::Standard, 1, "correct horse battery staple"),
    ];
    let cases = cases.map(|(profile, epoch, typed)| {
        let params = KeysetParams { user: user(), epoch, profile, salt: counting(0x60) };
        let (memory_kib, passes, lanes) = match profile {
            Profile::Test => (32, 1, 1),
            _ => (65_536, 3, 4),
        };
        let p = passphrase(typed);
        json!({
            "profile": profile.id(),
            "argon2id_memory_kib": memory_kib,
            "argon2id_passes": passes,
            "argon2id_lanes": lanes,
            "keyset_epoch": epoch,
            "user_id": hex(params.user.0),
            "salt": hex(params.salt),
            "secret_key": key_hex(secret_key().key()),
            "passphrase_as_typed": typed,
            "passphrase_nfc_utf8": p.lend(|bytes| hex(bytes)),
            "a": key_hex(&derive_from_passphrase(profile, &p, &params.salt).unwrap()),
            "auk": key_hex(&Auk::derive(&p, &secret_key(), &params).unwrap().0),
        })
    });
    json!({ "cases": cases })
}

fn login() -> Value {
    let login = LoginKey::derive(&secret_key(), &user(), 1);
    let message = ctx("login-challenge", &[b"https://vault.example", user().as_bytes()]);
    json!({
        "secret_key": key_hex(secret_key().key()),
        "user_id": hex(user().0),
        "keyset_epoch": 1,
        "login_seed": key_hex(login.0.seed()),
        "login_pub": hex(login.public()),
        "message": hex(&message),
        "signature": hex(login.sign(&message)),
    })
}

fn keyset() -> Value {
    let auk = Auk(Key32::copy_of(&counting(0x70)));
    let params =
        KeysetParams { user: user(), epoch: 1, profile: Profile::Standard, salt: counting(0x60) };
    let script = [counting::<32>(0x80), counting::<32>(0xa0)].concat();
    let keyset = Keyset::make(&mut Script(script)).unwrap();
    let salt = counting::<24>(0xc0);
    let blob = keyset.seal(&auk, &params, &mut Script(salt.to_vec())).unwrap();
    assert!(Keyset::open(&auk, &params, &keyset.public(), &blob).is_ok());
    json!({
        "auk": key_hex(&auk.0),
        "user_id": hex(params.user.0),
        "keyset_epoch": params.epoch,
        "profile": params.profile.id(),
        "salt": hex(params.salt),
        "isk_seed": key_hex(keyset.isk.seed()),
        "iek_sk": key_hex(keyset.iek.private()),
        "isk_pub": hex(keyset.isk.public()),
        "iek_pub": hex(keyset.iek.public()),
        "context": hex(Context::keyset(&params, &keyset.public()).as_bytes()),
        "envelope_salt": hex(salt),
        "blob": hex(blob),
    })
}

fn item_context() -> Value {
    let item = ItemContext {
        org: org(),
        app_or_group: counting(0x20),
        env: env(),
        epoch: 3,
        secret: SecretId(counting(0x38)),
        version: 7,
        field: 2,
    };
    json!({
        "org_id": hex(item.org.0),
        "app_id": hex(item.app_or_group),
        "env_id": hex(item.env.0),
        "epoch": item.epoch,
        "secret_id": hex(item.secret.0),
        "version": item.version,
        "field": item.field,
        "context": hex(item.context().as_bytes()),
    })
}

fn seal_cases() -> Value {
    let salt = counting::<24>(0xc0);
    let context = Context::local(&user(), "vector", b"seal");
    let cases: Vec<Value> = [0usize, 1, 60, 61, 1020, 1021, 3000]
        .into_iter()
        .map(|len| {
            let plaintext: Vec<u8> = (0..len).map(|n| u8::try_from(n % 251).unwrap()).collect();
            let envelope =
                seal(&dek(0xe0), &context, &plaintext, &mut Script(salt.to_vec())).unwrap();
            json!({ "plaintext": hex(plaintext), "envelope": hex(envelope) })
        })
        .collect();
    let padded: Vec<[usize; 2]> =
        [0, 60, 61, 1020, 1021, 1148, 1149, 2044, 2045, 4096, 65_532, 65_533, 65_536]
            .into_iter()
            .map(|len| [len, padded_len(len)])
            .collect();
    json!({
        "key": key_hex(&dek(0xe0).0),
        "context": hex(context.as_bytes()),
        "salt": hex(salt),
        "cases": cases,
        "data_length_to_padded_length": padded,
    })
}

fn dek_commit() -> Value {
    json!({
        "dek": key_hex(&dek(0xe0).0),
        "org_id": hex(org().0),
        "env_id": hex(env().0),
        "epoch": 3,
        "dek_commit": hex(dek(0xe0).commit(&org(), &env(), 3)),
    })
}

fn dek_prev() -> Value {
    let salt = counting::<24>(0xc0);
    let (current, previous) = (dek(0x11), dek(0xe0));
    let sealed =
        current.seal_previous(&previous, &org(), &env(), 3, &mut Script(salt.to_vec())).unwrap();
    json!({
        "dek_current": key_hex(&current.0),
        "dek_previous": key_hex(&previous.0),
        "org_id": hex(org().0),
        "env_id": hex(env().0),
        "previous_epoch": 3,
        "salt": hex(salt),
        "sealed": hex(sealed),
    })
}

fn wrap() -> Value {
    let reader = EncryptionKey::from_private(Key32::copy_of(&counting(0xa0)));
    let author = IdentityKey::from_seed(Key32::copy_of(&counting(0x80)));
    let cases = [Principal::User(user()), Principal::Token(TokenId(counting(0x48)))];
    let cases = cases.map(|recipient| {
        let context = WrapContext {
            org: org(),
            env: env(),
            epoch: 3,
            dek_commit: dek(0xe0).commit(&org(), &env(), 3),
            recipient: Recipient { principal: recipient, iek: reader.public() },
            author: Principal::User(UserId(counting(0x44))),
            author_isk: author.public(),
        };
        let ikm_e = counting::<32>(0x21);
        let wrap = dek(0xe0).wrap(&context, &mut Script(ikm_e.to_vec())).unwrap();
        let sealed = dek(0xe0).0.lend(|k| {
            hpke_x25519::seal(&reader.public(), &context.info(), b"", k, &ikm_e).unwrap()
        });
        assert_eq!(sealed, wrap);
        assert!(Dek::unwrap_with(&reader, &context, &wrap).is_ok());
        json!({
            "recipient_kind": recipient.kind(),
            "recipient_id": hex(recipient.id()),
            "recipient_iek_sk": key_hex(reader.private()),
            "recipient_iek_pub": hex(reader.public()),
            "org_id": hex(context.org.0),
            "env_id": hex(context.env.0),
            "epoch": context.epoch,
            "dek": key_hex(&dek(0xe0).0),
            "dek_commit": hex(context.dek_commit),
            "author_id": hex(context.author.id()),
            "author_isk_pub": hex(context.author_isk),
            "ikm_e": hex(ikm_e),
            "info": hex(context.info()),
            "wrap": hex(wrap),
        })
    });
    json!({ "cases": cases })
}

fn invite() -> Value {
    let key = InviteKey::make(&mut Script(counting::<32>(0x90).to_vec())).unwrap();
    let (invite_id, commitment) = (key.id(), key.commitment());
    let keys = MemberKeys {
        isk: IdentityKey::from_seed(Key32::copy_of(&counting(0x80))).public(),
        iek: x25519::public(&counting(0xa0)),
    };
    let mac = key.join_mac(&org(), &user(), &keys);
    let isk = IdentityKey::from_seed(Key32::copy_of(&counting(0x80)));
    let pop = pop_message(&org(), &invite_id, &user(), &keys);
    let code = InviteCode {
        org: org(),
        head_seq: 41,
        head: counting(0xb0),
        key,
        server_url: "https://vault.example".to_owned(),
    };
    json!({
        "org_id": hex(org().0),
        "head_seq": 41,
        "head": hex(counting::<32>(0xb0)),
        "k_inv": hex(counting::<32>(0x90)),
        "server_url": code.server_url,
        "invite_id": hex(invite_id.0),
        "invite_hash": hex(commitment),
        "code": code.to_text().unwrap().lend(str::to_owned),
        "user_id": hex(user().0),
        "isk_seed": key_hex(isk.seed()),
        "isk_pub": hex(keys.isk),
        "iek_pub": hex(keys.iek),
        "join_mac": hex(mac),
        "pop_message": hex(&pop),
        "pop_sig": hex(isk.sign(&pop)),
    })
}

fn token() -> Value {
    let cases = [([0; 16], [0; 32]), (counting(0x48), counting(0x15)), ([0xff; 16], [0xff; 32])];
    let cases = cases.map(|(id, secret)| {
        let t = ServiceToken::make(&mut Script([&id[..], &secret].concat())).unwrap();
        json!({
            "token_id": hex(id),
            "secret": hex(secret),
            "token": t.to_text().lend(str::to_owned),
            "bearer": t.bearer().lend(|bytes| hex(bytes)),
            "bearer_sha256": hex(t.bearer().hash()),
            "sig_seed": key_hex(t.identity().seed()),
            "sig_pub": hex(t.identity().public()),
            "enc_sk": key_hex(t.encryption().private()),
            "enc_pub": hex(t.encryption().public()),
        })
    });
    json!({ "cases": cases })
}

fn fingerprint() -> Value {
    let keys = MemberKeys { isk: counting(1), iek: counting(0x81) };
    let fingerprint = Fingerprint::of(&user(), &keys);
    json!({
        "user_id": hex(user().0),
        "isk": hex(keys.isk),
        "iek": hex(keys.iek),
        "fingerprint": fingerprint.to_string(),
        "grouped": fingerprint.groups(),
    })
}

fn secret_key_text() -> Value {
    let cases = [[0; 32], counting(0x50), [0xff; 32]].map(|bytes| {
        let key = SecretKey::make(&mut Script(bytes.to_vec())).unwrap();
        json!({ "secret_key": hex(bytes), "text": key.to_text().lend(str::to_owned) })
    });
    json!({ "cases": cases })
}

fn pin_tag() -> Value {
    let key = PinKey::from_keyring(&counting(0x33));
    json!({
        "pin_key": hex(counting::<32>(0x33)),
        "file": hex(b"the bytes of a pin file"),
        "tag": hex(key.tag(b"the bytes of a pin file")),
    })
}

/// Every construct, by the name of its file.
fn constructs() -> Vec<(&'static str, Value)> {
    vec![
        ("ctx", ctx_cases()),
        ("auk", auk_cases()),
        ("login", login()),
        ("keyset", keyset()),
        ("item-context", item_context()),
        ("seal", seal_cases()),
        ("dek-commit", dek_commit()),
        ("dek-prev", dek_prev()),
        ("wrap", wrap()),
        ("invite", invite()),
        ("token", token()),
        ("fingerprint", fingerprint()),
        ("secret-key-text", secret_key_text()),
        ("pin-tag", pin_tag()),
    ]
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/vectors")
        .join(format!("{name}.json"))
}

#[test]
fn every_construct_still_gives_its_recorded_bytes() {
    for (name, value) in constructs() {
        let recorded = std::fs::read_to_string(path(name)).unwrap();
        let recorded: Value = serde_json::from_str(&recorded).unwrap();
        assert_eq!(recorded, value, "{name}");
    }
}

/// Records the constructs that have no file yet; never touches one that exists.
#[test]
#[ignore = "writes files: run it by name after adding a construct"]
fn record_new_constructs() {
    for (name, value) in constructs() {
        if !path(name).exists() {
            std::fs::create_dir_all(path(name).parent().unwrap()).unwrap();
            let text = serde_json::to_string_pretty(&value).unwrap() + "\n";
            std::fs::write(path(name), text).unwrap();
        }
    }
}
