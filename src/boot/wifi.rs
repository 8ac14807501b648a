//! The wireless network, in the form of the program that will use it. Both forms hold the passphrase.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::boot::mechanism::Release;
use crate::cluster::{Address, Cluster, Node, Wifi};
use crate::error::{Category, Error, Result};

/// File name below `mkimage/secrets/` and contents, for the release's network program; `None` without Wi-Fi.
///
/// # Errors
/// Refuses a passphrase that the program cannot be given.
pub(super) fn secret(
    cluster: &Cluster,
    node: &Node,
    release: Option<Release>,
    cluster_id: &str,
) -> Result<Option<(&'static str, String)>> {
    let Some(wifi) = &cluster.network.wifi else {
        return Ok(None);
    };
    Ok(Some(match release {
        Some(release) if !release.has_network_manager() => ("wpa_supplicant.conf", wpa_supplicant(wifi)?),
        _ => (
            "wifi.nmconnection",
            network_manager(wifi, cluster, node, cluster_id),
        ),
    }))
}

/// A `NetworkManager` connection: nm-settings-keyfile(5).
fn network_manager(wifi: &Wifi, cluster: &Cluster, node: &Node, cluster_id: &str) -> String {
    let mut file = String::new();
    let mut line = |text: &str| {
        file.push_str(text);
        file.push('\n');
    };
    line("[connection]");
    line("id=mkimage-wifi");
    line(&format!("uuid={}", uuid(cluster_id, &wifi.ssid)));
    line("type=wifi");
    line("");
    line("[wifi]");
    line("mode=infrastructure");
    line(&format!("ssid={}", decimal_bytes(wifi.ssid.as_bytes())));
    if let Some(psk) = &wifi.psk {
        line("");
        line("[wifi-security]");
        line("key-mgmt=wpa-psk");
        line(&format!("psk={}", keyfile_string(psk)));
    }
    line("");
    let servers = |v4: bool| {
        let wanted = cluster.network.dns.iter().filter(|server| server.is_ipv4() == v4);
        wanted.map(ToString::to_string).collect::<Vec<_>>().join(";")
    };
    let search = cluster.network.domain.as_deref().unwrap_or_default();
    line("[ipv4]");
    match node.address {
        Address::Dhcp => line("method=auto"),
        Address::Fixed(cidr) => {
            line("method=manual");
            let gateway = cluster.network.gateway.map(|gateway| format!(",{gateway}"));
            line(&format!("address1={cidr}{}", gateway.unwrap_or_default()));
            // The cable's interface may hold the same address; it has the better metric.
            line("dad-timeout=0");
            line(&format!("dns={}", servers(true)));
            line(&format!("dns-search={search}"));
        }
    }
    line("");
    line("[ipv6]");
    line("method=auto");
    if matches!(node.address, Address::Fixed(_)) {
        line(&format!("dns={}", servers(false)));
    }
    file
}

/// `wpa_supplicant.conf` as Raspberry Pi OS up to bullseye has it; dhcpcd starts the program.
fn wpa_supplicant(wifi: &Wifi) -> Result<String> {
    // An unquoted ssid is hexadecimal; a quoted psk ends at the line's last quote and knows no escapes, but what
    // follows a # behind an inner quote is cut off as a comment.
    let ssid = hex(wifi.ssid.as_bytes());
    let key = match &wifi.psk {
        Some(psk) if is_raw_key(psk) => format!("psk={}", psk.as_str()),
        Some(psk) if psk.contains('"') && psk.contains('#') => {
            return Err(Error::new(
                Category::ClusterFile,
                "[network] wifi.psk has both \" and #, which wpa_supplicant of buster and bullseye cannot read",
            )
            .with_remedy("use a bookworm or trixie image, or write the key as 64 hexadecimal digits"));
        }
        Some(psk) => format!("psk=\"{}\"", psk.as_str()),
        None => "key_mgmt=NONE".to_owned(),
    };
    Ok(format!(
        "ctrl_interface=DIR=/var/run/wpa_supplicant GROUP=netdev\n\
         update_config=1\n\
         country={}\n\
         \n\
         network={{\n\tssid={ssid}\n\t{key}\n}}\n",
        wifi.country
    ))
}

/// 64 hexadecimal digits are the key itself, not a passphrase (which has at most 63 characters).
fn is_raw_key(psk: &str) -> bool {
    psk.len() == 64 && psk.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The list form that the keyfile reader never takes for anything else, whatever bytes a network name has.
fn decimal_bytes(bytes: &[u8]) -> String {
    let mut list = String::new();
    for byte in bytes {
        write!(list, "{byte};").ok();
    }
    list
}

/// Escapes of a string value in `GLib`'s key files: backslashes, and blanks that would be trimmed.
fn keyfile_string(text: &str) -> String {
    text.replace('\\', r"\\").replace(' ', r"\s")
}

/// The same network of the same cluster is always the same connection (RFC 9562 version 8: our own digest).
fn uuid(cluster_id: &str, ssid: &str) -> String {
    let digest = Sha256::new()
        .chain_update(cluster_id)
        .chain_update([0])
        .chain_update(ssid)
        .finalize();
    let mut number = digest
        .iter()
        .take(16)
        .fold(0_u128, |number, byte| (number << 8) | u128::from(*byte));
    number = (number & !(0xF << 76)) | (0x8 << 76);
    number = (number & !(0x3 << 62)) | (0x2 << 62);
    let digits = format!("{number:032x}");
    let mut parts = Vec::new();
    let mut rest = digits.as_str();
    for length in [8, 4, 4, 4, 12] {
        let (part, tail) = rest.split_at_checked(length).unwrap_or((rest, ""));
        parts.push(part);
        rest = tail;
    }
    parts.join("-")
}

/// Lower-case hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    let mut digits = String::new();
    for byte in bytes {
        write!(digits, "{byte:02x}").ok();
    }
    digits
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::boot::testing::cluster;

    const CLUSTER_ID: &str = "00112233445566778899aabbccddeeff";

    fn file(cluster: &Cluster, node: usize, release: Release) -> String {
        let node = &cluster.nodes[node];
        secret(cluster, node, Some(release), CLUSTER_ID)
            .unwrap()
            .unwrap()
            .1
    }

    #[test]
    fn no_character_of_name_or_passphrase_is_lost_on_networkmanager() {
        // Seen with `nmcli --offline`: the name is read back as given, and so is the passphrase.
        assert_eq!(
            file(&cluster(), 1, Release::Bookworm),
            "[connection]\n\
             id=mkimage-wifi\n\
             uuid=d2772e9b-30f7-8dc1-b966-9368a8404824\n\
             type=wifi\n\
             \n\
             [wifi]\n\
             mode=infrastructure\n\
             ssid=67;97;102;195;169;59;32;53;32;71;72;122;\n\
             \n\
             [wifi-security]\n\
             key-mgmt=wpa-psk\n\
             psk=\\sSECRET\\\\psk\";\\s1\n\
             \n\
             [ipv4]\n\
             method=manual\n\
             address1=192.168.1.32/24,192.168.1.1\n\
             dad-timeout=0\n\
             dns=192.168.1.2\n\
             dns-search=lan\n\
             \n\
             [ipv6]\n\
             method=auto\n\
             dns=fd00::53\n"
        );
        assert!(file(&cluster(), 2, Release::Trixie).contains("[ipv4]\nmethod=auto\n"));
    }

    #[test]
    fn no_character_of_name_or_passphrase_is_lost_on_wpa_supplicant() {
        // Seen with wpa_supplicant 2.10.
        let mut cluster = cluster();
        let set = |cluster: &mut Cluster, psk: &str| {
            if let Some(wifi) = &mut cluster.network.wifi {
                wifi.psk = Some(Zeroizing::new(psk.to_owned()));
            }
        };
        set(&mut cluster, " SECRET\\psk\";1");
        let text = file(&cluster, 1, Release::Bullseye);
        assert!(text.contains("\ncountry=DE\n"));
        assert!(text.contains("\tssid=436166c3a93b20352047487a\n"));
        assert!(text.contains("\tpsk=\" SECRET\\psk\";1\"\n"));
        set(&mut cluster, "a passphrase\" # cut");
        let node = &cluster.nodes[1];
        let refused = secret(&cluster, node, Some(Release::Bullseye), CLUSTER_ID).unwrap_err();
        assert_eq!(refused.category(), Category::ClusterFile);
        assert!(!refused.to_string().contains("a passphrase"), "{refused}");
    }

    #[test]
    fn a_raw_key_is_no_passphrase_and_an_open_network_has_neither() {
        let mut cluster = cluster();
        let key = "0123456789abcdef".repeat(4);
        if let Some(wifi) = &mut cluster.network.wifi {
            wifi.psk = Some(Zeroizing::new(key.clone()));
        }
        assert!(file(&cluster, 1, Release::Buster).contains(&format!("\tpsk={key}\n")));
        assert!(file(&cluster, 1, Release::Trixie).contains(&format!("\npsk={key}\n")));
        if let Some(wifi) = &mut cluster.network.wifi {
            wifi.psk = None;
        }
        assert!(file(&cluster, 1, Release::Buster).contains("\tkey_mgmt=NONE\n"));
        assert!(!file(&cluster, 1, Release::Trixie).contains("wifi-security"));
    }
}
