//! `mkimage status`: shows the progress of each node's first boot.

use std::fmt::Display;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::cluster::Node;
use crate::description;
use crate::error::{Category, Error, Result};
use crate::identity::{FOLDER_NAME, Secrets};
use crate::session::Session;
use crate::status::{Answers, Report, State, ask_all};
use crate::ui::{self, Table};
use crate::units::Size;

/// Pause between two rounds of `--watch`.
const PAUSE: Duration = Duration::from_secs(5);

pub(super) fn run(session: &Session, watch: bool) -> Result<()> {
    let loaded = session.cluster_quietly()?;
    let cluster = &loaded.cluster;
    let folder = session.folder_of(cluster).join(FOLDER_NAME);
    if !folder.is_dir() {
        let folder = folder.display();
        let what = format!("there is no {folder}, so no image of this cluster has been built here");
        return Err(Error::new(Category::ClusterFile, what)
            .with_remedy("run mkimage status where you built the images, or use --cluster"));
    }
    let secrets = Secrets::open_or_create(&folder, cluster)?;
    let newest = description::newest_number(&secrets);
    let mut shown = String::new();
    loop {
        let answers = ask_all(cluster, &secrets.ssh_config_path(), &secrets.cluster_id);
        let done = answers
            .iter()
            .filter(|(_, answer)| is_done(answer, newest))
            .count();
        let text = as_table(&answers, newest).to_string();
        if session.common.json {
            ui::json(&as_json(&answers, newest))?;
        } else if !watch {
            ui::result(&text)?;
        } else if text != shown {
            ui::redraw(&text)?;
            shown = text;
        }
        if done == answers.len() {
            return Ok(());
        }
        if !watch {
            let (missing, all) = (answers.len().saturating_sub(done), answers.len());
            let what = format!("{missing} of {all} nodes are not done");
            return Err(Error::new(Category::Other, what)
                .with_remedy("a first boot takes about ten minutes; follow it with mkimage status --watch"));
        }
        thread::sleep(PAUSE);
    }
}

/// Done includes the newest description, nodes that reach each other, and a fully healed volume: pulling a stick while another one is
/// still being filled would lose both copies.
fn is_done(answer: &Result<Report, String>, newest: u64) -> bool {
    matches!(answer, Ok(report) if report.state == State::Done
        && lags_behind(report, newest).is_none()
        && report.private.as_ref().is_none_or(|private| private.unreachable.is_empty())
        && report.volume.as_ref().is_none_or(|volume| volume.online >= volume.replica && volume.heal_pending == 0))
}

/// Returns the number of the description that a node has if that is lower than the newest one.
fn lags_behind(report: &Report, newest: u64) -> Option<u64> {
    let description = report.description.as_ref()?;
    (description.generation < newest).then_some(description.generation)
}

fn as_json(answers: &Answers<'_>, newest: u64) -> Value {
    let nodes: Vec<_> = answers
        .iter()
        .map(|(node, answer)| match answer {
            Ok(report) => json!({ "node": node.name.as_str(), "reachable": true, "status": report }),
            Err(why) => json!({ "node": node.name.as_str(), "reachable": false, "error": why }),
        })
        .collect();
    let done = answers.iter().all(|(_, answer)| is_done(answer, newest));
    json!({ "done": done, "description": newest, "nodes": nodes })
}

/// `newest` is the number of the newest description.
fn as_table(answers: &Answers<'_>, newest: u64) -> Table {
    let headings: [&dyn Display; 7] = [&"NODE", &"ADDRESS", &"STAGE", &"SWARM", &"BRICK", &"VOLUME", &""];
    let mut table = Table::new(&headings);
    for (node, answer) in answers {
        match answer {
            Ok(report) => add_row(&mut table, node, report, newest),
            Err(why) => table.row(&[&node.name, &"-", &"-", &"-", &"-", &"-", why]),
        }
    }
    table
}

fn add_row(table: &mut Table, node: &Node, report: &Report, newest: u64) {
    let unknown = || "-".to_owned();
    let stage = match report.state {
        State::Done => "done".to_owned(),
        State::Working => report.stage.clone(),
        State::Attention => format!("{} (!)", report.stage),
    };
    let swarm = report.swarm.as_ref().map_or("-", |swarm| match &*swarm.state {
        "active" => &swarm.role,
        other => other,
    });
    let brick = report
        .brick
        .as_ref()
        .map_or_else(unknown, |brick| match &*brick.state {
            "mounted" => format!("{} of {}", Size(brick.used), Size(brick.size)),
            other => other.to_owned(),
        });
    let volume = report.volume.as_ref().map_or_else(unknown, |volume| {
        let bricks = format!("{} of {} bricks", volume.online, volume.replica);
        match (volume.mounted, volume.heal_pending) {
            (false, _) => "not mounted".to_owned(),
            (true, 0) => bricks,
            (true, pending) => format!("{bricks}, {pending} to heal"),
        }
    });
    let lag = lags_behind(report, newest)
        .map(|number| format!("knows the cluster as of description {number}, not {newest} yet"));
    let problem = report.problem().map(ToOwned::to_owned);
    let problem = problem.into_iter().chain(lag).collect::<Vec<_>>().join("; ");
    let addresses = report.addresses.join(" ");
    table.row(&[&node.name, &addresses, &stage, &swarm, &brick, &volume, &problem]);
}
