//! Renders a node's boot partition files from the cluster and its secrets, for `build` to write and `verify` to compare.

use crate::boot::facts::BootFacts;
use crate::boot::overlay::{BootPath, Overlay};
use crate::boot::plan::Plan;
use crate::boot::render::render;
use crate::cluster::{Cluster, Node};
use crate::error::Result;
use crate::identity::Secrets;

/// Returns the files that a build at `build_time` writes for the node.
pub(crate) fn node_overlay(
    cluster: &Cluster,
    node: &Node,
    secrets: &Secrets,
    facts: &BootFacts,
    user_files: &[(BootPath, Vec<u8>)],
    build_time: u64,
) -> Result<Overlay> {
    let mut authorized_keys = cluster.user.ssh_authorized_keys.clone();
    authorized_keys.extend(secrets.admin_key.as_ref().map(|admin| admin.public.clone()));
    let plan = Plan {
        cluster,
        node,
        identity: secrets.node(&node.name)?,
        cluster_id: &secrets.cluster_id,
        authorized_keys: &authorized_keys,
        known_hosts: &secrets.known_hosts(cluster),
        enrolment_keys: &secrets.enrolment_keys(cluster),
        build_time,
        base: &facts.base,
        user_files,
    };
    render(&plan, &*facts.mechanism)
}
