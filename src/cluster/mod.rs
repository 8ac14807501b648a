//! The user's cluster: the validated form of `cluster.toml`. Parsing is the only way to get one.

mod address;
mod apt;
mod authorized_keys;
mod defaults;
mod docker;
mod file;
mod load;
mod names;
mod parse;
mod problem;
mod source;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod validate;

pub use address::{Address, Ipv4Cidr};
pub use apt::Apt;
pub use docker::{Docker, DockerSource};
pub use load::{BaseCheck, BaseProblem, Environment, FILE_NAME, Loaded, load, load_with_base_check};
pub use names::{NodeName, UserName};
pub use problem::{Problem, Warning};
pub use source::Position;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// The commented cluster file that `mkimage init` writes. It describes the built-in home lab.
pub const SAMPLE: &str = include_str!("sample.toml");

/// The folder on the Pi in which each node mounts its stick, under the node's name.
pub const BRICKS: &str = "/glusterfs/bricks";

/// A checked cluster.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// The file it was read from.
    pub origin: Origin,
    /// `[cluster] name`: lower-case letters, digits and hyphens.
    pub name: String,
    /// `[cluster] base` as written; `None` for the catalog's default. A path is relative to the cluster file.
    pub base: Option<String>,
    /// `[cluster] timezone`, an IANA name such as `Europe/Berlin`; default `Etc/UTC`.
    pub timezone: String,
    /// `[cluster] locale`; default `en_GB.UTF-8`, as in Raspberry Pi OS.
    pub locale: String,
    /// `[cluster] keyboard`, an XKB layout; default `gb`, as in Raspberry Pi OS.
    pub keyboard: String,
    /// The login on every node.
    pub user: User,
    /// The network that the nodes are connected to.
    pub network: Network,
    /// Docker on every node.
    pub docker: Docker,
    /// `[swarm] default_addr_pool`.
    pub swarm_address_pool: Option<Ipv4Cidr>,
    /// The volume; `None` when no node has a brick.
    pub gluster: Option<Gluster>,
    /// The source of Debian packages.
    pub apt: Apt,
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

/// `[user]`
#[derive(Clone)]
pub struct User {
    /// The login name; default `pi`.
    pub name: UserName,
    /// OpenSSH public key lines. When there are none, a key is created for the cluster.
    pub ssh_authorized_keys: Vec<String>,
    /// The files that those keys came from, to tell the user.
    pub key_files: Vec<PathBuf>,
    /// Existing private key files that ssh can log in with: those beside `key_files` and those that ssh tries by
    /// default. Empty when no key is authorised.
    pub private_key_files: Vec<PathBuf>,
    /// A crypt(3) hash; `None` for no password.
    pub password_hash: Option<Zeroizing<String>>,
}

/// `[network]`
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// Default route of nodes with fixed addresses.
    pub gateway: Option<Ipv4Addr>,
    /// Name servers of nodes with fixed addresses; default: the gateway.
    pub dns: Vec<IpAddr>,
    /// Search domain.
    pub domain: Option<String>,
    /// Wireless network for nodes without a cable.
    pub wifi: Option<Wifi>,
}

/// `[network] wifi`
#[derive(Clone)]
pub struct Wifi {
    /// Network name, at most 32 bytes.
    pub ssid: String,
    /// Passphrase (8 to 63 printable ASCII characters) or 64 hexadecimal digits; `None` for an open network.
    pub psk: Option<Zeroizing<String>>,
    /// ISO 3166 alpha-2, upper case.
    pub country: String,
}

/// `[gluster]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gluster {
    /// Volume name; default `cluster-data`.
    pub volume: String,
    /// Absolute path of the mount point; default `/mnt/cluster-data`.
    pub mount: String,
    /// The number of bricks in a complete volume, including an arbiter.
    pub replica: usize,
    /// The node whose brick holds only file names and metadata.
    pub arbiter: Option<NodeName>,
}

/// `[[node]]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Hostname.
    pub name: NodeName,
    /// Board.
    pub model: Model,
    /// Role in the swarm.
    pub role: Role,
    /// Its address, or DHCP.
    pub address: Address,
    /// The USB stick, if this node has one.
    pub brick: Option<Brick>,
}

/// A Raspberry Pi board. Variants that boot the same image are one model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// Raspberry Pi 3, all variants.
    Pi3,
    /// Raspberry Pi 4 and 400.
    Pi4,
    /// Raspberry Pi 5 and 500: its default kernel has 16 KiB pages.
    Pi5,
    /// Zero 2 W.
    Zero2,
    /// Compute Module 3.
    Cm3,
    /// Compute Module 4.
    Cm4,
    /// Compute Module 5.
    Cm5,
}

/// A node's role in the swarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Holds the swarm's state and accepts commands.
    Manager,
    /// Runs containers.
    Worker,
}

/// `brick = { device, wipe }`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brick {
    /// `None` for the only USB disk that is neither the root nor the boot disk.
    pub device: Option<String>,
    /// The sticks that may be formatted.
    pub wipe: Wipe,
}

/// `wipe = ...`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wipe {
    /// A stick that is blank, or factory-formatted with no user files.
    #[default]
    IfEmpty,
    /// Any stick, once.
    Always,
    /// Nothing: only a stick that already belongs to this cluster is used.
    Never,
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

impl fmt::Debug for User {
    /// Hides the password hash.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("name", &self.name)
            .field("ssh_authorized_keys", &self.ssh_authorized_keys)
            .field("key_files", &self.key_files)
            .field("private_key_files", &self.private_key_files)
            .field("password_hash", &self.password_hash.as_ref().map(|_| "..."))
            .finish()
    }
}

impl fmt::Debug for Wifi {
    /// Hides the passphrase.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wifi")
            .field("ssid", &self.ssid)
            .field("psk", &self.psk.as_ref().map(|_| "..."))
            .field("country", &self.country)
            .finish()
    }
}

impl Cluster {
    /// Returns the managers, in the file's order.
    pub fn managers(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| node.role == Role::Manager)
    }

    /// Returns the node with this name.
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.name.as_str() == name)
    }
}

impl Node {
    /// Returns the name that other nodes use for this one: its bare name if `/etc/hosts` can hold its address,
    /// otherwise its mDNS name.
    pub fn peer_name(&self) -> String {
        match self.address {
            Address::Fixed(_) => self.name.to_string(),
            Address::Dhcp => self.name.mdns(),
        }
    }
}

impl Model {
    /// Returns the spelling used in the cluster file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pi3 => "pi3",
            Self::Pi4 => "pi4",
            Self::Pi5 => "pi5",
            Self::Zero2 => "zero2",
            Self::Cm3 => "cm3",
            Self::Cm4 => "cm4",
            Self::Cm5 => "cm5",
        }
    }
}

impl Role {
    /// Returns the spelling used in the cluster file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Manager => "manager",
            Self::Worker => "worker",
        }
    }
}

impl Wipe {
    /// Returns the spelling used in the cluster file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IfEmpty => "if-empty",
            Self::Always => "always",
            Self::Never => "never",
        }
    }
}
