//! A body that is decoded and scrubbed as it passes.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use strongroom_scrub::{Scrubber, Stream};

use super::coding::Decoder;
use super::head;
use crate::egress::BodyError;

/// The body of an answer, without what the scrubber knows.
pub(super) struct Scrubbed<B> {
    inner: Pin<Box<B>>,
    decoder: Option<Decoder>,
    scrubber: Arc<Scrubber>,
    stream: Stream,
    /// Looked at before it was asked for.
    begun: Option<Frame<Bytes>>,
    trailers: Option<HeaderMap>,
    /// Nothing more comes from the provider.
    is_over: bool,
}

impl<B> Scrubbed<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BodyError>,
{
    pub(super) fn new(inner: B, decoder: Option<Decoder>, scrubber: &Arc<Scrubber>) -> Self {
        Self {
            inner: Box::pin(inner),
            decoder,
            scrubber: Arc::clone(scrubber),
            stream: scrubber.stream(),
            begun: None,
            trailers: None,
            is_over: false,
        }
    }

    /// Waits for the first bytes that can be shown, or for the end.
    pub(super) async fn begin(&mut self) -> Result<(), BodyError> {
        self.begun = poll_fn(|context| self.poll_next(context)).await.transpose()?;
        Ok(())
    }

    fn poll_next(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        loop {
            if self.is_over {
                let trailers = self.trailers.take().map(Frame::trailers);
                return Poll::Ready(trailers.map(Ok));
            }
            let shown = match ready!(self.inner.as_mut().poll_frame(context)) {
                Some(Ok(frame)) => self.show(frame),
                Some(Err(error)) => Err(error.into()),
                None => self.end(),
            };
            match shown {
                Ok(shown) if shown.is_empty() => {}
                Ok(shown) => return Poll::Ready(Some(Ok(Frame::data(shown.into())))),
                Err(error) => {
                    self.is_over = true;
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
    }

    fn show(&mut self, frame: Frame<Bytes>) -> Result<Vec<u8>, BodyError> {
        let mut shown = Vec::new();
        match frame.into_data() {
            Ok(data) => {
                self.pass(&data, &mut shown)?;
                if self.inner.is_end_stream() {
                    shown.extend(self.end()?);
                }
            }
            Err(frame) => {
                if let Ok(mut trailers) = frame.into_trailers() {
                    head::drop_hop_by_hop(&mut trailers);
                    head::scrub_headers(&mut trailers, &self.scrubber);
                    self.trailers = Some(trailers);
                }
            }
        }
        Ok(shown)
    }

    fn pass(&mut self, data: &[u8], shown: &mut Vec<u8>) -> Result<(), BodyError> {
        match &mut self.decoder {
            Some(decoder) => self.stream.push(&decoder.take(data)?, shown),
            None => self.stream.push(data, shown),
        }
        Ok(())
    }

    fn end(&mut self) -> Result<Vec<u8>, BodyError> {
        self.is_over = true;
        let mut shown = Vec::new();
        if let Some(decoder) = &mut self.decoder {
            self.stream.push(&decoder.finish()?, &mut shown);
        }
        self.stream.finish(&mut shown);
        Ok(shown)
    }
}

impl<B> Body for Scrubbed<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BodyError>,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.begun.take() {
            Some(frame) => Poll::Ready(Some(Ok(frame))),
            None => self.poll_next(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        let is_over = self.is_over || self.inner.is_end_stream();
        is_over && self.begun.is_none() && self.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
