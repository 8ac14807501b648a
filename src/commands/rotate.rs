//! `mkimage rotate`: gives nodes new keys, and shuts out the old ones.

use std::time::Duration;

use super::apply::{self, Outcome, Told};
use crate::cluster::{Cluster, Node, Role};
use crate::description::{Changes, Description};
use crate::error::{Category, Error, Result};
use crate::identity::Secrets;
use crate::progress::Progress as _;
use crate::session::Session;
use crate::ssh;
use crate::ui::{self, Table};

/// Time for the swarm's managers to agree.
const SWARM_TIMEOUT: Duration = Duration::from_secs(60);

pub(super) fn run(session: &Session, names: &[String], all: bool, in_place: bool, yes: bool) -> Result<()> {
    let loaded = session.cluster_quietly()?;
    let cluster = &loaded.cluster;
    session.print_notes(&loaded);
    let nodes = apply::chosen(cluster, names, all)?;
    // The keys of all nodes at once cannot wait for cards: the cluster would be cut off.
    let in_place = in_place || all;
    if !in_place {
        refuse_to_stop_the_cluster(cluster, &nodes)?;
    }
    let folder = apply::folder_in_use(session, cluster, "rotate")?;
    let secrets = Secrets::open_or_create(&folder, cluster)?;
    let Told { secrets, .. } = apply::catch_up(cluster, secrets, &session.bars)?;
    refuse_other_changes(cluster, &secrets, &nodes, all)?;
    let names: Vec<_> = nodes.iter().map(|node| node.name.as_str()).collect();
    let how = if in_place {
        "A node that is on gets its new keys now, from this computer, and its connections stop for some seconds; a stranger who has its old card \
         and answers in its place gets them, too. One that is off needs mkimage apply when it is on, or a new card."
    } else {
        "Each needs a new card, made after this; nothing is sent to it."
    };
    session.bars.say(&format!(
        "{}: new keys. The old ones open nothing any more: not ssh between nodes, not the private network and so neither the \
         volume nor the swarm, whose tokens change too. {how}",
        names.join(", ")
    ));
    if !yes {
        apply::confirm()?;
    }
    // The next description goes on from the one that the nodes have, if that is newer.
    let newest = secrets.description.clone();
    if all {
        Secrets::renew_owner(&folder, cluster)?;
    }
    let renewed: Vec<_> = nodes.iter().map(|node| &node.name).collect();
    let mut secrets = Secrets::renew(&folder, cluster, &renewed, in_place)?;
    secrets.description = newest;
    let description = Description::of(cluster, &secrets)?;
    let outcomes = apply::publish(cluster, &secrets, &description.signed)?;
    if outcomes.iter().all(|(_, outcome)| outcome.is_err()) {
        let what = "no node has taken the new description, so the old keys still open all nodes";
        return Err(
            Error::new(Category::Network, what).with_remedy("switch a node on, and run mkimage apply")
        );
    }
    let lost: Vec<_> = names
        .into_iter()
        .filter(|node| !was_told(&outcomes, node))
        .collect();
    let swarm = renew_swarm(cluster, &secrets, &lost);
    report(session, &outcomes, &lost, in_place)?;
    if swarm {
        return Ok(());
    }
    let what = "no manager has changed the swarm's tokens and certificates";
    Err(Error::new(Category::Network, what).with_remedy(
        "on a manager, when one is on: sudo docker swarm ca --rotate --detach --quiet; sudo docker swarm join-token --rotate worker; \
         sudo docker swarm join-token --rotate manager",
    ))
}

/// Refuses to bring along a change of the file unseen.
fn refuse_other_changes(cluster: &Cluster, secrets: &Secrets, nodes: &[&Node], all: bool) -> Result<()> {
    let newest = secrets.description.as_deref().unwrap_or_default();
    let changes = Changes::between(newest, &Description::of(cluster, secrets)?.signed);
    let names: Vec<_> = nodes.iter().map(|node| node.name.as_str()).collect();
    if changes.are_keys_of(&names, all) {
        return Ok(());
    }
    let others = changes.with_new_keys();
    if others.iter().any(|node| !names.contains(node)) {
        changes.refuse_other_keys()?;
    }
    let what = "the cluster file has changes that the nodes do not know yet";
    Err(Error::new(Category::Refused, what).with_remedy("run mkimage apply first"))
}

/// Refuses to shut out half of the nodes or more at once: until the new cards are in, nobody could write to the volume or change the
/// swarm. The owner may always shut out one.
fn refuse_to_stop_the_cluster(cluster: &Cluster, nodes: &[&Node]) -> Result<()> {
    let stay_too_few = |counts: fn(&Node) -> bool| {
        let all = cluster.nodes.iter().filter(|node| counts(node)).count();
        let out = nodes.iter().filter(|node| counts(node)).count();
        out > 1 && out.saturating_mul(2) >= all
    };
    if !stay_too_few(|node| node.role == Role::Manager) && !stay_too_few(|node| node.brick.is_some()) {
        return Ok(());
    }
    let what = "without these nodes the others lack a majority, and the cluster stands still until the new cards are in";
    Err(Error::new(Category::Refused, what).with_remedy(
        "give one node at a time its new card, or bring the new keys to the nodes that are on: --in-place",
    ))
}

fn was_told(outcomes: &[Outcome], node: &str) -> bool {
    outcomes
        .iter()
        .any(|(name, outcome)| name == node && outcome.is_ok())
}

/// Removes the entries of nodes that did not get their new keys, so that Docker refuses their certificates, and gives the swarm new tokens
/// and a new authority, from which each node gets a new certificate when it is on. Returns whether a manager did so.
fn renew_swarm(cluster: &Cluster, secrets: &Secrets, lost: &[&str]) -> bool {
    // Names of nodes have letters, digits and hyphens only.
    let lost = lost.join(" ");
    let command = format!(
        "for node in {lost}; do for id in $(sudo -n docker node ls --format '{{{{.ID}}}} {{{{.Hostname}}}}' | \
         sed -n \"s/ $node\\$//p\"); do sudo -n docker node demote \"$id\" >/dev/null 2>&1; \
         sudo -n docker node rm --force \"$id\" >/dev/null || exit 1; done; done; \
         sudo -n docker swarm ca --rotate --detach --quiet >/dev/null && \
         sudo -n docker swarm join-token --quiet --rotate worker >/dev/null && \
         sudo -n docker swarm join-token --quiet --rotate manager >/dev/null"
    );
    let managers = cluster.nodes.iter().filter(|node| node.role == Role::Manager);
    let mut there = managers.filter(|node| !lost.split(' ').any(|name| name == node.name.as_str()));
    there.any(|node| {
        ssh::run(
            &node.name,
            &secrets.ssh_config_path(),
            &command,
            b"",
            SWARM_TIMEOUT,
        )
        .is_ok()
    })
}

fn report(session: &Session, outcomes: &[Outcome], lost: &[&str], in_place: bool) -> Result<()> {
    let mut table = Table::new(&[&"NODE", &""]);
    for (node, outcome) in outcomes {
        match outcome {
            Ok(said) => table.row(&[node, &said.trim()]),
            Err(why) if lost.contains(&node.as_str()) => table.row(&[
                node,
                &format!("its old keys are shut out ({why}); it needs a new card: mkimage --node {node}"),
            ]),
            Err(why) => table.row(&[
                node,
                &format!("not now: {why}; it will hear of it from the others"),
            ]),
        }
    }
    ui::result(&table.to_string())?;
    if in_place && !lost.is_empty() {
        session.bars.say(
            "if a node that was not reached is only off, switch it on and run mkimage apply, which brings it its new keys instead",
        );
    }
    Ok(())
}
