//! The difference between two descriptions, in words.

use std::collections::BTreeMap;

use crate::error::{Category, Error, Result};

/// The lines of each section of a description, by their first word.
pub(super) type Sections<'a> = BTreeMap<&'a str, BTreeMap<&'a str, &'a str>>;

/// The settings that a node reads when its card is new.
const WITH_NEXT_CARD: [&str; 2] = ["keyboard", "wifi_country"];

/// Begins the name of the section with what a node's programs for the network are told.
const NETWORK: &str = "network ";

/// The end of the sentence about a node whose network has changed.
const NEW_NETWORK: &str = " starts its network anew, and cannot be reached for some seconds";

/// The end of the sentence about a node whose keys have changed.
const NEW_KEYS: &str = " has new keys";

/// The end of the sentence about a node whose line in the list of nodes has changed. A place or a role is a setting, too.
const NEW_PLACE: &str = " has another place, role or key";

const NEW_OWNER: &str = "the owner has a new key";

/// A node that one of two descriptions has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// The names of the nodes that only the new one has.
    pub added: Vec<String>,
    /// The names of the nodes that only the old one has.
    pub removed: Vec<String>,
    /// A sentence for each other change.
    pub others: Vec<String>,
}

impl Changes {
    /// Compares two descriptions. One that is empty has no nodes.
    pub fn between(old: &str, new: &str) -> Self {
        let (old, new) = (sections(old), sections(new));
        let (old_nodes, new_nodes) = (nodes_of(&old), nodes_of(&new));
        let missing = |from: &BTreeMap<&str, &str>, other: &BTreeMap<&str, &str>| {
            let names = from.keys().filter(|name| !other.contains_key(*name));
            names.map(|name| (*name).to_owned()).collect::<Vec<_>>()
        };
        let mut changes = Self {
            added: missing(&new_nodes, &old_nodes),
            removed: missing(&old_nodes, &new_nodes),
            ..Self::default()
        };
        for (section, lines) in &new {
            let Some(before) = old.get(section) else {
                continue;
            };
            if let Some(node) = section.strip_prefix(NETWORK) {
                if before != lines {
                    changes.others.push(format!("{node}{NEW_NETWORK}"));
                }
                continue;
            }
            for (key, value) in lines {
                let was = before.get(key);
                if was.is_none_or(|was| was != value) {
                    changes.others.extend(sentence(section, key, was.copied(), value));
                }
            }
        }
        if !old.is_empty() && old.get("authorized_keys") != new.get("authorized_keys") {
            changes
                .others
                .push("the keys that may log in are others".to_owned());
        }
        if old
            .get("owner")
            .is_some_and(|before| Some(before) != new.get("owner"))
        {
            changes.others.push(NEW_OWNER.to_owned());
        }
        changes.others.sort();
        changes.others.dedup();
        changes
    }

    /// Returns the names of the nodes that have other keys.
    pub fn with_new_keys(&self) -> Vec<&str> {
        let keys = self.others.iter();
        keys.filter_map(|change| change.strip_suffix(NEW_KEYS)).collect()
    }

    /// Refuses keys that a node does not have although nobody has asked for new ones: those in the folder are older than the node, or were
    /// deleted.
    pub fn refuse_other_keys(&self) -> Result<()> {
        let nodes = self.with_new_keys();
        if nodes.is_empty() {
            return Ok(());
        }
        let what = format!(
            "cluster.secrets has other keys of {} than the running cluster knows",
            nodes.join(", ")
        );
        Err(Error::new(Category::Refused, what).with_remedy(format!(
            "restore a newer backup of cluster.secrets, or give new keys and new cards: mkimage rotate --node {}",
            nodes.join(" --node ")
        )))
    }

    /// Returns whether these nodes' keys, and the owner's with `owner`, are all that changes.
    pub fn are_keys_of(&self, nodes: &[&str], owner: bool) -> bool {
        let is_key = |change: &String| {
            let node = change
                .strip_suffix(NEW_KEYS)
                .or_else(|| change.strip_suffix(NEW_PLACE));
            node.is_some_and(|node| nodes.contains(&node)) || owner && change == NEW_OWNER
        };
        self.added.is_empty() && self.removed.is_empty() && self.others.iter().all(is_key)
    }

    /// Returns whether the two are the same.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.others.is_empty()
    }
}

fn nodes_of<'a>(sections: &Sections<'a>) -> BTreeMap<&'a str, &'a str> {
    sections.get("nodes").cloned().unwrap_or_default()
}

/// Returns the number of copies in a set of the volume; 0 without one.
pub(super) fn copies(sections: &Sections<'_>) -> usize {
    let value = sections
        .get("settings")
        .and_then(|lines| lines.get("MKIMAGE_REPLICA"));
    let number = value.and_then(|value| value.trim_matches('\'').parse().ok());
    number.unwrap_or_default()
}

pub(super) fn sections(description: &str) -> Sections<'_> {
    let mut sections = Sections::new();
    let mut name = None;
    for line in description.lines().take_while(|line| *line != super::SIGNATURE) {
        if let Some(section) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            sections.entry(section).or_default();
            name = Some(section);
        } else if let Some(section) = name {
            let (key, value) = match section {
                // Of these, the whole line counts.
                "authorized_keys" | "leaving" | "owner" | "revoked_keys" => (line, ""),
                _ if section.starts_with(NETWORK) => (line, ""),
                _ => line.split_once(['=', ' ']).unwrap_or((line, "")),
            };
            sections.entry(section).or_default().insert(key, value);
        }
    }
    sections
}

/// Describes a line that has changed or is new in a section that both descriptions have. A new node is described elsewhere.
fn sentence(section: &str, key: &str, was: Option<&str>, value: &str) -> Option<String> {
    let setting = |whose: &str| {
        let name = key.trim_start_matches("MKIMAGE_").to_lowercase();
        let was = was.unwrap_or("''");
        let when = if WITH_NEXT_CARD.contains(&&*name) {
            " with the next card"
        } else {
            ""
        };
        format!("{name}{whose}: {was} becomes {value}{when}")
    };
    match section.split_once(' ') {
        Some(("settings", node)) => Some(setting(&format!(" of {node}"))),
        _ if section == "settings" => Some(setting("")),
        // A role or a place that has changed is a setting of the node, too.
        _ => was.map(|_| {
            let node = key.split(',').next().unwrap_or(key);
            match section {
                "nodes" => format!("{node}{NEW_PLACE}"),
                _ => format!("{node}{NEW_KEYS}"),
            }
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "mkimage description 1\ncluster 00\ngeneration 1\n[settings]\nMKIMAGE_REPLICA='2'\nMKIMAGE_DOMAIN='lan'\n\
        [settings a]\nMKIMAGE_ROLE='manager'\n[settings b]\nMKIMAGE_ROLE='worker'\n[nodes]\na manager a.local yes 10.77.0.1 k1=\n\
        b worker b.local yes 10.77.0.2 k2=\n[known_hosts]\na,a.local ssh-ed25519 AAAA1\nb,b.local ssh-ed25519 AAAA2\n";

    #[test]
    fn what_changes_is_named() {
        assert!(Changes::between(OLD, OLD).is_empty());
        let new = OLD
            .replace("REPLICA='2'", "REPLICA='3'")
            .replace(
                "b worker b.local yes 10.77.0.2 k2=\n",
                "c worker c.local no 10.77.0.3 k3=\n",
            )
            .replace("AAAA1", "AAAA9");
        assert_eq!(
            Changes::between(OLD, &new),
            Changes {
                added: vec!["c".to_owned()],
                removed: vec!["b".to_owned()],
                others: vec!["a has new keys".to_owned(), "replica: '2' becomes '3'".to_owned()],
            }
        );
        assert_eq!(Changes::between("", OLD).added, ["a", "b"]);
        let addressed = |address: &str| {
            let text = OLD.replace("ROLE='worker'", &format!("ADDRESS='{address}'"));
            format!("{text}[network b]\nnetworkd Address={address}\n")
        };
        let changes = Changes::between(&addressed("dhcp"), &addressed("10.0.0.3/24"));
        assert_eq!(
            changes.others,
            [
                "address of b: 'dhcp' becomes '10.0.0.3/24'",
                "b starts its network anew, and cannot be reached for some seconds"
            ]
        );
        let keys = |keys: &str| format!("{OLD}[authorized_keys]\n{keys}");
        let (two, one) = (
            keys("ssh-ed25519 A me\nssh-ed25519 B you\n"),
            keys("ssh-ed25519 B you\n"),
        );
        assert_eq!(
            Changes::between(&two, &one).others,
            ["the keys that may log in are others"]
        );
    }

    #[test]
    fn all_nodes_with_other_keys_are_named() {
        let new = OLD
            .replace("AAAA1", "AAAA8")
            .replace("AAAA2", "AAAA9")
            .replace("k1=", "k8=");
        let changes = Changes::between(OLD, &new);
        let remedy = changes
            .refuse_other_keys()
            .unwrap_err()
            .remedy()
            .unwrap()
            .to_owned();
        assert!(remedy.ends_with("mkimage rotate --node a --node b"), "{remedy}");
        assert!(changes.are_keys_of(&["a", "b"], false));
        assert!(!changes.are_keys_of(&["a"], false));
        let moved = new.replace("ROLE='worker'", "ROLE='manager'");
        assert!(!Changes::between(OLD, &moved).are_keys_of(&["a", "b"], false));
    }
}
