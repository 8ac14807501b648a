//! The cluster's description: one text of everything that its nodes share, numbered, and signed with the owner's key.
//!
//! A node takes a description with a higher number and a valid signature, and nothing else. `docs/architecture.md` has the format.

mod changes;
mod forks;
mod gone;
mod places;
mod refusals;
#[cfg(test)]
mod tests;

use std::fmt::{Display, Write as _};

use crate::boot::network::address_of_running_node;
use crate::boot::settings::Settings;
use crate::cluster::Cluster;
use crate::error::{Category, Error, Result};
use crate::identity::Secrets;
use crate::units::Size;

pub use changes::Changes;
pub use forks::{follows, has_revoked, merged};
use gone::Gone;
pub use gone::GoneNode;
pub(crate) use places::{keep, others as other_places};
pub use refusals::demoted;

/// The first line of the signature, with which the text ends.
pub(crate) const SIGNATURE: &str = "-----BEGIN SSH SIGNATURE-----";

/// Begins the line with the number.
const GENERATION: &str = "generation ";

/// In bytes. Nodes take no larger one (`DESCRIPTION_LIMIT` in `firstboot/lib/description`).
const LIMIT: usize = 256 * 1024;

/// A description with its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The number. Nodes take a higher one.
    pub generation: u64,
    /// The text, then the signature.
    pub signed: String,
}

impl Description {
    /// Returns the description for the image of a node. Fails if a node has gone, which the running nodes have to hear first.
    pub fn of_image(cluster: &Cluster, secrets: &Secrets) -> Result<Self> {
        let description = Self::of(cluster, secrets)?;
        let newest = secrets.description.as_deref().unwrap_or_default();
        let changes = Changes::between(newest, &description.signed);
        changes.refuse_other_keys()?;
        // Whether another one can take its place, only the nodes can tell.
        if let Some(node) = demoted(newest, &description.signed).first() {
            let what = format!("{node} is a manager of the cluster, and a worker by the cluster file");
            return Err(Error::new(Category::Refused, what).with_remedy(format!(
                "make it one with mkimage apply, or put its role back; {}",
                refusals::IF_UNUSED
            )));
        }
        match changes.removed.first() {
            Some(node) => {
                let what = format!(
                    "{node} is a node of the cluster, and the cluster file does not have it any more"
                );
                Err(Error::new(Category::Refused, what).with_remedy(format!(
                    "take it out of the cluster with mkimage apply, or put its [[node]] back; {}",
                    refusals::IF_UNUSED
                )))
            }
            None => Ok(description),
        }
    }

    /// Returns sentences about what changes for nodes that run when they hear of this description.
    pub fn news(&self, secrets: &Secrets) -> Vec<String> {
        let newest = secrets.description.as_deref().unwrap_or_default();
        if newest.is_empty() {
            return Vec::new();
        }
        Changes::between(newest, &self.signed).others
    }

    /// Returns the description of the cluster as its file and its keys are now: the newest one if it still holds, or else
    /// the next one. Nothing is written.
    pub fn of(cluster: &Cluster, secrets: &Secrets) -> Result<Self> {
        Self::with_leaving(cluster, secrets, &[])
    }

    /// Does the same, but nodes with the names `leaving`, which the file does not have any more, stay members as the newest
    /// description knows them, until their bricks are out of the volume.
    pub fn with_leaving(cluster: &Cluster, secrets: &Secrets, leaving: &[&str]) -> Result<Self> {
        let newest = secrets.description.as_deref().unwrap_or_default();
        let generation = number(newest);
        let text = |generation| text(cluster, secrets, leaving, generation);
        if generation > 0 {
            let text = text(generation)?;
            if newest.starts_with(&format!("{text}{SIGNATURE}")) {
                let signed = newest.to_owned();
                return Ok(Self { generation, signed });
            }
        }
        let generation = generation.saturating_add(1);
        let text = text(generation)?;
        refusals::refuse_what_cannot_be(newest, &text)?;
        let signed = format!("{text}{}", secrets.sign(&text)?);
        refuse_too_large(&signed)?;
        Ok(Self { generation, signed })
    }
}

fn refuse_too_large(signed: &str) -> Result<()> {
    if signed.len() <= LIMIT {
        return Ok(());
    }
    let (size, limit) = (Size(signed.len() as u64), Size(LIMIT as u64));
    let what = format!("the description of this cluster has {size}, and nodes take at most {limit}");
    Err(Error::new(Category::ClusterFile, what)
        .with_remedy("use fewer nodes, or fewer ssh_authorized_keys in [user]"))
}

/// Returns where a node is in the owner's network by a description: its fixed address or its mDNS name.
pub fn place<'a>(description: &'a str, node: &str) -> Option<&'a str> {
    let sections = changes::sections(description);
    sections.get("nodes")?.get(node)?.split(' ').nth(1)
}

/// Returns the names of the nodes that leave by the newest description.
pub fn leaving(secrets: &Secrets) -> Vec<String> {
    let lines = lines_of_section(secrets.description.as_deref().unwrap_or_default(), "leaving");
    lines.lines().map(ToOwned::to_owned).collect()
}

/// Returns the number of the newest description; 0 before the first one.
pub fn newest_number(secrets: &Secrets) -> u64 {
    number(secrets.description.as_deref().unwrap_or_default())
}

/// Returns the number of a description; 0 if it has none.
pub fn number(description: &str) -> u64 {
    let text = description.lines().find_map(|line| line.strip_prefix(GENERATION));
    text.and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// Returns a description without its signatures.
pub fn text_of(description: &str) -> &str {
    let text = description.split_once(SIGNATURE);
    text.map_or(description, |(text, _)| text)
}

/// Returns the text that is signed: a line that names the format, the cluster's id, the number, and sections.
fn text(cluster: &Cluster, secrets: &Secrets, leaving: &[&str], generation: u64) -> Result<String> {
    let newest = secrets.description.as_deref().unwrap_or_default();
    let mut text = format!(
        "mkimage description 1\ncluster {}\n{GENERATION}{generation}\n",
        secrets.cluster_id
    );
    section(&mut text, "settings", &Settings::of_cluster(cluster)?.to_shell());
    for node in &cluster.nodes {
        let name = format!("settings {}", node.name);
        section(&mut text, &name, &Settings::of_node(node)?.to_shell());
        let name = format!("network {}", node.name);
        section(&mut text, &name, &address_of_running_node(cluster, node));
    }
    for node in leaving {
        for name in ["settings", "network"] {
            let name = format!("{name} {node}");
            section(&mut text, &name, &lines_of_section(newest, &name));
        }
    }
    for (name, lines) in [
        ("nodes", secrets.nodes(cluster)),
        ("known_hosts", secrets.known_hosts(cluster)),
        ("enrolment_keys", secrets.enrolment_keys(cluster)),
    ] {
        let kept = gone::lines_about(&lines_of_section(newest, name), leaving);
        section(&mut text, name, &(lines + &kept));
    }
    section(&mut text, "authorized_keys", &authorized_keys(cluster, secrets)?);
    section(&mut text, "owner", &secrets.owner());
    section(&mut text, "leaving", &on_lines(leaving));
    let gone = Gone::since(newest, &text);
    let joined = gone::joined(newest, &text, generation);
    section(&mut text, "joined", &joined);
    section(&mut text, "gone", &gone.nodes());
    section(&mut text, "revoked_keys", &gone.keys());
    Ok(text)
}

/// Returns the lines of a section as they are.
fn lines_of_section(description: &str, name: &str) -> String {
    let heading = format!("[{name}]");
    let lines = description.lines().skip_while(|line| *line != heading).skip(1);
    let lines = lines.take_while(|line| !line.starts_with('[') && *line != SIGNATURE);
    on_lines(lines)
}

/// Returns each item with a line break behind it.
fn on_lines(items: impl IntoIterator<Item: Display>) -> String {
    let mut text = String::new();
    for item in items {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{item}");
    }
    text
}

fn section(text: &mut String, name: &str, lines: &str) {
    // Writing to a String cannot fail.
    let _ = write!(text, "[{name}]\n{lines}");
}

/// Returns the keys that may log in, one per line.
fn authorized_keys(cluster: &Cluster, secrets: &Secrets) -> Result<String> {
    let mut lines = String::new();
    for key in secrets.login_keys(cluster) {
        if key.contains(['\n', '\r', '\0']) {
            let what = "a public key of [user] ssh_authorized_keys has a line break";
            return Err(Error::new(Category::ClusterFile, what));
        }
        // Writing to a String cannot fail.
        let _ = writeln!(lines, "{key}");
    }
    Ok(lines)
}
