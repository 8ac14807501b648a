//! Takes nodes out of the running cluster.

use std::thread;
use std::time::{Duration, Instant};

use super::old_nodes::OldNodes;
use super::publish::{Outcome, publish};
use super::sticks::Sticks;
use crate::cluster::{Cluster, Role};
use crate::description::{self, Description, GoneNode};
use crate::error::{Category, Error, Result};
use crate::identity::Secrets;
use crate::progress::Progress;
use crate::ssh;
use crate::status::ask_all;

/// Time for containers to end and to start on other nodes.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(120);

/// Time for the others to take the bricks of nodes that leave out of the volume, which waits for files that are being healed.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(1800);

/// Pause between two questions whether they are out. A node looks at the volume twice a minute.
const PAUSE: Duration = Duration::from_secs(5);

/// Nodes that are to go, as they and the others are now.
pub(super) struct Removal<'a> {
    cluster: &'a Cluster,
    gone: &'a [GoneNode],
    old: OldNodes<'a>,
    sticks: Sticks,
}

impl<'a> Removal<'a> {
    /// Looks at all nodes, and refuses what would cost files or the swarm.
    pub(super) fn prepare(cluster: &'a Cluster, secrets: &Secrets, gone: &'a [GoneNode]) -> Result<Self> {
        let old = OldNodes::new(cluster, secrets, gone)?;
        let mut sticks = look(cluster, secrets, &old);
        if gone.iter().any(|node| !sticks.answers(&node.name)) {
            // Being taken for off costs a node its brick, and one that is busy answers the second time.
            thread::sleep(PAUSE);
            sticks = look(cluster, secrets, &old);
        }
        let removal = Self {
            cluster,
            gone,
            old,
            sticks,
        };
        removal.refuse(secrets)?;
        Ok(removal)
    }

    /// Returns the names of those that do not answer: they go without being asked.
    pub(super) fn away(&self) -> Vec<&'a str> {
        let names = self.names().into_iter();
        names.filter(|name| !self.sticks.answers(name)).collect()
    }

    /// Takes the nodes out: one that is on leaves the volume first, as a member that everybody knows to leave; one that is off goes at
    /// once. Returns the last description, and what each node said to it.
    pub(super) fn take_out(
        &self,
        secrets: Secrets,
        progress: &dyn Progress,
    ) -> Result<(Description, Vec<Outcome>)> {
        let Self {
            cluster, old, sticks, ..
        } = self;
        let names = self.names();
        drain(cluster, &secrets, &names, progress);
        let leaving: Vec<_> = names
            .iter()
            .copied()
            .filter(|name| sticks.answers(name) && (sticks.is_in_volume(name) || sticks.is_manager(name)))
            .collect();
        let secrets = if leaving.is_empty() {
            secrets
        } else {
            let description = Description::with_leaving(cluster, &secrets, &leaving)?;
            publish(cluster, &secrets, &description.signed)?;
            old.show(&secrets, &leaving, &description.signed);
            let generation = description.generation;
            wait_until_out(cluster, &secrets, old, &leaving, generation, progress)?;
            // Read again, with what was published.
            Secrets::open_or_create(secrets.folder(), cluster)?
        };
        let description = Description::of(cluster, &secrets)?;
        let mut outcomes = publish(cluster, &secrets, &description.signed)?;
        outcomes.extend(old.show(&secrets, &names, &description.signed));
        Ok((description, outcomes))
    }

    fn names(&self) -> Vec<&'a str> {
        self.gone.iter().map(|node| node.name.as_str()).collect()
    }

    fn refuse(&self, secrets: &Secrets) -> Result<()> {
        if self.cluster.gluster.is_some() {
            // As many as the volume has now, whatever the file says.
            let copies = description::copies(secrets);
            self.sticks.require_all_files_without(&self.away(), copies)?;
            self.sticks
                .require_spares_for(&self.names(), self.cluster, copies)?;
        }
        require_managers_without(self.cluster, self.gone, &self.sticks)
    }
}

/// Refuses to go on without managers that are off, unless those that stay and answer are more than half of all: with fewer, the swarm
/// decides nothing any more.
fn require_managers_without(cluster: &Cluster, gone: &[GoneNode], sticks: &Sticks) -> Result<()> {
    let away: Vec<_> = gone
        .iter()
        .filter(|node| node.is_manager && !sticks.answers(&node.name))
        .map(|node| node.name.as_str())
        .collect();
    let managers: Vec<_> = cluster.managers().map(|node| node.name.as_str()).collect();
    let there = managers.iter().filter(|name| sticks.is_manager(name)).count();
    let all = managers.len().saturating_add(away.len());
    if away.is_empty() || there.saturating_mul(2) > all {
        return Ok(());
    }
    let what = format!(
        "{there} of {all} managers answer, too few to go on without {}",
        away.join(", ")
    );
    Err(Error::new(Category::Refused, what).with_remedy("switch more managers on, and run it again"))
}

/// Asks all nodes what they know of the volume.
fn look(cluster: &Cluster, secrets: &Secrets, old: &OldNodes) -> Sticks {
    let stay = ask_all(cluster, &secrets.ssh_config_path(), &secrets.cluster_id);
    let stay = stay
        .into_iter()
        .filter_map(|(node, answer)| Some((node.name.to_string(), answer.ok()?)));
    Sticks::new(stay.collect(), old.ask(secrets))
}

/// Lets the containers of these nodes start elsewhere while the nodes are still there. Where no manager answers, the swarm notices
/// by itself later.
fn drain(cluster: &Cluster, secrets: &Secrets, names: &[&str], progress: &dyn Progress) {
    // The names are those of nodes: letters, digits and hyphens.
    let names = names.join(" ");
    let command = format!(
        "for node in {names}; do sudo -n docker node update --availability drain \"$node\" >/dev/null; left=45; \
         while [ \"$left\" -gt 0 ] && sudo -n docker node ps --format '{{{{.CurrentState}}}}' \"$node\" | grep -q ^Running; do \
         sleep 1; left=$((left - 1)); done; done"
    );
    progress.say(&format!("draining {names}"));
    ask_a_manager(cluster, secrets, &command);
}

/// Lets nodes have containers again that were to leave, and stay after all.
pub(super) fn undo_drain(cluster: &Cluster, secrets: &Secrets, names: &[String]) {
    let names = names
        .iter()
        .filter(|name| {
            cluster
                .nodes
                .iter()
                .any(|node| node.name.as_str() == name.as_str())
        })
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(" ");
    if names.is_empty() {
        return;
    }
    let command = format!(
        "for node in {names}; do sudo -n docker node update --availability active \"$node\" >/dev/null; done"
    );
    ask_a_manager(cluster, secrets, &command);
}

/// Runs a command on the first manager that answers, if one does.
fn ask_a_manager(cluster: &Cluster, secrets: &Secrets, command: &str) {
    let config = secrets.ssh_config_path();
    let mut managers = cluster.nodes.iter().filter(|node| node.role == Role::Manager);
    managers.any(|manager| ssh::run(&manager.name, &config, command, b"", DRAIN_TIMEOUT).is_ok());
}

/// Waits until every node that answers knows who leaves, no brick of theirs is in the volume, and those that stay have every file.
fn wait_until_out(
    cluster: &Cluster,
    secrets: &Secrets,
    old: &OldNodes,
    leaving: &[&str],
    generation: u64,
    progress: &dyn Progress,
) -> Result<()> {
    let begun = Instant::now();
    let mut said = String::new();
    while let Some(reason) =
        look(cluster, secrets, old).reason_to_wait(leaving, generation, cluster.gluster.is_some())
    {
        if begun.elapsed() > LEAVE_TIMEOUT {
            let what = format!("{} cannot go yet: {reason}", leaving.join(", "));
            return Err(Error::new(Category::Network, what).with_remedy(
                "switch on the nodes that are off, and run mkimage apply again: it goes on from here. A node that is to go and is off \
                 is taken out without being asked",
            ));
        }
        if reason != said {
            progress.say(&format!("waiting: {reason}"));
            said = reason;
        }
        thread::sleep(PAUSE);
    }
    Ok(())
}
