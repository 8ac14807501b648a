//! `mkimage apply`: brings running nodes in line with the cluster file.

mod backup_place;
mod heir;
mod leftovers;
mod newest;
mod old_nodes;
mod publish;
mod removal;
mod sticks;

use std::io::{self, BufRead as _, IsTerminal as _};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::cli::ApplyArgs;
use crate::cluster::{Cluster, Node};
use crate::description::{Changes, Description, GoneNode, demoted};
use crate::error::{Category, Context as _, Error, Result};
use crate::identity::{FOLDER_NAME, Secrets};
use crate::progress::Progress as _;
use crate::session::Session;
use crate::ui::{self, Table};
pub(super) use newest::{Told, catch_up};
pub(super) use publish::{Outcome, publish};
use removal::Removal;

pub(super) fn run(session: &Session, options: &ApplyArgs) -> Result<()> {
    let loaded = session.cluster_quietly()?;
    session.print_notes(&loaded);
    let folder = folder_in_use(session, &loaded.cluster, "apply")?;
    let (cluster, secrets, without_keys) = if options.dry_run {
        only_look(&folder, loaded.cluster)?
    } else {
        let secrets = Secrets::open_or_create(&folder, &loaded.cluster)?;
        (loaded.cluster, secrets, Vec::new())
    };
    let cluster = &cluster;
    let Told { secrets, silent } = catch_up(cluster, secrets, &session.bars)?;
    let mut description = Description::of(cluster, &secrets)?;
    let newest = secrets.description.as_deref().unwrap_or_default();
    let mut changes = Changes::between(newest, &description.signed);
    if !without_keys.is_empty() {
        if changes.is_empty() {
            description.generation = description.generation.saturating_add(1);
        }
        changes.added.extend(without_keys);
    }
    changes.refuse_other_keys()?;
    heir::require_heir(cluster, &secrets, &demoted(newest, &description.signed))?;
    let gone = GoneNode::between(newest, &description.signed);
    let removal = if gone.is_empty() {
        None
    } else {
        Some(Removal::prepare(cluster, &secrets, &gone)?)
    };
    let notes = removal.as_ref().map(Removal::notes).unwrap_or_default();
    if options.dry_run && session.common.json {
        return ui::json(&as_json(&description, &changes, &[]));
    }
    let plan = plan(&changes, &description, &silent, &notes);
    if options.dry_run {
        return ui::result(&plan);
    }
    session.bars.say(&plan);
    if !changes.is_empty() && !options.yes {
        confirm()?;
    }
    let folder = secrets.folder().to_owned();
    let (description, outcomes) = match removal {
        None => {
            let outcomes = publish(cluster, &secrets, &description.signed)?;
            (description, outcomes)
        }
        Some(removal) => removal.take_out(secrets, &session.bars)?,
    };
    let secrets = Secrets::open_or_create(&folder, cluster)?;
    for (node, why) in backup_place::bring(cluster, &secrets) {
        session.bars.warn(&format!(
            "{node} does not have the place of the backups yet: {why}; run mkimage apply when it is on"
        ));
    }
    if session.common.json {
        ui::json(&as_json(&description, &changes, &outcomes))?;
    } else {
        show(&outcomes, &gone)?;
    }
    if outcomes.iter().all(|(_, outcome)| outcome.is_err()) {
        let what = "no node has taken the description";
        return Err(Error::new(Category::Network, what).with_remedy("switch a node on, and run it again"));
    }
    for node in &gone {
        let left = leftovers::put_aside(&node.name, &folder, &options.images, options.put_images_aside)?;
        session.bars.say(&left);
    }
    Ok(())
}

/// Reads the secrets and changes nothing. New nodes have no keys yet: they are left out of the cluster and named.
fn only_look(folder: &Path, mut cluster: Cluster) -> Result<(Cluster, Secrets, Vec<String>)> {
    let secrets = Secrets::open_read_only(folder, &cluster)?.ok_or_else(|| {
        let what = format!(
            "{} has no keys, so there is nothing to compare with",
            folder.display()
        );
        Error::new(Category::ClusterFile, what).with_remedy("build the images first")
    })?;
    let (known, new): (Vec<_>, Vec<_>) = cluster
        .nodes
        .into_iter()
        .partition(|node| secrets.node(&node.name).is_ok());
    cluster.nodes = known;
    let new = new.iter().map(|node| node.name.to_string()).collect();
    Ok((cluster, secrets, new))
}

/// Shows what each node said.
fn show(outcomes: &[Outcome], gone: &[GoneNode]) -> Result<()> {
    let mut table = Table::new(&[&"NODE", &""]);
    for (node, outcome) in outcomes {
        match outcome {
            Ok(said) => table.row(&[node, &said.trim()]),
            Err(why) if gone.iter().any(|gone| gone.name == *node) => {
                table.row(&[
                    node,
                    &format!("not told: {why}; the others do not listen to it any more"),
                ]);
            }
            Err(why) => table.row(&[
                node,
                &format!("not now: {why}; it will hear of it from the others"),
            ]),
        }
    }
    ui::result(&table.to_string())
}

/// Returns the plan in words. Nodes that stay and do not answer are `silent`; `notes` are about those that go.
fn plan(changes: &Changes, description: &Description, silent: &[String], notes: &[String]) -> String {
    let number = description.generation;
    let mut lines = Vec::new();
    for node in &changes.removed {
        lines.push(format!(
            "{node} goes: its containers start again elsewhere, its stick leaves the volume, and its keys open nothing any more"
        ));
    }
    lines.extend_from_slice(notes);
    for node in &changes.added {
        lines.push(format!(
            "{node} is new: flash its image and switch it on, before or after this"
        ));
    }
    lines.extend(changes.others.iter().cloned());
    for node in silent.iter().filter(|node| !changes.added.contains(node)) {
        lines.push(format!(
            "{node} does not answer now; it hears of it from the others when it is back"
        ));
    }
    let text = if changes.is_empty() {
        format!("Nothing has changed since description {number}. Nodes that lack it get it now.")
    } else {
        format!("Description {number}:")
    };
    lines.iter().fold(text, |text, line| format!("{text}\n  {line}"))
}

/// Returns the secrets folder of a cluster of which images have been built. `command` is the one that needs it.
pub(super) fn folder_in_use(session: &Session, cluster: &Cluster, command: &str) -> Result<PathBuf> {
    let folder = session.folder_of(cluster).join(FOLDER_NAME);
    if folder.is_dir() {
        return Ok(folder);
    }
    let what = format!(
        "there is no {}, so no image of this cluster has been built here",
        folder.display()
    );
    Err(Error::new(Category::ClusterFile, what).with_remedy(format!(
        "run mkimage {command} where you built the images, or use --cluster"
    )))
}

/// Returns the nodes with these names, or all of them.
pub(super) fn chosen<'a>(cluster: &'a Cluster, names: &[String], all: bool) -> Result<Vec<&'a Node>> {
    if all {
        return Ok(cluster.nodes.iter().collect());
    }
    let find = |name: &String| {
        let node = cluster.nodes.iter().find(|node| node.name.as_str() == name);
        node.ok_or_else(|| {
            let what = format!("the cluster file has no node {name}");
            Error::new(Category::Usage, what).with_remedy("mkimage check shows its nodes")
        })
    };
    names.iter().map(find).collect()
}

/// Asks the user on a terminal. Fails if they do not want it, or nobody can be asked.
pub(super) fn confirm() -> Result<()> {
    if !io::stdin().is_terminal() {
        return Err(
            Error::new(Category::Usage, "nobody can be asked whether to go on").with_remedy("add: --yes"),
        );
    }
    ui::ask("Go on? [y/N] ");
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    read.context(Category::Disk, || "reading your answer".to_owned())?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        Ok(())
    } else {
        Err(Error::new(Category::Interrupted, "nothing was changed"))
    }
}

fn as_json(description: &Description, changes: &Changes, outcomes: &[Outcome]) -> Value {
    let nodes = outcomes.iter().map(|(node, outcome)| match outcome {
        Ok(said) => json!({ "node": node, "reached": true, "answer": said.trim() }),
        Err(why) => json!({ "node": node, "reached": false, "error": why }),
    });
    json!({
        "generation": description.generation,
        "added": changes.added,
        "removed": changes.removed,
        "changes": changes.others,
        "nodes": nodes.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::cluster::NodeName;
    use crate::cluster::testing::cluster;
    use crate::description;

    fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files.extend(self::files(&path));
            } else {
                files.push((path.clone(), fs::read(&path).unwrap()));
            }
        }
        files.sort();
        files
    }

    #[test]
    fn a_dry_run_writes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FOLDER_NAME);
        let mut lab = cluster();
        let secrets = Secrets::open_or_create(&path, &lab).unwrap();
        let first = Description::of(&lab, &secrets).unwrap();
        description::keep(&secrets, &first.signed).unwrap();
        let before = files(folder.path());
        let mut new = lab.nodes[0].clone();
        new.name = NodeName::parse("pi5-2").unwrap();
        lab.nodes.push(new);
        let (known, secrets, without_keys) = only_look(&path, lab).unwrap();
        assert_eq!(without_keys, ["pi5-2"]);
        // A node has a newer one.
        let second = first.signed.replace("generation 1\n", "generation 2\n");
        let text = description::text_of(&second);
        let second = format!("{text}{}", secrets.sign(text).unwrap());
        let told = newest::go_on_from(
            vec![("pi4-2".to_owned(), second)],
            secrets,
            &crate::progress::Silent,
        )
        .unwrap();
        assert_eq!(description::newest_number(&told), 2);
        assert_eq!(Description::of(&known, &told).unwrap().generation, 2);
        assert_eq!(files(folder.path()), before);
        let told = Secrets::open_or_create(&path, &known).unwrap();
        assert_eq!(description::newest_number(&told), 1);
        assert!(only_look(&folder.path().join("none"), known).is_err());
    }
}
