//! Default values. `docs/cluster-file.md` and `sample.toml` repeat them, and tests compare the three.

use super::Ipv4Cidr;

/// `[cluster] name`
pub(super) const CLUSTER_NAME: &str = "homelab";
/// `[cluster] timezone`
pub(super) const TIMEZONE: &str = "Etc/UTC";
/// `[cluster] locale`, as in Raspberry Pi OS.
pub(super) const LOCALE: &str = "en_GB.UTF-8";
/// `[cluster] keyboard`, as in Raspberry Pi OS.
pub(super) const KEYBOARD: &str = "gb";
/// `[user] name`, the traditional user of Raspberry Pi OS.
pub(super) const USER: &str = "pi";
/// `[user] ssh_authorized_keys`: every `*.pub` in this folder of the user's home.
pub(super) const KEY_FOLDER: &str = ".ssh";
/// The private keys that ssh tries by default: `IdentityFile` in `ssh_config(5)`.
pub(super) const PRIVATE_KEYS: [&str; 5] =
    ["id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk"];
/// `[gluster] volume`
pub(super) const VOLUME: &str = "cluster-data";
/// `[gluster] mount`
pub(super) const MOUNT: &str = "/mnt/cluster-data";
/// `[swarm] default_addr_pool`: the first of these that does not overlap the nodes' own network. Docker's own
/// default, 10.0.0.0/8, hides home networks that start with 10.
pub(super) const SWARM_POOLS: [&str; 2] = ["10.10.0.0/16", "172.30.0.0/16"];

/// Used when there is no cluster file.
pub(super) const HOME_LAB: &str = r#"
[[node]]
name = "pi4-1"
model = "pi4"
role = "manager"

[[node]]
name = "pi4-2"
model = "pi4"

[[node]]
name = "pi4-3"
model = "pi4"

[[node]]
name = "pi3-1"
model = "pi3"
"#;

/// Returns the address pool for a cluster whose nodes are in these networks.
pub(super) fn swarm_pool(networks: &[Ipv4Cidr]) -> Option<Ipv4Cidr> {
    SWARM_POOLS
        .into_iter()
        .filter_map(|pool| Ipv4Cidr::parse(pool).ok())
        .find(|pool| !networks.iter().any(|network| network.overlaps(*pool)))
}
