//! Which rule decides, and what no request can step around.

use strongroom_policy::{
    Auth, Decision, Effect, ProcessRule, SecretDenial, SecretPolicy, Why, provider::WEB, simulate,
};

use crate::world::{AGENT, SESSION, World, ask, at, methods, node, paths, rule};

#[test]
fn without_a_rule_nothing_goes() {
    assert_eq!(World::new(Vec::new()).why(&ask("GET", "/repos/a/b")), Why::NoRule);
}

#[test]
fn the_first_rule_that_matches_decides() {
    let mut issues = rule(Effect::Deny);
    issues.paths = paths(&["/repos/*/*/issues/**"]);
    let world = World::new(vec![issues.clone(), rule(Effect::Allow)]);
    assert_eq!(world.why(&ask("GET", "/repos/a/b/issues")), Why::DeniedByRule);
    assert_eq!(world.allowed(&ask("GET", "/repos/a/b")).rule, 1);
    let world = World::new(vec![rule(Effect::Allow), issues]);
    assert_eq!(world.allowed(&ask("GET", "/repos/a/b/issues")).rule, 0);
}

#[test]
fn everything_that_a_rule_names_must_be_the_same() {
    let world = World::new(vec![rule(Effect::Allow)]);
    assert_eq!(world.allowed(&ask("POST", "/repos/a/b?x=1")).secrets, [at(1)]);
    let others = [
        ask("DELETE", "/repos/a/b"),
        ask("GET", "/user"),
        ask("GET", "/Repos/a/b"),
        ask("GET", "/repos2/a"),
        ask("GET", "/repos/a").to("https://uploads.github.com"),
    ];
    for other in others {
        assert_eq!(world.why(&other), Why::NoRule, "{other:?}");
    }
    let elsewhere = ask("GET", "/repos/a").to("https://api.github.com:8443");
    assert_eq!(world.why(&elsewhere), Why::WrongHost);
    assert_eq!(world.why(&ask("GET", "/repos/a").to("http://api.github.com:443")), Why::Plain);
}

#[test]
fn a_token_works_for_its_own_provider_only() {
    let mut openai = rule(Effect::Allow);
    openai.provider = "openai".to_owned();
    openai.hosts = vec!["api.openai.com".parse().unwrap()];
    openai.paths = paths(&["/v1/**"]);
    let world = World::new(vec![rule(Effect::Allow), openai]);
    assert_eq!(world.why(&ask("GET", "/v1/models").to("https://api.openai.com")), Why::WrongHost);
    let at_evil = ask("GET", "/repos/a").to("https://api.github.com.evil.example");
    assert_eq!(world.why(&at_evil), Why::WrongHost);
    assert_eq!(world.why(&ask("GET", "/repos/a").token(Some("openai"))), Why::WrongHost);
    assert_eq!(world.why(&ask("GET", "/repos/a").token(Some("nobody"))), Why::UnknownProvider);
    assert_eq!(world.why(&ask("GET", "/repos/a").token(None)), Why::TokenMissing);
}

#[test]
fn a_request_without_a_token_gets_no_credential() {
    let mut open = rule(Effect::Allow);
    open.secrets = Vec::new();
    let world = World::new(vec![rule(Effect::Allow), open]);
    let way = world.allowed(&ask("GET", "/repos/a").token(None));
    assert_eq!((way.rule, way.secrets.len()), (1, 0));
    let mut web = rule(Effect::Allow);
    web.provider = WEB.to_owned();
    web.secrets = Vec::new();
    web.hosts = vec!["*.example.com".parse().unwrap()];
    web.paths = paths(&["/**"]);
    let world = World::new(vec![web]);
    let way = world.allowed(&ask("GET", "/x").to("https://a.example.com").token(None));
    assert!(way.secrets.is_empty() && !way.private);
    assert_eq!(world.why(&ask("GET", "/x").to("http://a.example.com:443").token(None)), Why::Plain);
    let leaving = ask("GET", "/x").to("https://a.example.com");
    assert_eq!(world.why(&leaving), Why::WrongHost, "a token never goes to another site");
}

#[test]
fn a_denial_holds_for_every_spelling_token_capability_and_unknown_program() {
    let mut secrets = rule(Effect::Deny);
    secrets.paths = paths(&["/repos/*/*/actions/secrets"]);
    secrets.process = Some(ProcessRule { path: Some("/usr/bin/node".to_owned()), sha256: None });
    let mut all = rule(Effect::Allow);
    all.secrets = Vec::new();
    let world = World::new(vec![secrets, all, rule(Effect::Allow)]);
    let evasions = [
        ask("GET", "/repos/a/b/actions/secrets"),
        ask("GET", "/repos/a/b/Actions/SECRETS"),
        ask("GET", "/repos/a/b/actions/secrets/"),
        ask("GET", "/repos/a/b/actions/%73ecrets"),
        ask("GET", "/repos/a/b/actions/secrets").token(None),
        ask("GET", "/repos/a/b/actions/secrets").with_capability("read"),
        ask("GET", "/repos/a/b/actions/secrets").by(None),
    ];
    for evasion in evasions {
        assert_eq!(world.why(&evasion), Why::DeniedByRule, "{evasion:?}");
    }
    let mut python = node();
    python.path = "/usr/bin/python3".to_owned();
    world.allowed(&ask("GET", "/repos/a/b/actions/secrets").by(Some(python)));
}

#[test]
fn a_person_is_asked_however_the_request_is_spelt() {
    let mut merge = rule(Effect::Ask);
    merge.methods = methods(&["POST"]);
    merge.process = Some(ProcessRule { path: Some("/usr/bin/node".to_owned()), sha256: None });
    let mut pulls = rule(Effect::Allow);
    pulls.capability = Some("pulls".to_owned());
    (pulls.hosts, pulls.ports, pulls.methods, pulls.paths) = (vec![], vec![], vec![], vec![]);
    let world = World::new(vec![merge, pulls, rule(Effect::Allow)]);
    let cases = [
        (ask("POST", "/repos/a/b/pulls"), 0),
        (ask("POST", "/repos/a/b/pulls").with_capability("pulls"), 1),
        (ask("POST", "/repos/a/b/pulls").with_capability("github.pulls"), 1),
        (ask("POST", "/repos/a/b/pulls").by(None), 1),
    ];
    for (question, rule) in cases {
        assert_eq!(world.asked(&question).rule, rule, "{question:?}");
    }
    assert_eq!(world.allowed(&ask("GET", "/repos/a/b/pulls")).rule, 1);
}

#[test]
fn a_capability_says_which_calls_and_which_rule() {
    let mut read = rule(Effect::Allow);
    read.capability = Some("read".to_owned());
    (read.hosts, read.ports, read.methods, read.paths) = (vec![], vec![], vec![], vec![]);
    let mut write = rule(Effect::Allow);
    write.capability = Some("github.contents".to_owned());
    write.secrets = vec![at(2)];
    (write.hosts, write.ports, write.methods, write.paths) = (vec![], vec![], vec![], vec![]);
    let world = World::new(vec![read, write]);
    let file = "/repos/a/b/contents/x";
    assert_eq!(world.allowed(&ask("GET", file)).secrets, [at(1)]);
    assert_eq!(
        world.allowed(&ask("GET", file).with_capability("github.contents")).secrets,
        [at(2)]
    );
    assert_eq!(world.allowed(&ask("PUT", file)).secrets, [at(2)]);
    assert_eq!(world.why(&ask("PUT", file).with_capability("read")), Why::Capability);
    for unknown in ["nothing", "openai.chat", "github.", "", "openai.read"] {
        assert_eq!(
            world.why(&ask("GET", file).with_capability(unknown)),
            Why::Capability,
            "{unknown}"
        );
    }
}

#[test]
fn a_rule_for_a_program_wants_that_program() {
    let path = Some("/usr/bin/node".to_owned());
    let hash = Some("ab".repeat(32));
    let mut other = node();
    other.path = "/usr/bin/node2".to_owned();
    let mut changed = node();
    changed.sha256 = Some([1; 32]);
    let mut unknown = node();
    unknown.sha256 = None;
    let cases = [
        (path.clone(), None, [true, false, true, true, false]),
        (None, hash.clone(), [true, true, false, false, false]),
        (path, hash, [true, false, false, false, false]),
    ];
    for (path, sha256, expected) in cases {
        let mut named = rule(Effect::Allow);
        named.process = Some(ProcessRule { path, sha256 });
        let world = World::new(vec![named]);
        let askers =
            [Some(node()), Some(other.clone()), Some(changed.clone()), Some(unknown.clone()), None];
        for (asker, goes) in askers.into_iter().zip(expected) {
            let decision = world.decide(&ask("GET", "/repos/a").by(asker));
            match decision {
                Decision::Allow(_) => assert!(goes),
                Decision::Deny(denied) => assert_eq!((denied.why, goes), (Why::Process, false)),
                Decision::Ask(_) => panic!("nobody is asked here"),
            }
        }
    }
}

#[test]
fn both_policies_must_allow() {
    type Tighten = fn(&mut SecretPolicy);
    let question = ask("POST", "/repos/a/b");
    let tighter: [(Tighten, SecretDenial); 6] = [
        (|secret| secret.hosts.clear(), SecretDenial::Host),
        (|secret| secret.ports = vec![8443], SecretDenial::Port),
        (|secret| secret.methods = methods(&["GET"]), SecretDenial::Method),
        (|secret| secret.paths = paths(&["/user"]), SecretDenial::Path),
        (|secret| secret.mints = paths(&["/repos/*/B/"]), SecretDenial::Mints),
        (|secret| secret.not_after_ms = Some(1), SecretDenial::Expired),
    ];
    for (tighten, denial) in tighter {
        let mut world = World::new(vec![rule(Effect::Allow)]);
        tighten(world.secrets.get_mut(&at(1)).unwrap());
        assert_eq!(world.why(&question), Why::SecretPolicy(denial));
    }
    let mut world = World::new(vec![rule(Effect::Allow)]);
    world.secrets.clear();
    assert_eq!(world.why(&question), Why::SecretPolicy(SecretDenial::NoPolicy));
    world.secrets.insert(at(1), SecretPolicy::nothing(Auth::Bearer));
    assert_eq!(world.why(&question), Why::SecretPolicy(SecretDenial::Host));
}

#[test]
fn a_pool_holds_only_the_secrets_that_may_go() {
    let mut pool = rule(Effect::Allow);
    pool.secrets = vec![at(3), at(2), at(1)];
    let mut world = World::new(vec![pool]);
    assert_eq!(world.allowed(&ask("POST", "/repos/a/b")).secrets, [at(2), at(1)]);
    world.secrets.get_mut(&at(2)).unwrap().methods = methods(&["GET"]);
    assert_eq!(world.allowed(&ask("POST", "/repos/a/b")).secrets, [at(1)]);
    world.secrets.get_mut(&at(1)).unwrap().approval = true;
    assert_eq!(world.asked(&ask("POST", "/repos/a/b")).secrets, [at(1)], "a secret asks by itself");
}

#[test]
fn no_request_goes_where_the_answer_is_another_credential() {
    let mut tokens = rule(Effect::Allow);
    tokens.paths = paths(&["/**"]);
    let mut world = World::new(vec![tokens]);
    let question = ask("POST", "/app/installations/1/access_tokens");
    let secret = world.secrets.get_mut(&at(1)).unwrap();
    secret.paths = paths(&["/**"]);
    secret.mints.clear();
    assert_eq!(
        world.why(&question),
        Why::SecretPolicy(SecretDenial::Mints),
        "the provider's own list counts too",
    );
    let token_url = "https://api.github.com/oauth/token".to_owned();
    world.secrets.get_mut(&at(1)).unwrap().auth = Auth::OAuth2 { token_url, scopes: Vec::new() };
    for path in ["/app/installations/1/access_tokens", "/oauth/token", "/OAuth/Token/?x=1"] {
        assert_eq!(world.why(&ask("POST", path)), Why::SecretPolicy(SecretDenial::Mints), "{path}");
    }
    world.allowed(&ask("GET", "/user"));
}

#[test]
fn private_addresses_need_the_word_of_provider_and_secret() {
    let mut own = strongroom_policy::Provider::lookup("openai").unwrap().clone();
    own.id = "house".to_owned();
    own.private = true;
    own.hosts = vec!["llm.house".parse().unwrap()];
    own.ports = vec![80, 443];
    own.base = "http://llm.house".parse().unwrap();
    let mut house = rule(Effect::Allow);
    house.provider = "house".to_owned();
    house.hosts.clone_from(&own.hosts);
    house.ports.clone_from(&own.ports);
    house.paths = paths(&["/v1/**"]);
    let mut world = World::new(Vec::new());
    world.secrets.insert(at(1), own.secret_policy());
    world.policy.providers.push(own);
    world.policy.rules.push(house);
    world.policy.check().unwrap();
    let question = ask("GET", "/v1/models").token(Some("house"));
    let plain = question.clone().to("http://llm.house");
    let tls = question.to("https://llm.house");
    assert!(world.allowed(&plain).private && world.allowed(&tls).private);
    world.secrets.get_mut(&at(1)).unwrap().private = false;
    assert_eq!(world.why(&plain), Why::SecretPolicy(SecretDenial::Plain));
    assert!(!world.allowed(&tls).private);
    world.secrets.get_mut(&at(1)).unwrap().private = true;
    world.policy.providers[0].private = false;
    assert_eq!(world.why(&plain), Why::Plain);
    assert!(!world.allowed(&tls).private);
}

#[test]
fn a_simulation_tells_of_each_rule_and_decides_the_same() {
    let mut other = rule(Effect::Allow);
    other.paths = paths(&["/user"]);
    let world = World::new(vec![other, rule(Effect::Ask), rule(Effect::Deny)]);
    let question = ask("GET", "/repos/a");
    let used = world.usage.of(AGENT, SESSION);
    let (decision, steps) = simulate(
        &world.policy,
        &world.secrets,
        &world.scope,
        used,
        &question.asked(),
        world.now_ms,
    );
    assert_eq!(decision, world.decide(&question));
    let told: Vec<_> = steps.iter().map(|step| (step.rule, step.matched, step.why)).collect();
    assert_eq!(
        told,
        [(0, false, "It is for other paths."), (1, true, "It matches; a person decides.")]
    );
}

#[test]
fn no_text_of_a_request_reaches_the_way_that_it_goes() {
    let world = World::new(vec![rule(Effect::Allow)]);
    let plain = world.allowed(&ask("GET", "/repos/a/b"));
    let texts = ["{}", "Bearer {}", "srf_github_", "prefix=", "%7B%7D", "$(x)"];
    for text in texts {
        let way = world.allowed(
            &ask("GET", &format!("/repos/a/b?format={}", text.replace(' ', "+"))).because(text),
        );
        assert_eq!(way, plain, "an agent chooses no format, prefix or template");
    }
}
