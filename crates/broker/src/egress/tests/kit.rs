//! Servers on loopback that do exactly what a test says, and a resolver that knows them.

use std::{
    io,
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Empty, Full};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use strongroom_policy::target::{Host, Target};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::{
    ca::SessionCa,
    egress::{Body, Egress, EgressError, EgressOptions, Received, Resolve, Resolving, TimeLimits},
};

/// Answers every lookup from a list; the last answer is repeated.
pub(super) struct Scripted {
    answers: Mutex<Vec<io::Result<Vec<IpAddr>>>>,
    pub(super) asked: AtomicUsize,
}

impl Scripted {
    pub(super) fn always(address: &str) -> Arc<Self> {
        Self::new(vec![vec![address]])
    }

    pub(super) fn new(answers: Vec<Vec<&str>>) -> Arc<Self> {
        let parsed = |texts: Vec<&str>| texts.iter().map(|text| text.parse().unwrap()).collect();
        let mut answers: Vec<_> = answers.into_iter().map(|texts| Ok(parsed(texts))).collect();
        answers.reverse();
        Arc::new(Self { answers: Mutex::new(answers), asked: AtomicUsize::new(0) })
    }

    pub(super) fn failing() -> Arc<Self> {
        let answers = Mutex::new(vec![Err(io::ErrorKind::NotFound.into())]);
        Arc::new(Self { answers, asked: AtomicUsize::new(0) })
    }
}

impl Resolve for Scripted {
    fn resolve<'a>(&'a self, _: &'a Host) -> Resolving<'a> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 {
            answers.pop().unwrap()
        } else {
            match &answers[0] {
                Ok(found) => Ok(found.clone()),
                Err(error) => Err(error.kind().into()),
            }
        };
        Box::pin(async move { answer })
    }
}

pub(super) fn limits() -> TimeLimits {
    TimeLimits { head: Duration::from_secs(20), ..TimeLimits::default() }
}

pub(super) fn egress(resolver: Arc<dyn Resolve>) -> Egress {
    egress_with(resolver, limits())
}

pub(super) fn egress_with(resolver: Arc<dyn Resolve>, limits: TimeLimits) -> Egress {
    Egress::new(EgressOptions { resolver, roots: RootCertStore::empty(), limits }).unwrap()
}

/// A way out to loopback.
pub(super) fn local() -> Egress {
    egress(Scripted::always("127.0.0.1"))
}

pub(super) async fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

pub(super) fn plain(port: u16) -> Target {
    format!("http://service.example:{port}").parse().unwrap()
}

pub(super) fn secure(port: u16) -> Target {
    format!("https://service.example:{port}").parse().unwrap()
}

pub(super) fn get(path: &str) -> Request<Body> {
    let body = Empty::new().map_err(|never| match never {}).boxed();
    Request::builder().uri(path).body(body).unwrap()
}

pub(super) fn post(path: &str, content: &'static str) -> Request<Body> {
    let body = Full::new(Bytes::from(content)).map_err(|never| match never {}).boxed();
    Request::builder().method("POST").uri(path).body(body).unwrap()
}

/// An authority for `service.example` and what a client needs to trust it.
pub(super) fn authority() -> (SessionCa, String) {
    authority_at(SystemTime::UNIX_EPOCH + Duration::from_secs(unix_now()))
}

pub(super) fn authority_at(now: SystemTime) -> (SessionCa, String) {
    let ca = SessionCa::make(&["service.example".parse().unwrap()], now).unwrap();
    let pem = ca.pem().to_owned();
    (ca, pem)
}

#[expect(clippy::disallowed_methods, reason = "certificates are checked against the real time")]
fn unix_now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

pub(super) fn root(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

/// Reads one head of a request and as much body as its `Content-Length` says.
pub(super) async fn read_request(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") {
        read.push(stream.read_u8().await.unwrap());
    }
    let mut text = String::from_utf8(read).unwrap();
    if let Some(at) = text.find("content-length: ") {
        let length = text[at + 16..].split("\r\n").next().unwrap().parse().unwrap();
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.unwrap();
        text.push_str(&String::from_utf8(body).unwrap());
    }
    text
}

pub(super) async fn write(stream: &mut TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).await.unwrap();
}

/// Waits until the other side has closed.
pub(super) async fn closed(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await; // a reset is as good as an end
}

pub(super) async fn text(response: http::Response<Received>) -> Result<String, EgressError> {
    let bytes = response.into_body().collect().await?.to_bytes();
    Ok(String::from_utf8(bytes.to_vec()).unwrap())
}
