//! IPv4 addresses with a prefix length.

use std::fmt;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

/// A node's address or its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Address {
    /// From the router.
    Dhcp,
    /// From the cluster file, with the length of its network's prefix.
    Fixed(Ipv4Net),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dhcp => f.write_str("dhcp"),
            Self::Fixed(address) => address.fmt(f),
        }
    }
}

/// Parses `a.b.c.d/prefix` with a prefix of 1 to 32 bits. The error is the end of a sentence that starts with the text.
pub(super) fn parse_cidr(text: &str) -> Result<Ipv4Net, String> {
    let Some((address, prefix)) = text.split_once('/') else {
        return Err("has no prefix length; write it like 192.168.1.31/24".to_owned());
    };
    let address: Ipv4Addr = address
        .parse()
        .map_err(|_| "is not an IPv4 address like 192.168.1.31/24".to_owned())?;
    Some(prefix)
        .filter(|digits| !digits.starts_with(['0', '+']))
        .and_then(|digits| Ipv4Net::new(address, digits.parse().ok()?).ok())
        .ok_or_else(|| "has a prefix length outside 1 to 32".to_owned())
}

/// Returns whether two networks share an address.
pub(super) fn overlap(one: Ipv4Net, other: Ipv4Net) -> bool {
    one.contains(&other) || other.contains(&one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_determines_the_network() {
        let cidr = parse_cidr("192.168.1.31/24").unwrap();
        assert_eq!(cidr.network(), Ipv4Addr::new(192, 168, 1, 0));
        assert_eq!(cidr.broadcast(), Ipv4Addr::new(192, 168, 1, 255));
        assert!(cidr.contains(&Ipv4Addr::new(192, 168, 1, 1)));
        assert!(!cidr.contains(&Ipv4Addr::new(192, 168, 2, 1)));
        assert_eq!(cidr.to_string(), "192.168.1.31/24");
    }

    #[test]
    fn overlapping_networks_are_detected() {
        let net = |text| parse_cidr(text).unwrap();
        assert!(overlap(net("10.10.0.0/16"), net("10.10.3.4/24")));
        assert!(overlap(net("10.10.3.4/24"), net("10.0.0.0/8")));
        assert!(!overlap(net("10.10.0.0/16"), net("10.11.0.1/16")));
    }

    #[test]
    fn text_that_is_not_an_address_is_refused() {
        for bad in [
            "192.168.1.31",
            "192.168.1/24",
            "1.2.3.4/0",
            "1.2.3.4/33",
            "a/24",
            "1.2.3.4/",
            "1.2.3.4/+24",
            "1.2.3.4/024",
            "dhcp",
        ] {
            assert!(parse_cidr(bad).is_err(), "{bad}");
        }
    }
}
