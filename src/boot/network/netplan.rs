//! netplan, as cloud-init reads it: `network-config`, version 2.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use serde::Serialize;

use crate::boot::yaml::yaml;
use crate::cluster::{Address, Cluster, Node};
use crate::error::Result;

/// The names of the Pi's wired interface: by default on Raspberry Pi OS, and with predictable names (Pi 4, Pi 5).
/// A pattern under `match` would be shorter, but cloud-init's renderer for systemd-networkd ignores it.
const WIRED: [&str; 2] = ["eth0", "end0"];

/// The metric that `NetworkManager` gives to cables; Wi-Fi has 600.
const FIRST_METRIC: u32 = 100;

/// A `network-config` without settings, as that of the published images: the image uses DHCP.
pub(in crate::boot) const NOTHING: &str = "# This node uses DHCP, so nothing is configured here.\n";

#[derive(Serialize)]
struct NetworkConfig {
    version: u8,
    ethernets: BTreeMap<&'static str, Ethernet>,
}

#[derive(Serialize, Clone)]
struct Ethernet {
    dhcp4: bool,
    // Only with an IPv6 name server, for which netplan else writes a connection that NetworkManager refuses as a whole.
    // Not always, because with it cloud-init's own renderer for NetworkManager fails on IPv4 routes (25.1.4).
    #[serde(skip_serializing_if = "is_false")]
    dhcp6: bool,
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
    via: Ipv4Addr,
    // netplan wants default routes to differ, even if only one of them can be there.
    metric: u32,
}

#[derive(Serialize, Clone)]
struct NameServers {
    addresses: Vec<IpAddr>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    search: Vec<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature
fn is_false(value: &bool) -> bool {
    !value
}

/// Returns a node's `network-config`; `None` with DHCP, which is what the image does anyway.
pub(in crate::boot) fn network_config(cluster: &Cluster, node: &Node) -> Result<Option<String>> {
    let Address::Fixed(cidr) = node.address else {
        return Ok(None);
    };
    let addresses = cluster.network.dns.clone();
    let search: Vec<String> = cluster.network.domain.iter().cloned().collect();
    let dhcp6 = addresses.iter().any(IpAddr::is_ipv6);
    let name_servers = (!addresses.is_empty()).then_some(NameServers { addresses, search });
    let ethernets = WIRED
        .into_iter()
        .zip(FIRST_METRIC..)
        .map(|(name, metric)| {
            let route = cluster.network.gateway.map(|gateway| Route {
                to: "0.0.0.0/0",
                via: gateway,
                metric,
            });
            let ethernet = Ethernet {
                dhcp4: false,
                dhcp6,
                optional: true,
                addresses: [cidr.to_string()],
                routes: route.into_iter().collect(),
                nameservers: name_servers.clone(),
            };
            (name, ethernet)
        })
        .collect();
    let config = NetworkConfig {
        version: 2,
        ethernets,
    };
    yaml("network-config", &config).map(Some)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::boot::testing::{cloud_init, read_yaml};
    use crate::cluster::testing::cluster;

    /// Feeds a configuration to cloud-init's renderer for systemd-networkd and prints the files it makes.
    const RENDER: &str = r#"
import sys, yaml
from cloudinit.net import networkd, network_state
state = network_state.parse_net_config_data(yaml.safe_load(sys.stdin))
for name, content in sorted(networkd.Renderer()._render_content(state).items()):
    print("==", name)
    print(content)
"#;

    #[test]
    fn a_fixed_address_reaches_the_socket_whatever_it_is_called() {
        let cluster = cluster();
        let text = network_config(&cluster, &cluster.nodes[1]).unwrap().unwrap();
        let ethernet = |metric: u32| {
            json!({
                "dhcp4": false,
                "dhcp6": true,
                "optional": true,
                "addresses": ["192.168.1.32/24"],
                "routes": [{ "to": "0.0.0.0/0", "via": "192.168.1.1", "metric": metric }],
                "nameservers": { "addresses": ["192.168.1.2", "fd00::53"], "search": ["lan"] },
            })
        };
        assert_eq!(
            read_yaml(&text),
            json!({ "version": 2, "ethernets": { "eth0": ethernet(100), "end0": ethernet(101) } })
        );
    }

    #[test]
    fn cloud_init_hands_address_route_and_name_servers_on() {
        let cluster = cluster();
        let text = network_config(&cluster, &cluster.nodes[1]).unwrap().unwrap();
        let rendered = cloud_init(&["python", "-c", RENDER], text.as_bytes());
        for name in ["eth0", "end0"] {
            assert!(rendered.contains(&format!("Name={name}\n")), "{rendered}");
        }
        for line in [
            "Address=192.168.1.32/24",
            "Gateway=192.168.1.1",
            "DNS=192.168.1.2 fd00::53",
            "Domains=lan",
        ] {
            assert_eq!(rendered.matches(line).count(), 2, "{line} in\n{rendered}");
        }
    }

    #[test]
    fn dhcp_leaves_the_network_to_the_image() {
        let cluster = cluster();
        assert_eq!(network_config(&cluster, &cluster.nodes[2]).unwrap(), None);
    }

    #[test]
    fn a_network_without_gateway_or_name_servers_is_still_one() {
        let mut cluster = cluster();
        cluster.network.gateway = None;
        cluster.network.dns.clear();
        let text = network_config(&cluster, &cluster.nodes[1]).unwrap().unwrap();
        let ethernet = json!({ "dhcp4": false, "optional": true, "addresses": ["192.168.1.32/24"] });
        assert_eq!(read_yaml(&text)["ethernets"]["eth0"], ethernet);
    }
}
