//! Brings the running nodes the place of the backups, which is a secret and so in no description.

use std::thread;

use zeroize::Zeroizing;

use super::publish::TIMEOUT;
use crate::cluster::{Backup, Cluster};
use crate::identity::Secrets;
use crate::ssh;

/// Takes the place of the backups on standard input.
const COMMAND: &str = "sudo -n sh /usr/local/lib/mkimage/take-backup";

/// Brings it to all nodes at once. Returns those that do not have it now, and why. Without a `[backup]` nodes forget the one before,
/// and it does not matter whether they can.
pub(super) fn bring(cluster: &Cluster, secrets: &Secrets) -> Vec<(String, String)> {
    let place = cluster
        .backup
        .as_ref()
        .map_or_else(|| Zeroizing::new(String::new()), Backup::to_shell);
    let config = secrets.ssh_config_path();
    let (place, config) = (&place, &config);
    let failed: Vec<_> = thread::scope(|scope| {
        let asked: Vec<_> = cluster
            .nodes
            .iter()
            .map(|node| {
                let bring = move || ssh::run(&node.name, config, COMMAND, place.as_bytes(), TIMEOUT);
                (node, scope.spawn(bring))
            })
            .collect();
        let failed = asked.into_iter().filter_map(|(node, thread)| {
            let outcome = thread
                .join()
                .unwrap_or_else(|_| Err("bringing it failed".to_owned()));
            Some((node.name.to_string(), outcome.err()?))
        });
        failed.collect()
    });
    if cluster.backup.is_some() {
        failed
    } else {
        Vec::new()
    }
}
