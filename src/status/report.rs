//! The node's report, described in `docs/architecture.md`. Unknown keys, from newer versions, are ignored.

use serde::{Deserialize, Serialize};

/// A node's report about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// 32 hexadecimal digits.
    pub cluster_id: String,
    pub node: String,
    pub state: State,
    /// The current stage.
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
    #[serde(default)]
    pub swarm: Option<Swarm>,
    #[serde(default)]
    pub brick: Option<Brick>,
    #[serde(default)]
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

/// The state of a stage.
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

/// A node's role in the swarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swarm {
    /// From `docker info`: `active`, `inactive`, `pending`, `locked` or `error`.
    pub state: String,
    /// `manager` or `worker`.
    #[serde(default)]
    pub role: String,
    #[serde(default)]
    pub node_id: String,
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
    /// The number of files waiting to be healed.
    #[serde(default)]
    pub heal_pending: u64,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_in_the_documented_format_can_be_read() {
        let text = r#"{"version":1,"cluster":"homelab","cluster_id":"00","node":"pi4-2","role":"worker","state":"attention",
            "updated":1795000000,"booted":1794999000,"stage":"brick",
            "stages":[{"name":"clock","state":"done","since":1795000000,"tries":1,"error":""},
                      {"name":"brick","state":"refused","since":1795000000,"tries":3,"error":"the stick has somebody's files"}],
            "addresses":["192.168.1.32"],"swarm":{"state":"active","role":"worker","node_id":"x"},
            "brick":null,"volume":{"mounted":true,"bricks":4,"online":3,"replica":4,"heal_pending":7}}"#;
        let report: Report = serde_json::from_str(text).unwrap();
        assert_eq!(report.state, State::Attention);
        assert_eq!(report.problem(), Some("the stick has somebody's files"));
        assert_eq!(report.volume.unwrap().heal_pending, 7);
    }
}
