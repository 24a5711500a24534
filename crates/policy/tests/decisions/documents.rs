//! Policies as bytes: one encoding, and nothing that means nothing.

use strongroom_policy::{
    AgentPolicy, Auth, Effect, PolicyError, ProcessRule, Provider, Rate, Rule, SecretPolicy,
    provider::{EnvValue, EnvVar, WEB},
};

use crate::world::{at, github, paths, policy, rule};

#[test]
fn a_policy_is_parsed_from_its_own_encoding_only() {
    let one = policy(vec![rule(Effect::Allow), rule(Effect::Deny)]);
    let bytes = one.encode();
    assert_eq!(AgentPolicy::parse(&bytes), Ok(one.clone()));
    let text = String::from_utf8(bytes).unwrap();
    let damaged = [
        String::new(),
        "{}".to_owned(),
        "null".to_owned(),
        format!(" {text}"),
        format!("{text} "),
        format!("{text}{text}"),
        text.replacen("\"version\":1", "\"version\":1,\"version\":1", 1),
        text.replacen("\"version\":1", "\"version\":2", 1),
        text.replacen("\"version\":1", "\"version\":1,\"admin\":true", 1),
        text.replacen("\"uses\":null,", "", 1),
        text.replacen("\"allow\"", "\"Allow\"", 1),
        text.replacen("api.github.com", "API.github.com", 1),
        text.replacen("api.github.com", "*.github.com", 1),
        text.replacen("443", "443.0", 1),
        text.replacen("443", "65536", 1),
        text.replacen("\"GET\"", "\"get\"", 1),
        text.replacen("/repos/**", "/repos/../**", 1),
    ];
    for other in damaged {
        assert!(AgentPolicy::parse(other.as_bytes()).is_err(), "{other}");
    }
    assert_eq!(SecretPolicy::parse(&github().encode()), Ok(github()));
    assert_eq!(AgentPolicy::parse(&vec![b' '; 70_000]), Err(PolicyError::TooLong));
}

#[test]
fn the_hash_changes_with_every_change() {
    let one = policy(vec![rule(Effect::Allow)]);
    let mut other = one.clone();
    assert_eq!(one.hash(), other.hash());
    other.rules[0].ports = vec![444];
    assert_ne!(one.hash(), other.hash());
}

#[test]
fn rules_that_mean_nothing_or_two_things_are_refused() {
    type Change = fn(&mut Rule);
    let refused: [(&str, Change); 24] = [
        ("no name", |rule| rule.name = " ".to_owned()),
        ("a name of two lines", |rule| rule.name = "a\nb".to_owned()),
        ("no hosts", |rule| rule.hosts.clear()),
        ("no ports", |rule| rule.ports.clear()),
        ("no methods", |rule| rule.methods.clear()),
        ("no paths", |rule| rule.paths.clear()),
        ("port 0", |rule| rule.ports = vec![0]),
        ("a foreign host", |rule| rule.hosts = vec!["evil.example".parse().unwrap()]),
        ("a wider host", |rule| rule.hosts = vec!["*.api.github.com".parse().unwrap()]),
        ("no such provider", |rule| rule.provider = "nobody".to_owned()),
        ("no provider", |rule| rule.provider = String::new()),
        ("a web rule with a secret", |rule| rule.provider = WEB.to_owned()),
        ("a capability and lists", |rule| rule.capability = Some("read".to_owned())),
        ("no such capability", |rule| {
            rule.capability = Some("admin".to_owned());
            (rule.hosts, rule.ports, rule.methods, rule.paths) = (vec![], vec![], vec![], vec![]);
        }),
        ("a denial with a secret", |rule| rule.effect = Effect::Deny),
        ("a denial with an end", |rule| {
            (rule.effect, rule.secrets, rule.not_after_ms) = (Effect::Deny, vec![], Some(1));
        }),
        ("a denial with uses", |rule| {
            (rule.effect, rule.secrets, rule.uses) = (Effect::Deny, vec![], Some(1));
        }),
        ("too many secrets", |rule| rule.secrets = (0..17).map(at).collect()),
        ("a rate of none", |rule| rule.rate = Some(Rate { count: 0, per_seconds: 1 })),
        ("a rate of no time", |rule| rule.rate = Some(Rate { count: 1, per_seconds: 0 })),
        ("any program", |rule| rule.process = Some(ProcessRule { path: None, sha256: None })),
        ("a relative program", |rule| {
            rule.process = Some(ProcessRule { path: Some("node".to_owned()), sha256: None });
        }),
        ("a short hash", |rule| {
            rule.process = Some(ProcessRule { path: None, sha256: Some("ab".to_owned()) });
        }),
        ("a hash in capitals", |rule| {
            rule.process = Some(ProcessRule { path: None, sha256: Some("AB".repeat(32)) });
        }),
    ];
    for (name, change) in refused {
        let mut policy = policy(vec![rule(Effect::Allow)]);
        change(&mut policy.rules[0]);
        assert!(matches!(policy.check(), Err(PolicyError::Means { .. })), "{name}");
        assert!(AgentPolicy::parse(&policy.encode()).is_err(), "{name}");
    }
}

#[test]
fn a_policy_has_bounds() {
    let mut many = policy(Vec::new());
    many.rules = vec![rule(Effect::Allow); 201];
    assert!(many.check().is_err());
    many.rules = vec![rule(Effect::Allow); 150];
    for rule in &mut many.rules {
        rule.paths = vec![format!("/{}", "a".repeat(500)).parse().unwrap()];
    }
    assert_eq!(many.check(), Err(PolicyError::TooLong));
    let mut long = policy(Vec::new());
    long.session_minutes = Some(0);
    assert!(long.check().is_err());
    let error = many.check().unwrap_err().to_string();
    assert!(error.contains("take some rules away"), "an error says what to do: {error}");
}

#[test]
fn a_provider_of_ones_own_takes_no_name_and_no_variable_that_is_not_its() {
    let own = |change: fn(&mut Provider)| {
        let mut provider = Provider::lookup("openai").unwrap().clone();
        provider.id = "house".to_owned();
        change(&mut provider);
        let mut policy = policy(Vec::new());
        policy.providers.push(provider);
        policy.check()
    };
    assert_eq!(own(|_| {}), Ok(()));
    let refused: [fn(&mut Provider); 12] = [
        |provider| provider.id = "openai".to_owned(),
        |provider| provider.id = WEB.to_owned(),
        |provider| provider.id = "House".to_owned(),
        |provider| provider.id = "a_b".to_owned(),
        |provider| provider.hosts = vec!["*.example.com".parse().unwrap()],
        |provider| provider.base = "https://evil.example".parse().unwrap(),
        |provider| provider.base = "http://api.openai.com:443".parse().unwrap(),
        |provider| provider.env = vec![variable("LD_PRELOAD")],
        |provider| provider.env = vec![variable("GIT_SSH_COMMAND")],
        |provider| provider.env = vec![variable("HTTPS_PROXY")],
        |provider| provider.env = vec![variable("lower")],
        |provider| provider.effects[0].sentence = "Ask {9}".to_owned(),
    ];
    for (place, change) in refused.into_iter().enumerate() {
        assert!(own(change).is_err(), "{place}");
    }
    let mut twice = policy(Vec::new());
    let mut provider = Provider::lookup("openai").unwrap().clone();
    provider.id = "house".to_owned();
    twice.providers = vec![provider.clone(), provider];
    assert!(twice.check().is_err());
}

fn variable(name: &str) -> EnvVar {
    EnvVar { name: name.to_owned(), value: EnvValue::Literal { text: "x".to_owned() } }
}

#[test]
fn a_credential_is_written_only_where_one_belongs() {
    let header = |name: &str, template: &str| Auth::Header {
        name: name.to_owned(),
        template: template.to_owned(),
    };
    let oauth = |url: &str| Auth::OAuth2 { token_url: url.to_owned(), scopes: Vec::new() };
    let refused = [
        header("X-Api-Key", "{}"),
        header("", "{}"),
        header("host", "{}"),
        header("content-length", "{}"),
        header("transfer-encoding", "{}"),
        header("connection", "{}"),
        header("proxy-authorization", "{}"),
        header("x-strongroom-reason", "{}"),
        header("x-api-key", ""),
        header("x-api-key", "key"),
        header("x-api-key", "{}{}"),
        header("x-api-key", "{}\r\nhost: evil.example"),
        header("x api", "{}"),
        Auth::Basic { user: "a:b".to_owned() },
        Auth::SigV4 { service: Some("s3/x".to_owned()), region: None },
        oauth("http://example.com/token"),
        oauth("https://example.com"),
        oauth("https://user@example.com/token"),
        oauth("https://example.com/token?x=1"),
        oauth("https://example.com/a/../token"),
    ];
    for auth in refused {
        assert!(SecretPolicy::nothing(auth.clone()).check().is_err(), "{auth:?}");
    }
    let taken = [
        header("x-api-key", "{}"),
        header("authorization", "Bot {}"),
        Auth::Bearer,
        Auth::Path,
        oauth("https://oauth2.googleapis.com/token"),
    ];
    for auth in taken {
        SecretPolicy::nothing(auth).check().unwrap();
    }
}

#[test]
fn a_secret_that_is_sent_itself_goes_to_named_hosts_only() {
    let mut secret = SecretPolicy::nothing(Auth::Bearer);
    secret.hosts = vec!["*.example.com".parse().unwrap()];
    assert!(secret.check().is_err());
    secret.auth = Auth::SigV4 { service: None, region: None };
    secret.check().unwrap();
}

#[test]
fn an_own_authority_is_for_private_hosts() {
    let mut secret = github();
    secret.ca = Some("-----BEGIN CERTIFICATE-----\n".to_owned());
    assert!(secret.check().is_err());
    secret.private = true;
    secret.check().unwrap();
    secret.ca = Some("x".to_owned());
    assert!(secret.check().is_err());
}

/// Row J12: a template or a prefix exists in one place, the secret's own signed policy.
#[test]
fn the_only_template_is_in_the_policy_of_the_secret() {
    let names = |text: &[u8]| {
        let value: serde_json::Value = serde_json::from_slice(text).unwrap();
        let mut names = Vec::new();
        collect(&value, &mut names);
        names
    };
    let mut secret = github();
    secret.auth = Auth::Header { name: "x".to_owned(), template: "{}".to_owned() };
    assert!(names(&secret.encode()).contains(&"template".to_owned()));
    let rules = policy(vec![rule(Effect::Allow)]);
    for name in names(&rules.encode()) {
        for word in ["template", "format", "prefix", "encoding", "transform"] {
            assert!(!name.contains(word), "{name}");
        }
    }
    assert!(paths(&["/{}"])[0].to_string() == "/{}", "braces in a path are letters");
}

fn collect(value: &serde_json::Value, names: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(map) => {
            for (name, value) in map {
                names.push(name.clone());
                collect(value, names);
            }
        }
        serde_json::Value::Array(all) => all.iter().for_each(|value| collect(value, names)),
        _ => {}
    }
}
