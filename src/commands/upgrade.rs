//! `mkimage upgrade`: installs the updates of the nodes' own Debian release, one node after the other, while the cluster goes on.

use std::thread;
use std::time::{Duration, Instant};

use super::remote_task::RemoteTask;
use super::{apply, drain};
use crate::cluster::{Cluster, Node, Role};
use crate::error::{Category, Error, Result};
use crate::identity::Secrets;
use crate::progress::Progress as _;
use crate::session::Session;
use crate::ssh;
use crate::status::{Answers, Report, State, ask_all};

/// Tells one start of a system from the next one (random(4)).
const BOOT_ID: &str = "cat /proc/sys/kernel/random/boot_id";

const TIMEOUT: Duration = Duration::from_secs(30);

/// A slow card can need an hour for a new kernel and Docker.
const INSTALL_TIMEOUT: Duration = Duration::from_secs(2 * 3600);

/// A Pi is back within two minutes; a file system that is checked takes longer.
const RESTART_TIMEOUT: Duration = Duration::from_secs(1200);

/// Files that were written while the node was away are healed in that time.
const HEAL_TIMEOUT: Duration = Duration::from_secs(3600);

/// The swarm's leader gives containers back to the node after this time if this computer goes away.
const DRAINED: Duration = Duration::from_secs(3 * 3600);

const PAUSE: Duration = Duration::from_secs(5);

pub(super) fn run(session: &Session, names: &[String], yes: bool) -> Result<()> {
    let loaded = session.cluster_quietly()?;
    let cluster = &loaded.cluster;
    let nodes = in_order(cluster, names)?;
    let folder = apply::folder_in_use(session, cluster, "upgrade")?;
    let secrets = Secrets::open_or_create(&folder, cluster)?;
    let upgrade = Upgrade {
        session,
        cluster,
        secrets: &secrets,
    };
    if let Some(reason) = upgrade.reason_to_wait() {
        let what = format!("the cluster is not well: {reason}");
        return Err(Error::new(Category::Refused, what).with_remedy(
            "an upgrade takes one node away at a time, so all others have to be well; see mkimage status",
        ));
    }
    let listed: Vec<_> = nodes.iter().map(|node| node.name.as_str()).collect();
    session.bars.say(&format!(
        "{}, one after the other: the containers move away, all updates of its Debian release are installed, it restarts if they need \
         that, and the next one follows when nothing is left to heal. With few nodes a service can stop for some minutes.",
        listed.join(", ")
    ));
    if !yes {
        apply::confirm()?;
    }
    for node in nodes {
        upgrade.node(node)?;
    }
    Ok(())
}

/// Returns the nodes with these names, or all: workers before managers, and the first manager at the end.
fn in_order<'a>(cluster: &'a Cluster, names: &[String]) -> Result<Vec<&'a Node>> {
    let mut nodes = apply::chosen(cluster, names, names.is_empty())?;
    nodes.sort_by_key(|node| node.role == Role::Manager);
    let managers = nodes.partition_point(|node| node.role != Role::Manager);
    if let Some(managers) = nodes.get_mut(managers..) {
        managers.reverse();
    }
    Ok(nodes)
}

/// The result of an installation.
enum Installed {
    Done,
    NeedsRestart,
}

struct Upgrade<'a> {
    session: &'a Session,
    cluster: &'a Cluster,
    secrets: &'a Secrets,
}

impl Upgrade<'_> {
    fn node(&self, node: &Node) -> Result<()> {
        let name = node.name.as_str();
        let begun = Instant::now();
        self.say(name, "its containers move away");
        drain::drain(self.cluster, self.secrets, &[name], DRAINED);
        let installed = self.install(node);
        if let Ok(Installed::NeedsRestart) = installed {
            self.restart(node)?;
        }
        if installed.is_err() {
            drain::give_back(self.cluster, self.secrets, name);
        }
        installed?;
        self.wait_until_well(name)?;
        if !drain::give_back(self.cluster, self.secrets, name) {
            self.session.bars.warn(&format!(
                "{name}: no manager has given it containers again; within hours the swarm does, or on a manager: sudo docker node update \
                 --availability active {name}"
            ));
        }
        let minutes = begun.elapsed().as_secs().div_ceil(60);
        self.say(name, &format!("up to date, after {minutes} min"));
        Ok(())
    }

    fn install(&self, node: &Node) -> Result<Installed> {
        self.say(node.name.as_str(), "installing updates");
        let task = RemoteTask {
            name: "system-update",
            program: "system-update".to_owned(),
            doing: "installing updates",
            patience: INSTALL_TIMEOUT,
        };
        Ok(match task.run(node, self.secrets)?.as_str() {
            "restart" => Installed::NeedsRestart,
            _ => Installed::Done,
        })
    }

    fn restart(&self, node: &Node) -> Result<()> {
        let name = node.name.as_str();
        self.say(name, "restarting");
        let before = self.ask(node, BOOT_ID).unwrap_or_default();
        // The connection can end before the answer.
        let _ = self.ask(node, "sudo -n systemctl reboot");
        let begun = Instant::now();
        loop {
            thread::sleep(PAUSE);
            if self
                .ask(node, BOOT_ID)
                .is_ok_and(|now| !now.trim().is_empty() && now != before)
            {
                return Ok(());
            }
            if begun.elapsed() > RESTART_TIMEOUT {
                let what = format!("{name} has not come back from its restart");
                return Err(Error::new(Category::Network, what)
                    .with_remedy("switch it off and on; the others were not touched, and running it again goes on from here"));
            }
        }
    }

    /// Waits until all nodes are well, so that the next one can be taken away.
    fn wait_until_well(&self, name: &str) -> Result<()> {
        let begun = Instant::now();
        let mut said = String::new();
        while let Some(reason) = self.reason_to_wait() {
            if begun.elapsed() > HEAL_TIMEOUT {
                let what = format!("after {name} the cluster does not get well: {reason}");
                return Err(Error::new(Category::Network, what)
                    .with_remedy("see mkimage status; running it again goes on from here"));
            }
            if reason != said {
                self.say(name, &format!("waiting: {reason}"));
                said = reason;
            }
            thread::sleep(PAUSE);
        }
        Ok(())
    }

    fn reason_to_wait(&self) -> Option<String> {
        reason_to_wait(&ask_all(
            self.cluster,
            &self.secrets.ssh_config_path(),
            &self.secrets.cluster_id,
        ))
    }

    fn ask(&self, node: &Node, command: &str) -> Result<String, String> {
        ssh::run(&node.name, &self.secrets.ssh_config_path(), command, b"", TIMEOUT)
    }

    fn say(&self, name: &str, what: &str) {
        self.session.bars.say(&format!("{name}: {what}"));
    }
}

/// Returns why no node can be taken away now, if there is a reason.
fn reason_to_wait(answers: &Answers) -> Option<String> {
    answers.iter().find_map(|(node, answer)| {
        let name = &node.name;
        match answer {
            Err(why) => Some(format!("{name}: {why}")),
            Ok(report) => missing(report).map(|what| format!("{name} {what}")),
        }
    })
}

fn missing(report: &Report) -> Option<String> {
    if report.state != State::Done {
        return Some(report.problem().map_or_else(
            || "is not done yet".to_owned(),
            |problem| format!("is not done yet: {problem}"),
        ));
    }
    let volume = report.volume.as_ref()?;
    if !volume.mounted {
        return Some("has not mounted the volume".to_owned());
    }
    if volume.online < volume.bricks {
        return Some(format!("reaches {} of {} sticks", volume.online, volume.bricks));
    }
    if volume.heal_pending > 0 {
        return Some(format!("has {} files to heal", volume.heal_pending));
    }
    (!volume.blames.is_empty()).then(|| format!("has files that {} lacks", volume.blames.join(", ")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cluster::testing::cluster;

    #[test]
    fn managers_come_after_workers_and_the_first_one_last() {
        let mut cluster = cluster();
        cluster.nodes[1].role = Role::Manager;
        let all = in_order(&cluster, &[]).unwrap();
        let names: Vec<_> = all.iter().map(|node| node.name.as_str()).collect();
        let (first, second) = (cluster.nodes[0].name.as_str(), cluster.nodes[1].name.as_str());
        assert_eq!(names.len(), cluster.nodes.len());
        assert!(names.ends_with(&[second, first]), "{names:?}");
        let some = in_order(&cluster, &[first.to_owned(), names[0].to_owned()]).unwrap();
        assert_eq!(some.len(), 2);
        assert_eq!(some[1].name.as_str(), first);
        assert!(in_order(&cluster, &["pi9".to_owned()]).is_err());
    }

    #[test]
    fn no_node_is_taken_away_from_a_cluster_that_is_not_well() {
        let missing = |state: &str, volume: serde_json::Value| {
            let report = json!({ "cluster_id": "00", "node": "a", "state": state, "volume": volume });
            missing(&serde_json::from_value(report).unwrap())
        };
        let well = json!({ "mounted": true, "bricks": 3, "online": 3, "heal_pending": 0 });
        assert_eq!(missing("done", well.clone()), None);
        assert_eq!(missing("done", serde_json::Value::Null), None);
        assert!(missing("working", well).is_some());
        for not_well in [
            json!({ "mounted": false, "bricks": 3, "online": 3 }),
            json!({ "mounted": true, "bricks": 3, "online": 2 }),
            json!({ "mounted": true, "bricks": 3, "online": 3, "heal_pending": 1 }),
            json!({ "mounted": true, "bricks": 3, "online": 3, "blames": ["b"] }),
        ] {
            assert!(missing("done", not_well.clone()).is_some(), "{not_well}");
        }
    }
}
