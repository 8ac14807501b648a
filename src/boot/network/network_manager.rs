//! `NetworkManager`, from bookworm on: nm-settings-keyfile(5).

use std::fmt::Write as _;
use std::net::IpAddr;

use ipnet::Ipv4Net;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::cluster::{Address, Network, Wifi};

/// The connection over a cable, which holds no secret.
pub(super) const CABLE: &str = "/etc/NetworkManager/system-connections/mkimage-cable.nmconnection";

/// Returns the connection over a cable.
pub(super) fn cable(network: &Network, address: Address) -> String {
    format!(
        "[connection]\nid=mkimage-cable\ntype=ethernet\nautoconnect-priority=10\n\n{}",
        addresses(network, address)
    )
}

/// A radio that sleeps misses what is sent to all, mDNS among it (`NM_SETTING_WIRELESS_POWERSAVE_DISABLE` of libnm).
const NO_POWER_SAVING: &str = "powersave=2\n";

/// Returns the connection over Wi-Fi. It holds the passphrase.
pub(super) fn wifi(wifi: &Wifi, network: &Network, address: Address, cluster_id: &str) -> String {
    let security = wifi.psk.as_ref().map_or_else(String::new, |psk| {
        format!(
            "[wifi-security]\nkey-mgmt=wpa-psk\npsk={}\n\n",
            keyfile_string(psk)
        )
    });
    let hidden = if wifi.hidden { "hidden=true\n" } else { "" };
    format!(
        "[connection]\nid=mkimage-wifi\nuuid={}\ntype=wifi\n\n[wifi]\nmode=infrastructure\nssid={}\n{NO_POWER_SAVING}{hidden}\n{security}{}",
        connection_id(cluster_id, &wifi.ssid),
        byte_list(wifi.ssid.as_bytes()),
        addresses(network, address),
    )
}

/// Returns the end of each connection, which a running node puts in the place of the one that it has: everything from `[ipv4]` on.
fn addresses(network: &Network, address: Address) -> String {
    match address {
        Address::Dhcp => "[ipv4]\nmethod=auto\n\n[ipv6]\nmethod=auto\n".to_owned(),
        // No wait for a duplicate: cable and Wi-Fi may hold the same address; the cable has the better metric.
        Address::Fixed(cidr) => format!(
            "[ipv4]\nmethod=manual\naddress1={}\ndns={}\ndns-search={}\ndad-timeout=0\n\n[ipv6]\nmethod=auto\ndns={}\n",
            address_and_gateway(network, cidr),
            terminated(&name_servers(network, IpAddr::is_ipv4)),
            network.domain.as_deref().unwrap_or_default(),
            terminated(&name_servers(network, IpAddr::is_ipv6)),
        ),
    }
}

fn address_and_gateway(network: &Network, address: Ipv4Net) -> String {
    match network.gateway {
        Some(gateway) => format!("{address},{gateway}"),
        None => address.to_string(),
    }
}

fn name_servers(network: &Network, is_wanted: fn(&IpAddr) -> bool) -> Vec<String> {
    let wanted = network.dns.iter().filter(|server| is_wanted(server));
    wanted.map(ToString::to_string).collect()
}

fn terminated(entries: &[String]) -> String {
    entries.iter().flat_map(|entry| [entry.as_str(), ";"]).collect()
}

/// Writes a network's name as a list of bytes in decimal, which the keyfile reader never takes for anything else.
fn byte_list(bytes: &[u8]) -> String {
    let mut list = String::new();
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(list, "{byte};");
    }
    list
}

/// Escapes a string value of `GLib`'s key files: backslashes, and blanks, which would be trimmed at the ends.
fn keyfile_string(text: &str) -> String {
    text.replace('\\', r"\\").replace(' ', r"\s")
}

/// Returns the same id for the same network of the same cluster. A digest of one's own is version 8 (RFC 9562, 5.8).
fn connection_id(cluster_id: &str, ssid: &str) -> Uuid {
    let digest = Sha256::new()
        .chain_update(cluster_id)
        .chain_update([0])
        .chain_update(ssid)
        .finalize();
    let mut bytes = [0; 16];
    for (byte, of_digest) in bytes.iter_mut().zip(digest) {
        *byte = of_digest;
    }
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Cluster;
    use crate::cluster::testing::cluster;

    fn file(cluster: &Cluster, node: usize) -> String {
        let network = &cluster.network;
        let address = cluster.nodes[node].address;
        let cluster_id = "00112233445566778899aabbccddeeff";
        wifi(network.wifi.as_ref().unwrap(), network, address, cluster_id)
    }

    #[test]
    fn no_character_of_name_or_passphrase_is_lost() {
        // Seen with `nmcli --offline`: the name is read back as given, and so is the passphrase.
        assert_eq!(
            file(&cluster(), 1),
            "[connection]\n\
             id=mkimage-wifi\n\
             uuid=d2772e9b-30f7-8dc1-b966-9368a8404824\n\
             type=wifi\n\
             \n\
             [wifi]\n\
             mode=infrastructure\n\
             ssid=67;97;102;195;169;59;32;53;32;71;72;122;\n\
             powersave=2\n\
             \n\
             [wifi-security]\n\
             key-mgmt=wpa-psk\n\
             psk=\\sSECRET\\\\psk\";\\s1\n\
             \n\
             [ipv4]\n\
             method=manual\n\
             address1=192.168.1.32/24,192.168.1.1\n\
             dns=192.168.1.2;\n\
             dns-search=lan\n\
             dad-timeout=0\n\
             \n\
             [ipv6]\n\
             method=auto\n\
             dns=fd00::53;\n"
        );
    }

    #[test]
    fn a_network_that_does_not_announce_its_name_is_asked_for_by_name() {
        let mut cluster = cluster();
        assert!(!file(&cluster, 1).contains("hidden"));
        if let Some(wifi) = &mut cluster.network.wifi {
            wifi.hidden = true;
        }
        let text = file(&cluster, 1);
        let of_wifi = "mode=infrastructure\nssid=67;97;102;195;169;59;32;53;32;71;72;122;\npowersave=2\nhidden=true\n\n[wifi-security]\n";
        assert!(text.contains(of_wifi), "{text}");
    }

    #[test]
    fn an_open_network_on_dhcp_needs_no_more_than_its_name() {
        let mut cluster = cluster();
        if let Some(wifi) = &mut cluster.network.wifi {
            wifi.psk = None;
        }
        assert!(file(&cluster, 2).ends_with(
            "ssid=67;97;102;195;169;59;32;53;32;71;72;122;\n\
             powersave=2\n\
             \n\
             [ipv4]\n\
             method=auto\n\
             \n\
             [ipv6]\n\
             method=auto\n"
        ));
    }
}
