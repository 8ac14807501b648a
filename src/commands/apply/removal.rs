//! Takes nodes out of the running cluster.

use std::path::Path;
use std::time::Duration;

use super::publish::{COMMAND, Outcome, TIMEOUT};
use crate::cluster::{Cluster, Role};
use crate::description::GoneNode;
use crate::disk::paths;
use crate::error::{Category, Context as _, Error, Result};
use crate::identity::Secrets;
use crate::progress::Progress;
use crate::ssh;
use crate::status::{Report, ask_all};

/// Time for containers to end and to start on other nodes.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(120);

/// Fails unless more than half of the sticks that stay are there with every file: what only the nodes that go have, or a node that
/// is off, would be lost. `force` leaves it at a warning, for files that are lost anyway.
pub(super) fn require_all_files_elsewhere(
    cluster: &Cluster,
    secrets: &Secrets,
    gone: &[GoneNode],
    force: bool,
) -> Result<()> {
    if cluster.gluster.is_none() {
        return Ok(());
    }
    let answers = ask_all(cluster, &secrets.ssh_config_path(), &secrets.cluster_id);
    let sticks = cluster.nodes.iter().filter(|node| node.brick.is_some()).count();
    let reports = answers
        .iter()
        .filter_map(|(node, answer)| Some((node, answer.as_ref().ok()?)));
    let sound = reports
        .filter(|(node, report)| node.brick.is_some() && has_its_files(report))
        .count();
    if sound.saturating_mul(2) > sticks || force {
        return Ok(());
    }
    let names = gone
        .iter()
        .map(|node| node.name.as_str())
        .collect::<Vec<_>>()
        .join(", ");
    let what = format!(
        "{sound} of the {sticks} sticks that stay are in use and complete, too few to do without {names}"
    );
    Err(Error::new(Category::Refused, what).with_remedy(
        "wait until mkimage status shows them mounted with nothing left to heal; --force goes on without what they lack",
    ))
}

/// Returns whether the stick of the node is in use and owes no other stick anything.
fn has_its_files(report: &Report) -> bool {
    report
        .brick
        .as_ref()
        .is_some_and(|brick| brick.state == "mounted")
        && report
            .volume
            .as_ref()
            .is_some_and(|volume| volume.mounted && volume.heal_pending == 0)
}

/// Lets the containers of these nodes start elsewhere while the nodes are still there. Where no manager answers, the swarm notices
/// by itself later.
pub(super) fn drain(cluster: &Cluster, ssh_config: &Path, gone: &[GoneNode], progress: &dyn Progress) {
    // The names are those of nodes: letters, digits and hyphens.
    let names = gone
        .iter()
        .map(|node| node.name.as_str())
        .collect::<Vec<_>>()
        .join(" ");
    let command = format!(
        "for node in {names}; do sudo -n docker node update --availability drain \"$node\" >/dev/null; left=45; \
         while [ \"$left\" -gt 0 ] && sudo -n docker node ps --format '{{{{.CurrentState}}}}' \"$node\" | grep -q ^Running; do \
         sleep 1; left=$((left - 1)); done; done"
    );
    progress.say(&format!("draining {names}"));
    for manager in cluster.nodes.iter().filter(|node| node.role == Role::Manager) {
        if ssh::run(&manager.name, ssh_config, &command, b"", DRAIN_TIMEOUT).is_ok() {
            return;
        }
    }
}

/// Shows the description to the nodes that it does not have any more, so that they leave.
pub(super) fn show(
    gone: &[GoneNode],
    cluster: &Cluster,
    secrets: &Secrets,
    signed: &str,
) -> Result<Vec<Outcome>> {
    let doing = || "writing the host keys of nodes that go".to_owned();
    let folder = tempfile::tempdir().disk(doing)?;
    let known_hosts = folder.path().join("known_hosts");
    let lines: String = gone.iter().map(|node| format!("{}\n", node.known_host)).collect();
    paths::write(&known_hosts, lines.as_bytes()).disk(doing)?;
    let keys = cluster
        .user
        .private_key_files
        .iter()
        .chain(secrets.admin_key.as_ref().map(|admin| &admin.path));
    let keys: Vec<_> = keys
        .map(|path| format!("-oIdentityFile={}", path.display()))
        .collect();
    let mut outcomes = Vec::new();
    for node in gone {
        let mut options = vec![
            format!("-oHostName={}", node.place),
            format!("-oHostKeyAlias={}", node.name),
            format!("-oUserKnownHostsFile={}", known_hosts.display()),
            "-oStrictHostKeyChecking=yes".to_owned(),
            "-oHostKeyAlgorithms=ssh-ed25519".to_owned(),
            format!("-oUser={}", cluster.user.name),
        ];
        options.extend_from_slice(&keys);
        let config = secrets.ssh_config_path();
        let said = ssh::run_with(&node.name, &config, &options, COMMAND, signed.as_bytes(), TIMEOUT);
        outcomes.push((node.name.clone(), said));
    }
    Ok(outcomes)
}

/// Names what the owner's computer still has of a node.
pub(super) fn what_is_left(node: &str, secrets: &Path) -> String {
    format!(
        "{node} is out of the cluster. Its keys in {} and its image open nothing any more; keep the keys only if {node} is to come back",
        secrets.join("nodes").join(node).display()
    )
}
