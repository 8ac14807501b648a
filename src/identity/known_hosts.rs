//! Files with the nodes' public keys, for ssh and for the nodes themselves.

use std::fmt::Write;

use crate::cluster::{Address, Node};

/// Returns a `known_hosts` file (sshd(8)) with one line per node: `name,name.local[,address] ssh-ed25519 AAAA...`. The
/// keys are those of [`super::KeyPair::public`].
pub fn known_hosts<'a>(host_keys: impl IntoIterator<Item = (&'a Node, &'a str)>) -> String {
    let mut text = String::new();
    for (node, key) in host_keys {
        let name = &node.name;
        let address = match node.address {
            Address::Dhcp => String::new(),
            Address::Fixed(cidr) => format!(",{}", cidr.address()),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name},{}{address} {key}", name.mdns());
    }
    text
}

/// Returns the file `mkimage/enrolment_keys` with one line per node: `name ssh-ed25519 AAAA...`.
pub fn enrolment_keys<'a>(keys: impl IntoIterator<Item = (&'a Node, &'a str)>) -> String {
    let mut text = String::new();
    for (node, key) in keys {
        let _ = writeln!(text, "{} {key}", node.name);
    }
    text
}
