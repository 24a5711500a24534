//! What becomes of a field of a request, by its name alone.

/// What becomes of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Treatment {
    /// It goes on.
    Keep,
    /// It is left out: about this connection, or about who the client is, or this program's own.
    Drop,
    /// The request is refused.
    Refuse,
}

/// About the connection (RFC 9110, section 7.6.1) or the way so far, or asking for an answer in a
/// form in which a credential would not be recognised.
const DROPPED: &[&str] = &[
    "a-im",
    "accept-charset",
    "accept-encoding",
    "alt-used",
    "connection",
    "early-data",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "max-forwards",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
];

/// Who the client is or where it came from: servers behind trusted proxies believe these.
const CLIENT: &[&str] = &[
    "cdn-loop",
    "cf-connecting-ip",
    "cf-ipcountry",
    "client-ip",
    "fastly-client-ip",
    "forwarded",
    "true-client-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-originating-ip",
    "x-real-ip",
    "x-remote-addr",
    "x-remote-ip",
];

const DROPPED_BEGINNINGS: &[&str] = &["proxy-", "x-forwarded-", "x-strongroom-"];

/// Another method, path or host than the one that was decided on.
const OVERRIDES: &[&str] = &[
    "x-host",
    "x-http-host-override",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-host",
    "x-original-method",
    "x-original-uri",
    "x-original-url",
    "x-override-url",
    "x-rewrite-uri",
    "x-rewrite-url",
];

/// Fields that decide how a request is read; under another spelling they decide it for some readers.
const DECIDING: &[&str] = &["authorization", "content-length", "content-type", "cookie", "range"];

/// What becomes of the field with this lower-case name.
pub(super) fn treatment(name: &str) -> Treatment {
    if !name.contains('_') {
        return of_exact(name);
    }
    // Gateways read `_` as `-`: such a name may not stand for one that is treated in any way.
    let read_as = name.replace('_', "-");
    if of_exact(&read_as) == Treatment::Keep && !DECIDING.contains(&read_as.as_str()) {
        Treatment::Keep
    } else {
        Treatment::Refuse
    }
}

fn of_exact(name: &str) -> Treatment {
    if OVERRIDES.contains(&name) {
        Treatment::Refuse
    } else if DROPPED.contains(&name)
        || CLIENT.contains(&name)
        || DROPPED_BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
    {
        Treatment::Drop
    } else {
        Treatment::Keep
    }
}
