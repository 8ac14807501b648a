//! The secrets of one cluster, as they lie on the disk.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::folder::Folder;
use super::keys::{self, KeyPair, NodeIdentity};
use super::look::{Look, Texts};
use super::{known_hosts, ssh_config};
use crate::cluster::{Cluster, Node, NodeName};
use crate::error::{Category, Error, Result};

/// The folder's name, beside the cluster file or in the current folder.
pub const FOLDER_NAME: &str = "cluster.secrets";

const CLUSTER_ID: &str = "cluster-id";
const NODES: &str = "nodes";
const ADMIN_KEY: &str = "admin_key";
const KNOWN_HOSTS: &str = "known_hosts";
const SSH_CONFIG: &str = "ssh_config";

/// What stays the same whenever a card is made again.
#[derive(Debug, Clone)]
pub struct Secrets {
    folder: PathBuf,
    cluster_id: String,
    nodes: BTreeMap<NodeName, NodeIdentity>,
    admin_key: Option<AdminKey>,
    notes: Vec<String>,
}

/// The login of a user who had no ssh key of his own when the cluster was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminKey {
    /// The public key line, with a comment.
    pub public: String,
    /// The private key file, for `ssh -i`.
    pub path: PathBuf,
}

impl Secrets {
    /// Opens the folder, and makes in it whatever the cluster needs and is not there. Other processes wait meanwhile.
    ///
    /// # Errors
    /// Never replaces what cannot be used: a damaged key or id is an error that says how to go on.
    pub fn open_or_create(folder: &Path, cluster: &Cluster) -> Result<Self> {
        let mut folder = Folder::open_or_create(folder)?;
        let (cluster_id, fresh) = cluster_id(&mut folder)?;
        folder.make_folder(NODES)?;
        let mut nodes = BTreeMap::new();
        let mut made = Vec::new();
        for node in &cluster.nodes {
            let (identity, new) = node_identity(&mut folder, &node.name)?;
            if new {
                made.push(node.name.as_str());
            }
            nodes.insert(node.name.clone(), identity);
        }
        let admin_key = admin_key(&mut folder, cluster)?;
        let mut secrets = Self {
            folder: folder.root().to_owned(),
            cluster_id,
            nodes,
            admin_key,
            notes: Vec::new(),
        };
        folder.refresh(KNOWN_HOSTS, &secrets.known_hosts(cluster))?;
        let config = ssh_config::ssh_config(
            cluster,
            &folder.path(KNOWN_HOSTS),
            secrets.admin_key.as_ref().map(|key| key.path.as_path()),
        )?;
        folder.refresh(SSH_CONFIG, &config)?;
        secrets.notes = std::mem::take(&mut folder.repaired);
        secrets.notes.extend(note_on_new_keys(&folder, &made, fresh));
        Ok(secrets)
    }

    /// What the folder holds, without making, locking or changing anything; `None` when there are no secrets in it.
    /// Nodes of the cluster whose keys are not there are left out.
    ///
    /// # Errors
    /// As [`Self::open_or_create`] of what cannot be used.
    pub fn look(folder: &Path, cluster: &Cluster) -> Result<Option<Self>> {
        let Some(mut folder) = Look::at(folder)? else {
            return Ok(None);
        };
        let Some(cluster_id) = read_cluster_id(&mut folder)? else {
            return Ok(None);
        };
        let mut nodes = BTreeMap::new();
        for node in &cluster.nodes {
            let [host_key, enrolment_key] = paths_of_keys(&node.name);
            let host_key = keys::read(&mut folder, &host_key)?;
            let enrolment_key = keys::read(&mut folder, &enrolment_key)?;
            if let (Some((host_key, _)), Some((enrolment_key, _))) = (host_key, enrolment_key) {
                let identity = NodeIdentity {
                    host_key,
                    enrolment_key,
                };
                nodes.insert(node.name.clone(), identity);
            }
        }
        let admin_key = keys::read(&mut folder, ADMIN_KEY)?
            .map(|(pair, _)| AdminKey::new(&pair, cluster, folder.path(ADMIN_KEY)));
        Ok(Some(Self {
            folder: folder.root().to_owned(),
            cluster_id,
            nodes,
            admin_key,
            notes: Vec::new(),
        }))
    }

    /// 32 hexadecimal digits, the same on every node and for ever.
    pub fn cluster_id(&self) -> &str {
        &self.cluster_id
    }

    /// A node's keys.
    pub fn node(&self, name: &NodeName) -> Result<&NodeIdentity> {
        self.nodes
            .get(name)
            .ok_or_else(|| Error::new(Category::Other, format!("{name} has no keys in this cluster")))
    }

    /// Every node with its host key's public line, in the cluster's order.
    pub fn public_host_keys<'a>(&'a self, cluster: &'a Cluster) -> impl Iterator<Item = (&'a Node, &'a str)> {
        self.of_nodes(cluster, |identity| &identity.host_key)
    }

    /// Every node with its enrolment key's public line, in the cluster's order.
    pub fn public_enrolment_keys<'a>(
        &'a self,
        cluster: &'a Cluster,
    ) -> impl Iterator<Item = (&'a Node, &'a str)> {
        self.of_nodes(cluster, |identity| &identity.enrolment_key)
    }

    /// The `known_hosts` file of the cluster.
    pub fn known_hosts(&self, cluster: &Cluster) -> String {
        known_hosts::known_hosts(self.public_host_keys(cluster))
    }

    /// The `enrolment_keys` file of the cluster.
    pub fn enrolment_keys(&self, cluster: &Cluster) -> String {
        known_hosts::enrolment_keys(self.public_enrolment_keys(cluster))
    }

    /// The login that was made because the user had no key; it belongs into every node's authorised keys, beside those
    /// that the user has by now.
    pub fn admin_key(&self) -> Option<&AdminKey> {
        self.admin_key.as_ref()
    }

    /// What `ssh -F` takes, absolute.
    pub fn ssh_config_path(&self) -> PathBuf {
        self.folder.join(SSH_CONFIG)
    }

    /// What the user should know: permissions that were repaired, keys that others do not know yet.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    fn of_nodes<'a>(
        &'a self,
        cluster: &'a Cluster,
        key: impl Fn(&'a NodeIdentity) -> &'a KeyPair,
    ) -> impl Iterator<Item = (&'a Node, &'a str)> {
        cluster.nodes.iter().filter_map(move |node| {
            let identity = self.nodes.get(&node.name)?;
            Some((node, key(identity).public.as_str()))
        })
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
    format!("mkimage admin of {}", cluster.name)
}

/// Where a node's host key and its enrolment key lie in the folder.
fn paths_of_keys(name: &NodeName) -> [String; 2] {
    ["host_key", "enrolment_key"].map(|key| format!("{NODES}/{name}/{key}"))
}

/// The cluster's id, and whether it was made just now.
fn cluster_id(folder: &mut Folder) -> Result<(String, bool)> {
    if let Some(id) = read_cluster_id(folder)? {
        return Ok((id, false));
    }
    let id = base16ct::lower::encode_string(&*keys::random::<16>()?);
    folder.create(CLUSTER_ID, format!("{id}\n").as_bytes())?;
    Ok((id, true))
}

/// The cluster's id; `None` in a folder without one and without keys.
fn read_cluster_id(folder: &mut impl Texts) -> Result<Option<String>> {
    if let Some(text) = folder.read(CLUSTER_ID)? {
        let id = text.trim();
        if id.len() == 32 && id.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c)) {
            return Ok(Some(id.to_owned()));
        }
        return Err(Error::new(
            Category::Disk,
            format!(
                "{} is damaged: it has not 32 hexadecimal digits",
                folder.path(CLUSTER_ID).display()
            ),
        )
        .with_remedy(
            "restore it from a backup; /etc/mkimage/settings on every node has it as MKIMAGE_CLUSTER_ID",
        ));
    }
    if folder.path(NODES).exists() {
        return Err(Error::new(
            Category::Disk,
            format!("{} is gone, and the nodes' keys beside it are still there", folder.path(CLUSTER_ID).display()),
        )
        .with_remedy(
            "restore it from a backup; /etc/mkimage/settings on every node has it as MKIMAGE_CLUSTER_ID. To begin a \
             new cluster, move the whole folder away",
        ));
    }
    Ok(None)
}

/// A node's keys, and whether one was made just now.
fn node_identity(folder: &mut Folder, name: &NodeName) -> Result<(NodeIdentity, bool)> {
    let below = format!("{NODES}/{name}");
    folder.make_folder(&below)?;
    let [host_key, enrolment_key] = paths_of_keys(name);
    let (host_key, host_key_made) = keys::read_or_make(folder, &host_key, &format!("host key of {name}"))?;
    let (enrolment_key, enrolment_key_made) =
        keys::read_or_make(folder, &enrolment_key, &format!("enrolment key of {name}"))?;
    let identity = NodeIdentity {
        host_key,
        enrolment_key,
    };
    Ok((identity, host_key_made || enrolment_key_made))
}

/// The admin key, made when the user has no other, and kept when he has one later: older cards know only it, and the
/// user may have got used to it.
fn admin_key(folder: &mut Folder, cluster: &Cluster) -> Result<Option<AdminKey>> {
    let path = folder.path(ADMIN_KEY);
    if !cluster.user.ssh_authorized_keys.is_empty() && !path.exists() {
        return Ok(None);
    }
    let (pair, _) = keys::read_or_make(folder, ADMIN_KEY, &admin_comment(cluster))?;
    Ok(Some(AdminKey::new(&pair, cluster, path)))
}

/// What a new folder, or new keys in an old one, mean for the user.
fn note_on_new_keys(folder: &Folder, made: &[&str], fresh: bool) -> Option<String> {
    let folder = folder.root();
    if fresh {
        Some(format!(
            "made the cluster's keys in {}; keep a backup, a card made without them is a stranger to the others",
            folder.display()
        ))
    } else if made.is_empty() {
        None
    } else {
        Some(format!(
            "made keys for {}; nodes whose images were made before do not know them yet",
            made.join(", ")
        ))
    }
}
