//! A node's network in the form of the programs that set it up: one file per program.

mod dhcpcd;
pub(super) mod netplan;
mod network_manager;
mod networkd;
mod wpa_supplicant;

use crate::cluster::{Address, Cluster, Node};
use crate::error::Result;
use crate::release::Release;

/// Returns the files for a fixed address with their absolute paths on the Pi, one for each program that may manage the
/// cable there; nothing with DHCP, which is what the images do anyway.
pub(super) fn address_files(cluster: &Cluster, node: &Node) -> Vec<(&'static str, String)> {
    let Address::Fixed(address) = node.address else {
        return Vec::new();
    };
    let network = &cluster.network;
    vec![
        (network_manager::CABLE, network_manager::cable(network, address)),
        (dhcpcd::CONFIG, dhcpcd::section(network, address, node.model)),
        (networkd::CABLE, networkd::cable(network, address)),
    ]
}

/// Returns the name below `mkimage/secrets/` and the text of the file that holds the passphrase, for the program that
/// the release has; `None` without Wi-Fi. Refuses a passphrase that the program cannot be given.
pub(super) fn wifi_secret(
    cluster: &Cluster,
    node: &Node,
    release: Option<Release>,
    cluster_id: &str,
) -> Result<Option<(&'static str, String)>> {
    let Some(wifi) = &cluster.network.wifi else {
        return Ok(None);
    };
    Ok(Some(match release {
        Some(release) if !release.has_network_manager() => {
            ("wpa_supplicant.conf", wpa_supplicant::config(wifi)?)
        }
        _ => (
            "wifi.nmconnection",
            network_manager::wifi(wifi, &cluster.network, node.address, cluster_id),
        ),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::testing::cluster;
    use crate::cluster::{Model, Wifi};

    const CABLE: &str = "/etc/NetworkManager/system-connections/mkimage-cable.nmconnection";
    const DHCPCD: &str = "/etc/dhcpcd.conf";
    const NETWORKD: &str = "/etc/systemd/network/05-mkimage.network";

    fn file(cluster: &Cluster, path: &str) -> String {
        let files = address_files(cluster, &cluster.nodes[1]);
        let (_, text) = files
            .into_iter()
            .find(|(candidate, _)| *candidate == path)
            .unwrap();
        text
    }

    /// Returns the connection of NetworkManager. `gateway` follows the address.
    fn cable(gateway: &str, dns: &str, domain: &str, dns_ipv6: &str) -> String {
        format!(
            "[connection]\n\
             id=mkimage-cable\n\
             type=ethernet\n\
             autoconnect-priority=10\n\
             \n\
             [ipv4]\n\
             method=manual\n\
             address1=192.168.1.32/24{gateway}\n\
             dns={dns}\n\
             dns-search={domain}\n\
             dad-timeout=0\n\
             \n\
             [ipv6]\n\
             method=auto\n\
             dns={dns_ipv6}\n"
        )
    }

    #[test]
    fn every_network_manager_gets_address_gateway_name_servers_and_domain() {
        let cluster = cluster();
        let files = address_files(&cluster, &cluster.nodes[1]);
        let paths: Vec<_> = files.iter().map(|(path, _)| *path).collect();
        assert_eq!(paths, [CABLE, DHCPCD, NETWORKD]);
        assert_eq!(
            file(&cluster, CABLE),
            cable(",192.168.1.1", "192.168.1.2;", "lan", "fd00::53;")
        );
        assert_eq!(
            file(&cluster, DHCPCD),
            "interface eth0\n\
             static ip_address=192.168.1.32/24\n\
             static routers=192.168.1.1\n\
             static domain_name_servers=192.168.1.2 fd00::53\n\
             static domain_search=lan\n\
             interface wlan0\n\
             static ip_address=192.168.1.32/24\n\
             static routers=192.168.1.1\n\
             static domain_name_servers=192.168.1.2 fd00::53\n\
             static domain_search=lan\n"
        );
        assert_eq!(
            file(&cluster, NETWORKD),
            "[Match]\n\
             Name=en* eth* host0\n\
             \n\
             [Network]\n\
             Address=192.168.1.32/24\n\
             Gateway=192.168.1.1\n\
             DNS=192.168.1.2\n\
             DNS=fd00::53\n\
             Domains=lan\n"
        );
    }

    #[test]
    fn a_network_of_nothing_but_an_address_is_valid_everywhere() {
        let mut cluster = cluster();
        cluster.network = crate::cluster::Network::default();
        assert_eq!(file(&cluster, CABLE), cable("", "", "", ""));
        assert_eq!(
            file(&cluster, DHCPCD),
            "interface eth0\nstatic ip_address=192.168.1.32/24\n"
        );
        assert_eq!(
            file(&cluster, NETWORKD),
            "[Match]\nName=en* eth* host0\n\n[Network]\nAddress=192.168.1.32/24\n"
        );
    }

    #[test]
    fn a_board_without_a_socket_gets_its_address_on_the_radio() {
        let mut cluster = cluster();
        cluster.nodes[1].model = Model::Zero2;
        let interfaces = |cluster: &Cluster| -> Vec<String> {
            let text = file(cluster, DHCPCD);
            let lines = text.lines().filter(|line| line.starts_with("interface "));
            lines.map(str::to_owned).collect()
        };
        assert_eq!(interfaces(&cluster), ["interface wlan0"]);
        cluster.network.wifi = None::<Wifi>;
        assert_eq!(interfaces(&cluster), ["interface wlan0"]);
    }

    #[test]
    fn dhcp_leaves_the_network_to_the_image() {
        let cluster = cluster();
        assert_eq!(address_files(&cluster, &cluster.nodes[2]), []);
    }
}
