//! Which addresses a registry may send us to.
//!
//! A name is looked up here and the address that is looked at is the one that is connected to: a name that means something else a
//! moment later gains nothing by it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ureq::{
    config::Config,
    http::Uri,
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::NextTimeout,
    },
};

/// Which addresses may be connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Any: the user named the host.
    Any,
    /// This machine's own.
    Loopback,
    /// Those that anybody can reach. The user named somebody else, who named these.
    Public,
}

/// Looks names up, and gives no address that may not be connected to.
#[derive(Debug)]
pub(super) struct Reaching {
    pub(super) reach: Reach,
    pub(super) lookup: DefaultResolver,
}

impl Resolver for Reaching {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.lookup.resolve(uri, config, timeout)?;
        // One that may not be is enough: whoever answers for the name chooses the order.
        match found.iter().find(|address| !self.reach.includes(address.ip())) {
            None => Ok(found),
            Some(address) => Err(ureq::Error::Other(Box::new(Unreachable { address: address.ip(), reach: self.reach }))),
        }
    }
}

/// An address that may not be connected to.
#[derive(Debug, thiserror::Error)]
#[error("its address {address} {}", reach.why_not())]
pub(super) struct Unreachable {
    address: IpAddr,
    reach: Reach,
}

impl Reach {
    fn includes(self, address: IpAddr) -> bool {
        match self {
            Self::Any => true,
            Self::Loopback => address.is_loopback(),
            Self::Public => is_public(address),
        }
    }

    fn why_not(self) -> &'static str {
        match self {
            Self::Any => "cannot be used",
            Self::Loopback => "is not this machine's, and plain HTTP goes no further: --registry-plain-http HOST allows it",
            Self::Public => "is of this machine or a private network: --registry-allow-host HOST allows it",
        }
    }
}

/// Whether an address is one that anybody can reach, by the registries of special-purpose addresses of IANA.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    /// Prefixes that lead nowhere, or to this machine, a private network, or many.
    const SPECIAL: &[([u8; 4], u32)] = &[
        ([0, 0, 0, 0], 8),
        ([10, 0, 0, 0], 8),
        ([100, 64, 0, 0], 10),
        ([127, 0, 0, 0], 8),
        ([169, 254, 0, 0], 16),
        ([172, 16, 0, 0], 12),
        ([192, 0, 0, 0], 24),
        ([192, 0, 2, 0], 24),
        ([192, 88, 99, 0], 24),
        ([192, 168, 0, 0], 16),
        ([198, 18, 0, 0], 15),
        ([198, 51, 100, 0], 24),
        ([203, 0, 113, 0], 24),
        ([224, 0, 0, 0], 4),
        ([240, 0, 0, 0], 4),
    ];
    let bits = u32::from(address);
    !SPECIAL.iter().any(|(prefix, length)| (bits ^ u32::from_be_bytes(*prefix)) >> (32 - length) == 0)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    // Unicast addresses are given out of 2000::/3 alone. Within that, some carry an address of IPv4, which could be any.
    let given_out = first >> 13 == 0b001;
    let special = match first {
        0x2001 => second < 0x0200 || second == 0x0db8,
        0x2002 | 0x3fff => true,
        _ => false,
    };
    given_out && !special
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oci_003_private_addresses_are_known_by_every_spelling() {
        let check = |text: &str, expect: bool| assert_eq!(is_public(text.parse().expect("an address")), expect, "{text}");
        for private in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.168.1.1",
            "198.19.0.1",
            "203.0.113.7",
            "224.0.0.1",
            "239.255.255.250",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::ffff:8.8.8.8",
            "::127.0.0.1",
            "64:ff9b::a00:1",
            "100::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:a00:1::1",
        ] {
            check(private, false);
        }
        for public in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.0.1",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "198.20.0.1",
            "2606:4700::1111",
            "2001:4860::1",
        ] {
            check(public, true);
        }
    }

    #[test]
    fn oci_003_a_name_is_judged_by_what_it_leads_to() {
        let agent = |reach| {
            let config = Config::builder().timeout_global(Some(std::time::Duration::from_secs(10))).proxy(None).build();
            let resolver = Reaching { reach, lookup: DefaultResolver::default() };
            ureq::Agent::with_parts(config, ureq::unversioned::transport::DefaultConnector::default(), resolver)
        };
        // By name, as a number, in octal and hexadecimal: what counts is where it leads.
        for host in ["localhost", "127.0.0.1", "2130706433", "0x7f.1", "017700000001", "[::1]", "[::ffff:127.0.0.1]"] {
            let error = agent(Reach::Public).get(format!("http://{host}:9/")).call().expect_err("refused").to_string();
            assert!(error.contains("private network"), "{host}: {error}");
        }
        let error = agent(Reach::Loopback).get("http://10.0.0.1:9/").call().expect_err("refused").to_string();
        assert!(error.contains("--registry-plain-http"), "{error}");
    }
}
