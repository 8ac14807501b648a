//! The cluster file as written: every table and key, checked for its type only.
//!
//! Everything is optional here so that all problems are found in one go; `validate` reports missing keys.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor, value::MapAccessDeserializer};
use toml::Spanned;

use super::apt::AptTable;
use super::docker::DockerTable;

/// An optional string with its position.
pub(super) type Text = Option<Spanned<String>>;

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FileTable {
    pub(super) cluster: ClusterTable,
    pub(super) user: UserTable,
    pub(super) network: NetworkTable,
    pub(super) docker: DockerTable,
    pub(super) swarm: SwarmTable,
    pub(super) gluster: Option<GlusterTable>,
    pub(super) apt: AptTable,
    pub(super) node: Vec<Spanned<NodeTable>>,
}

/// `[cluster]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ClusterTable {
    pub(super) name: Text,
    pub(super) base: Text,
    pub(super) timezone: Text,
    pub(super) locale: Text,
    pub(super) keyboard: Text,
}

/// `[user]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct UserTable {
    pub(super) name: Text,
    pub(super) ssh_authorized_keys: Option<Vec<Spanned<String>>>,
    pub(super) password_hash: Text,
}

/// `[network]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct NetworkTable {
    pub(super) gateway: Text,
    pub(super) dns: Option<Vec<Spanned<String>>>,
    pub(super) domain: Text,
    pub(super) wifi: Option<Spanned<WifiTable>>,
}

/// `[network] wifi`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WifiTable {
    pub(super) ssid: Text,
    pub(super) psk: Text,
    pub(super) country: Text,
}

/// `[swarm]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SwarmTable {
    pub(super) default_addr_pool: Text,
}

/// `[gluster]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct GlusterTable {
    pub(super) volume: Text,
    pub(super) mount: Text,
    pub(super) replica: Option<Spanned<ReplicaEntry>>,
    pub(super) arbiter: Text,
}

/// `[[node]]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct NodeTable {
    pub(super) name: Text,
    pub(super) model: Text,
    pub(super) role: Text,
    pub(super) address: Text,
    pub(super) brick: Option<Spanned<BrickEntry>>,
}

/// `brick = { ... }`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct BrickTable {
    pub(super) device: Text,
    pub(super) wipe: Text,
}

/// `brick = false`, `true` or a table.
#[derive(Debug)]
pub(super) enum BrickEntry {
    Absent,
    Present(BrickTable),
}

/// `replica = "all"` or a number.
#[derive(Debug)]
pub(super) enum ReplicaEntry {
    Word(String),
    Number(i64),
}

// Untagged enums would lose the positions of the values inside.
impl<'de> Deserialize<'de> for BrickEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = BrickEntry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("false or a table such as { device = \"auto\", wipe = \"if-empty\" }")
            }

            fn visit_bool<E: de::Error>(self, present: bool) -> Result<BrickEntry, E> {
                Ok(if present {
                    BrickEntry::Present(BrickTable::default())
                } else {
                    BrickEntry::Absent
                })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<BrickEntry, A::Error> {
                BrickTable::deserialize(MapAccessDeserializer::new(map)).map(BrickEntry::Present)
            }
        }

        deserializer.deserialize_any(Either)
    }
}

impl<'de> Deserialize<'de> for ReplicaEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl Visitor<'_> for Either {
            type Value = ReplicaEntry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"all\" or a number")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<ReplicaEntry, E> {
                Ok(ReplicaEntry::Word(word.to_owned()))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<ReplicaEntry, E> {
                Ok(ReplicaEntry::Number(number))
            }
        }

        deserializer.deserialize_any(Either)
    }
}
