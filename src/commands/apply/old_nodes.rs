//! Nodes that the cluster file does not have any more, as the last description knows them.

use std::path::PathBuf;

use tempfile::TempDir;

use super::publish::{COMMAND, Outcome, TIMEOUT};
use crate::cluster::{Cluster, NodeName};
use crate::description::GoneNode;
use crate::disk::paths;
use crate::error::{Context as _, Result};
use crate::identity::Secrets;
use crate::ssh;
use crate::status::{self, Report};

/// The way to reach them, which the ssh configuration does not have.
pub(super) struct OldNodes<'a> {
    nodes: &'a [GoneNode],
    user: String,
    key_files: Vec<PathBuf>,
    /// Holds their host keys.
    folder: TempDir,
}

/// The file of the folder.
const KNOWN_HOSTS: &str = "known_hosts";

impl<'a> OldNodes<'a> {
    pub(super) fn new(cluster: &Cluster, secrets: &Secrets, nodes: &'a [GoneNode]) -> Result<Self> {
        let doing = || "writing the host keys of nodes that go".to_owned();
        let folder = tempfile::tempdir().disk(doing)?;
        let lines: Vec<_> = nodes.iter().map(|node| node.known_host.as_str()).collect();
        let lines = lines.join(
            "
",
        ) + "
";
        paths::write(&folder.path().join(KNOWN_HOSTS), lines.as_bytes()).disk(doing)?;
        let admin_key = secrets.admin_key.as_ref().map(|admin| &admin.path);
        Ok(Self {
            nodes,
            user: cluster.user.name.clone(),
            key_files: cluster
                .user
                .private_key_files
                .iter()
                .chain(admin_key)
                .cloned()
                .collect(),
            folder,
        })
    }

    /// Asks them for their reports. Those that do not answer have none.
    pub(super) fn ask(&self, secrets: &Secrets) -> Vec<(String, Report)> {
        let reports = self.nodes.iter().filter_map(|node| {
            let name = NodeName::parse(&node.name).ok()?;
            let answer = self
                .run(secrets, node, status::COMMAND, b"", status::TIMEOUT)
                .ok()?;
            let report = status::parse_answer(&name, &answer, &secrets.cluster_id).ok()?;
            Some((node.name.clone(), report))
        });
        reports.collect()
    }

    /// Shows a description to those of them with these names.
    pub(super) fn show(&self, secrets: &Secrets, names: &[&str], signed: &str) -> Vec<Outcome> {
        let nodes = self.nodes.iter().filter(|node| names.contains(&&*node.name));
        nodes
            .map(|node| {
                let said = self.run(secrets, node, COMMAND, signed.as_bytes(), TIMEOUT);
                (node.name.clone(), said)
            })
            .collect()
    }

    fn run(
        &self,
        secrets: &Secrets,
        node: &GoneNode,
        command: &str,
        input: &[u8],
        timeout: std::time::Duration,
    ) -> std::result::Result<String, String> {
        let known_hosts = self.folder.path().join(KNOWN_HOSTS);
        let mut options = vec![
            format!("-oHostName={}", node.place),
            format!("-oHostKeyAlias={}", node.name),
            format!("-oUserKnownHostsFile=\"{}\"", known_hosts.display()),
            "-oStrictHostKeyChecking=yes".to_owned(),
            "-oHostKeyAlgorithms=ssh-ed25519".to_owned(),
            format!("-oUser={}", self.user),
        ];
        options.extend(
            self.key_files
                .iter()
                .map(|path| format!("-oIdentityFile=\"{}\"", path.display())),
        );
        let name = NodeName::parse(&node.name)?;
        ssh::run_with(
            &name,
            &secrets.ssh_config_path(),
            &options,
            command,
            input,
            timeout,
        )
    }
}
