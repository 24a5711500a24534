//! Which addresses belong to the public internet, and what the others are for.
//!
//! Invariants: an address is public only if no registry of special-purpose addresses (IANA, RFC
//! 6890) names it, also inside an IPv6 address that carries an IPv4 one. Deliberately not here: who
//! may reach the others (a secret's policy), and resolution (the broker).

use std::net::IpAddr;

/// Where an address leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// To the public internet.
    Public,
    /// Somewhere else.
    Private(Kind),
}

/// What an address that is not public is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// "This host on this network": 0.0.0.0/8, ::.
    Unspecified,
    /// This computer: 127.0.0.0/8, `::1`.
    Loopback,
    /// A private network: RFC 1918, fc00::/7, fec0::/10.
    Private,
    /// Carrier-grade NAT: 100.64.0.0/10.
    Shared,
    /// This link: 169.254.0.0/16, fe80::/10.
    LinkLocal,
    /// Where clouds give credentials to machines.
    Metadata,
    /// Documentation and benchmarks.
    Example,
    /// Many hosts at once, broadcast included.
    Multicast,
    /// Reserved, or assigned to protocols.
    Reserved,
    /// An IPv6 address that carries an IPv4 one: mapped, compatible, NAT64, 6to4, Teredo, ISATAP.
    Embedded,
}

/// Where `ip` leads.
pub fn reach(ip: IpAddr) -> Reach {
    let _ = ip;
    Reach::Private(Kind::Reserved)
}
