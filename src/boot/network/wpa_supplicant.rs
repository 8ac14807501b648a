//! `wpa_supplicant`, which dhcpcd starts on Raspberry Pi OS up to bullseye: `wpa_supplicant.conf(5)`.

use crate::cluster::Wifi;
use crate::error::{Category, Error, Result};

/// Returns `wpa_supplicant.conf`. It holds the passphrase.
pub(super) fn config(wifi: &Wifi) -> Result<String> {
    // An ssid without quotes is hexadecimal.
    let ssid = base16ct::lower::encode_string(wifi.ssid.as_bytes());
    let key = match &wifi.psk {
        Some(psk) if is_raw_key(psk) => format!("psk={}", psk.as_str()),
        // A quoted psk ends at the line's last quote and knows no escapes, but a # after an inner quote begins a comment.
        Some(psk) if psk.contains('"') && psk.contains('#') => {
            let what = "[network] wifi.psk has both \" and #, which wpa_supplicant of buster and bullseye cannot read";
            return Err(Error::new(Category::ClusterFile, what)
                .with_remedy("use a bookworm or trixie image, or write the key as 64 hexadecimal digits"));
        }
        Some(psk) => format!("psk=\"{}\"", psk.as_str()),
        None => "key_mgmt=NONE".to_owned(),
    };
    // A network that does not announce its name answers only a scan with it.
    let scan = if wifi.hidden { "\tscan_ssid=1\n" } else { "" };
    Ok(format!(
        "ctrl_interface=DIR=/var/run/wpa_supplicant GROUP=netdev\n\
         update_config=1\n\
         country={}\n\
         \n\
         network={{\n\tssid={ssid}\n{scan}\t{key}\n}}\n",
        wifi.country
    ))
}

/// Returns true for the key itself; a passphrase has at most 63 characters.
fn is_raw_key(psk: &str) -> bool {
    psk.len() == 64 && psk.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    fn wifi(psk: Option<&str>) -> Wifi {
        Wifi {
            ssid: "Caf\u{e9}; 5 GHz".to_owned(),
            psk: psk.map(|psk| Zeroizing::new(psk.to_owned())),
            country: "DE".to_owned(),
            hidden: false,
        }
    }

    fn with_psk(psk: Option<&str>) -> Result<String> {
        config(&wifi(psk))
    }

    #[test]
    fn a_network_that_does_not_announce_its_name_is_asked_for_by_name() {
        let mut wifi = wifi(Some("a passphrase"));
        assert!(!config(&wifi).unwrap().contains("scan_ssid"));
        wifi.hidden = true;
        let text = config(&wifi).unwrap();
        let network =
            "network={\n\tssid=436166c3a93b20352047487a\n\tscan_ssid=1\n\tpsk=\"a passphrase\"\n}\n";
        assert!(text.ends_with(network), "{text}");
    }

    #[test]
    fn no_character_of_name_or_passphrase_is_lost() {
        // Seen with wpa_supplicant 2.10.
        let text = with_psk(Some(" SECRET\\psk\";1")).unwrap();
        assert!(text.contains("\ncountry=DE\n"));
        assert!(text.contains("\tssid=436166c3a93b20352047487a\n"));
        assert!(text.contains("\tpsk=\" SECRET\\psk\";1\"\n"));
    }

    #[test]
    fn a_passphrase_that_would_be_cut_is_refused_and_not_shown() {
        let refused = with_psk(Some("a passphrase\" # cut")).unwrap_err();
        assert_eq!(refused.category(), Category::ClusterFile);
        assert!(!refused.to_string().contains("a passphrase"), "{refused}");
    }

    #[test]
    fn a_raw_key_stands_without_quotes_and_an_open_network_has_no_key() {
        let key = "0123456789abcdef".repeat(4);
        assert!(with_psk(Some(&key)).unwrap().contains(&format!("\tpsk={key}\n")));
        assert!(with_psk(None).unwrap().contains("\tkey_mgmt=NONE\n"));
    }
}
