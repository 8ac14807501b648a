//! New keys for nodes whose old ones may be in somebody else's hands.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::folder::Folder;
use super::secrets::{KEYS, NODES, Secrets};
use super::{keys, private_place};
use crate::cluster::{Cluster, NodeName};
use crate::disk::paths::sync_folder;
use crate::error::{Context as _, Result};

/// The folder for the keys that nodes had before. A node that has not heard of its new ones still answers with these.
const REPLACED: &str = "replaced";

impl Secrets {
    /// Opens the folder and gives these nodes new keys. Every other process that uses the folder waits.
    pub fn renew(folder: &Path, cluster: &Cluster, nodes: &[&NodeName]) -> Result<Self> {
        let locked = Folder::open_or_create(folder)?;
        locked.create_folder(REPLACED)?;
        for node in nodes {
            let [current, replaced] =
                [NODES, REPLACED].map(|place| locked.files.path(&format!("{place}/{node}")));
            let doing = || format!("moving the old keys of {node} to {}", replaced.display());
            if current.exists() && !replaced.exists() {
                fs::rename(&current, &replaced).disk(doing)?;
                sync_folder(&locked.files.path(REPLACED))?;
            }
            locked.create_folder(&format!("{NODES}/{node}"))?;
            // Keys that the node has not heard of since the last time.
            for key in KEYS {
                remove(&current.join(key)).disk(doing)?;
                remove(&current.join(format!("{key}.pub"))).disk(doing)?;
            }
            private_place::keep_number(&locked, REPLACED, NODES, node)?;
        }
        drop(locked);
        Self::open_or_create(folder, cluster)
    }

    /// Returns the host key that the node answers with if it has not heard of its new keys; `None` if it has no new ones.
    pub fn replaced_host_key(&self, node: &NodeName) -> Result<Option<String>> {
        let Some(files) = super::folder::Files::open(self.folder())? else {
            return Ok(None);
        };
        let pair = keys::read(&files, &format!("{REPLACED}/{node}/host_key"))?;
        Ok(pair.map(|(pair, _)| pair.public))
    }

    /// Deletes the keys that the node had before.
    pub fn forget_replaced(&self, node: &NodeName) -> Result<()> {
        let folder = Folder::open_or_create(self.folder())?;
        let replaced = folder.files.path(&format!("{REPLACED}/{node}"));
        match fs::remove_dir_all(&replaced) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).disk(|| format!("deleting {}", replaced.display()))
            }
            _ => Ok(()),
        }
    }
}

fn remove(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::testing::cluster;
    use crate::description::Description;
    use crate::identity::FOLDER_NAME;

    #[test]
    fn a_node_gets_new_keys_and_keeps_its_address() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join(FOLDER_NAME);
        let lab = cluster();
        let old = Secrets::open_or_create(&folder, &lab).unwrap();
        let name = &lab.nodes[1].name;
        old.keep_description(&Description::of(&lab, &old).unwrap().signed)
            .unwrap();
        assert_eq!(old.replaced_host_key(name).unwrap(), None);
        let before = old.node(name).unwrap();
        let mut last = None;
        for _ in 0..2 {
            let new = Secrets::renew(&folder, &lab, &[name]).unwrap();
            let keys = new.node(name).unwrap();
            for (old, new) in [
                (&before.host_key, &keys.host_key),
                (&before.enrolment_key, &keys.enrolment_key),
                (&before.wireguard_key, &keys.wireguard_key),
            ] {
                assert_ne!(old.public, new.public);
            }
            assert_eq!(before.private_number, keys.private_number);
            assert_ne!(last.as_ref(), Some(keys));
            last = Some(keys.clone());
            // What the node itself has, however often its keys were renewed without it.
            assert_eq!(
                new.replaced_host_key(name).unwrap().as_ref(),
                Some(&before.host_key.public)
            );
            for node in lab.nodes.iter().filter(|node| node.name != *name) {
                assert_eq!(old.node(&node.name).unwrap(), new.node(&node.name).unwrap());
            }
            let description = Description::of(&lab, &new).unwrap().signed;
            assert!(description.contains(&format!("[revoked_keys]\n{}\n", before.enrolment_key.public)));
        }
        old.forget_replaced(name).unwrap();
        assert_eq!(old.replaced_host_key(name).unwrap(), None);
    }
}
