//! Changes of the cluster file that a running cluster cannot take on.

use super::Changes;
use super::changes::{Sections, copies, sections};
use super::gone::{BRICK, ROLE, has, lines_of};
use crate::error::{Category, Error, Result};

/// The settings that no running node can change: it would look for its files or its user in another place, have another Docker installed
/// under its containers, or leave the swarm.
const FIXED: [&str; 5] = ["user", "volume", "mount", "docker_source", "swarm_pool"];

/// Refuses a description with which the cluster of the `old` one could not go on.
pub(super) fn refuse_what_cannot_be(old: &str, new: &str) -> Result<()> {
    refuse_what_cannot_change(&Changes::between(old, new))?;
    refuse_a_removal(old, new)?;
    refuse_new_managers_only(old, new)?;
    refuse_to_leave_a_brick(old, new)?;
    refuse_a_change_of_copies(old, new)
}

/// Refuses managers none of which is a node of the cluster yet: nobody could take the swarm over.
fn refuse_new_managers_only(old: &str, new: &str) -> Result<()> {
    let (old, new) = (sections(old), sections(new));
    let is_manager = |fields: &str| fields.split(' ').nth(ROLE) == Some("manager");
    let mut managers = lines_of(&new, "nodes").filter(|(_, fields)| is_manager(fields));
    if old.is_empty() || managers.any(|(name, _)| has(&old, "nodes", name)) {
        return Ok(());
    }
    let what = "no manager of the new ones is a node of the cluster yet, so nobody could take the swarm over";
    Err(Error::new(Category::Refused, what).with_remedy(
        "leave one of the old managers in place until mkimage status shows a new one as manager",
    ))
}

/// Returns the managers that are workers from now on.
pub fn demoted(old: &str, new: &str) -> Vec<String> {
    let (old, new) = (sections(old), sections(new));
    let role = |sections: &Sections<'_>, name: &str, role: &str| {
        lines_of(sections, "nodes")
            .any(|(node, fields)| node == name && fields.split(' ').nth(ROLE) == Some(role))
    };
    lines_of(&old, "nodes")
        .map(|(name, _)| name)
        .filter(|name| role(&old, name, "manager") && role(&new, name, "worker"))
        .map(ToOwned::to_owned)
        .collect()
}

/// Refuses to take the brick from a node that stays, and another arbiter: the volume would keep them.
fn refuse_to_leave_a_brick(old: &str, new: &str) -> Result<()> {
    let (old, new) = (sections(old), sections(new));
    let brick = |fields: &str| fields.split(' ').nth(BRICK) == Some("yes");
    for (name, fields) in lines_of(&new, "nodes") {
        let before = old.get("nodes").and_then(|lines| lines.get(name));
        if before.is_some_and(|before| brick(before)) && !brick(fields) {
            let what = format!("{name} has a brick of the volume, and brick = false does not take it out");
            return Err(Error::new(Category::Refused, what).with_remedy(format!(
                "delete the [[node]] of {name} and run mkimage apply; then put it back with brick = false and make its image"
            )));
        }
    }
    let arbiters = |sections: &Sections<'_>| {
        let value = sections
            .get("settings")
            .and_then(|lines| lines.get("MKIMAGE_ARBITER"));
        let names = value.map(|value| value.trim_matches('\'').to_owned());
        let names = names.unwrap_or_default();
        names.split(' ').map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    let with_brick = |sections: &Sections<'_>, name: &String| {
        lines_of(sections, "nodes").any(|(node, fields)| node == name && brick(fields))
    };
    let (before, after) = (arbiters(&old), arbiters(&new));
    let lost = before
        .iter()
        .find(|name| !after.contains(name) && with_brick(&old, name) && with_brick(&new, name));
    let won = after
        .iter()
        .find(|name| !before.contains(name) && with_brick(&old, name));
    if let Some(name) = lost.or(won) {
        let what = format!("the brick of {name} is in use, and cannot become another kind of brick");
        return Err(Error::new(Category::Refused, what).with_remedy("put arbiter back as it was"));
    }
    Ok(())
}

/// The remedy for a description that no card has.
pub(super) const IF_UNUSED: &str =
    "if no card of this cluster is in use yet, delete cluster.secrets/description instead";

/// Refuses changes that no description can bring about.
fn refuse_what_cannot_change(changes: &Changes) -> Result<()> {
    let refused = |what: String, remedy: String| Err(Error::new(Category::Refused, what).with_remedy(remedy));
    let is_fixed = |change: &&String| FIXED.iter().any(|key| change.starts_with(&format!("{key}: ")));
    match changes.others.iter().find(is_fixed) {
        Some(change) => refused(
            format!("{change}, which no running node can do"),
            format!("put the old value back, or make a new cluster with another name; {IF_UNUSED}"),
        ),
        None => Ok(()),
    }
}

/// Refuses to take out nodes without which the others could not go on.
fn refuse_a_removal(old: &str, new: &str) -> Result<()> {
    let (old, new) = (sections(old), sections(new));
    let gone: Vec<_> = lines_of(&old, "nodes")
        .filter(|(name, _)| !has(&new, "nodes", name))
        .collect();
    if gone.is_empty() {
        return Ok(());
    }
    let refused = |what: String, remedy: &str| Err(Error::new(Category::Refused, what).with_remedy(remedy));
    // What a node was decides, not what the file makes of it.
    let stays = |position: usize, value: &str| {
        lines_of(&old, "nodes")
            .any(|(name, fields)| fields.split(' ').nth(position) == Some(value) && has(&new, "nodes", name))
    };
    let names = gone.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    if !stays(ROLE, "manager") {
        return refused(
            format!("without {names} the swarm has no manager left"),
            "make another node a manager first (role = \"manager\" and mkimage apply), and take it out when that one is. If it is \
             dead, see \"The only manager is lost\" in docs/growing.md",
        );
    }
    let has_brick = |fields: &str| fields.split(' ').nth(BRICK) == Some("yes");
    if gone.iter().any(|(_, fields)| has_brick(fields)) && !stays(BRICK, "yes") {
        return refused(
            format!("without {names} the volume has no stick left"),
            "give another node a stick first, and wait until mkimage status shows it with all files",
        );
    }
    Ok(())
}

/// Refuses another number of copies that the volume cannot take on: with sets it keeps the one it has, and it gets sets only from a volume
/// that fits into the first one.
fn refuse_a_change_of_copies(old: &str, new: &str) -> Result<()> {
    let (old, new) = (sections(old), sections(new));
    let sticks = |sections: &Sections<'_>| {
        lines_of(sections, "nodes")
            .filter(|(name, fields)| {
                fields.split(' ').nth(BRICK) == Some("yes") && !has(sections, "leaving", name)
            })
            .count()
    };
    let (before, after) = (copies(&old), copies(&new));
    let once_had_sets = sticks(&old) > before;
    let will_have_sets = sticks(&new) > after;
    if old.is_empty() || before == after || !(once_had_sets || will_have_sets && sticks(&old) > after) {
        return Ok(());
    }
    let what =
        format!("the volume has {before} copies of each file, and cannot get {after} while it is in use");
    Err(Error::new(Category::Refused, what).with_remedy(format!("write replica = {before}")))
}

#[cfg(test)]
mod tests {
    use super::super::gone::testing::{FOUR, without};
    use super::*;

    #[test]
    fn somebody_can_take_the_swarm_over() {
        let lone = FOUR.replace("a manager", "a worker");
        let error = refuse_what_cannot_be(
            FOUR,
            &(lone.replace(
                "[known_hosts]",
                "z manager z.local no 10.77.0.9 k=\n[known_hosts]",
            )),
        );
        assert!(error.unwrap_err().to_string().contains("take the swarm over"));
        refuse_what_cannot_be(FOUR, &lone.replace("b worker", "b manager")).unwrap();
    }

    #[test]
    fn a_brick_in_use_stays_what_it_is() {
        let without_brick = FOUR.replace("b.local yes", "b.local no");
        let arbiter = FOUR.replace("ARBITER=''", "ARBITER='b'");
        for (old, new) in [
            (FOUR, &without_brick),
            (FOUR, &arbiter),
            (&arbiter, &FOUR.to_owned()),
        ] {
            assert_eq!(
                refuse_what_cannot_be(old, new).unwrap_err().category(),
                Category::Refused
            );
        }
        // A node that comes with its first brick.
        refuse_what_cannot_be(&without_brick, &arbiter).unwrap();
    }

    #[test]
    fn copies_do_not_change_where_there_are_sets() {
        let with = |copies: usize, sticks: usize| {
            let nodes: String = (0..sticks)
                .map(|at| format!("n{at} worker n{at}.local yes 10.77.0.{at} k=\n"))
                .fold(String::new(), |all, line| all + &line);
            format!("generation 1\n[settings]\nMKIMAGE_REPLICA='{copies}'\n[nodes]\n{nodes}")
        };
        for (old, new) in [
            ((3, 3), (3, 6)),
            ((4, 4), (3, 3)),
            ((4, 4), (5, 5)),
            ((3, 6), (3, 9)),
            ((1, 1), (3, 6)),
        ] {
            refuse_a_change_of_copies(&with(old.0, old.1), &with(new.0, new.1)).unwrap();
        }
        for (old, new) in [((4, 4), (3, 6)), ((3, 6), (6, 6)), ((3, 6), (4, 8))] {
            let error = refuse_a_change_of_copies(&with(old.0, old.1), &with(new.0, new.1)).unwrap_err();
            assert_eq!(error.category(), Category::Refused);
        }
        refuse_a_change_of_copies("", &with(3, 6)).unwrap();
        let leaving = format!("{}[leaving]\nn3\n", with(3, 4));
        refuse_a_change_of_copies(&with(4, 4), &leaving).unwrap();
    }

    #[test]
    fn the_others_must_be_able_to_go_on() {
        refuse_a_removal(FOUR, &without("b")).unwrap();
        refuse_a_removal(FOUR, &without("c")).unwrap();
        let promoted = without("a").replace("b worker", "b manager");
        for (new, why) in [(without("a"), "no manager"), (promoted, "no manager")] {
            assert!(
                refuse_a_removal(FOUR, &new)
                    .unwrap_err()
                    .to_string()
                    .contains(why)
            );
        }
        let one_stick = FOUR.replace("a.local yes", "a.local no");
        let error =
            refuse_a_removal(&one_stick, &without("b").replace("a.local yes", "a.local no")).unwrap_err();
        assert!(error.to_string().contains("no stick"));
    }
}
