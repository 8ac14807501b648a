//! A cluster for tests of the files that are made from one.

use zeroize::Zeroizing;

use super::{
    Address, Apt, Brick, Cluster, Docker, Gluster, Ipv4Cidr, Model, Network, Node, NodeName, Origin, Role,
    User, UserName, Wifi, Wipe,
};

pub(crate) fn node(name: &str, role: Role, model: Model, address: &str) -> Node {
    Node {
        name: NodeName::parse(name).unwrap(),
        model,
        role,
        address: match address {
            "dhcp" => Address::Dhcp,
            cidr => Address::Fixed(Ipv4Cidr::parse(cidr).unwrap()),
        },
        brick: Some(Brick {
            device: None,
            wipe: Wipe::IfEmpty,
        }),
    }
}

/// A cluster with fixed addresses and DHCP, Wi-Fi, a password and bricks.
pub(crate) fn cluster() -> Cluster {
    Cluster {
        origin: Origin::BuiltIn,
        name: "homelab".to_owned(),
        base: None,
        timezone: "Europe/Berlin".to_owned(),
        locale: "de_DE.UTF-8".to_owned(),
        keyboard: "no".to_owned(),
        user: User {
            name: UserName::parse("pi").unwrap(),
            ssh_authorized_keys: Vec::new(),
            key_files: Vec::new(),
            private_key_files: Vec::new(),
            password_hash: Some(Zeroizing::new("$6$saltsaltsalt$SECRETHASH".to_owned())),
        },
        network: Network {
            gateway: Some([192, 168, 1, 1].into()),
            dns: vec![[192, 168, 1, 2].into(), "fd00::53".parse().unwrap()],
            domain: Some("lan".to_owned()),
            wifi: Some(Wifi {
                ssid: "Caf\u{e9}; 5 GHz".to_owned(),
                psk: Some(Zeroizing::new(" SECRET\\psk\"; 1".to_owned())),
                country: "DE".to_owned(),
            }),
        },
        docker: Docker::default(),
        swarm_address_pool: Some(Ipv4Cidr::parse("10.10.0.0/16").unwrap()),
        gluster: Some(Gluster {
            volume: "cluster-data".to_owned(),
            mount: "/mnt/cluster-data".to_owned(),
            replica: 3,
            arbiter: None,
        }),
        apt: Apt::default(),
        nodes: vec![
            node("pi4-1", Role::Manager, Model::Pi4, "192.168.1.31/24"),
            node("pi4-2", Role::Worker, Model::Pi4, "192.168.1.32/24"),
            node("pi5-1", Role::Worker, Model::Pi5, "dhcp"),
        ],
    }
}
