//! Acts for what is written: the log repeats links and commits by itself, and here their author's
//! client says that they are its own.

use strongroom_format::commit::SignedCommit;
use strongroom_format::event::{Detail, EventKind};
use strongroom_format::id::OrgId;
use strongroom_format::statement::Link;
use strongroom_format::wire::WriteBatch;

use super::session::{Session, hold};

/// The acts that go with a write: one for each link and commit, however many there are, so that none
/// of them rests on the server's word.
pub(super) fn signed(batch: &WriteBatch) -> Vec<(EventKind, Detail)> {
    let link = |bytes: &Vec<u8>| {
        let number = Link::parse(bytes).ok()?.statement.seq;
        Some((EventKind::LinkSigned, Detail { number, ..Detail::status(0) }))
    };
    let commit = |bytes: &Vec<u8>| {
        let commit = SignedCommit::parse(bytes).ok()?.commit;
        let detail = Detail { env: commit.env, number: commit.seq, ..Detail::status(0) };
        Some((EventKind::CommitSigned, detail))
    };
    let links = batch.links.iter().filter_map(link);
    links.chain(batch.commits.iter().filter_map(commit)).collect()
}

impl Session {
    /// Notes the acts of a write that the server has accepted and this computer has taken in.
    pub(super) fn note_signed(&self, org: OrgId, signed: &[(EventKind, Detail)]) {
        let orgs = hold(&self.orgs);
        let Some(opened) = orgs.all.get(&org) else { return };
        let (me, state) = (opened.replica.me(), opened.replica.state());
        // Nobody takes the acts of somebody who has left by this very write.
        if !state.is_member(&self.user()) {
            return;
        }
        // What is written stays written; without its act the log has it as repeated only.
        let _ = self.change_acts(org, |acts| {
            for (kind, detail) in signed {
                acts.push(me, state, *kind, *detail);
            }
        });
    }
}
