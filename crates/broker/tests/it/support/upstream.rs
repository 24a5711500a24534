//! An upstream: a real HTTPS server on loopback that keeps what it got and answers as it is told.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt as _, Full, combinators::BoxBody};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use rustls::pki_types::CertificateDer;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_rustls::TlsAcceptor;

/// A body of an answer.
pub type Body = BoxBody<Bytes, Infallible>;
type Handler = dyn Fn(Got) -> Response<Body> + Send + Sync;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Got {
    pub method: Method,
    pub uri: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Got {
    /// A header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The whole request as text: what an echo sends back.
    pub fn text(&self) -> String {
        let headers = self.headers.iter().map(|(name, value)| {
            format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes()))
        });
        let headers: String = headers.collect();
        let body = String::from_utf8_lossy(&self.body);
        format!("{} {}\n{headers}\n{body}", self.method, self.uri)
    }
}

/// A running server.
pub struct Upstream {
    pub address: SocketAddr,
    pub hosts: Vec<String>,
    pub authority: CertificateDer<'static>,
    pub(super) got: Arc<Mutex<Vec<Got>>>,
    pub(super) task: JoinHandle<()>,
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A whole body.
pub fn whole(text: impl Into<Bytes>) -> Body {
    Full::new(text.into()).boxed()
}

impl Upstream {
    /// Answers every request with the whole request, in the body and in a header.
    pub async fn echo(hosts: &[&str]) -> Self {
        Self::answering(hosts, |got| {
            let mut response = Response::new(whole(got.text()));
            let seen = got.headers.get("authorization").or_else(|| got.headers.get("x-api-key"));
            if let Some(seen) = seen {
                response.headers_mut().insert("x-seen", seen.clone());
            }
            response
        })
        .await
    }

    /// Answers over TLS.
    pub async fn answering(
        hosts: &[&str],
        answer: impl Fn(Got) -> Response<Body> + Send + Sync + 'static,
    ) -> Self {
        Self::start(hosts, true, Arc::new(answer)).await
    }

    /// Answers in the clear.
    pub async fn plain(
        hosts: &[&str],
        answer: impl Fn(Got) -> Response<Body> + Send + Sync + 'static,
    ) -> Self {
        Self::start(hosts, false, Arc::new(answer)).await
    }

    async fn start(hosts: &[&str], tls: bool, handler: Arc<Handler>) -> Self {
        let hosts: Vec<String> = hosts.iter().map(|&host| host.to_owned()).collect();
        let (authority, _, config) = certified(&hosts);
        let acceptor = tls.then(|| TlsAcceptor::from(Arc::new(config)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let got: Arc<Mutex<Vec<Got>>> = Arc::default();
        let kept = Arc::clone(&got);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                let (acceptor, handler) = (acceptor.clone(), Arc::clone(&handler));
                let kept = Arc::clone(&kept);
                tokio::spawn(async move {
                    let service = service_fn(move |request| {
                        answer(request, Arc::clone(&handler), Arc::clone(&kept))
                    });
                    let builder = auto::Builder::new(TokioExecutor::new());
                    match acceptor {
                        Some(acceptor) => {
                            let Ok(stream) = acceptor.accept(stream).await else { return };
                            builder.serve_connection(TokioIo::new(stream), service).await.ok();
                        }
                        None => {
                            builder.serve_connection(TokioIo::new(stream), service).await.ok();
                        }
                    }
                });
            }
        });
        Self { address, hosts, authority, got, task }
    }

    /// Everything that arrived.
    pub fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }
}

async fn answer(
    request: Request<Incoming>,
    handler: Arc<Handler>,
    kept: Arc<Mutex<Vec<Got>>>,
) -> Result<Response<Body>, hyper::Error> {
    let (parts, body) = request.into_parts();
    let got = Got {
        method: parts.method,
        uri: parts.uri.to_string(),
        headers: parts.headers,
        body: body.collect().await?.to_bytes(),
    };
    kept.lock().unwrap().push(got.clone());
    Ok(handler(got))
}

/// An authority of its own, and a certificate for the hosts.
pub(super) fn certified(
    hosts: &[String],
) -> (CertificateDer<'static>, String, rustls::ServerConfig) {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&key).unwrap();
    let issuer = Issuer::new(params, key);
    let leaf_key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(hosts.to_vec()).unwrap();
    let leaf = leaf.signed_by(&leaf_key, &issuer).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(leaf_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    (authority.der().clone(), authority.pem(), config)
}
