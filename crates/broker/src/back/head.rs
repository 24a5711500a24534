//! The head of an answer, and its trailers.

use std::borrow::Cow;

use http::header::{
    CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue,
};
use http::response::Parts;
use hyper::ext::ReasonPhrase;
use strongroom_scrub::Scrubber;

/// Headers that concern one connection alone (RFC 9110 section 7.6.1), and the one that would send
/// the agent to another.
const HOP_BY_HOP: [&str; 9] = [
    "alt-svc",
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Takes away what was meant for the broker and not for the agent.
pub(super) fn drop_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

/// Scrubs the text of the status, and the headers. The length of the body is not known any more.
pub(super) fn scrub(parts: &mut Parts, scrubber: &Scrubber) {
    if let Some(reason) = parts.extensions.remove::<ReasonPhrase>() {
        let shown = scrubber.once(reason.as_bytes());
        if let Ok(reason) = ReasonPhrase::try_from(shown.as_ref()) {
            parts.extensions.insert(reason);
        }
    }
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.remove(CONTENT_ENCODING);
    scrub_headers(&mut parts.headers, scrubber);
}

/// Replaces credentials in values; a header whose name shows one is left out.
pub(super) fn scrub_headers(headers: &mut HeaderMap, scrubber: &Scrubber) {
    let is_shown = |name: &&HeaderName| scrubber.is_in_name(name.as_str());
    let telling: Vec<HeaderName> = headers.keys().filter(is_shown).cloned().collect();
    for name in telling {
        headers.remove(name);
    }
    for value in headers.values_mut() {
        if let Cow::Owned(shown) = scrubber.once(value.as_bytes()) {
            *value = HeaderValue::from_bytes(&shown).unwrap_or(HeaderValue::from_static(""));
        }
    }
}
