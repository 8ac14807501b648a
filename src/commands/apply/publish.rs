//! Brings a description to the running nodes.

use std::fmt::Write as _;
use std::thread;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::cluster::{Cluster, Node};
use crate::description;
use crate::disk::paths;
use crate::error::{Context as _, Result};
use crate::identity::Secrets;
use crate::ssh;

/// A node takes a description within seconds, and waits for another one that is being taken for a minute.
pub(super) const TIMEOUT: Duration = Duration::from_secs(100);

/// Takes the description on standard input, as one that the owner vouches for.
pub(super) const COMMAND: &str = "sudo -n /usr/local/lib/mkimage/answer-as-root - description";

/// Takes a node's new keys on standard input.
const TAKE_KEYS: &str = "sudo -n sh /usr/local/lib/mkimage/take-keys";

/// A node's name, and its answer or why there is none.
pub(crate) type Outcome = (String, std::result::Result<String, String>);

/// Writes the description down as the newest one and shows it to all nodes at once. A node that has new keys gets them first.
pub(crate) fn publish(cluster: &Cluster, secrets: &Secrets, signed: &str) -> Result<Vec<Outcome>> {
    description::keep(secrets, signed)?;
    thread::scope(|scope| {
        let shown: Vec<_> = cluster
            .nodes
            .iter()
            .map(|node| (node.name.to_string(), scope.spawn(|| show(node, secrets, signed))))
            .collect();
        let shown = shown.into_iter().map(|(node, thread)| {
            let outcome = thread
                .join()
                .unwrap_or_else(|_| Ok(Err("showing it failed".to_owned())));
            Ok((node, outcome?))
        });
        let outcomes = shown.collect::<Result<Vec<Outcome>>>()?;
        if outcomes.iter().any(|(_, outcome)| outcome.is_ok()) {
            secrets.owner_is_heard()?;
        }
        Ok(outcomes)
    })
}

fn show(node: &Node, secrets: &Secrets, signed: &str) -> Result<std::result::Result<String, String>> {
    let name = &node.name;
    let config = secrets.ssh_config_path();
    let shown = ssh::run(name, &config, COMMAND, signed.as_bytes(), TIMEOUT);
    let Some(old_host_keys) = secrets.replaced_host_keys(name)? else {
        return Ok(shown);
    };
    let shown = match shown {
        // It has a new card.
        Ok(said) => Ok(said),
        Err(_) => with_old_keys(node, secrets, &old_host_keys, signed)?,
    };
    if shown.is_ok() {
        secrets.forget_replaced(name)?;
    }
    Ok(shown)
}

/// Brings a node that still has its old keys the new ones, and shows it the description that names them.
fn with_old_keys(
    node: &Node,
    secrets: &Secrets,
    old_host_keys: &str,
    signed: &str,
) -> Result<std::result::Result<String, String>> {
    let doing = || format!("writing the old host keys of {}", node.name);
    let folder = tempfile::tempdir().disk(doing)?;
    let known_hosts = folder.path().join("known_hosts");
    let mut lines = String::new();
    for key in old_host_keys.lines() {
        // Writing to a String cannot fail.
        let _ = writeln!(lines, "{} {key}", node.name);
    }
    paths::write(&known_hosts, lines.as_bytes()).disk(doing)?;
    let options = [format!("-oUserKnownHostsFile=\"{}\"", known_hosts.display())];
    let config = secrets.ssh_config_path();
    let run =
        |command: &str, input: &[u8]| ssh::run_with(&node.name, &config, &options, command, input, TIMEOUT);
    let keys = new_keys(node, secrets)?;
    Ok(run(TAKE_KEYS, keys.as_bytes()).and_then(|_| run(COMMAND, signed.as_bytes())))
}

/// Returns the node's keys as `take-keys` reads them: sections.
fn new_keys(node: &Node, secrets: &Secrets) -> Result<Zeroizing<String>> {
    let identity = secrets.node(&node.name)?;
    let certificate = secrets.certificate(&node.name)?;
    let mut text = Zeroizing::new(String::new());
    for (name, key) in [
        ("host_key", identity.host_key.private.as_str()),
        ("enrolment_key", identity.enrolment_key.private.as_str()),
        ("wireguard_key", identity.wireguard_key.private.as_str()),
        ("enrolment_certificate", certificate.as_str()),
    ] {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "[{name}]\n{}", key.trim_end());
    }
    Ok(text)
}
