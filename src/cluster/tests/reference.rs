//! Compares `docs/cluster-file.md` with the code.

use std::fmt::Debug;

use serde::de::DeserializeOwned;

use super::super::{
    SAMPLE, apt, backup, docker, file, general, gluster, network, node, swarm, updates, user,
};

const REFERENCE: &str = include_str!("../../../docs/cluster-file.md");

/// Returns the keys of a table, from serde's message about an unknown key.
fn keys_of<T: DeserializeOwned + Debug>() -> Vec<String> {
    let message = toml::from_str::<T>("\"no such key\" = 1")
        .unwrap_err()
        .message()
        .to_owned();
    let (_, known) = message.split_once("expected ").unwrap();
    known.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Returns each table's name as in a cluster file, and its keys.
pub(in crate::cluster) fn tables() -> Vec<(&'static str, Vec<String>)> {
    vec![
        ("cluster", keys_of::<general::GeneralTable>()),
        ("user", keys_of::<user::UserTable>()),
        ("network", keys_of::<network::NetworkTable>()),
        ("network.wifi", keys_of::<network::WifiTable>()),
        ("docker", keys_of::<docker::DockerTable>()),
        ("swarm", keys_of::<swarm::SwarmTable>()),
        ("gluster", keys_of::<gluster::GlusterTable>()),
        ("apt", keys_of::<apt::AptTable>()),
        ("updates", keys_of::<updates::UpdatesTable>()),
        ("backup", keys_of::<backup::BackupTable>()),
        ("node", keys_of::<node::NodeTable>()),
        ("node.brick", keys_of::<node::BrickTable>()),
    ]
}

/// Returns the section of the reference for a table.
fn section(table: &str) -> &'static str {
    let table = table.split('.').next().unwrap();
    let heading = if table == "node" {
        "\n## `[[node]]`\n".to_owned()
    } else {
        format!("\n## `[{table}]`\n")
    };
    let (_, rest) = REFERENCE
        .split_once(&heading)
        .unwrap_or_else(|| panic!("the reference has no section for {table}"));
    rest.split_once("\n## ").map_or(rest, |(section, _)| section)
}

#[test]
fn every_key_is_explained_in_the_reference() {
    for (table, keys) in tables() {
        assert!(!keys.is_empty());
        for key in keys {
            assert!(
                section(table).contains(&format!("`{key}`")),
                "the reference does not explain {key} of {table}"
            );
        }
    }
    for table in keys_of::<file::FileTable>() {
        assert!(
            tables().iter().any(|(known, _)| *known == table),
            "the keys of {table} are not compared"
        );
    }
}

#[test]
fn every_default_is_the_one_in_the_reference() {
    let sample: toml::Table = SAMPLE.parse().unwrap();
    for (table, _) in tables() {
        // Nodes and their sticks have no defaults in the sample: it describes four of them.
        let Some(toml::Value::Table(defaults)) = sample.get(table) else {
            continue;
        };
        for (key, default) in defaults {
            let default = default.as_str().unwrap_or_else(|| panic!("{key} is not a text"));
            assert!(
                section(table).contains(&format!("`{default}`"))
                    || section(table).contains(&format!("`\"{default}\"`")),
                "the reference does not give the default {default} of {key}"
            );
        }
    }
    for pool in swarm::DEFAULT_POOLS {
        assert!(section("swarm").contains(&format!("`{pool}`")));
    }
    assert!(section("user").contains(&format!("`~/{}/*.pub`", user::KEY_FOLDER)));
}
