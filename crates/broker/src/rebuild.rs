//! The request that leaves: written anew from what was understood of the one that came.
//!
//! What is about the connection, about who the client is, or would change method, path or host
//! behind the policy's back is left out or refused; what two readers could understand differently is
//! refused; the rest, the API's own fields, goes on. Length and host are this program's words.
//!
//! Invariants: the result has one `Host`, at most one `Content-Length`, no `Transfer-Encoding`, asks
//! for no coding, and carries neither a fake token nor a field in which the real credential will
//! stand. Deliberately not here: the policy, and writing the credential in.

mod body;
mod fields;
#[cfg(test)]
mod tests;

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, Version,
    header::{
        ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, EXPECT,
        HOST, RANGE, TRANSFER_ENCODING, UPGRADE,
    },
    request::Parts,
};
use strongroom_policy::target::Target;

pub use self::body::body;
use self::fields::{Treatment, treatment};
use crate::{forward::MAX_FIELDS, refusal::Refusal};

/// The largest head that is sent on, in bytes of names and values.
const MAX_HEAD: usize = 64 * 1024;
/// The longest path and query.
const MAX_PATH: usize = 16 * 1024;
/// The shortest piece of an answer that may be asked for when a credential goes with the request: a
/// shorter one could be a part of the credential that is too short to be recognised.
const MIN_RANGE: u64 = 4096;

/// Fields that mean different things to different readers when they stand twice.
const ONCE: [HeaderName; 7] =
    [AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST, RANGE, TRANSFER_ENCODING];

/// The fields of a request in which credentials stand.
#[derive(Debug, Clone, Copy, Default)]
pub struct Taken<'a> {
    /// Where the fake token was found; they are left out.
    pub fake: &'a [HeaderName],
    /// Where the real credential will stand. Empty: the request goes without one.
    pub injected: &'a [HeaderName],
}

/// The head of the request that leaves for `target`, in origin form with `path` (path and query),
/// ready for the credential.
pub fn rebuild(
    came: &Parts,
    target: &Target,
    path: &str,
    taken: &Taken<'_>,
) -> Result<Parts, Refusal> {
    check_method(&came.method)?;
    check_size(&came.headers)?;
    refuse_upgrade(&came.headers)?;
    refuse_doubles(&came.headers)?;
    check_framing(came)?;
    check_expectation(&came.headers)?;
    refuse_second_credential(&came.headers, taken)?;
    let mut leaving = Request::new(()).into_parts().0;
    leaving.method = came.method.clone();
    leaving.uri = origin_form(path)?;
    leaving.headers = kept(came, taken)?;
    let host = HeaderValue::try_from(target.authority()).map_err(|_| ambiguous("the host"))?;
    leaving.headers.insert(HOST, host);
    leaving.headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    Ok(leaving)
}

fn check_method(method: &Method) -> Result<(), Refusal> {
    // TRACE shows the credential to whoever asks (RFC 9110, section 9.3.8).
    if *method == Method::CONNECT || *method == Method::TRACE {
        let message = format!("{method} is not sent on.");
        return Err(Refusal::new(StatusCode::NOT_IMPLEMENTED, "method-refused", message));
    }
    Ok(())
}

fn check_size(headers: &HeaderMap) -> Result<(), Refusal> {
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if headers.len() > MAX_FIELDS || bytes > MAX_HEAD {
        return Err(Refusal::new(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "head-too-large",
            format!(
                "A request has at most {MAX_FIELDS} header fields and {MAX_HEAD} bytes of them."
            ),
        ));
    }
    Ok(())
}

fn refuse_upgrade(headers: &HeaderMap) -> Result<(), Refusal> {
    let wanted = connection_options(headers).any(|option| option.eq_ignore_ascii_case("upgrade"));
    if wanted || headers.contains_key(UPGRADE) || headers.contains_key("http2-settings") {
        return Err(Refusal::new(
            StatusCode::NOT_IMPLEMENTED,
            "upgrade-refused",
            "Another protocol (WebSocket, h2c) cannot be used here, for its answers could not be \
             kept free of credentials. Use plain requests or server-sent events.",
        ));
    }
    Ok(())
}

fn refuse_doubles(headers: &HeaderMap) -> Result<(), Refusal> {
    match ONCE.iter().find(|name| headers.get_all(*name).iter().nth(1).is_some()) {
        Some(name) => Err(ambiguous(&format!("{name}, which it has twice"))),
        None => Ok(()),
    }
}

/// The length of a body has one reading, and the connection's version knows it.
fn check_framing(came: &Parts) -> Result<(), Refusal> {
    let length = came.headers.get(CONTENT_LENGTH);
    let coding = came.headers.get(TRANSFER_ENCODING);
    if came.version == Version::HTTP_2
        && (coding.is_some() || came.headers.contains_key(CONNECTION))
    {
        return Err(ambiguous("a field that HTTP/2 does not have"));
    }
    if came.version < Version::HTTP_2 && !came.headers.contains_key(HOST) {
        return Err(ambiguous("its Host, which it lacks"));
    }
    if length.is_some() && coding.is_some() {
        return Err(ambiguous("its length, which it gives in two ways"));
    }
    if coding.is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"chunked")) {
        return Err(ambiguous("its transfer coding"));
    }
    let plain = |length: &HeaderValue| {
        (1..=18).contains(&length.len()) && length.as_bytes().iter().all(u8::is_ascii_digit)
    };
    if length.is_some_and(|length| !plain(length)) {
        return Err(ambiguous("its length"));
    }
    Ok(())
}

/// `100-continue` is between the agent and this program, which answers it when it reads the body.
fn check_expectation(headers: &HeaderMap) -> Result<(), Refusal> {
    match headers.get(EXPECT) {
        Some(expected) if !expected.as_bytes().eq_ignore_ascii_case(b"100-continue") => {
            Err(Refusal::new(
                StatusCode::EXPECTATION_FAILED,
                "expectation-refused",
                "Only 100-continue can be expected here.",
            ))
        }
        _ => Ok(()),
    }
}

/// An agent's own credential beside the injected one would leave it open which one counts.
fn refuse_second_credential(headers: &HeaderMap, taken: &Taken<'_>) -> Result<(), Refusal> {
    for name in taken.fake {
        if headers.get_all(name).iter().nth(1).is_some() {
            return Err(ambiguous(&format!("{name}, which it has twice")));
        }
    }
    if taken.injected.is_empty() {
        return Ok(());
    }
    let own = taken
        .injected
        .iter()
        .chain([&AUTHORIZATION])
        .find(|name| headers.contains_key(*name) && !taken.fake.contains(name));
    match own {
        Some(name) => Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "own-credential",
            format!("The request carries {name} of its own beside a fake token; leave it out."),
        )),
        None => Ok(()),
    }
}

fn origin_form(path: &str) -> Result<Uri, Refusal> {
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'#' | b'\\');
    if !path.starts_with('/') || path.len() > MAX_PATH || !path.bytes().all(plain) {
        return Err(ambiguous("its path"));
    }
    let path_and_query = path.parse().map_err(|_| ambiguous("its path"))?;
    let mut parts = http::uri::Parts::default();
    parts.path_and_query = Some(path_and_query);
    Uri::from_parts(parts).map_err(|_| ambiguous("its path"))
}

fn kept(came: &Parts, taken: &Taken<'_>) -> Result<HeaderMap, Refusal> {
    let for_connection = named_by_connection(&came.headers, taken)?;
    let mut kept = HeaderMap::with_capacity(came.headers.len() + 4);
    for (name, value) in &came.headers {
        match treatment(name.as_str()) {
            Treatment::Refuse => {
                return Err(Refusal::new(
                    StatusCode::BAD_REQUEST,
                    "override-refused",
                    format!(
                        "The header {name} would change what the request does or whom it is for. \
                         Send the request as it is meant."
                    ),
                ));
            }
            Treatment::Drop => {}
            Treatment::Keep if taken.fake.contains(name) || for_connection.contains(name) => {}
            Treatment::Keep if *name == RANGE && !taken.injected.is_empty() => {
                if is_wide(value) {
                    kept.append(name, value.clone());
                } // otherwise the whole is asked for, which a server may always give
            }
            Treatment::Keep => {
                kept.append(name, value.clone());
            }
        }
    }
    join_cookies(&mut kept)?;
    Ok(kept)
}

/// The fields that `Connection` says are for this connection only (RFC 9110, section 7.6.1).
fn named_by_connection(headers: &HeaderMap, taken: &Taken<'_>) -> Result<Vec<HeaderName>, Refusal> {
    let mut named = Vec::new();
    for option in connection_options(headers) {
        let name =
            HeaderName::from_bytes(option.as_bytes()).map_err(|_| ambiguous("its Connection"))?;
        let essential = ONCE.contains(&name)
            || name == COOKIE
            || taken.fake.contains(&name)
            || taken.injected.contains(&name);
        if essential {
            return Err(ambiguous(&format!("{name}, which its Connection names")));
        }
        named.push(name);
    }
    Ok(named)
}

fn connection_options(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|value| value.to_str().unwrap_or("\u{fffd}").split(','))
        .map(str::trim)
        .filter(|option| !option.is_empty())
}

/// One range that is open or long enough; several, or one from the end, are not.
fn is_wide(range: &HeaderValue) -> bool {
    let wide = || {
        let (first, last) = range.to_str().ok()?.strip_prefix("bytes=")?.split_once('-')?;
        let first = digits(first)?;
        Some(last.is_empty() || digits(last)?.checked_sub(first)? >= MIN_RANGE - 1)
    };
    wide().unwrap_or(false)
}

fn digits(text: &str) -> Option<u64> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None; // the standard library would take a sign
    }
    text.parse().ok()
}

/// HTTP/2 may split a cookie over several fields; HTTP/1.1 may not (RFC 9113, section 8.2.3).
fn join_cookies(headers: &mut HeaderMap) -> Result<(), Refusal> {
    if headers.get_all(COOKIE).iter().nth(1).is_none() {
        return Ok(());
    }
    let pieces: Vec<&[u8]> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    let joined =
        HeaderValue::from_bytes(&pieces.join(&b"; "[..])).map_err(|_| ambiguous("its cookies"))?;
    headers.insert(COOKIE, joined);
    Ok(())
}

fn ambiguous(what: &str) -> Refusal {
    Refusal::new(
        StatusCode::BAD_REQUEST,
        "ambiguous-request",
        format!("The request can be read in more than one way: look at {what}."),
    )
}
