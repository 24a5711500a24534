//! Filters under names, kept sealed on this computer.

use strongroom_client::vault::KeptView;

use super::query;
use crate::{
    desk::Desk,
    error::{Answer, CommandError},
    view::{AuditQuery, SavedView},
};

/// The longest name, in characters.
const LONGEST_NAME: usize = 64;

impl Desk {
    /// The filters that this computer keeps.
    pub async fn audit_views(&self) -> Answer<Vec<SavedView>> {
        self.on_log(|session| Ok(shown(session.views()?))).await
    }

    /// Keeps a filter, in place of an older one of that name.
    pub async fn audit_view_save(&self, name: String, query: AuditQuery) -> Answer<Vec<SavedView>> {
        // What cannot be asked is not kept.
        query::ask(&query)?;
        let name = name_of(&name)?;
        let json = serde_json::to_string(&query).map_err(|error| CommandError::internal(&error))?;
        self.on_log(move |session| Ok(shown(session.put_view(&name, &json)?))).await
    }

    /// Forgets a filter.
    pub async fn audit_view_delete(&self, id: String) -> Answer<Vec<SavedView>> {
        self.on_log(move |session| Ok(shown(session.remove_view(&id)?))).await
    }
}

fn name_of(name: &str) -> Answer<String> {
    let name = name.trim();
    let long = name.chars().count() > LONGEST_NAME;
    if name.is_empty() || long || name.chars().any(char::is_control) {
        let reason = format!("a view is named by 1 to {LONGEST_NAME} characters");
        return Err(CommandError::BadName { reason });
    }
    Ok(name.to_owned())
}

/// A filter of another version of this program, which this one cannot ask, is not shown.
fn shown(kept: Vec<KeptView>) -> Vec<SavedView> {
    let view = |KeptView { id, name, json }| {
        let query = serde_json::from_str(&json).ok()?;
        Some(SavedView { id, name, query, built_in: false })
    };
    kept.into_iter().filter_map(view).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(json: &str) -> KeptView {
        KeptView { id: "a".to_owned(), name: "prod".to_owned(), json: json.to_owned() }
    }

    #[test]
    fn a_filter_comes_back_as_it_was_saved() {
        let json = r#"{"levels":["signed"],"kinds":["revealed"],"who":[""],"envs":[],"secrets":[],
            "outcomes":[],"text":"stripe","from":null,"to":7,"quiet":true}"#;
        let shown = shown(vec![kept(json)]);
        let query = &shown[0].query;
        assert_eq!((query.text.as_str(), query.to, query.quiet), ("stripe", Some(7), true));
        let again = serde_json::to_string(query).unwrap();
        assert_eq!(serde_json::from_str::<AuditQuery>(&again).unwrap(), *query);
    }

    #[test]
    fn a_filter_that_this_version_cannot_ask_is_left_out() {
        let unknown = r#"{"levels":["signed"],"kinds":["teleported"],"who":[],"envs":[],
            "secrets":[],"outcomes":[],"text":"","from":null,"to":null,"quiet":false}"#;
        assert!(shown(vec![kept(unknown), kept("{}"), kept("")]).is_empty());
    }

    #[test]
    fn a_view_has_a_name_that_fits_on_a_line() {
        assert_eq!(name_of("  Prod, last week "), Ok("Prod, last week".to_owned()));
        for name in ["", "   ", "a\nb", &"x".repeat(LONGEST_NAME + 1)] {
            assert!(name_of(name).is_err(), "{name:?}");
        }
    }
}
