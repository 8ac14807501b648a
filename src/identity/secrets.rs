//! The secrets of a cluster, stored on disk.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use ipnet::Ipv4Net;

use super::folder::{Files, Folder};
use super::keys::{self, KeyPair, NodeIdentity};
use super::private_place;
use super::ssh_config;
use crate::cluster::{Address, Cluster, Node, NodeName};
use crate::error::{Category, Error, Result};

/// The folder's name, beside the cluster file or in the current folder.
pub const FOLDER_NAME: &str = "cluster.secrets";

const CLUSTER_ID: &str = "cluster-id";
const MADE: &str = "made";
const NODES: &str = "nodes";
const PRIVATE_NETWORK: &str = "private-network";
const ADMIN_KEY: &str = "admin_key";
const KNOWN_HOSTS: &str = "known_hosts";
const SSH_CONFIG: &str = "ssh_config";

/// The identities of a cluster and its nodes.
#[derive(Debug, Clone)]
pub struct Secrets {
    folder: PathBuf,
    /// 32 hexadecimal digits that never change.
    pub cluster_id: String,
    /// The network in which the nodes reach each other, a /24.
    pub private_network: Ipv4Net,
    nodes: BTreeMap<NodeName, NodeIdentity>,
    /// Authorised on every node in addition to the user's own keys.
    pub admin_key: Option<AdminKey>,
    /// Notes for the user: repaired permissions, and keys that other nodes do not know yet.
    pub notes: Vec<String>,
}

/// The login of a user who had no ssh key when the cluster was created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminKey {
    /// The public key line, with a comment.
    pub public: String,
    /// The private key file, for `ssh -i`.
    pub path: PathBuf,
}

impl Secrets {
    /// Opens the folder and creates whatever the cluster needs. Other processes wait in the meantime. A damaged key
    /// or id is an error and never replaced.
    pub fn open_or_create(folder: &Path, cluster: &Cluster) -> Result<Self> {
        refuse_link_elsewhere(folder)?;
        let folder = Folder::open_or_create(folder)?;
        let (cluster_id, fresh) = cluster_id(&folder)?;
        let (private_network, is_new) =
            private_place::network(&folder.files, PRIVATE_NETWORK, cluster, &cluster_id)?;
        if is_new {
            folder.create(PRIVATE_NETWORK, format!("{private_network}\n").as_bytes())?;
        }
        folder.create_folder(NODES)?;
        let mut nodes = BTreeMap::new();
        let mut created = Vec::new();
        for node in &cluster.nodes {
            let (identity, new) = node_identity(&folder, &node.name)?;
            if new {
                created.push(node.name.as_str());
            }
            nodes.insert(node.name.clone(), identity);
        }
        let admin_key = admin_key(&folder, cluster)?;
        let mut secrets = Self {
            folder: folder.files.root.clone(),
            cluster_id,
            private_network,
            nodes,
            admin_key,
            notes: folder.repaired.clone(),
        };
        folder.update(KNOWN_HOSTS, &secrets.known_hosts(cluster))?;
        let config = ssh_config::ssh_config(
            cluster,
            &folder.files.path(KNOWN_HOSTS),
            secrets.admin_key.as_ref().map(|key| key.path.as_path()),
        )?;
        folder.update(SSH_CONFIG, &config)?;
        secrets.notes.extend(note_on_new_keys(&folder, &created, fresh));
        Ok(secrets)
    }

    /// Reads the folder without creating, locking or changing anything; `None` if it has no secrets. Nodes without
    /// keys are skipped. A damaged key or id is an error.
    pub fn open_read_only(folder: &Path, cluster: &Cluster) -> Result<Option<Self>> {
        let Some(files) = Files::open(folder)? else {
            return Ok(None);
        };
        let Some(cluster_id) = read_cluster_id(&files)? else {
            return Ok(None);
        };
        let (private_network, _) = private_place::network(&files, PRIVATE_NETWORK, cluster, &cluster_id)?;
        let mut nodes = BTreeMap::new();
        for node in &cluster.nodes {
            let [host_key, enrolment_key, wireguard_key] = key_paths(&node.name);
            let host_key = keys::read(&files, &host_key)?;
            let enrolment_key = keys::read(&files, &enrolment_key)?;
            let wireguard_key = private_place::read_key(&files, &wireguard_key)?;
            let number = private_place::read_number(&files, NODES, node.name.as_str())?;
            if let (
                Some((host_key, _)),
                Some((enrolment_key, _)),
                Some(wireguard_key),
                Some(private_number),
            ) = (host_key, enrolment_key, wireguard_key, number)
            {
                let identity = NodeIdentity {
                    host_key,
                    enrolment_key,
                    wireguard_key,
                    private_number,
                };
                nodes.insert(node.name.clone(), identity);
            }
        }
        let admin_key = keys::read(&files, ADMIN_KEY)?
            .map(|(pair, _)| AdminKey::new(&pair, cluster, files.path(ADMIN_KEY)));
        Ok(Some(Self {
            folder: files.root,
            cluster_id,
            private_network,
            nodes,
            admin_key,
            notes: Vec::new(),
        }))
    }

    /// Returns a node's keys.
    pub fn node(&self, name: &NodeName) -> Result<&NodeIdentity> {
        self.nodes
            .get(name)
            .ok_or_else(|| Error::new(Category::Other, format!("{name} has no keys in this cluster")))
    }

    /// Returns a `known_hosts` file (sshd(8)) with one line per node: `name,name.local[,address] ssh-ed25519 AAAA...`.
    pub fn known_hosts(&self, cluster: &Cluster) -> String {
        let mut text = String::new();
        for (node, identity) in self.identities(cluster) {
            let name = &node.name;
            let address = match node.address {
                Address::Dhcp => String::new(),
                Address::Fixed(cidr) => format!(",{}", cidr.addr()),
            };
            let key = &identity.host_key.public;
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{name},{}{address} {key}", name.mdns());
        }
        text
    }

    /// Returns the file `mkimage/enrolment_keys` with one line per node: `name ssh-ed25519 AAAA...`.
    pub fn enrolment_keys(&self, cluster: &Cluster) -> String {
        let lines = self
            .identities(cluster)
            .map(|(node, identity)| format!("{} {}\n", node.name, identity.enrolment_key.public));
        lines.collect()
    }

    /// Returns the file `mkimage/nodes` with one line per node: `name role place brick private-address wireguard-key`, where
    /// the place is its fixed address or mDNS name.
    pub fn nodes(&self, cluster: &Cluster) -> String {
        let [first, second, third, _] = self.private_network.addr().octets();
        let lines = self.identities(cluster).map(|(node, identity)| {
            let address = Ipv4Addr::new(first, second, third, identity.private_number);
            let (name, role, place) = (&node.name, node.role.as_str(), node.place());
            let brick = if node.brick.is_some() { "yes" } else { "no" };
            format!(
                "{name} {role} {place} {brick} {address} {}\n",
                identity.wireguard_key.public
            )
        });
        lines.collect()
    }

    /// Returns when these secrets were first made, in seconds since 1970, as the folder itself tells: a copy is as old as what was copied.
    pub fn made(&self) -> Option<u64> {
        let files = Files {
            root: self.folder.clone(),
        };
        files.read(MADE).ok()??.trim().parse().ok()
    }

    /// Returns the absolute path of the file for `ssh -F`.
    pub fn ssh_config_path(&self) -> PathBuf {
        self.folder.join(SSH_CONFIG)
    }

    /// Returns the nodes that have keys, in the cluster's order.
    fn identities<'a>(&'a self, cluster: &'a Cluster) -> impl Iterator<Item = (&'a Node, &'a NodeIdentity)> {
        let nodes = cluster.nodes.iter();
        nodes.filter_map(|node| Some((node, self.nodes.get(&node.name)?)))
    }
}

impl AdminKey {
    fn new(pair: &KeyPair, cluster: &Cluster, path: PathBuf) -> Self {
        Self {
            public: format!("{} {}", pair.public, admin_comment(cluster)),
            path,
        }
    }
}

fn admin_comment(cluster: &Cluster) -> String {
    format!("mkimage admin of {}", cluster.general.name)
}

/// Returns the paths of a node's host key, enrolment key and WireGuard key in the folder.
fn key_paths(name: &NodeName) -> [String; 3] {
    ["host_key", "enrolment_key", "wireguard_key"].map(|key| format!("{NODES}/{name}/{key}"))
}

/// Returns the cluster's id, and whether it was created just now.
fn cluster_id(folder: &Folder) -> Result<(String, bool)> {
    if let Some(id) = read_cluster_id(&folder.files)? {
        return Ok((id, false));
    }
    let id = base16ct::lower::encode_string(&*keys::random::<16>()?);
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |since| since.as_secs());
    folder.create(MADE, format!("{now}\n").as_bytes())?;
    folder.create(CLUSTER_ID, format!("{id}\n").as_bytes())?;
    Ok((id, true))
}

/// Refuses a secrets folder that is a link to anything but secrets: whatever is there would be made private. One that its owner keeps on
/// another disk has an id.
fn refuse_link_elsewhere(folder: &Path) -> Result<()> {
    if !folder.is_symlink() || folder.join(CLUSTER_ID).exists() {
        return Ok(());
    }
    let what = format!(
        "{} is a link to something else than a cluster's secrets",
        folder.display()
    );
    Err(Error::new(Category::ClusterFile, what).with_remedy("remove the link"))
}

/// Returns the cluster's id; `None` if the folder has neither an id nor keys.
fn read_cluster_id(files: &Files) -> Result<Option<String>> {
    if let Some(text) = files.read(CLUSTER_ID)? {
        let id = text.trim();
        if id.len() == 32 && id.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c)) {
            return Ok(Some(id.to_owned()));
        }
        let what = format!(
            "{} is damaged: it does not have 32 hexadecimal digits",
            files.path(CLUSTER_ID).display()
        );
        return Err(Error::new(Category::Disk, what).with_remedy(
            "restore it from a backup; /etc/mkimage/settings on every node has it as MKIMAGE_CLUSTER_ID",
        ));
    }
    if files.path(NODES).exists() {
        let what = format!(
            "{} is missing, but the nodes' keys beside it exist",
            files.path(CLUSTER_ID).display()
        );
        return Err(Error::new(Category::Disk, what).with_remedy(
            "restore it from a backup; /etc/mkimage/settings on every node has it as MKIMAGE_CLUSTER_ID. To start a \
             new cluster, move the whole folder away",
        ));
    }
    Ok(None)
}

/// Returns a node's keys, and whether one was created just now.
fn node_identity(folder: &Folder, name: &NodeName) -> Result<(NodeIdentity, bool)> {
    folder.create_folder(&format!("{NODES}/{name}"))?;
    let [host_key, enrolment_key, wireguard_key] = key_paths(name);
    let (host_key, host_key_created) =
        keys::read_or_create(folder, &host_key, &format!("host key of {name}"))?;
    let (enrolment_key, enrolment_key_created) =
        keys::read_or_create(folder, &enrolment_key, &format!("enrolment key of {name}"))?;
    let (wireguard_key, wireguard_key_created) = private_place::read_or_create_key(folder, &wireguard_key)?;
    let identity = NodeIdentity {
        host_key,
        enrolment_key,
        wireguard_key,
        private_number: private_place::read_or_give_number(folder, NODES, name)?,
    };
    Ok((
        identity,
        host_key_created || enrolment_key_created || wireguard_key_created,
    ))
}

/// Returns the admin key. It is created if the user has no other key, and kept if they get one later, because older
/// cards accept no other.
fn admin_key(folder: &Folder, cluster: &Cluster) -> Result<Option<AdminKey>> {
    let path = folder.files.path(ADMIN_KEY);
    if !cluster.user.ssh_authorized_keys.is_empty() && !path.exists() {
        return Ok(None);
    }
    let (pair, _) = keys::read_or_create(folder, ADMIN_KEY, &admin_comment(cluster))?;
    Ok(Some(AdminKey::new(&pair, cluster, path)))
}

/// Returns a note about new keys for the user.
fn note_on_new_keys(folder: &Folder, created: &[&str], fresh: bool) -> Option<String> {
    let folder = &folder.files.root;
    if fresh {
        Some(format!(
            "created the cluster's keys in {}; keep a backup, because a card built without them cannot join the others",
            folder.display()
        ))
    } else if created.is_empty() {
        None
    } else {
        Some(format!(
            "created keys for {}; nodes with older images do not know them yet",
            created.join(", ")
        ))
    }
}
