//! What really happened: every object that anybody signed, and whether it might be said there. A
//! device is held against this, never against another device.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use strongroom_chain::tree::Frontier;
use strongroom_format::commit::{Change, Commit, SignedCommit};
use strongroom_format::hash::Digest;
use strongroom_format::id::{EnvId, Principal, SecretId};
use strongroom_format::statement::{Body, EnvKind, Link, Rights};
use strongroom_format::wire::WriteBatch;

use crate::device::Device;
use crate::server::Ledger;
use crate::table::Table;

/// A version of an item.
pub(crate) type Place = (EnvId, SecretId, u64);
/// Its name and value; the directory has no values.
pub(crate) type Content = (String, Option<Vec<u8>>);

#[derive(Debug, Clone, Default)]
pub(crate) struct Truth {
    /// The table after each link that might be said; a link that is not here must never count.
    tables: BTreeMap<Digest, Arc<Table>>,
    /// Every commit that was ever signed, and whether its author might write it where it claims.
    commits: BTreeMap<Digest, bool>,
    /// Every change that an allowed commit made.
    changes: BTreeMap<Place, Vec<Change>>,
    /// What the authors meant: name and value of each version.
    meant: BTreeMap<Place, BTreeSet<Content>>,
}

impl Truth {
    pub(crate) fn table(&self, head: &Digest) -> Option<&Table> {
        self.tables.get(head).map(Arc::as_ref)
    }

    /// Whether `link` might be said; if so it is remembered.
    pub(crate) fn hear(&mut self, link: &Link) -> bool {
        let s = &link.statement;
        let before = self.tables.get(&s.prev).cloned().unwrap_or_default();
        let allowed = before.allows(&s.author, &s.body);
        if allowed {
            self.tables.insert(link.head(), Arc::new(before.after(&s.author, &s.body)));
        }
        allowed
    }

    /// Whether the author of a commit might write it at the head it names.
    pub(crate) fn might_write(&self, commit: &Commit) -> bool {
        self.table(&commit.org_head)
            .is_some_and(|table| table.rights(&commit.author, &commit.env).includes(Rights::WRITE))
    }

    pub(crate) fn hear_commit(&mut self, signed: &SignedCommit) -> bool {
        let allowed = self.might_write(&signed.commit);
        self.commits.insert(signed.head(), allowed);
        if allowed {
            for change in &signed.commit.changes {
                let place = (signed.commit.env, change.secret, change.version);
                self.changes.entry(place).or_default().push(change.clone());
            }
        }
        allowed
    }

    pub(crate) fn mean(&mut self, place: Place, content: Content) {
        self.meant.entry(place).or_default().insert(content);
    }

    /// An honest device signed this: its own verifier must not have let anything through.
    pub(crate) fn hear_batch(&mut self, batch: &WriteBatch) {
        for bytes in &batch.links {
            let link = Link::parse(bytes).unwrap();
            assert!(self.hear(&link), "signed though not allowed: {link:?}");
        }
        for bytes in &batch.commits {
            let signed = SignedCommit::parse(bytes).unwrap();
            assert!(self.hear_commit(&signed), "written though not allowed: {signed:?}");
        }
    }

    /// Holds a device that has just taken in `view` against G2 to G8, as far as one device goes.
    pub(crate) fn judge(&self, device: &mut Device, view: &Ledger) {
        self.judge_links(device);
        let envs: Vec<EnvId> = device.seen.commits.keys().copied().collect();
        for env in envs {
            self.judge_commits(device, env);
        }
        self.judge_what_is_shown(device);
        Self::judge_audit(device, view);
    }

    fn judge_links(&self, device: &mut Device) {
        let state = device.replica.state();
        for (seq, head) in device.seen.links.iter().enumerate() {
            assert_eq!(state.head_at(seq as u64), Some(*head), "G4: a known link is another one");
        }
        for seq in device.seen.links.len() as u64..=state.seq() {
            let head = state.head_at(seq).unwrap();
            assert!(self.tables.contains_key(&head), "G2: link {seq} may not be said");
            device.seen.links.push(head);
        }
        let table = &self.tables[&state.head()];
        // G2 and G3: roles, rights and recipients are those of the model, for everybody.
        for (user, role) in &table.members {
            assert_eq!(state.role(user), Some(*role), "G2: a role");
        }
        for (env, kind) in &table.envs {
            assert_eq!(state.readers(env, state.time_ms()), table.readers(env), "G3: readers");
            let people = table.members.keys().copied().map(Principal::User);
            for who in people.chain(table.tokens.iter().copied().map(Principal::Token)) {
                let rights = state.rights(env, &who, state.time_ms());
                assert_eq!(rights, table.rights(&who, env), "G2: rights on {kind:?}");
            }
            let newest = state.env(env).and_then(|env| env.epochs.last());
            let listed = newest.map(|e| e.wraps.iter().map(|w| w.recipient).collect());
            let expected = table.recipients.get(env).cloned();
            assert_eq!(listed, expected, "G3: recipients");
        }
        // G7: nothing that was demanded is demanded no more.
        assert_eq!(state.suite(), 1, "G7");
        assert!(state.policy().min_profile >= device.seen.min_profile, "G7: the policy loosened");
        device.seen.min_profile = state.policy().min_profile;
    }

    pub(crate) fn judge_commits(&self, device: &Device, env: EnvId) {
        let (state, commits) = (device.replica.state(), &device.seen.commits[&env]);
        let epochs = &state.env(&env).unwrap().epochs;
        for pair in commits.windows(2) {
            assert_eq!(pair[1].commit.prev, pair[0].head(), "G4: the history is not one line");
        }
        for signed in commits {
            let commit = &signed.commit;
            assert_eq!(self.commits.get(&signed.head()), Some(&true), "G2: not to be written");
            let head = state.head_at(commit.org_seq);
            assert_eq!(head, Some(commit.org_head), "G5: the author saw another chain");
            // G8: the key of what is written is held by those who may read there, and by nobody else.
            let number = usize::try_from(commit.dek_epoch).unwrap();
            let readers = self.tables[&commit.org_head].readers(&env);
            let wraps = &epochs[number - 1].wraps;
            assert!(wraps.iter().all(|w| readers.contains(&w.recipient)), "G8: {commit:?}");
            // What an old key writes ends at the cut of the next one, and the cut is one commit.
            for (n, epoch) in epochs.iter().enumerate() {
                let late = commit.seq > epoch.cut_seq && number <= n;
                assert!(!late, "G8: behind the cut of epoch {}: {commit:?}", n + 1);
                let other = commit.seq == epoch.cut_seq && signed.head() != epoch.cut_head;
                assert!(!other, "G5: another commit at a cut");
            }
        }
        let reach = commits.last().map_or(0, |signed| signed.commit.seq);
        let cut = epochs.last().map_or(0, |epoch| epoch.cut_seq);
        let reads = state.rights(&env, &device.who(), state.time_ms()).includes(Rights::READ);
        assert!(!reads || reach >= cut, "G4: shorter than the chain says");
    }

    fn judge_what_is_shown(&self, device: &mut Device) {
        for (place, content) in device.shown() {
            let (env, secret, _) = place;
            let copy = device.replica.env(&env).unwrap();
            let change = &copy.lookup(&secret).unwrap().change;
            let signed = self.changes.get(&place).is_some_and(|known| known.contains(change));
            assert!(signed, "G2: nobody wrote {change:?}");
            let meant = self.meant.get(&place);
            let meant = meant.is_some_and(|all| all.contains(&content));
            assert!(meant, "G2: nobody meant {content:?} at {place:?}");
        }
    }

    /// G6: all that was ever pinned is a beginning of what is shown now.
    fn judge_audit(device: &Device, view: &Ledger) {
        let mut frontier = Frontier::new();
        let mut roots = vec![frontier.root()];
        for leaf in &view.log {
            frontier.append(*leaf);
            roots.push(frontier.root());
        }
        for (size, root) in &device.seen.audit {
            let size = usize::try_from(*size).unwrap();
            assert_eq!(roots.get(size), Some(root), "G6: the log lost or changed an entry");
        }
    }

    /// G8, the other way round: with everything the server has and all keys of `device`, exactly
    /// those data keys open that the chain gave to it or to somebody it may follow.
    pub(crate) fn judge_collusion(device: &Device, ledger: &Ledger) {
        let mut spy = device.collude(ledger);
        let me = device.who();
        let envs: Vec<EnvId> = spy.state().envs().keys().copied().collect();
        for env in envs {
            let epochs = spy.state().env(&env).unwrap().epochs.clone();
            for n in 0..epochs.len() {
                let given = epochs[n..].iter().any(|e| e.wraps.iter().any(|w| w.recipient == me));
                let opens = spy.dek(env, u32::try_from(n + 1).unwrap()).is_ok();
                assert_eq!(opens, given, "G8: epoch {} for {me}", n + 1);
            }
        }
    }

    /// Which environments hold secrets, at a head.
    pub(crate) fn data_envs(&self, head: &Digest) -> Vec<EnvId> {
        let envs = self.tables[head].envs.iter();
        envs.filter(|(_, kind)| **kind != EnvKind::Directory).map(|(env, _)| *env).collect()
    }

    /// Whether the body of a link may be said by its author at `head`.
    pub(crate) fn allows(&self, head: &Digest, author: &Principal, body: &Body) -> bool {
        self.table(head).is_some_and(|table| table.allows(author, body))
    }
}
