//! The newest description that the running nodes have: this computer's secrets may come from an old backup.

use std::thread;
use std::time::Duration;

use crate::cluster::Cluster;
use crate::description;
use crate::identity::Secrets;
use crate::progress::Progress;
use crate::ssh;

const COMMAND: &str = "sudo -n cat /etc/mkimage/description";
const TIMEOUT: Duration = Duration::from_secs(20);

/// The answers of the running nodes.
pub(crate) struct Told {
    /// The secrets with the newest description.
    pub(crate) secrets: Secrets,
    /// The names of the nodes that do not answer.
    pub(crate) silent: Vec<String>,
}

/// Returns the secrets with the newest description that a node which answers has, if it is newer than theirs and signed by the same
/// owner. Where two computers have changed the cluster, it is one that follows from both. Nothing is written.
pub(crate) fn catch_up(cluster: &Cluster, mut secrets: Secrets, progress: &dyn Progress) -> Told {
    let mine = description::newest_number(&secrets);
    let mut silent = Vec::new();
    let mut known = Vec::new();
    for (node, theirs) in ask_all(cluster, &secrets) {
        match theirs {
            None => silent.push(node),
            Some(theirs) if secrets.has_signed(&theirs) => known.push((node, theirs)),
            Some(_) => progress.warn(&format!(
                "{node} has a description that the owner of these secrets has not signed"
            )),
        }
    }
    known.sort_by_key(|(_, theirs)| description::number(theirs));
    let mut newest = secrets.description.take().unwrap_or_default();
    for (node, theirs) in known {
        let number = description::number(&theirs);
        if description::follows(&newest, &theirs) {
            continue;
        }
        if newest.is_empty() || description::follows(&theirs, &newest) {
            progress.say(&format!(
                "{node} has description {number}, and cluster.secrets has {mine}: going on from that"
            ));
            newest = theirs;
        } else {
            progress.warn(&format!(
                "{node} has a description {number} that was made on another computer, or with a newer cluster.secrets; this goes on \
                 from it with this cluster file, and whatever either has shut out stays out"
            ));
            newest = description::merged(&newest, &theirs);
        }
    }
    secrets.description = Some(newest).filter(|newest| !newest.is_empty());
    Told { secrets, silent }
}

/// Returns the description of each node that answers.
fn ask_all(cluster: &Cluster, secrets: &Secrets) -> Vec<(String, Option<String>)> {
    let config = secrets.ssh_config_path();
    thread::scope(|scope| {
        let asked: Vec<_> = cluster
            .nodes
            .iter()
            .map(|node| {
                let asking = scope.spawn(|| ssh::run(&node.name, &config, COMMAND, b"", TIMEOUT));
                (node.name.to_string(), asking)
            })
            .collect();
        let answers = asked
            .into_iter()
            .map(|(node, asking)| (node, asking.join().ok().and_then(std::result::Result::ok)));
        answers.collect()
    })
}
