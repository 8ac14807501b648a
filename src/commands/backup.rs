//! `mkimage backup` and `mkimage restore`: copies of the volume outside of the cluster, made by one of its nodes.

use std::time::Duration;

use super::apply;
use super::remote_task::RemoteTask;
use crate::cli::BackupAction;
use crate::cluster::{Cluster, Node, Role};
use crate::error::{Category, Error, Result};
use crate::identity::Secrets;
use crate::progress::Progress as _;
use crate::session::Session;
use crate::ssh;
use crate::ui;

/// Ends well on the node that makes the backups.
const TURN: &str = "sudo -n sh /usr/local/lib/mkimage/backup turn";

const LIST: &str = "sudo -n sh /usr/local/lib/mkimage/backup list";

/// A node asks the others, which may be off, before it answers.
const TIMEOUT: Duration = Duration::from_secs(90);

/// The first backup of a large volume over a slow line.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

pub(super) fn run(session: &Session, action: BackupAction) -> Result<()> {
    let loaded = session.cluster_quietly()?;
    let cluster = &loaded.cluster;
    require_place(cluster)?;
    let folder = apply::folder_in_use(session, cluster, "backup")?;
    let secrets = Secrets::open_or_create(&folder, cluster)?;
    let node = node_in_turn(cluster, &secrets)?;
    match action {
        BackupAction::List => {
            let listed = ssh::run(&node.name, &secrets.ssh_config_path(), LIST, b"", TIMEOUT);
            let listed =
                listed.map_err(|why| Error::new(Category::Network, format!("{}: {why}", node.name)))?;
            return ui::result(&listed);
        }
        BackupAction::Now => task("backup now".to_owned(), "making a backup").run(node, &secrets)?,
        BackupAction::Check => task("backup check".to_owned(), "checking the backups").run(node, &secrets)?,
    };
    session.bars.say(match action {
        BackupAction::Check => "the backups are whole",
        _ => "a backup was made",
    });
    Ok(())
}

pub(super) fn restore(session: &Session, snapshot: Option<&str>, yes: bool) -> Result<()> {
    let loaded = session.cluster_quietly()?;
    let cluster = &loaded.cluster;
    require_place(cluster)?;
    let snapshot = snapshot.unwrap_or("latest");
    let is_id = |text: &str| !text.is_empty() && text.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'));
    if snapshot != "latest" && !is_id(snapshot) {
        let what = format!("{snapshot} is not the name of a backup");
        return Err(Error::new(Category::Usage, what).with_remedy("mkimage backup list shows them"));
    }
    let folder = apply::folder_in_use(session, cluster, "restore")?;
    let secrets = Secrets::open_or_create(&folder, cluster)?;
    let node = node_in_turn(cluster, &secrets)?;
    session.bars.say(&format!(
        "The backup {snapshot} comes back onto the volume, through {}: files of the same name are replaced, others stay. Services whose \
         compose files are in services-config are started afterwards.",
        node.name
    ));
    if !yes {
        apply::confirm()?;
    }
    task(format!("backup restore {snapshot}"), "restoring the volume").run(node, &secrets)?;
    session.bars.say("everything in the backup is on the volume");
    Ok(())
}

fn task(program: String, doing: &'static str) -> RemoteTask {
    RemoteTask {
        name: "backup",
        program,
        doing,
        patience: PATIENCE,
    }
}

fn require_place(cluster: &Cluster) -> Result<()> {
    if cluster.backup.is_some() {
        return Ok(());
    }
    let what = "the cluster file has no [backup]";
    Err(Error::new(Category::ClusterFile, what)
        .with_remedy("write one, as docs/cluster-file.md says, and run mkimage apply"))
}

/// Returns the node that makes the backups: managers are asked first.
fn node_in_turn<'a>(cluster: &'a Cluster, secrets: &Secrets) -> Result<&'a Node> {
    let config = secrets.ssh_config_path();
    let (managers, workers): (Vec<_>, Vec<_>) =
        cluster.nodes.iter().partition(|node| node.role == Role::Manager);
    let mut reasons = Vec::new();
    for node in managers.into_iter().chain(workers) {
        match ssh::run(&node.name, &config, TURN, b"", TIMEOUT) {
            Ok(_) => return Ok(node),
            Err(why) => reasons.push(format!("{}: {why}", node.name)),
        }
    }
    let what = format!("no node makes backups now ({})", reasons.join("; "));
    Err(Error::new(Category::Network, what).with_remedy(
        "mkimage apply brings the nodes what [backup] says; a folder must be on one of them, on a disk that is mounted",
    ))
}
