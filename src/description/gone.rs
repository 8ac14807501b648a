//! The nodes that the owner has taken out of the cluster. A description names them for ever: a node that was off meanwhile has to
//! hear of them, and their keys open nothing again.

use std::collections::{BTreeMap, BTreeSet};

use super::changes::{Sections, sections};
use super::on_lines;

/// A node that one description has and the next one does not, as the older one knew it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoneNode {
    pub name: String,
    /// Its fixed address or mDNS name.
    pub place: String,
    /// Its line of `known_hosts`.
    pub known_host: String,
    /// True if it was a manager.
    pub is_manager: bool,
}

impl GoneNode {
    /// Returns the nodes of `old` that `new` does not have.
    pub fn between(old: &str, new: &str) -> Vec<Self> {
        let (old, new) = (sections(old), sections(new));
        let hosts: BTreeMap<_, _> = lines_of(&old, "known_hosts")
            .map(|(names, key)| (names.split(',').next().unwrap_or(names), format!("{names} {key}")))
            .collect();
        let gone = lines_of(&old, "nodes").filter(|(name, _)| !has(&new, "nodes", name));
        gone.map(|(name, fields)| Self {
            name: name.to_owned(),
            place: fields.split(' ').nth(PLACE).unwrap_or(name).to_owned(),
            known_host: hosts.get(name).cloned().unwrap_or_default(),
            is_manager: fields.split(' ').nth(ROLE) == Some("manager"),
        })
        .collect()
    }
}

/// Returns a line `name number` for each node of `new` that had gone once: the number of the description with which it came back.
pub(super) fn joined(old: &str, new: &str, number: u64) -> String {
    let (old, new) = (sections(old), sections(new));
    let lines = lines_of(&new, "nodes").filter_map(|(name, _)| {
        if has(&old, "gone", name) {
            return Some(format!("{name} {number}"));
        }
        let before = old.get("joined")?.get(name)?;
        Some(format!("{name} {before}"))
    });
    on_lines(lines)
}

/// Returns those of `lines` that are about one of the nodes: its name, alone or before a comma, comes first.
pub(super) fn lines_about(lines: &str, nodes: &[&str]) -> String {
    let is_about = |line: &&str| {
        let name = line.split([' ', ',']).next().unwrap_or_default();
        nodes.contains(&name)
    };
    on_lines(lines.lines().filter(is_about))
}

/// The position of the role in a line of the nodes, after the name.
pub(super) const ROLE: usize = 0;
const PLACE: usize = 1;
pub(super) const BRICK: usize = 2;
const PRIVATE_ADDRESS: usize = 3;

/// The part of a description that is about them.
#[derive(Debug, Default)]
pub(super) struct Gone {
    /// Names and private addresses, by which the pool knows them.
    nodes: BTreeMap<String, String>,
    keys: BTreeSet<String>,
}

impl Gone {
    /// Returns what `old` says of them, and the nodes and keys that `old` has and `new` does not.
    pub(super) fn since(old: &str, new: &str) -> Self {
        let (old, new) = (sections(old), sections(new));
        let mut gone = Self::default();
        for (name, address) in lines_of(&old, "gone") {
            gone.nodes.insert(name.to_owned(), address.to_owned());
        }
        for (name, fields) in lines_of(&old, "nodes") {
            let address = fields.split(' ').nth(PRIVATE_ADDRESS).unwrap_or_default();
            gone.nodes.insert(name.to_owned(), address.to_owned());
        }
        gone.nodes.retain(|name, _| !has(&new, "nodes", name));
        let used: BTreeSet<_> = lines_of(&new, "enrolment_keys").map(|(_, key)| key).collect();
        let revoked = lines_of(&old, "revoked_keys").map(|(key, _)| key.to_owned());
        let were_used = lines_of(&old, "enrolment_keys").map(|(_, key)| key.to_owned());
        // A revoked key stays so, even if a node has it again.
        gone.keys = revoked
            .chain(were_used.filter(|key| !used.contains(&**key)))
            .collect();
        gone
    }

    /// Returns a line `name private-address` for each node.
    pub(super) fn nodes(&self) -> String {
        let lines = self.nodes.iter();
        on_lines(lines.map(|(name, address)| format!("{name} {address}")))
    }

    /// Returns their enrolment keys, one per line, as sshd reads them (`RevokedKeys` in `sshd_config(5)`).
    pub(super) fn keys(&self) -> String {
        on_lines(&self.keys)
    }
}

/// Returns the lines of a section, each as its first word and the rest.
pub(super) fn lines_of<'a>(sections: &Sections<'a>, name: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let lines: Vec<_> = sections
        .get(name)
        .into_iter()
        .flatten()
        .map(|(key, value)| (*key, *value))
        .collect();
    lines.into_iter()
}

pub(super) fn has(sections: &Sections<'_>, section: &str, key: &str) -> bool {
    sections.get(section).is_some_and(|lines| lines.contains_key(key))
}

#[cfg(test)]
pub(super) mod testing {
    use super::*;

    pub(crate) const FOUR: &str = "generation 1\n[settings]\nMKIMAGE_ARBITER=''\n[nodes]\na manager a.local yes 10.77.0.1 k1=\n\
        b worker b.local yes 10.77.0.2 k2=\nc worker 10.0.0.3 no 10.77.0.3 k3=\n[known_hosts]\na,a.local ssh-ed25519 A1\n\
        b,b.local ssh-ed25519 A2\nc,c.local,10.0.0.3 ssh-ed25519 A3\n[enrolment_keys]\na ssh-ed25519 E1\nb ssh-ed25519 E2\n\
        c ssh-ed25519 E3\n";

    pub(crate) fn without(name: &str) -> String {
        let lines = FOUR
            .lines()
            .filter(|line| !line.starts_with(&format!("{name} ")) && !line.starts_with(&format!("{name},")));
        on_lines(lines)
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{FOUR, without};
    use super::*;

    #[test]
    fn a_node_that_goes_is_known_as_the_old_description_knew_it() {
        let gone = GoneNode::between(FOUR, &without("c"));
        assert_eq!(gone.len(), 1);
        assert_eq!((&*gone[0].name, &*gone[0].place), ("c", "10.0.0.3"));
        assert_eq!(gone[0].known_host, "c,c.local,10.0.0.3 ssh-ed25519 A3");
    }

    #[test]
    fn a_key_that_was_replaced_is_revoked() {
        let gone = Gone::since(FOUR, &FOUR.replace("E2", "E9"));
        assert_eq!(
            (gone.nodes(), gone.keys()),
            (String::new(), "ssh-ed25519 E2\n".to_owned())
        );
    }
}
