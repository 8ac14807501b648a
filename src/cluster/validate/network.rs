//! `[network]`: the network that the nodes are connected to.

use std::net::{IpAddr, Ipv4Addr};

use toml::Spanned;
use zeroize::Zeroizing;

use super::super::file::{NetworkTable, WifiTable};
use super::super::problem::Findings;
use super::super::{Network, NodeName, Wifi};
use super::countries;

pub(super) fn network(table: NetworkTable, findings: &mut Findings<'_>) -> Network {
    let gateway = table.gateway.and_then(|entry| gateway(&entry, findings));
    let dns = match table.dns {
        None => gateway.map(IpAddr::V4).into_iter().collect(),
        Some(entries) => entries
            .iter()
            .filter_map(|entry| name_server(entry, findings))
            .collect(),
    };
    if let Some(domain) = &table.domain {
        check_domain(domain, findings);
    }
    Network {
        gateway,
        dns,
        domain: table.domain.map(Spanned::into_inner),
        wifi: table.wifi.and_then(|entry| wifi(entry, findings)),
    }
}

fn gateway(entry: &Spanned<String>, findings: &mut Findings<'_>) -> Option<Ipv4Addr> {
    let parsed: Option<Ipv4Addr> = entry.get_ref().parse().ok();
    let usable = parsed.filter(|address| is_host(*address));
    if usable.is_none() {
        findings.problem(
            entry.span(),
            format!("gateway {:?} is not a router's address", entry.get_ref()),
            "write your router's IPv4 address alone, like \"192.168.1.1\"",
        );
    }
    usable
}

/// Returns whether a single machine can have this address.
pub(super) fn is_host(address: Ipv4Addr) -> bool {
    let first = address.octets().first().copied().unwrap_or_default();
    // 240.0.0.0/4, which includes 255.255.255.255, is reserved (RFC 1112 section 4).
    first != 0 && first < 240 && !address.is_loopback() && !address.is_multicast() && !address.is_link_local()
}

fn name_server(entry: &Spanned<String>, findings: &mut Findings<'_>) -> Option<IpAddr> {
    let parsed: Option<IpAddr> = entry.get_ref().parse().ok();
    let usable = parsed.filter(|address| match address {
        IpAddr::V4(address) => is_host(*address),
        IpAddr::V6(address) => !address.is_unspecified() && !address.is_loopback() && !address.is_multicast(),
    });
    if usable.is_none() {
        findings.problem(
            entry.span(),
            format!("dns {:?} is not a name server's address", entry.get_ref()),
            "write addresses, like [\"192.168.1.1\", \"9.9.9.9\"]",
        );
    }
    usable
}

fn check_domain(entry: &Spanned<String>, findings: &mut Findings<'_>) {
    let domain = entry.get_ref();
    if domain.rsplit('.').next() == Some("local") {
        findings.problem(
            entry.span(),
            format!("domain {domain:?} belongs to mDNS, which does not use name servers"),
            "use another, such as \"home.arpa\"",
        );
    } else if domain.len() > 253
        || !domain
            .split('.')
            .all(|label| NodeName::parse(label).is_ok() || is_digits(label))
    {
        findings.problem(
            entry.span(),
            format!("domain {domain:?} is not a domain name"),
            "write it like \"home.arpa\": a to z, 0 to 9, hyphens and dots",
        );
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
            Some(&span),
            "wifi has no ssid",
            "add the network's name: ssid = \"...\"",
        ),
        Some(ssid) if !(1..=32).contains(&ssid.get_ref().len()) => findings.problem(
            ssid.span(),
            format!(
                "ssid has {} bytes; a network name has 1 to 32",
                ssid.get_ref().len()
            ),
            "",
        ),
        Some(_) => {}
    }
    match &table.psk {
        None => findings.warn(
            Some(span.clone()),
            "wifi has no psk, so the network must be open and anyone nearby can read the nodes' traffic",
            "",
        ),
        // IEEE 802.11-2020 annex J.4: a passphrase has 8 to 63 ASCII characters from 32 to 126; a raw key has 256 bits.
        Some(psk) if !is_passphrase(psk.get_ref()) => findings.problem(
            psk.span(),
            format!(
                "psk has {} characters; a passphrase has 8 to 63 printable ASCII characters, a raw key 64 \
                 hexadecimal digits",
                psk.get_ref().chars().count()
            ),
            "",
        ),
        Some(_) => {}
    }
    match &table.country {
        None => findings.missing(
            Some(&span),
            "wifi has no country, and the radio stays off without one",
            "add the country where the nodes are: country = \"DE\"",
        ),
        Some(country) if !countries::is_country(country.get_ref()) => findings.problem(
            country.span(),
            format!("country {:?} is not a country code", country.get_ref()),
            match countries::suggestion(country.get_ref()) {
                Some(code) => format!("did you mean \"{code}\"?"),
                None => "use two upper-case letters (ISO 3166), like \"DE\" or \"GB\"".to_owned(),
            },
        ),
        Some(_) => {}
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
