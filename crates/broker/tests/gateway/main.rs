//! The gateway against a real vault: a service token verifies, and published clients of an older
//! service read from what it verified.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends at the first surprise")]

#[path = "../../../client/tests/vault/world.rs"]
#[expect(dead_code, reason = "the vault's own tests use all of it")]
mod world;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use serde_json::{Value, json};
use strongroom_broker::gateway::{LegacyToken, RobotSource};
use strongroom_broker::running::Running;
use strongroom_broker::{Broker, owner::Lending, owner::Owner};
use strongroom_client::api::{Api, TimeLimits};
use strongroom_client::clock::{Clock as _, SystemClock};
use strongroom_client::profile::KeepSecretKey;
use strongroom_client::robot::Robot;
use strongroom_client::vault::{Note, Once, OpenOrg, Session, Use};
use strongroom_control::link::{NoLease, ToOwner};
use strongroom_core::details::EnvClass;
use strongroom_core::lock_file::Lock;
use strongroom_core::team::{Intent, NewToken};
use strongroom_crypto::safe::{Entropy as _, EntropyError, OsEntropy, ServiceToken};
use strongroom_format::id::{AgentId, EnvId, Principal, SecretId, TokenId};
use strongroom_format::statement::{EnvRight, Rights};
use strongroom_legacy::{Minted, Token};
use strongroom_policy::SecretAt;
use strongroom_secret::{SecretBytes, SecretText};

use world::World;

/// Agents are not asked about here.
struct NoAgents;

impl Owner for NoAgents {
    fn lend(&self, _: AgentId, _: SecretAt, _: u64) -> Lending<'_> {
        Box::pin(async { Err(NoLease::Locked) })
    }

    fn captured(&self, _: SecretAt, _: u64, _: SecretBytes) {}

    fn tell(&self, _: ToOwner) {}
}

/// A vault, a broker that reads it by a service token, and a token of the older service.
struct House {
    _world: World,
    session: Arc<Session>,
    env: EnvId,
    service_token: TokenId,
    running: Running,
    minted: Minted,
}

async fn put(session: &Session, env: EnvId, name: &str, value: &str) {
    let row = |org: &mut OpenOrg| Ok(org.list(env)?.by_name(name).map(|row| row.secret));
    let known = session.with(row).unwrap();
    let value = SecretText::from_string(value.to_owned());
    session.stage_put(env, known, name, Some(value), "").unwrap();
    session.commit_staged(env).await.unwrap();
}

fn os(out: &mut [u8]) -> Result<(), EntropyError> {
    OsEntropy.fill(out)
}

impl House {
    async fn new() -> Self {
        let world = World::start().await;
        let session = world.create(KeepSecretKey::Keyring).await;
        let environments = vec![("prod".to_owned(), EnvClass::Production)];
        let app = session.create_app("storefront", environments).await.unwrap();
        let envs = session.with(|org| Ok(org.environments(0))).unwrap();
        let env = envs.iter().find(|env| env.app == app).unwrap().env;
        put(&session, env, "API_KEY", "canary-one").await;
        put(&session, env, "URL", "https://x.example/?k=${API_KEY}").await;

        let rights = vec![EnvRight { env, rights: Rights::READ, not_after: 0 }];
        let new = NewToken { name: "gateway".into(), rights, not_after: 0 };
        let proposal = session.propose(Intent::TokenIssue(new), Note::default()).await.unwrap();
        let Some(Once::Token(once)) = session.sign(proposal).await.unwrap().once else {
            panic!("a token is shown once")
        };
        let service_token = once.text.lend(|text| ServiceToken::parse(text).unwrap().id());

        let minted = Token::mint(os).unwrap();
        let kept = LegacyToken {
            app: "storefront".to_owned(),
            slug: "prod".to_owned(),
            ..LegacyToken::of(&minted, env)
        };
        let lock = Lock::parse(&session.lock_file().unwrap()).unwrap();
        let source = RobotSource::new(
            vec![kept],
            Box::new(move || {
                let token = once.text.lend(|text| ServiceToken::parse(text).unwrap());
                let lock = lock.clone();
                Box::pin(async move {
                    let origin = lock.server.parse().unwrap();
                    let api = Api::new(origin, TimeLimits::default())?;
                    Robot::open(api, &token, lock, SystemClock.now_ms()).await
                })
            }),
        );
        let journal = world.folder().join("journal");
        let mut running = Running::start(0, journal, Arc::new(NoAgents)).unwrap();
        running.broker().set_legacy(Arc::new(source));
        running.serve();
        Self { _world: world, session, env, service_token, running, minted }
    }

    fn broker(&self) -> &Arc<Broker> {
        self.running.broker()
    }

    fn url(&self) -> String {
        format!("http://{}", self.broker().address())
    }

    /// What the client in these tests makes of an answer.
    async fn resolve(&self) -> Result<BTreeMap<String, String>, (u16, String)> {
        let bearer = self.minted.token.lend(|token| format!("Bearer {token}"));
        let url = format!("{}/v1/resolve", self.url());
        let request = reqwest::Client::new().get(url).header("authorization", bearer);
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let answer: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        if status != 200 {
            return Err((status, answer["error"]["code"].as_str().unwrap().to_owned()));
        }
        let token = self.minted.token.lend(|token| Token::parse(token).unwrap());
        let mut merged = BTreeMap::new();
        for layer in answer["layers"].as_array().unwrap() {
            let dek = token.unwrap(layer["wrappedDek"].as_str().unwrap()).unwrap();
            for secret in layer["secrets"].as_array().unwrap() {
                let (env, name) = (layer["environmentId"].as_str().unwrap(), &secret["name"]);
                let name = name.as_str().unwrap();
                let value = dek.open(env, name, secret["ciphertext"].as_str().unwrap()).unwrap();
                merged.insert(name.to_owned(), value.lend(str::to_owned));
            }
        }
        Ok(merged)
    }

    /// Whether the audit log says that the service token put a secret into a process.
    async fn is_injected(&self, name: &str) -> bool {
        self.session.sync().await.unwrap();
        self.session.pull_log().await.unwrap();
        let row = |org: &mut OpenOrg| Ok(org.list(self.env)?.by_name(name).unwrap().secret);
        let secret: SecretId = self.session.with(row).unwrap();
        let who = Principal::Token(self.service_token);
        let uses = self.session.facts(|facts| facts.uses(&who, &self.env, &secret));
        uses.unwrap().unwrap().last(Use::Injected).is_some()
    }

    async fn revoke_the_service_token(&self) {
        let intent = Intent::TokenRevoke { token: self.service_token };
        let proposal = self.session.propose(intent, Note::default()).await.unwrap();
        self.session.sign(proposal).await.unwrap();
    }

    /// Runs one of the scripts with the published client.
    fn client(&self, script: &str) -> Value {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/sdk");
        let other = Token::mint(os).unwrap();
        let mut program = Command::new(folder.join("python/bin/python"));
        program.env_clear().arg("-I").arg(folder.join(script)).env("SEEKRIT_API_URL", self.url());
        self.minted.token.lend(|token| program.env("SEEKRIT_TOKEN", token));
        other.token.lend(|token| program.env("OTHER_TOKEN", token));
        let output = tokio::task::block_in_place(|| program.output().unwrap());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_is_what_was_signed_last_and_is_in_the_audit_log() {
    let house = House::new().await;
    let read = house.resolve().await.unwrap();
    assert_eq!(read["API_KEY"], "canary-one");
    assert_eq!(read["URL"], "https://x.example/?k=${API_KEY}");
    for name in ["API_KEY", "URL"] {
        assert!(house.is_injected(name).await, "{name}");
    }
    put(&house.session, house.env, "API_KEY", "canary-two").await;
    assert_eq!(house.resolve().await.unwrap()["API_KEY"], "canary-two");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_was_taken_away_is_gone_with_the_next_answer() {
    let house = House::new().await;
    house.resolve().await.unwrap();
    house.revoke_the_service_token().await;
    assert_eq!(house.resolve().await.unwrap_err(), (403, "forbidden".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the clients that scripts/test installs"]
async fn the_older_services_own_client_works_unchanged() {
    let house = House::new().await;
    let said = house.client("gateway.py");
    let expanded = json!({ "API_KEY": "canary-one", "URL": "https://x.example/?k=canary-one" });
    assert_eq!(said["resolved"], expanded);
    assert_eq!(said["one"], "canary-one");
    assert_eq!(said["none"], Value::Null);
    assert_eq!(said["literal"], "https://x.example/?k=${API_KEY}");
    assert_eq!(said["loaded"], json!(["API_KEY", "URL"]));
    assert_eq!(said["environment"]["KEPT"], "mine");
    assert_eq!(said["environment"]["API_KEY"], "canary-one");
    assert!(said["shown"].as_str().unwrap().contains("storefront/prod"));
    assert_eq!(said["unknown token"], json!([401, "unauthorized"]));
    assert_eq!(said["another slice"], json!([403, "forbidden"]));
    assert!(house.is_injected("API_KEY").await);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the clients that scripts/test installs"]
async fn the_older_services_own_client_sees_a_refusal_as_one() {
    let house = House::new().await;
    house.broker().lock();
    let said = house.client("gateway_refused.py");
    assert_eq!((&said["status"], &said["code"]), (&json!(403), &json!("forbidden")));
    assert!(said["message"].as_str().unwrap().contains("locked"), "{said}");
    house.broker().unlock();
    assert_eq!(house.client("gateway_refused.py"), Value::Null);
    house.broker().stop(None);
    assert_eq!(house.client("gateway_refused.py")["status"], 403);
    house.broker().resume(None);
    house.revoke_the_service_token().await;
    assert_eq!(house.client("gateway_refused.py")["status"], 403);
}
