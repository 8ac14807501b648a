//! `mkimage/nodes`: the scripts' knowledge of all nodes.

use std::fmt::Write as _;

use crate::cluster::{Address, Cluster};

/// Path on the boot partition.
pub(super) const PATH: &str = "mkimage/nodes";

/// Returns one line per node: name, role, peer name, fixed address or `-`, and whether it has a brick.
pub(super) fn nodes(cluster: &Cluster) -> String {
    let mut lines = String::new();
    for node in &cluster.nodes {
        let address = match node.address {
            Address::Dhcp => "-".to_owned(),
            Address::Fixed(cidr) => cidr.addr().to_string(),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            lines,
            "{} {} {} {address} {}",
            node.name,
            node.role.as_str(),
            node.peer_name(),
            if node.brick.is_some() { "yes" } else { "no" }
        );
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::testing::cluster;

    #[test]
    fn every_node_knows_every_node() {
        assert_eq!(
            nodes(&cluster()),
            "pi4-1 manager pi4-1 192.168.1.31 yes\n\
             pi4-2 worker pi4-2 192.168.1.32 yes\n\
             pi5-1 worker pi5-1.local - yes\n"
        );
    }
}
