//! Who a server proves to be.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use rustls::{RootCertStore, ServerConfig};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::kit::{
    Scripted, authority, authority_at, egress, get, limits, listen, local, root, secure,
};
use crate::{
    ca::SessionCa,
    egress::{Egress, EgressError, EgressOptions},
};

async fn shakes_hands(listener: TcpListener, config: Arc<ServerConfig>) {
    let (stream, _) = listener.accept().await.unwrap();
    let _ = TlsAcceptor::from(config).accept(stream).await; // the client may refuse
}

async fn refused(ca: &SessionCa, shown: &str, trusted: Option<&str>) -> EgressError {
    let (listener, port) = listen().await;
    let config = ca.server_config(&shown.parse().unwrap()).unwrap();
    let server = tokio::spawn(shakes_hands(listener, config));
    let failed = local().send(&secure(port), true, trusted, get("/")).await.unwrap_err();
    server.await.unwrap();
    assert!(!failed.may_have_left());
    failed
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let hosts = ["service.example".parse().unwrap(), "other.example".parse().unwrap()];
    let ca = SessionCa::make(&hosts, SystemTime::UNIX_EPOCH + Duration::from_secs(now())).unwrap();
    let failed = refused(&ca, "other.example", Some(ca.pem())).await;
    assert!(matches!(failed, EgressError::Name { .. }), "{failed}");
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    let (ca, _) = authority();
    let failed = refused(&ca, "service.example", None).await;
    assert!(matches!(failed, EgressError::Untrusted { .. }), "{failed}");
}

#[tokio::test]
async fn an_old_certificate_is_refused() {
    let (ca, pem) = authority_at(SystemTime::UNIX_EPOCH + Duration::from_secs(now() - 172_800));
    let failed = refused(&ca, "service.example", Some(&pem)).await;
    assert!(matches!(failed, EgressError::Expired { .. }), "{failed}");
}

#[tokio::test]
async fn the_authority_of_a_policy_takes_the_place_of_all_others() {
    let (ca, known) = authority();
    let (_, named) = authority();
    let (listener, port) = listen().await;
    let config = ca.server_config(&"service.example".parse().unwrap()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(root(&known)).unwrap();
    let options =
        EgressOptions { resolver: Scripted::always("127.0.0.1"), roots, limits: limits() };
    let egress = Egress::new(options).unwrap();
    let server = tokio::spawn(shakes_hands(listener, config));
    let failed = egress.send(&secure(port), true, Some(&named), get("/")).await.unwrap_err();
    server.await.unwrap();
    assert!(matches!(failed, EgressError::Untrusted { .. }), "{failed}");
}

#[tokio::test]
async fn an_authority_that_is_no_certificate_is_said_to_be_none() {
    let egress = egress(Scripted::always("127.0.0.1"));
    for pem in
        ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"]
    {
        let failed = egress.send(&secure(1), true, Some(pem), get("/")).await.unwrap_err();
        assert!(matches!(failed, EgressError::Authority), "{failed}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_told_apart() {
    use tokio::io::AsyncWriteExt as _;
    let (listener, port) = listen().await;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    });
    let failed = local().send(&secure(port), true, None, get("/")).await.unwrap_err();
    server.await.unwrap();
    assert!(matches!(failed, EgressError::Tls { .. }), "{failed}");
}

#[expect(clippy::disallowed_methods, reason = "certificates are checked against the real time")]
fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}
