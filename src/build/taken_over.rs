//! The rest of what a folder brings along besides its cluster file: the user's own boot files, and the secrets of earlier
//! builds. Both may be somebody else's, from a copied folder, so that the user is always told.

use std::path::Path;

use ipnet::Ipv4Net;
use serde_json::{Value, json};

use crate::boot::overlay::BootPath;
use crate::boot::user_files::{self, UserFiles};
use crate::cluster::{Cluster, Node, Warning};
use crate::error::Result;
use crate::identity::{FOLDER_NAME, Secrets};
use crate::image::fat::Timestamp;

pub(crate) struct TakenOver<'a> {
    cluster: &'a Cluster,
    nodes: &'a [&'a Node],
    /// In the order of the nodes.
    pub(crate) own_files: Vec<UserFiles>,
    /// `None` if the next build makes them.
    secrets: Option<Secrets>,
    /// The nodes' own network; `None` if it depends on secrets that are not there yet.
    pub(crate) private_network: Option<Ipv4Net>,
    /// Warnings about folders that belong to no node.
    unknown: Vec<Warning>,
}

impl<'a> TakenOver<'a> {
    /// Reads the folder. Fails if a file in it cannot be used, or if the private network of these secrets overlaps another one
    /// of the cluster file.
    pub(crate) fn read(folder: &Path, cluster: &'a Cluster, nodes: &'a [&'a Node]) -> Result<Self> {
        let own_files = nodes
            .iter()
            .map(|node| user_files::read(folder, node.name.as_str()));
        let unknown = user_files::folders_without_node(folder, cluster);
        let unknown = unknown.iter().map(|folder| {
            let folder = folder.display();
            let message =
                format!("{folder} does not belong to a node of the cluster, so its files are ignored");
            warning(message, None)
        });
        let secrets = Secrets::open_read_only(&folder.join(FOLDER_NAME), cluster)?;
        let in_use = secrets.as_ref().map(|secrets| secrets.private_network);
        Ok(Self {
            cluster,
            nodes,
            own_files: own_files.collect::<Result<_>>()?,
            secrets,
            private_network: in_use.or(cluster.network.private),
            unknown: unknown.collect(),
        })
    }

    /// Returns what lets somebody else in or decides what runs on the nodes.
    pub(crate) fn warnings(&self) -> Vec<Warning> {
        let mut warnings = self.unknown.clone();
        for (node, files) in self.nodes.iter().zip(&self.own_files) {
            let name = &node.name;
            let files = names(files, true);
            if !files.is_empty() {
                warnings.push(warning(
                    format!("overlays/{name} has files that the Pi runs or obeys: {files}"),
                    Some(format!(
                        "they decide what runs as root on {name}, so build only if you trust them"
                    )),
                ));
            }
        }
        if self.has_second_login() {
            warnings.push(warning(
                format!("{FOLDER_NAME}/admin_key is a second login on every node, besides your own ssh keys"),
                Some("to stop using it, or if it is not yours, delete it and its .pub".to_owned()),
            ));
        }
        if cfg!(windows) {
            warnings.push(warning(
                format!("mkimage does not restrict who can read {FOLDER_NAME} and the images on Windows"),
                Some(
                    "keep them in a folder that only you can read, such as one in your user folder"
                        .to_owned(),
                ),
            ));
        }
        warnings
    }

    /// Returns a sentence for everything else.
    pub(crate) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(secrets) = &self.secrets {
            notes.push(format!("the nodes keep the keys in {}", described(secrets)));
            if self.has_admin_key() && !self.has_second_login() {
                notes.push(format!(
                    "{FOLDER_NAME}/admin_key, which was there before, logs in to every node"
                ));
            }
        }
        for (node, files) in self.nodes.iter().zip(&self.own_files) {
            let files = names(files, false);
            if !files.is_empty() {
                notes.push(format!("overlays/{} adds {files}", node.name));
            }
        }
        notes
    }

    /// Returns the number of ssh keys that can log in; 0 if one will be made.
    pub(crate) fn ssh_keys(&self) -> usize {
        let own = self.cluster.user.ssh_authorized_keys.len();
        let is_only = own == 0 && self.admin_key().is_some();
        own.saturating_add(usize::from(is_only || self.has_second_login()))
    }

    /// Returns whether one of the ssh keys is in the folder.
    pub(crate) fn has_admin_key(&self) -> bool {
        self.admin_key().is_some()
    }

    /// Returns lines for `check`.
    pub(crate) fn to_text(&self) -> String {
        let secrets = self.secrets.as_ref();
        let secrets = secrets.map_or_else(|| "none yet, the first build makes them".to_owned(), described);
        let private = self.private_network;
        let private = private.map_or_else(String::new, |network| {
            format!("private  {network}, for the nodes alone\n")
        });
        let mut text = format!("{private}keys     {secrets}\n");
        for (node, files) in self.nodes.iter().zip(&self.own_files) {
            if !files.is_empty() {
                let files: Vec<_> = files.iter().map(|(path, _)| path.as_str()).collect();
                text = format!("{text}files    overlays/{}: {}\n", node.name, files.join(", "));
            }
        }
        text
    }

    /// Returns the paths of a node's own files, by the node's position.
    pub(crate) fn own_files_json(&self, node: usize) -> Value {
        let files = self.own_files.get(node).into_iter().flatten();
        files.map(|(path, _)| path.as_str()).collect()
    }

    pub(crate) fn secrets_json(&self) -> Value {
        let Some(secrets) = &self.secrets else {
            return Value::Null;
        };
        json!({
            "cluster_id": secrets.cluster_id, "made": made(secrets), "admin_key": self.has_admin_key(),
        })
    }

    fn admin_key(&self) -> Option<&str> {
        let admin = self.secrets.as_ref()?.admin_key.as_ref()?;
        Some(&admin.public)
    }

    fn has_second_login(&self) -> bool {
        let own = &self.cluster.user.ssh_authorized_keys;
        let key = self.admin_key().and_then(|line| line.split(' ').nth(1));
        key.is_some_and(|key| !own.is_empty() && !own.iter().any(|line| line.contains(key)))
    }
}

fn warning(message: String, remedy: Option<String>) -> Warning {
    Warning {
        position: None,
        message,
        remedy,
    }
}

/// Returns the names of those files that a Pi runs or obeys, or of all others.
fn names(files: &[(BootPath, Vec<u8>)], obeyed: bool) -> String {
    let files = files.iter().map(|(path, _)| path);
    let files = files.filter(|path| user_files::is_obeyed(path) == obeyed);
    files.map(BootPath::as_str).collect::<Vec<_>>().join(", ")
}

fn described(secrets: &Secrets) -> String {
    let date = made(secrets).map_or_else(String::new, |date| format!(", first made {date}"));
    format!("{FOLDER_NAME}, cluster id {}{date}", secrets.cluster_id)
}

fn made(secrets: &Secrets) -> Option<String> {
    Some(Timestamp(secrets.made()?).to_string())
}
