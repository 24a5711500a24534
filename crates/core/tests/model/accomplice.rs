//! What a server does with the help of somebody who holds keys: commits at a head and under a key of
//! its choice, links beyond its rights.

use strongroom_chain::trie::{Item, Trie};
use strongroom_format::commit::{Change, Commit, Field, FieldHash, Op, SignedCommit};
use strongroom_format::hash::{Digest, ZERO, sha256};
use strongroom_format::id::{EnvId, Principal, SecretId};
use strongroom_format::statement::{
    Body, EpochReason, Link, Policy, Rights, Role, Statement, WrapEntry,
};
use strongroom_format::wire::CommitRecord;

use crate::device::Device;
use crate::world::{MARK, PEOPLE, World};

impl World {
    /// Somebody signs a commit at a head and under a key of its choice, and the server puts it in
    /// the place of the newest commits.
    pub(crate) fn slip_in(&mut self, victim: usize, x: usize, y: usize) {
        self.lied = true;
        let mut view = self.branches[self.people[victim].branch].clone();
        let author = self.anybody(x).clone();
        let state = author.replica.state();
        let envs: Vec<EnvId> = view.commits.keys().copied().collect();
        let env = envs[y % envs.len()];
        let records = view.commits.entry(env).or_default();
        records.truncate(records.len().saturating_sub(x / 7 % 3));
        let commits: Vec<SignedCommit> =
            records.iter().map(|r| SignedCommit::parse(&r.commit).unwrap()).collect();
        let mut trie = Trie::default();
        for change in commits.iter().flat_map(|signed| &signed.commit.changes) {
            trie = trie.with(vec![Item { change: change.clone(), epoch: 0, origin: None }]);
        }
        let (known, seq) = (trie.iter().nth(y % trie.len().max(1)), commits.len() as u64 + 1);
        let (secret, version) = known
            .map_or((SecretId([3; 16]), 1), |item| (item.change.secret, item.change.version + 1));
        let hash = |field: Field| FieldHash { field, envelope: sha256(&[&[field.byte()], MARK]) };
        let fields = vec![hash(Field::Name), hash(Field::Value)];
        let changes = vec![Change { op: Op::Put, secret, version, fields }];
        let after = changes.iter().map(|c| Item { change: c.clone(), epoch: 0, origin: None });
        let org_seq = state.seq().saturating_sub(y as u64 / 5 % 4);
        let epoch = state.env(&env).map_or(1, |env| env.epoch_at(org_seq));
        let commit = Commit {
            org: state.org(),
            env,
            seq,
            prev: commits.last().map_or(ZERO, SignedCommit::head),
            author: author.who(),
            org_seq,
            org_head: state.head_at(org_seq).unwrap(),
            dek_epoch: epoch.saturating_sub(u32::from(y % 4 == 3)),
            time_ms: self.now,
            state_root: trie.with(after.collect()).root(),
            changes,
        };
        let signed = author.replica.me().keyset.isk.sign_commit(commit);
        self.truth.hear_commit(&signed);
        // The fields need not open: whoever takes the commit has taken what was not to be written.
        let envelopes = [Field::Name, Field::Value].map(|f| [&[f.byte()], MARK].concat());
        let record =
            CommitRecord { commit: signed.as_bytes().to_vec(), envelopes: envelopes.into() };
        records.push(record);
        // Values that nobody can open are refused at the end of a sync; what is asked here is whether
        // the commit itself is taken, so the copy alone looks at it.
        match self.people[victim].take_unopened(&view, env) {
            Some(device) => self.truth.judge_commits(&device, env),
            None => *self.refused.entry("slipped commit".to_owned()).or_default() += 1,
        }
    }

    /// Somebody signs a link beyond its rights and the server appends it.
    pub(crate) fn overreach(&mut self, victim: usize, x: usize, y: usize) {
        self.lied = true;
        let mut view = self.branches[self.people[victim].branch].clone();
        let author = self.anybody(x).clone();
        let last = Link::parse(view.links.last().unwrap()).unwrap();
        let head = last.head();
        let Some(body) = self.overreaching(&head, &author, y) else { return };
        let link = author.replica.me().keyset.isk.sign_link(Statement {
            org: author.replica.state().org(),
            seq: last.statement.seq + 1,
            prev: head,
            author: author.who(),
            time_ms: self.now,
            body,
        });
        if self.truth.allows(&head, &author.who(), &link.statement.body) {
            return;
        }
        view.links.push(link.as_bytes().to_vec());
        let outcome = self.show(victim, "overreaching link", &view);
        assert!(outcome.is_err(), "G2: took {link:?}");
    }

    fn overreaching(&self, head: &Digest, author: &Device, y: usize) -> Option<Body> {
        let envs = self.truth.data_envs(head);
        let env = envs[y % envs.len()];
        let who = author.who();
        let Principal::User(user) = self.people[y % PEOPLE].who() else { return None };
        Some(match y % 7 {
            0 => Body::EnvGrant { env, principal: who, rights: Rights::ALL, not_after: 0 },
            1 => Body::MemberRole { user, role: Role::Owner },
            2 => Body::MemberRole { user, role: Role::Reviewer },
            3 => Body::EnvRevoke { env, principal: Principal::User(user) },
            4 => Body::Policy(Policy { min_profile: 0, ..Policy::initial() }),
            5 => Body::MemberRemove { user, cuts: Vec::new() },
            _ => {
                let state = author.replica.state();
                let epoch = state.env(&env)?.epoch_at(state.seq()) + 1;
                let (cut_seq, cut_head) = self.branches[author.branch].standing(&env);
                let wraps = vec![WrapEntry { recipient: who, wrap: [7; 32] }];
                let reason = EpochReason::Rotation;
                let (dek_commit, previous) = ([1; 32], [2; 32]);
                Body::DekEpoch {
                    env,
                    epoch,
                    dek_commit,
                    reason,
                    cut_seq,
                    cut_head,
                    wraps,
                    previous,
                }
            }
        })
    }
}
