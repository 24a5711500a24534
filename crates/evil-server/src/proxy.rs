//! The listener that passes requests on, records them, and lies.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, Response, Uri};
use futures_util::{StreamExt as _, stream};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::answer::Answer;
use crate::traffic::{Exchange, Request};

type Edit = Arc<dyn Fn(&Request, &mut Answer) + Send + Sync>;
type Instead = Arc<dyn Fn(&Request) -> Option<Answer> + Send + Sync>;

/// A server at an address of its own. It stops when it is dropped.
pub struct EvilServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    honest: Mutex<Option<String>>,
    edit: Mutex<Option<Edit>>,
    instead: Mutex<Option<Instead>>,
    traffic: Mutex<Vec<Exchange>>,
    sent: AtomicUsize,
    client: reqwest::Client,
}

impl std::fmt::Debug for EvilServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EvilServer({})", self.address)
    }
}

impl EvilServer {
    /// Listens on a free loopback port. The honest server behind it is named later, because it has
    /// to know this address: sign-ins are bound to it.
    pub async fn listen() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(io::Error::other)?;
        let shared = Arc::new(Shared {
            honest: Mutex::default(),
            edit: Mutex::default(),
            instead: Mutex::default(),
            traffic: Mutex::default(),
            sent: AtomicUsize::new(0),
            client,
        });
        let app = Router::new()
            .fallback(answer)
            .layer(DefaultBodyLimit::disable())
            .with_state(Arc::clone(&shared));
        let task = tokio::spawn(async move {
            // Ends with the listener; nobody waits for what it says then.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self { address, shared, task })
    }

    /// What clients call it.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The honest server that answers are asked from.
    pub fn stand_before(&self, honest: &str) {
        *hold(&self.shared.honest) = Some(honest.to_owned());
    }

    /// From now on every honest answer passes through `edit`.
    pub fn lie(&self, edit: impl Fn(&Request, &mut Answer) + Send + Sync + 'static) {
        *hold(&self.shared.edit) = Some(Arc::new(edit));
    }

    /// From now on a request for which `instead` has an answer never reaches the honest server.
    pub fn answer_instead(
        &self,
        instead: impl Fn(&Request) -> Option<Answer> + Send + Sync + 'static,
    ) {
        *hold(&self.shared.instead) = Some(Arc::new(instead));
    }

    /// Stops lying.
    pub fn be_honest(&self) {
        *hold(&self.shared.edit) = None;
        *hold(&self.shared.instead) = None;
    }

    /// Everything that went through since [`EvilServer::forget`], in order.
    pub fn traffic(&self) -> Vec<Exchange> {
        hold(&self.shared.traffic).clone()
    }

    /// Forgets the recorded traffic.
    pub fn forget(&self) {
        hold(&self.shared.traffic).clear();
    }

    /// How many bytes of repeated bodies were taken off its hands.
    pub fn streamed(&self) -> usize {
        self.shared.sent.load(Ordering::SeqCst)
    }
}

impl Drop for EvilServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let headers = headers.iter().map(|(name, value)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    });
    let request = Request {
        method: method.to_string(),
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        headers: headers.collect(),
        body: body.to_vec(),
    };
    let instead = hold(&shared.instead).clone();
    let mut answer = match instead.and_then(|instead| instead(&request)) {
        Some(answer) => answer,
        None => forward(&shared, method, &request).await,
    };
    let edit = hold(&shared.edit).clone();
    if let Some(edit) = edit {
        edit(&request, &mut answer);
    }
    let response = respond(&shared, &answer);
    hold(&shared.traffic).push(Exchange { request, answer });
    response
}

async fn forward(shared: &Shared, method: Method, request: &Request) -> Answer {
    let Some(honest) = hold(&shared.honest).clone() else {
        return Answer::refusal(503, "no-server");
    };
    let query = if request.query.is_empty() { "" } else { "?" };
    let url = format!("{honest}{}{query}{}", request.path, request.query);
    let mut out = shared.client.request(method, url).body(request.body.clone());
    for (name, value) in &request.headers {
        if !matches!(name.as_str(), "content-length" | "connection") {
            out = out.header(name, value);
        }
    }
    let Ok(response) = out.send().await else { return Answer::refusal(502, "no-server") };
    let content_type = response.headers().get("content-type");
    let content_type = content_type.and_then(|t| t.to_str().ok()).unwrap_or_default().to_owned();
    let status = response.status().as_u16();
    let body = response.bytes().await.map(|body| body.to_vec()).unwrap_or_default();
    Answer { status, content_type, body, repeat: 1 }
}

fn respond(shared: &Arc<Shared>, answer: &Answer) -> Response<Body> {
    let mut response = Response::builder().status(answer.status);
    if !answer.content_type.is_empty() {
        response = response.header("content-type", &answer.content_type);
    }
    let body = if answer.repeat == 1 {
        Body::from(answer.body.clone())
    } else {
        let (shared, piece) = (Arc::clone(shared), Bytes::from(answer.body.clone()));
        let pieces = stream::iter(0..answer.repeat).map(move |_| {
            shared.sent.fetch_add(piece.len(), Ordering::SeqCst);
            Ok::<_, io::Error>(piece.clone())
        });
        Body::from_stream(pieces)
    };
    response.body(body).unwrap_or_default()
}

fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
