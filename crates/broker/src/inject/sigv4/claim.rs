//! What an agent's own signature says, taken out of its request.

use http::{HeaderMap, header};

use super::{ALGORITHM, CONTENT, DATE, InjectError, TOKEN, amz_time};

/// S3's word for a body that the signature does not cover; TLS does.
pub(super) const UNSIGNED: &str = "UNSIGNED-PAYLOAD";
/// A streamed body with a checksum behind it and no signature in it.
const UNSIGNED_TRAILER: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
/// The parameters of a presigned URL that are its signature.
const OF_A_PRESIGNED_URL: [&str; 7] = [
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-signature",
    "x-amz-signedheaders",
    "x-amz-security-token",
];
/// The longest name of a region or service.
const LONGEST: usize = 40;

/// How an agent signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The key id that it used: a fake one.
    pub key_id: String,
    /// The region that it signed for.
    pub region: String,
    /// The service that it signed for.
    pub service: String,
    /// What it said about the body.
    pub payload: Payload,
}

/// What a signature says about the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// This, in `x-amz-content-sha256`: a hash that AWS checks, or a word for a body that is not
    /// covered.
    Stated(String),
    /// Nothing.
    Unstated,
}

impl Claim {
    /// Whether the whole body must be hashed before the request can be signed: every service but S3
    /// covers it.
    pub fn needs_body(&self, auth: &strongroom_policy::Auth) -> bool {
        let strongroom_policy::Auth::SigV4 { service, .. } = auth else { return false };
        let service = service.as_deref().unwrap_or(&self.service);
        self.payload == Payload::Unstated && service != "s3"
    }
}

/// Takes the agent's signature out of a request: out of its headers, and out of its query where it
/// is a presigned URL. Returns what it said, and path and query without it.
pub fn take_claim(
    headers: &mut HeaderMap,
    path_and_query: &str,
    now_ms: u64,
) -> Result<(Claim, String), InjectError> {
    let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    let (mine, others) = split_query(query);
    let in_header = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let credential = match in_header {
        Some(text) => of_header(text)?,
        None => of_presigned(&mine, now_ms)?,
    };
    let payload = payload(headers)?;
    let mut parts = credential.split('/');
    let (Some(key_id), Some(_day), Some(region), Some(service), Some("aws4_request"), None) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(InjectError::Unsignable("its Credential is not of Signature Version 4"));
    };
    let (region, service) = (plain(region)?, plain(service)?);
    let claim = Claim { key_id: key_id.to_owned(), region, service, payload };
    for name in [header::AUTHORIZATION, DATE, TOKEN, CONTENT, header::DATE] {
        headers.remove(name);
    }
    let query = if others.is_empty() { String::new() } else { format!("?{}", others.join("&")) };
    Ok((claim, format!("{path}{query}")))
}

/// The parameters of a signature, lower-case names with decoded values; and all others as they are.
fn split_query(query: &str) -> (Vec<(String, String)>, Vec<&str>) {
    let (mut mine, mut others) = (Vec::new(), Vec::new());
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = name.to_ascii_lowercase();
        if OF_A_PRESIGNED_URL.contains(&name.as_str()) {
            mine.push((name, value.replace("%2F", "/").replace("%2f", "/")));
        } else {
            others.push(pair);
        }
    }
    (mine, others)
}

fn of_header(text: &str) -> Result<String, InjectError> {
    let rest = text
        .strip_prefix(ALGORITHM)
        .filter(|rest| rest.starts_with(' '))
        .ok_or(InjectError::Unsignable("it is not signed with AWS4-HMAC-SHA256"))?;
    let mut credentials =
        rest.split(',').filter_map(|part| part.trim().strip_prefix("Credential="));
    match (credentials.next(), credentials.next()) {
        (Some(one), None) => Ok(one.to_owned()),
        _ => Err(InjectError::Unsignable("its Authorization header names no one Credential")),
    }
}

/// The credential of a presigned URL, which must not be over: a person who made it for an hour meant
/// an hour.
fn of_presigned(mine: &[(String, String)], now_ms: u64) -> Result<String, InjectError> {
    let one = |name: &str| {
        let mut values = mine.iter().filter(|(of, _)| of == name).map(|(_, value)| value);
        values.next().filter(|_| values.next().is_none())
    };
    let unsigned = InjectError::Unsignable("it is not signed; give the SDK its fake keys");
    if one("x-amz-algorithm").ok_or(unsigned)? != ALGORITHM {
        return Err(InjectError::Unsignable("it is not signed with AWS4-HMAC-SHA256"));
    }
    let incomplete = || InjectError::Unsignable("its presigned URL is incomplete");
    let credential = one("x-amz-credential").ok_or_else(incomplete)?;
    let made = one("x-amz-date").ok_or_else(incomplete)?;
    let seconds: u64 = one("x-amz-expires").and_then(|s| s.parse().ok()).ok_or_else(incomplete)?;
    // Two points in time as text of one form compare as points in time do.
    let oldest = amz_time(now_ms.saturating_sub(seconds.min(604_800) * 1_000));
    if made.len() != oldest.len() || *made < oldest {
        return Err(InjectError::Unsignable("its presigned URL is over; make a new one"));
    }
    Ok(credential.clone())
}

fn payload(headers: &HeaderMap) -> Result<Payload, InjectError> {
    let mut stated = headers.get_all(CONTENT).iter();
    let Some(first) = stated.next() else { return Ok(Payload::Unstated) };
    let text = first.to_str().ok().filter(|_| stated.next().is_none());
    let text = text.ok_or(InjectError::Unsignable("its x-amz-content-sha256 is not one text"))?;
    let is_hash = text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if is_hash || text == UNSIGNED || text == UNSIGNED_TRAILER {
        return Ok(Payload::Stated(text.to_owned()));
    }
    // Its chunks are signed with the fake key, one by one.
    Err(InjectError::Unsignable(
        "its body is signed in chunks; switch chunked signing of payloads off in the SDK",
    ))
}

/// A region or service, as AWS names them.
fn plain(text: &str) -> Result<String, InjectError> {
    let fits = (1..=LONGEST).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let error = InjectError::Unsignable("its region or service is none");
    if fits { Ok(text.to_owned()) } else { Err(error) }
}
