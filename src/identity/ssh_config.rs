//! The `ssh_config` with which the user's own ssh knows every node.

use std::fmt::Write;
use std::path::Path;

use crate::cluster::{Address, Cluster};
use crate::error::{Category, Error, Result};

/// Seconds after which a node is taken to be off.
const CONNECT_TIMEOUT: u32 = 10;

/// Renders the file. `known_hosts` and `admin_key` are absolute paths; the key only where one was made.
///
/// Every key that can log in is named: when one is, ssh no longer tries those that it would try by itself.
///
/// # Errors
/// Refuses a path that `ssh_config(5)` has no way to write.
pub(super) fn ssh_config(cluster: &Cluster, known_hosts: &Path, admin_key: Option<&Path>) -> Result<String> {
    let known_hosts = quoted(known_hosts)?;
    let mut keys: Vec<String> = admin_key.map(quoted).transpose()?.into_iter().collect();
    // A key in a folder that ssh cannot be told of is one less; its owner can still say -i.
    keys.extend(
        cluster
            .user
            .private_key_files
            .iter()
            .filter_map(|file| quoted(file).ok()),
    );
    let mut text = String::from(
        "# Written by mkimage; changes here are lost. Use it like this: ssh -F <this file> <node>\n",
    );
    for node in &cluster.nodes {
        let name = &node.name;
        let host = match node.address {
            Address::Dhcp => format!("{name}.local"),
            Address::Fixed(cidr) => cidr.address().to_string(),
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

/// A path as an argument of `ssh_config(5)`: in double quotes, percent signs doubled because `%` begins a token.
fn quoted(path: &Path) -> Result<String> {
    let unusable = || {
        Error::new(
            Category::Disk,
            format!("ssh cannot be told of files in {}", path.display()),
        )
        .with_remedy("use a folder whose name has no control characters and no \"${\"")
    };
    let text = path.to_str().ok_or_else(unusable)?;
    // ${...} is replaced from the environment, and there is no way to write it otherwise.
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
