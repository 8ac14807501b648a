//! The whole cluster file as written, and the cluster that it describes.
//!
//! Every key is optional here so that all problems are found in one go; the modules of the tables report missing keys.

use serde::Deserialize;
use toml::Spanned;

use super::apt::AptTable;
use super::docker::DockerTable;
use super::general::GeneralTable;
use super::gluster::GlusterTable;
use super::network::NetworkTable;
use super::node::{self, NodeTable};
use super::peers;
use super::problem::Findings;
use super::swarm::SwarmTable;
use super::user::UserTable;
use super::{Cluster, Environment, Origin};

/// The tables, checked for their types only.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FileTable {
    pub(super) cluster: GeneralTable,
    user: UserTable,
    network: NetworkTable,
    docker: DockerTable,
    swarm: SwarmTable,
    gluster: Option<GlusterTable>,
    apt: AptTable,
    node: Vec<Spanned<NodeTable>>,
}

impl FileTable {
    /// Checks everything, and continues after a problem so that all are reported at once. Returns `None` if something
    /// essential is missing; `findings` then says what.
    pub(super) fn check(
        self,
        origin: Origin,
        environment: &Environment,
        findings: &mut Findings<'_>,
    ) -> Option<Cluster> {
        let general = self.cluster.check(findings);
        let user = self.user.check(&origin, environment, findings);
        let network = self.network.check(findings);
        let docker = self.docker.check(findings);
        let apt = self.apt.check(findings);
        let (nodes, drafts) = node::check(self.node, findings);
        peers::check(&drafts, &network, findings);
        let swarm = self.swarm.check(&network, &drafts, findings);
        let gluster = GlusterTable::check(self.gluster, &drafts, findings);
        Some(Cluster {
            origin,
            general,
            user: user?,
            network,
            docker,
            swarm,
            gluster,
            apt,
            nodes: nodes?,
        })
    }
}
