//! What happened, as the window names it.

use serde::{Deserialize, Serialize};
use strongroom_format::event::EventKind;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// What happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(feature = "bindings", derive(specta::Type))]
        #[serde(rename_all = "camelCase")]
        pub enum AuditKind { $($(#[$doc])* $name),* }

        impl From<EventKind> for AuditKind {
            fn from(kind: EventKind) -> Self {
                match kind { $(EventKind::$name => Self::$name),* }
            }
        }

        impl From<AuditKind> for EventKind {
            fn from(kind: AuditKind) -> Self {
                match kind { $(AuditKind::$name => Self::$name),* }
            }
        }
    };
}

kinds! {
    /// A client signed a commit.
    CommitSigned,
    /// A client signed a link.
    LinkSigned,
    /// A value was shown in a secure window.
    Revealed,
    /// A value was put on the clipboard.
    Copied,
    /// A value was put into a process.
    Injected,
    /// A value was used through the broker.
    Brokered,
    /// A value was opened on a device.
    Decrypted,
    /// Values were written to a file.
    Exported,
    /// A person allowed an agent's request.
    Approved,
    /// A person or a time limit refused an agent's request.
    Denied,
    /// A holder showed that it can open a data key.
    Drilled,
    /// A person says that what a secret opens was replaced where it was issued.
    Replaced,
    /// A session was opened.
    SignedIn,
    /// Links, wraps and heads were fetched.
    ChainFetched,
    /// Sealed items of an environment were fetched.
    EnvFetched,
    /// Commits of an environment were fetched.
    HistoryFetched,
    /// The audit log was read.
    AuditFetched,
    /// Envelopes were uploaded, ahead of their commit.
    EnvelopesStaged,
    /// A sealed keyset was fetched.
    KeysetFetched,
    /// The chain was fetched with an invitation.
    InviteFetched,
    /// Somebody asked to join with an invitation.
    JoinAsked,
    /// The joins that wait were read.
    JoinsFetched,
    /// An account was made.
    AccountMade,
    /// A sealed keyset was replaced.
    KeysetReplaced,
    /// An identity of an issuer was bound to the account.
    IdentityBound,
    /// A link was appended.
    LinkAppended,
    /// A commit was appended.
    CommitAppended,
    /// A request was refused.
    Refused,
    /// A request was over its rate.
    RateLimited,
}
