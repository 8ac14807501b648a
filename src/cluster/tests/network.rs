//! `[network]`: what nodes with fixed addresses are told.

use std::net::IpAddr;

use super::{error_of, loaded, three_nodes};

fn name_servers(network: &str) -> Vec<String> {
    let cluster = loaded(&three_nodes(&format!("[network]\n{network}"))).cluster;
    cluster.network.dns.iter().map(IpAddr::to_string).collect()
}

#[test]
fn the_gateway_is_the_name_server_unless_the_file_names_others_or_none() {
    let gateway = "gateway = \"192.168.1.1\"\n";
    assert_eq!(name_servers(gateway), ["192.168.1.1"]);
    assert_eq!(
        name_servers(&format!("{gateway}dns = [\"9.9.9.9\", \"fd00::53\"]")),
        ["9.9.9.9", "fd00::53"]
    );
    assert!(name_servers(&format!("{gateway}dns = []")).is_empty());
    assert!(name_servers("").is_empty());
}

#[test]
fn a_network_is_taken_for_hidden_only_if_the_file_says_so() {
    let file = |hidden: &str| {
        let wifi = format!("wifi = {{ ssid = \"x\", psk = \"12345678\", country = \"DE\"{hidden} }}");
        three_nodes(&format!("[network]\n{wifi}"))
    };
    for (hidden, expected) in [
        ("", false),
        (", hidden = false", false),
        (", hidden = true", true),
    ] {
        assert_eq!(
            loaded(&file(hidden)).cluster.network.wifi.unwrap().hidden,
            expected
        );
    }
    let text = error_of(&file(", hidden = \"yes\""));
    assert!(text.contains("write true or false"), "{text}");
}
