//! The node's report, as `docs/architecture.md` describes it. Unknown keys are for newer versions of this program.

use serde::{Deserialize, Serialize};

/// What a node says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The cluster it belongs to, 32 hexadecimal digits.
    pub cluster_id: String,
    /// Its name.
    pub node: String,
    /// In a word.
    pub state: State,
    /// The stage that it is at.
    #[serde(default)]
    pub stage: String,
    /// When this was written, in seconds since 1970 by the node's clock.
    #[serde(default)]
    pub updated: u64,
    /// All stages in their order.
    #[serde(default)]
    pub stages: Vec<Stage>,
    /// Its IPv4 addresses.
    #[serde(default)]
    pub addresses: Vec<String>,
    /// Its part in the swarm.
    #[serde(default)]
    pub swarm: Option<Swarm>,
    /// Its stick.
    #[serde(default)]
    pub brick: Option<Brick>,
    /// The volume, as this node sees it.
    #[serde(default)]
    pub volume: Option<Volume>,
}

/// A node's state in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It goes on by itself.
    Working,
    /// All is as it should be.
    Done,
    /// It needs a person.
    Attention,
}

/// One stage of the first boot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// `clock`, `packages`, ...
    pub name: String,
    /// How it is.
    pub state: StageState,
    /// Since when, in seconds since 1970.
    #[serde(default)]
    pub since: u64,
    /// How often it was tried.
    #[serde(default)]
    pub tries: u64,
    /// Why it is not done, in words for a person.
    #[serde(default)]
    pub error: String,
}

/// How a stage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StageState {
    /// For another stage.
    Waiting,
    /// At work.
    Running,
    /// It failed and will be tried again.
    Retrying,
    /// Done.
    Done,
    /// It needs a person.
    Refused,
}

/// A node's part in the swarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swarm {
    /// As `docker info` says: `active`, `inactive`, `pending`, `locked`, `error`.
    pub state: String,
    /// `manager` or `worker`.
    #[serde(default)]
    pub role: String,
    /// Docker's id of the node.
    #[serde(default)]
    pub node_id: String,
}

/// A node's stick.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brick {
    /// `mounted`, or what is wrong in a word.
    pub state: String,
    /// Where it is plugged in.
    #[serde(default)]
    pub device: String,
    /// Bytes.
    #[serde(default)]
    pub size: u64,
    /// Bytes.
    #[serde(default)]
    pub used: u64,
    /// Why it is not in use.
    #[serde(default)]
    pub error: String,
}

/// The volume as a node sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Whether it is mounted.
    pub mounted: bool,
    /// Bricks that it has.
    #[serde(default)]
    pub bricks: u64,
    /// Bricks that answer.
    #[serde(default)]
    pub online: u64,
    /// Bricks that a complete volume has.
    #[serde(default)]
    pub replica: u64,
    /// Files that wait to be healed.
    #[serde(default)]
    pub heal_pending: u64,
}

impl Report {
    /// What holds the node up, if anything does: what a stage says, or what the stick says. Else what a stage that is done
    /// complains of.
    pub fn trouble(&self) -> Option<&str> {
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
    fn a_report_of_the_documented_form_is_understood() {
        let text = r#"{"version":1,"cluster":"homelab","cluster_id":"00","node":"pi4-2","role":"worker","state":"attention",
            "updated":1795000000,"booted":1794999000,"stage":"brick",
            "stages":[{"name":"clock","state":"done","since":1795000000,"tries":1,"error":""},
                      {"name":"brick","state":"refused","since":1795000000,"tries":3,"error":"the stick has somebody's files"}],
            "addresses":["192.168.1.32"],"swarm":{"state":"active","role":"worker","node_id":"x"},
            "brick":null,"volume":{"mounted":true,"bricks":4,"online":3,"replica":4,"heal_pending":7}}"#;
        let report: Report = serde_json::from_str(text).unwrap();
        assert_eq!(report.state, State::Attention);
        assert_eq!(report.trouble(), Some("the stick has somebody's files"));
        assert_eq!(report.volume.unwrap().heal_pending, 7);
    }
}
