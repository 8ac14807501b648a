//! The `ssh_config` that gives the user's own ssh access to every node.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use crate::cluster::{Address, Cluster};
use crate::error::{Category, Error, Result};

/// Seconds after which a node is considered off.
const CONNECT_TIMEOUT: u32 = 10;

/// Renders the file. `known_hosts` and `admin_keys` are absolute paths.
///
/// Every key that can log in is named, because ssh stops trying its default keys once any key is named. A path that
/// cannot be written in `ssh_config(5)` is refused.
pub(super) fn ssh_config(cluster: &Cluster, known_hosts: &Path, admin_keys: &[PathBuf]) -> Result<String> {
    let known_hosts = quoted(known_hosts)?;
    let keys = admin_keys.iter().map(|path| quoted(path));
    let mut keys: Vec<String> = keys.collect::<Result<_>>()?;
    // A key whose path cannot be written is skipped; its owner can still use -i.
    keys.extend(
        cluster
            .user
            .private_key_files
            .iter()
            .filter_map(|file| quoted(file).ok()),
    );
    let mut text =
        String::from("# Written by mkimage; changes here are lost. Usage: ssh -F <this file> <node>\n");
    for node in &cluster.nodes {
        let name = &node.name;
        let host = match node.address {
            Address::Dhcp => name.mdns(),
            Address::Fixed(cidr) => cidr.addr().to_string(),
        };
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "\nHost {name}\n    HostName {host}\n    HostKeyAlias {name}\n    User {user}\n    \
             UserKnownHostsFile {known_hosts}\n    GlobalKnownHostsFile none\n    StrictHostKeyChecking yes\n    \
             HostKeyAlgorithms ssh-ed25519\n    UpdateHostKeys no\n    ConnectTimeout {CONNECT_TIMEOUT}\n",
            user = cluster.user.name,
        );
        for key in &keys {
            let _ = writeln!(text, "    IdentityFile {key}");
        }
    }
    Ok(text)
}

/// Quotes a path for `ssh_config(5)`: in double quotes, with percent signs doubled because `%` starts a token.
fn quoted(path: &Path) -> Result<String> {
    let unusable = || {
        let what = format!("ssh_config cannot refer to files in {}", path.display());
        Error::new(Category::Disk, what)
            .with_remedy("use a folder whose name has no control characters and no \"${\"")
    };
    let text = path.to_str().ok_or_else(unusable)?;
    // ${...} is replaced from the environment and cannot be escaped.
    if text.chars().any(char::is_control) || text.contains("${") {
        return Err(unusable());
    }
    let text = if cfg!(windows) {
        text.replace('\\', "/")
    } else {
        text.replace('\\', "\\\\")
    };
    Ok(format!("\"{}\"", text.replace('"', "\\\"").replace('%', "%%")))
}
