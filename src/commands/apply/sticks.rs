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

    /// Returns the names of the swarm's managers by its own list. Without a leader there is none.
    pub(super) fn managers(&self) -> Vec<&str> {
        let reports = self.stay.values().chain(self.go.values());
        let lists = reports.filter_map(|report| Some(&report.swarm.as_ref()?.managers));
        let longest = lists.max_by_key(|list| list.len());
        longest.into_iter().flatten().map(String::as_str).collect()
    }

    /// Refuses to take a brick out of a place of the volume that has to be filled, unless a spare stick of its kind can fill it.
    pub(super) fn require_spares_for(&self, names: &[&str], cluster: &Cluster) -> Result<()> {
        for is_arbiter in [false, true] {
            let leaving = self.bricks_of(names, is_arbiter);
            let spare = self.spares(cluster, is_arbiter);
            // Gluster turns two copies with an arbiter into two copies, and into nothing else.
            let is_needed = self.has_sets() || (self.has_arbiter() && !is_arbiter);
            if !is_needed || leaving.len() <= spare {
                continue;
            }
            let kind = if is_arbiter { "arbiter" } else { "stick with data" };
            let what = format!(
                "{}: no set of the volume goes or gets smaller, so another {kind} takes each place, and {spare} are spare",
                leaving.join(", ")
            );
            return Err(Error::new(Category::Refused, what).with_remedy(format!(
                "add a node with {} first, and take the other out when mkimage status calls the new stick a spare",
                if is_arbiter { "an arbiter's stick" } else { "a stick" }
            )));
        }
        Ok(())
    }

    /// Refuses to take out half of a set or more at once: the sticks that stay decide what a file is, and with fewer the volume would
    /// change nothing any more.
    pub(super) fn require_majority_without(&self, names: &[&str]) -> Result<()> {
        let goes = |member: &String| names.contains(&member.as_str());
        for set in self.members().chunks(self.copies()) {
            let leaving: Vec<_> = set
                .iter()
                .filter(|member| goes(member))
                .map(String::as_str)
                .collect();
            let twice = set.len().saturating_sub(leaving.len()).saturating_mul(2);
            let has_first = set.first().is_some_and(|first| !goes(first));
            if leaving.is_empty() || twice > set.len() || (twice == set.len() && has_first) {
                continue;
            }
            let what = format!(
                "{} have {} of the {} copies of some files, and the sticks that stay would be too few to go on",
                leaving.join(", "),
                leaving.len(),
                set.len()
            );
            return Err(Error::new(Category::Refused, what).with_remedy(
                "delete the [[node]] of one of them only, and the next one when mkimage apply is done. Three sticks cannot become fewer",
            ));
        }
        Ok(())
    }

    /// Refuses to leave two sticks where there were more, which a change of a node's name would do: of two, nothing tells which is right.
    pub(super) fn require_more_than_two_without(&self, names: &[&str], cluster: &Cluster) -> Result<()> {
        match self.copies_without(names, cluster) {
            Some((now, 2)) if now > 2 && !self.has_arbiter() => {
                let what = format!(
                    "without {} the volume would have two copies, and nothing would tell which one is right when they lose contact",
                    self.bricks_of(names, false).join(", ")
                );
                Err(Error::new(Category::Refused, what).with_remedy(
                    "put its [[node]] back, add the other node beside it, and delete the old one when mkimage status shows the new stick",
                ))
            }
            _ => Ok(()),
        }
    }

    /// Returns how many copies of each file there are now, and how many there are when nodes have gone, if that differs.
    pub(super) fn copies_without(&self, names: &[&str], cluster: &Cluster) -> Option<(usize, usize)> {
        let now = self
            .members()
            .len()
            .saturating_sub(usize::from(self.has_arbiter()));
        let leaving = self.bricks_of(names, false).len();
        let lost = leaving.saturating_sub(self.spares(cluster, false));
        (!self.has_sets() && lost > 0).then(|| (now, now.saturating_sub(lost)))
    }

    /// Returns those of the nodes whose bricks in the volume are arbiters, or are not.
    fn bricks_of<'a>(&self, names: &[&'a str], is_arbiter: bool) -> Vec<&'a str> {
        let is_of_the_kind = |name: &str| {
            let position = self.members().iter().position(|member| member == name)?;
            let last = self.has_arbiter() && position.saturating_add(1) % self.copies() == 0;
            Some(last == is_arbiter)
        };
        let names = names.iter().copied();
        names.filter(|name| is_of_the_kind(name) == Some(true)).collect()
    }

    /// Returns the number of sticks that are ready to become arbiters, or bricks with data.
    fn spares(&self, cluster: &Cluster, is_arbiter: bool) -> usize {
        let arbiters = cluster
            .gluster
            .as_ref()
            .map(|gluster| &*gluster.arbiters)
            .unwrap_or_default();
        let is_spare = |node: &&Node| {
            let name = node.name.as_str();
            node.brick.is_some()
                && arbiters.contains(&node.name) == is_arbiter
                && !self.is_in_volume(name)
                && self.is_mounted(name)
        };
        cluster.nodes.iter().filter(is_spare).count()
    }

    /// Returns the volume as the node knows it that knows most of its bricks.
    fn volume(&self) -> Option<&Volume> {
        let reports = self.stay.values().chain(self.go.values());
        let volumes = reports.filter_map(|report| report.volume.as_ref());
        volumes.max_by_key(|volume| volume.members.len())
    }

    /// Returns the nodes whose bricks the volume has, in their order.
    fn members(&self) -> &[String] {
        self.volume().map(|volume| &*volume.members).unwrap_or_default()
    }

    /// Returns the number of bricks in a set, which is the volume's own: the description may have the next one.
    fn copies(&self) -> usize {
        match self.volume() {
            Some(Volume {
                copies: 0, members, ..
            }) => members.len().max(1),
            Some(volume) => volume.copies,
            None => 1,
        }
    }

    fn has_sets(&self) -> bool {
        self.members().len() > self.copies()
    }

    fn has_arbiter(&self) -> bool {
        self.volume().is_some_and(|volume| volume.arbiter)
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

    /// Refuses to go on while no node knows the volume's bricks, and without nodes that are off, unless in each set those that stay could
    /// go on alone and lack nothing. What only the others have would be lost.
    pub(super) fn require_all_files_without(&self, away: &[&str]) -> Result<()> {
        let members = self.members();
        if members.is_empty() {
            let what = "no node that answers knows yet which sticks the volume has";
            return Err(Error::new(Category::Refused, what)
                .with_remedy("wait until mkimage status shows the volume, and run it again"));
        }
        let sound = members.iter().filter(|member| self.is_sound(member)).count();
        if !members.iter().any(|member| away.contains(&&**member))
            || members.chunks(self.copies()).all(|set| self.can_go_on(set))
        {
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
            return Some(format!(
                "{silent} does not answer any more; if it will not come back, stop this with Ctrl-C and run it again"
            ));
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
            let mut silent = self
                .managers()
                .into_iter()
                .filter(|manager| !self.is_manager(manager));
            return Some(match silent.next() {
                Some(silent) => {
                    format!("{node} is a manager of the swarm, and the manager {silent} does not answer")
                }
                None => format!("{node} is a manager of the swarm"),
            });
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
    use crate::cluster::{Model, NodeName, Role, testing};

    fn report(node: &str, members: &[&str], blames: &[&str]) -> (String, Report) {
        let report = json!({
            "cluster_id": "00", "node": node, "state": "done", "description": { "generation": 4 },
            "brick": { "state": "mounted" },
            "volume": { "mounted": true, "members": members, "blames": blames, "copies": members.len().min(4) },
        });
        (node.to_owned(), serde_json::from_value(report).unwrap())
    }

    /// Nodes that know `members` as the volume's, each `copies` of them as a set.
    fn volume(stay: &[&str], go: &[&str], members: &[&str], copies: usize, arbiter: bool) -> Sticks {
        let report = |node: &&str| {
            let (name, mut report) = report(node, members, &[]);
            let volume = report.volume.as_mut().unwrap();
            (volume.copies, volume.arbiter) = (copies, arbiter);
            (name, report)
        };
        Sticks::new(stay.iter().map(report).collect(), go.iter().map(report).collect())
    }

    /// A cluster with a stick on each node.
    fn with_sticks(names: &[&str], arbiters: &[&str]) -> Cluster {
        let mut lab = testing::cluster();
        let of = |name: &&str| testing::node(name, Role::Worker, Model::Pi4, "dhcp");
        lab.nodes = names.iter().map(of).collect();
        let arbiters = arbiters.iter().map(|name| NodeName::parse(name).unwrap());
        lab.gluster.as_mut().unwrap().arbiters = arbiters.collect();
        lab
    }

    const FOUR: [&str; 4] = ["a", "b", "c", "d"];
    const SIX: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

    const THREE: [&str; 3] = ["a", "b", "c"];

    #[test]
    fn without_a_node_that_is_off_the_others_need_every_file() {
        let of = |stay: &[(&str, &[&str])]| {
            let stay = stay.iter().map(|(node, blames)| report(node, &THREE, blames));
            Sticks::new(stay.collect(), Vec::new())
        };
        of(&[("a", &[]), ("b", &["c"])])
            .require_all_files_without(&["c"])
            .unwrap();
        for sticks in [of(&[("a", &[])]), of(&[("a", &[]), ("b", &["a"])]), of(&[])] {
            let error = sticks.require_all_files_without(&["c"]).unwrap_err();
            assert_eq!(error.category(), Category::Refused);
        }
        // Nothing of a node without a stick can be missed.
        of(&[("a", &[])]).require_all_files_without(&["d"]).unwrap();
    }

    #[test]
    fn a_removal_that_was_stopped_goes_on() {
        // The description has one copy less already, and the volume has not.
        let lab = with_sticks(&THREE, &[]);
        let leaves = volume(&THREE, &["d"], &FOUR, 4, false);
        leaves.require_all_files_without(&[]).unwrap();
        leaves.require_spares_for(&["d"], &lab).unwrap();
        // It has died while it left.
        let dead = volume(&THREE, &[], &FOUR, 4, false);
        dead.require_all_files_without(&["d"]).unwrap();
        dead.require_spares_for(&["d"], &lab).unwrap();
    }

    #[test]
    fn nobody_goes_while_the_sticks_of_the_volume_are_not_known() {
        let after_a_power_cut = volume(&["a", "b"], &["c"], &[], 0, false);
        let error = after_a_power_cut.require_all_files_without(&[]).unwrap_err();
        assert!(error.to_string().contains("which sticks"), "{error}");
    }

    #[test]
    fn a_place_in_a_set_is_filled_by_a_spare_of_its_kind() {
        let may = |file: &[&str], arbiters: &[&str], go: &[&str], members: &[&str], arbiter: bool| {
            let stay: Vec<_> = file.iter().copied().filter(|node| !go.contains(node)).collect();
            let lab = with_sticks(&stay, arbiters);
            volume(&stay, go, members, 3, arbiter).require_spares_for(go, &lab)
        };
        let seven = ["a", "b", "c", "d", "e", "f", "g"];
        may(&seven, &[], &["b"], &SIX, false).unwrap();
        may(&seven, &[], &["b", "c"], &SIX, false).unwrap_err();
        let error = may(&SIX, &[], &["d", "e", "f"], &SIX, false).unwrap_err();
        assert!(error.to_string().contains("no set of the volume goes"), "{error}");
        // c and f are arbiters, and g is a spare with data, or an arbiter's.
        may(&seven, &["c"], &["f"], &SIX, true).unwrap_err();
        may(&seven, &["c", "g"], &["f"], &SIX, true).unwrap();
        may(&seven, &["c", "g"], &["d"], &SIX, true).unwrap_err();
        may(&seven, &["c", "f"], &["d"], &SIX, true).unwrap();
        // Two sticks with data and an arbiter: the arbiter may go.
        may(&FOUR, &["c"], &["b"], &THREE, true).unwrap();
        may(&THREE, &["c"], &["b"], &THREE, true).unwrap_err();
        may(&FOUR, &[], &["c"], &THREE, true).unwrap();
    }

    #[test]
    fn the_plan_knows_how_many_copies_are_left() {
        let left = |members: &[&str], stay: &[&str], go: &[&str], copies: usize| {
            volume(stay, go, members, copies, false).copies_without(go, &with_sticks(stay, &[]))
        };
        assert_eq!(left(&FOUR, &THREE, &["d"], 4), Some((4, 3)));
        assert_eq!(left(&FOUR, &["a", "b", "c", "e"], &["d"], 4), None);
        assert_eq!(left(&FOUR, &FOUR, &["e"], 4), None);
        assert_eq!(left(&SIX, &["a", "b", "c", "d", "e", "g"], &["f"], 3), None);
        // Two with data and an arbiter are two copies.
        let lab = with_sticks(&["a", "b", "d"], &[]);
        let arbiter = volume(&["a", "b"], &["c"], &THREE, 3, true);
        assert_eq!(arbiter.copies_without(&["c"], &lab), None);
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
