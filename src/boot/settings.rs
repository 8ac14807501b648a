//! `mkimage/settings` and `mkimage/nodes`: what the scripts on the Pi know about their node and the others.

use std::fmt::Write as _;

use crate::boot::plan::Plan;
use crate::cluster::{Address, Cluster, Wipe};
use crate::error::{Category, Error, Result};

/// POSIX shell assignments, in the order of the table in `docs/architecture.md`.
///
/// # Errors
/// Refuses values with line breaks or zero bytes, which no setting may have.
pub(super) fn settings(plan: &Plan<'_>) -> Result<String> {
    let Plan { cluster, node, .. } = plan;
    let network = &cluster.network;
    let gluster = cluster.gluster.as_ref();
    let text = |value: Option<&String>| value.cloned().unwrap_or_default();
    let shown = |value: Option<String>| value.unwrap_or_default();
    let variables: [(&str, String); 25] = [
        ("CLUSTER", cluster.name.clone()),
        ("CLUSTER_ID", plan.cluster_id.to_owned()),
        ("NODE", node.name.to_string()),
        ("ROLE", node.role.as_str().to_owned()),
        ("USER", cluster.user.name.to_string()),
        ("ADDRESS", node.address.to_string()),
        ("DOMAIN", text(network.domain.as_ref())),
        ("BUILD_TIME", plan.build_time.to_string()),
        ("TIMEZONE", cluster.timezone.clone()),
        ("LOCALE", cluster.locale.clone()),
        ("KEYBOARD", cluster.keyboard.clone()),
        (
            "WIFI_COUNTRY",
            shown(network.wifi.as_ref().map(|wifi| wifi.country.clone())),
        ),
        ("DOCKER_SOURCE", cluster.docker.as_str().to_owned()),
        (
            "SWARM_POOL",
            shown(cluster.swarm_address_pool.map(|pool| pool.to_string())),
        ),
        ("VOLUME", text(gluster.map(|gluster| &gluster.volume))),
        ("MOUNT", text(gluster.map(|gluster| &gluster.mount))),
        (
            "REPLICA",
            gluster.map_or(0, |gluster| gluster.replica).to_string(),
        ),
        (
            "ARBITER",
            shown(
                gluster
                    .and_then(|gluster| gluster.arbiter.as_ref())
                    .map(ToString::to_string),
            ),
        ),
        ("BRICK", yes_no(node.brick.is_some()).to_owned()),
        (
            "BRICK_DEVICE",
            node.brick
                .as_ref()
                .and_then(|brick| brick.device.clone())
                .unwrap_or_else(|| "auto".to_owned()),
        ),
        (
            "BRICK_WIPE",
            node.brick
                .as_ref()
                .map_or(Wipe::Never, |brick| brick.wipe)
                .as_str()
                .to_owned(),
        ),
        ("APT_PROXY", text(cluster.apt.proxy.as_ref())),
        ("APT_MIRROR", text(cluster.apt.mirror.as_ref())),
        ("BOOT", plan.facts.mechanism.mount().as_str().to_owned()),
        ("MECHANISM", plan.facts.mechanism.to_string()),
    ];
    let mut lines = String::new();
    for (name, value) in variables {
        let quoted = quote(&value).ok_or_else(|| {
            Error::new(
                Category::ClusterFile,
                format!(
                    "{value:?} cannot be a setting of {}: it has a line break",
                    node.name
                ),
            )
        })?;
        writeln!(lines, "MKIMAGE_{name}={quoted}").ok();
    }
    Ok(lines)
}

/// One line a node: name, role, peer name, fixed address or `-`, brick.
pub(super) fn nodes(cluster: &Cluster) -> String {
    let mut lines = String::new();
    for node in &cluster.nodes {
        let address = match node.address {
            Address::Dhcp => "-".to_owned(),
            Address::Fixed(cidr) => cidr.address().to_string(),
        };
        writeln!(
            lines,
            "{} {} {} {address} {}",
            node.name,
            node.role.as_str(),
            node.peer_name(),
            yes_no(node.brick.is_some())
        )
        .ok();
    }
    lines
}

fn yes_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

/// In single quotes for a POSIX shell; `None` when the value would not stay on one line.
fn quote(value: &str) -> Option<String> {
    if value.contains(['\n', '\r', '\0']) {
        return None;
    }
    Some(format!("'{}'", value.replace('\'', r"'\''")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boot::testing::{Base, Lab, judge};

    /// What a POSIX shell makes of the settings: variable, value.
    fn sourced(settings: &str, variable: &str) -> String {
        let script = format!("set -eu\n{settings}\nprintf %s \"$MKIMAGE_{variable}\"\n");
        judge("dash", &["-s"], script.as_bytes())
    }

    fn of(lab: &Lab) -> Result<String> {
        let facts = Base::trixie("2026-10-06").facts();
        settings(&lab.plan(0, &facts))
    }

    #[test]
    fn no_value_is_ever_run() {
        let mut lab = Lab::new();
        for nasty in [
            "it's",
            "'; touch /tmp/owned; '",
            "$(id)`id`$HOME",
            "\\'\\",
            "caf\u{e9} \u{1f600}",
            "''",
            " two  blanks ",
            "!# & | > <",
            "",
        ] {
            lab.cluster.timezone = nasty.to_owned();
            assert_eq!(sourced(&of(&lab).unwrap(), "TIMEZONE"), nasty);
        }
    }

    #[test]
    fn a_line_break_is_refused() {
        for bad in ["a\nb", "a\rb", "a\0b"] {
            let mut lab = Lab::new();
            lab.cluster.timezone = bad.to_owned();
            let error = of(&lab).unwrap_err();
            assert_eq!(error.category(), Category::ClusterFile);
        }
    }

    #[test]
    fn the_settings_are_those_that_the_scripts_were_promised() {
        let mut lab = Lab::new();
        let expected = "\
MKIMAGE_CLUSTER='homelab'
MKIMAGE_CLUSTER_ID='00112233445566778899aabbccddeeff'
MKIMAGE_NODE='pi4-1'
MKIMAGE_ROLE='manager'
MKIMAGE_USER='pi'
MKIMAGE_ADDRESS='192.168.1.31/24'
MKIMAGE_DOMAIN='lan'
MKIMAGE_BUILD_TIME='1795000000'
MKIMAGE_TIMEZONE='Europe/Berlin'
MKIMAGE_LOCALE='de_DE.UTF-8'
MKIMAGE_KEYBOARD='no'
MKIMAGE_WIFI_COUNTRY='DE'
MKIMAGE_DOCKER_SOURCE='debian'
MKIMAGE_SWARM_POOL='10.10.0.0/16'
MKIMAGE_VOLUME='cluster-data'
MKIMAGE_MOUNT='/mnt/cluster-data'
MKIMAGE_REPLICA='3'
MKIMAGE_ARBITER=''
MKIMAGE_BRICK='yes'
MKIMAGE_BRICK_DEVICE='auto'
MKIMAGE_BRICK_WIPE='if-empty'
MKIMAGE_APT_PROXY=''
MKIMAGE_APT_MIRROR=''
MKIMAGE_BOOT='/boot/firmware'
MKIMAGE_MECHANISM='cloud-init'
";
        assert_eq!(of(&lab).unwrap(), expected);

        lab.cluster.gluster = None;
        lab.cluster.nodes[0].brick = None;
        let bare = of(&lab).unwrap();
        for (variable, value) in [
            ("VOLUME", ""),
            ("REPLICA", "0"),
            ("BRICK", "no"),
            ("BRICK_WIPE", "never"),
        ] {
            assert_eq!(sourced(&bare, variable), value, "{variable}");
        }
    }

    #[test]
    fn every_node_knows_every_node() {
        let lab = Lab::new();
        assert_eq!(
            nodes(&lab.cluster),
            "pi4-1 manager pi4-1 192.168.1.31 yes\n\
             pi4-2 worker pi4-2 192.168.1.32 yes\n\
             pi5-1 worker pi5-1.local - yes\n"
        );
    }
}
