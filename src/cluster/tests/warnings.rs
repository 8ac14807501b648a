//! What works, and is said to be unwise.

use super::super::load;
use super::{Desk, good, three_nodes};

fn warnings(text: &str) -> String {
    let lines: Vec<String> = good(text).warnings.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

#[test]
fn a_manager_whose_address_may_change_is_warned_about() {
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
    let lab = load(None, &Desk::new().surroundings()).unwrap();
    assert!(
        lab.warnings
            .iter()
            .any(|warning| warning.message.contains("pi4-1 is a manager"))
    );
}

#[test]
fn the_number_of_managers_is_warned_about() {
    assert!(warnings(&three_nodes("")).contains("a is the only manager"));
    let two = three_nodes("").replace("name = \"b\"", "name = \"b\"\nrole = \"manager\"");
    assert!(warnings(&two).contains("2 managers bear the loss of no more than 1"));
    let three = two.replace("name = \"c\"", "name = \"c\"\nrole = \"manager\"");
    assert!(!warnings(&three).contains("odd number") && !warnings(&three).contains("only manager"));
}

#[test]
fn fixed_addresses_without_a_gateway_are_warned_about() {
    let text = three_nodes("").replace("name = \"a\"", "name = \"a\"\naddress = \"192.168.1.2/24\"");
    let text = warnings(&text);
    assert!(
        text.contains("line 4: ") && text.contains("has no gateway"),
        "{text}"
    );
}

#[test]
fn a_name_that_mdns_would_give_to_another_is_warned_about() {
    let text = three_nodes("")
        .replace("name = \"a\"", "name = \"pi\"")
        .replace("name = \"b\"", "name = \"pi-2\"");
    assert!(warnings(&text).contains("pi-2.local, which is another node"));
}

#[test]
fn an_open_network_and_a_card_as_stick_are_warned_about() {
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
