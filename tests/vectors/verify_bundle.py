#!/usr/bin/env python3
"""A second implementation of `strongroom verify` for evidence bundles (docs/audit-files.md).

    verify_bundle.py FILE ...

Shares nothing with the Rust crates but the documents; needs the standard library and the package
`cryptography` (38 or later). Says of each file whether it holds; ends with 1 if one is refused.
"""

import base64
import hashlib
import json
import sys
import unicodedata
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

NOT_CHECKED = """not checked here: whether each link was allowed (roles, rights, data keys: `strongroom verify` does),
  whether all entries that fit a filter are here, whether what the server saw is true, and names"""
MAX_LINE, MAX_FILTER, MAX_NAME, MAX_COUNT = 64 * 1024 * 4 // 3 + 1024, 4096, 1024, 10**8
AGENT_KINDS = {0x06, 0x09, 0x0A}  # acts that may say which agent they are about
KINDS = {*range(0x01, 0x0D), *range(0x80, 0x8D), 0x90, 0x91, 0xA0, 0xA1}
# The encodings of points of small order, without their sign: no honest key or nonce is one.
WEAK = [bytes(32), b"\x01" + bytes(31), *(bytes([b]) + b"\xff" * 30 + b"\x7f" for b in (0xEC, 0xED, 0xEE)),
        bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
        bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")]

class Refused(Exception):
    """Why a file proves nothing."""

def check(condition, why):
    if not condition: raise Refused(why)

def lp(data): return len(data).to_bytes(4, "big") + data
def label(kind): return b"strongroom/1/" + kind.encode() + b"\x00"
def sha256(*parts): return hashlib.sha256(b"".join(parts)).digest()
def H(kind, data): return sha256(label(kind), lp(data))
def node_hash(left, right): return sha256(b"\x01", left, right)
def base32(prefix, data): return prefix + base64.b32encode(data).decode().rstrip("=").lower()

def principal(data):
    """The text form; None for nobody."""
    check(data == bytes(17) or data[0] in (1, 2, 3), "no principal")
    return base32(("usr_", "tok_", "agt_")[data[0] - 1], data[1:]) if data[0] else None
def verifies(key, message, signature):
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
        return all(point[:31] + bytes([point[31] & 0x7F]) not in WEAK for point in (key, signature[:32]))
    except (InvalidSignature, ValueError):
        return False

class Reader:
    def __init__(self, data): self.data, self.at = data, 0
    def take(self, *sizes):
        if len(sizes) > 1:
            return [self.take(size) for size in sizes]
        self.at += sizes[0]
        check(self.at <= len(self.data), "too short")
        return self.data[self.at - sizes[0]:self.at]

    def number(self, size): return int.from_bytes(self.take(size), "big")
    def lp(self): return self.take(self.number(4))
    def end(self): check(self.at == len(self.data), "too long")

# What a field of a line may be.
def u64(value): return type(value) is int and 0 <= value < 2**64 and [value]
def text(value): return type(value) is str and [value]
def b64(value):
    try: data = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
    except (ValueError, TypeError): return None
    return base64.urlsafe_b64encode(data).decode().rstrip("=") == value and [data]

def digest(value): return (data := b64(value)) and len(data[0]) == 32 and data
def listed(element):
    def read(value): return type(value) is list and all(map(element, value)) and [[element(one)[0] for one in value]]
    return read

class Lines:
    """The lines of a file; each has one spelling."""
    def __init__(self, file):
        self.file, self.hash, self.raw, self.line = file, hashlib.sha256(), b"", 0
    def next(self):
        self.hash.update(self.raw)  # everything before the line that is read now
        self.line, self.raw = self.line + 1, self.file.readline(MAX_LINE + 1)
        check(self.raw.endswith(b"\n"), "the file ends, or the line is too long")
    def parse(self, **fields):
        try:
            string = self.raw.decode("utf-8")
            line = json.loads(string)
        except (ValueError, RecursionError):
            raise Refused("not JSON") from None
        check(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" == string, "another spelling")
        check(type(line) is dict and list(line) == list(fields), "other fields")
        values = [read(line[name]) for name, read in fields.items()]
        check(all(values), "a field is not what it should be")
        return [value for (value,) in values]

class Chain:
    """Who held which key when, which key the log has, and which state of it a link repeats."""
    def __init__(self):
        self.org, self.heads, self.authors, self.time, self.keys = None, [], [], 0, {}
        self.vkey, self.reset, self.repeated = None, 0, None

    def key(self, who, seq):
        held = [key for since, key in self.keys.get(who, []) if since <= seq]
        return held[-1] if held else None

    def take(self, link):
        r, at = Reader(link[:-64]), len(self.heads)
        version, kind, org, seq, prev = r.number(1), r.number(1), r.take(32), r.number(8), r.take(32)
        author, time, body = principal(r.take(17)), r.number(8), Reader(r.lp())
        r.end()
        check(version == 1 and seq == at and time >= self.time and (kind == 1) == (at == 0), "link out of order")
        check((org, prev) == (self.org or bytes(32), self.heads[-1] if at else bytes(32)), "link of another chain")
        self.body(kind, at, author, body)
        # A change of its own key, like every other, is signed with the one before; the genesis has none.
        key = self.key(author, max(at - 1, 0))
        check(key and verifies(key, label("stmt") + link[:-64], link[-64:]), "signature of a link")
        self.org, self.time = self.org or H("org", link), time
        self.heads.append(H("link", link))
        self.authors.append(author)

    def body(self, kind, seq, author, body):
        def set_key(who, key): self.keys.setdefault(who, []).append((seq, key))
        if kind == 1:  # Genesis
            body.take(1)
            set_key(principal(b"\x01" + body.take(16)), body.take(32))
            self.vkey = body.take(32, 32)[1]
        elif kind in (3, 5, 7, 12, 13):  # MemberAdd, MemberRemove, KeyReset, TokenIssue, TokenRevoke
            who = principal((b"\x01" if kind < 12 else b"\x02") + body.take(16))
            set_key(who, None if kind in (5, 13) else body.take(32))
        elif kind == 6:  # KeyRotate
            set_key(author, body.take(32))
        elif kind in (15, 17, 21):  # AuditAnchor, AuditReset, AuditRetention
            check(body.number(4) == self.reset, "state of another log")
            size, root = body.number(8), body.take(32)
            if kind == 17:
                self.reset, self.repeated, self.vkey = self.reset + 1, None, body.take(32)
            elif self.repeated is None or size >= self.repeated[1]:
                self.repeated = (seq, size, root)

def checkpoint(note, chain):
    origin, parts = f"{base32('strongroom/org_', chain.org)}/audit/{chain.reset}", note.split("\n")
    try:
        check(len(note.encode()) <= 1024 and len(parts) == 6, "checkpoint")
        size, root, signed = int(parts[1]), base64.b64decode(parts[2]), base64.b64decode(parts[4].split(" ")[-1])
    except ValueError:
        raise Refused("checkpoint") from None
    body = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"
    whole = f"{body}\n\N{EM DASH} {origin} {base64.b64encode(signed).decode()}\n"
    key_id = sha256(origin.encode(), b"\n\x01", chain.vkey)[:4]
    check(note == whole and len(root) == 32 and 0 <= size < 2**64, "checkpoint")
    check(signed[:4] == key_id and verifies(chain.vkey, body.encode(), signed[4:]), "checkpoint signature")
    return size, root

class Fold:
    """The root over entries and nodes that lie side by side, in the fewest nodes."""
    def __init__(self): self.at, self.stack = 0, []
    def push(self, level, hash, given):
        self.at += 1 << level
        while self.stack and self.stack[-1][0] == level:
            _, left, left_given = self.stack.pop()
            check(not (given and left_given), "two nodes where one would do")
            level, hash, given = level + 1, node_hash(left, hash), False
        self.stack.append((level, hash, given))
    def root(self):
        hashes = [hash for _, hash, _ in self.stack] or [sha256()]
        while len(hashes) > 1:
            hashes[-2:] = [node_hash(*hashes[-2:])]
        return hashes[0]

def continues(old, old_root, new, new_root, proof):
    """RFC 9162, section 2.1.4.2; every log begins with the empty one."""
    if old in (0, new):
        return not proof and (old == 0 or old_root == new_root)
    proof = proof if old & (old - 1) else [old_root, *proof]
    if old > new or not proof:
        return False
    node, last, first, second = old - 1, new - 1, proof[0], proof[0]
    while node & 1:
        node, last = node >> 1, last >> 1
    for sibling in proof[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            second = node_hash(second, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and (first, second) == (old_root, new_root)

class Tally:
    def __init__(self, chain):
        self.chain, self.seqs = chain, {head: seq for seq, head in enumerate(chain.heads)}
        self.count = dict.fromkeys(("entries", "signed", "seen", "derived", "doubtful", "missing"), 0)
        self.first, self.last, self.heads, self.named = None, None, {}, set()

    def take(self, entry, event):
        r = Reader(event)
        check(r.number(1) == 1 and r.take(32) == self.chain.org, "entry of another organisation")
        kind, who, device = r.number(1), principal(r.take(17)), r.take(16)
        seq, prev, head = r.number(8), r.take(32), r.take(32)
        detail = Reader(r.lp())
        env, secret, _, number, _ = *detail.take(16, 16, 8), detail.number(8), detail.take(2)
        agent = detail.take(16) if kind in AGENT_KINDS and detail.at < len(detail.data) else None
        if agent:
            epoch, sealed = detail.number(4), detail.lp()
            check(137 <= len(sealed) <= 400 if epoch else not sealed, "words about an agent")
        detail.end()
        act, signature, _, peer = event[:r.at], r.take(64), r.take(8), r.lp()
        r.end()
        check(kind in KINDS and (kind >= 0x80) == (signature == bytes(64)), "kind or signature of an entry")
        normal = unicodedata.normalize("NFC", peer.decode("utf-8", "replace")).encode()
        check(len(peer) <= 64 and normal == peer, "peer of an entry")
        self.first, self.last = entry if self.first is None else self.first, entry
        env_id, sec_id = base32("env_", env), base32("sec_", secret)
        self.named |= {name for name, there in (
            (who, who), (agent and base32("agt_", agent), agent), (env_id, any(env)), (f"{env_id}/{sec_id}", any(secret) and kind != 0x0B)) if there}
        self.count["entries"] += 1
        if kind >= 0x80:
            there = kind != 0x90 or self.chain.authors[number:number + 1] == [who]
            self.count["seen" if kind not in (0x90, 0x91) else "derived" if there else "doubtful"] += 1
        else:
            self.count[self.signed(who, device, seq, prev, head, act, signature)] += 1
    def signed(self, who, device, seq, prev, head, act, signature):
        key = self.chain.key(who, self.seqs[head]) if head in self.seqs else None
        last, hash = self.heads.get((who, device), (0, bytes(32)) if self.first == 0 else (seq - 1, prev))
        if not (key and verifies(key, label("event") + act, signature)) or seq <= last:
            return "doubtful"
        self.count["missing"] += (hash != prev) if seq == last + 1 else seq - last - 1
        self.heads[who, device] = (seq, sha256(act))
        return "signed"

def verify(lines):
    lines.next()
    kind, version, org, made, by, filter, query, note, links, entries = lines.parse(
        strongroom=text, version=u64, org=text, madeMs=u64, by=text, filter=text, query=text, checkpoint=text,
        links=u64, entries=u64)
    check((kind, version) == ("audit-bundle", 1), "not a bundle of this version")
    check(max(len(filter.encode()), len(query.encode())) <= MAX_FILTER, "the filter is too long")
    check(0 < links <= MAX_COUNT and entries <= MAX_COUNT, "too much")
    chain = Chain()
    for _ in range(links):
        lines.next()
        chain.take(*lines.parse(link=b64))
        check(org == base32("org_", chain.org), "another organisation")
    size, root = checkpoint(note, chain)
    fold, tally = Fold(), Tally(chain)
    while fold.at < size:
        lines.next()
        if lines.raw.startswith(b'{"entry":'):
            entry, event = lines.parse(entry=u64, event=b64)
            check(entry == fold.at, "entry out of place")
            tally.take(entry, event)
            fold.push(0, sha256(b"\x00", event), False)
        else:
            node, hash = lines.parse(node=listed(u64), hash=digest)
            check(len(node) == 2 and node[0] < 64 and node[1] << node[0] == fold.at, "node out of place")
            check(fold.at + (1 << node[0]) <= size, "node beyond the end")
            fold.push(node[0], hash, True)
    check(tally.count["entries"] == entries, "another number of entries")
    check(fold.root() == root, "the entries are not those that the log's key signed")
    if chain.repeated:
        lines.next()
        (link, old, old_root), (anchor, proof) = chain.repeated, lines.parse(anchor=u64, proof=listed(digest))
        check(anchor == link and continues(old, old_root, size, root, proof), "not the log that the chain repeats")
    last = ""
    lines.next()
    while lines.raw.startswith(b'{"id":'):
        id, name = lines.parse(id=text, name=text)
        check(last < id and id in tally.named | {by} and len(name.encode()) <= MAX_NAME, "name")
        last = id
        lines.next()
    (signature,) = lines.parse(signature=b64)
    key = chain.key(by, len(chain.heads) - 1) if by.startswith("usr_") else None
    check(key and made >= chain.time, "whoever made it")
    check(verifies(key, label("bundle") + lines.hash.digest(), signature), "signature of whoever made it")
    check(not lines.file.read(1), "something follows")
    return org, chain, size, filter, by, made, tally

def main():
    refused = False
    for path in map(Path, sys.argv[1:]):
        with path.open("rb") as file:
            lines = Lines(file)
            try:
                org, chain, size, filter, by, made, tally = verify(lines)
            except Refused as why:
                refused = True
                print(f"refused: {path}, line {lines.line}: {why}")
                continue
        whole = tally.first is not None and tally.last - tally.first + 1 == tally.count["entries"]
        print(f"holds: {path}:", *(f"{name} {n}" for name, n in tally.count.items()))
        print(f"  {org}, links 0 to {len(chain.heads) - 1}; a log of {size} entries")
        print(f"  entries {tally.first} to {tally.last}, no other" if whole else f"  chosen, they say: {filter!a}")
        print(f"  made by {by} at {made} ms since 1970\n  {NOT_CHECKED}")
    return int(refused)

if __name__ == "__main__":
    sys.exit(main())
