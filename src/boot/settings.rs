//! The scripts' knowledge of their node, `mkimage/settings`, as POSIX shell assignments.

use std::fmt::Write as _;

use crate::boot::plan::Plan;
use crate::cluster::{BRICKS, Gluster, NodeName, Wipe};
use crate::error::{Category, Error, Result};

/// Path on the boot partition.
pub const PATH: &str = "mkimage/settings";

/// Begins every variable's name.
const PREFIX: &str = "MKIMAGE_";

const NODE: &str = "NODE";
const BUILD_TIME: &str = "BUILD_TIME";

/// A single quote within single quotes: the quotes are closed and opened again around it.
const ESCAPED_QUOTE: &str = r"'\''";

/// Returns a variable's value.
type Source = fn(&Plan<'_>) -> String;

/// Each variable's name without the prefix and its value, in the order of `docs/settings.example`.
const VARIABLES: &[(&str, Source)] = &[
    ("CLUSTER", |plan| plan.cluster.general.name.clone()),
    ("CLUSTER_ID", |plan| plan.cluster_id.to_owned()),
    (NODE, |plan| plan.node.name.to_string()),
    ("ROLE", |plan| plan.node.role.as_str().to_owned()),
    ("USER", |plan| plan.cluster.user.name.clone()),
    ("SSH_PASSWORD", |plan| {
        yes_or_no(plan.cluster.user.ssh_password).to_owned()
    }),
    ("ADDRESS", |plan| plan.node.address.to_string()),
    ("PRIVATE_NETWORK", |plan| plan.private_network.to_string()),
    ("DOMAIN", |plan| shown(plan.cluster.network.domain.as_ref())),
    (BUILD_TIME, |plan| plan.build_time.to_string()),
    ("TIMEZONE", |plan| plan.cluster.general.timezone.clone()),
    ("LOCALE", |plan| plan.cluster.general.locale.clone()),
    ("KEYBOARD", |plan| plan.cluster.general.keyboard.clone()),
    ("WIFI_COUNTRY", |plan| {
        shown(plan.cluster.network.wifi.as_ref().map(|wifi| &wifi.country))
    }),
    ("DOCKER_SOURCE", |plan| {
        plan.cluster.docker.source.as_str().to_owned()
    }),
    ("SWARM_POOL", |plan| shown(plan.cluster.swarm.default_addr_pool)),
    ("VOLUME", |plan| of_volume(plan, |gluster| gluster.volume.clone())),
    ("MOUNT", |plan| of_volume(plan, |gluster| gluster.mount.clone())),
    ("REPLICA", |plan| {
        let replica = plan.cluster.gluster.as_ref().map(|gluster| gluster.replica);
        replica.unwrap_or_default().to_string()
    }),
    ("ARBITER", |plan| {
        of_volume(plan, |gluster| shown(gluster.arbiter.as_ref()))
    }),
    ("BRICKS", |_| BRICKS.to_owned()),
    ("BRICK", |plan| yes_or_no(plan.node.brick.is_some()).to_owned()),
    ("BRICK_DEVICE", |plan| {
        let device = plan.node.brick.as_ref().and_then(|brick| brick.device.as_deref());
        device.unwrap_or("auto").to_owned()
    }),
    ("BRICK_WIPE", |plan| {
        let wipe = plan.node.brick.as_ref().map(|brick| brick.wipe);
        wipe.unwrap_or(Wipe::Never).as_str().to_owned()
    }),
    ("APT_PROXY", |plan| shown(plan.cluster.apt.proxy.as_ref())),
    ("APT_MIRROR", |plan| shown(plan.cluster.apt.mirror.as_ref())),
    ("BOOT", |plan| plan.base.mount.to_string()),
];

/// The variables of one file. No value has a line break or a zero byte, unless it was read from a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings(Vec<(String, String)>);

impl Settings {
    /// Returns a node's settings. Refuses values with line breaks or zero bytes, which no setting may have.
    pub(super) fn of(plan: &Plan<'_>) -> Result<Self> {
        let variables = VARIABLES.iter().map(|(name, value)| {
            let value = value(plan);
            if value.contains(['\n', '\r', '\0']) {
                let what = format!(
                    "{value:?} cannot be {PREFIX}{name} of {}: it has a line break or a zero byte",
                    plan.node.name
                );
                return Err(Error::new(Category::ClusterFile, what));
            }
            Ok(((*name).to_owned(), value))
        });
        Ok(Self(variables.collect::<Result<_>>()?))
    }

    /// Reads a settings file, which may hold anything: lines that [`Self::to_shell`] would not write are ignored.
    pub fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let variables = text.lines().filter_map(|line| {
            let (name, value) = line.strip_prefix(PREFIX)?.split_once('=')?;
            Some((name.to_owned(), unquoted(value)?))
        });
        Self(variables.collect())
    }

    /// Returns the node's name, if there is a valid one.
    pub fn node(&self) -> Option<NodeName> {
        NodeName::parse(self.get(NODE)?).ok()
    }

    /// Returns when the image was built, in seconds since 1970.
    pub fn build_time(&self) -> Option<u64> {
        self.get(BUILD_TIME)?.parse().ok()
    }

    /// Returns the value that a shell would have after reading the file: the last one.
    fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().rfind(|(candidate, _)| candidate == name)?;
        Some(value)
    }

    /// Writes the file, to be read with `.`: a line for each variable, its value in single quotes.
    pub(crate) fn to_shell(&self) -> String {
        let mut lines = String::new();
        for (name, value) in &self.0 {
            // Writing to a String cannot fail.
            let _ = writeln!(lines, "{PREFIX}{name}='{}'", value.replace('\'', ESCAPED_QUOTE));
        }
        lines
    }
}

/// Undoes the quoting of [`Settings::to_shell`].
fn unquoted(text: &str) -> Option<String> {
    let inner = text.strip_prefix('\'')?.strip_suffix('\'')?;
    let parts: Vec<_> = inner.split(ESCAPED_QUOTE).collect();
    let is_whole = parts.iter().all(|part| !part.contains('\''));
    is_whole.then(|| parts.join("'"))
}

/// Returns a value of the volume, or nothing without one.
fn of_volume(plan: &Plan<'_>, value: fn(&Gluster) -> String) -> String {
    plan.cluster.gluster.as_ref().map_or_else(String::new, value)
}

/// Returns the text of a value, or nothing where there is none.
fn shown(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn yes_or_no(is_so: bool) -> &'static str {
    if is_so { "yes" } else { "no" }
}

#[cfg(test)]
mod tests;
