//! The combinations of bricks that make a safe volume.

use super::{error_of, loaded};

/// A file with a `[gluster]` table and these nodes, of which the first is the manager. `true` stands for a node with a
/// brick.
fn nodes(bricks: &[bool], gluster: &str) -> String {
    let mut text = format!("[gluster]\n{gluster}\n");
    for (at, brick) in bricks.iter().enumerate() {
        let role = if at == 0 { "manager" } else { "worker" };
        let brick = if *brick { "true" } else { "false" };
        let name = format!("name = \"n{at}\"\nmodel = \"pi4\"\n");
        text = format!("{text}[[node]]\n{name}role = \"{role}\"\nbrick = {brick}\n");
    }
    text
}

#[test]
fn plain_replica_2_is_refused_because_of_split_brain() {
    for text in [
        nodes(&[true, true], ""),
        nodes(&[true, true], "replica = 2"),
        nodes(&[true, true], "replica = \"all\""),
        nodes(&[true, true, false], ""),
        nodes(&[true, true, true], "replica = 2"),
        nodes(&[true, true], "replica = 2\narbiter = \"n1\""),
    ] {
        let message = error_of(&text);
        assert!(
            message.contains("split brain") || message.contains("two other nodes with a brick"),
            "{text}\n{message}"
        );
    }
}

#[test]
fn the_way_out_of_two_bricks_does_not_lead_back_to_them() {
    for gluster in ["", "replica = 2", "replica = 3", "arbiter = \"n1\""] {
        let message = error_of(&nodes(&[true, true], gluster));
        assert!(message.contains("give a third node a brick"), "{message}");
        assert!(!message.contains("brick = false on one"), "{message}");
    }
}

#[test]
fn two_copies_and_an_arbiter_make_a_volume_of_three_bricks() {
    for gluster in [
        "arbiter = \"n2\"",
        "replica = 2\narbiter = \"n2\"",
        "replica = 3\narbiter = \"n2\"",
    ] {
        let gluster = loaded(&nodes(&[true, true, true, false], gluster))
            .cluster
            .gluster
            .unwrap();
        assert_eq!((gluster.replica, gluster.arbiters[0].as_str()), (3, "n2"));
    }
}

#[test]
fn an_arbiter_has_two_bricks_beside_it() {
    for (text, part) in [
        (nodes(&[true; 3], "arbiter = \"x\""), "is not a node in this file"),
        (nodes(&[true; 3], "arbiter = 7"), "is not a node in this file"),
        (
            nodes(&[true, true, true, false], "arbiter = \"n3\""),
            "has brick = false",
        ),
        (nodes(&[true; 5], "arbiter = [\"n3\", \"n4\"]"), "two other nodes"),
        (nodes(&[true; 3], "arbiter = []"), "two other nodes"),
        (
            nodes(&[true; 4], "arbiter = \"n3\"\nreplica = 4"),
            "two copies and it",
        ),
    ] {
        let text = error_of(&text);
        assert!(text.contains(part), "{text}");
    }
}

/// Returns the sets and spare sticks of a cluster of nodes that all have one.
fn sets(bricks: usize, gluster: &str) -> (Vec<Vec<String>>, Vec<String>) {
    let loaded = loaded(&nodes(&vec![true; bricks], gluster));
    let cluster = loaded.cluster;
    let sets = cluster
        .gluster
        .as_ref()
        .unwrap()
        .sets(cluster.nodes.iter().map(|node| &node.name));
    let names =
        |names: &[&crate::cluster::NodeName]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    let warned = loaded
        .warnings
        .iter()
        .any(|warning| warning.message.contains("spare"));
    assert_eq!(warned, !sets.spare.is_empty());
    (
        sets.complete.iter().map(|set| names(set)).collect(),
        names(&sets.spare),
    )
}

#[test]
fn more_sticks_than_copies_become_sets_in_the_files_order() {
    let set = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(sets(4, ""), (vec![set(&["n0", "n1", "n2", "n3"])], set(&[])));
    assert_eq!(
        sets(8, "replica = 3"),
        (
            vec![set(&["n0", "n1", "n2"]), set(&["n3", "n4", "n5"])],
            set(&["n6", "n7"])
        )
    );
    assert_eq!(
        sets(7, "arbiter = [\"n1\", \"n6\"]"),
        (
            vec![set(&["n0", "n2", "n1"]), set(&["n3", "n4", "n6"])],
            set(&["n5"])
        )
    );
}

#[test]
fn a_replica_that_the_bricks_do_not_make_is_refused() {
    let text = error_of(&nodes(&[true; 3], "replica = 4"));
    assert!(text.contains("replica is 4, but 3 nodes have a brick"), "{text}");
    error_of(&nodes(&[true; 3], "replica = 1"));
    for replica in ["0", "-1", "\"some\"", "9223372036854775807", "true"] {
        error_of(&nodes(&[true; 3], &format!("replica = {replica}")));
    }
    let gluster = loaded(&nodes(&[true, true, true, false], "replica = 3"))
        .cluster
        .gluster;
    assert_eq!(gluster.unwrap().replica, 3);
}

#[test]
fn one_brick_works_with_a_warning() {
    let loaded = loaded(&nodes(&[true, false], ""));
    assert_eq!(loaded.cluster.gluster.unwrap().replica, 1);
    assert!(
        loaded
            .warnings
            .iter()
            .any(|warning| warning.message.contains("lost with that stick"))
    );
}

#[test]
fn without_bricks_a_cluster_has_no_volume() {
    let loaded = loaded(&nodes(&[false, false], ""));
    assert!(loaded.cluster.gluster.is_none());
    assert!(
        loaded
            .warnings
            .iter()
            .any(|warning| warning.message.contains("no volume"))
    );
    error_of(&nodes(&[false, false], "replica = 2"));
}
