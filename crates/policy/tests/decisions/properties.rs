//! What holds for every policy and request.

use proptest::prelude::*;
use strongroom_policy::{
    AgentPolicy, Decision, Effect, Grant, ProcessRule, Rate, Rule, Scope, SecretPolicy, Usage,
    scope::Granted,
};

use crate::world::{AGENT, Ask, NOW, SESSION, World, ask, at, github, methods, node, paths, rule};

const PATHS: [&str; 8] = [
    "/**",
    "/repos/**",
    "/repos/*/b",
    "/repos/a/b",
    "/user",
    "/",
    "/repos/*/*/issues/**",
    "/graphql",
];
const METHODS: [&str; 4] = ["GET", "POST", "DELETE", "PUT"];
const HOSTS: [&str; 3] = ["api.github.com", "uploads.github.com", "github.com"];

fn some<T: Clone + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = Vec<T>> {
    prop::sample::subsequence(all, 0..=all.len())
}

fn rules() -> impl Strategy<Value = Rule> {
    let lists = (some(&HOSTS), some(&METHODS), some(&PATHS));
    let effect = prop_oneof![Just(Effect::Allow), Just(Effect::Ask), Just(Effect::Deny)];
    let limits = (
        prop::option::of(0..3_u64),
        prop::option::of((NOW - 2)..(NOW + 2)),
        prop::option::of((1..3_u32, 1..3_u32)),
        prop::option::of(0..200_u64),
        any::<bool>(),
    );
    let provider = prop_oneof![4 => Just("github"), 1 => Just("web"), 1 => Just("nobody")];
    let capability =
        prop::option::weighted(0.2, prop_oneof![Just("read"), Just("issues"), Just("none")]);
    let process = prop::option::weighted(0.3, prop_oneof![Just("/usr/bin/node"), Just("/bin/sh")]);
    let secrets = prop::collection::vec((0..4_u8).prop_map(at), 0..3);
    (effect, lists, limits, provider, capability, process, secrets).prop_map(
        |(
            effect,
            (hosts, all_methods, all_paths),
            limits,
            provider,
            capability,
            process,
            secrets,
        )| Rule {
            provider: provider.to_owned(),
            capability: capability.map(str::to_owned),
            secrets,
            hosts: hosts.iter().map(|host| host.parse().unwrap()).collect(),
            methods: methods(&all_methods),
            paths: paths(&all_paths),
            process: process.map(|path| ProcessRule { path: Some(path.to_owned()), sha256: None }),
            uses: limits.0,
            not_after_ms: limits.1,
            rate: limits.2.map(|(count, per_seconds)| Rate { count, per_seconds }),
            bytes: limits.3,
            reason: limits.4,
            ..rule(effect)
        },
    )
}

fn asks() -> impl Strategy<Value = Ask> {
    let raw = prop_oneof![
        Just("/repos/a/b"),
        Just("/repos/a/b/issues/1"),
        Just("/user"),
        Just("/"),
        Just("/graphql"),
        Just("/Repos/A/B/"),
        Just("/x"),
        Just("/app/installations/1/access_tokens"),
    ];
    let target = prop_oneof![
        6 => Just("https://api.github.com"), 1 => Just("https://github.com"),
        1 => Just("https://evil.example"), 1 => Just("http://api.github.com:443"),
        1 => Just("https://api.github.com:444"),
    ];
    let token = prop_oneof![5 => Just(Some("github")), 2 => Just(None), 1 => Just(Some("openai")), 1 => Just(Some("x"))];
    let capability =
        prop::option::weighted(0.3, prop_oneof![Just("read"), Just("github.issues"), Just("y")]);
    let rest = (any::<bool>(), prop::option::of(0..300_u64), prop::option::of(Just("because")));
    (prop::sample::select(&METHODS[..]), raw, target, token, capability, rest).prop_map(
        |(method, raw, target, token, capability, (known, bytes, reason))| {
            let mut one = ask(method, raw).to(target).token(token).by(known.then(node));
            one.capability = capability.map(str::to_owned);
            one.bytes = bytes;
            one.reason = reason.map(str::to_owned);
            one
        },
    )
}

fn scopes() -> impl Strategy<Value = Scope> {
    let calls = prop_oneof![
        3 => Just(Granted::All),
        1 => Just(Granted::Capability { id: "read".to_owned() }),
        1 => (some(&METHODS), some(&PATHS)).prop_map(|(all, on)| Granted::Calls {
            methods: methods(&all),
            paths: paths(&on),
        }),
    ];
    let grant = (prop_oneof![Just("github"), Just("web")], calls)
        .prop_map(|(provider, calls)| Grant { provider: provider.to_owned(), calls });
    prop_oneof![
        2 => Just(Scope::whole()),
        1 => prop::collection::vec(grant, 0..3).prop_map(Scope::only),
    ]
}

fn secret() -> impl Strategy<Value = SecretPolicy> {
    let lists = (some(&HOSTS), some(&METHODS), some(&PATHS));
    (lists, any::<[bool; 2]>(), prop::option::of(0..3_u64)).prop_map(
        |((hosts, all, on), [full, approval], uses)| {
            let mut secret = github();
            if !full {
                secret.hosts = hosts.iter().map(|host| host.parse().unwrap()).collect();
                secret.methods = methods(&all);
                secret.paths = paths(&on);
            }
            (secret.approval, secret.uses) = (approval, uses);
            secret
        },
    )
}

fn worlds() -> impl Strategy<Value = World> {
    let used = prop::collection::vec((0..4_usize, 0..100_u64), 0..4);
    let session =
        (prop::option::of(0..4_u64), prop::option::of(0..300_u64), prop::option::of(1..3_u32));
    (prop::collection::vec(rules(), 0..5), secret(), secret(), scopes(), used, session).prop_map(
        |(rules, one, two, scope, used, (requests, bytes, minutes))| {
            let mut world = World::new(Vec::new());
            world.policy.rules = rules;
            (world.policy.requests, world.policy.bytes, world.policy.session_minutes) =
                (requests, bytes, minutes);
            world.secrets = [(at(1), one), (at(2), two)].into();
            world.scope = scope;
            for (rule, bytes) in used {
                world.usage.note_bytes(AGENT, SESSION, rule, bytes);
            }
            world
        },
    )
}

/// 0 denied, 1 asked, 2 allowed.
fn reach(decision: &Decision) -> u8 {
    match decision {
        Decision::Deny(_) => 0,
        Decision::Ask(_) => 1,
        Decision::Allow(_) => 2,
    }
}

fn secrets_of(decision: &Decision) -> &[strongroom_policy::SecretAt] {
    match decision {
        Decision::Allow(way) | Decision::Ask(way) => &way.secrets,
        Decision::Deny(_) => &[],
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_narrower_scope_never_allows_more(world in worlds(), narrow in scopes(), ask in asks()) {
        let before = world.decide(&ask);
        let within = World { scope: narrow.within(&world.scope), ..world };
        prop_assert!(reach(&within.decide(&ask)) <= reach(&before));
    }

    #[test]
    fn a_denial_above_never_allows_more(world in worlds(), mut denial in rules(), ask in asks()) {
        // Rules are counted by their place, and a policy that changes begins to count anew.
        let mut with = World { usage: Usage::default(), ..world };
        let before = with.decide(&ask);
        denial.effect = Effect::Deny;
        with.policy.rules.insert(0, denial);
        prop_assert!(reach(&with.decide(&ask)) <= reach(&before));
    }

    #[test]
    fn an_empty_policy_denies_everything(world in worlds(), ask in asks()) {
        let empty = World { policy: AgentPolicy::nothing(), ..world };
        prop_assert_eq!(reach(&empty.decide(&ask)), 0);
    }

    #[test]
    fn a_secret_goes_only_with_its_providers_token_and_where_its_own_policy_names(
        world in worlds(), ask in asks(),
    ) {
        let decision = world.decide(&ask);
        for at in secrets_of(&decision) {
            let secret = &world.secrets[at];
            prop_assert!(secret.hosts.iter().any(|host| host.matches(&ask.target.host)));
            prop_assert!(secret.ports.contains(&ask.target.port));
            prop_assert!(secret.methods.contains(&ask.method));
            prop_assert!(secret.paths.iter().any(|path| path.matches(&ask.path)));
            prop_assert!(!secret.mints.iter().any(|path| path.touches(&ask.path)));
            prop_assert_eq!(ask.provider.as_deref(), Some("github"));
            prop_assert!(ask.target.to_string().starts_with("https://"));
            prop_assert!(!secret.approval || reach(&decision) == 1);
        }
    }

    #[test]
    fn an_emptier_secret_policy_never_allows_more(world in worlds(), ask in asks(), which in 0..4_usize) {
        let before = world.decide(&ask);
        let mut less = World { ..world };
        let secret = less.secrets.get_mut(&at(1)).unwrap();
        match which {
            0 => secret.hosts.clear(),
            1 => secret.ports.clear(),
            2 => secret.methods.clear(),
            _ => secret.paths.clear(),
        }
        let after = less.decide(&ask);
        prop_assert!(secrets_of(&after).len() <= secrets_of(&before).len());
        prop_assert!(!secrets_of(&after).contains(&at(1)));
    }

    #[test]
    fn naming_a_capability_never_lifts_a_denial_or_a_question(world in worlds(), ask in asks()) {
        let mut unnamed = ask.clone();
        unnamed.capability = None;
        let mut named = World { ..world };
        // Without limits: which rule matches is asked here, not which has room left.
        for rule in &mut named.policy.rules {
            (rule.uses, rule.not_after_ms, rule.rate, rule.bytes, rule.reason) =
                (None, None, None, None, false);
        }
        let first = named.decide(&unnamed);
        let then = named.decide(&ask);
        let by_denial = matches!(&first, Decision::Deny(denied) if denied.why == strongroom_policy::Why::DeniedByRule);
        prop_assert!(!by_denial || reach(&then) == 0);
        prop_assert!(reach(&first) != 1 || reach(&then) <= 1);
    }

    #[test]
    fn the_same_question_has_the_same_answer(world in worlds(), ask in asks()) {
        prop_assert_eq!(world.decide(&ask), world.decide(&ask));
    }

    #[test]
    fn any_bytes_are_a_policy_or_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(AgentPolicy::parse(&bytes).is_err());
        prop_assert!(SecretPolicy::parse(&bytes).is_err());
    }

    #[test]
    fn damaged_policies_never_panic(place in 0..2_000_usize, byte in any::<u8>()) {
        let mut policy = AgentPolicy::nothing();
        policy.rules = vec![rule(Effect::Allow)];
        policy.providers = vec![];
        let mut bytes = policy.encode();
        let place = place % bytes.len();
        bytes[place] = byte;
        if let Ok(parsed) = AgentPolicy::parse(&bytes) {
            prop_assert_eq!(parsed.encode(), bytes);
        }
    }
}
