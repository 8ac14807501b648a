//! The nodes' progress: each node's `/run/mkimage/status.json`, read with the user's own ssh and the cluster's pinned host
//! keys.

use std::path::Path;
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::cluster::{Cluster, Node, NodeName};
use crate::ssh;

/// Prints a node's report and its own time.
pub(crate) const COMMAND: &str = "cat /run/mkimage/status.json && date +%s";

/// Time for a node to answer: connecting (5 s by `ConnectTimeout`), then logging in on a busy Pi 3.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(20);
/// In seconds. A report is written every ten seconds; if the last one is older than this, the node hangs.
const MAX_REPORT_AGE: u64 = 120;

/// A node's report about itself, described in `docs/architecture.md`. Unknown keys, from newer versions, are ignored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// 32 hexadecimal digits.
    pub cluster_id: String,
    pub node: String,
    pub state: State,
    #[serde(default)]
    pub stage: String,
    /// The time of writing, in seconds since 1970 by the node's clock.
    #[serde(default)]
    pub updated: u64,
    /// In order.
    #[serde(default)]
    pub stages: Vec<Stage>,
    /// IPv4.
    #[serde(default)]
    pub addresses: Vec<String>,
    pub description: Option<Description>,
    pub private: Option<Private>,
    pub swarm: Option<Swarm>,
    pub brick: Option<Brick>,
    pub volume: Option<Volume>,
}

/// A node's state, summarised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// The first boot is running.
    Working,
    /// Everything is set up.
    Done,
    /// The user must act.
    Attention,
}

/// One stage of the first boot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// `clock`, `packages`, ...
    pub name: String,
    pub state: StageState,
    /// The time of its last change, in seconds since 1970.
    #[serde(default)]
    pub since: u64,
    #[serde(default)]
    pub tries: u64,
    /// A message for the user that says why it is not done.
    #[serde(default)]
    pub error: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StageState {
    /// Waits for another stage.
    Waiting,
    Running,
    /// Failed and will be tried again.
    Retrying,
    Done,
    /// The user must act.
    Refused,
}

/// The cluster's description that a node has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// Its number.
    pub generation: u64,
}

/// The private network as a node sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Private {
    /// This node's own, IPv4.
    pub address: String,
    /// The nodes that do not answer there.
    #[serde(default)]
    pub unreachable: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swarm {
    /// From `docker info`: `active`, `inactive`, `pending`, `locked` or `error`.
    pub state: String,
    /// `manager` or `worker`.
    #[serde(default)]
    pub role: String,
    #[serde(default)]
    pub node_id: String,
    /// The nodes that the swarm counts as its managers, as one of them sees it while the swarm has a leader.
    #[serde(default)]
    pub managers: Vec<String>,
}

/// A node's stick.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brick {
    /// `mounted`, or the problem in one word.
    pub state: String,
    #[serde(default)]
    pub device: String,
    /// Capacity in bytes.
    #[serde(default)]
    pub size: u64,
    /// Bytes in use.
    #[serde(default)]
    pub used: u64,
    /// A message for the user that says why it is not in use.
    #[serde(default)]
    pub error: String,
}

/// The volume as a node sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    pub mounted: bool,
    /// The number of bricks it has.
    #[serde(default)]
    pub bricks: u64,
    /// The number of bricks that answer.
    #[serde(default)]
    pub online: u64,
    /// The number of bricks in a complete volume.
    #[serde(default)]
    pub replica: u64,
    /// The number of bricks in one of its sets, an arbiter's among them; 0 from a node that does not tell.
    #[serde(default)]
    pub copies: usize,
    /// True if the last brick of each set is an arbiter's.
    #[serde(default)]
    pub arbiter: bool,
    /// The number of files waiting to be healed.
    #[serde(default)]
    pub heal_pending: u64,
    /// The nodes whose bricks it has, in their order.
    #[serde(default)]
    pub members: Vec<String>,
    /// Those of them whose bricks lack something that this node's brick has.
    #[serde(default)]
    pub blames: Vec<String>,
}

impl Report {
    /// Returns the message about what blocks the node: from a stage or its stick, otherwise from a stage that is done.
    pub fn problem(&self) -> Option<&str> {
        let stage = |wanted: StageState| {
            self.stages
                .iter()
                .find(|stage| stage.state == wanted && !stage.error.is_empty())
                .map(|stage| stage.error.as_str())
        };
        stage(StageState::Refused)
            .or_else(|| stage(StageState::Retrying))
            .or_else(|| {
                self.brick
                    .as_ref()
                    .map(|brick| brick.error.as_str())
                    .filter(|error| !error.is_empty())
            })
            .or_else(|| stage(StageState::Done))
    }
}

/// Reads a node's report over ssh. The node must belong to the cluster with `cluster_id`. The error is a message for the
/// user that says why there is no report.
pub fn ask(node: &NodeName, ssh_config: &Path, cluster_id: &str) -> Result<Report, String> {
    let answer = ssh::run(node, ssh_config, COMMAND, b"", TIMEOUT)?;
    parse_answer(node, &answer, cluster_id)
}

/// Parses the report, followed by the node's own time in seconds since 1970.
pub(crate) fn parse_answer(node: &NodeName, answer: &str, cluster_id: &str) -> Result<Report, String> {
    let (report, now) = match answer.trim_end().rsplit_once('\n') {
        Some((report, now)) => (report, now.trim().parse::<u64>().ok()),
        None => (answer, None),
    };
    let report: Report =
        serde_json::from_str(report).map_err(|error| format!("its report cannot be read: {error}"))?;
    if report.cluster_id != cluster_id {
        return Err("it belongs to another cluster".to_owned());
    }
    if report.node != node.as_str() {
        return Err(format!("it calls itself {}", report.node));
    }
    let age = now.map_or(0, |now| now.saturating_sub(report.updated));
    if report.updated > 0 && age > MAX_REPORT_AGE {
        return Err(format!(
            "its last report is {} minutes old: its card may be dying; switch it off and on",
            age / 60
        ));
    }
    Ok(report)
}

/// Each node of a cluster with its report, or why there is none.
pub(crate) type Answers<'a> = Vec<(&'a Node, Result<Report, String>)>;

/// Asks every node at once.
pub(crate) fn ask_all<'a>(cluster: &'a Cluster, ssh_config: &Path, cluster_id: &str) -> Answers<'a> {
    thread::scope(|scope| {
        let asked: Vec<_> = cluster
            .nodes
            .iter()
            .map(|node| (node, scope.spawn(|| ask(&node.name, ssh_config, cluster_id))))
            .collect();
        let asked = asked.into_iter().map(|(node, thread)| {
            let failed = |_| Err("asking it failed".to_owned());
            (node, thread.join().unwrap_or_else(failed))
        });
        asked.collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_of_another_cluster_or_node_is_refused() {
        let node = NodeName::parse("pi4-2").unwrap();
        let report = |cluster: &str, name: &str| {
            format!(r#"{{"cluster_id":"{cluster}","node":"{name}","state":"done"}}"#)
        };
        assert!(parse_answer(&node, &report("ab", "pi4-2"), "ab").is_ok());
        for wrong in [
            report("cd", "pi4-2"),
            report("ab", "pi4-1"),
            "{}".to_owned(),
            String::new(),
        ] {
            assert!(parse_answer(&node, &wrong, "ab").is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_node_that_hangs_does_not_stay_done() {
        let node = NodeName::parse("pi4-2").unwrap();
        let answer = |now: u64| {
            format!(
                "{{\"cluster_id\":\"ab\",\"node\":\"pi4-2\",\"state\":\"done\",\"updated\":1795000000}}\n{now}\n"
            )
        };
        assert!(parse_answer(&node, &answer(1_795_000_030), "ab").is_ok());
        let error = parse_answer(&node, &answer(1_795_000_600), "ab").unwrap_err();
        assert!(error.contains("10 minutes"), "{error}");
    }

    #[test]
    fn a_report_in_the_documented_format_can_be_read() {
        let text = r#"{"version":1,"cluster":"homelab","cluster_id":"00","node":"pi4-2","role":"worker","state":"attention",
            "updated":1795000000,"booted":1794999000,"stage":"brick",
            "stages":[{"name":"clock","state":"done","since":1795000000,"tries":1,"error":""},
                      {"name":"brick","state":"refused","since":1795000000,"tries":3,"error":"the stick has somebody's files"}],
            "addresses":["192.168.1.32"],"description":{"generation":3},"private":{"address":"10.77.0.2","unreachable":["pi4-1"]},"swarm":{"state":"active","role":"worker","node_id":"x"},
            "brick":null,"volume":{"mounted":true,"bricks":4,"online":3,"replica":4,"heal_pending":7,"members":["pi4-1","pi4-2"],"blames":["pi4-1"]}}"#;
        let report: Report = serde_json::from_str(text).unwrap();
        assert_eq!(report.state, State::Attention);
        assert_eq!(report.problem(), Some("the stick has somebody's files"));
        assert_eq!(report.private.unwrap().unreachable, ["pi4-1"]);
        assert_eq!(report.volume.unwrap().heal_pending, 7);
    }
}
