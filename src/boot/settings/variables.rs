//! The variables of `mkimage/settings`, and where each value comes from.

use crate::boot::plan::Plan;
use crate::cluster::{BRICKS, Cluster, Gluster, Node, Wipe};

pub(super) const NODE: &str = "NODE";
pub(super) const BUILD_TIME: &str = "BUILD_TIME";

/// Returns a variable's value.
#[derive(Clone, Copy)]
pub(super) enum Source {
    /// It belongs to the card and never changes.
    Card(fn(&Plan<'_>) -> String),
    /// It is the same on all nodes, and the cluster's description has it.
    Cluster(fn(&Cluster) -> String),
    /// It is this node's, and the cluster's description has it.
    Node(fn(&Node) -> String),
}

use Source::{Card, Cluster as OfCluster, Node as OfNode};

/// Each variable's name without the prefix and its value, in the order of `docs/settings.example`.
pub(super) const VARIABLES: &[(&str, Source)] = &[
    ("CLUSTER", OfCluster(|cluster| cluster.general.name.clone())),
    ("CLUSTER_ID", Card(|plan| plan.cluster_id.to_owned())),
    (NODE, Card(|plan| plan.node.name.to_string())),
    ("ROLE", OfNode(|node| node.role.as_str().to_owned())),
    ("USER", OfCluster(|cluster| cluster.user.name.clone())),
    (
        "SSH_PASSWORD",
        OfCluster(|cluster| yes_or_no(cluster.user.ssh_password)),
    ),
    ("ADDRESS", OfNode(|node| node.address.to_string())),
    ("GATEWAY", OfCluster(|cluster| shown(cluster.network.gateway))),
    (
        "DNS",
        OfCluster(|cluster| {
            let servers = cluster.network.dns.iter().map(ToString::to_string);
            servers.collect::<Vec<_>>().join(" ")
        }),
    ),
    ("PRIVATE_NETWORK", Card(|plan| plan.private_network.to_string())),
    (
        "DOMAIN",
        OfCluster(|cluster| shown(cluster.network.domain.as_ref())),
    ),
    (BUILD_TIME, Card(|plan| plan.build_time.to_string())),
    ("TIMEZONE", OfCluster(|cluster| cluster.general.timezone.clone())),
    ("LOCALE", OfCluster(|cluster| cluster.general.locale.clone())),
    (
        "KEYBOARD",
        OfCluster(|cluster| cluster.general.keyboard.to_string()),
    ),
    (
        "WIFI_COUNTRY",
        OfCluster(|cluster| shown(cluster.network.wifi.as_ref().map(|wifi| &wifi.country))),
    ),
    (
        "DOCKER_SOURCE",
        OfCluster(|cluster| cluster.docker.source.as_str().to_owned()),
    ),
    (
        "SWARM_POOL",
        OfCluster(|cluster| shown(cluster.swarm.default_addr_pool)),
    ),
    (
        "VOLUME",
        OfCluster(|cluster| of_volume(cluster, |gluster| gluster.volume.clone())),
    ),
    (
        "MOUNT",
        OfCluster(|cluster| of_volume(cluster, |gluster| gluster.mount.clone())),
    ),
    (
        "REPLICA",
        OfCluster(|cluster| {
            let replica = cluster.gluster.as_ref().map(|gluster| gluster.replica);
            replica.unwrap_or_default().to_string()
        }),
    ),
    (
        "ARBITER",
        OfCluster(|cluster| of_volume(cluster, Gluster::arbiter_names)),
    ),
    ("BRICKS", Card(|_| BRICKS.to_owned())),
    ("BRICK", OfNode(|node| yes_or_no(node.brick.is_some()))),
    (
        "BRICK_DEVICE",
        OfNode(|node| {
            let device = node.brick.as_ref().and_then(|brick| brick.device.as_deref());
            device.unwrap_or("auto").to_owned()
        }),
    ),
    (
        "BRICK_WIPE",
        OfNode(|node| {
            let wipe = node.brick.as_ref().map(|brick| brick.wipe);
            wipe.unwrap_or(Wipe::Never).as_str().to_owned()
        }),
    ),
    (
        "APT_PROXY",
        OfCluster(|cluster| shown(cluster.apt.proxy.as_ref())),
    ),
    (
        "APT_MIRROR",
        OfCluster(|cluster| shown(cluster.apt.mirror.as_ref())),
    ),
    (
        "SECURITY_UPDATES",
        OfCluster(|cluster| yes_or_no(cluster.updates.security)),
    ),
    ("BOOT", Card(|plan| plan.base.mount.to_string())),
];

/// Returns a value of the volume, or nothing without one.
fn of_volume(cluster: &Cluster, value: fn(&Gluster) -> String) -> String {
    cluster.gluster.as_ref().map_or_else(String::new, value)
}

/// Returns the text of a value, or nothing where there is none.
fn shown(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn yes_or_no(is_so: bool) -> String {
    if is_so { "yes" } else { "no" }.to_owned()
}
