//! New keys for nodes whose old ones may be in somebody else's hands.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::folder::Folder;
use super::keys;
use super::secrets::{ADMIN_KEY, KEYS, NODES, OLD_ADMIN_KEY, OLD_OWNER_KEY, OWNER_KEY, Secrets};
use crate::cluster::{Cluster, NodeName};
use crate::disk::paths::sync_folder;
use crate::error::{Context as _, Result};

/// The folder for the host keys that nodes had before. A node that has not heard of its new ones still answers with one of these.
const REPLACED: &str = "replaced";

/// The folder for the keys of nodes that are out of the cluster.
pub(super) const REMOVED: &str = "removed";

/// Exists while no node has heard of the owner's new key.
const UNHEARD_OWNER: &str = "owner_key.unheard";

impl Secrets {
    /// Opens the folder and gives these nodes new keys. With `in_place` they are to get them over ssh while they still have their old
    /// ones; otherwise nothing is ever sent to a machine that has the old ones. Every other process that uses the folder waits.
    pub fn renew(folder: &Path, cluster: &Cluster, nodes: &[&NodeName], in_place: bool) -> Result<Self> {
        let locked = Folder::open_or_create(folder)?;
        locked.create_folder(REPLACED)?;
        for node in nodes {
            let current = locked.files.path(&format!("{NODES}/{node}"));
            let replaced = format!("{REPLACED}/{node}");
            let doing = || format!("replacing the keys of {node} in {}", current.display());
            if in_place {
                let mut keys = locked.files.read(&replaced)?.unwrap_or_default();
                if let Some((pair, _)) = keys::read(&locked.files, &format!("{NODES}/{node}/host_key"))? {
                    keys.push_str(&pair.public);
                    keys.push('\n');
                }
                locked.update(&replaced, &keys)?;
            } else {
                remove(&locked.files.path(&replaced)).disk(doing)?;
            }
            for key in KEYS {
                remove(&current.join(key)).disk(doing)?;
                remove(&current.join(format!("{key}.pub"))).disk(doing)?;
            }
        }
        drop(locked);
        Self::open_or_create(folder, cluster)
    }

    /// Gives the owner a new key, and a new login if there is one without a key of the user's. The old ones are kept beside them, because
    /// nodes do not know the new ones yet. While no node has heard of new ones, there are no newer ones: the old ones are all that opens
    /// the nodes.
    pub fn renew_owner(folder: &Path, cluster: &Cluster) -> Result<Self> {
        let locked = Folder::open_or_create(folder)?;
        if locked.files.path(UNHEARD_OWNER).exists() {
            drop(locked);
            return Self::open_or_create(folder, cluster);
        }
        locked.update(UNHEARD_OWNER, "")?;
        for (key, old) in [(OWNER_KEY, OLD_OWNER_KEY), (ADMIN_KEY, OLD_ADMIN_KEY)] {
            let path = |name: &str| locked.files.path(name);
            let doing = || format!("replacing {}", path(key).display());
            if !path(key).exists() {
                continue;
            }
            // Its public half is made again from it.
            remove(&path(&format!("{old}.pub"))).disk(doing)?;
            remove(&path(&format!("{key}.pub"))).disk(doing)?;
            fs::rename(path(key), path(old)).disk(doing)?;
        }
        sync_folder(&locked.files.root)?;
        drop(locked);
        Self::open_or_create(folder, cluster)
    }

    /// Puts the keys of a node that is out of the cluster aside, so that it gets new ones when it comes back: somebody may have the old
    /// ones. Returns where they are; `None` if it has none.
    pub fn put_aside(folder: &Path, node: &str) -> Result<Option<PathBuf>> {
        put_aside(&Folder::open_or_create(folder)?, node)
    }

    /// Returns the host keys, one per line, one of which the node answers with if it has not got its new keys; `None` if it is not to get
    /// any over ssh.
    pub fn replaced_host_keys(&self, node: &NodeName) -> Result<Option<String>> {
        let Some(files) = super::folder::Files::open(self.folder())? else {
            return Ok(None);
        };
        let keys = files.read(&format!("{REPLACED}/{node}"))?;
        Ok(keys.map(|keys| keys.as_str().to_owned()))
    }

    /// A node has taken a description that names the owner's key.
    pub fn owner_is_heard(&self) -> Result<()> {
        let folder = Folder::open_or_create(self.folder())?;
        let unheard = folder.files.path(UNHEARD_OWNER);
        remove(&unheard).disk(|| format!("deleting {}", unheard.display()))
    }

    /// Forgets the keys that the node had before.
    pub fn forget_replaced(&self, node: &NodeName) -> Result<()> {
        let folder = Folder::open_or_create(self.folder())?;
        let replaced = folder.files.path(&format!("{REPLACED}/{node}"));
        remove(&replaced).disk(|| format!("deleting {}", replaced.display()))
    }
}

/// Does what [`Secrets::put_aside`] does in a folder that is open.
pub(super) fn put_aside(folder: &Folder, node: &str) -> Result<Option<PathBuf>> {
    folder.create_folder(REMOVED)?;
    let keys = folder.files.path(&format!("{NODES}/{node}"));
    if !keys.exists() {
        return Ok(None);
    }
    let mut names = (1_u64..).map(|number| match number {
        1 => format!("{REMOVED}/{node}"),
        _ => format!("{REMOVED}/{node}-{number}"),
    });
    let aside = names.find_map(|name| Some(folder.files.path(&name)).filter(|path| !path.exists()));
    let Some(aside) = aside else { return Ok(None) };
    let doing = || format!("moving the keys of {node} to {}", aside.display());
    fs::rename(&keys, &aside).disk(doing)?;
    sync_folder(&folder.files.path(REMOVED))?;
    Ok(Some(aside))
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
    fn the_owner_gets_a_new_key_and_still_signs_with_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join(FOLDER_NAME);
        let mut lab = cluster();
        lab.user.ssh_authorized_keys.clear();
        let old = Secrets::open_or_create(&folder, &lab).unwrap();
        let first = Description::of(&lab, &old).unwrap().signed;
        old.keep_description(&first).unwrap();
        let new = Secrets::renew_owner(&folder, &lab).unwrap();
        assert_ne!(old.owner(), new.owner());
        let admin = |secrets: &Secrets| secrets.admin_key.as_ref().unwrap().public.clone();
        assert_ne!(admin(&old), admin(&new));
        let second = Description::of(&lab, &new).unwrap();
        assert_eq!(second.generation, 2);
        // Either proves it, and the one of before says which is the one of now.
        assert!(old.has_signed(&second.signed) && new.has_signed(&second.signed));
        assert!(!new.has_signed(&first));
        assert!(second.signed.contains(&format!("[owner]\n{}", new.owner())));
        let config = fs::read_to_string(new.ssh_config_path()).unwrap();
        assert!(config.contains("admin_key.old"), "{config}");
        // No node has heard of it: the old one is not given up for an even newer one.
        let again = Secrets::renew_owner(&folder, &lab).unwrap();
        assert_eq!(again.owner(), new.owner());
        assert!(old.has_signed(&Description::of(&lab, &again).unwrap().signed));
        again.owner_is_heard().unwrap();
        // The next one is signed by the new one and by it.
        let newer = Secrets::renew_owner(&folder, &lab).unwrap();
        assert!(!old.has_signed(&Description::of(&lab, &newer).unwrap().signed));
    }

    #[test]
    fn a_node_that_comes_back_gets_new_keys() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join(FOLDER_NAME);
        let lab = cluster();
        let name = &lab.nodes[1].name;
        let mut seen = Vec::new();
        for _ in 0..3 {
            let secrets = Secrets::open_or_create(&folder, &lab).unwrap();
            let key = secrets.node(name).unwrap().enrolment_key.public.clone();
            assert!(!seen.contains(&key));
            seen.push(key);
            let aside = Secrets::put_aside(&folder, name.as_str()).unwrap().unwrap();
            assert!(aside.join("host_key").is_file());
        }
        assert_eq!(Secrets::put_aside(&folder, name.as_str()).unwrap(), None);
    }

    #[test]
    fn a_node_gets_new_keys_and_keeps_its_address() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join(FOLDER_NAME);
        let lab = cluster();
        let old = Secrets::open_or_create(&folder, &lab).unwrap();
        let name = &lab.nodes[1].name;
        old.keep_description(&Description::of(&lab, &old).unwrap().signed)
            .unwrap();
        assert_eq!(old.replaced_host_keys(name).unwrap(), None);
        let before = old.node(name).unwrap();
        let mut last = None;
        let mut had = format!("{}\n", before.host_key.public);
        for _ in 0..2 {
            let new = Secrets::renew(&folder, &lab, &[name], true).unwrap();
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
            // It may have any of them.
            assert_eq!(new.replaced_host_keys(name).unwrap().as_ref(), Some(&had));
            had = format!("{had}{}\n", keys.host_key.public);
            for node in lab.nodes.iter().filter(|node| node.name != *name) {
                assert_eq!(old.node(&node.name).unwrap(), new.node(&node.name).unwrap());
            }
            let description = Description::of(&lab, &new).unwrap().signed;
            assert!(description.contains(&format!("[revoked_keys]\n{}\n", before.enrolment_key.public)));
        }
        // A thief, who may answer with one of them, gets nothing.
        let stolen = Secrets::renew(&folder, &lab, &[name], false).unwrap();
        assert_eq!(stolen.replaced_host_keys(name).unwrap(), None);
        Secrets::renew(&folder, &lab, &[name], true).unwrap();
        old.forget_replaced(name).unwrap();
        assert_eq!(old.replaced_host_keys(name).unwrap(), None);
    }
}
