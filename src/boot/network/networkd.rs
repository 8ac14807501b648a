//! systemd-networkd, for systems with neither NetworkManager nor dhcpcd: systemd.network(5).

use std::fmt::Write as _;

use crate::cluster::{Address, Network};

/// Sorts before the files that images bring, so it is the one that is used.
pub(super) const CABLE: &str = "/etc/systemd/network/05-mkimage.network";

/// Returns the configuration of the cable's interface.
pub(super) fn cable(network: &Network, address: Address) -> String {
    // The last name is the one that systemd-nspawn gives a container's interface.
    let mut text = "[Match]\nName=en* eth* host0\n\n[Network]\n".to_owned();
    let Address::Fixed(address) = address else {
        return text + "DHCP=yes\n";
    };
    // Writing to a String cannot fail.
    let _ = writeln!(text, "Address={address}");
    if let Some(gateway) = network.gateway {
        let _ = writeln!(text, "Gateway={gateway}");
    }
    for server in &network.dns {
        let _ = writeln!(text, "DNS={server}");
    }
    if let Some(domain) = &network.domain {
        let _ = writeln!(text, "Domains={domain}");
    }
    text
}
