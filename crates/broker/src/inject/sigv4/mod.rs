//! AWS Signature Version 4: what an agent signed with a fake key is signed again with the real one.
//!
//! The agent's SDK signs every request itself, so a broker cannot just put a key in. What the agent
//! signed is taken out ([`take_claim`]), in the header as in a presigned URL, and a signature in the
//! header takes its place ([`sign`]). A presigned URL becomes a signed request too: nothing that
//! opens anything is ever written into a URL, where logs and redirects would keep it.
//!
//! Invariants: the time is ours; every `x-amz-` header and the host are signed; a path or query that
//! AWS could read in two ways is written in the one way that it signs. Who may sign is not decided
//! here: the agent's own signature is not checked, its fake session token is, elsewhere.
//!
//! Source: "Create a signed AWS API request" (AWS IAM user guide) and "Authenticating Requests: AWS
//! Signature Version 4" (Amazon S3 API reference).

mod canonical;
mod claim;
mod keys;
#[cfg(test)]
mod tests;

use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use sha2::{Digest as _, Sha256};
use strongroom_policy::Auth;
use zeroize::Zeroizing;

use super::InjectError;
use canonical::{Encoding, Target};

pub use claim::{Claim, Payload, take_claim};
pub use keys::AwsKeys;

pub(crate) const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
const CONTENT: HeaderName = HeaderName::from_static("x-amz-content-sha256");

/// A request that carries no signature.
#[derive(Debug)]
pub struct Unsigned<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its host, and its port where that is not the scheme's own, as the `Host` header says it.
    pub host: &'a str,
    /// Path and query, as [`take_claim`] left them.
    pub path_and_query: &'a str,
    /// Its headers; the signature goes into them.
    pub headers: &'a mut HeaderMap,
    /// SHA-256 of the whole body, where [`Claim::needs_body`] says so.
    pub body: Option<[u8; 32]>,
}

/// What a signed request needs besides its headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// Path and query in the one spelling that was signed: these must be sent.
    pub path_and_query: String,
    /// The signature. Whoever has it can repeat this one request for some minutes, so an answer
    /// must not bring it back.
    pub signature: String,
}

/// Signs a request for the region and service of the policy, or where that names none, for those
/// that the agent signed for.
pub fn sign(
    auth: &Auth,
    keys: &AwsKeys,
    claim: &Claim,
    request: Unsigned<'_>,
    now_ms: u64,
) -> Result<Signed, InjectError> {
    let Auth::SigV4 { service, region } = auth else { return Err(InjectError::Template) };
    let service = service.as_deref().unwrap_or(&claim.service);
    let region = region.as_deref().unwrap_or(&claim.region);
    let Unsigned { method, host, path_and_query, headers, body } = request;

    let time = amz_time(now_ms);
    let day = &time[..8];
    let payload = payload_of(&claim.payload, service, body)?;
    headers.insert(DATE, visible(&time)?);
    if service == "s3" || headers.contains_key(CONTENT) {
        headers.insert(CONTENT, visible(&payload)?);
    }
    headers.remove(TOKEN);
    if let Some(session) = keys.session() {
        let mut value = session.lend(visible)?;
        value.set_sensitive(true);
        headers.insert(TOKEN, value);
    }

    let encoding = if service == "s3" { Encoding::Once } else { Encoding::Twice };
    let target = Target::parse(path_and_query)?;
    let names = names_to_sign(headers);
    let canonical = canonical::request(method, host, &target, encoding, headers, &names, &payload)?;
    let scope = format!("{day}/{region}/{service}/aws4_request");
    let signature = signature(keys, &canonical, &time, day, region, service);
    let authorization = format!(
        "{ALGORITHM} Credential={}/{scope}, SignedHeaders={}, Signature={signature}",
        keys.id(),
        names.join(";"),
    );
    let mut authorization = visible(&authorization)?;
    authorization.set_sensitive(true);
    headers.insert(header::AUTHORIZATION, authorization);
    Ok(Signed { path_and_query: target.as_sent(), signature })
}

/// What stands for the body in what is signed.
fn payload_of(
    payload: &Payload,
    service: &str,
    body: Option<[u8; 32]>,
) -> Result<String, InjectError> {
    match (payload, body) {
        (Payload::Stated(text), _) => Ok(text.clone()),
        (Payload::Unstated, Some(hash)) => Ok(hex(&hash)),
        (Payload::Unstated, None) if service == "s3" => Ok(claim::UNSIGNED.to_owned()),
        (Payload::Unstated, None) => Err(InjectError::Unsignable("its body was not read")),
    }
}

/// The host and what AWS reads, sorted. The length and what hops add are left to the connection.
fn names_to_sign(headers: &HeaderMap) -> Vec<String> {
    let signed = |name: &&HeaderName| {
        name.as_str().starts_with("x-amz-") || [header::CONTENT_TYPE].contains(*name)
    };
    let mut names: Vec<String> =
        headers.keys().filter(signed).map(|name| name.as_str().to_owned()).collect();
    if headers.contains_key("content-md5") {
        names.push("content-md5".to_owned());
    }
    names.push("host".to_owned());
    names.sort_unstable();
    names
}

fn signature(
    keys: &AwsKeys,
    canonical: &str,
    time: &str,
    day: &str,
    region: &str,
    service: &str,
) -> String {
    let hashed = hex(&Sha256::digest(canonical.as_bytes()).into());
    let text = format!("{ALGORITHM}\n{time}\n{day}/{region}/{service}/aws4_request\n{hashed}");
    let key = keys.secret().lend(|secret| {
        let first = Zeroizing::new([b"AWS4", secret.as_bytes()].concat());
        tag(&first, day)
    });
    let key = tag(tag(tag(key.as_ref(), region).as_ref(), service).as_ref(), "aws4_request");
    hex(&tag(key.as_ref(), &text))
}

fn tag(key: &[u8], message: &str) -> Zeroizing<[u8; 32]> {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return Zeroizing::new([0; 32]); // unreachable: HMAC takes a key of any length
    };
    mac.update(message.as_bytes());
    Zeroizing::new(mac.finalize().into_bytes().into())
}

fn hex(bytes: &[u8; 32]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

fn visible(text: &str) -> Result<HeaderValue, InjectError> {
    HeaderValue::from_str(text).map_err(|_| InjectError::NotForAHeader)
}

/// `20150830T123600Z` of milliseconds since 1970.
fn amz_time(ms: u64) -> String {
    let text = strongroom_core::utc::rfc3339(ms);
    let mut out: String = text.chars().take(19).filter(|c| !"-:".contains(*c)).collect();
    out.push('Z');
    out
}
