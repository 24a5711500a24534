//! The body of a request on its way out: its data, and nothing else.

use std::{
    future::Future as _,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::{Sleep, sleep};

use crate::egress::{Body, BodyError};

/// How long a body may be silent before the request is given up.
const SILENCE: Duration = Duration::from_mins(1);

/// An agent's body to send on; `passed` hears how many bytes each piece has. Trailers are left out:
/// they would be read after every check.
pub fn body<F>(incoming: Incoming, passed: F) -> Body
where
    F: Fn(usize) + Send + Sync + Unpin + 'static,
{
    Data { incoming, passed, silence: None }.boxed()
}

struct Data<F> {
    incoming: Incoming,
    passed: F,
    silence: Option<Pin<Box<Sleep>>>,
}

impl<F> http_body::Body for Data<F>
where
    F: Fn(usize) + Unpin,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Poll::Ready(read) = Pin::new(&mut self.incoming).poll_frame(cx) else {
            return self.wait(cx);
        };
        self.silence = None;
        Poll::Ready(match read {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => {
                    (self.passed)(data.len());
                    Some(Ok(Frame::data(data)))
                }
                Err(_trailers) => None,
            },
            Some(Err(error)) => Some(Err(error.into())),
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl<F> Data<F> {
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let silence = self.silence.get_or_insert_with(|| Box::pin(sleep(SILENCE)));
        silence.as_mut().poll(cx).map(|()| {
            let late = io::Error::new(io::ErrorKind::TimedOut, "the body fell silent");
            Some(Err(late.into()))
        })
    }
}
