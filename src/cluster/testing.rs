//! A cluster for tests of the files that are made from one.

use zeroize::Zeroizing;

use super::{Address, Brick, Cluster, Environment, Model, Node, NodeName, Origin, Role, interpret};

/// A cluster file with fixed addresses and DHCP, Wi-Fi and bricks.
const FILE: &str = r#"
[cluster]
timezone = "Europe/Berlin"
locale = "de_DE.UTF-8"
keyboard = "no"
[network]
gateway = "192.168.1.1"
dns = ["192.168.1.2", "fd00::53"]
domain = "lan"
wifi = { ssid = "Café; 5 GHz", psk = " SECRET\\psk\"; 1", country = "DE" }
[[node]]
name = "pi4-1"
model = "pi4"
role = "manager"
address = "192.168.1.31/24"
[[node]]
name = "pi4-2"
model = "pi4"
address = "192.168.1.32/24"
[[node]]
name = "pi5-1"
model = "pi5"
"#;

pub(crate) fn node(name: &str, role: Role, model: Model, address: &str) -> Node {
    Node {
        name: NodeName::parse(name).unwrap(),
        model,
        role,
        address: match address {
            "dhcp" => Address::Dhcp,
            cidr => Address::Fixed(cidr.parse().unwrap()),
        },
        brick: Some(Brick::default()),
    }
}

/// The cluster of [`FILE`], with a password.
pub(crate) fn cluster() -> Cluster {
    let environment = Environment {
        folder: "/nonexistent".into(),
        home: None,
    };
    let label = "cluster.toml".to_owned();
    let loaded = interpret(FILE.as_bytes(), label, Origin::BuiltIn, &environment, &|_| Ok(())).unwrap();
    let mut cluster = loaded.cluster;
    cluster.user.password_hash = Some(Zeroizing::new("$6$saltsaltsalt$SECRETHASH".to_owned()));
    cluster
}
