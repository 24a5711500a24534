//! The way back of an answer.

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use http_body_util::BodyExt;
use strongroom_scrub::Scrubber;
use thiserror::Error;

use crate::egress::{Body, BodyError};

/// Why an answer is not passed on.
#[derive(Debug, Error)]
pub enum BackError {
    /// It is coded in a way that cannot be looked into.
    #[error("the provider's answer is coded in a way that cannot be looked into")]
    Coding,
}

impl BackError {
    /// In kebab case.
    pub fn code(&self) -> &'static str {
        "upstream-coding"
    }
}

/// An answer, scrubbed where a credential went out.
pub fn scrubbed<B>(
    response: Response<B>,
    scrubber: Option<Arc<Scrubber>>,
) -> Result<Response<Body>, BackError>
where
    B: http_body::Body<Data = Bytes> + Send + Sync + 'static,
    B::Error: Into<BodyError>,
{
    if scrubber.is_some() && response.headers().contains_key(http::header::CONTENT_ENCODING) {
        return Err(BackError::Coding);
    }
    let mut stream = scrubber.as_ref().map(Scrubber::stream);
    Ok(response.map(|body| {
        body.map_frame(move |frame| {
            frame.map_data(|data| match &mut stream {
                Some(stream) => {
                    let mut out = Vec::new();
                    stream.push(&data, &mut out);
                    out.into()
                }
                None => data,
            })
        })
        .map_err(Into::into)
        .boxed()
    }))
}

/// A body that begins with bytes that were read already.
pub fn joined(begun: Bytes, rest: Body) -> Body {
    use futures_util::stream::StreamExt as _;
    use http_body_util::{BodyDataStream, StreamBody};
    let begun = futures_util::stream::iter([Ok(http_body::Frame::data(begun))]);
    let rest = BodyDataStream::new(rest).map(|data| data.map(http_body::Frame::data));
    BodyExt::boxed(StreamBody::new(begun.chain(rest)))
}
