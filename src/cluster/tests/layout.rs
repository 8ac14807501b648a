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
            message.contains("split brain") || message.contains("2 nodes have a brick"),
            "{text}\n{message}"
        );
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
        assert_eq!((gluster.replica, gluster.arbiter.unwrap().as_str()), (3, "n2"));
    }
}

#[test]
fn an_arbiter_is_one_of_exactly_three_bricks() {
    for (text, part) in [
        (nodes(&[true; 3], "arbiter = \"x\""), "is not a node in this file"),
        (
            nodes(&[true, true, true, false], "arbiter = \"n3\""),
            "has brick = false",
        ),
        (nodes(&[true; 4], "arbiter = \"n3\""), "exactly three nodes"),
    ] {
        let text = error_of(&text);
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn a_replica_that_is_not_the_number_of_bricks_is_refused() {
    let text = error_of(&nodes(&[true; 4], "replica = 3"));
    assert!(text.contains("replica is 3, but 4 nodes have a brick"), "{text}");
    assert!(text.contains("set brick = false on 1 of them"), "{text}");
    let text = error_of(&nodes(&[true; 3], "replica = 4"));
    assert!(text.contains("replica is 4, but 3 nodes have a brick"), "{text}");
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
