//! The inside of a CONNECT: TLS as the host asked for, and requests for that host only.

use std::{future::Future, sync::Arc, time::Duration};

use http::{Request, Response};
use hyper::{body::Incoming, service::service_fn};
use strongroom_policy::target::Target;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};
use tokio_rustls::{LazyConfigAcceptor, rustls::server::Acceptor};

use super::{
    ForwardError,
    authority::{Mismatch, Place, mismatch},
    limits::serve_inside,
};
use crate::{ca::SessionCa, egress::Body};

/// Until the handshake is done.
const HANDSHAKE_WAIT: Duration = Duration::from_secs(10);

/// Whoever answers the requests inside a CONNECT.
pub trait Serve: Clone + Send + Sync + 'static {
    /// Answers a request, every name of whose host is `target`.
    fn serve(
        &self,
        target: &Target,
        request: Request<Incoming>,
    ) -> impl Future<Output = Response<Body>> + Send;

    /// Hears that a request named another host; it is answered 421 without being served.
    fn mismatch(&self, mismatch: &Mismatch);
}

/// Answers a client that was told its CONNECT to `target` stands. Ends with the connection.
pub async fn intercept<C, S>(
    client: C,
    ca: &SessionCa,
    target: &Target,
    service: S,
) -> Result<(), ForwardError>
where
    C: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Serve,
{
    let config = ca.server_config(&target.host)?;
    let handshake = async {
        let start = LazyConfigAcceptor::new(Acceptor::default(), client).await?;
        let wrong = wrong_name(target, start.client_hello().server_name());
        // The certificate is always the target's: a client that asked for another host sees that,
        // and one that does not look gets 421 for everything it asks.
        Ok((start.into_stream(config).await?, wrong))
    };
    let (client, wrong) = timeout(HANDSHAKE_WAIT, handshake)
        .await
        .map_err(|_| ForwardError::Slow)?
        .map_err(ForwardError::Handshake)?;
    let is_http2 = client.get_ref().1.alpn_protocol() == Some(b"h2");
    let inside = Arc::new(Inside { target: target.clone(), wrong, service });
    let answer = service_fn(move |request| {
        let inside = Arc::clone(&inside);
        async move { Ok(inside.answer(request).await) }
    });
    serve_inside(client, is_http2, answer).await
}

fn wrong_name(target: &Target, sni: Option<&str>) -> Option<Mismatch> {
    let expected = target.host.name(); // an address is never named there (RFC 6066, section 3)
    let agrees = match (expected, sni) {
        (Some(expected), Some(named)) => expected.eq_ignore_ascii_case(named),
        (None, None) => true,
        _ => false,
    };
    (!agrees).then(|| Mismatch::new(target, Place::Sni, sni.unwrap_or_default()))
}

struct Inside<S> {
    target: Target,
    wrong: Option<Mismatch>,
    service: S,
}

impl<S: Serve> Inside<S> {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        if let Some(wrong) = self.wrong.clone().or_else(|| mismatch(&parts, &self.target)) {
            self.service.mismatch(&wrong);
            return wrong.refusal().response();
        }
        self.service.serve(&self.target, Request::from_parts(parts, body)).await
    }
}
