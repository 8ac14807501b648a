//! `[docker]`: Docker on every node.

use serde::Deserialize;

use super::problem::{Findings, Text};

/// The table as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct DockerTable {
    source: Text,
}

/// `[docker]`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Docker {
    /// The source of its packages.
    pub source: DockerSource,
}

/// `[docker] source`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DockerSource {
    /// The distribution's `docker.io`.
    #[default]
    Debian,
    /// Docker's own repository, whose key is pinned.
    Docker,
}

impl DockerSource {
    /// Returns the spelling used in the cluster file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debian => "debian",
            Self::Docker => "docker",
        }
    }
}

impl DockerTable {
    pub(super) fn check(self, findings: &mut Findings<'_>) -> Docker {
        let choices = [DockerSource::Debian, DockerSource::Docker];
        let source = self
            .source
            .and_then(|entry| findings.choice("source", &entry, &choices, DockerSource::as_str));
        Docker {
            source: source.unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{error_of, loaded, three_nodes};
    use super::*;

    #[test]
    fn packages_come_from_debian_or_docker() {
        for (source, expected) in [("debian", DockerSource::Debian), ("docker", DockerSource::Docker)] {
            let text = three_nodes(&format!("[docker]\nsource = \"{source}\""));
            assert_eq!(loaded(&text).cluster.docker.source, expected);
        }
        let text = error_of(&three_nodes("[docker]\nsource = \"podman\""));
        assert!(text.contains("\"debian\", \"docker\""), "{text}");
    }
}
