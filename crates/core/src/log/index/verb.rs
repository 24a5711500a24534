//! What an entry says that somebody did, in a word or two.

use strongroom_format::event::EventKind;

/// The verb of a row, in the past tense. Fetching never sounds like reading a value.
pub fn verb(kind: EventKind) -> &'static str {
    match kind {
        EventKind::CommitSigned => "Wrote",
        EventKind::LinkSigned => "Signed link",
        EventKind::Revealed => "Revealed",
        EventKind::Copied => "Copied",
        EventKind::Injected => "Injected",
        EventKind::Brokered => "Brokered",
        EventKind::Decrypted => "Decrypted",
        EventKind::Exported => "Exported",
        EventKind::Approved => "Approved",
        EventKind::Denied => "Denied",
        EventKind::Drilled => "Drilled",
        EventKind::Replaced => "Replaced",
        EventKind::SignedIn => "Signed in",
        EventKind::ChainFetched => "Fetched chain",
        EventKind::EnvFetched => "Fetched",
        EventKind::HistoryFetched => "Fetched history",
        EventKind::AuditFetched => "Read log",
        EventKind::EnvelopesStaged => "Uploaded",
        EventKind::KeysetFetched => "Fetched keyset",
        EventKind::InviteFetched => "Opened invitation",
        EventKind::JoinAsked => "Asked to join",
        EventKind::JoinsFetched => "Fetched joins",
        EventKind::AccountMade => "Made account",
        EventKind::KeysetReplaced => "Replaced keyset",
        EventKind::IdentityBound => "Bound identity",
        EventKind::LinkAppended => "Linked",
        EventKind::CommitAppended => "Committed",
        EventKind::Refused => "Refused",
        EventKind::RateLimited => "Rate limited",
    }
}

/// What the number of a row counts or names, for "link 412"; empty where it says something else.
pub(super) fn counted(kind: EventKind) -> &'static str {
    match kind {
        EventKind::CommitSigned | EventKind::CommitAppended => "commit",
        EventKind::LinkSigned
        | EventKind::LinkAppended
        | EventKind::InviteFetched
        | EventKind::JoinAsked
        | EventKind::AccountMade => "link",
        EventKind::EnvFetched | EventKind::EnvelopesStaged => "envelopes",
        EventKind::HistoryFetched => "commits",
        EventKind::AuditFetched => "entries",
        _ => "",
    }
}
