//! Containers leave a node before something is done to it, and come back afterwards.

use std::time::Duration;

use crate::cluster::{Cluster, Role};
use crate::identity::Secrets;
use crate::ssh;

/// Time for containers to end and to start on other nodes.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(120);

/// Lets the containers of these nodes start elsewhere while the nodes are still there. Where no manager answers, the swarm notices
/// by itself later. The label has a time: once it is some minutes past, the swarm's leader gives containers back to a node that
/// does not leave the cluster, and knows by the label that the user has not drained it. `lasts` moves that time into the future.
pub(super) fn drain(cluster: &Cluster, secrets: &Secrets, names: &[&str], lasts: Duration) {
    // The names are those of nodes: letters, digits and hyphens.
    let names = names.join(" ");
    let lasts = lasts.as_secs();
    let command = format!(
        "for node in {names}; do \
         was=$(sudo -n docker node inspect \
         --format '{{{{.Spec.Availability}}}} {{{{index .Spec.Labels \"mkimage-drained\"}}}}' \"$node\"); \
         [ \"$was\" = 'drain ' ] || sudo -n docker node update --availability drain \
         --label-add \"mkimage-drained=$(($(date +%s) + {lasts}))\" \"$node\" >/dev/null; left=45; \
         while [ \"$left\" -gt 0 ] && sudo -n docker node ps --format '{{{{.CurrentState}}}}' \"$node\" | grep -q ^Running; do \
         sleep 1; left=$((left - 1)); done; done"
    );
    ask_a_manager(cluster, secrets, &command);
}

/// Lets a node have containers again, unless the user has drained it. Returns whether a manager has answered.
pub(super) fn give_back(cluster: &Cluster, secrets: &Secrets, name: &str) -> bool {
    let command = format!(
        "drained=$(sudo -n docker node inspect --format '{{{{index .Spec.Labels \"mkimage-drained\"}}}}' {name}) && \
         {{ [ -z \"$drained\" ] || sudo -n docker node update --availability active --label-rm mkimage-drained {name} >/dev/null; }}"
    );
    ask_a_manager(cluster, secrets, &command)
}

/// Runs a command on the first manager on which it succeeds, if there is one.
fn ask_a_manager(cluster: &Cluster, secrets: &Secrets, command: &str) -> bool {
    let config = secrets.ssh_config_path();
    let mut managers = cluster.nodes.iter().filter(|node| node.role == Role::Manager);
    managers.any(|manager| ssh::run(&manager.name, &config, command, b"", DRAIN_TIMEOUT).is_ok())
}
