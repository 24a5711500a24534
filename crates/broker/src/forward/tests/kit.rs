//! A client inside a CONNECT, which checks nothing, and a service that counts.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use strongroom_policy::target::Target;
use tokio::{io::DuplexStream, task::JoinHandle};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{
    ca::SessionCa,
    egress::Body,
    forward::{ForwardError, Mismatch, Serve, intercept},
    refusal::whole,
};

/// Notes what it was asked and what it was told.
#[derive(Clone, Default)]
pub(super) struct Noted {
    pub(super) served: Arc<Mutex<Vec<String>>>,
    pub(super) mismatches: Arc<Mutex<Vec<Mismatch>>>,
}

impl Serve for Noted {
    async fn serve(&self, target: &Target, request: Request<Incoming>) -> Response<Body> {
        let line = format!("{target} {} {}", request.method(), request.uri().path());
        self.served.lock().unwrap().push(line);
        Response::new(whole("served"))
    }

    fn mismatch(&self, mismatch: &Mismatch) {
        self.mismatches.lock().unwrap().push(mismatch.clone());
    }
}

/// Takes every certificate, and keeps what it was shown.
#[derive(Debug, Default)]
pub(super) struct Credulous(Mutex<Option<CertificateDer<'static>>>);

impl Credulous {
    pub(super) fn shown(&self) -> CertificateDer<'static> {
        self.0.lock().unwrap().clone().unwrap()
    }
}

impl ServerCertVerifier for Credulous {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        *self.0.lock().unwrap() = Some(shown.clone().into_owned());
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}

/// A CONNECT to `target` that was accepted.
pub(super) struct Tunnel {
    pub(super) client: DuplexStream,
    pub(super) noted: Noted,
    pub(super) ends: JoinHandle<Result<(), ForwardError>>,
}

pub(super) fn tunnel(target: &str) -> Tunnel {
    let hosts = ["one.example", "two.example", "10.0.0.1"].map(|host| host.parse().unwrap());
    let now = SystemTime::UNIX_EPOCH + Duration::from_hours(500_000);
    let ca = SessionCa::make(&hosts, now).unwrap();
    let target: Target = format!("https://{target}").parse().unwrap();
    let noted = Noted::default();
    let service = noted.clone();
    let (client, server) = tokio::io::duplex(64 * 1024);
    let ends = tokio::spawn(async move { intercept(server, &ca, &target, service).await });
    Tunnel { client, noted, ends }
}

/// The handshake; `sni` none leaves the name out.
pub(super) async fn handshake(
    client: DuplexStream,
    sni: Option<&'static str>,
    protocol: &[u8],
) -> (TlsStream<DuplexStream>, Arc<Credulous>) {
    let seen = Arc::new(Credulous::default());
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(seen.clone())
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let name = sni.unwrap_or("192.0.2.7"); // an address is never sent as a name
    let name = ServerName::try_from(name).unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, client).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(protocol));
    (stream, seen)
}

/// Sends one request over HTTP/1.1 or HTTP/2 and returns its status and what was answered.
pub(super) async fn ask(
    stream: TlsStream<DuplexStream>,
    is_http2: bool,
    request: Request<Empty<Bytes>>,
) -> (u16, String) {
    let io = TokioIo::new(stream);
    let response = if is_http2 {
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
        tokio::spawn(connection);
        sender.send_request(request).await.unwrap()
    } else {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
        tokio::spawn(connection);
        sender.send_request(request).await.unwrap()
    };
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

/// A service for the plain port that answers everything.
pub(super) async fn always(_: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    Ok(Response::new(whole("served")))
}
