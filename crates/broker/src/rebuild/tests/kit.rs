//! Raw bytes of an agent, through a real server and [`rebuild`], to an upstream that reads strictly.

use std::{convert::Infallible, net::Ipv4Addr, sync::Arc, time::Duration};

use http::{HeaderName, HeaderValue, Request, Response, StatusCode, header::AUTHORIZATION};
use hyper::{body::Incoming, service::service_fn};
use rustls::RootCertStore;
use strongroom_policy::target::{Path, Target};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{oneshot, watch},
    task::JoinHandle,
    time::timeout,
};

use super::{feed::feed, strict::Arrived};

use crate::{
    egress::{Body, Egress, EgressOptions, SystemResolver, TimeLimits},
    forward::serve_connection,
    rebuild::{Taken, body, rebuild},
    refusal::{Refusal, whole},
};

pub(super) const REAL: &str = "Bearer real-credential";

/// How long a request may lack a part before its agent is said to be gone.
const CUT_OFF: Duration = Duration::from_secs(3);

/// What came of some bytes.
pub(super) struct Outcome {
    /// What the agent read.
    pub(super) answer: String,
    /// What the upstream read.
    pub(super) arrived: Vec<Arrived>,
}

impl Outcome {
    /// The status of the first answer; 0 if there was none.
    pub(super) fn status(&self) -> u16 {
        let answer = self.answer.trim_start_matches("HTTP/1.1 100 Continue\r\n\r\n");
        answer.get(9..12).and_then(|status| status.parse().ok()).unwrap_or(0)
    }
}

/// Sends `raw` the way an agent's bytes go, the policy being that every path begins with `/v1`.
pub(super) async fn sent(raw: &[u8]) -> Outcome {
    let arrived = Upstream::start().await;
    let port = arrived.port;
    let options = EgressOptions {
        resolver: Arc::new(SystemResolver::default()),
        roots: RootCertStore::empty(),
        limits: TimeLimits::default(),
    };
    let egress = Arc::new(Egress::new(options).unwrap());
    let target: Arc<Target> = Arc::new(format!("http://127.0.0.1:{port}").parse().unwrap());
    let (open, mut is_open) = watch::channel(0_usize);
    let service = service_fn(move |request| {
        let (egress, target, open) = (Arc::clone(&egress), Arc::clone(&target), open.clone());
        async move {
            open.send_modify(|open| *open += 1);
            let answered = forwarded(&egress, &target, request).await;
            open.send_modify(|open| *open -= 1);
            Ok::<_, Infallible>(answered.unwrap_or_else(|refusal| refusal.response()))
        }
    });
    let (broker, mut agent) = feed(raw);
    let mut serving = tokio::spawn(serve_connection(broker, service));
    let idle = async {
        let _ = agent.drained.wait_for(|drained| *drained).await;
        // A request that lacks a part of its body stays open.
        let _ = timeout(CUT_OFF, is_open.wait_for(|open| *open == 0)).await;
    };
    tokio::select! {
        _ = &mut serving => {}
        () = idle => {
            let _ = agent.end.send(());
            let _ = serving.await.unwrap(); // the way out closes with it
        }
    }
    let answer = String::from_utf8_lossy(&agent.answer.lock().unwrap()).into_owned();
    Outcome { answer, arrived: arrived.finish().await }
}

async fn forwarded(
    egress: &Egress,
    target: &Target,
    request: Request<Incoming>,
) -> Result<Response<Body>, Refusal> {
    let (parts, incoming) = request.into_parts();
    let unfit = |code, text: String| Refusal::new(StatusCode::BAD_REQUEST, code, text);
    let raw = parts.uri.path_and_query().map_or("*", |raw| raw.as_str());
    let path = Path::parse(raw).map_err(|error| unfit("path", error.to_string()))?;
    if path.segments().first().map(String::as_str) != Some("v1") {
        return Err(Refusal::denied("no-rule", "only /v1"));
    }
    let credential = [AUTHORIZATION];
    let has_fake = parts
        .headers
        .get_all(AUTHORIZATION)
        .iter()
        .any(|value| value.to_str().is_ok_and(|text| text.contains("srf_")));
    let fake: &[HeaderName] = if has_fake { &credential } else { &[] };
    let taken = Taken { fake, injected: &credential };
    let mut leaving = rebuild(&parts, target, path.raw(), &taken)?;
    leaving.headers.insert(AUTHORIZATION, HeaderValue::from_static(REAL));
    let request = Request::from_parts(leaving, body(incoming, |_| ()));
    match egress.send(target, true, None, request).await {
        Ok(response) => Ok(Response::new(whole(format!("{}", response.status())))),
        Err(error) => Err(Refusal::new(StatusCode::BAD_GATEWAY, error.code(), error.to_string())),
    }
}

/// A server that answers a request when all of it has come, and keeps what it read.
struct Upstream {
    port: u16,
    over: oneshot::Sender<()>,
    serving: JoinHandle<Vec<Arrived>>,
}

impl Upstream {
    async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (over, mut is_over) = oneshot::channel();
        let serving = tokio::spawn(async move {
            let mut arrived = Vec::new();
            loop {
                tokio::select! {
                    biased;
                    accepted = listener.accept() => arrived.extend(read_all(accepted.unwrap().0).await),
                    _ = &mut is_over => return arrived,
                }
            }
        });
        Self { port, over, serving }
    }

    async fn finish(self) -> Vec<Arrived> {
        self.over.send(()).unwrap();
        self.serving.await.unwrap()
    }
}

async fn read_all(mut stream: TcpStream) -> Vec<Arrived> {
    let (mut read, mut arrived) = (Vec::new(), Vec::new());
    let mut piece = [0; 4096];
    loop {
        while let Some((request, length)) = Arrived::read(&read) {
            read.drain(..length);
            arrived.push(request);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        }
        match stream.read(&mut piece).await {
            Ok(more) if more > 0 => read.extend_from_slice(&piece[..more]),
            _ => break,
        }
    }
    if !read.is_empty() {
        arrived.push(Arrived::cut_off(&read));
    }
    arrived
}
