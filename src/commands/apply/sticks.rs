//! The volume's sticks, as the nodes that answer see them while some of them are to go.

use std::collections::BTreeMap;

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

    /// Returns the nodes whose bricks the volume has, in their order, as the node knows them that knows most.
    fn members(&self) -> &[String] {
        let reports = self.stay.values().chain(self.go.values());
        let members = reports.filter_map(|report| Some(&*report.volume.as_ref()?.members));
        members.max_by_key(|members| members.len()).unwrap_or_default()
    }

    /// Returns whether a stick is in use, and no stick of another node that stays lacks anything that it has.
    fn is_sound(&self, node: &str) -> bool {
        self.stay.get(node).is_some_and(|report| {
            let is_mounted = report
                .brick
                .as_ref()
                .is_some_and(|brick| brick.state == "mounted");
            is_mounted
                && report
                    .volume
                    .as_ref()
                    .is_some_and(|volume| volume.mounted && self.blames(volume).next().is_none())
        })
    }

    /// Returns the nodes that stay among those that a node blames.
    fn blames<'a>(&'a self, volume: &'a Volume) -> impl Iterator<Item = &'a str> {
        let blames = volume.blames.iter().map(String::as_str);
        blames.filter(|node| self.stay.contains_key(*node))
    }

    /// Refuses to go on without nodes that are off, unless the sticks that stay could go on as the volume: more than half of all, or
    /// half with the first, none of which lacks anything. What only the others have would be lost.
    pub(super) fn require_all_files_without(&self, away: &[&str]) -> Result<()> {
        let members = self.members();
        if away.is_empty() || (!members.is_empty() && !members.iter().any(|member| away.contains(&&**member)))
        {
            return Ok(());
        }
        let sound = members.iter().filter(|member| self.is_sound(member)).count();
        let has_first = members.first().is_some_and(|first| self.is_sound(first));
        let twice = sound.saturating_mul(2);
        if twice > members.len() || (twice == members.len() && has_first) {
            return Ok(());
        }
        let what = format!(
            "{sound} of the volume's {} sticks are in use and complete, too few to do without {}, which cannot be reached",
            members.len(),
            away.join(", ")
        );
        Err(Error::new(Category::Refused, what).with_remedy(
            "switch it on, or the others, and wait until mkimage status shows them with nothing left to heal; --force goes on without what \
             they lack",
        ))
    }

    /// Returns why the nodes `leaving` cannot go yet, if there is a reason. `generation` is the description that says that they leave.
    pub(super) fn reason_to_wait(&self, leaving: &[&str], generation: u64) -> Option<String> {
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
        if self.members().is_empty() {
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
    fn a_node_goes_when_its_stick_is_out_everywhere_and_the_others_have_every_file() {
        let of = |a: (&[&str], &[&str]), c: Option<&[&str]>| {
            let go = c.map(|members| report("c", members, &[]));
            Sticks::new(
                vec![report("a", a.0, a.1), report("b", a.0, &[])],
                go.into_iter().collect(),
            )
        };
        let two: &[&str] = &["a", "b"];
        let wait = |sticks: &Sticks, generation| sticks.reason_to_wait(&["c"], generation);
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
