//! `mkimage check`: shows what would be built from the cluster file.

use std::fmt::{self, Write};

use serde::Serialize;

use crate::base::{BaseRequest, Catalog, SAMPLE};
use crate::build::base_choice;
use crate::cli::BaseArgs;
use crate::cluster::{Cluster, Loaded, Node, Origin, Role};
use crate::error::{Category, Context, Result};
use crate::session::Session;
use crate::ui::{self, Table};

pub(super) fn run(session: &Session) -> Result<()> {
    let catalog = Catalog::load(&session.cache_dir)?;
    let loaded = base_choice::cluster_with_base(session, &BaseArgs::default(), &catalog)?;
    session.print_notes(&loaded);
    let request = session.base_request(&BaseArgs::default(), &loaded.cluster, &catalog)?;
    let base = match (request, &loaded.cluster.general.base) {
        (BaseRequest::File { path, .. }, _) => path.display().to_string(),
        (_, Some(base)) => base.clone(),
        (_, None) => catalog.default()?.id(),
    };
    let report = Report::new(&loaded, base);
    if session.common.json {
        let text = serde_json::to_string(&report)
            .context(Category::Other, || "writing the cluster as JSON".to_owned())?;
        return ui::result(&text);
    }
    ui::result(&report.to_string())
}

/// The cluster to build, without secrets.
#[derive(Debug, Serialize)]
struct Report {
    cluster: String,
    /// The cluster file's path; `null` for the built-in home lab.
    file: Option<String>,
    base: String,
    /// True for the sample base, which does not boot.
    sample: bool,
    user: UserReport,
    nodes: Vec<NodeReport>,
    swarm: SwarmReport,
    volume: Option<VolumeReport>,
    docker: &'static str,
    wifi: Option<String>,
    warnings: Vec<String>,
    assumed: Vec<String>,
}

#[derive(Debug, Serialize)]
struct UserReport {
    name: String,
    ssh_keys: usize,
    password: bool,
}

#[derive(Debug, Serialize)]
struct NodeReport {
    name: String,
    model: &'static str,
    role: &'static str,
    address: String,
    /// `null` for a node without a stick.
    brick: Option<BrickReport>,
}

#[derive(Debug, Serialize)]
struct BrickReport {
    device: String,
    wipe: &'static str,
    arbiter: bool,
}

#[derive(Debug, Serialize)]
struct SwarmReport {
    managers: usize,
    workers: usize,
    default_addr_pool: Option<String>,
}

#[derive(Debug, Serialize)]
struct VolumeReport {
    name: String,
    mount: String,
    replica: usize,
    arbiter: Option<String>,
}

impl Report {
    fn new(loaded: &Loaded, base: String) -> Self {
        let cluster = &loaded.cluster;
        let managers = cluster.managers().count();
        Self {
            cluster: cluster.general.name.clone(),
            file: match &cluster.origin {
                Origin::BuiltIn => None,
                Origin::File(path) => Some(path.display().to_string()),
            },
            sample: base == SAMPLE,
            base,
            user: UserReport {
                name: cluster.user.name.to_string(),
                ssh_keys: cluster.user.ssh_authorized_keys.len(),
                password: cluster.user.password_hash.is_some(),
            },
            nodes: cluster
                .nodes
                .iter()
                .map(|node| NodeReport::new(node, cluster))
                .collect(),
            swarm: SwarmReport {
                managers,
                workers: cluster
                    .nodes
                    .iter()
                    .filter(|node| node.role == Role::Worker)
                    .count(),
                default_addr_pool: cluster.swarm.default_addr_pool.map(|pool| pool.to_string()),
            },
            volume: cluster.gluster.as_ref().map(|gluster| VolumeReport {
                name: gluster.volume.clone(),
                mount: gluster.mount.clone(),
                replica: gluster.replica,
                arbiter: gluster.arbiter.as_ref().map(ToString::to_string),
            }),
            docker: cluster.docker.source.as_str(),
            wifi: cluster.network.wifi.as_ref().map(|wifi| wifi.ssid.clone()),
            warnings: loaded.warnings.iter().map(ToString::to_string).collect(),
            assumed: loaded.assumed.clone(),
        }
    }
}

impl NodeReport {
    fn new(node: &Node, cluster: &Cluster) -> Self {
        let arbiter = cluster
            .gluster
            .as_ref()
            .and_then(|gluster| gluster.arbiter.as_ref());
        Self {
            name: node.name.to_string(),
            model: node.model.as_str(),
            role: node.role.as_str(),
            address: node.address.to_string(),
            brick: node.brick.as_ref().map(|brick| BrickReport {
                device: brick.device.clone().unwrap_or_else(|| "auto".to_owned()),
                wipe: brick.wipe.as_str(),
                arbiter: arbiter == Some(&node.name),
            }),
        }
    }
}

impl fmt::Display for Report {
    /// The text output, without warnings and assumptions.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut nodes = Table::new(["NODE", "MODEL", "ROLE", "ADDRESS", "STICK"]);
        for node in &self.nodes {
            nodes.row([
                node.name.clone(),
                node.model.to_owned(),
                node.role.to_owned(),
                node.address.clone(),
                node.brick
                    .as_ref()
                    .map_or_else(|| "none".to_owned(), ToString::to_string),
            ]);
        }
        write!(f, "{nodes}")?;
        f.write_char('\n')?;
        let volume = match &self.volume {
            None => "none".to_owned(),
            Some(volume) => volume.to_string(),
        };
        writeln!(f, "cluster  {}", self.cluster)?;
        let boots = if self.sample { ", which does not boot" } else { "" };
        writeln!(f, "base     {}{boots}", self.base)?;
        writeln!(f, "login    {}", self.user)?;
        writeln!(f, "swarm    {}", self.swarm)?;
        writeln!(f, "volume   {volume}")?;
        if let Some(ssid) = &self.wifi {
            writeln!(f, "wifi     {ssid}")?;
        }
        Ok(())
    }
}

impl fmt::Display for BrickReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let disk = match self.device.as_str() {
            "auto" => "the USB disk",
            path => path,
        };
        let wipe = match self.wipe {
            "if-empty" => "formatted if empty",
            "always" => "ALWAYS FORMATTED",
            _ => "never formatted",
        };
        let arbiter = if self.arbiter { ", arbiter" } else { "" };
        write!(f, "{disk}, {wipe}{arbiter}")
    }
}

impl fmt::Display for UserReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = match self.ssh_keys {
            0 => "an ssh key that mkimage creates".to_owned(),
            1 => "1 ssh key".to_owned(),
            count => format!("{count} ssh keys"),
        };
        let password = if self.password { "and a" } else { "no" };
        write!(f, "{}, {keys}, {password} password", self.name)
    }
}

impl fmt::Display for SwarmReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        write!(
            f,
            "{} manager{}, {} worker{}",
            self.managers,
            plural(self.managers),
            self.workers,
            plural(self.workers)
        )?;
        match &self.default_addr_pool {
            Some(pool) => write!(f, ", networks from {pool}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for VolumeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let copies = match (&self.arbiter, self.replica) {
            (Some(arbiter), _) => format!("2 copies and the arbiter {arbiter}"),
            (None, 1) => "1 copy".to_owned(),
            (None, count) => format!("{count} copies"),
        };
        write!(f, "{} on {}, {copies}", self.name, self.mount)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::{Environment, load};

    fn report(text: &str) -> Report {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("cluster.toml"), text).unwrap();
        let environment = Environment {
            folder: folder.path().to_owned(),
            home: None,
        };
        Report::new(&load(None, &environment).unwrap(), "newest".to_owned())
    }

    const TEXT: &str = r#"
        [user]
        password_hash = "$5$salt$0123456789012345678901234567890123456789012"
        [network]
        gateway = "192.168.1.1"
        wifi = { ssid = "home", psk = "topsecret", country = "DE" }
        [gluster]
        arbiter = "c"
        [[node]]
        name = "a"
        model = "pi5"
        role = "manager"
        address = "192.168.1.31/24"
        [[node]]
        name = "b"
        model = "pi4"
        brick = { device = "/dev/disk/by-id/x", wipe = "always" }
        [[node]]
        name = "c"
        model = "pi3"
        [[node]]
        name = "d"
        model = "zero2"
        brick = false
    "#;

    #[test]
    fn the_text_output_shows_everything() {
        let shown = report(TEXT).to_string();
        assert_eq!(
            shown,
            "NODE  MODEL  ROLE     ADDRESS          STICK\n\
             a     pi5    manager  192.168.1.31/24  the USB disk, formatted if empty\n\
             b     pi4    worker   dhcp             /dev/disk/by-id/x, ALWAYS FORMATTED\n\
             c     pi3    worker   dhcp             the USB disk, formatted if empty, arbiter\n\
             d     zero2  worker   dhcp             none\n\
             \n\
             cluster  homelab\n\
             base     newest\n\
             login    pi, an ssh key that mkimage creates, and a password\n\
             swarm    1 manager, 3 workers, networks from 10.10.0.0/16\n\
             volume   cluster-data on /mnt/cluster-data, 2 copies and the arbiter c\n\
             wifi     home\n"
        );
    }

    #[test]
    fn the_json_output_shows_everything_but_secrets() {
        let json = serde_json::to_value(report(TEXT)).unwrap();
        assert_eq!(json["nodes"][1]["brick"]["device"], "/dev/disk/by-id/x");
        assert_eq!(json["nodes"][3]["brick"], serde_json::Value::Null);
        assert_eq!(json["volume"]["replica"], 3);
        assert_eq!(json["swarm"]["managers"], 1);
        assert!(
            json["warnings"]
                .as_array()
                .is_some_and(|warnings| !warnings.is_empty())
        );
        let text = json.to_string();
        assert!(!text.contains("topsecret") && !text.contains("$5$"), "{text}");
    }
}
