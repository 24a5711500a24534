//! What this computer knows about people of an organisation and nobody else needs to: whose keys
//! were checked here and how, which invite codes it holds, which key changes were acknowledged.
//!
//! Sealed beside the drafts; it holds keys of invitations.

use std::collections::{BTreeMap, BTreeSet};

use strongroom_core::replica::Replica;
use strongroom_format::encoding::{Codec as _, DecodeError, Reader, Writer};
use strongroom_format::id::{InviteId, OrgId, Principal, UserId};
use strongroom_secret::{SecretBytes, SecretText};

use super::error::VaultError;
use super::session::{Session, hold};
use crate::cache::CacheError;
use strongroom_crypto::safe::OsEntropy;

const VERSION: u8 = 1;
const MAX_LABEL: usize = 256;
const MAX_CODE: usize = 2048;

/// How a person's keys were checked, as this computer knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// They are one's own.
    You,
    /// By an invite code, here or by somebody whose own keys are checked.
    Code,
    /// By words that two people compared.
    Words,
    /// Nobody that this computer knows of checked them.
    Unverified,
}

/// An invite code that this computer holds, so that it finishes the join.
pub(super) struct KeptInvite {
    pub(super) invite: InviteId,
    /// For whom, in the words of whoever made it.
    pub(super) label: String,
    /// Whose keys the invitation is to replace.
    pub(super) resets: Option<UserId>,
    pub(super) code: SecretText,
}

/// A check that was made on this computer, at some link of the chain.
#[derive(Debug, Clone, Copy)]
struct Mark {
    by_words: bool,
    link: u64,
}

/// The book of one organisation.
#[derive(Default)]
pub(super) struct Book {
    /// The newest link that a code or kit vouched for when this computer began.
    pub(super) vouched: u64,
    pub(super) invites: Vec<KeptInvite>,
    marks: BTreeMap<UserId, Mark>,
    acknowledged: BTreeSet<(UserId, u64)>,
}

impl Book {
    pub(super) fn invite(&self, invite: &InviteId) -> Option<&KeptInvite> {
        self.invites.iter().find(|kept| kept.invite == *invite)
    }

    pub(super) fn forget(&mut self, invite: &InviteId) {
        self.invites.retain(|kept| kept.invite != *invite);
    }

    pub(super) fn mark(&mut self, user: UserId, by_words: bool, link: u64) {
        self.marks.insert(user, Mark { by_words, link });
    }

    pub(super) fn unmark(&mut self, user: &UserId) {
        self.marks.remove(user);
    }

    pub(super) fn acknowledge(&mut self, user: UserId, link: u64) {
        self.acknowledged.insert((user, link));
    }

    /// The newest replacement of a member's keys by an admin that was not acknowledged here.
    pub(super) fn open_reset(&self, replica: &Replica, user: &UserId) -> Option<u64> {
        let reset = *replica.state().member(user)?.resets.last()?;
        let known = self.acknowledged.contains(&(*user, reset));
        (!known && replica.principal() != Principal::User(*user)).then_some(reset)
    }

    /// How the keys of `user` were checked, and by whom if not here.
    pub(super) fn trust(&self, replica: &Replica, user: &UserId) -> (Trust, Option<UserId>) {
        // An admission is younger than its author's, so this ends; the cap is for the reader.
        self.trust_of(replica, user, 64)
    }

    fn trust_of(&self, replica: &Replica, user: &UserId, depth: u8) -> (Trust, Option<UserId>) {
        if replica.principal() == Principal::User(*user) {
            return (Trust::You, None);
        }
        let Some(member) = replica.state().member(user) else { return (Trust::Unverified, None) };
        let reset = member.resets.last().copied().unwrap_or(0);
        if let Some(mark) = self.marks.get(user).filter(|mark| mark.link >= reset) {
            return (if mark.by_words { Trust::Words } else { Trust::Code }, None);
        }
        if reset.max(member.added) <= self.vouched {
            return (Trust::Code, None);
        }
        // Whoever signed the keys in checked them by the code, as every client does.
        let link = replica.link(reset.max(member.added)).map(|link| link.statement.author);
        match link {
            Some(Principal::User(by)) if by != *user && depth > 0 => {
                let (trust, _) = self.trust_of(replica, &by, depth - 1);
                // A replaced key counts only where this computer itself checked the code.
                let passes = trust != Trust::Unverified && reset == 0;
                if passes { (Trust::Code, Some(by)) } else { (Trust::Unverified, Some(by)) }
            }
            _ => (Trust::Unverified, None),
        }
    }

    fn encode(&self) -> SecretBytes {
        let mut w = Writer::new();
        w.u8(VERSION).u64(self.vouched);
        w.count(self.invites.len());
        for kept in &self.invites {
            kept.invite.write(&mut w);
            w.lp(kept.label.as_bytes());
            kept.resets.unwrap_or(UserId::ZERO).write(&mut w);
            kept.code.lend(|code| w.lp(code.as_bytes()));
        }
        w.count(self.marks.len());
        for (user, mark) in &self.marks {
            user.write(&mut w);
            w.u8(u8::from(mark.by_words)).u64(mark.link);
        }
        w.count(self.acknowledged.len());
        for (user, link) in &self.acknowledged {
            user.write(&mut w);
            w.u64(*link);
        }
        SecretBytes::from_vec(w.finish())
    }

    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        if r.u8()? != VERSION {
            return Err(DecodeError::UnknownVersion);
        }
        let mut book = Self { vouched: r.u64()?, ..Self::default() };
        for _ in 0..r.count(usize::MAX)? {
            let invite = InviteId::read(&mut r)?;
            let label = r.text(MAX_LABEL)?.to_owned();
            let resets = Some(UserId::read(&mut r)?).filter(|user| *user != UserId::ZERO);
            let code = SecretText::from_string(r.text(MAX_CODE)?.to_owned());
            book.invites.push(KeptInvite { invite, label, resets, code });
        }
        for _ in 0..r.count(usize::MAX)? {
            let user = UserId::read(&mut r)?;
            let by_words = r.u8()? == 1;
            book.marks.insert(user, Mark { by_words, link: r.u64()? });
        }
        for _ in 0..r.count(usize::MAX)? {
            book.acknowledged.insert((UserId::read(&mut r)?, r.u64()?));
        }
        r.finish()?;
        Ok(book)
    }
}

impl Session {
    /// Looks at the book of an organisation.
    pub(super) fn book<R>(
        &self,
        org: OrgId,
        look: impl FnOnce(&Book) -> R,
    ) -> Result<R, VaultError> {
        let mut books = hold(&self.books);
        if let std::collections::btree_map::Entry::Vacant(place) = books.entry(org) {
            place.insert(self.load_book(org)?);
        }
        Ok(look(books.entry(org).or_default()))
    }

    /// Changes the book of an organisation and keeps it.
    pub(super) fn write_book<R>(
        &self,
        org: OrgId,
        change: impl FnOnce(&mut Book) -> R,
    ) -> Result<R, VaultError> {
        self.book(org, |_| ())?;
        let mut books = hold(&self.books);
        let book = books.entry(org).or_default();
        let result = change(book);
        book.encode().lend(|bytes| self.drafts.put(&name(org), bytes, &mut OsEntropy))?;
        Ok(result)
    }

    fn load_book(&self, org: OrgId) -> Result<Book, VaultError> {
        match self.drafts.get(&name(org)) {
            // One that cannot be read is begun anew: then nobody counts as checked here.
            Ok(bytes) => Ok(bytes.lend(Book::decode).unwrap_or_default()),
            Err(CacheError::Missing | CacheError::Broken) => Ok(Book::default()),
            Err(error) => Err(error.into()),
        }
    }
}

fn name(org: OrgId) -> String {
    format!("book-{org}")
}
