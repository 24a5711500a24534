//! Scopes of sessions: every parent with every child.

use strongroom_policy::{Decision, Effect, Grant, Scope, scope::Granted};

use crate::world::{Ask, World, ask, methods, paths, rule};

fn grant(provider: &str, calls: Granted) -> Scope {
    Scope::only(vec![Grant { provider: provider.to_owned(), calls }])
}

fn scopes() -> Vec<(&'static str, Scope)> {
    let calls =
        |all: &[&str], on: &[&str]| Granted::Calls { methods: methods(all), paths: paths(on) };
    vec![
        ("whole", Scope::whole()),
        ("nothing", Scope::only(Vec::new())),
        ("all of GitHub", grant("github", Granted::All)),
        ("all of OpenAI", grant("openai", Granted::All)),
        ("issues", grant("github", Granted::Capability { id: "issues".to_owned() })),
        ("github.read", grant("github", Granted::Capability { id: "github.read".to_owned() })),
        ("no such capability", grant("github", Granted::Capability { id: "admin".to_owned() })),
        ("no calls", grant("github", calls(&[], &[]))),
        ("no methods", grant("github", calls(&[], &["/**"]))),
        ("no paths", grant("github", calls(&["GET", "POST"], &[]))),
        ("reading", grant("github", calls(&["GET"], &["/**"]))),
        ("one repository", grant("github", calls(&["GET", "POST"], &["/repos/a/b/**"]))),
        ("everything by hand", grant("github", calls(&["GET", "POST", "DELETE"], &["/**"]))),
    ]
}

fn requests() -> Vec<Ask> {
    vec![
        ask("GET", "/repos/a/b"),
        ask("POST", "/repos/a/b"),
        ask("GET", "/repos/a/b/issues"),
        ask("POST", "/repos/a/b/issues"),
        ask("POST", "/repos/c/d/issues"),
        ask("GET", "/repos/c/d"),
        ask("GET", "/user"),
        ask("DELETE", "/repos/a/b"),
        ask("GET", "/v1/models").to("https://api.openai.com").token(Some("openai")),
    ]
}

fn goes(scope: &Scope, request: &Ask) -> bool {
    let mut world = World::new(vec![rule(Effect::Allow)]);
    world.scope = scope.clone();
    matches!(world.decide(request), Decision::Allow(_))
}

#[test]
fn a_child_allows_what_both_allow_and_never_more() {
    let mut allowed = 0;
    for (parent_name, parent) in scopes() {
        for (child_name, child) in scopes() {
            let session = child.within(&parent);
            for request in requests() {
                let both = goes(&parent, &request) && goes(&child, &request);
                assert_eq!(
                    goes(&session, &request),
                    both,
                    "{child_name} within {parent_name}: {request:?}"
                );
                allowed += usize::from(both);
            }
        }
    }
    assert!(allowed > 50, "the table is not empty");
}

#[test]
fn an_empty_scope_allows_nothing() {
    for (name, scope) in scopes() {
        let empty = [
            "nothing",
            "no such capability",
            "no calls",
            "no methods",
            "no paths",
            "all of OpenAI",
        ];
        let any = requests().iter().any(|request| goes(&scope, request));
        assert_eq!(any, !empty.contains(&name), "{name}");
    }
}

#[test]
fn no_scope_gives_what_the_policy_does_not() {
    for (name, scope) in scopes() {
        let mut world = World::new(Vec::new());
        world.scope = scope;
        for request in requests() {
            assert!(matches!(world.decide(&request), Decision::Deny(_)), "{name}");
        }
    }
}

#[test]
fn a_scope_travels() {
    for (name, scope) in scopes() {
        let text = serde_json::to_string(&scope.within(&scope)).unwrap();
        assert_eq!(serde_json::from_str::<Scope>(&text).unwrap(), scope.within(&scope), "{name}");
    }
    assert!(
        serde_json::from_str::<Scope>("{}").is_err(),
        "a scope without bounds is never assumed"
    );
}
