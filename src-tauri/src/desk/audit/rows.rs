//! Rows, choices and bars of an answer, with the names that this computer knows.
//!
//! Everything here is by ids that were verified or that the server wrote; names come from the
//! verified directory. Text of the server's is the address alone, which is cut.

use strongroom_core::log::{
    Verdict,
    index::{self, Facets, Names, Row, Timeline, verb},
};
use strongroom_format::{
    agency::AgentCall,
    event::{EventKind, MAX_PEER},
    id::{EnvId, Principal, SecretId, UserId},
};

use super::{query, words};
use crate::{
    desk::{access::device, people::named, translate},
    view::{
        AuditBar, AuditFacets, AuditFlaw, AuditLevel, AuditRow, AuditTimeline, EnvFacet, KindFacet,
        LevelFacet, OutcomeFacet, PrincipalView, SecretFacet, WhoFacet,
    },
};

/// The characters of an id that stand for a name.
const SHORT_ID: usize = 12;

/// A link, as far as a row tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LinkTold {
    /// What it does, in a word or two.
    pub(super) does: String,
    /// The environment that it changes.
    pub(super) env: Option<EnvId>,
}

/// What an entry is told with.
pub(super) trait Around: Names {
    /// Who asks.
    fn you(&self) -> UserId;
    /// Whoever it was has left, was revoked or has ended.
    fn is_gone(&self, who: &Principal) -> bool;
    /// The chain has this environment.
    fn has_env(&self, env: &EnvId) -> bool;
    /// What a link does and where, if it is one of the verified chain.
    fn link(&self, seq: u64) -> Option<&LinkTold>;
    /// What an agent asked for, if this entry tells it.
    fn call(&self, entry: u64) -> Option<&AgentCall>;
}

/// A row of the table.
pub(super) fn row(base: u64, row: &Row, around: &dyn Around) -> AuditRow {
    let (name, name_known) = match (!row.secret.is_zero()).then(|| secret(row, around)) {
        Some((name, known)) => (Some(name), known),
        None => (None, false),
    };
    let link = is_about_link(row.kind).then(|| around.link(row.number)).flatten();
    let env = Some(row.env).filter(|env| !env.is_zero()).or_else(|| link?.env);
    let entry = base + u64::from(row.row);
    let object = around
        .call(entry)
        .map_or_else(|| words::object(row, link.map(|link| link.does.as_str())), words::call);
    AuditRow {
        entry,
        at: translate::millis(row.at_ms),
        level: query::level(row.verdict.level()),
        flaw: flaw(row.verdict),
        who: row.who.map(|who| principal(&who, around)),
        gone: row.who.is_some_and(|who| around.is_gone(&who)),
        agent: row.agent.map(|agent| principal(&Principal::Agent(agent), around)),
        kind: row.kind.into(),
        verb: verb(row.kind).to_owned(),
        refused: index::Outcome::of(row.kind, row.status) == index::Outcome::Refused,
        name,
        name_known,
        object,
        place: env.map(|env| place(&env, around)),
        peer: row.peer.chars().filter(|c| !c.is_control()).take(MAX_PEER).collect(),
        device: if row.device.is_zero() { String::new() } else { device(&row.device) },
    }
}

/// Whether the number of an entry of this kind is that of the link that it is about.
pub(super) fn is_about_link(kind: EventKind) -> bool {
    matches!(kind, EventKind::LinkSigned | EventKind::LinkAppended)
}

fn flaw(verdict: Verdict) -> Option<AuditFlaw> {
    match verdict {
        Verdict::Gap => Some(AuditFlaw::Gap),
        Verdict::Doubtful => Some(AuditFlaw::Doubtful),
        Verdict::Seen | Verdict::Derived | Verdict::Signed => None,
    }
}

pub(super) fn facets(facets: &Facets, around: &dyn Around) -> AuditFacets {
    AuditFacets {
        levels: each(&facets.levels, |level, count| LevelFacet {
            level: query::level(*level),
            count,
        }),
        kinds: each(&facets.kinds, |kind, count| KindFacet {
            kind: (*kind).into(),
            verb: verb(*kind).to_owned(),
            level: said_by(*kind),
            count,
        }),
        who: each(&facets.who, |who, count| WhoFacet {
            who: who.map(|who| principal(&who, around)),
            count,
            gone: who.is_some_and(|who| around.is_gone(&who)),
        }),
        envs: facets
            .envs
            .iter()
            .filter(|(env, _)| !env.is_zero())
            .map(|(env, count)| EnvFacet {
                env_id: env.to_string(),
                place: place(env, around),
                gone: !around.has_env(env),
                count: *count,
            })
            .collect(),
        secrets: facets
            .secrets
            .iter()
            .filter(|((_, secret), _)| !secret.is_zero())
            .map(|((env, secret), count)| {
                let (name, known) = secret_name(env, secret, around);
                let (env_id, secret_id) = (env.to_string(), secret.to_string());
                SecretFacet { env_id, secret_id, name, known, count: *count }
            })
            .collect(),
        outcomes: each(&facets.outcomes, |outcome, count| OutcomeFacet {
            outcome: query::outcome(*outcome),
            count,
        }),
    }
}

fn each<T, V>(group: &[(T, u32)], view: impl Fn(&T, u32) -> V) -> Vec<V> {
    group.iter().map(|(value, count)| view(value, *count)).collect()
}

/// Who can say at best that something of this kind happened.
fn said_by(kind: EventKind) -> AuditLevel {
    match kind {
        EventKind::LinkAppended | EventKind::CommitAppended => AuditLevel::Derived,
        kind if kind.is_signed() => AuditLevel::Signed,
        _ => AuditLevel::Seen,
    }
}

pub(super) fn timeline(timeline: &Timeline) -> AuditTimeline {
    let bar = |bar: &index::Bar| AuditBar {
        from: translate::millis(bar.from_ms),
        signed: bar.signed,
        seen: bar.seen,
        derived: bar.derived,
        doubtful: bar.doubtful,
    };
    AuditTimeline {
        from: translate::millis(timeline.from_ms),
        to: translate::millis(timeline.to_ms),
        bars: timeline.bars.iter().map(bar).collect(),
    }
}

/// Whoever acted, by name or by the beginning of its id.
pub(super) fn principal(who: &Principal, around: &dyn Around) -> PrincipalView {
    named(who, name_of(who, around), &around.you())
}

/// A name, or the beginning of an id.
pub(super) fn name_of(who: &Principal, around: &dyn Around) -> String {
    around.who(who).filter(|name| !name.is_empty()).unwrap_or_else(|| short(who))
}

fn secret(row: &Row, around: &dyn Around) -> (String, bool) {
    secret_name(&row.env, &row.secret, around)
}

fn secret_name(env: &EnvId, secret: &SecretId, around: &dyn Around) -> (String, bool) {
    match around.secret(env, secret).filter(|name| !name.is_empty()) {
        Some(name) => (name, true),
        None => (short(secret), false),
    }
}

fn place(env: &EnvId, around: &dyn Around) -> String {
    around.env(env).filter(|place| !place.is_empty()).unwrap_or_else(|| short(env))
}

fn short(id: &dyn std::fmt::Display) -> String {
    id.to_string().chars().take(SHORT_ID).collect()
}

#[cfg(test)]
mod tests {
    use strongroom_format::{
        agency::CallOutcome,
        id::{AgentId, DeviceId, TokenId},
    };

    use super::*;
    use crate::view::PrincipalKind;

    const MARA: UserId = UserId([1; 16]);
    const LEFT: UserId = UserId([2; 16]);
    const BUILD: TokenId = TokenId([3; 16]);
    const PROD: EnvId = EnvId([4; 16]);
    const OLD: EnvId = EnvId([5; 16]);
    const KEY: SecretId = SecretId([6; 16]);
    const UNKNOWN: SecretId = SecretId([7; 16]);

    struct Known(LinkTold, AgentCall);

    impl Names for Known {
        fn who(&self, who: &Principal) -> Option<String> {
            match who {
                Principal::User(user) if *user == MARA => Some("Mara Lind".to_owned()),
                Principal::User(user) if *user == LEFT => Some("Teo Varga".to_owned()),
                Principal::Token(_) => Some(String::new()),
                _ => None,
            }
        }

        fn env(&self, env: &EnvId) -> Option<String> {
            (*env == PROD).then(|| "storefront / prod".to_owned())
        }

        fn secret(&self, env: &EnvId, secret: &SecretId) -> Option<String> {
            (*env == PROD && *secret == KEY).then(|| "STRIPE_SECRET_KEY".to_owned())
        }
    }

    impl Around for Known {
        fn you(&self) -> UserId {
            MARA
        }

        fn is_gone(&self, who: &Principal) -> bool {
            *who != Principal::User(MARA)
        }

        fn has_env(&self, env: &EnvId) -> bool {
            *env == PROD
        }

        fn link(&self, seq: u64) -> Option<&LinkTold> {
            (seq == 412).then_some(&self.0)
        }

        fn call(&self, entry: u64) -> Option<&AgentCall> {
            (entry == 8).then_some(&self.1)
        }
    }

    fn known() -> Known {
        let link = LinkTold { does: "grant to Teo Varga".to_owned(), env: Some(PROD) };
        let path = "/repos/acme/docs/issues";
        let call =
            AgentCall::new("POST", "api.github.com", path, "/usr/bin/node", CallOutcome::Broken);
        Known(link, call)
    }

    fn copied() -> Row {
        Row {
            row: 7,
            at_ms: 1_763_800_000_000,
            kind: EventKind::Copied,
            verdict: Verdict::Signed,
            who: Some(Principal::User(MARA)),
            agent: None,
            device: DeviceId([9; 16]),
            env: PROD,
            secret: KEY,
            version: 5,
            number: 0,
            status: 0,
            peer: "10.8.0.4:5001".into(),
        }
    }

    #[test]
    fn a_row_names_who_did_what_where() {
        let view = row(1_024, &copied(), &known());
        assert_eq!(view.agent, None);
        let who = view.who.unwrap();
        assert_eq!((who.name.as_str(), who.initials.as_str(), who.you), ("Mara Lind", "ML", true));
        assert_eq!((view.entry, view.verb.as_str(), view.gone), (1_031, "Copied", false));
        assert_eq!((view.name.as_deref(), view.name_known), (Some("STRIPE_SECRET_KEY"), true));
        assert_eq!(view.place.as_deref(), Some("storefront / prod"));
        assert_eq!((view.level, view.flaw, view.refused), (AuditLevel::Signed, None, false));
        assert_eq!((view.object.as_str(), view.peer.as_str()), ("", "10.8.0.4:5001"));
        assert!(DeviceId([9; 16]).to_string().starts_with(&view.device));
    }

    #[test]
    fn what_an_agent_did_is_told_with_it_and_with_who_answers() {
        let agent = Some(AgentId([8; 16]));
        let brokered = Row { kind: EventKind::Brokered, agent, status: 0, ..copied() };
        let view = row(1, &brokered, &known());
        assert_eq!(view.object, "POST api.github.com/repos/acme/docs/issues, broke off");
        assert_eq!(view.who.unwrap().name, "Mara Lind");
        let agent = view.agent.unwrap();
        assert_eq!(agent.kind, PrincipalKind::Agent);
        assert!(AgentId([8; 16]).to_string().starts_with(&agent.name), "the name is not known");
        let closed = row(0, &brokered, &known());
        assert_eq!(closed.object, "", "what does not open is not told");
    }

    #[test]
    fn what_is_gone_or_unknown_is_named_as_far_as_it_can_be() {
        let gone = Row { who: Some(Principal::User(LEFT)), secret: UNKNOWN, ..copied() };
        let view = row(0, &gone, &known());
        assert!(view.gone);
        assert_eq!(view.who.unwrap().name, "Teo Varga");
        assert!(!view.name_known);
        assert_eq!(view.name.as_deref(), Some(&UNKNOWN.to_string()[..SHORT_ID]));
        let token = Row { who: Some(Principal::Token(BUILD)), env: OLD, ..copied() };
        let view = row(0, &token, &known());
        let who = view.who.unwrap();
        assert_eq!(who.kind, PrincipalKind::Token);
        assert_eq!(who.name, BUILD.to_string()[..SHORT_ID]);
        assert_eq!(view.place.as_deref(), Some(&OLD.to_string()[..SHORT_ID]));
    }

    #[test]
    fn an_entry_about_nothing_and_by_nobody_stays_empty() {
        let refused = Row {
            kind: EventKind::Refused,
            verdict: Verdict::Seen,
            who: None,
            device: DeviceId::ZERO,
            env: EnvId::ZERO,
            secret: SecretId::ZERO,
            status: 403,
            ..copied()
        };
        let view = row(0, &refused, &known());
        assert!(view.refused && !view.gone);
        assert_eq!((view.who, view.name, view.place), (None, None, None));
        assert_eq!((view.object.as_str(), view.device.as_str()), ("no right", ""));
    }

    #[test]
    fn a_link_is_told_with_what_it_does_and_where() {
        let linked = Row {
            kind: EventKind::LinkAppended,
            verdict: Verdict::Derived,
            env: EnvId::ZERO,
            secret: SecretId::ZERO,
            number: 412,
            ..copied()
        };
        let view = row(0, &linked, &known());
        assert_eq!(view.object, "link 412, grant to Teo Varga");
        assert_eq!(view.place.as_deref(), Some("storefront / prod"));
        let later = row(0, &Row { number: 413, ..linked }, &known());
        assert_eq!((later.object.as_str(), later.place), ("link 413", None));
    }

    #[test]
    fn an_address_that_is_none_is_cut_and_cannot_break_a_line() {
        let odd = Row { peer: format!("a\n\t\u{7}{}", "x".repeat(200)).into(), ..copied() };
        let view = row(0, &odd, &known());
        assert_eq!(view.peer.len(), MAX_PEER);
        assert!(view.peer.starts_with("axx"));
    }

    #[test]
    fn a_gap_is_signed_and_marked_and_a_doubt_is_not_signed() {
        let gap = row(0, &Row { verdict: Verdict::Gap, ..copied() }, &known());
        assert_eq!((gap.level, gap.flaw), (AuditLevel::Signed, Some(AuditFlaw::Gap)));
        let doubt = row(0, &Row { verdict: Verdict::Doubtful, ..copied() }, &known());
        assert_eq!((doubt.level, doubt.flaw), (AuditLevel::Doubtful, Some(AuditFlaw::Doubtful)));
    }

    #[test]
    fn choices_are_named_and_what_is_gone_is_marked() {
        let found = Facets {
            kinds: vec![(EventKind::CommitAppended, 4), (EventKind::EnvFetched, 3)],
            who: vec![(Some(Principal::User(LEFT)), 2), (None, 1)],
            envs: vec![(PROD, 9), (OLD, 2), (EnvId::ZERO, 40)],
            secrets: vec![((PROD, KEY), 5), ((PROD, UNKNOWN), 1), ((PROD, SecretId::ZERO), 30)],
            ..Facets::default()
        };
        let view = facets(&found, &known());
        let kinds: Vec<_> = view.kinds.iter().map(|k| (k.verb.as_str(), k.level)).collect();
        assert_eq!(kinds, [("Committed", AuditLevel::Derived), ("Fetched", AuditLevel::Seen)]);
        let who: Vec<_> = view.who.iter().map(|w| (w.who.is_some(), w.gone, w.count)).collect();
        assert_eq!(who, [(true, true, 2), (false, false, 1)]);
        let envs: Vec<_> = view.envs.iter().map(|env| (env.gone, env.count)).collect();
        assert_eq!(envs, [(false, 9), (true, 2)], "entries without a place are no choice");
        let secrets: Vec<_> = view.secrets.iter().map(|s| (s.known, s.count)).collect();
        assert_eq!(secrets, [(true, 5), (false, 1)]);
    }
}
