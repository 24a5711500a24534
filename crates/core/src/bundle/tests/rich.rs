//! An organisation whose people and tokens come, change keys and go, whose log begins anew and whose
//! old entries are retired; and a bundle of it that is put together by hand.

use strongroom_chain::tree::{Frontier, leaf_hash, prove_consistency};
use strongroom_crypto::safe::{Keyset, RepeatableEntropy};
use strongroom_format::agency::{Agency, SealedCall};
use strongroom_format::encoding::Codec as _;
use strongroom_format::event::{Act, Detail, Event, EventKind};
use strongroom_format::hash::{Digest, ZERO, h, sha256};
use strongroom_format::id::{AgentId, DeviceId, EnvId, InviteId, OrgId, SecretId, TokenId, UserId};
use strongroom_format::note::Checkpoint;
use strongroom_format::statement::{
    Body, Link, MemberKeys, Policy, Role, Statement, key_change_message, pop_message,
};
use strongroom_format::wire::{B64, act_hash};

use super::super::cover::cover;
use super::super::line::{AnchorLine, EntryLine, Heading, LinkLine, NodeLine, write_line};
use super::super::repeated::Repeated;
use super::mutants::{Files, sign};
use super::*;

const NOW: u64 = 1_790_000_000_000;
const FOUNDER: Principal = Principal::User(UserId([1; 16]));
const SECOND: Principal = Principal::User(UserId([2; 16]));
const TOKEN: Principal = Principal::Token(TokenId([3; 16]));
const AGENT: Principal = Principal::Agent(AgentId([4; 16]));

struct Rich {
    entropy: RepeatableEntropy,
    links: Vec<Link>,
    org: OrgId,
    events: Vec<Vec<u8>>,
    counts: BTreeMap<(Principal, u8), (u64, Digest)>,
    frontier: Frontier,
    nodes: BTreeMap<(u8, u64), Digest>,
}

impl Rich {
    fn new() -> Self {
        Self {
            entropy: RepeatableEntropy::new(31),
            links: Vec::new(),
            org: OrgId::ZERO,
            events: Vec::new(),
            counts: BTreeMap::new(),
            frontier: Frontier::new(),
            nodes: BTreeMap::new(),
        }
    }

    /// Founds the organisation, whose log is signed by `log`.
    fn found(&mut self, founder: &Keyset, keys: MemberKeys, log: &Keyset) {
        let (user, policy) = (UserId([1; 16]), Policy::initial());
        let audit_vkey = log.isk.public();
        let genesis = Body::Genesis { suite: 1, founder: user, keys, audit_vkey, policy };
        self.link(FOUNDER, founder, genesis);
        self.org = OrgId(h("org", &[self.links[0].as_bytes()]));
    }

    fn keys(&mut self) -> (Keyset, MemberKeys) {
        let keyset = Keyset::make(&mut self.entropy).unwrap();
        let keys = keyset.public();
        (keyset, MemberKeys { isk: keys.isk, iek: keys.iek })
    }

    fn link(&mut self, author: Principal, by: &Keyset, body: Body) {
        let seq = self.links.len() as u64;
        let prev = self.links.last().map_or(ZERO, Link::head);
        let time_ms = NOW + seq * 1_000;
        let statement = Statement { org: self.org, seq, prev, author, time_ms, body };
        let signature = by.isk.sign(&[label("stmt"), statement.encode()].concat());
        self.links.push(Link::new(statement, &signature));
    }

    fn invite(&mut self, by: &Keyset, user: UserId, keys: MemberKeys, new: &Keyset) {
        let invite = InviteId(user.0);
        let (role, grants) = (Role::Admin, Vec::new());
        let body = Body::Invite { invite, key_hash: [7; 32], role, grants, expires: u64::MAX };
        self.link(FOUNDER, by, body);
        let pop = new.isk.sign(&pop_message(&self.org, &invite, &user, &keys));
        self.link(FOUNDER, by, Body::MemberAdd { user, keys, role: Role::Admin, invite, pop });
    }

    /// Somebody notes an act, with a key that may not be the right one.
    fn act(&mut self, who: Principal, device: u8, by: &Keyset) {
        self.act_of((EventKind::Copied, None), who, device, by);
    }

    /// Somebody lends a value to an agent.
    fn lend(&mut self, who: Principal, by: &Keyset, sealed: Option<SealedCall>) {
        let agency = Agency { agent: AgentId([4; 16]), sealed };
        self.act_of((EventKind::Brokered, Some(agency)), who, 7, by);
    }

    fn act_of(
        &mut self,
        (kind, agency): (EventKind, Option<Agency>),
        who: Principal,
        device: u8,
        by: &Keyset,
    ) {
        let (seq, prev) = self.counts.get(&(who, device)).copied().unwrap_or((0, ZERO));
        let act = self.shape(Some(who), kind, seq + 1, prev);
        let act = Act { device: DeviceId([device; 16]), agency, ..act };
        self.counts.insert((who, device), (seq + 1, act_hash(&act)));
        let signature = by.isk.sign(&act.message());
        self.push(&Event { act, signature, server_time_ms: NOW, peer: "192.0.2.1:5".into() });
    }

    fn shape(&self, actor: Option<Principal>, kind: EventKind, seq: u64, prev: Digest) -> Act {
        let (env, secret) = (EnvId([6; 16]), SecretId([7; 16]));
        Act {
            org: self.org,
            kind,
            actor,
            device: DeviceId::ZERO,
            actor_seq: seq,
            actor_prev: prev,
            org_head: self.links.last().map_or(ZERO, Link::head),
            detail: Detail { env, secret, version: 3, number: 2, status: 200 },
            agency: None,
        }
    }

    fn seen(&mut self, actor: Option<Principal>, kind: EventKind) {
        let act = self.shape(actor, kind, 0, ZERO);
        let peer = "[2001:db8::1]:443".into();
        self.push(&Event { act, signature: [0; 64], server_time_ms: NOW, peer });
    }

    fn push(&mut self, event: &Event) {
        self.push_bytes(event.encode());
    }

    fn push_bytes(&mut self, bytes: Vec<u8>) {
        for node in self.frontier.append(leaf_hash(&bytes)) {
            self.nodes.insert((node.level, node.index), node.hash);
        }
        self.events.push(bytes);
    }

    fn forget(&mut self) {
        self.frontier = Frontier::new();
        self.nodes.clear();
        self.events.clear();
        self.counts.clear();
    }
}

/// A bundle of all entries but those of `left_out`.
pub(super) fn bundle(left_out: std::ops::Range<u64>) -> Vec<u8> {
    let mut rich = Rich::new();
    let (founder, keys) = rich.keys();
    let (first_log, _) = rich.keys();
    let (log, _) = rich.keys();
    rich.found(&founder, keys, &first_log);
    rich.act(FOUNDER, 1, &founder);
    // The log of before is nobody's any more.
    let (size, root) = (rich.frontier.size(), rich.frontier.root());
    rich.link(FOUNDER, &founder, Body::AuditAnchor { reset: 0, size, root });
    let audit_vkey = log.isk.public();
    rich.link(FOUNDER, &founder, Body::AuditReset { old_reset: 0, size, root, audit_vkey });
    rich.forget();

    let (second, keys) = rich.keys();
    let user = UserId([2; 16]);
    rich.invite(&founder, user, keys, &second);
    rich.act(SECOND, 2, &second);
    let (rotated, keys) = rich.keys();
    let by_new = rotated.isk.sign(&key_change_message(&rich.org, &user, &keys));
    rich.link(SECOND, &second, Body::KeyRotate { keys, by_new });
    rich.act(SECOND, 2, &rotated);
    rich.act(SECOND, 2, &second);
    let (reset, keys) = rich.keys();
    let pop = reset.isk.sign(&key_change_message(&rich.org, &user, &keys));
    rich.link(FOUNDER, &founder, Body::KeyReset { user, keys, pop });
    rich.act(SECOND, 3, &reset);
    rich.act(SECOND, 3, &rotated);

    let (token, keys) = rich.keys();
    let (sig_pub, enc_pub, rights) = (keys.isk, keys.iek, Vec::new());
    let id = TokenId([3; 16]);
    let issue = Body::TokenIssue { token: id, sig_pub, enc_pub, rights, not_after: NOW };
    rich.link(FOUNDER, &founder, issue);
    rich.act(TOKEN, 4, &token);
    rich.link(FOUNDER, &founder, Body::TokenRevoke { token: id });
    rich.act(TOKEN, 4, &token);
    let agent = AgentId([4; 16]);
    let body = Body::AgentIssue {
        agent,
        name_hash: [8; 32],
        policy_hash: [9; 32],
        responsible: user,
        not_after: 0,
    };
    rich.link(FOUNDER, &founder, body);
    rich.act(AGENT, 5, &founder);
    rich.lend(FOUNDER, &founder, None);
    rich.lend(FOUNDER, &founder, Some(SealedCall { epoch: 2, envelope: vec![1; 137] }));
    rich.seen(None, EventKind::JoinAsked);
    rich.seen(Some(TOKEN), EventKind::CommitAppended);
    while rich.frontier.size() < 1_024 {
        rich.seen(Some(FOUNDER), EventKind::EnvFetched);
    }
    let (size, root) = (rich.frontier.size(), rich.frontier.root());
    rich.link(FOUNDER, &founder, Body::AuditRetention { reset: 1, size, root });
    rich.link(SECOND, &reset, Body::MemberRemove { user, cuts: Vec::new() });
    rich.act(SECOND, 3, &reset);
    rich.act(FOUNDER, 1, &founder);
    rich.seen(Some(FOUNDER), EventKind::RateLimited);
    write(&rich, &left_out, &founder, (1, &log, &log))
}

/// The log is `reset`; its checkpoint names one key and is signed by another, perhaps the same.
fn write(
    rich: &Rich,
    left_out: &std::ops::Range<u64>,
    by: &Keyset,
    (reset, named, log): (u32, &Keyset, &Keyset),
) -> Vec<u8> {
    let size = rich.frontier.size();
    let checkpoint = Checkpoint { org: rich.org, reset, size, root: rich.frontier.root() };
    let signature = log.isk.sign(checkpoint.text().as_bytes());
    let heading = Heading {
        strongroom: "audit-bundle".into(),
        version: 1,
        org: rich.org,
        made_ms: NOW + 1_000_000,
        by: UserId([1; 16]),
        filter: "by hand".into(),
        query: String::new(),
        checkpoint: checkpoint.note(&named.isk.public(), &signature),
        links: rich.links.len() as u64,
        entries: size - (left_out.end - left_out.start),
    };
    let mut file = write_line(&heading);
    for link in &rich.links {
        file.extend(write_line(&LinkLine { link: B64(link.as_bytes().to_vec()) }));
    }
    for (entry, event) in (0..).zip(&rich.events) {
        if entry == left_out.start {
            for (level, index) in cover(left_out.start, left_out.end) {
                let hash = B64(rich.nodes[&(level, index)].to_vec());
                file.extend(write_line(&NodeLine { node: (level, index), hash }));
            }
        }
        if !left_out.contains(&entry) {
            file.extend(write_line(&EntryLine { entry, event: B64(event.clone()) }));
        }
    }
    let links = (0..).zip(&rich.links);
    let repeated =
        links.fold(None, |last, (seq, link)| Repeated::after(last, seq, &link.statement.body));
    if let Some(Repeated { link: anchor, size: old, .. }) = repeated {
        let node = |level, index| rich.nodes.get(&(level, index)).copied();
        let proof = prove_consistency(old, size, node).unwrap_or_default();
        let proof = proof.into_iter().map(|hash| B64(hash.to_vec())).collect();
        file.extend(write_line(&AnchorLine { anchor, proof }));
    }
    sign(&file, by)
}

/// Organisations, logs and servers that lie, and whether a bundle of them holds all the same.
#[expect(clippy::too_many_lines, reason = "one row for each lie")]
pub(super) fn lies() -> Files {
    let mut files = Files::new();
    let mut tell = |what: &str, holds: bool, lie: &dyn Fn(&mut Rich, &Keyset)| {
        let mut rich = Rich::new();
        let ((founder, keys), (log, _)) = (rich.keys(), rich.keys());
        rich.found(&founder, keys, &log);
        rich.act(FOUNDER, 1, &founder);
        rich.seen(None, EventKind::SignedIn);
        rich.act(FOUNDER, 1, &founder);
        lie(&mut rich, &founder);
        rich.seen(None, EventKind::SignedIn);
        files.push((what.to_owned(), write(&rich, &(0..0), &founder, (0, &log, &log)), holds));
        if files.len() == 1 {
            let other = write(&rich, &(0..0), &founder, (0, &log, &founder));
            files.push(("a checkpoint that another key signed".to_owned(), other, false));
        }
    };
    tell("the truth", true, &|_, _| ());

    let event = |rich: &Rich, n: usize| Event::decode(&rich.events[n]).unwrap();
    tell("an act that comes again", true, &|rich, _| rich.push(&event(rich, 0)));
    tell("an act in another organisation", false, &|rich, founder| {
        rich.org = OrgId([9; 32]);
        rich.act(FOUNDER, 1, founder);
    });
    tell("an address in another spelling", false, &|rich, _| {
        rich.push(&Event { peer: "e\u{301}".into(), ..event(rich, 1) });
    });
    tell("an address that is no text", false, &|rich, _| {
        let mut bytes = rich.events[1].clone();
        *bytes.last_mut().unwrap() = 0xff;
        rich.push_bytes(bytes);
    });
    tell("a long address", false, &|rich, _| {
        rich.push(&Event { peer: "x".repeat(65), ..event(rich, 1) });
    });
    tell("a signed act without a signature", false, &|rich, _| {
        rich.push(&Event { signature: [0; 64], ..event(rich, 0) });
    });
    tell("a signature of the server", false, &|rich, _| {
        rich.push(&Event { signature: [1; 64], ..event(rich, 1) });
    });
    for (what, at, byte) in [
        ("an event of another version", 0, 2),
        ("an event of another organisation", 1, 0xff),
        ("a kind that nobody knows", 33, 0x50),
        ("somebody of no kind", 34, 9),
    ] {
        tell(what, false, &|rich, _| {
            let mut bytes = rich.events[0].clone();
            bytes[at] = byte;
            rich.push_bytes(bytes);
        });
    }
    tell("a byte too many", false, &|rich, _| {
        rich.push_bytes([rich.events[1].clone(), vec![0]].concat());
    });
    tell("a byte too few", false, &|rich, _| {
        let mut bytes = rich.events[1].clone();
        bytes.pop();
        rich.push_bytes(bytes);
    });

    let words = |epoch, length| Some(SealedCall { epoch, envelope: vec![1; length] });
    for (what, holds, kind, sealed) in [
        ("an act about an agent", true, EventKind::Denied, None),
        ("an act about an agent with words", true, EventKind::Approved, words(1, 400)),
        ("an agent in an act that is about none", false, EventKind::Copied, None),
        ("words under no key", false, EventKind::Brokered, words(0, 137)),
        ("no words under a key", false, EventKind::Brokered, words(1, 0)),
        ("words that are too short", false, EventKind::Brokered, words(1, 136)),
        ("words that are too long", false, EventKind::Brokered, words(1, 401)),
    ] {
        tell(what, holds, &|rich, founder| {
            let agency = Agency { agent: AgentId([4; 16]), sealed: sealed.clone() };
            rich.act_of((kind, Some(agency)), FOUNDER, 1, founder);
        });
    }

    let anchor = |rich: &Rich| {
        let (size, root) = (rich.frontier.size(), rich.frontier.root());
        Body::AuditAnchor { reset: 0, size, root }
    };
    tell("an anchor", true, &|rich, founder| {
        let body = anchor(rich);
        rich.link(FOUNDER, founder, body);
    });
    tell("an anchor of nothing", true, &|rich, founder| {
        rich.link(FOUNDER, founder, Body::AuditAnchor { reset: 0, size: 0, root: ZERO });
    });
    tell("an anchor of another log", false, &|rich, founder| {
        rich.link(FOUNDER, founder, Body::AuditAnchor { reset: 0, size: 2, root: [5; 32] });
    });
    tell("an anchor of a longer log", false, &|rich, founder| {
        rich.link(FOUNDER, founder, Body::AuditAnchor { reset: 0, size: 9, root: [5; 32] });
    });
    tell("an anchor of a log that was given up", false, &|rich, founder| {
        rich.link(FOUNDER, founder, Body::AuditAnchor { reset: 1, size: 2, root: [5; 32] });
    });
    let link = |rich: &Rich| Statement {
        org: rich.org,
        seq: 1,
        prev: rich.links[0].head(),
        author: FOUNDER,
        time_ms: NOW + 1,
        body: anchor(rich),
    };
    let append = |rich: &mut Rich, by: &Keyset, statement: Statement| {
        let signature = by.isk.sign(&[label("stmt"), statement.encode()].concat());
        rich.links.push(Link::new(statement, &signature));
    };
    tell("a link", true, &|rich, by| append(rich, by, link(rich)));
    tell("a link upon another", false, &|rich, by| {
        append(rich, by, Statement { prev: [3; 32], ..link(rich) });
    });
    tell("a link of another organisation", false, &|rich, by| {
        append(rich, by, Statement { org: OrgId([3; 32]), ..link(rich) });
    });
    tell("a link out of order", false, &|rich, by| {
        append(rich, by, Statement { seq: 2, ..link(rich) });
    });
    tell("a link that goes back in time", false, &|rich, by| {
        append(rich, by, Statement { time_ms: NOW - 1, ..link(rich) });
    });
    tell("a link of a stranger", false, &|rich, by| {
        append(rich, by, Statement { author: SECOND, ..link(rich) });
    });
    tell("a link by another key", false, &|rich, _| {
        let (other, _) = rich.keys();
        append(rich, &other, link(rich));
    });
    tell("a second genesis", false, &|rich, by| {
        let body = rich.links[0].statement.body.clone();
        append(rich, by, Statement { body, ..link(rich) });
    });
    files
}

#[test]
fn keys_come_and_go_along_the_chain() {
    let judgement = judged(&bundle(0..0));
    let tally = &judgement.tally;
    assert_eq!(tally.entries, 1_027);
    assert_eq!((judgement.key_link, judgement.log.reset), (2, 1));
    assert_eq!(judgement.anchor.map(|anchor| anchor.size), Some(1_024));
    // A rotated key, a reset one, a revoked token, an agent, a member who left.
    assert_eq!(tally.doubtful_at, [2, 4, 6, 7, 1_024]);
    let signed: Vec<(Principal, u64)> = tally.actors.iter().map(|(who, n)| (*who, *n)).collect();
    assert_eq!(signed, [(FOUNDER, 3), (SECOND, 3), (TOKEN, 1)]);
    let words = judgement.sentences().join("\n");
    assert!(words.contains("link 2 names"), "{words}");
    let judgement = judged(&bundle(3..1_000));
    assert_eq!((judgement.tally.entries, judgement.tally.is_contiguous()), (30, false));
    assert_ne!(sha256(&[&bundle(0..0)]), ZERO);
}
