//! dhcpcd, which manages the network of Raspberry Pi OS up to bullseye: dhcpcd.conf(5).

use std::fmt::Write as _;

use crate::cluster::{Address, Model, Network};

/// The image's own file, to which the section is added.
pub(super) const CONFIG: &str = "/etc/dhcpcd.conf";

/// Returns our section of the file, of which the node marks where it begins and ends; nothing with DHCP.
pub(super) fn section(network: &Network, address: Address, model: Model) -> String {
    let Address::Fixed(address) = address else {
        return String::new();
    };
    // dhcpcd gives radios the worse metric, so the cable wins where both are connected.
    let interfaces: &[&str] = match (model, &network.wifi) {
        // The only board without a socket.
        (Model::Zero2, _) => &["wlan0"],
        (_, Some(_)) => &["eth0", "wlan0"],
        (_, None) => &["eth0"],
    };
    let mut text = String::new();
    for interface in interfaces {
        // Writing to a String cannot fail.
        let _ = write!(text, "interface {interface}\nstatic ip_address={address}\n");
        if let Some(gateway) = network.gateway {
            let _ = writeln!(text, "static routers={gateway}");
        }
        if !network.dns.is_empty() {
            let servers: Vec<_> = network.dns.iter().map(ToString::to_string).collect();
            let _ = writeln!(text, "static domain_name_servers={}", servers.join(" "));
        }
        if let Some(domain) = &network.domain {
            let _ = writeln!(text, "static domain_search={domain}");
        }
    }
    text
}
