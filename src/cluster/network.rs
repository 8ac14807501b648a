//! `[network]`: the network that the nodes are connected to.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::Ipv4Net;
use serde::Deserialize;
use toml::Spanned;
use zeroize::Zeroizing;

use super::problem::{Findings, Text};
use super::{NodeName, country, private_network};

/// The table as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct NetworkTable {
    gateway: Text,
    dns: Option<Vec<Spanned<String>>>,
    domain: Text,
    pub(super) private: Text,
    wifi: Option<Spanned<WifiTable>>,
}

/// `wifi` as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WifiTable {
    ssid: Text,
    psk: Text,
    country: Text,
    hidden: Option<Spanned<bool>>,
}

/// `[network]`
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// Default route of nodes with fixed addresses.
    pub gateway: Option<Ipv4Addr>,
    /// Name servers of nodes with fixed addresses; default: the gateway.
    pub dns: Vec<IpAddr>,
    pub domain: Option<String>,
    /// The network that only the nodes are in, a /24; `None` for the one that the cluster's id determines.
    pub private: Option<Ipv4Net>,
    /// Wireless network for nodes without a cable.
    pub wifi: Option<Wifi>,
}

/// `[network] wifi`
#[derive(Clone)]
pub struct Wifi {
    /// Network name, at most 32 bytes.
    pub ssid: String,
    /// Passphrase (8 to 63 printable ASCII characters) or 64 hexadecimal digits; `None` for an open network.
    pub psk: Option<Zeroizing<String>>,
    /// ISO 3166 alpha-2, upper case.
    pub country: String,
    /// True if the access point does not announce the network's name, so that the nodes have to ask for it.
    pub hidden: bool,
}

impl fmt::Debug for Wifi {
    /// Hides the passphrase.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wifi")
            .field("ssid", &self.ssid)
            .field("psk", &self.psk.as_ref().map(|_| "..."))
            .field("country", &self.country)
            .field("hidden", &self.hidden)
            .finish()
    }
}

impl NetworkTable {
    pub(super) fn check(self, findings: &mut Findings<'_>) -> Network {
        let gateway = self.gateway.and_then(|entry| {
            let remedy = "write your router's IPv4 address alone, like \"192.168.1.1\"";
            findings.parse("gateway", &entry, parse_gateway, remedy)
        });
        let dns = match self.dns {
            None => gateway.map(IpAddr::V4).into_iter().collect(),
            Some(entries) => {
                let remedy = "write addresses, like [\"192.168.1.1\", \"9.9.9.9\"]";
                let parsed = entries
                    .iter()
                    .map(|entry| findings.parse("dns", entry, parse_name_server, remedy));
                parsed.flatten().collect()
            }
        };
        let domain = self.domain.and_then(|entry| {
            let remedy = "use one such as \"home.arpa\": a to z, 0 to 9, hyphens and dots";
            findings.parse("domain", &entry, parse_domain, remedy)
        });
        let private = self.private.and_then(|entry| {
            let remedy = "write one like \"10.77.0.0/24\", or leave it out";
            findings.parse("private", &entry, private_network::parse, remedy)
        });
        Network {
            gateway,
            dns,
            domain,
            private,
            wifi: self.wifi.and_then(|entry| wifi(entry, findings)),
        }
    }
}

fn parse_gateway(text: &str) -> Result<Ipv4Addr, &'static str> {
    let parsed = text.parse().ok().filter(|address| is_host(*address));
    parsed.ok_or("is not a router's address")
}

/// Returns whether a single machine can have this address.
pub(super) fn is_host(address: Ipv4Addr) -> bool {
    let first = address.octets().first().copied().unwrap_or_default();
    // 240.0.0.0/4, which includes 255.255.255.255, is reserved (RFC 1112 section 4).
    first != 0 && first < 240 && !address.is_loopback() && !address.is_multicast() && !address.is_link_local()
}

fn parse_name_server(text: &str) -> Result<IpAddr, &'static str> {
    let usable = |address: &IpAddr| match address {
        IpAddr::V4(address) => is_host(*address),
        IpAddr::V6(address) => !address.is_unspecified() && !address.is_loopback() && !address.is_multicast(),
    };
    let parsed = text.parse().ok().filter(usable);
    parsed.ok_or("is not a name server's address")
}

fn parse_domain(text: &str) -> Result<String, &'static str> {
    let is_label = |label: &str| NodeName::parse(label).is_ok() || is_digits(label);
    if text.rsplit('.').next() == Some("local") {
        Err("belongs to mDNS, which does not use name servers")
    } else if text.len() > 253 || !text.split('.').all(is_label) {
        Err("is not a domain name")
    } else {
        Ok(text.to_owned())
    }
}

fn is_digits(label: &str) -> bool {
    !label.is_empty() && label.len() <= 63 && label.chars().all(|c| c.is_ascii_digit())
}

fn wifi(entry: Spanned<WifiTable>, findings: &mut Findings<'_>) -> Option<Wifi> {
    let span = entry.span();
    let table = entry.into_inner();
    match &table.ssid {
        None => findings.missing(
            span.clone(),
            "wifi has no ssid",
            "add the network's name: ssid = \"...\"",
        ),
        Some(ssid) if !(1..=32).contains(&ssid.get_ref().len()) => {
            let length = ssid.get_ref().len();
            let message = format!("ssid has {length} bytes; a network name has 1 to 32");
            findings.problem(ssid.span(), message, "");
        }
        Some(_) => {}
    }
    match &table.psk {
        None => findings.warn(
            span.clone(),
            "wifi has no psk, so the network must be open and anyone nearby can read the nodes' traffic",
            "",
        ),
        // IEEE 802.11-2020 annex J.4: a passphrase has 8 to 63 ASCII characters from 32 to 126; a raw key has 256 bits.
        Some(psk) if !is_passphrase(psk.get_ref()) => {
            let message = format!(
                "psk has {} characters; a passphrase has 8 to 63 printable ASCII characters, a raw key 64 \
                 hexadecimal digits",
                psk.get_ref().chars().count()
            );
            findings.problem(psk.span(), message, "");
        }
        Some(_) => {}
    }
    match &table.country {
        None => findings.missing(
            span,
            "wifi has no country, and the radio stays off without one",
            "add the country where the nodes are: country = \"DE\"",
        ),
        Some(country) => {
            findings.parse_name("country", country, country::parse);
        }
    }
    Some(Wifi {
        ssid: table.ssid?.into_inner(),
        psk: table.psk.map(|psk| Zeroizing::new(psk.into_inner())),
        country: table.country?.into_inner(),
        hidden: table.hidden.is_some_and(Spanned::into_inner),
    })
}

fn is_passphrase(text: &str) -> bool {
    let printable = text.chars().all(|c| (' '..='~').contains(&c));
    ((8..=63).contains(&text.len()) && printable)
        || (text.len() == 64 && text.chars().all(|c| c.is_ascii_hexdigit()))
}
