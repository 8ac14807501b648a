//! The volume's sticks, as the nodes that answer see them while some of them are to go.

use std::collections::BTreeMap;

use crate::cluster::{Cluster, Node};
use crate::error::{Category, Error, Result};
use crate::status::{Report, Volume};

/// The reports of all nodes that answer.
pub(super) struct Sticks {
    /// Those of nodes that stay.
    stay: BTreeMap<String, Report>,
    /// Those of nodes that are to go.
    go: BTreeMap<String, Report>,
}

impl Sticks {
    pub(super) fn new(stay: Vec<(String, Report)>, go: Vec<(String, Report)>) -> Self {
        Self {
            stay: stay.into_iter().collect(),
            go: go.into_iter().collect(),
        }
    }

    /// Returns whether a node that is to go answers.
    pub(super) fn answers(&self, node: &str) -> bool {
        self.go.contains_key(node)
    }

    /// Returns whether anybody knows the brick of a node as one of the volume's.
    pub(super) fn is_in_volume(&self, node: &str) -> bool {
        self.members().iter().any(|member| member == node)
    }

    /// Returns whether a node says that it manages the swarm.
    pub(super) fn is_manager(&self, node: &str) -> bool {
        let report = self.stay.get(node).or_else(|| self.go.get(node));
        let swarm = report.and_then(|report| report.swarm.as_ref());
        swarm.is_some_and(|swarm| swarm.state == "active" && swarm.role == "manager")
    }

    /// Refuses to take a brick out of a full set when the volume has several and no spare stick can take its place.
    pub(super) fn require_spares_for(&self, names: &[&str], cluster: &Cluster, copies: usize) -> Result<()> {
        let members = self.members();
        let leaving = names.iter().filter(|name| self.is_in_volume(name)).count();
        let is_spare = |node: &&Node| {
            let name = node.name.as_str();
            node.brick.is_some() && !self.is_in_volume(name) && self.is_mounted(name)
        };
        let spare = cluster.nodes.iter().filter(is_spare).count();
        if members.len() <= copies || leaving <= spare {
            return Ok(());
        }
        let what = format!(
            "{}: a set of the volume would have too few copies, and {spare} sticks are spare",
            names.join(", ")
        );
        Err(Error::new(Category::Refused, what).with_remedy("add a node with a stick first"))
    }

    /// Returns the nodes whose bricks the volume has, in their order, as the node knows them that knows most.
    fn members(&self) -> &[String] {
        let reports = self.stay.values().chain(self.go.values());
        let members = reports.filter_map(|report| Some(&*report.volume.as_ref()?.members));
        members.max_by_key(|members| members.len()).unwrap_or_default()
    }

    /// Returns whether a stick is in use, and no stick of another node that stays lacks anything that it has.
    fn is_sound(&self, node: &str) -> bool {
        let volume = self.stay.get(node).and_then(|report| report.volume.as_ref());
        self.is_mounted(node)
            && volume.is_some_and(|volume| volume.mounted && self.blames(volume).next().is_none())
    }

    fn is_mounted(&self, node: &str) -> bool {
        let brick = self.stay.get(node).and_then(|report| report.brick.as_ref());
        brick.is_some_and(|brick| brick.state == "mounted")
    }

    /// Returns the nodes that stay among those that a node blames.
    fn blames<'a>(&'a self, volume: &'a Volume) -> impl Iterator<Item = &'a str> {
        let blames = volume.blames.iter().map(String::as_str);
        blames.filter(|node| self.stay.contains_key(*node))
    }

    /// Returns whether the sound sticks of a set are more than half of it, or half with the first.
    fn can_go_on(&self, set: &[String]) -> bool {
        let twice = set
            .iter()
            .filter(|member| self.is_sound(member))
            .count()
            .saturating_mul(2);
        twice > set.len() || (twice == set.len() && set.first().is_some_and(|first| self.is_sound(first)))
    }

    /// Refuses to go on without nodes that are off, unless in each set of `copies` sticks those that stay could go on alone and lack
    /// nothing. What only the others have would be lost.
    pub(super) fn require_all_files_without(&self, away: &[&str], copies: usize) -> Result<()> {
        let members = self.members();
        if away.is_empty() || (!members.is_empty() && !members.iter().any(|member| away.contains(&&**member)))
        {
            return Ok(());
        }
        let sound = members.iter().filter(|member| self.is_sound(member)).count();
        if !members.is_empty() && members.chunks(copies.max(1)).all(|set| self.can_go_on(set)) {
            return Ok(());
        }
        let what = format!(
            "{sound} of the volume's {} sticks are in use and complete, too few to do without {}, which cannot be reached",
            members.len(),
            away.join(", ")
        );
        Err(Error::new(Category::Refused, what).with_remedy(
            "switch it on, or the others, and wait until mkimage status shows them with nothing left to heal. A new card and a new stick for the \
             node that is off also fill it again",
        ))
    }

    /// Returns why the nodes `leaving` cannot go yet, if there is a reason. `generation` is the description that says that they leave.
    pub(super) fn reason_to_wait(
        &self,
        leaving: &[&str],
        generation: u64,
        has_volume: bool,
    ) -> Option<String> {
        if let Some(silent) = leaving.iter().find(|node| !self.answers(node)) {
            return Some(format!("{silent} does not answer any more"));
        }
        let all = || self.stay.iter().chain(&self.go);
        let knows = |report: &Report| {
            report
                .description
                .as_ref()
                .is_some_and(|known| known.generation >= generation)
        };
        if let Some((node, _)) = all().find(|(_, report)| !knows(report)) {
            return Some(format!("{node} has not heard of it yet"));
        }
        for (node, report) in all() {
            let Some(volume) = &report.volume else { continue };
            if let Some(member) = volume.members.iter().find(|member| leaving.contains(&&***member)) {
                return Some(format!(
                    "the stick of {member} is in the volume, as {node} knows it"
                ));
            }
            if let Some(lacking) = self.blames(volume).next() {
                return Some(format!("{lacking} has not every file yet"));
            }
        }
        let in_pool = |report: &Report| {
            report
                .volume
                .as_ref()
                .is_some_and(|volume| !volume.members.is_empty())
        };
        if let Some((node, _)) = self
            .go
            .iter()
            .find(|(node, report)| leaving.contains(&&***node) && in_pool(report))
        {
            return Some(format!("{node} is in the pool of sticks"));
        }
        if let Some(node) = leaving.iter().find(|node| self.is_manager(node)) {
            return Some(format!("{node} is a manager of the swarm"));
        }
        if self.members().is_empty() && has_volume {
            return Some("no node knows which sticks the volume has".to_owned());
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn report(node: &str, members: &[&str], blames: &[&str]) -> (String, Report) {
        let report = json!({
            "cluster_id": "00", "node": node, "state": "done", "description": { "generation": 4 },
            "brick": { "state": "mounted" },
            "volume": { "mounted": true, "members": members, "blames": blames },
        });
        (node.to_owned(), serde_json::from_value(report).unwrap())
    }

    const THREE: [&str; 3] = ["a", "b", "c"];

    #[test]
    fn without_a_node_that_is_off_the_others_need_every_file() {
        let of = |stay: &[(&str, &[&str])]| {
            let stay = stay.iter().map(|(node, blames)| report(node, &THREE, blames));
            Sticks::new(stay.collect(), Vec::new())
        };
        of(&[("a", &[]), ("b", &["c"])])
            .require_all_files_without(&["c"], 3)
            .unwrap();
        for sticks in [of(&[("a", &[])]), of(&[("a", &[]), ("b", &["a"])]), of(&[])] {
            let error = sticks.require_all_files_without(&["c"], 3).unwrap_err();
            assert_eq!(error.category(), Category::Refused);
        }
        // Nothing of a node without a stick can be missed.
        of(&[("a", &[])]).require_all_files_without(&["d"], 3).unwrap();
    }

    #[test]
    fn a_node_goes_when_its_stick_is_out_everywhere_and_the_others_have_every_file() {
        let of = |a: (&[&str], &[&str]), c: Option<&[&str]>| {
            let go = c.map(|members| report("c", members, &[]));
            Sticks::new(
                vec![report("a", a.0, a.1), report("b", a.0, &[])],
                go.into_iter().collect(),
            )
        };
        let two: &[&str] = &["a", "b"];
        let wait = |sticks: &Sticks, generation| sticks.reason_to_wait(&["c"], generation, true);
        assert_eq!(wait(&of((two, &["c"]), Some(&[])), 4), None);
        for (sticks, generation, reason) in [
            (of((two, &[]), None), 4, "c does not answer"),
            (of((two, &[]), Some(&[])), 5, "a has not heard"),
            (of((two, &[]), Some(two)), 4, "c is in the pool"),
            (
                of((&THREE, &[]), Some(two)),
                4,
                "the stick of c is in the volume, as a",
            ),
            (
                of((two, &[]), Some(&THREE)),
                4,
                "the stick of c is in the volume, as c",
            ),
            (of((two, &["b"]), Some(two)), 4, "b has not every file"),
            (of((&[], &[]), Some(&[])), 4, "no node knows"),
        ] {
            let said = wait(&sticks, generation).unwrap();
            assert!(said.starts_with(reason), "{said}");
        }
    }
}
