//! What the user's cluster is: the validated form of `cluster.toml`. Parsing is the only way to get one.

mod address;
mod authorized_keys;
mod defaults;
mod file;
mod load;
mod names;
mod parse;
mod problem;
mod source;
#[cfg(test)]
mod tests;
mod validate;

pub use address::{Address, Ipv4Cidr};
pub use load::{BaseJudge, BaseProblem, FILE_NAME, Loaded, Surroundings, load, load_judging};
pub use names::{NodeName, UserName};
pub use problem::{Problem, Warning};
pub use source::Position;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// The commented cluster file that `mkimage init` writes: the built-in home lab, spelt out.
pub const SAMPLE: &str = include_str!("sample.toml");

/// A whole cluster, checked.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// Where it was read from.
    pub origin: Origin,
    /// `[cluster] name`: lower-case letters, digits and hyphens.
    pub name: String,
    /// `[cluster] base`: what `--base` takes; `None` for the catalog's default.
    pub base: Option<String>,
    /// `[cluster] timezone`, an IANA name such as `Europe/Berlin`; default `Etc/UTC`.
    pub timezone: String,
    /// `[cluster] locale`; default `en_GB.UTF-8`, as Raspberry Pi OS has it.
    pub locale: String,
    /// `[cluster] keyboard`, an XKB layout; default `gb`, as Raspberry Pi OS has it.
    pub keyboard: String,
    /// The person who logs in.
    pub user: User,
    /// What the nodes are connected to.
    pub network: Network,
    /// Where Docker comes from.
    pub docker: DockerSource,
    /// `[swarm] default_addr_pool`.
    pub swarm_address_pool: Option<Ipv4Cidr>,
    /// The volume; `None` when no node has a brick.
    pub gluster: Option<Gluster>,
    /// Where packages come from.
    pub apt: Apt,
    /// In the file's order; at least one, at least one manager.
    pub nodes: Vec<Node>,
}

/// Where a cluster's description came from.
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
    /// Login name; default `pi`.
    pub name: UserName,
    /// OpenSSH public key lines; empty when the user has none, and an admin key is to be made.
    pub ssh_authorized_keys: Vec<String>,
    /// Which key files those came from, for telling the user.
    pub key_files: Vec<PathBuf>,
    /// Private key files that ssh can log in with: those beside `key_files`, and those that ssh tries by itself. Only
    /// those that are there, and none when no key is authorised.
    pub private_key_files: Vec<PathBuf>,
    /// A crypt(3) hash, or no password at all.
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
    /// Wireless network, for nodes that find no cable.
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

/// `[docker] source`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DockerSource {
    /// The distribution's `docker.io`.
    #[default]
    Debian,
    /// Docker's own repository, key pinned.
    Docker,
}

/// `[gluster]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gluster {
    /// Volume name; default `cluster-data`.
    pub volume: String,
    /// Absolute mount point; default `/mnt/cluster-data`.
    pub mount: String,
    /// How many bricks a complete volume has (an arbiter counts).
    pub replica: usize,
    /// The node whose brick holds only names and checksums.
    pub arbiter: Option<NodeName>,
}

/// `[apt]`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Apt {
    /// `http://host:port` of a caching proxy.
    pub proxy: Option<String>,
    /// Debian mirror to use in place of the image's.
    pub mirror: Option<String>,
}

/// `[[node]]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Hostname.
    pub name: NodeName,
    /// Board.
    pub model: Model,
    /// Part in the swarm.
    pub role: Role,
    /// Address.
    pub address: Address,
    /// The stick, if this node has one.
    pub brick: Option<Brick>,
}

/// A Raspberry Pi board, as far as an image cares.
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

/// Part in the swarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Holds the swarm's state and takes orders.
    Manager,
    /// Runs containers.
    Worker,
}

/// `brick = { device, wipe }`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brick {
    /// `None`: the one USB disk that is neither root nor boot disk.
    pub device: Option<String>,
    /// What may be formatted.
    pub wipe: Wipe,
}

/// `wipe = ...`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wipe {
    /// Blank, or shop-formatted without a user's files.
    #[default]
    IfEmpty,
    /// Whatever is on it, once.
    Always,
    /// Only a stick that is ours already is used.
    Never,
}

impl Origin {
    /// The folder beside whose files the cluster's secrets and overlays lie: the cluster file's, else the
    /// current one, which is `current`.
    pub fn folder<'a>(&'a self, current: &'a Path) -> &'a Path {
        match self {
            Self::BuiltIn => current,
            Self::File(path) => path.parent().unwrap_or(current),
        }
    }
}

impl fmt::Debug for User {
    /// Without the password hash.
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
    /// Without the passphrase.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wifi")
            .field("ssid", &self.ssid)
            .field("psk", &self.psk.as_ref().map(|_| "..."))
            .field("country", &self.country)
            .finish()
    }
}

impl Cluster {
    /// The nodes that hold the swarm's state, in the file's order.
    pub fn managers(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| node.role == Role::Manager)
    }

    /// Looks a node up by name.
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.name.as_str() == name)
    }
}

impl Node {
    /// What the other nodes call this one: its bare name when `/etc/hosts` can say where it is, else its mDNS name.
    pub fn peer_name(&self) -> String {
        match self.address {
            Address::Fixed(_) => self.name.to_string(),
            Address::Dhcp => format!("{}.local", self.name),
        }
    }
}

impl Model {
    /// As it is written in the cluster file.
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
    /// As it is written in the cluster file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Manager => "manager",
            Self::Worker => "worker",
        }
    }
}

impl Wipe {
    /// As it is written in the cluster file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IfEmpty => "if-empty",
            Self::Always => "always",
            Self::Never => "never",
        }
    }
}

impl DockerSource {
    /// As it is written in the cluster file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debian => "debian",
            Self::Docker => "docker",
        }
    }
}
