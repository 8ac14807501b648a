//! `mkimage check`: shows what would be built from the cluster file.

use serde_json::{Value, json};

use crate::base::{BaseRequest, Catalog, SAMPLE};
use crate::build::base_choice;
use crate::build::taken_over::TakenOver;
use crate::cli::BaseArgs;
use crate::cluster::{Brick, Cluster, Gluster, Loaded, Node, NodeName, Origin, Role, User, Wipe};
use crate::error::Result;
use crate::identity::FOLDER_NAME;
use crate::session::Session;
use crate::ui::{self, Table};

pub(super) fn run(session: &Session) -> Result<()> {
    let catalog = Catalog::load(&session.cache_dir)?;
    let mut loaded = base_choice::cluster_with_base(session, &BaseArgs::default(), &catalog)?;
    let cluster = &loaded.cluster;
    let nodes: Vec<_> = cluster.nodes.iter().collect();
    let taken_over = TakenOver::read(session.folder_of(cluster), cluster, &nodes)?;
    loaded.warnings.extend(taken_over.warnings());
    session.print_notes(&loaded);
    let request = session.base_request(&BaseArgs::default(), cluster, &catalog)?;
    let base = match (request, &cluster.general.base) {
        (BaseRequest::File { path, .. }, _) => path.display().to_string(),
        (_, Some(base)) => base.clone(),
        (_, None) => catalog.default()?.id(),
    };
    if session.common.json {
        return ui::json(&as_json(&loaded, &taken_over, &base));
    }
    ui::result(&as_text(cluster, &taken_over, &base))
}

/// Describes the cluster without secrets, with its warnings and assumptions.
fn as_json(loaded: &Loaded, taken_over: &TakenOver<'_>, base: &str) -> Value {
    let cluster = &loaded.cluster;
    let nodes = cluster.nodes.iter().enumerate().map(|(at, node)| {
        let brick = node.brick.as_ref().map(|brick| {
            json!({
                "device": brick.device.as_deref().unwrap_or("auto"),
                "wipe": brick.wipe.as_str(),
                "arbiter": is_arbiter(node, cluster),
            })
        });
        json!({
            "name": node.name.as_str(), "model": node.model.as_str(), "role": node.role.as_str(),
            "address": node.address.to_string(), "brick": brick, "own_files": taken_over.own_files_json(at),
        })
    });
    let volume = cluster.gluster.as_ref().map(|gluster| {
        json!({
            "name": gluster.volume, "mount": gluster.mount, "replica": gluster.replica,
            "arbiters": gluster.arbiters.iter().map(NodeName::as_str).collect::<Vec<_>>(),
            "sets": as_names(&gluster.sets(bricks(cluster)).complete),
            "spare": gluster.sets(bricks(cluster)).spare.iter().map(|name| name.as_str()).collect::<Vec<_>>(),
        })
    });
    json!({
        "cluster": cluster.general.name,
        "file": match &cluster.origin {
            Origin::BuiltIn => None,
            Origin::File(path) => Some(path.display().to_string()),
        },
        "base": base,
        "sample": base == SAMPLE,
        "user": {
            "name": cluster.user.name,
            "ssh_keys": taken_over.ssh_keys(),
            "password": cluster.user.password_hash.is_some(),
            "ssh_password": cluster.user.ssh_password,
        },
        "private_network": taken_over.private_network.map(|network| network.to_string()),
        "secrets": taken_over.secrets_json(),
        "nodes": nodes.collect::<Vec<_>>(),
        "swarm": {
            "managers": cluster.managers().count(),
            "workers": workers(cluster),
            "default_addr_pool": cluster.swarm.default_addr_pool.map(|pool| pool.to_string()),
        },
        "volume": volume,
        "docker": cluster.docker.source.as_str(),
        "wifi": cluster.network.wifi.as_ref().map(|wifi| &wifi.ssid),
        "warnings": loaded.warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "assumed": loaded.assumed,
    })
}

fn as_text(cluster: &Cluster, taken_over: &TakenOver<'_>, base: &str) -> String {
    let mut nodes = Table::new(&[&"NODE", &"MODEL", &"ROLE", &"ADDRESS", &"STICK"]);
    for node in &cluster.nodes {
        let stick = match &node.brick {
            None => "none".to_owned(),
            Some(brick) => stick(brick, is_arbiter(node, cluster)),
        };
        let (model, role) = (node.model.as_str(), node.role.as_str());
        nodes.row(&[&node.name, &model, &role, &node.address, &stick]);
    }
    let volume = cluster
        .gluster
        .as_ref()
        .map_or_else(|| "none".to_owned(), |gluster| volume(gluster, cluster));
    let boots = if base == SAMPLE {
        ", which does not boot"
    } else {
        ""
    };
    let wifi = cluster.network.wifi.as_ref();
    let wifi = wifi.map_or_else(String::new, |wifi| format!("wifi     {}\n", wifi.ssid));
    format!(
        "{nodes}\ncluster  {}\nbase     {base}{boots}\nlogin    {}\nswarm    {}\nvolume   {volume}\n{wifi}{}",
        cluster.general.name,
        login(&cluster.user, taken_over),
        swarm(cluster),
        taken_over.to_text()
    )
}

fn is_arbiter(node: &Node, cluster: &Cluster) -> bool {
    let gluster = cluster.gluster.as_ref();
    gluster.is_some_and(|gluster| gluster.arbiters.contains(&node.name))
}

/// Returns the nodes with a brick.
fn bricks(cluster: &Cluster) -> impl Iterator<Item = &NodeName> {
    let nodes = cluster.nodes.iter().filter(|node| node.brick.is_some());
    nodes.map(|node| &node.name)
}

fn as_names<'a>(sets: &[Vec<&'a NodeName>]) -> Vec<Vec<&'a str>> {
    let names = |set: &Vec<&'a NodeName>| set.iter().map(|name| name.as_str()).collect();
    sets.iter().map(names).collect()
}

fn workers(cluster: &Cluster) -> usize {
    let is_worker = |node: &&Node| node.role == Role::Worker;
    cluster.nodes.iter().filter(is_worker).count()
}

fn stick(brick: &Brick, is_arbiter: bool) -> String {
    let disk = brick.device.as_deref().unwrap_or("the USB disk");
    let wipe = match brick.wipe {
        Wipe::IfEmpty => "formatted if empty",
        Wipe::Always => "ALWAYS FORMATTED",
        Wipe::Never => "never formatted",
    };
    let arbiter = if is_arbiter { ", arbiter" } else { "" };
    format!("{disk}, {wipe}{arbiter}")
}

fn login(user: &User, taken_over: &TakenOver<'_>) -> String {
    let keys = match taken_over.ssh_keys() {
        0 => "an ssh key that mkimage creates".to_owned(),
        1 => "1 ssh key".to_owned(),
        count => format!("{count} ssh keys"),
    };
    let admin = if taken_over.has_admin_key() {
        format!(" (with {FOLDER_NAME}/admin_key)")
    } else {
        String::new()
    };
    let password = match (&user.password_hash, user.ssh_password) {
        (None, _) => "no password",
        (Some(_), false) => "and a password",
        (Some(_), true) => "and a password, over ssh too",
    };
    format!("{}, {keys}{admin}, {password}", user.name)
}

fn swarm(cluster: &Cluster) -> String {
    let count = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let managers = count(cluster.managers().count(), "manager");
    let workers = count(workers(cluster), "worker");
    let pool = cluster.swarm.default_addr_pool;
    let pool = pool.map_or_else(String::new, |pool| format!(", networks from {pool}"));
    format!("{managers}, {workers}{pool}")
}

fn volume(gluster: &Gluster, cluster: &Cluster) -> String {
    let sets = gluster.sets(bricks(cluster));
    let copies = match (&*gluster.arbiters, gluster.replica) {
        ([arbiter], _) => format!("2 copies and the arbiter {arbiter}"),
        ([_, ..], _) => "2 copies and an arbiter".to_owned(),
        (_, 1) => "1 copy".to_owned(),
        (_, count) => format!("{count} copies"),
    };
    let mut text = format!("{} on {}, {copies}", gluster.volume, gluster.mount);
    let list = |names: &[&str]| names.join(" ");
    if sets.complete.len() > 1 {
        for (number, set) in (1..).zip(as_names(&sets.complete)) {
            text = format!("{text}\n         set {number}: {}", list(&set));
        }
    }
    let spare: Vec<_> = sets.spare.iter().map(|name| name.as_str()).collect();
    if !spare.is_empty() {
        text = format!("{text}\n         spare: {}", list(&spare));
    }
    format!("{text}{}", what_survives(gluster, &sets.complete))
}

/// Returns sentences about what the files survive.
fn what_survives(gluster: &Gluster, sets: &[Vec<&NodeName>]) -> String {
    // Of two copies and an arbiter one may be off, and of more than half of the copies none may.
    let may_be_off = gluster.replica.saturating_sub(1) / 2;
    let copies = match (gluster.arbiters.is_empty(), gluster.replica) {
        (false, _) => 2,
        (true, replica) => replica,
    };
    let has_sets = sets.len() > 1;
    let mut text = String::new();
    if may_be_off > 0 {
        let each = if has_sets { " of each set" } else { "" };
        text = format!(
            "\n         while at most {may_be_off} stick{s}{each} {is} off, every file can be read and written",
            s = if may_be_off == 1 { "" } else { "s" },
            is = if may_be_off == 1 { "is" } else { "are" },
        );
    }
    let all = match copies {
        2 => "both sticks".to_owned(),
        _ => format!("all {copies} sticks"),
    };
    let what_is_lost = match (copies, has_sets) {
        (0 | 1, _) => "the files on a stick are lost with it".to_owned(),
        (_, false) => format!("files are lost only when {all} that have them are broken"),
        (_, true) => {
            format!(
                "files are lost only when {all} of a set that have them are broken; those of the other sets stay"
            )
        }
    };
    format!("{text}\n         {what_is_lost}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::{Environment, load};
    use crate::error::Category;

    fn loaded(text: &str) -> (tempfile::TempDir, Loaded) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("cluster.toml"), text).unwrap();
        let environment = Environment {
            folder: folder.path().to_owned(),
            home: None,
        };
        let loaded = load(None, &environment).unwrap();
        (folder, loaded)
    }

    const TEXT: &str = r#"
        [user]
        password_hash = "$5$salt$0123456789012345678901234567890123456789012"
        ssh_password = true
        [network]
        private = "10.77.0.0/24"
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
        let (folder, loaded) = loaded(TEXT);
        let nodes: Vec<_> = loaded.cluster.nodes.iter().collect();
        let own = folder.path().join("overlays/b");
        std::fs::create_dir_all(&own).unwrap();
        std::fs::write(own.join("issue.txt"), "").unwrap();
        let taken_over = TakenOver::read(folder.path(), &loaded.cluster, &nodes).unwrap();
        let shown = as_text(&loaded.cluster, &taken_over, "newest");
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
             login    pi, an ssh key that mkimage creates, and a password, over ssh too\n\
             swarm    1 manager, 3 workers, networks from 10.10.0.0/16\n\
             volume   cluster-data on /mnt/cluster-data, 2 copies and the arbiter c\n\
             \x20        while at most 1 stick is off, every file can be read and written\n\
             \x20        files are lost only when both sticks that have them are broken\n\
             wifi     home\n\
             private  10.77.0.0/24, for the nodes alone\n\
             keys     none yet, the first build makes them\n\
             files    overlays/b: issue.txt\n"
        );
    }

    #[test]
    fn a_private_network_in_the_nodes_own_is_refused() {
        let text = TEXT.replace(r#"private = "10.77.0.0/24""#, "");
        let (folder, loaded) = loaded(&text.replace("192.168.1.", "10.64.64."));
        let secrets = folder.path().join(FOLDER_NAME);
        std::fs::create_dir(&secrets).unwrap();
        std::fs::write(secrets.join("cluster-id"), "40404040404040404040404040404040\n").unwrap();
        let error = TakenOver::read(folder.path(), &loaded.cluster, &[])
            .err()
            .unwrap();
        assert_eq!(error.category(), Category::ClusterFile);
        assert!(error.to_string().contains("10.64.64.0/24"), "{error}");
    }

    #[test]
    fn the_json_output_shows_everything_but_secrets() {
        let (folder, loaded) = loaded(TEXT);
        let taken_over = TakenOver::read(folder.path(), &loaded.cluster, &[]).unwrap();
        let json = as_json(&loaded, &taken_over, "newest");
        assert_eq!(json["nodes"][1]["brick"]["device"], "/dev/disk/by-id/x");
        assert_eq!(json["nodes"][3]["brick"], Value::Null);
        assert_eq!(json["volume"]["replica"], 3);
        assert_eq!(json["swarm"]["managers"], 1);
        assert_eq!(json["private_network"], "10.77.0.0/24");
        assert!(
            json["warnings"]
                .as_array()
                .is_some_and(|warnings| !warnings.is_empty())
        );
        let text = json.to_string();
        assert!(!text.contains("topsecret") && !text.contains("$5$"), "{text}");
    }
}
