//! The scripts' knowledge of their node, `mkimage/settings`, as POSIX shell assignments.

mod variables;

use std::fmt::Write as _;

use crate::boot::plan::Plan;
use crate::cluster::{Cluster, Node, NodeName};
use crate::error::{Category, Error, Result};
use variables::{BUILD_TIME, NODE, Source, VARIABLES};

/// Path on the boot partition.
pub const PATH: &str = "mkimage/settings";

/// Begins every variable's name.
const PREFIX: &str = "MKIMAGE_";

/// A single quote within single quotes: the quotes are closed and opened again around it.
const ESCAPED_QUOTE: &str = r"'\''";

/// The variables of one file. No value has a line break or a zero byte, unless it was read from a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings(Vec<(String, String)>);

impl Settings {
    /// Returns a node's settings. Refuses values with line breaks or zero bytes, which no setting may have.
    pub(super) fn of(plan: &Plan<'_>) -> Result<Self> {
        let value = |source: Source| match source {
            Source::Card(value) => Some(value(plan)),
            Source::Cluster(value) => Some(value(plan.cluster)),
            Source::Node(value) => Some(value(plan.node)),
        };
        Self::collect(value, plan.node.name.as_str())
    }

    /// Returns the settings that are the same on all nodes.
    pub(crate) fn of_cluster(cluster: &Cluster) -> Result<Self> {
        let value = |source| match source {
            Source::Cluster(value) => Some(value(cluster)),
            Source::Card(_) | Source::Node(_) => None,
        };
        Self::collect(value, "all nodes")
    }

    /// Returns the settings that only this node has, but for those of its card.
    pub(crate) fn of_node(node: &Node) -> Result<Self> {
        let value = |source| match source {
            Source::Node(value) => Some(value(node)),
            Source::Card(_) | Source::Cluster(_) => None,
        };
        Self::collect(value, node.name.as_str())
    }

    fn collect(value: impl Fn(Source) -> Option<String>, whose: &str) -> Result<Self> {
        let variables = VARIABLES.iter().filter_map(|(name, source)| {
            let value = value(*source)?;
            if value.contains(['\n', '\r', '\0']) {
                let what = format!(
                    "{value:?} cannot be {PREFIX}{name} of {whose}: it has a line break or a zero byte"
                );
                return Some(Err(Error::new(Category::ClusterFile, what)));
            }
            Some(Ok(((*name).to_owned(), value)))
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

#[cfg(test)]
mod tests;
