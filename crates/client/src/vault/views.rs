//! Filters of the audit log under names of their own, kept on this computer beside the drafts.
//!
//! They are sealed because a filter says what its owner is looking for. What a filter means is the
//! window's: here it is a text.

use strongroom_crypto::safe::{OsEntropy, entropy};
use strongroom_format::encoding::{DecodeError, Reader, Writer};
use strongroom_format::id::{OrgId, base32};
use strongroom_secret::SecretBytes;

use super::error::VaultError;
use super::session::{Session, hold};
use crate::cache::CacheError;

/// The most filters of one organisation.
pub const MAX_VIEWS: usize = 100;
/// The longest filter, in bytes.
pub const MAX_VIEW: usize = 16 * 1024;
/// The longest name of a filter, in bytes.
pub const MAX_VIEW_NAME: usize = 256;
const ID: usize = 10;
const VERSION: u8 = 1;

/// A filter under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptView {
    /// Names it, whatever it is called.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// The filter.
    pub json: String,
}

impl Session {
    /// The filters of the organisation in front, in the order of their names.
    pub fn views(&self) -> Result<Vec<KeptView>, VaultError> {
        self.kept_views(self.current()?)
    }

    /// Keeps a filter, in place of an older one of that name. [`VaultError::TooLarge`] for a name
    /// over [`MAX_VIEW_NAME`], a filter over [`MAX_VIEW`], and one more than [`MAX_VIEWS`].
    pub fn put_view(&self, name: &str, json: &str) -> Result<Vec<KeptView>, VaultError> {
        within(name.len(), MAX_VIEW_NAME)?;
        within(json.len(), MAX_VIEW)?;
        let id = base32().encode(&entropy::array::<ID>(&mut OsEntropy)?);
        self.change_views(|views| {
            let (name, json) = (name.to_owned(), json.to_owned());
            match views.iter_mut().find(|view| view.name == name) {
                Some(view) => view.json = json,
                None => views.push(KeptView { id, name, json }),
            }
            within(views.len(), MAX_VIEWS)
        })
    }

    /// Forgets a filter. [`VaultError::NotFound`] if there is none.
    pub fn remove_view(&self, id: &str) -> Result<Vec<KeptView>, VaultError> {
        self.change_views(|views| {
            let at = views.iter().position(|view| view.id == id).ok_or(VaultError::NotFound)?;
            views.remove(at);
            Ok(())
        })
    }

    /// Changes the filters and keeps them, or changes nothing.
    fn change_views(
        &self,
        change: impl FnOnce(&mut Vec<KeptView>) -> Result<(), VaultError>,
    ) -> Result<Vec<KeptView>, VaultError> {
        let org = self.current()?;
        // One change at a time, of anything that is kept of the audit logs.
        let _audits = hold(&self.audits);
        let mut views = self.kept_views(org)?;
        change(&mut views)?;
        views.sort_by(|a, b| a.name.cmp(&b.name));
        self.drafts.put(&views_name(org), &encode(&views), &mut OsEntropy)?;
        Ok(views)
    }

    fn kept_views(&self, org: OrgId) -> Result<Vec<KeptView>, VaultError> {
        match self.drafts.get(&views_name(org)) {
            // Filters that cannot be read are begun anew.
            Ok(bytes) => Ok(decode(&bytes).unwrap_or_default()),
            Err(CacheError::Missing | CacheError::Broken) => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }
}

fn within(n: usize, limit: usize) -> Result<(), VaultError> {
    if n > limit { Err(VaultError::TooLarge(limit)) } else { Ok(()) }
}

fn encode(views: &[KeptView]) -> Vec<u8> {
    let mut w = Writer::new();
    w.u8(VERSION).count(views.len());
    for KeptView { id, name, json } in views {
        w.lp(id.as_bytes()).lp(name.as_bytes()).lp(json.as_bytes());
    }
    w.finish()
}

fn decode(bytes: &SecretBytes) -> Result<Vec<KeptView>, DecodeError> {
    bytes.lend(|bytes| {
        let mut r = Reader::new(bytes);
        if r.u8()? != VERSION {
            return Err(DecodeError::UnknownVersion);
        }
        let mut views = Vec::new();
        for _ in 0..r.count(MAX_VIEWS)? {
            views.push(KeptView {
                id: text(r.lp(ID * 2)?)?,
                name: text(r.lp(MAX_VIEW_NAME)?)?,
                json: text(r.lp(MAX_VIEW)?)?,
            });
        }
        r.finish()?;
        Ok(views)
    })
}

/// As somebody typed it, in whatever normal form.
fn text(bytes: &[u8]) -> Result<String, DecodeError> {
    str::from_utf8(bytes).map(str::to_owned).map_err(|_| DecodeError::NotCanonical)
}

fn views_name(org: OrgId) -> String {
    format!("views-{org}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(name: &str) -> KeptView {
        KeptView { id: "a".to_owned(), name: name.to_owned(), json: "{}".to_owned() }
    }

    #[test]
    fn filters_come_back_as_they_were_kept() {
        let views = [view("prod, last week"), view("\u{202e}e\u{301} odd")];
        let bytes = SecretBytes::from_vec(encode(&views));
        assert_eq!(decode(&bytes).unwrap(), views);
    }

    #[test]
    fn a_damaged_list_is_refused_and_not_guessed_at() {
        let mut bytes = encode(&[view("prod")]);
        bytes.push(0);
        assert!(decode(&SecretBytes::from_vec(bytes)).is_err());
        assert!(decode(&SecretBytes::from_vec(vec![2, 0])).is_err());
    }
}
