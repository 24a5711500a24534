//! The broker as a program to be measured beside other proxies: `bench/broker.py` starts it, loads it
//! and reads the processor time of its process.
//!
//! The vault is in memory: what is measured is a request's way through the broker, its record in the
//! journal included, and not the signing of acts, which another process does a few times a second.

mod stop;

use std::{io::Read as _, net::SocketAddr, path::Path, sync::Arc};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body_util::combinators::BoxBody;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use serde_json::json;
use strongroom_broker::{
    Broker, Options,
    egress::{Egress, EgressOptions, SystemResolver, TimeLimits},
    owner::{Lending, Lent, Owner},
    who::of_this_system,
};
use strongroom_control::link::{AgentConfig, Config, SecretEntry, StandingToken, ToOwner};
use strongroom_format::id::{AgentId, EnvId, SecretId};
use strongroom_policy::{
    AgentPolicy, Auth, Effect, FakeToken, HostPattern, Provider, Rule, SecretAt, Target,
    provider::{Place, Shape},
};
use strongroom_secret::SecretBytes;
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::Failure;

pub(crate) use stop::{STOP, stop};

/// Serves the broker until its input ends: `broker-ours UPSTREAM [CA]`.
pub(crate) const OURS: &str = "broker-ours";
/// Serves the smallest hop there is with the same libraries: `broker-hop PORT UPSTREAM`.
pub(crate) const HOP: &str = "broker-hop";

/// What every proxy of the measurement puts in.
const REAL: &str = "real-secret-value-0123456789abcdef";
/// How often an owner keeps what was written down.
const OWNER_EVERY: std::time::Duration = std::time::Duration::from_millis(250);
const AGENT: AgentId = AgentId([1; 16]);
const AT: SecretAt = SecretAt { env: EnvId([2; 16]), secret: SecretId([3; 16]) };

struct Vault;

impl Owner for Vault {
    fn lend(&self, _: AgentId, _: SecretAt, version: u64) -> Lending<'_> {
        let value = SecretBytes::copy_of(REAL.as_bytes());
        Box::pin(async move { Ok(Lent { version, value }) })
    }

    fn captured(&self, _: SecretAt, _: u64, _: SecretBytes) {}

    fn tell(&self, _: ToOwner) {}
}

/// A broker, and a standing token of its one agent.
struct Ours {
    broker: Arc<Broker>,
    token: String,
    _folder: TempDir,
}

/// A broker whose one agent may do everything at `upstream`.
fn broker(upstream: &str, ca: Option<String>) -> Result<Ours, Failure> {
    let base: Target = upstream.parse()?;
    let provider = provider(base)?;
    let mut of_secret = provider.secret_policy();
    of_secret.ca = ca;
    let rule = Rule {
        name: "everything".to_owned(),
        effect: Effect::Allow,
        provider: provider.id.clone(),
        capability: None,
        secrets: vec![AT],
        hosts: provider.hosts.clone(),
        ports: provider.ports.clone(),
        methods: provider.methods.clone(),
        paths: provider.paths.clone(),
        process: None,
        uses: None,
        not_after_ms: None,
        rate: None,
        bytes: None,
        reason: false,
    };
    let token = FakeToken::make(&provider, [7; 32]);
    let policy =
        AgentPolicy { rules: vec![rule], providers: vec![provider], ..AgentPolicy::nothing() };
    let folder = tempfile::tempdir()?;
    let egress = Egress::new(EgressOptions {
        resolver: Arc::new(SystemResolver::default()),
        roots: rustls::RootCertStore::empty(),
        limits: TimeLimits::default(),
    })?;
    let broker = Broker::start(Options {
        port: 0,
        journal: folder.path().join("journal"),
        egress,
        who: of_this_system(),
        owner: Arc::new(Vault),
    })?;
    let entry = SecretEntry {
        at: AT,
        name: "KEY".to_owned(),
        place: "bench".to_owned(),
        version: 1,
        policy: of_secret,
    };
    let agent = AgentConfig {
        id: AGENT,
        name: "bench".to_owned(),
        responsible: "bench".to_owned(),
        policy,
        not_after_ms: 0,
        secrets: vec![entry],
    };
    let standing = StandingToken {
        id: 1,
        hash: token.hash(),
        agent: AGENT,
        provider: "bench".to_owned(),
        not_after_ms: 0,
    };
    broker.configure(Config { agents: vec![agent], tokens: vec![standing] });
    Ok(Ours { broker, token: token.text().to_owned(), _folder: folder })
}

fn provider(base: Target) -> Result<Provider, Failure> {
    Ok(Provider {
        id: "bench".to_owned(),
        name: "Bench".to_owned(),
        hosts: vec![HostPattern::exactly(base.host.clone())],
        ports: vec![base.port],
        base,
        auth: Auth::Bearer,
        methods: vec!["GET".parse()?, "POST".parse()?],
        paths: vec!["/**".parse()?],
        private: true,
        shape: Shape::Prefix { text: String::new() },
        env: Vec::new(),
        effects: Vec::new(),
        mints: Vec::new(),
        capabilities: Vec::new(),
        agent_sends: vec![Place::Authorization { scheme: "Bearer".to_owned() }],
    })
}

/// Serves, and forgets records as an owner does.
async fn run(broker: Arc<Broker>) -> Result<(), Failure> {
    let serving = strongroom_broker::serve::serve(Arc::clone(&broker));
    let keeping = Arc::clone(&broker).keep_house();
    let forgetting = async {
        let mut told = 0;
        loop {
            let records = broker.journal().after(told, 100_000).await;
            told = records.last().map_or(told, |record| record.seq);
            broker.journal().forget(told)?;
            tokio::time::sleep(OWNER_EVERY).await;
        }
        #[expect(unreachable_code, reason = "says which error ends the loop")]
        Ok::<(), Failure>(())
    };
    tokio::select! {
        served = serving => Ok(served?),
        () = keeping => Ok(()),
        forgot = forgetting => forgot,
    }
}

/// `broker-ours`: prints where it is and its token, and serves until the input ends.
pub(crate) fn ours(arguments: &[&str]) -> Result<(), Failure> {
    let (upstream, ca) = match arguments {
        [upstream] => (*upstream, None),
        [upstream, ca] => (*upstream, Some(std::fs::read_to_string(Path::new(ca))?)),
        _ => return Err("broker-ours UPSTREAM [CA]".into()),
    };
    let runtime = tokio::runtime::Runtime::new()?;
    let _in = runtime.enter();
    let Ours { broker, token, _folder } = broker(upstream, ca)?;
    let opened = broker.open_session(None, &[], None, "bench".to_owned())?;
    let strongroom_control::door::Reply::Opened { variables, ca, .. } = opened.reply else {
        return Err("no session".into());
    };
    let proxy = variables.iter().find(|one| one.0 == "HTTPS_PROXY").map(|one| one.1.clone());
    let said = json!({
        "port": broker.address().port(), "token": token, "proxy": proxy, "ca": ca,
    });
    crate::print(&format!("{said}\n"))?;
    runtime.spawn(run(broker));
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// `broker-hop`: one hop of the same libraries that puts the same header in, and nothing else.
pub(crate) fn hop(arguments: &[&str]) -> Result<(), Failure> {
    let [port, upstream] = arguments else { return Err("broker-hop PORT UPSTREAM".into()) };
    let at: SocketAddr = format!("127.0.0.1:{port}").parse()?;
    let upstream: http::uri::Authority = upstream.parse()?;
    tokio::runtime::Runtime::new()?.block_on(async {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client: Client<_, Incoming> =
            Client::builder(TokioExecutor::new()).pool_max_idle_per_host(256).build(connector);
        let listener = TcpListener::bind(at).await?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let (client, upstream) = (client.clone(), upstream.clone());
            let service = service_fn(move |request| {
                let request = passed(request, upstream.clone());
                let client = client.clone();
                async move {
                    let request = request.map_err(std::io::Error::other)?;
                    client.request(request).await.map_err(std::io::Error::other)
                }
            });
            let http = hyper::server::conn::http1::Builder::new();
            tokio::spawn(async move { http.serve_connection(TokioIo::new(stream), service).await });
        }
    })
}

fn passed(
    mut request: Request<Incoming>,
    upstream: http::uri::Authority,
) -> Result<Request<Incoming>, http::Error> {
    let path = request.uri().path_and_query().map_or("/", |all| all.as_str());
    let uri = http::Uri::builder().scheme("http").authority(upstream).path_and_query(path);
    *request.uri_mut() = uri.build()?;
    let value = HeaderValue::try_from(format!("Bearer {REAL}"))?;
    request.headers_mut().remove(header::HOST);
    request.headers_mut().insert(header::AUTHORIZATION, value);
    Ok(request)
}

/// A body of the measurement's own upstream.
type Flow = BoxBody<Bytes, std::convert::Infallible>;

/// An answer of the measurement's own upstream.
type Flowing = Response<Flow>;
