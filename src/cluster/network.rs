//! `[network]`: the network that the nodes are connected to.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::Ipv4Net;
use serde::Deserialize;
use toml::Spanned;
use zeroize::Zeroizing;

use super::problem::{Findings, Text};
use super::{NodeName, private_network};

/// All officially assigned two-letter codes of ISO 3166-1, sorted.
const COUNTRIES: &str = "\
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ \
    CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR \
    GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT \
    JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY \
    MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM \
    PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ \
    TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

/// Common mistakes and the codes that are meant.
const MISTAKEN: [(&str, &str); 2] = [("UK", "GB"), ("EN", "GB")];

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
}

impl fmt::Debug for Wifi {
    /// Hides the passphrase.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wifi")
            .field("ssid", &self.ssid)
            .field("psk", &self.psk.as_ref().map(|_| "..."))
            .field("country", &self.country)
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
            let remedy = match suggested_country(country.get_ref()) {
                Some(code) => format!("did you mean \"{code}\"?"),
                None => "use two upper-case letters (ISO 3166), like \"DE\" or \"GB\"".to_owned(),
            };
            let check = |code: &str| is_country(code).then_some(()).ok_or("is not a country code");
            findings.parse("country", country, check, &remedy);
        }
    }
    Some(Wifi {
        ssid: table.ssid?.into_inner(),
        psk: table.psk.map(|psk| Zeroizing::new(psk.into_inner())),
        country: table.country?.into_inner(),
    })
}

fn is_passphrase(text: &str) -> bool {
    let printable = text.chars().all(|c| (' '..='~').contains(&c));
    ((8..=63).contains(&text.len()) && printable)
        || (text.len() == 64 && text.chars().all(|c| c.is_ascii_hexdigit()))
}

/// Returns whether `code` is an upper-case country code.
fn is_country(code: &str) -> bool {
    code.len() == 2 && COUNTRIES.split(' ').any(|country| country == code)
}

/// Returns the code that was probably meant by `code`.
fn suggested_country(code: &str) -> Option<&'static str> {
    let upper = code.to_ascii_uppercase();
    COUNTRIES
        .split(' ')
        .find(|country| *country == upper)
        .or_else(|| {
            MISTAKEN
                .iter()
                .find(|(mistaken, _)| *mistaken == upper)
                .map(|(_, meant)| *meant)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_existing_countries_are_accepted() {
        assert_eq!(COUNTRIES.split(' ').count(), 249);
        assert!(COUNTRIES.split(' ').is_sorted());
        assert!(is_country("GB") && is_country("US") && is_country("ZW"));
        for wrong in ["UK", "XX", "de", "", "DEU", "D", "E "] {
            assert!(!is_country(wrong), "{wrong}");
        }
        assert_eq!(suggested_country("UK"), Some("GB"));
        assert_eq!(suggested_country("de"), Some("DE"));
        assert_eq!(suggested_country("XX"), None);
    }
}
