use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
};

use http_body_util::BodyExt as _;
use serde_json::Value;
use strongroom_control::link::ToOwner;
use strongroom_format::id::{AgentId, EnvId};
use strongroom_legacy::{Minted, Recipient, Token};
use strongroom_policy::SecretAt;
use strongroom_secret::SecretBytes;

use super::*;
use crate::{
    broker::Options,
    egress::{Egress, EgressOptions, SystemResolver, TimeLimits},
    owner::{Lending, Owner},
    who,
};

/// A vault that is not asked here.
struct NoVault;

impl Owner for NoVault {
    fn lend(&self, _: AgentId, _: SecretAt, _: u64) -> Lending<'_> {
        Box::pin(async { Err(strongroom_control::link::NoLease::Locked) })
    }

    fn captured(&self, _: SecretAt, _: u64, _: SecretBytes) {}

    fn tell(&self, _: ToOwner) {}
}

/// One environment `prod` that composes the group `shared`.
#[derive(Debug, Clone)]
struct Vault {
    hash: TokenHash,
    recipient: Recipient,
    group: Vec<(&'static str, Vec<u8>)>,
    app: Vec<(&'static str, Vec<u8>)>,
    group_may_refer: bool,
    opened: Arc<AtomicUsize>,
    /// Stopped while the values are being opened.
    stops: Arc<std::sync::Mutex<Option<Arc<Broker>>>>,
}

impl LegacySource for Vault {
    fn look(&self, token: TokenHash) -> Answering<'_, Box<dyn Found>> {
        Box::pin(async move {
            if token != self.hash {
                return Err(GatewayError::unauthorized());
            }
            let layer =
                |n: u8, group: Option<&str>, of: &[(&str, Vec<u8>)], may: [bool; 2]| Layer {
                    env: EnvId([n; 16]),
                    slug: "prod".to_owned(),
                    group: group.map(str::to_owned),
                    names: of.iter().map(|(name, _)| (*name).to_owned()).collect(),
                    may_refer: may.to_vec(),
                };
            let label = |id: &str, slug: &str| Label { id: id.to_owned(), slug: slug.to_owned() };
            let outline = Outline {
                recipient: self.recipient.clone(),
                org: label("org_1", "acme"),
                app: label("app_1", "web"),
                layers: vec![
                    layer(1, Some("shared"), &self.group, [true, self.group_may_refer]),
                    layer(2, None, &self.app, [true, true]),
                ],
            };
            Ok(Box::new(Opened { vault: self.clone(), outline }) as Box<dyn Found>)
        })
    }
}

struct Opened {
    vault: Vault,
    outline: Outline,
}

impl Found for Opened {
    fn outline(&self) -> &Outline {
        &self.outline
    }

    fn open(&mut self) -> Answering<'_, Vec<Vec<SecretBytes>>> {
        Box::pin(async move {
            self.vault.opened.fetch_add(1, Ordering::Relaxed);
            if let Some(broker) = self.vault.stops.lock().unwrap().take() {
                broker.stop(None);
            }
            let values = |of: &[(&str, Vec<u8>)]| {
                of.iter().map(|(_, value)| SecretBytes::copy_of(value)).collect()
            };
            Ok(vec![values(&self.vault.group), values(&self.vault.app)])
        })
    }
}

struct World {
    broker: Arc<Broker>,
    minted: Minted,
    opened: Arc<AtomicUsize>,
    stops: Arc<std::sync::Mutex<Option<Arc<Broker>>>>,
    _folder: tempfile::TempDir,
}

fn text(values: &[(&'static str, &str)]) -> Vec<(&'static str, Vec<u8>)> {
    values.iter().map(|(name, value)| (*name, value.as_bytes().to_vec())).collect()
}

impl World {
    fn of(
        group: Vec<(&'static str, Vec<u8>)>,
        app: Vec<(&'static str, Vec<u8>)>,
        group_may_refer: bool,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let egress = Egress::new(EgressOptions {
            resolver: Arc::new(SystemResolver::default()),
            roots: rustls::RootCertStore::empty(),
            limits: TimeLimits::default(),
        });
        let broker = Broker::start(Options {
            port: 0,
            journal: folder.path().join("journal"),
            egress: egress.unwrap(),
            who: who::of_this_system(),
            owner: Arc::new(NoVault),
        })
        .unwrap();
        let minted = Token::mint(os).unwrap();
        let (opened, stops) = (Arc::<AtomicUsize>::default(), Arc::default());
        broker.set_legacy(Arc::new(Vault {
            hash: minted.hash,
            recipient: minted.recipient.clone(),
            group,
            app,
            group_may_refer,
            opened: Arc::clone(&opened),
            stops: Arc::clone(&stops),
        }));
        Self { broker, minted, opened, stops, _folder: folder }
    }

    fn usual() -> Self {
        let group = text(&[("SHARED", "from group"), ("HOST", "db.internal")]);
        let app = text(&[("SHARED", "from app"), ("URL", "pg://${HOST}/x"), ("EMPTY", "")]);
        Self::of(group, app, false)
    }

    async fn send(&self, method: &str, path: &str, bearers: &[&str]) -> Option<(u16, String)> {
        let mut request = Request::builder().method(method).uri(path);
        for bearer in bearers {
            request = request.header("authorization", *bearer);
        }
        let response = answer(&self.broker, &request.body(()).unwrap()).await?;
        assert_eq!(response.headers()["cache-control"], "no-store");
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        Some((status, String::from_utf8(body.to_vec()).unwrap()))
    }

    /// With its own token.
    async fn ask(&self, path: &str) -> (u16, String) {
        let bearer = self.minted.token.lend(|token| format!("Bearer {token}"));
        self.send("GET", path, &[&bearer]).await.unwrap()
    }

    /// As a client does: unwrap, open, merge.
    async fn resolve(&self) -> BTreeMap<String, String> {
        let (status, body) = self.ask("/v1/resolve").await;
        assert_eq!(status, 200, "{body}");
        let answer: Value = serde_json::from_str(&body).unwrap();
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
        merged
    }
}

fn os(out: &mut [u8]) -> Result<(), strongroom_crypto::safe::EntropyError> {
    use strongroom_crypto::safe::Entropy as _;
    strongroom_crypto::safe::OsEntropy.fill(out)
}

fn code(body: &str) -> String {
    let body: Value = serde_json::from_str(body).unwrap();
    assert!(!body["error"]["message"].as_str().unwrap().is_empty());
    body["error"]["code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_client_reads_the_layers_of_the_signed_composition() {
    let world = World::usual();
    let merged = world.resolve().await;
    let wanted =
        [("EMPTY", ""), ("HOST", "db.internal"), ("SHARED", "from app"), ("URL", "pg://${HOST}/x")];
    assert_eq!(merged, wanted.map(|(name, value)| (name.to_owned(), value.to_owned())).into());

    let (_, body) = world.ask("/v1/resolve").await;
    let answer: Value = serde_json::from_str(&body).unwrap();
    let scope = &answer["scope"];
    assert_eq!(
        (&scope["orgSlug"], &scope["appSlug"], &scope["envSlug"]),
        (&"acme".into(), &"web".into(), &"prod".into())
    );
    let layers = answer["layers"].as_array().unwrap();
    assert_eq!(
        (&layers[0]["source"], &layers[0]["groupSlug"]),
        (&"group".into(), &"shared".into())
    );
    assert_eq!(layers[1]["source"], "app");
    assert!(layers[1].get("groupSlug").is_none());
    assert_eq!(scope["envId"], layers[1]["environmentId"]);
}

#[tokio::test]
async fn no_two_answers_share_a_key_and_none_shows_a_value() {
    let world = World::usual();
    let (one, two) = (world.ask("/v1/resolve").await.1, world.ask("/v1/resolve").await.1);
    for body in [&one, &two] {
        for value in ["from group", "from app", "db.internal", "pg://"] {
            assert!(!body.contains(value));
        }
    }
    let keys = |body: &str| {
        let answer: Value = serde_json::from_str(body).unwrap();
        let layers = answer["layers"].as_array().unwrap().clone();
        layers.iter().map(|layer| layer["wrappedDek"].to_string()).collect::<Vec<_>>()
    };
    let all: std::collections::BTreeSet<String> =
        keys(&one).into_iter().chain(keys(&two)).collect();
    assert_eq!(all.len(), 4);
    assert_eq!(world.opened.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn only_the_one_token_that_was_made_here_gets_an_answer() {
    let world = World::usual();
    let other = Token::mint(os).unwrap().token.lend(|token| format!("Bearer {token}"));
    let mine = world.minted.token.lend(|token| format!("Bearer {token}"));
    let id = format!("Bearer {}", world.minted.id);
    let hash = format!("Bearer {}", world.minted.hash);
    let basic = mine.replace("Bearer", "Basic");
    let cut = &mine[..mine.len() - 1];
    let wrong: [&[&str]; 8] =
        [&[], &["Bearer x"], &[&other], &[&id], &[&hash], &[&basic], &[cut], &[&mine, &mine]];
    for bearers in wrong {
        let (status, body) = world.send("GET", "/v1/resolve", bearers).await.unwrap();
        assert_eq!((status, code(&body).as_str()), (401, "unauthorized"), "{bearers:?}");
    }
    let lower = mine.replace("Bearer", "bearer");
    assert_eq!(world.send("GET", "/v1/resolve", &[&lower]).await.unwrap().0, 200);
    assert_eq!(world.opened.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn what_is_not_for_the_gateway_is_left_alone_and_its_tokens_open_no_other_route() {
    let world = World::usual();
    assert!(world.send("GET", "/openai/v1/models", &["Bearer srf_x"]).await.is_none());
    assert!(world.send("GET", "/-/health", &[]).await.is_none());
    let mine = world.minted.token.lend(|token| format!("Bearer {token}"));
    for path in ["/", "/v1/resolve/", "/v1/me", "/v1/orgs", "/openai/v1/models", "/-/me"] {
        let (status, body) = world.send("GET", path, &[&mine]).await.unwrap();
        assert_eq!((status, code(&body).as_str()), (404, "not_found"), "{path}");
    }
    let (status, _) = world.send("POST", "/v1/resolve", &[&mine]).await.unwrap();
    assert_eq!(status, 405);
    assert_eq!(world.opened.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn composition_no_parameter_chooses_another_slice_or_branch() {
    let world = World::usual();
    for query in ["", "?", "?with=shared:prod", "?with=shared%3Aprod&with=shared%3Aprod"] {
        assert_eq!(world.ask(&format!("/v1/resolve{query}")).await.0, 200, "{query}");
    }
    let opened = world.opened.load(Ordering::Relaxed);
    for query in [
        "?with=shared:dev",
        "?with=other:prod",
        "?with=shared",
        "?with=",
        "?with=shared:prod&with=shared:dev",
        "?with=%",
        "?with=%ff",
        "?branch=pr-42",
        "?environment=dev",
        "?x",
    ] {
        let (status, body) = world.ask(&format!("/v1/resolve{query}")).await;
        assert_eq!((status, code(&body).as_str()), (403, "forbidden"), "{query}");
    }
    assert_eq!(world.opened.load(Ordering::Relaxed), opened, "nothing was opened for them");
}

#[tokio::test]
async fn layer_rce_no_name_that_loads_or_runs_code_is_handed_out() {
    for name in ["LD_PRELOAD", "node_options", "PATH", "GIT_SSH_COMMAND", "A B", "STRONGROOM_TOKEN"]
    {
        for in_group in [true, false] {
            let named = vec![(name, b"/tmp/evil.so".to_vec())];
            let (group, app) = if in_group { (named, vec![]) } else { (vec![], named) };
            let world = World::of(group, app, false);
            let (status, body) = world.ask("/v1/resolve").await;
            assert_eq!((status, code(&body).as_str()), (403, "forbidden"));
            assert!(body.contains(name) && !body.contains("evil"), "{body}");
            assert_eq!(world.opened.load(Ordering::Relaxed), 0);
        }
    }
}

#[tokio::test]
async fn a_reference_of_a_group_does_not_reach_into_the_application() {
    let group = || text(&[("PUBLIC_URL", "https://x.example/?k=${DB_PASSWORD}")]);
    let app = || text(&[("DB_PASSWORD", "hunter2")]);
    let guarded = World::of(group(), app(), false).resolve().await;
    assert_eq!(guarded["PUBLIC_URL"], "https://x.example/?k=$${DB_PASSWORD}");
    let trusted = World::of(group(), app(), true).resolve().await;
    assert_eq!(trusted["PUBLIC_URL"], "https://x.example/?k=${DB_PASSWORD}");
}

#[tokio::test]
async fn a_value_that_is_not_text_is_refused_by_name() {
    let world = World::of(vec![], vec![("BINARY", vec![0xff, 0xfe])], false);
    let (status, body) = world.ask("/v1/resolve").await;
    assert_eq!((status, code(&body).as_str()), (403, "forbidden"));
    assert!(body.contains("BINARY"));
}

#[tokio::test]
async fn a_lock_and_a_stop_refuse_also_while_the_values_are_being_opened() {
    let world = World::usual();
    world.broker.lock();
    assert_eq!(code(&world.ask("/v1/resolve").await.1), "forbidden");
    world.broker.unlock();
    assert_eq!(world.ask("/v1/resolve").await.0, 200);
    world.broker.stop(None);
    let (status, body) = world.ask("/v1/resolve").await;
    assert_eq!((status, code(&body).as_str()), (403, "forbidden"));
    assert_eq!(world.opened.load(Ordering::Relaxed), 1);
    world.broker.resume(None);

    *world.stops.lock().unwrap() = Some(Arc::clone(&world.broker));
    let (status, body) = world.ask("/v1/resolve").await;
    assert_eq!((status, code(&body).as_str()), (403, "forbidden"), "nothing had left yet");
    assert_eq!(world.opened.load(Ordering::Relaxed), 2);
}
