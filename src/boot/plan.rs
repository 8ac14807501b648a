//! The input of a node's boot partition.

use ipnet::Ipv4Net;

use crate::boot::overlay::BootPath;
use crate::cluster::{Cluster, Node};
use crate::identity::NodeIdentity;
use crate::release::BaseFacts;

/// Everything that a node's boot partition depends on.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'a> {
    pub cluster: &'a Cluster,
    pub node: &'a Node,
    pub identity: &'a NodeIdentity,
    /// 32 hexadecimal digits, the same on every node.
    pub cluster_id: &'a str,
    /// Public key lines of the people who may log in.
    pub authorized_keys: &'a [String],
    /// Every node's host key, in OpenSSH's `known_hosts` format.
    pub known_hosts: &'a str,
    /// Every node and its place in the private network, `mkimage/nodes`.
    pub nodes: &'a str,
    /// The private network, a /24.
    pub private_network: Ipv4Net,
    /// Every node's enrolment public key, `<node> ssh-ed25519 AAAA...`, one per line.
    pub enrolment_keys: &'a str,
    /// Seconds since 1970; the Pi's clock never shows an earlier time.
    pub build_time: u64,
    /// The base that the image is made from.
    pub base: &'a BaseFacts,
    /// The user's own files for this node, which replace any other of the same path.
    pub user_files: &'a [(BootPath, Vec<u8>)],
}
