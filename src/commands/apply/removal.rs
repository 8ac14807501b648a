//! Takes nodes out of the running cluster.

use std::thread;
use std::time::{Duration, Instant};

use super::old_nodes::OldNodes;
use super::publish::{Outcome, publish};
use super::sticks::Sticks;
use crate::cluster::Cluster;
use crate::commands::drain::drain;
use crate::description::{self, Description, GoneNode};
use crate::error::{Category, Error, Result};
use crate::identity::Secrets;
use crate::progress::Progress;
use crate::status::ask_all;

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
        removal.refuse()?;
        Ok(removal)
    }

    /// Returns sentences for the plan.
    pub(super) fn notes(&self) -> Vec<String> {
        let away = self.away().into_iter();
        let mut notes: Vec<_> = away
            .map(|node| format!("{node} does not answer, so it goes without being asked"))
            .collect();
        if let Some((now, then)) = self.sticks.copies_without(&self.names(), self.cluster) {
            let copies = if then == 1 { "copy" } else { "copies" };
            notes.push(format!(
                "files have {then} {copies} instead of {now} from then on"
            ));
        }
        notes
    }

    /// Returns the names of those that do not answer: they go without being asked.
    fn away(&self) -> Vec<&'a str> {
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
        progress.say(&format!("draining {}", names.join(" ")));
        drain(cluster, &secrets, &names, Duration::ZERO);
        // When this goes on from where it was stopped, its brick may be out, and files of the others not yet where they belong.
        let leave_already = description::leaving(&secrets);
        let has_to_leave = |name: &str| {
            sticks.is_in_volume(name)
                || sticks.is_manager(name)
                || leave_already.iter().any(|leaving| leaving == name)
        };
        let leaving: Vec<_> = names
            .iter()
            .copied()
            .filter(|name| sticks.answers(name) && has_to_leave(name))
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

    fn refuse(&self) -> Result<()> {
        let names = self.names();
        if self.cluster.gluster.is_some() {
            self.sticks.require_majority_without(&names)?;
            self.sticks.require_more_than_two_without(&names, self.cluster)?;
            self.sticks.require_all_files_without(&self.away())?;
            self.sticks.require_spares_for(&names, self.cluster)?;
        }
        let stay = self.cluster.managers().map(|node| node.name.as_str());
        let go = self.gone.iter().filter(|node| node.is_manager);
        let described = stay.chain(go.map(|node| node.name.as_str()));
        require_managers_without(&names, described.collect(), &self.sticks)
    }
}

/// Refuses to go on unless the managers that answer are more than half of all before and after nodes with these names go: with fewer, the
/// swarm decides nothing any more. `described` are the managers by the description, for when the swarm does not list them.
fn require_managers_without(names: &[&str], described: Vec<&str>, sticks: &Sticks) -> Result<()> {
    let listed = sticks.managers();
    let all = if listed.is_empty() { described } else { listed };
    let there = all.iter().filter(|name| sticks.is_manager(name)).count();
    let go = all.iter().copied().filter(|name| names.contains(name));
    let (leave, away): (Vec<_>, Vec<_>) = go.partition(|name| sticks.is_manager(name));
    let is_majority = |some: usize, all: usize| some.saturating_mul(2) > all;
    // Those that are off go first.
    let left = all.len().saturating_sub(away.len());
    let stay = there.saturating_sub(leave.len());
    let (who, remedy) = if !away.is_empty() && !is_majority(there, all.len()) {
        (
            away,
            "switch more managers on, and run it again. If they will not come back, docs/growing.md has what to do instead",
        )
    } else if !leave.is_empty() && !is_majority(stay, left.saturating_sub(leave.len())) {
        (
            leave,
            "switch more managers on, or delete the [[node]] of those that will not come back as well, and run it again",
        )
    } else {
        return Ok(());
    };
    let what = format!(
        "{there} of {} managers answer, too few to go on without {}",
        all.len(),
        who.join(", ")
    );
    Err(Error::new(Category::Refused, what).with_remedy(remedy))
}

/// Asks all nodes what they know of the volume.
fn look(cluster: &Cluster, secrets: &Secrets, old: &OldNodes) -> Sticks {
    let stay = ask_all(cluster, &secrets.ssh_config_path(), &secrets.cluster_id);
    let stay = stay
        .into_iter()
        .filter_map(|(node, answer)| Some((node.name.to_string(), answer.ok()?)));
    Sticks::new(stay.collect(), old.ask(secrets))
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Nodes that answer as managers, of which the swarm lists `listed`. Those in capitals are to go.
    fn sticks(managers: &[&str], listed: &[&str]) -> Sticks {
        let reports = managers.iter().map(|node| {
            let report = json!({
                "cluster_id": "00", "node": node, "state": "done",
                "swarm": { "state": "active", "role": "manager", "managers": listed },
            });
            ((*node).to_owned(), serde_json::from_value(report).unwrap())
        });
        let (go, stay) = reports.partition(|(node, _)| node.chars().all(char::is_uppercase));
        Sticks::new(stay, go)
    }

    #[test]
    fn managers_go_only_while_most_of_them_answer() {
        let may = |answer: &[&str], all: &[&str], go: &[&str]| {
            require_managers_without(go, all.to_vec(), &sticks(answer, &[])).map_err(|error| {
                assert_eq!(error.category(), Category::Refused);
                error.to_string()
            })
        };
        may(&["a", "b", "C"], &["a", "b", "C"], &["C"]).unwrap();
        may(&["a", "b"], &["a", "b", "C"], &["C"]).unwrap();
        // A worker.
        may(&["a"], &["a", "b"], &["c"]).unwrap();
        // A live one leaves beside a dead one: only together with it, or when enough of the others are there.
        let error = may(&["a", "C"], &["a", "b", "C"], &["C"]).unwrap_err();
        assert!(error.contains("without C"), "{error}");
        may(&["a", "C"], &["a", "B", "C"], &["B", "C"]).unwrap();
        may(&["a", "C", "d"], &["a", "b", "C", "d"], &["C"]).unwrap();
        // The only one is dead, and the file has another one that the swarm does not know.
        let error = may(&[], &["b", "A"], &["A"]).unwrap_err();
        assert!(error.contains("0 of 2"), "{error}");
    }

    #[test]
    fn the_swarm_knows_its_managers_better_than_the_description() {
        let of = |listed: &[&str], go: &[&str]| {
            require_managers_without(go, vec!["a", "b", "C"], &sticks(&["a"], listed))
        };
        // Neither has the swarm C any more, nor has it made b a manager.
        of(&["a"], &["C"]).unwrap();
        // It has one that the file calls a worker.
        of(&["a", "D"], &["D"]).unwrap_err();
    }
}
