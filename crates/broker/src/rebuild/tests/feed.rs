//! The broker's end of a connection whose agent has said all it will say.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::{oneshot, watch},
};

/// Gives its bytes, tells when it was asked for more, and ends when told to: an end right behind a
/// request would say that nobody waits for the answer.
pub(super) struct Feed {
    bytes: Vec<u8>,
    given: usize,
    drained: watch::Sender<bool>,
    end: oneshot::Receiver<()>,
    answer: Arc<Mutex<Vec<u8>>>,
}

/// The agent's view of a [`Feed`].
pub(super) struct Fed {
    pub(super) drained: watch::Receiver<bool>,
    pub(super) end: oneshot::Sender<()>,
    pub(super) answer: Arc<Mutex<Vec<u8>>>,
}

pub(super) fn feed(bytes: &[u8]) -> (Feed, Fed) {
    let (drained, is_drained) = watch::channel(false);
    let (end, ends) = oneshot::channel();
    let answer = Arc::<Mutex<Vec<u8>>>::default();
    let fed = Fed { drained: is_drained, end, answer: Arc::clone(&answer) };
    (Feed { bytes: bytes.to_vec(), given: 0, drained, end: ends, answer }, fed)
}

impl AsyncRead for Feed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.given == self.bytes.len() {
            self.drained.send_replace(true);
            return Pin::new(&mut self.end).poll(cx).map(|_| Ok(()));
        }
        let more = (self.bytes.len() - self.given).min(buffer.remaining());
        buffer.put_slice(&self.bytes[self.given..self.given + more]);
        self.given += more;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Feed {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.answer.lock().unwrap().extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
