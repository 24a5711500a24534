//! Entries in words: what one is about, and what it proves.

use data_encoding::HEXLOWER;
use strongroom_core::{
    log::{Verdict, index::Row},
    utc,
};
use strongroom_format::{
    agency::{AgentCall, CallOutcome},
    event::EventKind,
    id::{AgentId, EnvId, Principal, TokenId, UserId},
    statement::Body,
};

/// What an entry is about, beside the secret and the place that it names; `link` is what the link
/// does that it names.
pub(super) fn object(row: &Row, link: Option<&str>) -> String {
    let number = row.number;
    match row.kind {
        EventKind::CommitSigned | EventKind::CommitAppended => {
            format!("commit {}", grouped(number))
        }
        EventKind::LinkSigned | EventKind::LinkAppended => match link {
            Some(does) => format!("link {}, {does}", grouped(number)),
            None => format!("link {}", grouped(number)),
        },
        EventKind::Drilled => format!("epoch {}", row.version),
        EventKind::Replaced if number == 0 => "taken back".to_owned(),
        EventKind::Injected | EventKind::Exported if row.secret.is_zero() => {
            many(number, "secret", "")
        }
        EventKind::ChainFetched => many(number, "link", ""),
        EventKind::EnvFetched => many(number, "envelope", "nothing new"),
        EventKind::EnvelopesStaged => many(number, "envelope", ""),
        EventKind::HistoryFetched => many(number, "commit", "nothing new"),
        EventKind::JoinsFetched => many(number, "request", ""),
        EventKind::AuditFetched if number > 0 => format!("at entry {}", grouped(number)),
        EventKind::InviteFetched | EventKind::JoinAsked | EventKind::AccountMade if number > 0 => {
            format!("invitation of link {}", grouped(number))
        }
        EventKind::Refused | EventKind::RateLimited => refusal(row.status),
        EventKind::Revealed
        | EventKind::Copied
        | EventKind::Injected
        | EventKind::Brokered
        | EventKind::Decrypted
        | EventKind::Exported
        | EventKind::Approved
        | EventKind::Denied
        | EventKind::Replaced
        | EventKind::SignedIn
        | EventKind::AuditFetched
        | EventKind::KeysetFetched
        | EventKind::InviteFetched
        | EventKind::JoinAsked
        | EventKind::AccountMade
        | EventKind::KeysetReplaced
        | EventKind::IdentityBound => String::new(),
    }
}

/// What an agent asked for, and what became of it where the verb does not say so.
pub(super) fn call(call: &AgentCall) -> String {
    let AgentCall { method, host, path, .. } = call;
    let ended = match call.outcome {
        CallOutcome::Done | CallOutcome::Approved | CallOutcome::Refused => "",
        CallOutcome::Broken => ", broke off",
        CallOutcome::Unknown => ", sent, outcome unknown",
        CallOutcome::TimedOut => ", nobody answered in time",
        CallOutcome::Forbidden => ", against the policy",
        CallOutcome::Alarm => ", a fake token where it must not go",
    };
    format!("{method} {host}{path}{ended}")
}

/// Why a request was refused, by the status of its answer.
fn refusal(status: u16) -> String {
    let words = match status {
        400 | 422 => "not understood",
        401 => "not signed in",
        403 => "no right",
        404 => "not there",
        409 | 412 => "overtaken by another change",
        410 => "over",
        413 => "too large",
        415 => "another format",
        429 => "too many requests",
        507 => "no room",
        500..=599 => "fault of the server",
        _ => return format!("status {status}"),
    };
    words.to_owned()
}

/// What a link does, in a word or two, and to whom. `name` knows the names of the directory.
pub(super) fn of_link(body: &Body, name: impl Fn(&Principal) -> String) -> String {
    let user = |user: &UserId| name(&Principal::User(*user));
    let token = |token: &TokenId| name(&Principal::Token(*token));
    let agent = |agent: &AgentId| name(&Principal::Agent(*agent));
    match body {
        Body::Genesis { .. } => "founding".to_owned(),
        Body::Invite { .. } => "invitation".to_owned(),
        Body::MemberAdd { user: who, .. } => format!("new member {}", user(who)),
        Body::MemberRole { user: who, .. } => format!("role of {}", user(who)),
        Body::MemberRemove { user: who, .. } => format!("removal of {}", user(who)),
        Body::KeyRotate { .. } => "own new keys".to_owned(),
        Body::KeyReset { user: who, .. } => format!("new keys for {}", user(who)),
        Body::EnvCreate { .. } => "new environment".to_owned(),
        Body::EnvGrant { principal, .. } => format!("grant to {}", name(principal)),
        Body::EnvRevoke { principal, .. } => format!("revocation from {}", name(principal)),
        Body::DekEpoch { epoch, .. } => format!("data key, epoch {epoch}"),
        Body::TokenIssue { token: which, .. } => format!("new token {}", token(which)),
        Body::TokenRevoke { token: which } => format!("end of token {}", token(which)),
        Body::Policy(_) => "policy".to_owned(),
        Body::AuditAnchor { size, .. } => format!("anchor of {} entries", grouped(*size)),
        Body::SuiteRaise { suite } => format!("suite {suite}"),
        Body::AuditReset { .. } => "new audit log".to_owned(),
        Body::AuditRetention { size, .. } => {
            format!("entries before {} may be retired", grouped(*size))
        }
        Body::AgentIssue { agent: which, .. } => format!("new agent {}", agent(which)),
        Body::AgentRevoke { agent: which } => format!("end of agent {}", agent(which)),
        Body::Compose { .. } => "groups".to_owned(),
    }
}

/// Whom a link names.
pub(super) fn subject_of(body: &Body) -> Option<Principal> {
    match body {
        Body::MemberAdd { user, .. }
        | Body::MemberRole { user, .. }
        | Body::MemberRemove { user, .. }
        | Body::KeyReset { user, .. } => Some(Principal::User(*user)),
        Body::EnvGrant { principal, .. } | Body::EnvRevoke { principal, .. } => Some(*principal),
        Body::TokenIssue { token, .. } | Body::TokenRevoke { token } => {
            Some(Principal::Token(*token))
        }
        Body::AgentIssue { agent, .. } | Body::AgentRevoke { agent } => {
            Some(Principal::Agent(*agent))
        }
        _ => None,
    }
}

/// Where a link changes something.
pub(super) fn place_of(body: &Body) -> Option<EnvId> {
    match body {
        Body::EnvCreate { env, .. }
        | Body::EnvGrant { env, .. }
        | Body::EnvRevoke { env, .. }
        | Body::DekEpoch { env, .. }
        | Body::Compose { env, .. } => Some(*env),
        _ => None,
    }
}

/// What an entry proves and what it does not. `who` is whoever acted, by name.
pub(super) fn sentence(verdict: Verdict, kind: EventKind, number: u64, who: &str) -> String {
    let clock = "Time and address are the server's word.";
    match verdict {
        Verdict::Signed => format!(
            "The key of {who} signed this, and it follows the one before it on the same device \
             without a gap. {} {clock}",
            beyond(kind)
        )
        .replace("  ", " "),
        Verdict::Gap => format!(
            "The key of {who} signed this, but entries before it on the same device are missing: \
             they were lost or held back. {clock}"
        ),
        Verdict::Derived if kind == EventKind::CommitAppended => format!(
            "It repeats commit {}, which its author signed: whoever reads the environment checks \
             that. {clock}",
            grouped(number)
        ),
        Verdict::Derived => format!(
            "It repeats link {}, which is signed and was verified here. {clock}",
            grouped(number)
        ),
        Verdict::Seen => {
            "The server says so, and nobody signed it. It stands in the log unchanged \
                          since it was written; whether it happened so, only the server knows."
                .to_owned()
        }
        Verdict::Doubtful => "It claims more than it can show: its signature does not hold, it \
                              comes a second time, or it repeats a link that is not there. Only \
                              that the server wrote it down is proven."
            .to_owned(),
    }
}

/// What a signature on an act of this kind leaves open.
fn beyond(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Revealed
        | EventKind::Copied
        | EventKind::Injected
        | EventKind::Brokered
        | EventKind::Decrypted
        | EventKind::Exported => "What was done with the value afterwards, it does not say.",
        EventKind::Replaced => "That the value was really replaced is that person's word.",
        _ => "",
    }
}

fn many(n: u64, one: &str, none: &str) -> String {
    match n {
        0 => none.to_owned(),
        1 => format!("1 {one}"),
        n => format!("{} {one}s", grouped(n)),
    }
}

/// A number with its thousands apart.
pub(super) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes as they are compared by eye.
pub(super) fn hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}

/// A moment to the millisecond, as the log has it.
pub(super) fn exact(ms: u64) -> String {
    let minutes = utc::minutes(ms);
    let minutes = minutes.strip_suffix(" UTC").unwrap_or(&minutes);
    format!("{minutes}:{:02}.{:03} UTC", ms / 1_000 % 60, ms % 1_000)
}

#[cfg(test)]
mod tests {
    use strongroom_format::id::{DeviceId, EnvId, SecretId};

    use super::*;

    fn row(kind: EventKind) -> Row {
        Row {
            row: 0,
            at_ms: 0,
            kind,
            verdict: Verdict::Seen,
            who: None,
            agent: None,
            device: DeviceId::ZERO,
            env: EnvId::ZERO,
            secret: SecretId::ZERO,
            version: 0,
            number: 0,
            status: 0,
            peer: "".into(),
        }
    }

    fn of(kind: EventKind, number: u64, status: u16) -> String {
        let row = Row { number, status, version: 3, ..row(kind) };
        object(&row, (number == 412).then_some("grant"))
    }

    #[test]
    fn an_entry_says_in_words_what_it_is_about() {
        for (kind, number, status, words) in [
            (EventKind::EnvFetched, 38, 200, "38 envelopes"),
            (EventKind::EnvFetched, 1, 200, "1 envelope"),
            (EventKind::EnvFetched, 0, 200, "nothing new"),
            (EventKind::ChainFetched, 0, 200, ""),
            (EventKind::LinkAppended, 412, 200, "link 412, grant"),
            (EventKind::LinkAppended, 413, 200, "link 413"),
            (EventKind::CommitAppended, 1_847, 200, "commit 1,847"),
            (EventKind::Drilled, 1_763_800_000_000, 0, "epoch 3"),
            (EventKind::Replaced, 0, 0, "taken back"),
            (EventKind::Replaced, 1_763_800_000_000, 0, ""),
            (EventKind::Injected, 11, 0, "11 secrets"),
            (EventKind::AuditFetched, 1_204_377, 200, "at entry 1,204,377"),
            (EventKind::JoinAsked, 12, 200, "invitation of link 12"),
            (EventKind::Refused, 0, 403, "no right"),
            (EventKind::Refused, 0, 404, "not there"),
            (EventKind::Refused, 0, 409, "overtaken by another change"),
            (EventKind::Refused, 0, 503, "fault of the server"),
            (EventKind::Refused, 0, 418, "status 418"),
            (EventKind::RateLimited, 0, 429, "too many requests"),
            (EventKind::SignedIn, 0, 200, ""),
        ] {
            assert_eq!(of(kind, number, status), words, "{kind:?} {number} {status}");
        }
    }

    #[test]
    fn a_use_of_a_named_secret_has_nothing_beside_its_name() {
        let named = Row { secret: SecretId([1; 16]), number: 4, ..row(EventKind::Injected) };
        assert_eq!(object(&named, None), "");
    }

    #[test]
    fn a_link_names_whom_and_where_it_is_about() {
        let (env, teo) = (EnvId([2; 16]), Principal::User(UserId([3; 16])));
        let revoked = Body::EnvRevoke { env, principal: teo };
        assert_eq!(of_link(&revoked, |_| "Teo Varga".to_owned()), "revocation from Teo Varga");
        assert_eq!((subject_of(&revoked), place_of(&revoked)), (Some(teo), Some(env)));
        let anchor = Body::AuditAnchor { reset: 0, size: 1_204_377, root: [0; 32] };
        assert_eq!(of_link(&anchor, |_| String::new()), "anchor of 1,204,377 entries");
        assert_eq!((subject_of(&anchor), place_of(&anchor)), (None, None));
    }

    #[test]
    fn what_only_the_server_says_is_never_called_signed() {
        for verdict in [Verdict::Seen, Verdict::Doubtful] {
            let words = sentence(verdict, EventKind::Copied, 0, "Mara Lind");
            assert!(!words.contains("Mara Lind"), "{words}");
        }
        let signed = sentence(Verdict::Signed, EventKind::Revealed, 0, "Mara Lind");
        assert!(signed.starts_with("The key of Mara Lind signed this"), "{signed}");
        assert!(signed.contains("afterwards") && !signed.contains("  "), "{signed}");
        let other = sentence(Verdict::Signed, EventKind::LinkSigned, 0, "Mara Lind");
        assert!(!other.contains("  "), "{other}");
    }

    #[test]
    fn a_moment_is_told_to_the_millisecond() {
        assert_eq!(exact(1_790_000_000_042), "2026-09-21 14:13:20.042 UTC");
    }

    #[test]
    fn thousands_stand_apart() {
        for (n, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_204_911, "1,204,911")] {
            assert_eq!(grouped(n), text);
        }
    }
}
