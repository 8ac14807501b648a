//! A node's place in the private network: its WireGuard key, and the last byte of its address.

use std::collections::BTreeMap;
use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use curve25519_dalek::MontgomeryPoint;
use ipnet::Ipv4Net;
use zeroize::Zeroizing;

use super::folder::{Files, Folder};
use super::keys::{self, KeyPair};
use super::renewal::REMOVED;
use crate::cluster::{Cluster, NodeName};
use crate::error::{Category, Context as _, Error, Result};

/// Returns the private network, and whether it has to be written to `path`, the file that remembers it. A card with another
/// network than the cards before would not reach them, so another one in the cluster file is refused.
pub(super) fn network(files: &Files, path: &str, cluster: &Cluster, id: &str) -> Result<(Ipv4Net, bool)> {
    let Some(text) = files.read(path)? else {
        return Ok((cluster.private_network(id, None)?, true));
    };
    let in_use: Ipv4Net = text
        .trim()
        .parse()
        .map_err(|_| damaged(files, path, "is not a network"))?;
    if let Some(wanted) = cluster.network.private.filter(|wanted| *wanted != in_use) {
        let what = format!(
            "the cluster's images have the private network {in_use}, and the cluster file says {wanted}"
        );
        let path = files.path(path);
        let remedy = format!(
            "write private = \"{in_use}\", or, to move every node, delete {} and make all images again",
            path.display()
        );
        return Err(Error::new(Category::Refused, what).with_remedy(remedy));
    }
    Ok((cluster.private_network(id, Some(in_use))?, false))
}

/// Reads a WireGuard key; `None` if it does not exist. It is a line of base64, as `wg genkey` writes it.
pub(super) fn read_key(files: &Files, path: &str) -> Result<Option<KeyPair>> {
    let Some(text) = files.read(path)? else {
        return Ok(None);
    };
    let decoded = STANDARD.decode(text.trim()).map(Zeroizing::new);
    match decoded.map(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).map(Zeroizing::new)) {
        Ok(Ok(bytes)) => Ok(Some(pair(&bytes))),
        _ => Err(damaged(files, path, "is not a WireGuard key")),
    }
}

/// Reads or creates a WireGuard key. Returns `true` if it was created.
pub(super) fn read_or_create_key(folder: &Folder, path: &str) -> Result<(KeyPair, bool)> {
    if let Some(pair) = read_key(&folder.files, path)? {
        return Ok((pair, false));
    }
    let key = pair(&*keys::random()?);
    folder.create(path, key.private.as_bytes())?;
    Ok((key, true))
}

/// The key agreement of WireGuard is X25519 (RFC 7748), whose private keys are any 32 bytes.
fn pair(bytes: &[u8; 32]) -> KeyPair {
    KeyPair {
        private: Zeroizing::new(format!("{}\n", STANDARD.encode(bytes))),
        public: STANDARD.encode(MontgomeryPoint::mul_base_clamped(*bytes).as_bytes()),
    }
}

/// Reads a node's number in the private network, 1 to 254; `None` if it has none. `nodes` is the nodes' folder.
pub(super) fn read_number(files: &Files, nodes: &str, node: &str) -> Result<Option<u8>> {
    let path = number_path(nodes, node);
    let Some(text) = files.read(&path)? else {
        return Ok(None);
    };
    match text.trim().parse() {
        Ok(number @ 1..=254) => Ok(Some(number)),
        _ => Err(damaged(files, &path, "is not a number from 1 to 254")),
    }
}

/// Reads a node's number, or gives it the lowest that no node has or had. A number that two nodes have is an error: a folder was
/// copied, and both would be the same to the others.
pub(super) fn read_or_give_number(folder: &Folder, nodes: &str, node: &NodeName) -> Result<u8> {
    let mut taken = numbers_below(&folder.files, nodes)?;
    taken.retain(|_, other| other != node);
    if let Some(number) = read_number(&folder.files, nodes, node.as_str())? {
        return match taken.get(&number) {
            None => Ok(number),
            Some(other) => {
                let path = number_path(nodes, node.as_str());
                Err(damaged(
                    &folder.files,
                    &path,
                    &format!("is also the number of {other}"),
                ))
            }
        };
    }
    // The pool and the volume may still know a node that has gone by its address.
    taken.append(&mut numbers_below(&folder.files, REMOVED)?);
    let number = (1..=254)
        .find(|number| !taken.contains_key(number))
        .ok_or_else(|| {
            let what = format!("{node} has no place in the private network, which has 254");
            let remedy = "take nodes out of the cluster file, and their folders out of cluster.secrets/nodes and cluster.secrets/removed";
            Error::new(Category::ClusterFile, what).with_remedy(remedy)
        })?;
    folder.create(
        &number_path(nodes, node.as_str()),
        format!("{number}\n").as_bytes(),
    )?;
    Ok(number)
}

/// Returns the numbers of the nodes that have folders in this one.
fn numbers_below(files: &Files, nodes: &str) -> Result<BTreeMap<u8, NodeName>> {
    let mut numbers = BTreeMap::new();
    if !files.path(nodes).exists() {
        return Ok(numbers);
    }
    let what = || format!("listing {}", files.path(nodes).display());
    for entry in fs::read_dir(files.path(nodes)).disk(what)? {
        // Desktops leave files of their own in folders.
        let Ok(node) = NodeName::parse(&entry.disk(what)?.file_name().to_string_lossy()) else {
            continue;
        };
        if let Some(number) = read_number(files, nodes, node.as_str())? {
            numbers.insert(number, node);
        }
    }
    Ok(numbers)
}

fn number_path(nodes: &str, node: &str) -> String {
    format!("{nodes}/{node}/private_number")
}

fn damaged(files: &Files, path: &str, why: &str) -> Error {
    let what = format!("{} is damaged: it {why}", files.path(path).display());
    let remedy =
        "restore it from a backup, or delete it to have a new one, which existing images will not know";
    Error::new(Category::Disk, what).with_remedy(remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pair of `wg genkey` and `wg pubkey`.
    #[test]
    fn the_public_half_is_the_one_that_wireguard_derives() {
        let private = STANDARD
            .decode("WEA9yqyfcAjtFzYBgeR6Z1OBjlg3RnilK/nHrW/PyXo=")
            .unwrap();
        let key = pair(&private.try_into().unwrap());
        assert_eq!(key.public, "/Q1k4XuJRLRzxTACft/qVJYhowVHnCYSz7oQBWyzLX0=");
        assert_eq!(
            key.private.as_str(),
            "WEA9yqyfcAjtFzYBgeR6Z1OBjlg3RnilK/nHrW/PyXo=\n"
        );
    }
}
