//! J22, J23: a token or a password of another session, agent, provider or time.

use strongroom_broker::sessions::End;
use strongroom_control::record::Outcome;
use strongroom_format::id::AgentId;

use super::{proxy_authorization, raw, require_hidden, status};
use crate::support::{
    AGENT, REAL, Session, World, direct, policy, provider, rule, secret, upstream::Upstream,
};

const OTHER: AgentId = AgentId([0xb2; 16]);
const REAL_OF_OTHER: &str = "sk-live-Hn5tRq9bWcYx0uLg3EoKs7PzMd4A";

struct Pair {
    github: Upstream,
    openai: Upstream,
    world: World,
    one: Session,
    two: Session,
}

impl Pair {
    /// Two agents: one has both providers, the other one of them with a credential of its own.
    async fn new() -> Self {
        let github = Upstream::echo(&["api.github.com"]).await;
        let openai = Upstream::echo(&["api.openai.com"]).await;
        let (hub, ai) = (provider("github"), provider("openai"));
        let (a, b, c) = (secret(1), secret(2), secret(3));
        let rules = policy(vec![rule(&hub, vec![a]), rule(&ai, vec![b])]);
        let both = [(a, REAL, hub.secret_policy()), (b, REAL, ai.secret_policy())];
        let own = [(c, REAL_OF_OTHER, hub.secret_policy())];
        let world = World::new(&[&github, &openai]).agent(AGENT, "one", rules, &both).agent(
            OTHER,
            "two",
            policy(vec![rule(&hub, vec![c])]),
            &own,
        );
        let one = world.session_of(Some("one"));
        let two = world.session_of(Some("two"));
        Self { github, openai, world, one, two }
    }

    async fn base(&self, provider: &str, token: &str) -> u16 {
        let path = if provider == "openai" { "v1/models" } else { "user" };
        let url = self.world.url(&format!("/{provider}/{path}"));
        let answer = direct().get(url).bearer_auth(token).send().await.unwrap();
        let status = answer.status().as_u16();
        require_hidden(&answer.text().await.unwrap(), provider);
        status
    }

    async fn through(&self, session: &Session, url: &str, token: &str) -> u16 {
        let request = session.client().get(url).bearer_auth(token).send().await;
        request.map_or(0, |answer| answer.status().as_u16())
    }

    fn sent(&self) -> usize {
        self.github.got().len() + self.openai.got().len()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_works_for_its_provider_in_its_session_and_nowhere_else() {
    let two = Pair::new().await;
    let (hub, ai) = (two.one.variable("GITHUB_TOKEN"), two.one.variable("OPENAI_API_KEY"));
    let others = two.two.variable("GITHUB_TOKEN");
    let core = |token: &str| token[token.find("srf_").unwrap()..].to_owned();
    let swapped = core(ai).replace("srf_openai_", "srf_github_");
    for (provider, token) in
        [("openai", hub), ("github", ai), ("github", &swapped), ("openai", others)]
    {
        assert_eq!(two.base(provider, token).await, 401, "{provider}");
    }
    let (api, models) = ("https://api.github.com/user", "https://api.openai.com/v1/models");
    let cases = [
        (&two.one, api, ai),
        (&two.one, models, hub),
        (&two.one, api, others),
        (&two.two, api, hub),
        (&two.two, api, ai),
        (&two.one, api, &swapped),
        (&two.two, models, ai),
        (&two.two, models, others),
    ];
    for (session, url, token) in cases {
        let status = two.through(session, url, token).await;
        assert!([0, 401, 403].contains(&status), "{url}: {status}");
    }
    assert_eq!(two.sent(), 0);
    let records = two.world.records();
    let alarms = records.iter().filter(|record| record.outcome == Outcome::Alarm).count();
    assert!(alarms >= 6, "a token where it must not go is told: {alarms}");
    assert_eq!(two.through(&two.one, api, hub).await, 200);
    assert_eq!(two.through(&two.two, api, others).await, 200);
    let got = two.github.got();
    assert_eq!(got[0].header("authorization"), format!("Bearer {REAL}"));
    assert_eq!(got[1].header("authorization"), format!("Bearer {REAL_OF_OTHER}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_and_a_password_end_with_their_session() {
    let two = Pair::new().await;
    let hub = two.one.variable("GITHUB_TOKEN");
    assert_eq!(two.base("github", hub).await, 200);
    two.world.broker.end_session(two.one.id, End::Command);
    let before = two.sent();
    assert_eq!(two.base("github", hub).await, 401);
    let proxy = proxy_authorization(&two.one);
    let connect =
        format!("CONNECT api.github.com:443 HTTP/1.1\r\nHost: api.github.com:443\r\n{proxy}\r\n");
    assert_eq!(status(&raw(&two.world, connect.as_bytes()).await), 407);
    // Another session's password does not help the token.
    assert_eq!(two.through(&two.two, "https://api.github.com/user", hub).await, 401);
    assert_eq!(two.sent(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn guessed_passwords_and_tokens_open_nothing() {
    let two = Pair::new().await;
    let encode = |pair: &str| data_encoding::BASE64.encode(pair.as_bytes());
    let good = proxy_authorization(&two.one);
    let guesses = [
        String::new(),
        "Proxy-Authorization: Basic\r\n".to_owned(),
        "Proxy-Authorization: Basic !!!\r\n".to_owned(),
        format!("Proxy-Authorization: Basic {}\r\n", encode("s:")),
        format!("Proxy-Authorization: Basic {}\r\n", encode("s")),
        format!("Proxy-Authorization: Basic {}\r\n", encode(&format!("s:{}", "0".repeat(64)))),
        format!("Proxy-Authorization: Basic {}\r\n", encode(&format!("s:{}", two.one.id))),
        good.replacen("Proxy-Authorization", "Authorization", 1),
        good.replacen("Proxy-Authorization", "X-Proxy-Authorization", 1),
    ];
    for guess in guesses {
        let head = "CONNECT api.github.com:443 HTTP/1.1\r\nHost: api.github.com:443\r\n";
        let answer = raw(&two.world, format!("{head}{guess}\r\n").as_bytes()).await;
        assert_eq!(status(&answer), 407, "{guess}: {answer}");
    }
    for token in ["", "x", "srf_github_", &format!("srf_github_{}", "0".repeat(43)), REAL] {
        assert_eq!(two.base("github", token).await, 401, "{token}");
    }
    assert_eq!(two.sent(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_is_taken_away_is_gone_for_open_sessions_too() {
    let mut two = Pair::new().await;
    let hub = two.one.variable("GITHUB_TOKEN").to_owned();
    assert_eq!(two.base("github", &hub).await, 200);
    two.world.configure(|config| config.agents[0].policy.rules.clear());
    assert_eq!(two.base("github", &hub).await, 403);
    two.world.configure(|config| config.agents.clear());
    assert!([401, 403].contains(&two.base("github", &hub).await));
    assert_eq!(two.sent(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_without_a_policy_of_its_own_goes_nowhere() {
    let mut two = Pair::new().await;
    let hub = two.one.variable("GITHUB_TOKEN").to_owned();
    two.world.configure(|config| config.agents[0].secrets.clear());
    assert_eq!(two.base("github", &hub).await, 403);
    two.world.configure(|config| config.agents[0].policy.rules[0].secrets.clear());
    assert_eq!(two.base("github", &hub).await, 200, "a rule without secrets sends none");
    assert_eq!(two.github.got()[0].header("authorization"), "");
}
