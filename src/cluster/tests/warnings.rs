//! Settings that work but cause a warning.

use super::super::load;
use super::{Workspace, error_of, loaded, three_nodes};

fn warnings(text: &str) -> String {
    let lines: Vec<String> = loaded(text).warnings.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

#[test]
fn a_manager_may_get_its_address_from_the_router() {
    let lab = load(None, &Workspace::new().environment()).unwrap();
    let messages = || lab.warnings.iter().map(|warning| &warning.message);
    assert!(
        !messages().any(|message| message.contains("DHCP")),
        "{:?}",
        lab.warnings
    );
}

#[test]
fn a_private_network_that_overlaps_another_is_refused() {
    let why = |network: &str| error_of(&three_nodes(network));
    assert!(why("[network]\nprivate = \"10.10.3.0/24\"").contains("overlaps default_addr_pool 10.10.0.0/16"));
    assert!(
        why("[network]\ngateway = \"10.77.0.1\"\nprivate = \"10.77.0.0/24\"")
            .contains("the nodes' own network 10.77.0.0/24")
    );
    assert!(why("[network]\nprivate = \"10.77.0.0/16\"").contains("prefix length 24"));
    assert_eq!(
        warnings(&three_nodes("[network]\nprivate = \"10.77.0.0/24\"")),
        warnings(&three_nodes(""))
    );
    assert!(
        why("[network]\ndns = [\"10.77.0.1\"]\nprivate = \"10.77.0.0/24\"")
            .contains("overlaps dns 10.77.0.1")
    );
    assert!(
        warnings(&three_nodes("[network]\nprivate = \"192.168.1.0/24\""))
            .contains("many routers use 192.168.1.0/24")
    );
}

#[test]
fn a_risky_number_of_managers_causes_a_warning() {
    assert!(warnings(&three_nodes("")).contains("a is the only manager"));
    let two = three_nodes("").replace("name = \"b\"", "name = \"b\"\nrole = \"manager\"");
    assert!(warnings(&two).contains("2 managers tolerate no more failures than 1"));
    let three = two.replace("name = \"c\"", "name = \"c\"\nrole = \"manager\"");
    assert!(!warnings(&three).contains("odd number") && !warnings(&three).contains("only manager"));
}

#[test]
fn fixed_addresses_without_a_gateway_cause_a_warning() {
    let text = three_nodes("").replace("name = \"a\"", "name = \"a\"\naddress = \"192.168.1.2/24\"");
    let text = warnings(&text);
    assert!(
        text.contains("line 4: ") && text.contains("has no gateway"),
        "{text}"
    );
}

#[test]
fn a_name_that_mdns_could_give_to_another_node_causes_a_warning() {
    let text = three_nodes("")
        .replace("name = \"a\"", "name = \"pi\"")
        .replace("name = \"b\"", "name = \"pi-2\"");
    assert!(warnings(&text).contains("pi-2.local, which is another node"));
}

#[test]
fn an_open_network_and_a_memory_card_as_brick_cause_a_warning() {
    assert!(
        warnings(&three_nodes(
            "[network]\nwifi = { ssid = \"x\", country = \"DE\" }"
        ))
        .contains("must be open")
    );
    let card = three_nodes("").replace(
        "name = \"b\"",
        "name = \"b\"\nbrick = { device = \"/dev/mmcblk0\" }",
    );
    assert!(warnings(&card).contains("memory card"));
}

#[cfg(unix)]
#[test]
fn a_secret_that_other_users_can_read_causes_a_warning() {
    use std::os::unix::fs::PermissionsExt as _;

    let wifi = three_nodes("[network]\nwifi = { ssid = \"x\", psk = \"topsecret\", country = \"DE\" }");
    let hash = three_nodes(&format!("[user]\npassword_hash = \"$5$salt${}\"", "x".repeat(43)));
    for (text, mode, warned) in [
        (&wifi, 0o644, true),
        (&wifi, 0o640, true),
        (&wifi, 0o600, false),
        (&hash, 0o604, true),
        (&three_nodes(""), 0o644, false),
    ] {
        let workspace = Workspace::new();
        workspace.write("cluster.toml", text);
        let path = workspace.path().join("cluster.toml");
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        let warnings = load(None, &workspace.environment()).unwrap().warnings;
        let found = warnings
            .iter()
            .any(|warning| warning.to_string().contains("chmod go= cluster.toml"));
        assert_eq!(found, warned, "{mode:o}");
    }
}
