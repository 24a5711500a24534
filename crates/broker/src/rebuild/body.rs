//! The body of a request on its way out: its data, and nothing else.

use std::{
    future::Future as _,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};

use crate::egress::{Body, BodyError};

/// How long a body may be silent before the request is given up.
const SILENCE: Duration = Duration::from_mins(1);

/// An agent's body to send on. Trailers are left out: they would be read after every check.
pub fn body(incoming: Incoming) -> Body {
    if incoming.is_end_stream() {
        return http_body_util::Empty::new().map_err(|never| match never {}).boxed();
    }
    Data { incoming, silence: None }.boxed()
}

struct Data {
    incoming: Incoming,
    silence: Option<Pin<Box<Sleep>>>,
}

impl http_body::Body for Data {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Ready(read) => {
                self.silence = None;
                Poll::Ready(match read {
                    Some(Ok(frame)) if frame.is_trailers() => None,
                    other => other.map(|frame| frame.map_err(Into::into)),
                })
            }
            Poll::Pending => {
                let silence = self.silence.get_or_insert_with(|| {
                    Box::pin(tokio::time::sleep_until(Instant::now() + SILENCE))
                });
                match silence.as_mut().poll(cx) {
                    Poll::Ready(()) => {
                        let late = io::Error::new(io::ErrorKind::TimedOut, "the body fell silent");
                        Poll::Ready(Some(Err(late.into())))
                    }
                    Poll::Pending => Poll::Pending,
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
