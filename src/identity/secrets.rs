//! The secrets of a cluster, stored on disk.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use ipnet::Ipv4Net;

use super::folder::{Files, Folder};
use super::keys::{self, KeyPair, NodeIdentity};
use super::owner;
use super::private_place;
use super::ssh_config;
use crate::cluster::{Address, Cluster, Node, NodeName};
use crate::error::{Category, Error, Result};

/// The folder's name, beside the cluster file or in the current folder.
pub const FOLDER_NAME: &str = "cluster.secrets";

const CLUSTER_ID: &str = "cluster-id";
const MADE: &str = "made";
pub(super) const NODES: &str = "nodes";
const PRIVATE_NETWORK: &str = "private-network";
pub(super) const ADMIN_KEY: &str = "admin_key";
pub(super) const OWNER_KEY: &str = "owner_key";
/// The one before, with which descriptions are signed too: a node that was off when the key changed knows only that.
pub(super) const OLD_OWNER_KEY: &str = "owner_key.old";
/// Opens nodes that have not heard of the new one.
pub(super) const OLD_ADMIN_KEY: &str = "admin_key.old";
const DESCRIPTION: &str = "description";
const KNOWN_HOSTS: &str = "known_hosts";
const SSH_CONFIG: &str = "ssh_config";

/// The names of a node's private key files.
pub(super) const KEYS: [&str; 3] = ["host_key", "enrolment_key", "wireguard_key"];

/// The identities of a cluster and its nodes.
#[derive(Debug, Clone)]
pub struct Secrets {
    folder: PathBuf,
    /// 32 hexadecimal digits that never change.
    pub cluster_id: String,
    /// The network in which the nodes reach each other, a /24.
    pub private_network: Ipv4Net,
    owner_key: KeyPair,
    old_owner_key: Option<KeyPair>,
    nodes: BTreeMap<NodeName, NodeIdentity>,
    /// The newest description, from which the next one goes on; `None` before the first one.
    pub description: Option<String>,
    /// The description in the folder.
    kept_description: Option<String>,
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
        let (owner_key, _) = keys::read_or_create(&folder, OWNER_KEY, "mkimage owner")?;
        let old_owner_key = keys::read(&folder.files, OLD_OWNER_KEY)?.map(|(pair, _)| pair);
        folder.create_folder(NODES)?;
        let description = read_description(&folder.files)?;
        let mut nodes = BTreeMap::new();
        let mut created = Vec::new();
        for node in &cluster.nodes {
            put_aside_if_revoked(&folder, &node.name, description.as_deref().unwrap_or_default())?;
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
            owner_key,
            old_owner_key,
            nodes,
            kept_description: description.clone(),
            description,
            admin_key,
            notes: folder.repaired.clone(),
        };
        folder.update(KNOWN_HOSTS, &secrets.known_hosts(cluster))?;
        let old_admin_key = Some(folder.files.path(OLD_ADMIN_KEY)).filter(|path| path.exists());
        let admin_keys = secrets.admin_key.iter().map(|key| key.path.clone());
        let admin_keys: Vec<_> = admin_keys.chain(old_admin_key).collect();
        let config = ssh_config::ssh_config(cluster, &folder.files.path(KNOWN_HOSTS), &admin_keys)?;
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
        let Some((owner_key, _)) = keys::read(&files, OWNER_KEY)? else {
            return Ok(None);
        };
        let old_owner_key = keys::read(&files, OLD_OWNER_KEY)?.map(|(pair, _)| pair);
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
        let description = read_description(&files)?;
        Ok(Some(Self {
            folder: files.root,
            cluster_id,
            private_network,
            owner_key,
            old_owner_key,
            nodes,
            kept_description: description.clone(),
            description,
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

    /// Returns the public key lines of everybody who may log in.
    pub fn login_keys(&self, cluster: &Cluster) -> Vec<String> {
        let admin = self.admin_key.iter().map(|admin| admin.public.clone());
        cluster
            .user
            .ssh_authorized_keys
            .iter()
            .cloned()
            .chain(admin)
            .collect()
    }

    /// Returns the signatures of a description: the owner's, and one by the key that the owner had before.
    pub fn sign(&self, text: &str) -> Result<String> {
        let mut signatures = owner::sign(&self.owner_key, text)?;
        if let Some(old) = &self.old_owner_key {
            signatures.push_str(&owner::sign(old, text)?);
        }
        Ok(signatures)
    }

    /// Returns whether a description ends with the owner's signature of it, and is one of this cluster.
    pub fn has_signed(&self, description: &str) -> bool {
        let Some(at) = description.find(crate::description::SIGNATURE) else {
            return false;
        };
        let (text, signatures) = description.split_at(at);
        let mut signatures = signatures
            .match_indices(crate::description::SIGNATURE)
            .filter_map(|(at, _)| signatures.get(at..));
        text.lines().nth(1) == Some(&format!("cluster {}", self.cluster_id))
            && signatures.any(|signature| owner::has_signed(&self.owner_key, text, signature))
    }

    /// Returns the file by which nodes know the owner's signatures, `mkimage/owner`.
    pub fn owner(&self) -> String {
        owner::allowed_signers(&self.owner_key)
    }

    /// Returns the certificate with which a node introduces itself to those that do not know it yet.
    pub fn certificate(&self, node: &NodeName) -> Result<String> {
        owner::certificate(&self.owner_key, node, &self.node(node)?.enrolment_key)
    }

    /// Writes down a signed description as the newest one. Fails if another process has written down another one meanwhile: two
    /// descriptions with the same number would divide the cluster.
    pub fn keep_description(&self, signed: &str) -> Result<()> {
        if self.kept_description.as_deref() == Some(signed) {
            return Ok(());
        }
        let folder = Folder::open_or_create(&self.folder)?;
        let kept = read_description(&folder.files)?;
        if kept.as_deref() == Some(signed) {
            return Ok(());
        }
        if kept != self.kept_description {
            let what = "another mkimage has changed the cluster's description meanwhile";
            return Err(Error::new(Category::Other, what).with_remedy("run it again"));
        }
        folder.update(DESCRIPTION, signed)
    }

    /// Returns when these secrets were first made, in seconds since 1970, as the folder itself tells: a copy is as old as what was copied.
    pub fn made(&self) -> Option<u64> {
        let files = Files {
            root: self.folder.clone(),
        };
        files.read(MADE).ok()??.trim().parse().ok()
    }

    /// Returns the path of the folder.
    pub fn folder(&self) -> &Path {
        &self.folder
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
    KEYS.map(|key| format!("{NODES}/{name}/{key}"))
}

/// Puts the keys of a node aside that it has no more: it was taken out of the cluster, and is back under its old name.
fn put_aside_if_revoked(folder: &Folder, name: &NodeName, description: &str) -> Result<()> {
    let [_, enrolment_key, _] = key_paths(name);
    let Some((pair, _)) = keys::read(&folder.files, &enrolment_key)? else {
        return Ok(());
    };
    if crate::description::has_revoked(description, &pair.public) {
        super::renewal::put_aside(folder, name.as_str())?;
        folder.create_folder(&format!("{NODES}/{name}"))?;
    }
    Ok(())
}

fn read_description(files: &Files) -> Result<Option<String>> {
    Ok(files.read(DESCRIPTION)?.map(|text| text.replace("\r\n", "\n")))
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
