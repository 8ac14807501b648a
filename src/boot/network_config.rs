//! `network-config`, version 2 (netplan's format), for nodes with a fixed address.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Serialize;

use crate::boot::cloud_init::yaml;
use crate::boot::settings::name_servers;
use crate::cluster::{Address, Cluster, Node};
use crate::error::Result;

/// What Linux calls the Pi's socket: by default on Raspberry Pi OS, and with predictable names (Pi 4, Pi 5).
/// A pattern under `match` would be shorter, but cloud-init's renderer for systemd-networkd ignores it.
const WIRED: [&str; 2] = ["eth0", "end0"];

#[derive(Serialize)]
struct NetworkConfig {
    version: u8,
    ethernets: BTreeMap<&'static str, Ethernet>,
}

#[derive(Serialize, Clone)]
struct Ethernet {
    dhcp4: bool,
    // Only one of the names exists, and nothing shall wait for the other.
    optional: bool,
    addresses: [String; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    routes: Vec<Route>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nameservers: Option<NameServers>,
}

#[derive(Serialize, Clone)]
struct Route {
    // Not "default": cloud-init before 23.1 knows only networks.
    to: &'static str,
    via: String,
}

#[derive(Serialize, Clone)]
struct NameServers {
    addresses: Vec<IpAddr>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    search: Vec<String>,
}

/// A node's `network-config`; `None` with DHCP, which is what the image does anyway.
pub(super) fn network_config(cluster: &Cluster, node: &Node) -> Result<Option<String>> {
    let Address::Fixed(cidr) = node.address else {
        return Ok(None);
    };
    let routes = cluster.network.gateway.map(|gateway| Route {
        to: "0.0.0.0/0",
        via: gateway.to_string(),
    });
    let addresses = name_servers(cluster);
    let search: Vec<String> = cluster.network.domain.iter().cloned().collect();
    let ethernet = Ethernet {
        dhcp4: false,
        optional: true,
        addresses: [cidr.to_string()],
        routes: routes.into_iter().collect(),
        nameservers: (!addresses.is_empty()).then_some(NameServers { addresses, search }),
    };
    let config = NetworkConfig {
        version: 2,
        ethernets: WIRED.into_iter().map(|name| (name, ethernet.clone())).collect(),
    };
    yaml("network-config", &config).map(Some)
}
