//! `mkimage status`: shows the progress of each node's first boot.

use std::path::Path;
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::cluster::{Cluster, Node};
use crate::error::{Category, Error, Result};
use crate::identity::{FOLDER_NAME, Secrets};
use crate::session::Session;
use crate::status::{Report, State, ask};
use crate::ui::{self, Table};
use crate::units::Size;

/// Pause between two rounds of `--watch`.
const PAUSE: Duration = Duration::from_secs(5);

type Answers<'a> = Vec<(&'a Node, Result<Report, String>)>;

pub(super) fn run(session: &Session, watch: bool) -> Result<()> {
    let loaded = session.cluster_quietly()?;
    let cluster = &loaded.cluster;
    let folder = cluster
        .origin
        .folder(&session.environment.folder)
        .join(FOLDER_NAME);
    if !folder.is_dir() {
        return Err(Error::new(
            Category::ClusterFile,
            format!(
                "there is no {}, so no image of this cluster has been built here",
                folder.display()
            ),
        )
        .with_remedy("run mkimage status where you built the images, or use --cluster"));
    }
    let secrets = Secrets::open_or_create(&folder, cluster)?;
    let mut shown = String::new();
    loop {
        let answers = ask_all(cluster, &secrets.ssh_config_path(), &secrets.cluster_id);
        let done = answers.iter().filter(|(_, answer)| is_done(answer)).count();
        let text = if session.common.json {
            as_json(&answers)
        } else {
            as_table(&answers).to_string()
        };
        if !watch || session.common.json {
            ui::result(&text)?;
        } else if text != shown {
            ui::redraw(&text)?;
            shown = text;
        }
        if done == answers.len() {
            return Ok(());
        }
        if !watch {
            return Err(Error::new(
                Category::Other,
                format!(
                    "{} of {} nodes are not done",
                    answers.len().saturating_sub(done),
                    answers.len()
                ),
            )
            .with_remedy("a first boot takes about ten minutes; follow it with mkimage status --watch"));
        }
        thread::sleep(PAUSE);
    }
}

/// Done includes a fully healed volume: pulling a stick while another one is still being filled would lose both copies.
fn is_done(answer: &Result<Report, String>) -> bool {
    matches!(answer, Ok(report) if report.state == State::Done
        && report.volume.as_ref().is_none_or(|volume| volume.online >= volume.replica && volume.heal_pending == 0))
}

/// Asks every node at once.
fn ask_all<'a>(cluster: &'a Cluster, ssh_config: &Path, cluster_id: &str) -> Answers<'a> {
    thread::scope(|scope| {
        let asked: Vec<_> = cluster
            .nodes
            .iter()
            .map(|node| (node, scope.spawn(|| ask(&node.name, ssh_config, cluster_id))))
            .collect();
        asked
            .into_iter()
            .map(|(node, thread)| {
                let answer = thread
                    .join()
                    .unwrap_or_else(|_| Err("asking it failed".to_owned()));
                (node, answer)
            })
            .collect()
    })
}

fn as_json(answers: &Answers<'_>) -> String {
    let nodes: Vec<_> = answers
        .iter()
        .map(|(node, answer)| match answer {
            Ok(report) => json!({ "node": node.name.as_str(), "reachable": true, "status": report }),
            Err(why) => json!({ "node": node.name.as_str(), "reachable": false, "error": why }),
        })
        .collect();
    let done = answers.iter().all(|(_, answer)| is_done(answer));
    json!({ "done": done, "nodes": nodes }).to_string()
}

fn as_table(answers: &Answers<'_>) -> Table {
    let mut table = Table::new(["NODE", "ADDRESS", "STAGE", "SWARM", "BRICK", "VOLUME", ""]);
    for (node, answer) in answers {
        let name = node.name.to_string();
        match answer {
            Ok(report) => table.row(row(name, report)),
            Err(why) => {
                let unknown = || "-".to_owned();
                table.row([
                    name,
                    unknown(),
                    unknown(),
                    unknown(),
                    unknown(),
                    unknown(),
                    why.clone(),
                ]);
            }
        }
    }
    table
}

fn row(name: String, report: &Report) -> [String; 7] {
    let none = || "-".to_owned();
    let stage = match report.state {
        State::Done => "done".to_owned(),
        State::Working => report.stage.clone(),
        State::Attention => format!("{} (!)", report.stage),
    };
    let swarm = report
        .swarm
        .as_ref()
        .map_or_else(none, |swarm| match swarm.state.as_str() {
            "active" => swarm.role.clone(),
            other => other.to_owned(),
        });
    let brick = report
        .brick
        .as_ref()
        .map_or_else(none, |brick| match brick.state.as_str() {
            "mounted" => format!("{} of {}", Size(brick.used), Size(brick.size)),
            other => other.to_owned(),
        });
    let volume = report.volume.as_ref().map_or_else(none, |volume| {
        let bricks = format!("{} of {} bricks", volume.online, volume.replica);
        match (volume.mounted, volume.heal_pending) {
            (false, _) => "not mounted".to_owned(),
            (true, 0) => bricks,
            (true, pending) => format!("{bricks}, {pending} to heal"),
        }
    });
    let problem = report.problem().unwrap_or_default().to_owned();
    [
        name,
        report.addresses.join(" "),
        stage,
        swarm,
        brick,
        volume,
        problem,
    ]
}
