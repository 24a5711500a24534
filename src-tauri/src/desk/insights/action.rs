//! The one thing to do about a finding.

use strongroom_core::{insights::What, log::Use};
use strongroom_format::id::{EnvId, Principal, SecretId};

use crate::{
    desk::translate,
    view::{
        AuditKind, AuditLevel, AuditOutcome, AuditQuery, AuditSecretRef, InsightAction,
        InsightPlace,
    },
};

pub(super) fn of(what: &What) -> InsightAction {
    match what {
        What::Unused { env, secrets, .. } => values("Decide whether to keep", env, secrets),
        What::Stale { env, secrets, .. } | What::NeverRotated { env, secrets, .. } => {
            values("Replace", env, secrets)
        }
        What::OverGranted { who, .. } => to("Review its access", InsightPlace::Access, Some(*who)),
        What::Expiring { token, .. } => {
            to("Issue a new one", InsightPlace::Tokens, Some(Principal::Token(*token)))
        }
        What::LeaverQueue(queue) => to("Go on replacing", InsightPlace::Offboard, Some(queue.who)),
        What::Ended { token, ended_ms, .. } => {
            let who = vec![Principal::Token(*token).to_string()];
            entries(AuditQuery { who, ..between(ended_ms + 1, None) })
        }
        What::FirstReader { who, env, first_ms, .. } => {
            entries(AuditQuery { envs: vec![env.to_string()], ..uses(*who, *first_ms, None) })
        }
        What::OffHours { who, first_ms, last_ms, .. } => {
            entries(uses(*who, *first_ms, Some(*last_ms)))
        }
        What::MassReveal { who, from_ms, to_ms, .. } => entries(AuditQuery {
            kinds: vec![AuditKind::Revealed, AuditKind::Copied, AuditKind::Exported],
            ..uses(*who, *from_ms, Some(*to_ms))
        }),
        What::RefusedByAddress { address, from_ms, to_ms, .. } => entries(AuditQuery {
            outcomes: vec![AuditOutcome::Refused],
            text: address.clone(),
            ..between(*from_ms, Some(*to_ms))
        }),
        What::DecoyTouched { env, secret, who, first_ms, last_ms, .. } => entries(AuditQuery {
            secrets: vec![AuditSecretRef {
                env_id: env.to_string(),
                secret_id: secret.to_string(),
            }],
            ..uses(*who, *first_ms, Some(*last_ms))
        }),
    }
}

/// The log, filtered to the entries that a finding rests on.
fn entries(query: AuditQuery) -> InsightAction {
    InsightAction { query: Some(query), ..to("Show the entries", InsightPlace::Audit, None) }
}

fn to(label: &str, go: InsightPlace, who: Option<Principal>) -> InsightAction {
    InsightAction {
        label: label.to_owned(),
        go,
        query: None,
        env_id: None,
        secret_id: None,
        principal_id: who.map(|who| who.to_string()),
    }
}

fn values(verb: &str, env: &EnvId, secrets: &[SecretId]) -> InsightAction {
    let one = if let [one] = secrets { Some(one.to_string()) } else { None };
    let it = if one.is_some() { "it" } else { "them" };
    InsightAction {
        env_id: Some(env.to_string()),
        secret_id: one,
        ..to(&format!("{verb} {it}"), InsightPlace::Environment, None)
    }
}

/// What a principal's clients signed about values.
fn uses(who: Principal, from_ms: u64, to_ms: Option<u64>) -> AuditQuery {
    AuditQuery {
        levels: vec![AuditLevel::Signed],
        kinds: Use::ALL.into_iter().map(|what| what.kind().into()).collect(),
        who: vec![who.to_string()],
        ..between(from_ms, to_ms)
    }
}

fn between(from_ms: u64, to_ms: Option<u64>) -> AuditQuery {
    AuditQuery {
        from: Some(translate::millis(from_ms)),
        to: to_ms.map(|to| translate::millis(to + 1)),
        ..AuditQuery::default()
    }
}

#[cfg(test)]
mod tests {
    use strongroom_format::id::{TokenId, UserId};

    use super::*;

    const WHO: Principal = Principal::User(UserId([2; 16]));

    #[test]
    fn entries_are_those_that_a_finding_rests_on() {
        let (env, secret) = (EnvId([1; 16]), SecretId([9; 16]));
        let touched = What::DecoyTouched {
            env,
            secret,
            who: WHO,
            what: Use::Revealed,
            uses: 2,
            first_ms: 10,
            last_ms: 20,
        };
        let query = of(&touched).query.unwrap();
        assert_eq!((query.from, query.to), (Some(10), Some(21)), "the last one too");
        assert_eq!(query.who, [WHO.to_string()]);
        assert_eq!((query.secrets.len(), query.kinds.len()), (1, 6));
        let address = "192.0.2.1".to_owned();
        let refused = What::RefusedByAddress { address, count: 12, from_ms: 10, to_ms: 20 };
        let query = of(&refused).query.unwrap();
        assert_eq!(
            (query.text.as_str(), query.outcomes),
            ("192.0.2.1", vec![AuditOutcome::Refused])
        );
        let token = TokenId([3; 16]);
        let (address, last_ms) = (String::new(), 30);
        let ended = What::Ended { token, ended_ms: 10, asked: 1, last_ms, address };
        let query = of(&ended).query.unwrap();
        assert_eq!((query.from, query.to, query.kinds.len()), (Some(11), None, 0));
    }

    #[test]
    fn one_secret_is_opened_and_several_are_where_they_stand() {
        let env = EnvId([1; 16]);
        let stale = |n| What::Stale { env, secrets: vec![SecretId([9; 16]); n], since_ms: 0 };
        let (one, two) = (of(&stale(1)), of(&stale(2)));
        assert_eq!((one.label.as_str(), one.secret_id.is_some()), ("Replace it", true));
        assert_eq!((two.label.as_str(), two.secret_id), ("Replace them", None));
        assert_eq!(two.env_id, Some(env.to_string()));
    }
}
