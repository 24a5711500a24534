//! The way to the token endpoint of a credential that is refreshed there.
//!
//! A refresh is a use of its own: it is written down before the refresh token leaves and after the
//! answer came, whatever becomes of the agent's request.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use strongroom_control::record::{Outcome, Record};
use strongroom_policy::{Path, SecretAt, SecretPolicy, Target};
use strongroom_secret::SecretBytes;
use zeroize::Zeroizing;

use crate::{
    broker::{Broker, now_ms},
    egress::Received,
    inject::{
        InjectError,
        oauth2::{Answer, Form, Posting, TokenEndpoint},
    },
    leases::Lease,
    refusal::whole,
};

/// The token endpoint that a secret's policy names.
pub(super) struct TokenCall {
    broker: Arc<Broker>,
    secret: (SecretAt, u64),
    target: Target,
    path: Path,
    private: bool,
    authority: Option<String>,
    record: Record,
}

impl TokenCall {
    /// The endpoint at `token_url`, for `lease`. `record` says who asks.
    pub(super) fn new(
        broker: &Arc<Broker>,
        lease: &Lease,
        token_url: &str,
        policy: &SecretPolicy,
        record: Record,
    ) -> Result<Self, InjectError> {
        let (target, path) = parse(token_url)
            .ok_or_else(|| refused("the token URL in the secret's policy is none; correct it"))?;
        let record = Record {
            request: broker.next_request(),
            secret: Some((lease.at, lease.version)),
            outcome: Outcome::Sent,
            method: Method::POST.to_string(),
            host: target.authority(),
            path: path.raw_path().to_owned(),
            ..record
        };
        Ok(Self {
            broker: Arc::clone(broker),
            secret: (lease.at, lease.version),
            target,
            path,
            private: policy.private,
            authority: policy.ca.clone(),
            record,
        })
    }

    async fn send(&self, form: Form) -> Result<Answer, InjectError> {
        let body = form.body.lend(|bytes| Zeroizing::new(bytes.to_vec()));
        let mut request = Request::new(whole(Bytes::from_owner(body)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.path.raw().parse().map_err(|_| refused("its URL is none"))?;
        let headers = request.headers_mut();
        let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(header::CONTENT_TYPE, form_type);
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Some(authorization) = form.authorization {
            headers.insert(header::AUTHORIZATION, authorization);
        }
        let (egress, ca) = (&self.broker.egress, self.authority.as_deref());
        let response = egress.send(&self.target, self.private, ca, request).await;
        let response = response.map_err(|error| InjectError::Refresh(error.to_string()))?;
        let status = response.status();
        if status == StatusCode::OK && response.headers().contains_key(header::CONTENT_ENCODING) {
            return Err(refused("its answer is compressed, which was not asked for"));
        }
        let body = read(response.into_body()).await?;
        Ok(Answer { status: status.as_u16(), body })
    }

    fn write(&self, outcome: Outcome, status: u16, millis: u64) -> Result<(), InjectError> {
        let record = Record { outcome, status, millis, time_ms: now_ms(), ..self.record.clone() };
        let written = self.broker.journal().write(record);
        written.map_err(|error| InjectError::Refresh(error.to_string()))
    }
}

impl TokenEndpoint for TokenCall {
    fn post(&self, form: Form) -> Posting<'_> {
        Box::pin(async move {
            self.write(Outcome::Sent, 0, 0)?;
            let began = std::time::Instant::now();
            let sent = self.send(form).await;
            let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            let (outcome, status) =
                sent.as_ref().map_or((Outcome::Broken, 0), |answer| (Outcome::Done, answer.status));
            if let Err(error) = self.write(outcome, status, millis) {
                // That it left is written down already.
                tracing::warn!(%error, "the end of a refresh could not be written down");
            }
            sent
        })
    }

    fn captured(&self, value: SecretBytes) {
        let (at, version) = self.secret;
        self.broker.owner.captured(at, version, value);
    }
}

/// The body, into memory that is wiped.
async fn read(mut body: Received) -> Result<SecretBytes, InjectError> {
    let mut all = Zeroizing::new(Vec::with_capacity(Answer::MAX));
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| InjectError::Refresh(error.to_string()))?;
        let Some(data) = frame.data_ref() else { continue };
        if all.len() + data.len() > Answer::MAX {
            return Err(refused("its answer is too long"));
        }
        all.extend_from_slice(data);
    }
    Ok(SecretBytes::from_vec(std::mem::take(&mut *all)))
}

/// Where a URL leads, and the path there.
fn parse(url: &str) -> Option<(Target, Path)> {
    let after_scheme = url.find("://")? + 3;
    let end = url[after_scheme..].find(['/', '?']).map_or(url.len(), |at| after_scheme + at);
    let (origin, path) = url.split_at(end);
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    Some((origin.parse().ok()?, Path::parse(&path).ok()?))
}

fn refused(why: &str) -> InjectError {
    InjectError::Refresh(why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_token_url_is_an_origin_and_a_path() {
        for (url, origin, path) in [
            ("https://oauth2.googleapis.com/token", "https://oauth2.googleapis.com", "/token"),
            ("https://a.example:8443/t?x=1", "https://a.example:8443", "/t?x=1"),
            ("https://a.example", "https://a.example", "/"),
            ("http://127.0.0.1:81/t", "http://127.0.0.1:81", "/t"),
        ] {
            let (target, parsed) = parse(url).unwrap();
            assert_eq!(target, origin.parse().unwrap(), "{url}");
            assert_eq!(parsed.raw(), path, "{url}");
        }
        for wrong in ["", "a.example/t", "https://u@a.example/t", "https://a.example/../t", "://"] {
            assert!(parse(wrong).is_none(), "{wrong}");
        }
    }
}
