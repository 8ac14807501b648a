//! The newest description that the running nodes have: this computer's secrets may come from an old backup.

use std::thread;
use std::time::Duration;

use crate::cluster::Cluster;
use crate::description;
use crate::error::{Category, Error, Result};
use crate::identity::Secrets;
use crate::progress::Progress;
use crate::ssh;

const COMMAND: &str = "sudo -n cat /etc/mkimage/description";
const TIMEOUT: Duration = Duration::from_secs(20);

/// What the running nodes have told.
pub(super) struct Told {
    /// The secrets with the newest description.
    pub(super) secrets: Secrets,
    /// The names of the nodes that do not answer.
    pub(super) silent: Vec<String>,
}

/// Returns the secrets with the newest description that a node which answers has, if it is newer than theirs and signed by the same
/// owner. Fails if there are two with the same number. It is written down unless this is a dry run.
pub(super) fn catch_up(
    cluster: &Cluster,
    secrets: Secrets,
    dry_run: bool,
    progress: &dyn Progress,
) -> Result<Told> {
    let mine = description::newest_number(&secrets);
    let mut newest: Option<String> = None;
    let mut silent = Vec::new();
    for (node, theirs) in ask_all(cluster, &secrets) {
        let Some(theirs) = theirs else {
            silent.push(node);
            continue;
        };
        let number = description::number(&theirs);
        let ours = secrets.description.as_deref().map(description::text_of);
        if number < mine || ours == Some(description::text_of(&theirs)) {
            continue;
        }
        if !secrets.has_signed(&theirs) {
            progress.warn(&format!(
                "{node} has a description that the owner of these secrets has not signed"
            ));
            continue;
        }
        if number == mine {
            let what = format!(
                "{node} has another description with the number {mine}: two computers have changed the cluster"
            );
            return Err(Error::new(Category::Refused, what).with_remedy(
                "go on with the secrets of the one whose changes the nodes have, or copy its cluster.secrets/description to this one",
            ));
        }
        if newest
            .as_deref()
            .is_none_or(|newest| number > description::number(newest))
        {
            // Nothing that somebody has put behind it, and both signatures while there are two.
            let text = description::text_of(&theirs);
            newest = Some(format!("{text}{}", secrets.sign(text)?));
        }
    }
    let Some(newest) = newest else {
        return Ok(Told { secrets, silent });
    };
    progress.say(&format!(
        "the nodes have description {}, and cluster.secrets has {mine}: going on from theirs",
        description::number(&newest)
    ));
    let secrets = take(cluster, secrets, newest, dry_run)?;
    Ok(Told { secrets, silent })
}

/// Returns the secrets with a newer description.
pub(super) fn take(cluster: &Cluster, mut secrets: Secrets, newer: String, dry_run: bool) -> Result<Secrets> {
    if dry_run {
        secrets.description = Some(newer);
        return Ok(secrets);
    }
    description::keep(&secrets, &newer)?;
    Secrets::open_or_create(secrets.folder(), cluster)
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
