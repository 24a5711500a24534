//! The way back of an answer: what a provider says reaches the agent without a credential in it.
//!
//! Invariants, where a credential went out: the text of the status, names and values of headers,
//! the body and its trailers pass the scrubber; a body in a coding is decoded first, at most a
//! hundred times its size, and goes on uncoded; one in a coding that is not known, or that is not
//! what it says, is not passed on. Nothing waits for the end of the body, and nothing is cut off.
//!
//! Deliberately not here: what is looked for (`strongroom-scrub`), and answers that hold a new
//! credential (they never come this way).

mod body;
mod coding;
mod head;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::BodyExt as _;
use strongroom_scrub::Scrubber;
use thiserror::Error;

use crate::egress::{Body, BodyError};
use body::Scrubbed;
use coding::{Coding, Decoder};

/// Why an answer is not passed on.
#[derive(Debug, Error)]
pub enum BackError {
    /// Its `Content-Encoding` is none of gzip, deflate, br and zstd, or several of them.
    #[error(
        "the provider's answer is coded in a way that cannot be looked into, so it was not passed \
         on; ask for it without compression"
    )]
    Coding,
    /// It is not what its `Content-Encoding` says, or grows too much when decoded.
    #[error("the provider's answer could not be decoded, so it was not passed on: {0}")]
    Undecodable(String),
    /// It changes the protocol.
    #[error(
        "the provider's answer changes the protocol, and what follows could not be looked into"
    )]
    Switching,
}

impl BackError {
    /// In kebab case.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Coding => "upstream-coding",
            Self::Undecodable(_) => "upstream-undecodable",
            Self::Switching => "upstream-switching",
        }
    }
}

/// An answer as the agent may see it. Where a credential went out, `scrubber` knows it.
///
/// Waits for the first bytes of a body in a coding, because they may show that it is none.
pub async fn scrubbed<B>(
    response: Response<B>,
    scrubber: Option<Arc<Scrubber>>,
) -> Result<Response<Body>, BackError>
where
    B: http_body::Body<Data = Bytes> + Send + Sync + 'static,
    B::Error: Into<BodyError>,
{
    let (mut parts, body) = response.into_parts();
    if parts.status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(BackError::Switching);
    }
    head::drop_hop_by_hop(&mut parts.headers);
    let Some(scrubber) = scrubber else {
        return Ok(Response::from_parts(parts, body.map_err(Into::into).boxed()));
    };
    let coding = Coding::of(&parts.headers)?;
    head::scrub(&mut parts, &scrubber);
    let mut body = Scrubbed::new(body, coding.map(Decoder::new), &scrubber);
    if coding.is_some() {
        body.begin().await.map_err(|error| BackError::Undecodable(error.to_string()))?;
    }
    Ok(Response::from_parts(parts, body.boxed()))
}

/// A body that begins with bytes that were read already.
pub fn joined(begun: Bytes, rest: Body) -> Body {
    use futures_util::stream::StreamExt as _;
    use http_body_util::{BodyDataStream, StreamBody};
    let begun = futures_util::stream::iter([Ok(http_body::Frame::data(begun))]);
    let rest = BodyDataStream::new(rest).map(|data| data.map(http_body::Frame::data));
    http_body_util::BodyExt::boxed(StreamBody::new(begun.chain(rest)))
}
