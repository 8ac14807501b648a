//! The built-in home lab, and the file that `mkimage init` writes.

use super::super::{Address, Origin, Role, SAMPLE, load};
use super::{Workspace, loaded};
use crate::error::Category;

#[test]
fn without_a_cluster_file_the_home_lab_is_used() {
    let workspace = Workspace::new();
    let loaded = load(None, &workspace.environment()).unwrap();
    let nodes: Vec<(&str, &str, Role)> = loaded
        .cluster
        .nodes
        .iter()
        .map(|node| (node.name.as_str(), node.model.as_str(), node.role))
        .collect();
    assert_eq!(
        nodes,
        [
            ("pi4-1", "pi4", Role::Manager),
            ("pi4-2", "pi4", Role::Worker),
            ("pi4-3", "pi4", Role::Worker),
            ("pi3-1", "pi3", Role::Worker),
        ]
    );
    assert_eq!(loaded.cluster.origin, Origin::BuiltIn);
    for node in &loaded.cluster.nodes {
        assert_eq!(node.address, Address::Dhcp);
        assert!(node.brick.as_ref().is_some_and(|brick| brick.device.is_none()));
    }
    let gluster = loaded.cluster.gluster.unwrap();
    assert_eq!(
        (gluster.volume.as_str(), gluster.mount.as_str()),
        ("cluster-data", "/mnt/cluster-data")
    );
    assert_eq!((gluster.replica, gluster.arbiter), (4, None));
}

#[test]
fn assumptions_are_reported() {
    let workspace = Workspace::new();
    workspace.write("home/.ssh/id_ed25519.pub", format!("{}\n", super::keys::ED25519));
    let assumed = load(None, &workspace.environment()).unwrap().assumed.join("\n");
    for part in [
        "built-in home lab",
        "login on every node is pi",
        "anna@laptop",
        "id_ed25519.pub",
        "DHCP",
    ] {
        assert!(assumed.contains(part), "{part}: {assumed}");
    }
    let workspace = Workspace::new();
    let assumed = load(None, &workspace.environment()).unwrap().assumed.join("\n");
    assert!(
        assumed.contains("cluster.secrets/admin_key, which the first build makes"),
        "{assumed}"
    );
}

#[test]
fn values_given_in_the_file_are_not_reported_as_assumed() {
    let text = super::three_nodes(&format!(
        "[user]\nname = \"anna\"\nssh_authorized_keys = [\"{}\"]\n[network]\ngateway = \"192.168.1.1\"",
        super::keys::ED25519
    ))
    .replace("name = \"a\"", "name = \"a\"\naddress = \"192.168.1.2/24\"");
    assert_eq!(loaded(&text).assumed, <[String; 0]>::default());
}

#[test]
fn the_sample_is_the_built_in_home_lab() {
    let built_in = load(None, &Workspace::new().environment()).unwrap().cluster;
    let mut sample = loaded(SAMPLE).cluster;
    assert!(matches!(sample.origin, Origin::File(_)));
    sample.origin = Origin::BuiltIn;
    assert_eq!(format!("{sample:#?}"), format!("{built_in:#?}"));
}

#[test]
fn every_example_in_the_sample_works_when_it_is_uncommented() {
    let workspace = Workspace::new();
    workspace.write("home/.ssh/id.pub", super::keys::ED25519);
    let code: Vec<&str> = SAMPLE
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(code) if !code.starts_with(' ') => code,
            _ => line,
        })
        .collect();
    let loaded = workspace.load(code.join("\n")).unwrap();
    assert!(loaded.cluster.network.wifi.is_some());
    assert!(
        loaded
            .cluster
            .nodes
            .iter()
            .all(|node| node.address != Address::Dhcp)
    );
}

#[test]
fn a_missing_file_named_on_the_command_line_is_an_error() {
    let workspace = Workspace::new();
    let error = load(Some("other.toml".as_ref()), &workspace.environment()).unwrap_err();
    assert_eq!(error.category(), Category::ClusterFile);
    assert!(error.remedy().unwrap().contains("mkimage init"));
    std::fs::create_dir(workspace.path().join("cluster.toml")).unwrap();
    assert!(load(None, &workspace.environment()).is_err());
}
