//! Compares `docs/cluster-file.md` with the code.

use std::fmt::Debug;

use serde::de::DeserializeOwned;

use super::super::{defaults, file};

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

/// Returns the section of the reference below a heading.
fn section(heading: &str) -> &'static str {
    let start = REFERENCE
        .find(&format!("\n## {heading}\n"))
        .unwrap_or_else(|| panic!("no heading {heading}"));
    let rest = &REFERENCE[start + 4..];
    rest.split_once("\n## ").map_or(rest, |(section, _)| section)
}

#[test]
fn every_key_is_explained_in_the_reference() {
    let tables = [
        ("`[cluster]`", keys_of::<file::ClusterTable>()),
        ("`[user]`", keys_of::<file::UserTable>()),
        ("`[network]`", keys_of::<file::NetworkTable>()),
        ("`[network]`", keys_of::<file::WifiTable>()),
        ("`[docker]`", keys_of::<file::DockerTable>()),
        ("`[swarm]`", keys_of::<file::SwarmTable>()),
        ("`[gluster]`", keys_of::<file::GlusterTable>()),
        ("`[apt]`", keys_of::<file::AptTable>()),
        ("`[[node]]`", keys_of::<file::NodeTable>()),
        ("`[[node]]`", keys_of::<file::BrickTable>()),
    ];
    for (heading, keys) in &tables {
        assert!(!keys.is_empty());
        for key in keys {
            assert!(
                section(heading).contains(&format!("`{key}`")),
                "{heading} does not explain {key}"
            );
        }
    }
    for table in keys_of::<file::FileTable>() {
        assert!(
            tables
                .iter()
                .any(|(heading, _)| heading.trim_matches(['`', '[', ']']) == table),
            "{table} has no section"
        );
    }
}

#[test]
fn every_default_is_the_one_in_the_reference() {
    for (heading, defaults) in [
        (
            "`[cluster]`",
            vec![
                defaults::CLUSTER_NAME,
                defaults::TIMEZONE,
                defaults::LOCALE,
                defaults::KEYBOARD,
            ],
        ),
        ("`[user]`", vec![defaults::USER, "~/.ssh/*.pub"]),
        ("`[swarm]`", defaults::SWARM_POOLS.to_vec()),
        ("`[gluster]`", vec![defaults::VOLUME, defaults::MOUNT]),
    ] {
        for default in defaults {
            assert!(
                section(heading).contains(&format!("`{default}`")),
                "{heading} does not give the default {default}"
            );
        }
    }
}
