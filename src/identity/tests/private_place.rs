//! A node's place in the private network.

use std::fs;

use super::{home_lab, workspace};
use crate::cluster::{Cluster, NodeName};
use crate::error::Category;
use crate::identity::Secrets;

#[test]
fn a_nodes_place_in_the_private_network_stays_its_own() {
    let (_folder, path) = workspace();
    let lines = |secrets: &Secrets, cluster: &Cluster| -> Vec<String> {
        let nodes = secrets.nodes(cluster);
        nodes.lines().map(str::to_owned).collect()
    };
    let lab = home_lab();
    let secrets = Secrets::open_or_create(&path, &lab).unwrap();
    let before = lines(&secrets, &lab);
    let network = secrets.private_network;
    let first_three = network.addr().to_string();
    let first_three = first_three.trim_end_matches('0');
    let key = &secrets.node(&lab.nodes[0].name).unwrap().wireguard_key.public;
    assert_eq!(
        before[0],
        format!("pi4-1 manager pi4-1.local yes {first_three}1 {key}")
    );
    assert!(before[3].contains(&format!(" {first_three}4 ")), "{before:?}");

    // The first node goes, the others come in another order, and one is new.
    let mut changed = lab.clone();
    changed.nodes.remove(0);
    changed.nodes.reverse();
    let mut new = lab.nodes[0].clone();
    new.name = NodeName::parse("pi5-1").unwrap();
    changed.nodes.insert(0, new);
    let after = lines(&Secrets::open_or_create(&path, &changed).unwrap(), &changed);
    assert!(after[0].contains(&format!(" {first_three}5 ")), "{after:?}");
    for line in &after[1..] {
        assert!(before.contains(line), "{line}");
    }
    let read = Secrets::open_read_only(&path, &changed).unwrap().unwrap();
    assert_eq!(lines(&read, &changed), after);
}

#[test]
fn the_private_network_stays_that_of_the_first_images() {
    let (_folder, path) = workspace();
    let lab = home_lab();
    let first = Secrets::open_or_create(&path, &lab).unwrap().private_network;
    let mut moved = lab.clone();
    moved.network.private = Some("10.77.0.0/24".parse().unwrap());
    for opened in [
        Secrets::open_or_create(&path, &moved).err(),
        Secrets::open_read_only(&path, &moved).err(),
    ] {
        let error = opened.unwrap();
        assert_eq!(error.category(), Category::Refused);
        assert!(error.to_string().contains(&first.to_string()), "{error}");
    }
    fs::write(path.join("private-network"), "10.77.0.0/24\r\n").unwrap();
    for cluster in [&moved, &lab] {
        let opened = Secrets::open_or_create(&path, cluster).unwrap();
        assert_eq!(Some(opened.private_network), moved.network.private);
    }
    // The cluster file takes it for containers now.
    fs::write(path.join("private-network"), "10.10.5.0/24").unwrap();
    let error = Secrets::open_or_create(&path, &lab).unwrap_err();
    assert!(
        error
            .remedy()
            .unwrap()
            .contains("delete cluster.secrets/private-network"),
        "{error}"
    );
    fs::write(path.join("private-network"), "10.77").unwrap();
    let error = Secrets::open_or_create(&path, &lab).unwrap_err();
    assert!(error.to_string().contains("is damaged"), "{error}");
}

#[test]
fn a_damaged_place_in_the_private_network_is_never_replaced() {
    let (_folder, path) = workspace();
    let lab = home_lab();
    Secrets::open_or_create(&path, &lab).unwrap();
    for (file, bad) in [
        ("wireguard_key", "c2hvcnQ="),
        ("wireguard_key", "?"),
        ("private_number", "0"),
        ("private_number", "255"),
    ] {
        let file = path.join("nodes/pi4-2").join(file);
        let good = fs::read(&file).unwrap();
        fs::write(&file, bad).unwrap();
        for opened in [
            Secrets::open_or_create(&path, &lab).err(),
            Secrets::open_read_only(&path, &lab).err(),
        ] {
            let error = opened.unwrap();
            assert!(error.to_string().contains("is damaged"), "{error}");
        }
        fs::write(&file, good).unwrap();
    }
}

#[test]
fn a_copied_place_in_the_private_network_is_refused() {
    let (_folder, path) = workspace();
    let lab = home_lab();
    Secrets::open_or_create(&path, &lab).unwrap();
    let place = |node: &str| path.join("nodes").join(node).join("private_number");
    fs::copy(place("pi4-1"), place("pi4-2")).unwrap();
    let error = Secrets::open_or_create(&path, &lab).unwrap_err();
    assert!(error.to_string().contains("also the number of"), "{error}");
}

#[test]
fn what_a_desktop_leaves_among_the_nodes_is_ignored() {
    let (_folder, path) = workspace();
    let lab = home_lab();
    Secrets::open_or_create(&path, &lab).unwrap();
    fs::write(path.join("nodes/.DS_Store"), "x").unwrap();
    fs::remove_file(path.join("nodes/pi4-2/private_number")).unwrap();
    let secrets = Secrets::open_or_create(&path, &lab).unwrap();
    assert_eq!(secrets.node(&lab.nodes[1].name).unwrap().private_number, 2);
}
