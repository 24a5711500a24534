//! Which addresses belong to the public internet, and what the others are for.
//!
//! Invariants: an address is public only if no registry of special-purpose addresses (IANA, RFC
//! 6890) names it, also inside an IPv6 address that carries an IPv4 one. Deliberately not here: who
//! may reach the others (a secret's policy), and resolution (the broker).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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
    /// A private network: RFC 1918, `fc00::/7`, `fec0::/10`.
    Private,
    /// Carrier-grade NAT: 100.64.0.0/10.
    Shared,
    /// This link: 169.254.0.0/16, `fe80::/10`.
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

/// Where clouds give credentials to machines, outside the link-local networks too: Oracle, Alibaba,
/// Azure.
const METADATA4: [Ipv4Addr; 6] = [
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(169, 254, 170, 23),
    Ipv4Addr::new(192, 0, 0, 192),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(168, 63, 129, 16),
];

/// The same over IPv6: AWS (instances, containers), Google.
const METADATA6: [Ipv6Addr; 3] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
];

/// Where `ip` leads.
pub fn reach(ip: IpAddr) -> Reach {
    let kind = match ip {
        IpAddr::V4(ip) => kind4(ip),
        IpAddr::V6(ip) => kind6(ip),
    };
    kind.map_or(Reach::Public, Reach::Private)
}

fn kind4(ip: Ipv4Addr) -> Option<Kind> {
    if METADATA4.contains(&ip) {
        return Some(Kind::Metadata);
    }
    let kind = match ip.octets() {
        [0, ..] => Kind::Unspecified,
        [127, ..] => Kind::Loopback,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Kind::Private,
        [100, 64..=127, ..] => Kind::Shared,
        [169, 254, ..] => Kind::LinkLocal,
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] | [198, 18 | 19, ..] => Kind::Example,
        [192, 88, 99, _] => Kind::Embedded, // relays of 6to4
        [224..=239, ..] | [255, 255, 255, 255] => Kind::Multicast,
        [192, 0, 0, _] | [240..=255, ..] => Kind::Reserved,
        _ => return None,
    };
    Some(kind)
}

fn kind6(ip: Ipv6Addr) -> Option<Kind> {
    if METADATA6.contains(&ip) {
        return Some(Kind::Metadata);
    }
    let kind = match ip.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Kind::Unspecified,
        [0, 0, 0, 0, 0, 0, 0, 1] => Kind::Loopback,
        [0, 0, 0, 0, 0 | 0xffff, ..]     // compatible, mapped, and translated (RFC 2765)
        | [0, 0, 0, 0, _, 0xffff, ..]
        | [0x64, 0xff9b, ..]             // NAT64 (RFC 6052, RFC 8215)
        | [0x2001, 0, ..]                // Teredo
        | [0x2002, ..]                   // 6to4
        | [_, _, _, _, 0 | 0x200, 0x5efe, ..] => Kind::Embedded, // ISATAP
        [0x2001, 0xdb8, ..] | [0x2001, 2, 0, ..] | [0x3fff, 0..=0xfff, ..] => Kind::Example,
        [0x2001, 0..=0x1ff, ..] => Kind::Reserved, // protocol assignments
        [0xfc00..=0xfdff | 0xfec0..=0xfeff, ..] => Kind::Private,
        [0xfe80..=0xfebf, ..] => Kind::LinkLocal,
        [0xff00..=0xffff, ..] => Kind::Multicast,
        [0x2000..=0x3fff, ..] => return None,
        _ => Kind::Reserved, // IANA has given out nothing else
    };
    Some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRIVATE: [(&str, Kind); 78] = [
        ("0.0.0.0", Kind::Unspecified),
        ("0.1.2.3", Kind::Unspecified),
        ("127.0.0.1", Kind::Loopback),
        ("127.0.0.2", Kind::Loopback),
        ("127.255.255.255", Kind::Loopback),
        ("10.0.0.0", Kind::Private),
        ("10.0.0.1", Kind::Private),
        ("10.255.255.255", Kind::Private),
        ("172.16.0.1", Kind::Private),
        ("172.24.0.1", Kind::Private),
        ("172.31.255.255", Kind::Private),
        ("192.168.0.1", Kind::Private),
        ("192.168.255.255", Kind::Private),
        ("100.64.0.1", Kind::Shared),
        ("100.101.102.103", Kind::Shared),
        ("100.127.255.255", Kind::Shared),
        ("169.254.0.1", Kind::LinkLocal),
        ("169.254.169.253", Kind::LinkLocal),
        ("169.254.255.255", Kind::LinkLocal),
        ("169.254.169.254", Kind::Metadata),
        ("169.254.170.2", Kind::Metadata),
        ("169.254.170.23", Kind::Metadata),
        ("192.0.0.192", Kind::Metadata),
        ("100.100.100.200", Kind::Metadata),
        ("168.63.129.16", Kind::Metadata),
        ("192.0.0.1", Kind::Reserved),
        ("192.0.0.170", Kind::Reserved),
        ("192.0.2.1", Kind::Example),
        ("198.51.100.1", Kind::Example),
        ("203.0.113.254", Kind::Example),
        ("198.18.0.1", Kind::Example),
        ("198.19.255.255", Kind::Example),
        ("192.88.99.1", Kind::Embedded),
        ("224.0.0.1", Kind::Multicast),
        ("239.255.255.250", Kind::Multicast),
        ("255.255.255.255", Kind::Multicast),
        ("240.0.0.1", Kind::Reserved),
        ("255.255.255.254", Kind::Reserved),
        ("::", Kind::Unspecified),
        ("::1", Kind::Loopback),
        ("::2", Kind::Embedded),
        ("::127.0.0.1", Kind::Embedded),
        ("::8.8.8.8", Kind::Embedded),
        ("::ffff:127.0.0.1", Kind::Embedded),
        ("::ffff:10.0.0.1", Kind::Embedded),
        ("::ffff:169.254.169.254", Kind::Embedded),
        ("::ffff:8.8.8.8", Kind::Embedded),
        ("::ffff:0:127.0.0.1", Kind::Embedded),
        ("64:ff9b::127.0.0.1", Kind::Embedded),
        ("64:ff9b::169.254.169.254", Kind::Embedded),
        ("64:ff9b::8.8.8.8", Kind::Embedded),
        ("64:ff9b:1::10.0.0.1", Kind::Embedded),
        ("2002:7f00:1::", Kind::Embedded),
        ("2002:a9fe:a9fe::1", Kind::Embedded),
        ("2001::1", Kind::Embedded),
        ("2001:0:53aa:64c::1", Kind::Embedded),
        ("2606:4700::5efe:127.0.0.1", Kind::Embedded),
        ("2606:4700::200:5efe:10.0.0.1", Kind::Embedded),
        ("fc00::1", Kind::Private),
        ("fd00::1", Kind::Private),
        ("fdff:ffff::1", Kind::Private),
        ("fec0::1", Kind::Private),
        ("fd00:ec2::254", Kind::Metadata),
        ("fd00:ec2::23", Kind::Metadata),
        ("fd20:ce::254", Kind::Metadata),
        ("fe80::1", Kind::LinkLocal),
        ("febf::1", Kind::LinkLocal),
        ("ff02::1", Kind::Multicast),
        ("ff0e::1", Kind::Multicast),
        ("2001:db8::1", Kind::Example),
        ("2001:2::1", Kind::Example),
        ("3fff::1", Kind::Example),
        ("2001:10::1", Kind::Reserved),
        ("2001:20::1", Kind::Reserved),
        ("2001:1ff::1", Kind::Reserved),
        ("100::1", Kind::Reserved),
        ("5f00::1", Kind::Reserved),
        ("4000::1", Kind::Reserved),
    ];

    const PUBLIC: [&str; 17] = [
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.1",
        "169.253.255.255",
        "172.15.255.255",
        "172.32.0.0",
        "192.167.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2001:4860:4860::8888",
        "2606:4700:4700::1111",
        "2a00:1450:4001::64",
    ];

    #[test]
    fn every_address_that_is_not_public_is_told_apart() {
        for (text, kind) in PRIVATE {
            assert_eq!(reach(text.parse().unwrap()), Reach::Private(kind), "{text}");
        }
    }

    #[test]
    fn neighbours_of_special_networks_are_public() {
        for text in PUBLIC {
            assert_eq!(reach(text.parse().unwrap()), Reach::Public, "{text}");
        }
    }
}
