//! What the window looks for, in the words of the index, and back.

use strongroom_core::log::{
    Level,
    index::{Outcome, Query},
};
use strongroom_format::id::Principal;

use crate::{
    error::{Answer, CommandError},
    view::{AuditLevel, AuditOutcome, AuditQuery, Millis},
};

/// The longest text to look for, in bytes.
const MAX_TEXT: usize = 1_000;
/// The most choices of one group.
const MAX_CHOICES: usize = 1_000;

/// The same question for the index. Ids that are none are refused.
pub(super) fn ask(query: &AuditQuery) -> Answer<Query> {
    let longest = [query.who.len(), query.envs.len(), query.secrets.len(), query.kinds.len()];
    if query.text.len() > MAX_TEXT || longest.iter().any(|n| *n > MAX_CHOICES) {
        return Err(CommandError::TooLarge { limit: 1_000 });
    }
    let secret = |at: &crate::view::AuditSecretRef| -> Answer<_> {
        Ok((at.env_id.parse()?, at.secret_id.parse()?))
    };
    Ok(Query {
        levels: query.levels.iter().copied().map(level_in).collect(),
        kinds: query.kinds.iter().map(|kind| (*kind).into()).collect(),
        who: query.who.iter().map(|id| who(id)).collect::<Answer<_>>()?,
        envs: query.envs.iter().map(|id| id.parse()).collect::<Result<_, _>>()?,
        secrets: query.secrets.iter().map(secret).collect::<Answer<_>>()?,
        outcomes: query.outcomes.iter().copied().map(outcome_in).collect(),
        text: query.text.clone(),
        from_ms: query.from.map(ms),
        to_ms: query.to.map(ms),
        quiet: query.quiet,
    })
}

/// An empty text stands for nobody.
fn who(id: &str) -> Answer<Option<Principal>> {
    if id.is_empty() { Ok(None) } else { Ok(Some(id.parse()?)) }
}

/// Nothing happened before 1970.
fn ms(at: Millis) -> u64 {
    u64::try_from(at).unwrap_or(0)
}

fn level_in(level: AuditLevel) -> Level {
    match level {
        AuditLevel::Signed => Level::Signed,
        AuditLevel::Seen => Level::Seen,
        AuditLevel::Derived => Level::Derived,
        AuditLevel::Doubtful => Level::Doubtful,
    }
}

pub(super) fn level(level: Level) -> AuditLevel {
    match level {
        Level::Signed => AuditLevel::Signed,
        Level::Seen => AuditLevel::Seen,
        Level::Derived => AuditLevel::Derived,
        Level::Doubtful => AuditLevel::Doubtful,
    }
}

fn outcome_in(outcome: AuditOutcome) -> Outcome {
    match outcome {
        AuditOutcome::Done => Outcome::Done,
        AuditOutcome::Refused => Outcome::Refused,
    }
}

pub(super) fn outcome(outcome: Outcome) -> AuditOutcome {
    match outcome {
        Outcome::Done => AuditOutcome::Done,
        Outcome::Refused => AuditOutcome::Refused,
    }
}

#[cfg(test)]
mod tests {
    use strongroom_format::{
        event::EventKind,
        id::{EnvId, SecretId, UserId},
    };

    use super::*;
    use crate::view::{AuditKind, AuditSecretRef};

    #[test]
    fn a_question_is_asked_as_the_window_means_it() {
        let (user, env, secret) = (UserId([1; 16]), EnvId([2; 16]), SecretId([3; 16]));
        let at = AuditSecretRef { env_id: env.to_string(), secret_id: secret.to_string() };
        let asked = ask(&AuditQuery {
            levels: vec![AuditLevel::Seen],
            kinds: vec![AuditKind::Revealed],
            who: vec![String::new(), user.to_string()],
            envs: vec![env.to_string()],
            secrets: vec![at],
            outcomes: vec![AuditOutcome::Refused],
            text: "stripe".to_owned(),
            from: Some(-5),
            to: Some(7),
            quiet: true,
        });
        let wanted = Query {
            levels: vec![Level::Seen],
            kinds: vec![EventKind::Revealed],
            who: vec![None, Some(Principal::User(user))],
            envs: vec![env],
            secrets: vec![(env, secret)],
            outcomes: vec![Outcome::Refused],
            text: "stripe".to_owned(),
            from_ms: Some(0),
            to_ms: Some(7),
            quiet: true,
        };
        assert_eq!(asked, Ok(wanted));
        assert_eq!(ask(&AuditQuery::default()), Ok(Query::default()));
    }

    #[test]
    fn what_is_no_id_or_too_long_is_refused() {
        for who in ["somebody", "usr_", "env_aaaaaaaaaaaaaaaaaaaaaaaaaa"] {
            let asked = ask(&AuditQuery { who: vec![who.to_owned()], ..AuditQuery::default() });
            assert_eq!(asked, Err(CommandError::NotFound), "{who}");
        }
        let long = AuditQuery { text: "a".repeat(MAX_TEXT + 1), ..AuditQuery::default() };
        assert!(ask(&long).is_err());
        let many =
            AuditQuery { who: vec![String::new(); MAX_CHOICES + 1], ..AuditQuery::default() };
        assert!(ask(&many).is_err());
    }
}
