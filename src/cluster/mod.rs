//! The user's cluster: the validated form of `cluster.toml`. Parsing is the only way to get one.
//!
//! Each table of the file has a module with the table as written, its checked form, and the checks.

mod address;
mod apt;
pub(crate) mod authorized_keys;
mod backup;
mod country;
mod docker;
mod file;
mod general;
mod gluster;
mod key_options;
mod keyboard;
mod lists;
mod load;
mod locale;
mod mask;
mod names;
mod network;
mod node;
mod peers;
mod private_network;
mod problem;
mod source;
mod suggestion;
mod swarm;
mod syntax;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod time_zone;
mod updates;
mod user;

pub use address::Address;
pub use apt::Apt;
pub use backup::Backup;
pub use docker::{Docker, DockerSource};
pub use general::General;
pub use gluster::Gluster;
pub use keyboard::Keyboard;
#[cfg(any(test, fuzzing))]
pub(crate) use load::interpret;
pub use load::{BaseCheck, Environment, FILE_NAME, Loaded, load, load_with_base_check};
pub use names::NodeName;
pub use network::{Network, Wifi};
pub use node::{Brick, Model, Node, Role, Wipe};
pub use problem::Warning;
pub use source::Position;
pub use swarm::Swarm;
pub use updates::Updates;
pub use user::User;

use std::path::{Path, PathBuf};

/// The commented cluster file that `mkimage init` writes. It describes the built-in home lab.
pub const SAMPLE: &str = include_str!("sample.toml");

/// The folder on the Pi in which each node mounts its stick, under the node's name.
pub const BRICKS: &str = "/glusterfs/bricks";

/// A checked cluster.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// The file it was read from.
    pub origin: Origin,
    /// Its name, its base, and the nodes' language settings.
    pub general: General,
    /// The login on every node.
    pub user: User,
    /// The network that the nodes are connected to.
    pub network: Network,
    pub docker: Docker,
    /// The networks of containers.
    pub swarm: Swarm,
    /// The volume; `None` when no node has a brick.
    pub gluster: Option<Gluster>,
    /// The source of Debian packages.
    pub apt: Apt,
    pub updates: Updates,
    /// The place of the backups; `None` if there are none.
    pub backup: Option<Backup>,
    /// In the file's order; at least one, at least one manager.
    pub nodes: Vec<Node>,
}

/// The source of a cluster's description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The built-in home lab of one Pi 3 and three Pi 4.
    BuiltIn,
    /// A cluster file.
    File(PathBuf),
}

impl Origin {
    /// Returns the folder that holds the cluster's secrets and overlays: the cluster file's folder, or `current` for
    /// the built-in cluster.
    pub fn folder<'a>(&'a self, current: &'a Path) -> &'a Path {
        match self {
            Self::BuiltIn => current,
            Self::File(path) => path.parent().unwrap_or(current),
        }
    }
}

impl Cluster {
    /// Returns the managers, in the file's order.
    pub fn managers(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| node.role == Role::Manager)
    }

    pub fn node(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.name.as_str() == name)
    }
}
