//! The body of an answer, and the connection it comes over.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use hyper::{body::Incoming, client::conn::http1};

use super::{
    Body, EgressError,
    pool::{Key, Place, Pool},
};

/// The body of an answer. Read to its end it frees its connection for another request; dropped
/// before, it closes the connection (HTTP/1.1) or the stream (HTTP/2).
#[derive(Debug)]
pub struct Received {
    body: Incoming,
    key: Arc<Key>,
    held: Option<Held>,
}

/// What an answer under way holds.
#[derive(Debug)]
pub(super) enum Held {
    Connection(http1::SendRequest<Body>, Arc<Pool>),
    Place(Place),
}

impl Received {
    pub(super) fn new(body: Incoming, key: Arc<Key>, held: Held) -> Self {
        let mut received = Self { body, key, held: Some(held) };
        if received.body.is_end_stream() {
            received.ended();
        }
        received
    }

    fn ended(&mut self) {
        match self.held.take() {
            Some(Held::Connection(sender, pool)) => pool.give_back(&self.key, sender),
            Some(Held::Place(place)) => drop(place),
            None => {}
        }
    }
}

impl http_body::Body for Received {
    type Data = Bytes;
    type Error = EgressError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, EgressError>>> {
        let Poll::Ready(read) = Pin::new(&mut self.body).poll_frame(cx) else {
            return Poll::Pending;
        };
        match read {
            Some(Ok(frame)) => {
                if self.body.is_end_stream() {
                    self.ended(); // nobody may ask for the end of a body whose length is known
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(error)) => {
                self.held = None;
                let host = self.key.target.host.to_string();
                Poll::Ready(Some(Err(EgressError::of_exchange(host, error))))
            }
            None => {
                self.ended();
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
