#!/usr/bin/env python3
"""A second implementation of the protocol's bytes.

Reads every JSON file beside it and makes each object again from its fields, following
docs/protocol.md and the RFCs named below. It shares nothing with the Rust crates but the
document: only the standard library and the package `cryptography` (38 or later) are used, for
AES-GCM, Ed25519 and X25519. HKDF (RFC 5869), HPKE in base mode (RFC 9180) and the Merkle trees
(RFC 6962) are written out here.

The one exception is Argon2id: it is computed where `argon2-cffi` or a `cryptography` that has it
(44 or later) is installed. Elsewhere its result is taken from the vector, and a line says so.

Prints `N passed, M failed`. Ends with 1 if anything failed, if a file here has no check, or if a
check found no file.
"""

import base64
import contextlib
import hashlib
import hmac
import json
import sys
import unicodedata
import zlib
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

# ---------------------------------------------------------------- encoding (section 1)

def u8(n): return n.to_bytes(1, "big")
def u16(n): return n.to_bytes(2, "big")
def u32(n): return n.to_bytes(4, "big")
def u64(n): return n.to_bytes(8, "big")
def lp(data): return u32(len(data)) + data
def label(kind): return b"strongroom/1/" + kind.encode() + b"\x00"
def ctx(kind, *fields): return label(kind) + b"".join(lp(field) for field in fields)
def sha256(data): return hashlib.sha256(data).digest()
def H(kind, *fields): return sha256(ctx(kind, *fields))


def text(string):
    assert unicodedata.normalize("NFC", string) == string
    return string.encode()


def base32(data): return base64.b32encode(data).decode().rstrip("=").lower()


def unbase32(digits):
    assert digits == digits.lower()
    data = base64.b32decode(digits.upper() + "=" * (-len(digits) % 8))
    assert base32(data) == digits, "one spelling"
    return data


def exactly(length, data):
    assert len(data) == length
    return data


def fixed(length): return lambda digits: exactly(length, bytes.fromhex(digits))


def an_id(prefix, length=16):  # another prefix stays, and its "_" is no digit
    return lambda string: exactly(length, unbase32(string.removeprefix(prefix)))


org_id, env_id, sec_id = an_id("org_", 32), an_id("env_"), an_id("sec_")
usr_id, tok_id, agt_id = an_id("usr_"), an_id("tok_"), an_id("agt_")
inv_id, dev_id = an_id("inv_"), an_id("dev_")
PRINCIPALS = {"usr_": (1, usr_id), "tok_": (2, tok_id), "agt_": (3, agt_id)}


def principal(string):
    kind, decode = PRINCIPALS[string[:4]]
    return u8(kind) + decode(string)


h16, h24, h32, h64 = fixed(16), fixed(24), fixed(32), fixed(64)


def counted(element): return lambda elements: u32(len(elements)) + b"".join(map(element, elements))


def layout(fields):
    """An object whose fields stand one after the other: "name encoding, name encoding"."""
    parts = [field.split() for field in fields.split(",")]
    return lambda o: b"".join(globals()[encode](o[name]) for name, encode in parts)


# ---------------------------------------------------------------- primitives (section 2)

def mac(key, data): return hmac.new(key, data, hashlib.sha256).digest()
def hkdf_extract(salt, ikm): return mac(salt or bytes(32), ikm)


def hkdf_expand(prk, info, length):
    okm, block = b"", b""
    for counter in range(1, -(-length // 32) + 1):
        block = mac(prk, block + info + u8(counter))
        okm += block
    return okm[:length]


def hkdf(salt, ikm, info, length=32): return hkdf_expand(hkdf_extract(salt, ikm), info, length)
def raw(public_key): return public_key.public_bytes(Encoding.Raw, PublicFormat.Raw)
def ed25519_public(seed): return raw(Ed25519PrivateKey.from_private_bytes(seed).public_key())
def ed25519_sign(seed, message): return Ed25519PrivateKey.from_private_bytes(seed).sign(message)
def x25519_public(private): return raw(X25519PrivateKey.from_private_bytes(private).public_key())


def x25519(private, public):
    peer = X25519PublicKey.from_public_bytes(public)
    return X25519PrivateKey.from_private_bytes(private).exchange(peer)


# HPKE, base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM (RFC 9180)
KEM_SUITE = b"KEM" + u16(0x0020)
HPKE_SUITE = b"HPKE" + u16(0x0020) + u16(0x0001) + u16(0x0002)


def labeled_extract(suite, salt, name, ikm):
    return hkdf_extract(salt, b"HPKE-v1" + suite + name + ikm)


def labeled_expand(suite, prk, name, info, length):
    return hkdf_expand(prk, u16(length) + b"HPKE-v1" + suite + name + info, length)


def hpke_seal(recipient, info, plaintext, ikm_e):
    private_prk = labeled_extract(KEM_SUITE, b"", b"dkp_prk", ikm_e)
    ephemeral = labeled_expand(KEM_SUITE, private_prk, b"sk", b"", 32)
    enc = x25519_public(ephemeral)
    dh_prk = labeled_extract(KEM_SUITE, b"", b"eae_prk", x25519(ephemeral, recipient))
    shared = labeled_expand(KEM_SUITE, dh_prk, b"shared_secret", enc + recipient, 32)
    psk_id_hash = labeled_extract(HPKE_SUITE, b"", b"psk_id_hash", b"")
    info_hash = labeled_extract(HPKE_SUITE, b"", b"info_hash", info)
    schedule = u8(0) + psk_id_hash + info_hash
    secret = labeled_extract(HPKE_SUITE, shared, b"secret", b"")
    key = labeled_expand(HPKE_SUITE, secret, b"key", schedule, 32)
    nonce = labeled_expand(HPKE_SUITE, secret, b"base_nonce", schedule, 12)
    return enc + AESGCM(key).encrypt(nonce, plaintext, b"")


def argon2id(password, salt, memory_kib, passes, lanes):
    """The hash, or None where no library has it."""
    with contextlib.suppress(ImportError):
        from argon2.low_level import Type, hash_secret_raw

        return hash_secret_raw(password, salt, passes, memory_kib, lanes, 32, Type.ID)
    with contextlib.suppress(ImportError):
        from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

        cost = {"iterations": passes, "lanes": lanes, "memory_cost": memory_kib}
        return Argon2id(salt=salt, length=32, **cost).derive(password)
    return None


# ---------------------------------------------------------------- envelopes, keys (sections 3-5)

def padded_length(length):
    n = 4 + length
    step = 64 if n <= 1024 else 2 ** (n.bit_length() - 1) // 8
    return -(-n // step) * step


def seal(key, context, plaintext, salt):
    okm = hkdf(salt, key, context, 76)
    padded = lp(plaintext).ljust(padded_length(len(plaintext)), b"\x00")
    ciphertext = AESGCM(okm[:32]).encrypt(okm[64:], padded, context)
    return b"\x01" + salt + okm[32:64] + ciphertext


def login_seed(secret_key, user, epoch):
    return hkdf(b"", secret_key, ctx("login", user, u32(epoch)))


def dek_commit(dek, org, env, epoch): return hkdf(b"", dek, ctx("dek-commit", org, env, u32(epoch)))


def wrap_of(dek, private, ikm_e, org, env, epoch, recipient, author, author_isk):
    """The commitment, the public key, the HPKE info and the wrap for one recipient."""
    commit, iek = dek_commit(dek, org, env, epoch), x25519_public(private)
    info = ctx("dek-wrap", org, env, u32(epoch), commit, recipient[:1], recipient[1:], iek,
               author, author_isk)
    return commit, iek, info, hpke_seal(iek, info, dek, ikm_e)


# ---------------------------------------------------------------- texts (sections 3, 7, 8)

def with_crc(data): return data + u32(zlib.crc32(data))


def secret_key_text(key):
    symbols = base32(with_crc(b"\x01" + key)).upper()
    return "-".join(["SR1"] + [symbols[n:n + 5] for n in range(0, len(symbols), 5)])


def base62(data, width):
    number, digits = int.from_bytes(data, "big"), ""
    for _ in range(width):
        number, digit = divmod(number, 62)
        digits += "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[digit]
    assert number == 0
    return digits[::-1]


def token_text(token, secret):
    body = f"srs_{base62(token, 22)}_{base62(secret, 43)}"
    return f"{body}_{zlib.crc32(body.encode()):08x}"


def invite_code(org, head_seq, head, k_inv, server_url):
    return base32(with_crc(b"\x01" + org + u64(head_seq) + head + k_inv + lp(text(server_url))))


def join_mac(k_inv, org, user, isk, iek):
    message = ctx("join", org, H("invite-id", k_inv)[:16], user, isk, iek)
    return mac(hkdf(b"", k_inv, ctx("join-mac")), message)


def fingerprint(user, isk, iek): return base32(H("fp", user, isk, iek))[:20]


# ---------------------------------------------------------------- links (section 6)

envs = counted(env_id)
POLICY = ("min_profile u8, min_format u8, max_quiet_days u16, grants_to_unverified u8,"
          "two_person envs")
policy = layout(POLICY)
env_rights = counted(layout("env env_id, rights u8, not_after u64"))
cut_points = counted(layout("env env_id, seq u64, head h32"))
wrap_entries = counted(layout("recipient principal, wrap h32"))
BODIES = [None] + [layout(fields) for fields in (
    "suite u8, founder usr_id, isk h32, iek h32, audit_vkey h32, policy policy",
    "invite inv_id, key_hash h32, role u8, grants env_rights, expires u64",
    "user usr_id, isk h32, iek h32, role u8, invite inv_id, pop h64",
    "user usr_id, role u8",
    "user usr_id, cuts cut_points",
    "isk h32, iek h32, by_new h64",
    "user usr_id, isk h32, iek h32, pop h64",
    "env env_id, env_kind u8, place h16, parent env_id, expires u64, owner usr_id",
    "env env_id, principal principal, rights u8, not_after u64",
    "env env_id, principal principal",
    "env env_id, epoch u32, dek_commit h32, reason u8, cut_seq u64, cut_head h32,"
    "wraps wrap_entries, previous h32",
    "token tok_id, sig_pub h32, enc_pub h32, rights env_rights, not_after u64",
    "token tok_id",
    POLICY,
    "reset u32, size u64, root h32",
    "suite u8",
    "old_reset u32, size u64, root h32, audit_vkey h32",
    "agent agt_id, name_hash h32, policy_hash h32, responsible usr_id, not_after u64",
    "agent agt_id",
    "env env_id, groups envs",
    "reset u32, size u64, root h32")]
STATEMENT = layout("type u8, org org_id, seq u64, prev h32, author principal, time_ms u64")


def make_link(o):
    statement = b"\x01" + STATEMENT(o) + lp(BODIES[o["type"]](o["body"]))
    link = statement + ed25519_sign(h32(o["isk_seed"]), label("stmt") + statement)
    made = {"bytes": link, "head": H("link", link)}
    if o["type"] == 1:
        made["org_id"] = "org_" + base32(H("org", link))
    return made


# ---------------------------------------------------------------- commits and state (section 9)

def field_hashes(change):
    fields = change["fields"]
    return u8(len(fields)) + b"".join(u8(number) + h32(digest) for number, digest in fields)


def encode_change(change):
    head = u8(change["op"]) + sec_id(change["secret"]) + u64(change["version"])
    return head + field_hashes(change)


changes = counted(encode_change)
COMMIT = layout("org org_id, env env_id, seq u64, prev h32, author principal, org_seq u64,"
                "org_head h32, dek_epoch u32, time_ms u64, state_root h32, changes changes")


def make_commit(o):
    commit = b"\x01" + COMMIT(o)
    commit += ed25519_sign(h32(o["isk_seed"]), label("commit") + commit)
    return {"bytes": commit, "head": H("commit-head", commit)}


def trie_root(leaves, depth):
    if len(leaves) <= 1:
        return sha256(b"\x00" + leaves[0][1]) if leaves else bytes(32)
    sides = ([], [])
    for secret, leaf in leaves:
        sides[secret[depth // 8] >> 7 - depth % 8 & 1].append((secret, leaf))
    return sha256(b"\x01" + trie_root(sides[0], depth + 1) + trie_root(sides[1], depth + 1))


def make_state_root(o):
    leaves = []
    for item in o["items"]:
        secret = sec_id(item["secret"])
        fields = (secret, u64(item["version"]), u8(item["op"]), field_hashes(item))
        leaves.append((secret, ctx("state", *fields)))
    return {"root": trie_root(leaves, 0)}


# ---------------------------------------------------------------- pins, audit (sections 10, 12)

env_pins = counted(layout("env env_id, seq u64, head h32, epoch u32"))
PINS = layout("org org_id, generation u64, org_seq u64, org_head h32, newest_ms u64, suite u8,"
              "audit_reset u32, audit_size u64, audit_root h32, envs env_pins")
DETAIL = layout("env env_id, secret sec_id, version u64, number u64, status u16")


def agency(o):
    """Which agent an act is about, and what it did, sealed for every member."""
    agent, words = agt_id(o["agent"]), o["words"]
    if words is None:
        return agent + u32(0) + lp(b"")
    context = ctx("agency", org_id(o["org"]), principal(o["actor"])[:1], principal(o["actor"])[1:],
                  agent, u32(words["epoch"]))
    call = b"".join(lp(text(words[part])) for part in ("method", "host", "path", "process"))
    call += u8(words["outcome"])
    return agent + u32(words["epoch"]) + lp(seal(h32(words["dek"]), context, call, h24(words["salt"])))


def make_agent_terms(o):
    salt, policy = h32(o["salt"]), text(o["policy"])
    return {"bytes": b"\x01" + salt + policy,
            "name_hash": sha256(ctx("agent-name", salt, text(o["name"]))),
            "policy_hash": sha256(ctx("agent-terms", salt, policy))}


def make_event(o):
    actor = principal(o["actor"]) if o["actor"] else bytes(17)
    act = b"\x01" + org_id(o["org"]) + u8(o["event"]) + actor + dev_id(o["device"])
    act += u64(o["actor_seq"]) + h32(o["actor_prev"]) + h32(o["org_head"])
    act += lp(DETAIL(o) + (agency(o) if o["kind"] == "agent-act" else b""))
    assert (o["isk_seed"] is not None) == (o["event"] < 0x80)
    signature = bytes(64)
    if o["isk_seed"]:
        signature = ed25519_sign(h32(o["isk_seed"]), label("event") + act)
    event = act + signature + u64(o["server_time_ms"]) + lp(text(o["peer"]))
    return {"bytes": event, "leaf": sha256(b"\x00" + event)}


def make_checkpoint(o):
    org_id(o["org"])
    origin = f"strongroom/{o['org']}/audit/{o['reset']}"
    root = base64.b64encode(h32(o["root"])).decode()
    body = f"{origin}\n{o['size']}\n{root}\n"
    seed = h32(o["key_seed"])
    key_id = sha256(origin.encode() + b"\n\x01" + ed25519_public(seed))[:4]
    signature = base64.b64encode(key_id + ed25519_sign(seed, body.encode())).decode()
    return {"note": f"{body}\n\N{EM DASH} {origin} {signature}\n"}


def largest_power_below(n): return 1 << (n - 1).bit_length() - 1


def tree_root(leaves):
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0])
    k = largest_power_below(len(leaves))
    return sha256(b"\x01" + tree_root(leaves[:k]) + tree_root(leaves[k:]))


def inclusion(index, leaves):
    if len(leaves) == 1:
        return b""
    k = largest_power_below(len(leaves))
    if index < k:
        return inclusion(index, leaves[:k]) + tree_root(leaves[k:])
    return inclusion(index - k, leaves[k:]) + tree_root(leaves[:k])


def consistency(old, leaves, whole=True):
    if old == len(leaves):
        return b"" if whole else tree_root(leaves)
    k = largest_power_below(len(leaves))
    if old <= k:
        return consistency(old, leaves[:k], whole) + tree_root(leaves[k:])
    return consistency(old - k, leaves[k:], False) + tree_root(leaves[:k])


def make_tree(o):
    events = [bytes.fromhex(event) for event in o["events"]]
    return {"root": tree_root(events), "inclusion": inclusion(o["index"], events),
            "consistency": consistency(o["old_size"], events)}


# ---------------------------------------------------------------- the other objects

def make_envelope(o):
    context = ctx("item", org_id(o["org"]), h16(o["place"]), env_id(o["env"]), u32(o["epoch"]),
                  sec_id(o["secret"]), u64(o["version"]), u8(o["field"]))
    plaintext = bytes.fromhex(o["plaintext"])
    return {"bytes": seal(h32(o["dek"]), context, plaintext, h24(o["salt"]))}


def make_wrap(o):
    commit, _, _, wrap = wrap_of(
        h32(o["dek"]), h32(o["recipient_iek_sk"]), h32(o["ikm_e"]), org_id(o["org"]),
        env_id(o["env"]), o["epoch"], principal(o["recipient"]), principal(o["author"])[1:],
        h32(o["author_isk"]))
    return {"bytes": wrap, "dek_commit": commit}


def token_parts(token, secret):
    key = lambda kind: hkdf(b"", secret, ctx(kind, token))
    return key("tok-auth"), key("tok-sig"), key("tok-enc")


def make_token(o):
    token, secret = tok_id(o["token_id"]), h32(o["secret"])
    bearer, sig, enc = token_parts(token, secret)
    return {"text": token_text(token, secret), "bearer_sha256": sha256(bearer),
            "sig_pub": ed25519_public(sig), "enc_pub": x25519_public(enc)}


def make_invite(o):
    org, k_inv, user = org_id(o["org"]), h32(o["k_inv"]), usr_id(o["user"])
    isk, iek = h32(o["isk"]), h32(o["iek"])
    return {"code": invite_code(org, o["head_seq"], h32(o["head"]), k_inv, o["server_url"]),
            "invite_id": "inv_" + base32(H("invite-id", k_inv)[:16]),
            "commitment": H("invite", k_inv), "join_mac": join_mac(k_inv, org, user, isk, iek),
            "fingerprint": fingerprint(user, isk, iek)}


def make_sign_in(o):
    secret_key, user, origin = h32(o["secret_key"]), usr_id(o["user"]), text(o["origin"])
    seed = login_seed(secret_key, user, o["keyset_epoch"])
    login_pub = ed25519_public(seed)
    challenge = ctx("login-challenge", origin, user, h32(o["nonce"]), u64(o["time_ms"]))
    account = ctx("account", origin, user, u32(o["keyset_epoch"]), u8(o["profile"]),
                  h16(o["salt"]), login_pub, h32(o["isk"]), h32(o["iek"]), h64(o["blob"]))
    return {"secret_key_text": secret_key_text(secret_key), "login_pub": login_pub,
            "challenge_sig": ed25519_sign(seed, challenge),
            "account_sig": ed25519_sign(seed, account)}


OBJECTS = {
    "link": make_link, "commit": make_commit, "state-root": make_state_root,
    "event": make_event, "checkpoint": make_checkpoint,
    "pins": lambda o: {"bytes": b"\x01" + PINS(o)}, "tree": make_tree,
    "envelope": make_envelope, "wrap": make_wrap, "token": make_token, "invite": make_invite,
    "sign-in": make_sign_in, "agent-terms": make_agent_terms, "agent-act": make_event,
}


# ---------------------------------------------------------------- one construct a file

ARGON2_TAKEN = []


def check_auk(c):
    passphrase = unicodedata.normalize("NFC", c["passphrase_as_typed"]).encode()
    salt, secret_key, profile = h16(c["salt"]), h32(c["secret_key"]), c["profile"]
    cost = c["argon2id_memory_kib"], c["argon2id_passes"], c["argon2id_lanes"]
    assert {1: (65536, 3, 4), 2: (262144, 3, 4), 3: (2097152, 1, 4)}.get(profile, cost) == cost
    a = argon2id(passphrase, salt, *cost)
    if a is None:
        ARGON2_TAKEN.append(profile)
        a = h32(c["a"])
    info = ctx("auk", h16(c["user_id"]), u8(profile), u32(c["keyset_epoch"]))
    return {"passphrase_nfc_utf8": passphrase, "a": a, "auk": hkdf(salt, a + secret_key, info)}


def check_keyset(c):
    seed, private = h32(c["isk_seed"]), h32(c["iek_sk"])
    isk, iek = ed25519_public(seed), x25519_public(private)
    context = ctx("keyset", h16(c["user_id"]), u32(c["keyset_epoch"]), u8(c["profile"]),
                  h16(c["salt"]), isk, iek)
    blob = seal(h32(c["auk"]), context, seed + private, h24(c["envelope_salt"]))
    return {"isk_pub": isk, "iek_pub": iek, "context": context, "blob": blob}


def check_seal(c):
    pairs = [[length, padded_length(length)] for length, _ in c["data_length_to_padded_length"]]
    context, plaintext = bytes.fromhex(c["context"]), bytes.fromhex(c["plaintext"])
    return {"envelope": seal(h32(c["key"]), context, plaintext, h24(c["salt"])),
            "data_length_to_padded_length": pairs}


def check_wrap(c):
    recipient = u8(c["recipient_kind"]) + h16(c["recipient_id"])
    commit, iek, info, wrap = wrap_of(
        h32(c["dek"]), h32(c["recipient_iek_sk"]), h32(c["ikm_e"]), h32(c["org_id"]),
        h16(c["env_id"]), c["epoch"], recipient, h16(c["author_id"]), h32(c["author_isk_pub"]))
    return {"recipient_iek_pub": iek, "dek_commit": commit, "info": info, "wrap": wrap}


def check_invite(c):
    org, k_inv, user = h32(c["org_id"]), h32(c["k_inv"]), h16(c["user_id"])
    isk, iek = ed25519_public(h32(c["isk_seed"])), h32(c["iek_pub"])
    invite = H("invite-id", k_inv)[:16]
    pop = ctx("pop", org, invite, user, isk, iek)
    return {"code": invite_code(org, c["head_seq"], h32(c["head"]), k_inv, c["server_url"]),
            "invite_id": invite, "invite_hash": H("invite", k_inv), "isk_pub": isk,
            "join_mac": join_mac(k_inv, org, user, isk, iek), "pop_message": pop,
            "pop_sig": ed25519_sign(h32(c["isk_seed"]), pop)}


def check_token(c):
    token, secret = h16(c["token_id"]), h32(c["secret"])
    bearer, sig, enc = token_parts(token, secret)
    return {"token": token_text(token, secret), "bearer": bearer, "bearer_sha256": sha256(bearer),
            "sig_seed": sig, "sig_pub": ed25519_public(sig), "enc_sk": enc,
            "enc_pub": x25519_public(enc)}


def check_login(c):
    seed = login_seed(h32(c["secret_key"]), h16(c["user_id"]), c["keyset_epoch"])
    return {"login_seed": seed, "login_pub": ed25519_public(seed),
            "signature": ed25519_sign(seed, bytes.fromhex(c["message"]))}


def check_fingerprint(c):
    short = fingerprint(h16(c["user_id"]), h32(c["isk"]), h32(c["iek"]))
    return {"fingerprint": short, "grouped": " ".join(short[n:n + 4] for n in range(0, 20, 4))}


def check_ctx(c):
    fields = [bytes.fromhex(field) for field in c["fields"]]
    kind = c["kind"]
    return {"label": label(kind), "ctx": ctx(kind, *fields), "h": H(kind, *fields)}


CONSTRUCTS = {
    "auk": check_auk, "ctx": check_ctx, "fingerprint": check_fingerprint, "invite": check_invite,
    "keyset": check_keyset, "login": check_login, "seal": check_seal, "token": check_token,
    "wrap": check_wrap,
    "dek-commit": lambda c: {
        "dek_commit": dek_commit(h32(c["dek"]), h32(c["org_id"]), h16(c["env_id"]), c["epoch"])},
    "dek-prev": lambda c: {"sealed": seal(
        h32(c["dek_current"]),
        ctx("dek-prev", h32(c["org_id"]), h16(c["env_id"]), u32(c["previous_epoch"])),
        h32(c["dek_previous"]), h24(c["salt"]))},
    "item-context": lambda c: {"context": ctx(
        "item", h32(c["org_id"]), h16(c["app_id"]), h16(c["env_id"]), u32(c["epoch"]),
        h16(c["secret_id"]), u64(c["version"]), u8(c["field"]))},
    "pin-tag": lambda c: {"tag": mac(h32(c["pin_key"]), label("pins") + bytes.fromhex(c["file"]))},
    "secret-key-text": lambda c: {"text": secret_key_text(h32(c["secret_key"]))},
}
OBJECT_FILES = ["link", "commit", "state-root", "event", "checkpoint", "pins", "tree", "envelope",
                "wrap-object", "token-object", "invite-object", "sign-in", "event-later-kinds",
                "event-later-acts", "link-later", "agent-terms", "agent-act", "random-objects"]

# ---------------------------------------------------------------- running

class Case(dict):
    """Remembers which of its fields were looked at: a field nobody needs is a check forgotten."""

    def __init__(self, *args):
        super().__init__(*args)
        self.seen = set()

    def __getitem__(self, name):
        self.seen.add(name)
        return super().__getitem__(name)

    def unseen(self):
        left = set(self) - self.seen
        for value in self.values():
            nested = value if isinstance(value, list) else [value]
            left = left.union(*(n.unseen() for n in nested if isinstance(n, Case)))
        return left


def failure_of(stem, case):
    """What is wrong with one case, or None."""
    make = CONSTRUCTS.get(stem) or OBJECTS[case["kind"]]
    made = {name: v.hex() if isinstance(v, bytes) else v for name, v in make(case).items()}
    recorded = case["out"] if "out" in case else case
    if "sha256" in case:  # one hash over all outputs
        rows = (lp(name.encode()) + lp(made[name].encode()) for name in sorted(made))
        made = {"sha256": sha256(b"".join(rows)).hex()}
    wrong = [name for name in made if recorded[name] != made[name]]
    unseen = case.unseen()
    return f"differs in {wrong}" if wrong else f"not checked: {unseen}" if unseen else None


def cases_of(path):
    document = json.loads(path.read_text(encoding="utf-8"), object_hook=Case)
    if isinstance(document, list):
        return document
    cases = document.pop("cases", [{}])
    return [Case({**document, **case}) for case in cases]


def main():
    known = set(CONSTRUCTS) | set(OBJECT_FILES)
    here = {path.stem: path for path in Path(__file__).resolve().parent.glob("*.json")}
    passed, failed = 0, [f"{stem}.json has no check" for stem in sorted(set(here) - known)]
    failed += [f"{stem}.json is missing" for stem in sorted(known - set(here))]
    for stem in sorted(known & set(here)):
        for number, case in enumerate(cases_of(here[stem])):
            try:
                failure = failure_of(stem, case)
            except Exception as error:  # whatever it is, it is a case that was not reproduced
                failure = f"{type(error).__name__}: {error}"
            if failure:
                failed.append(f"{stem}.json, case {number}: {failure}")
            else:
                passed += 1
    for line in failed:
        print(line, file=sys.stderr)
    if ARGON2_TAKEN:
        print(f"Argon2id is not installed: {len(ARGON2_TAKEN)} of its results were not checked")
    print(f"{passed} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
