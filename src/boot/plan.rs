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
    /// The cluster's description, signed.
    pub description: &'a str,
    /// The `allowed_signers` file with the owner's public key.
    pub owner: &'a str,
    /// The certificate of the node's enrolment key.
    pub certificate: &'a str,
    /// The private network, a /24.
    pub private_network: Ipv4Net,
    /// Seconds since 1970; the Pi's clock never shows an earlier time.
    pub build_time: u64,
    /// The base that the image is made from.
    pub base: &'a BaseFacts,
    /// The user's own files for this node, which replace any other of the same path.
    pub user_files: &'a [(BootPath, Vec<u8>)],
}
