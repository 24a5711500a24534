//! Upstreams that speak bytes: what is not TLS, or not HTTP, or not all of it.

use std::{future::Future, sync::Arc};

use rustls::ServerConfig;
use tokio::{
    io::AsyncReadExt as _,
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::upstream::{Upstream, certified};

/// An upstream that hands each connection, before any handshake, to `speak`.
pub async fn before_tls<F, S>(hosts: &[&str], speak: F) -> Upstream
where
    F: Fn(TcpStream, Arc<ServerConfig>) -> S + Send + Sync + 'static,
    S: Future<Output = ()> + Send + 'static,
{
    let hosts: Vec<String> = hosts.iter().map(|&host| host.to_owned()).collect();
    let (authority, _, mut config) = certified(&hosts);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(speak(stream, Arc::clone(&config)));
        }
    });
    Upstream { address, hosts, authority, got: Arc::default(), task }
}

/// An upstream that hands each connection to `speak` when the first request's head has come.
pub async fn after_a_head<F, S>(hosts: &[&str], speak: F) -> Upstream
where
    F: Fn(TlsStream<TcpStream>) -> S + Send + Sync + 'static,
    S: Future<Output = ()> + Send + 'static,
{
    let speak = Arc::new(speak);
    before_tls(hosts, move |stream, config| {
        let speak = Arc::clone(&speak);
        async move {
            let Ok(mut stream) = TlsAcceptor::from(config).accept(stream).await else { return };
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let Ok(byte) = stream.read_u8().await else { return };
                head.push(byte);
            }
            speak(stream).await;
        }
    })
    .await
}
