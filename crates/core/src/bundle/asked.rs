//! Which entries were chosen, in words and for programs.

use serde_json::{Map, Value, json};
use strongroom_format::event::EventKind;

use crate::export::kind_word;
use crate::log::Level;
use crate::log::index::{Names, Outcome, Query, verb};
use crate::utc;

/// A query in words. Without names there are only ids.
pub fn in_words(query: &Query, names: Option<&dyn Names>) -> String {
    let mut parts = Vec::new();
    let mut list = |title: &str, items: Vec<String>| {
        if !items.is_empty() {
            parts.push(format!("{title}: {}", items.join(", ")));
        }
    };
    let called = |id: String, name: Option<String>| match name {
        Some(name) => format!("{id} ({name})"),
        None => id,
    };
    list("level", query.levels.iter().map(|level| level_word(*level).to_owned()).collect());
    list("what", query.kinds.iter().map(|kind| verb(*kind).to_owned()).collect());
    let who = query.who.iter().map(|who| match who {
        Some(who) => called(who.to_string(), names.and_then(|names| names.who(who))),
        None => "nobody who proved it".to_owned(),
    });
    list("who", who.collect());
    let envs = query.envs.iter();
    let envs = envs.map(|env| called(env.to_string(), names.and_then(|names| names.env(env))));
    list("environment", envs.collect());
    let secrets = query.secrets.iter().map(|(env, secret)| {
        let name = names.and_then(|names| names.secret(env, secret));
        called(format!("{env}/{secret}"), name)
    });
    list("secret", secrets.collect());
    list("outcome", query.outcomes.iter().map(|out| outcome_word(*out).to_owned()).collect());
    let text = query.text.trim();
    list("words", if text.is_empty() { Vec::new() } else { vec![text.to_owned()] });
    list("from", query.from_ms.map(utc::rfc3339).into_iter().collect());
    list("before", query.to_ms.map(utc::rfc3339).into_iter().collect());
    if query.quiet && query.kinds.is_empty() {
        parts.push("without what clients fetch by themselves".to_owned());
    }
    if parts.is_empty() { "Everything".to_owned() } else { parts.join("; ") }
}

/// A query as JSON, with the field names of the program's own window; what is not asked is left out.
pub fn for_programs(query: &Query) -> String {
    let mut asked = Map::new();
    let mut add = |name: &str, items: Vec<Value>| {
        if !items.is_empty() {
            asked.insert(name.to_owned(), Value::Array(items));
        }
    };
    add("levels", query.levels.iter().map(|level| level_word(*level).into()).collect());
    add("kinds", query.kinds.iter().map(|kind: &EventKind| kind_word(*kind).into()).collect());
    let id = |who: &Option<_>| {
        who.map_or(String::new(), |who: strongroom_format::id::Principal| who.to_string())
    };
    add("who", query.who.iter().map(|who| id(who).into()).collect());
    add("envs", query.envs.iter().map(|env| env.to_string().into()).collect());
    let secrets = query.secrets.iter();
    let secrets = secrets.map(|(env, secret)| json!({ "envId": env, "secretId": secret }));
    add("secrets", secrets.collect());
    add("outcomes", query.outcomes.iter().map(|out| outcome_word(*out).into()).collect());
    if !query.text.is_empty() {
        asked.insert("text".to_owned(), query.text.clone().into());
    }
    for (name, ms) in [("from", query.from_ms), ("to", query.to_ms)] {
        asked.extend(ms.map(|ms| (name.to_owned(), ms.into())));
    }
    if query.quiet {
        asked.insert("quiet".to_owned(), true.into());
    }
    Value::Object(asked).to_string()
}

fn level_word(level: Level) -> &'static str {
    match level {
        Level::Signed => "signed",
        Level::Seen => "seen",
        Level::Derived => "derived",
        Level::Doubtful => "doubtful",
    }
}

fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Done => "done",
        Outcome::Refused => "refused",
    }
}

#[cfg(test)]
mod tests {
    use strongroom_format::id::{EnvId, Principal, SecretId, UserId};

    use super::*;

    struct Known;

    impl Names for Known {
        fn who(&self, _: &Principal) -> Option<String> {
            Some("Mara Lind".into())
        }

        fn env(&self, _: &EnvId) -> Option<String> {
            Some("shop / prod".into())
        }

        fn secret(&self, _: &EnvId, _: &SecretId) -> Option<String> {
            Some("API_KEY".into())
        }
    }

    #[test]
    fn a_query_is_told_with_names_only_where_they_are_wanted() {
        assert_eq!(in_words(&Query::default(), None), "Everything");
        assert_eq!(for_programs(&Query::default()), "{}");
        let query = Query {
            levels: vec![Level::Signed],
            kinds: vec![EventKind::Revealed, EventKind::EnvFetched],
            who: vec![None, Some(Principal::User(UserId([0; 16])))],
            envs: vec![EnvId([0; 16])],
            secrets: vec![(EnvId([0; 16]), SecretId([0; 16]))],
            outcomes: vec![Outcome::Refused],
            text: " prod ".into(),
            from_ms: Some(0),
            to_ms: Some(86_400_000),
            quiet: true,
        };
        let told = in_words(&query, Some(&Known));
        for part in [
            "level: signed; what: Revealed, Fetched; who: nobody who proved it, usr_",
            "(Mara Lind)",
            "(shop / prod)",
            "(API_KEY)",
            "outcome: refused; words: prod; from: 1970-01-01T00:00:00.000Z; before: 1970-01-02T",
        ] {
            assert!(told.contains(part), "{part} in {told}");
        }
        let told = in_words(&query, None);
        assert!(!told.contains("Mara") && !told.contains("shop") && !told.contains("API"));
        let json = for_programs(&query);
        assert!(json.contains(r#""kinds":["revealed","envFetched"]"#), "{json}");
        assert!(json.contains(r#""who":["","usr_"#) && json.contains(r#""to":86400000"#), "{json}");
    }
}
