//! An independent witness (c2sp.org/tlog-witness): one request, and its answers.
//!
//! It gets no credential and nothing but a checkpoint and hashes. What it answers is capped, and its
//! signature is checked by whoever asked.

use std::fmt;
use std::str::FromStr;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Response, StatusCode, redirect};
use strongroom_core::cosign::{MAX_ANSWER, conflict_size};

use super::error::{ApiError, of_transport};
use super::origin::{BadOrigin, private};
use super::transport::TimeLimits;

const SIZE_TYPE: &str = "text/x.tlog.size";

/// Where a witness takes checkpoints: `https`, or a loopback address; a path is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessUrl {
    text: String,
    loopback: bool,
}

impl WitnessUrl {
    /// The address, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for WitnessUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for WitnessUrl {
    type Err = BadOrigin;

    fn from_str(text: &str) -> Result<Self, BadOrigin> {
        let (url, loopback) = private(text)?;
        Ok(Self { text: url.as_str().trim_end_matches('/').to_owned(), loopback })
    }
}

/// What a witness answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WitnessAnswer {
    /// Signature lines, unchecked.
    Cosigned(String),
    /// It has seen another size than it was told, or another root; which size, where it says so.
    Conflict(Option<u64>),
    /// It refused with this status.
    Refused(u16),
}

/// `POST {url}/add-checkpoint`: asks for a cosignature.
pub async fn add_checkpoint(
    url: &WitnessUrl,
    limits: TimeLimits,
    request: String,
) -> Result<WitnessAnswer, ApiError> {
    let mut builder = Client::builder()
        .user_agent(concat!("strongroom/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .https_only(!url.loopback)
        .connect_timeout(limits.connect)
        .read_timeout(limits.silence)
        .timeout(limits.whole);
    if url.loopback {
        builder = builder.no_proxy(); // what is meant for this computer stays on it
    }
    let client = builder.build().map_err(|_| ApiError::Unsupported)?;
    let call = client.post(format!("{url}/add-checkpoint")).body(request);
    let response = call.send().await.map_err(|e| of_transport(&e))?;
    match response.status() {
        StatusCode::OK => Ok(WitnessAnswer::Cosigned(read(response).await?)),
        StatusCode::CONFLICT => {
            let header = response.headers().get(CONTENT_TYPE);
            let typed = header.is_some_and(|header| header == SIZE_TYPE);
            let size = if typed { conflict_size(&read(response).await?) } else { None };
            Ok(WitnessAnswer::Conflict(size))
        }
        status if status.is_client_error() || status.is_server_error() => {
            Ok(WitnessAnswer::Refused(status.as_u16()))
        }
        _ => Err(ApiError::Garbage), // a redirect is never followed, nor meant
    }
}

async fn read(mut response: Response) -> Result<String, ApiError> {
    let mut bytes = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|e| of_transport(&e))? {
        if piece.len() > MAX_ANSWER - bytes.len() {
            return Err(ApiError::AnswerTooLarge { limit: MAX_ANSWER });
        }
        bytes.extend_from_slice(&piece);
    }
    String::from_utf8(bytes).map_err(|_| ApiError::Garbage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_witness_is_asked_over_https_or_on_this_computer() {
        for (typed, text) in [
            ("https://Witness.example/", "https://witness.example"),
            (" https://witness.example/prefix/ ", "https://witness.example/prefix"),
            ("http://127.0.0.1:9/w", "http://127.0.0.1:9/w"),
        ] {
            assert_eq!(typed.parse::<WitnessUrl>().unwrap().as_str(), text);
        }
        assert_eq!("http://witness.example".parse::<WitnessUrl>(), Err(BadOrigin::Insecure));
        for typed in
            ["", "witness", "ftp://w.example", "https://w.example?x", "https://a@w.example"]
        {
            assert_eq!(typed.parse::<WitnessUrl>(), Err(BadOrigin::Malformed), "{typed}");
        }
    }
}
