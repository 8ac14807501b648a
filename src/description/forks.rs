//! Two descriptions that do not follow from each other: two computers have changed the cluster, or one has gone on from an old
//! backup of `cluster.secrets`.

use std::collections::{BTreeMap, BTreeSet};

use super::changes::{Sections, sections};
use super::gone::{has, lines_of};
use super::{GENERATION, lines_of_section, number, on_lines, text_of};

/// Returns whether a description has revoked a key.
pub fn has_revoked(description: &str, key: &str) -> bool {
    lines_of_section(description, "revoked_keys")
        .lines()
        .any(|line| line == key)
}

/// Returns whether `newer` can come after `older`: everything that the older one has shut out stays out. Nodes judge by the same rule.
pub fn follows(newer: &str, older: &str) -> bool {
    if text_of(newer) == text_of(older) {
        return true;
    }
    let before = number(older);
    let (newer_sections, older_sections) = (sections(newer), sections(older));
    let came_back = |name: &str| {
        let joined = newer_sections.get("joined").and_then(|lines| lines.get(name));
        joined.is_some_and(|joined| joined.parse::<u64>().is_ok_and(|joined| joined > before))
    };
    number(newer) > before
        && lines_of(&older_sections, "revoked_keys").all(|(key, _)| has(&newer_sections, "revoked_keys", key))
        && lines_of(&older_sections, "gone")
            .all(|(name, _)| has(&newer_sections, "gone", name) || came_back(name))
}

/// Returns a text from which the next description goes on, so that it follows both: `theirs`, which nodes have, with everything that
/// either has shut out, and the higher of their numbers. It is not signed.
pub fn merged(mine: &str, theirs: &str) -> String {
    let number = number(mine).max(number(theirs));
    let (mine, base) = (sections(mine), sections(theirs));
    let gone = both(&mine, &base, "gone", |name| !has(&base, "nodes", name));
    let joined = both(&mine, &base, "joined", |name| has(&base, "nodes", name));
    let revoked: BTreeSet<_> = lines_of(&mine, "revoked_keys")
        .chain(lines_of(&base, "revoked_keys"))
        .map(|(key, _)| key)
        .collect();
    let mut text = String::new();
    let mut is_replaced = false;
    for line in text_of(theirs).lines() {
        if line.starts_with('[') {
            is_replaced = ["[gone]", "[joined]", "[revoked_keys]"].contains(&line);
        }
        if is_replaced {
            continue;
        }
        match line.strip_prefix(GENERATION) {
            Some(_) => text.push_str(&on_lines([format!("{GENERATION}{number}")])),
            None => text.push_str(&on_lines([line])),
        }
    }
    for (name, lines) in [
        ("joined", joined),
        ("gone", gone),
        ("revoked_keys", on_lines(revoked)),
    ] {
        super::section(&mut text, name, &lines);
    }
    text
}

/// Returns the lines of a section that either has and `holds`, by their first words.
fn both(mine: &Sections<'_>, theirs: &Sections<'_>, name: &str, holds: impl Fn(&str) -> bool) -> String {
    let lines: BTreeMap<_, _> = lines_of(mine, name).chain(lines_of(theirs, name)).collect();
    on_lines(
        lines
            .into_iter()
            .filter(|(key, _)| holds(key))
            .map(|(key, value)| format!("{key} {value}")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description(number: u64, nodes: &str, joined: &str, gone: &str, revoked: &str) -> String {
        format!(
            "mkimage description 1\ncluster 00\n{GENERATION}{number}\n[nodes]\n{nodes}[joined]\n{joined}[gone]\n{gone}\
             [revoked_keys]\n{revoked}"
        )
    }

    #[test]
    fn what_was_shut_out_stays_out() {
        let eight = description(8, "a manager\n", "", "c 10.77.0.3\n", "ssh-ed25519 C\n");
        let higher = |nodes, joined, gone, revoked| description(9, nodes, joined, gone, revoked);
        assert!(follows(&eight, &eight));
        assert!(follows(
            &higher("a worker\n", "", "c 10.77.0.3\n", "ssh-ed25519 C\n"),
            &eight
        ));
        // It came back with new keys.
        assert!(follows(
            &higher("a manager\nc worker\n", "c 9\n", "", "ssh-ed25519 C\n"),
            &eight
        ));
        // From a backup from before it went.
        assert!(!follows(
            &higher("a manager\nc worker\n", "", "", "ssh-ed25519 C\n"),
            &eight
        ));
        assert!(!follows(
            &higher("a manager\nc worker\n", "c 7\n", "", "ssh-ed25519 C\n"),
            &eight
        ));
        assert!(!follows(&higher("a manager\n", "", "c 10.77.0.3\n", ""), &eight));
        let fork = description(8, "a worker\n", "", "c 10.77.0.3\n", "ssh-ed25519 C\n");
        assert!(!follows(&fork, &eight));
    }

    #[test]
    fn what_goes_on_from_two_follows_both() {
        let mine = description(9, "a manager\nc worker\n", "", "d 10.77.0.4\n", "ssh-ed25519 D\n");
        let theirs = description(
            8,
            "a manager\ne worker\n",
            "e 5\n",
            "c 10.77.0.3\n",
            "ssh-ed25519 C\n",
        );
        let both = merged(&mine, &theirs);
        assert_eq!(
            both,
            description(
                9,
                "a manager\ne worker\n",
                "e 5\n",
                "c 10.77.0.3\nd 10.77.0.4\n",
                "ssh-ed25519 C\nssh-ed25519 D\n"
            )
        );
        let next = both.replace("generation 9", "generation 10");
        assert!(follows(&next, &mine) && follows(&next, &theirs));
    }
}
