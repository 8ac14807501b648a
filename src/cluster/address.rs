//! IPv4 addresses with a prefix length.

use std::fmt;
use std::net::Ipv4Addr;

/// An IPv4 address and the length of its network prefix, such as `192.168.1.31/24`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ipv4Cidr {
    address: Ipv4Addr,
    prefix: u8,
}

/// A node's address or its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Address {
    /// From the router.
    Dhcp,
    /// From the cluster file.
    Fixed(Ipv4Cidr),
}

impl Ipv4Cidr {
    /// Parses `a.b.c.d/prefix` with a prefix of 1 to 32 bits. The error is the end of a sentence that starts with the
    /// text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some((address, prefix)) = text.split_once('/') else {
            return Err("has no prefix length; write it like 192.168.1.31/24".to_owned());
        };
        let address: Ipv4Addr = address
            .parse()
            .map_err(|_| "is not an IPv4 address like 192.168.1.31/24".to_owned())?;
        let prefix: u8 = Some(prefix)
            .filter(|digits| !digits.starts_with(['0', '+']))
            .and_then(|digits| digits.parse().ok())
            .filter(|bits| (1..=32).contains(bits))
            .ok_or_else(|| "has a prefix length outside 1 to 32".to_owned())?;
        Ok(Self { address, prefix })
    }

    /// Returns the address without the prefix length.
    pub fn address(self) -> Ipv4Addr {
        self.address
    }

    /// Returns the prefix length in bits.
    pub fn prefix(self) -> u8 {
        self.prefix
    }

    /// Returns the network's mask.
    pub fn mask(self) -> Ipv4Addr {
        let bits = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
        Ipv4Addr::from(bits)
    }

    /// Returns the network's first address.
    pub fn network(self) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(self.address) & u32::from(self.mask()))
    }

    /// Returns the network's last address.
    pub fn broadcast(self) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(self.address) | !u32::from(self.mask()))
    }

    /// Returns whether the two networks share an address.
    pub fn overlaps(self, other: Self) -> bool {
        self.contains(other.network()) || other.contains(self.network())
    }

    /// Returns whether `other` is in this address's network.
    pub fn contains(self, other: Ipv4Addr) -> bool {
        u32::from(other) & u32::from(self.mask()) == u32::from(self.network())
    }
}

impl fmt::Display for Ipv4Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", self.address, self.prefix))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dhcp => f.pad("dhcp"),
            Self::Fixed(cidr) => cidr.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_determines_the_network() {
        let cidr = Ipv4Cidr::parse("192.168.1.31/24").unwrap();
        assert_eq!(cidr.network(), Ipv4Addr::new(192, 168, 1, 0));
        assert_eq!(cidr.broadcast(), Ipv4Addr::new(192, 168, 1, 255));
        assert!(cidr.contains(Ipv4Addr::new(192, 168, 1, 1)));
        assert!(!cidr.contains(Ipv4Addr::new(192, 168, 2, 1)));
        assert_eq!(cidr.to_string(), "192.168.1.31/24");
    }

    #[test]
    fn overlapping_networks_are_detected() {
        let net = |text| Ipv4Cidr::parse(text).unwrap();
        assert!(net("10.10.0.0/16").overlaps(net("10.10.3.4/24")));
        assert!(net("10.10.3.4/24").overlaps(net("10.0.0.0/8")));
        assert!(!net("10.10.0.0/16").overlaps(net("10.11.0.1/16")));
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
            assert!(Ipv4Cidr::parse(bad).is_err(), "{bad}");
        }
    }
}
