//! The way back: an answer that is followed to its end, and written down there.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Instant,
};

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt as _;
use strongroom_control::record::{Outcome, Record};

use super::bad_gateway;
use crate::{
    broker::{Broker, now_ms},
    egress::{Body, BodyError, EgressError},
    refusal::Refusal,
    sessions::{End, Session},
};

/// A request that left. However it ends, that is written down once.
pub(super) struct Finish {
    broker: Arc<Broker>,
    session: Arc<Session>,
    record: Record,
    rule: usize,
    started: Instant,
    sent: Arc<AtomicU64>,
    is_written: bool,
}

impl Finish {
    /// A request that is about to leave.
    pub(super) fn new(
        broker: &Arc<Broker>,
        session: &Arc<Session>,
        record: Record,
        rule: usize,
        (started, sent): (Instant, Arc<AtomicU64>),
    ) -> Self {
        let (broker, session) = (Arc::clone(broker), Arc::clone(session));
        Self { broker, session, record, rule, started, sent, is_written: false }
    }

    /// What is written down of it so far.
    pub(super) fn record(&self) -> &Record {
        &self.record
    }

    /// It did not leave after all.
    pub(super) fn forget(mut self) {
        self.is_written = true;
    }

    /// No answer came.
    pub(super) fn failed(mut self, error: &EgressError) -> Refusal {
        self.record.why = error.to_string();
        bad_gateway(error.code(), error.to_string())
    }

    /// The answer is here and nobody wants its body.
    pub(super) fn ended(mut self, status: StatusCode) {
        self.write(Outcome::Done, status);
    }

    /// The answer cannot be passed on.
    pub(super) fn broken(mut self, status: StatusCode) {
        self.write(Outcome::Broken, status);
    }

    /// Follows the answer to its end, or to the session's.
    pub(super) fn follow(mut self, response: Response<Body>) -> Response<Body> {
        self.record.status = response.status().as_u16();
        let session = Arc::clone(&self.session);
        let ended = Box::pin(async move { session.ended().await });
        response.map(|inner| Followed { inner, ended, finish: self }.boxed())
    }

    fn count(&mut self, bytes: usize) {
        let bytes = bytes as u64;
        self.record.bytes += bytes;
        self.session.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn write(&mut self, outcome: Outcome, status: StatusCode) {
        self.record.status = status.as_u16();
        self.close(outcome);
    }

    fn close(&mut self, outcome: Outcome) {
        if std::mem::replace(&mut self.is_written, true) {
            return;
        }
        let (agent, session) = (self.session.agent, self.session.id);
        self.record.bytes += self.sent.load(Ordering::Relaxed);
        let mut usage = self.broker.usage.lock().unwrap_or_else(PoisonError::into_inner);
        usage.note_bytes(agent, session, self.rule, self.record.bytes);
        drop(usage);
        let mut record = self.record.clone();
        (record.outcome, record.time_ms) = (outcome, now_ms());
        record.millis = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        if let Err(error) = self.broker.journal().write(record) {
            // That it left is written down already.
            tracing::warn!(%error, "the end of a request could not be written down");
        }
        self.broker.session_changed();
    }
}

impl Drop for Finish {
    fn drop(&mut self) {
        self.close(Outcome::Broken);
    }
}

/// The body of an answer; ends with its session.
struct Followed {
    inner: Body,
    ended: Pin<Box<dyn Future<Output = End> + Send + Sync>>,
    finish: Finish,
}

impl http_body::Body for Followed {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.ended.as_mut().poll(context).is_ready() {
            return Poll::Ready(Some(Err("the session is over".into())));
        }
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    self.finish.count(data.len());
                }
            }
            Some(Err(_)) => self.finish.close(Outcome::Broken),
            None => self.finish.close(Outcome::Done),
        }
        if matches!(&frame, Some(Ok(_))) && self.inner.is_end_stream() {
            self.finish.close(Outcome::Done);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
