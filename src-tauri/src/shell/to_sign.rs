//! What is to be signed, and which summary of it is on the screen.

use strongroom_core::team::Intent;
use strongroom_format::id::UserId;

/// What a person wants signed.
#[derive(Debug, Clone)]
pub enum Wish {
    /// What the main window named.
    Intent(Box<Intent>),
    /// The audit log that the server has now, in place of the one that stopped the vault. Which one
    /// that is, the sign window asks the server itself.
    NewLog,
    /// That entries of the audit log go which are all older than this. Which those are, the sign
    /// window looks up in the log.
    Retention {
        /// In milliseconds since 1970.
        before_ms: u64,
    },
}

/// What the main window asked to have signed. It says what, never what is shown or which links.
#[derive(Debug, Clone)]
pub struct ToSign {
    /// What a person wants.
    pub wish: Wish,
    /// For an invitation: for whom, as this computer remembers it.
    pub label: String,
    /// For an invitation: the member who lost every key and gets new ones with it.
    pub resets: Option<UserId>,
}

/// One request at a time, and the links that its window shows. Each request has a number, so that
/// what was worked out for an older window is neither shown nor signed in a newer one.
#[derive(Debug)]
pub(super) struct Summaries<Links> {
    wanted: Option<ToSign>,
    number: u64,
    shown: Option<(ToSign, Links)>,
}

impl<Links> Default for Summaries<Links> {
    fn default() -> Self {
        Self { wanted: None, number: 0, shown: None }
    }
}

impl<Links> Summaries<Links> {
    /// A window is opened for `wanted`; the one before it is over.
    pub(super) fn open(&mut self, wanted: ToSign) {
        self.wanted = Some(wanted);
        self.number += 1;
        self.shown = None;
    }

    /// What is wanted, and the number of its window.
    pub(super) fn wanted(&self) -> Option<(u64, ToSign)> {
        self.wanted.clone().map(|wanted| (self.number, wanted))
    }

    /// Remembers what the window with this number shows. Says whether that window is still the one
    /// on the screen.
    pub(super) fn show(&mut self, number: u64, wanted: ToSign, links: Links) -> bool {
        let is_open = self.number == number && self.wanted.is_some();
        if is_open {
            self.shown = Some((wanted, links));
        }
        is_open
    }

    /// The links that are shown, to be signed once.
    pub(super) fn take(&mut self) -> Option<(ToSign, Links)> {
        self.shown.take()
    }

    /// The window is closed.
    pub(super) fn close(&mut self) {
        (self.wanted, self.shown) = (None, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(label: &str) -> ToSign {
        let wish = Wish::Intent(Box::new(Intent::OnlyVerified));
        ToSign { wish, label: label.to_owned(), resets: None }
    }

    #[test]
    fn what_an_older_window_worked_out_is_not_signed_in_a_newer_one() {
        let mut summaries = Summaries::default();
        summaries.open(wanted("old"));
        let (old, asked) = summaries.wanted().unwrap();
        summaries.open(wanted("new"));
        assert!(!summaries.show(old, asked, "old links"), "it took too long");
        assert!(summaries.take().is_none());
        let (new, asked) = summaries.wanted().unwrap();
        assert!(summaries.show(new, asked, "new links"));
        let (asked, links) = summaries.take().unwrap();
        assert_eq!((asked.label.as_str(), links), ("new", "new links"));
    }

    #[test]
    fn a_newer_request_takes_the_older_summary_away() {
        let mut summaries = Summaries::default();
        summaries.open(wanted("old"));
        let (old, asked) = summaries.wanted().unwrap();
        assert!(summaries.show(old, asked, "old links"));
        summaries.open(wanted("new"));
        assert!(summaries.take().is_none());
    }

    #[test]
    fn a_summary_is_signed_once_and_not_after_its_window_closed() {
        let mut summaries = Summaries::default();
        summaries.open(wanted("one"));
        let (number, asked) = summaries.wanted().unwrap();
        assert!(summaries.show(number, asked.clone(), "links"));
        assert!(summaries.take().is_some());
        assert!(summaries.take().is_none());
        assert!(summaries.show(number, asked.clone(), "links"));
        summaries.close();
        assert!(summaries.take().is_none());
        assert!(!summaries.show(number, asked, "links"));
    }
}
