//! How long "stop everything" takes while many streams are open.

use std::{
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt as _, Empty, StreamBody};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use super::{Flowing, broker, run};
use crate::Failure;

/// `broker-stop STREAMS`.
pub(crate) const STOP: &str = "broker-stop";

/// Opens that many streams, stops everything, and says when the last agent saw its stream end.
pub(crate) fn stop(arguments: &[&str]) -> Result<String, Failure> {
    let [streams] = arguments else { return Err("broker-stop STREAMS".into()) };
    let streams: usize = streams.parse()?;
    tokio::runtime::Runtime::new()?.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let upstream = format!("http://{}", listener.local_addr()?);
        tokio::spawn(endless(listener));
        let ours = broker(&upstream, None)?;
        tokio::spawn(run(Arc::clone(&ours.broker)));
        let mut open = Vec::with_capacity(streams);
        for _ in 0..streams {
            open.push(stream(ours.broker.address().port(), &ours.token).await?);
        }
        let begin = Instant::now();
        ours.broker.stop(None);
        let said = begin.elapsed();
        for stream in open {
            stream.await?;
        }
        Ok(format!(
            "stop everything, {streams} open streams: said in {:.1} ms, the last ended after {:.1} ms\n",
            said.as_secs_f64() * 1e3,
            begin.elapsed().as_secs_f64() * 1e3
        ))
    })
}

async fn endless(listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        let service = service_fn(|_| async { Ok::<_, Infallible>(ticking()) });
        let http = hyper::server::conn::http1::Builder::new();
        tokio::spawn(async move { http.serve_connection(TokioIo::new(stream), service).await });
    }
}

fn ticking() -> Flowing {
    let ticks = futures_util::stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        Some((Ok(http_body::Frame::data(Bytes::from_static(b"data: tick\n\n"))), ()))
    });
    Response::new(StreamBody::new(ticks).boxed())
}

/// An open stream: the task ends when the stream does.
async fn stream(port: u16, token: &str) -> Result<tokio::task::JoinHandle<()>, Failure> {
    let io = TokioIo::new(TcpStream::connect(("127.0.0.1", port)).await?);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await?;
    tokio::spawn(connection);
    let request = Request::get("/bench/ticks")
        .header(header::HOST, format!("127.0.0.1:{port}"))
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(Empty::<Bytes>::new())?;
    let response = sender.send_request(request).await?;
    if !response.status().is_success() {
        return Err(format!("a stream was answered {}", response.status()).into());
    }
    let mut body = response.into_body();
    Ok(tokio::spawn(async move {
        let _open = sender;
        while let Some(Ok(_)) = body.frame().await {}
    }))
}
