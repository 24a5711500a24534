//! The state of the log that the chain itself repeats.

use strongroom_format::hash::Digest;
use strongroom_format::statement::Body;

/// The widest state of the present log that a link repeats, by whoever signed that link. A member
/// anchors a state; an owner names one when old entries are retired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Repeated {
    /// Which link.
    pub(super) link: u64,
    /// How many entries there were.
    pub(super) size: u64,
    /// Their root.
    pub(super) root: Digest,
}

impl Repeated {
    /// What is repeated once link `link` is taken in as well.
    pub(super) fn after(before: Option<Self>, link: u64, body: &Body) -> Option<Self> {
        match body {
            Body::AuditReset { .. } => None,
            Body::AuditAnchor { size, root, .. } | Body::AuditRetention { size, root, .. } => {
                let narrower = before.filter(|before| before.size > *size);
                narrower.or(Some(Self { link, size: *size, root: *root }))
            }
            _ => before,
        }
    }
}
