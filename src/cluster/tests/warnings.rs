//! Settings that work but cause a warning.

use super::super::load;
use super::{Workspace, loaded, three_nodes};

fn warnings(text: &str) -> String {
    let lines: Vec<String> = loaded(text).warnings.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

#[test]
fn a_manager_on_dhcp_causes_a_warning() {
    let dhcp = warnings(&three_nodes(""));
    assert!(
        dhcp.contains("a is a manager and gets its address by DHCP"),
        "{dhcp}"
    );
    let fixed = warnings(
        &three_nodes("[network]\ngateway = \"192.168.1.1\"")
            .replace("name = \"a\"", "name = \"a\"\naddress = \"192.168.1.2/24\""),
    );
    assert!(!fixed.contains("DHCP"), "{fixed}");
    let lab = load(None, &Workspace::new().environment()).unwrap();
    assert!(
        lab.warnings
            .iter()
            .any(|warning| warning.message.contains("pi4-1 is a manager"))
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
