//! The names that a request gives its host.

use http::{Method, StatusCode, Uri, Version, header::HOST, request::Parts};
use strongroom_policy::target::{Scheme, Target};

use crate::refusal::Refusal;

/// So much of a foreign name is repeated.
const SHOWN: usize = 120;

/// A request that names another host than its connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// What the connection is to.
    pub target: Target,
    /// Where another name stood.
    pub place: Place,
    /// That name, printable and cut; empty if none was given.
    pub named: String,
}

/// Where a host is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the TLS handshake.
    Sni,
    /// In the request's target: absolute form, or `:authority`.
    Authority,
    /// In `Host`.
    Host,
}

impl Mismatch {
    pub(super) fn new(target: &Target, place: Place, named: &str) -> Self {
        let printable = named.chars().filter(char::is_ascii_graphic).take(SHOWN).collect();
        Self { target: target.clone(), place, named: printable }
    }

    /// 421, as the agent is told.
    pub fn refusal(&self) -> Refusal {
        let place = match self.place {
            Place::Sni => "the TLS handshake",
            Place::Authority => "the request's target",
            Place::Host => "the Host header",
        };
        let target = &self.target;
        let message = format!(
            "The connection is to {target}, but {place} names another host. \
             Ask for each host over a connection of its own."
        );
        Refusal::new(StatusCode::MISDIRECTED_REQUEST, "host-mismatch", message)
    }
}

/// What a CONNECT asks for: `host:port` and nothing else, reached over TLS.
pub fn connect_target(request: &Parts) -> Result<Target, Refusal> {
    let unusable = || {
        bad("connect-target", "CONNECT needs a host and a port, such as CONNECT example.com:443.")
    };
    let authority = request.uri.authority().ok_or_else(unusable)?.as_str();
    let exact = request.uri.scheme().is_none() && request.uri.path_and_query().is_none();
    if request.method != Method::CONNECT || !exact || request.uri.port().is_none() {
        return Err(unusable());
    }
    let target = parse(Scheme::Https, authority).ok_or_else(unusable)?;
    match mismatch(request, &target) {
        // Some clients leave out the port; Python's asks in HTTP/1.0, where nothing needs a Host.
        Some(other) if !has_bare_host(request, &target) && !may_lack_host(request) => {
            Err(other.refusal())
        }
        _ => Ok(target),
    }
}

fn may_lack_host(request: &Parts) -> bool {
    request.version == Version::HTTP_10 && !request.headers.contains_key(HOST)
}

fn has_bare_host(request: &Parts, target: &Target) -> bool {
    let mut hosts = request.headers.get_all(HOST).iter();
    let bare = target.host.to_string();
    let first = hosts.next();
    first.is_some_and(|host| host.as_bytes().eq_ignore_ascii_case(bare.as_bytes()))
        && hosts.next().is_none()
}

/// What a request in absolute form is for, as proxies get it; none if it is in origin form.
pub fn absolute_target(request: &Parts) -> Result<Option<Target>, Refusal> {
    let Some(scheme) = request.uri.scheme_str() else { return Ok(None) };
    let unusable = || bad("proxy-target", "A proxy needs a target such as http://host:port/path.");
    let scheme = match scheme {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        _ => return Err(unusable()),
    };
    let authority = request.uri.authority().ok_or_else(unusable)?.as_str();
    let target = parse(scheme, authority).ok_or_else(unusable)?;
    match mismatch(request, &target) {
        Some(other) => Err(other.refusal()),
        None => Ok(Some(target)),
    }
}

/// The first place where a request names another host than `target`. HTTP/1.1 must have exactly one
/// `Host`, HTTP/2 an `:authority`; whatever else names a host must agree.
pub(super) fn mismatch(request: &Parts, target: &Target) -> Option<Mismatch> {
    let other = |place, named: &str| Some(Mismatch::new(target, place, named));
    let agrees = |named: &str| parse(target.scheme, named).is_some_and(|named| named == *target);
    if let Some(authority) = request.uri.authority() {
        if !agrees(authority.as_str()) || !scheme_agrees(&request.uri, target) {
            return other(Place::Authority, authority.as_str());
        }
    } else if request.version == Version::HTTP_2 {
        return other(Place::Authority, "");
    }
    let mut hosts = request.headers.get_all(HOST).iter();
    let (first, second) = (hosts.next(), hosts.next());
    match (first, second) {
        (None, _) if request.version == Version::HTTP_2 => None,
        (Some(host), None) => match host.to_str() {
            Ok(named) if agrees(named) => None,
            Ok(named) => other(Place::Host, named),
            Err(_) => other(Place::Host, ""),
        },
        (None, _) => other(Place::Host, ""),
        (Some(_), Some(again)) => other(Place::Host, again.to_str().unwrap_or_default()),
    }
}

fn scheme_agrees(uri: &Uri, target: &Target) -> bool {
    uri.scheme_str().is_none_or(|scheme| scheme == target.scheme.as_str())
}

fn parse(scheme: Scheme, authority: &str) -> Option<Target> {
    Target::from_authority(scheme, &authority.to_ascii_lowercase()).ok()
}

fn bad(code: &'static str, message: &str) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, code, message)
}
