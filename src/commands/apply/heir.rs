//! Somebody has to take the swarm over when managers become workers.

use crate::cluster::{Cluster, Role};
use crate::error::{Category, Error, Result};
use crate::identity::Secrets;
use crate::status::{Answers, Report, ask_all};

/// Refuses to make the nodes `demoted` workers while no manager by the cluster file is in the swarm that they manage: the new ones would
/// find no manager to join, and call the swarm lost. Where no manager of the swarm answers, it is lost.
pub(super) fn require_heir(cluster: &Cluster, secrets: &Secrets, demoted: &[String]) -> Result<()> {
    if demoted.is_empty() {
        return Ok(());
    }
    let answers = ask_all(cluster, &secrets.ssh_config_path(), &secrets.cluster_id);
    if has_heir(&answers, demoted) {
        return Ok(());
    }
    let new: Vec<_> = cluster.managers().map(|node| node.name.as_str()).collect();
    let what = format!(
        "{} manages the swarm, and {} is not in it, so nobody could take it over",
        demoted.join(", "),
        new.join(", ")
    );
    Err(Error::new(Category::Refused, what).with_remedy(
        "leave the old manager in place until mkimage status shows the new one in the swarm, and run it again",
    ))
}

fn has_heir(answers: &Answers<'_>, demoted: &[String]) -> bool {
    let in_swarm = |report: &Report| report.swarm.as_ref().is_some_and(|swarm| swarm.state == "active");
    let manages = |report: &Report| report.swarm.as_ref().is_some_and(|swarm| swarm.role == "manager");
    let reports = || {
        answers
            .iter()
            .filter_map(|(node, answer)| Some((node, answer.as_ref().ok()?)))
    };
    let is_lost = !reports().any(|(node, report)| {
        demoted.contains(&report.node) && node.role == Role::Worker && in_swarm(report) && manages(report)
    });
    is_lost || reports().any(|(node, report)| node.role == Role::Manager && in_swarm(report))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cluster::testing::cluster;

    #[test]
    fn the_last_manager_stays_one_until_another_is_in_the_swarm() {
        let mut cluster = cluster();
        cluster.nodes[0].role = Role::Worker;
        cluster.nodes[1].role = Role::Manager;
        let old = cluster.nodes[0].name.to_string();
        let demoted = [old];
        let answer = |at: usize, state: &str, role: &str| {
            let node = &cluster.nodes[at];
            let report = json!({
                "cluster_id": "00", "node": node.name.as_str(), "state": "done", "swarm": { "state": state, "role": role },
            });
            (
                node,
                serde_json::from_value::<Report>(report).map_err(|error| error.to_string()),
            )
        };
        let manager = || answer(0, "active", "manager");
        assert!(has_heir(
            &vec![manager(), answer(1, "active", "worker")],
            &demoted
        ));
        // It has another card, or none yet.
        assert!(!has_heir(
            &vec![manager(), answer(1, "inactive", "worker")],
            &demoted
        ));
        assert!(!has_heir(
            &vec![manager(), (&cluster.nodes[1], Err("off".to_owned()))],
            &demoted
        ));
        // The old one is dead.
        let dead = (&cluster.nodes[0], Err("off".to_owned()));
        assert!(has_heir(&vec![dead, answer(1, "inactive", "worker")], &demoted));
    }
}
