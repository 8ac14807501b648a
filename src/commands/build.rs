//! `mkimage --node NAME` and `mkimage --all`: build images.

use std::fs;
use std::time::UNIX_EPOCH;

use serde_json::{Value, json};

use crate::base::Catalog;
use crate::build::taken_over::TakenOver;
use crate::build::{Built, Order, base_choice};
use crate::cli::BuildArgs;
use crate::cluster::{Cluster, Node};
use crate::error::{Category, Context, Error, Result};
use crate::progress::Progress as _;
use crate::session::Session;
use crate::ui::{self, Table};
use crate::units::Size;

pub(super) fn run(session: &Session, args: &BuildArgs) -> Result<()> {
    let catalog = Catalog::load(&session.cache_dir)?;
    let mut loaded = base_choice::cluster_with_base(session, &args.base, &catalog)?;
    let cluster = &loaded.cluster;
    let nodes = selected_nodes(cluster, args)?;
    let build_time = build_time()?;
    let taken_over = TakenOver::read(session.folder_of(cluster), cluster, &nodes)?;
    loaded.warnings.extend(taken_over.warnings());
    session.print_notes(&loaded);
    taken_over.notes().iter().for_each(|note| session.bars.say(note));
    let request = base_choice::request(session, &args.base, cluster, &catalog)?;
    let order = Order {
        session,
        cluster,
        nodes: &nodes,
        own_files: &taken_over.own_files,
        catalog: &catalog,
        request: &request,
        out: &args.out,
        format: args.format,
        build_time,
    };
    report(session, cluster, &nodes, &taken_over, &order.build()?)
}

/// Returns the requested nodes, in the cluster file's order.
fn selected_nodes<'a>(cluster: &'a Cluster, args: &BuildArgs) -> Result<Vec<&'a Node>> {
    let names: Vec<_> = cluster.nodes.iter().map(|node| node.name.as_str()).collect();
    let names = names.join(", ");
    if let Some(unknown) = args.node.iter().find(|name| cluster.node(name).is_none()) {
        let what = format!("the cluster has no node {unknown:?}");
        return Err(Error::new(Category::Usage, what).with_remedy(format!("its nodes are {names}")));
    }
    if !args.all && args.node.is_empty() {
        let remedy = format!("use --node NAME (one of {names}) or --all; --help lists all options");
        return Err(Error::new(Category::Usage, "no node was given").with_remedy(remedy));
    }
    let wanted = |node: &&Node| args.all || args.node.iter().any(|name| name == node.name.as_str());
    Ok(cluster.nodes.iter().filter(wanted).collect())
}

/// Returns `SOURCE_DATE_EPOCH` for reproducible images, otherwise the current time, in seconds since 1970.
fn build_time() -> Result<u64> {
    match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => text.parse().context(Category::Usage, || {
            format!("SOURCE_DATE_EPOCH is {text:?}, not a number of seconds since 1970")
        }),
        Err(_) => Ok(UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs())),
    }
}

/// Prints the images and what to do with them.
fn report(
    session: &Session,
    cluster: &Cluster,
    nodes: &[&Node],
    taken_over: &TakenOver<'_>,
    built: &Built,
) -> Result<()> {
    let mut table = Table::new(&[&"NODE", &"IMAGE", &"SIZE"]);
    let mut images = Vec::new();
    for ((at, node), path) in nodes.iter().enumerate().zip(&built.images) {
        let metadata = fs::metadata(path).disk(|| format!("reading the size of {}", path.display()))?;
        let size = metadata.len();
        table.row(&[&node.name, &path.display(), &Size(size)]);
        images.push(json!({
            "node": node.name.as_str(), "path": path.display().to_string(), "size": size,
            "own_files": taken_over.own_files_json(at),
        }));
    }
    session.bars.say(&format!("\n{table}"));
    say_next_steps(session, cluster, nodes, built);
    if session.common.json {
        return ui::json(&as_json(built, &images));
    }
    if ui::stdout_is_terminal() {
        return Ok(());
    }
    let lines = built.images.iter().map(|path| format!("{}\n", path.display()));
    // The paths are the user's own, and a script has to find the files.
    ui::result_bytes(lines.collect::<String>().as_bytes())
}

fn say_next_steps(session: &Session, cluster: &Cluster, nodes: &[&Node], built: &Built) {
    let Built { base, secrets, .. } = built;
    let bars = &session.bars;
    bars.say(&format!("Base: {}, vouched for by {}", base.name, base.trust));
    bars.say(if base.is_sample() {
        "These images do not boot, because the sample base contains no system. For cards that boot, leave out `--base sample`."
    } else {
        "Flash each image with Raspberry Pi Imager (\"Use custom\", no customisation), Etcher or dd. Insert card and stick into \
         the Pi and switch it on."
    });
    let has_no_key = cluster.user.ssh_authorized_keys.is_empty();
    if let Some(admin) = secrets.admin_key.as_ref().filter(|_| has_no_key) {
        let path = admin.path.display();
        bars.say(&format!(
            "You have no ssh key, so the one of this cluster logs in: {path}"
        ));
    }
    if let Some(node) = nodes.first().filter(|_| !base.is_sample()) {
        let config = ui::shell_quoted(&secrets.ssh_config_path());
        bars.say(&format!("Log in with: ssh -F {config} {}", node.name));
    }
}

fn as_json(built: &Built, images: &[Value]) -> Value {
    let base = &built.base;
    json!({
        "base": {
            "name": base.name,
            "sha256": base.sha256.to_string(),
            "sample": base.is_sample(),
            "trust": base.trust.word(),
            "key": base.trust.key().map(|key| key.to_string()),
        },
        "images": images,
        "cluster_id": built.secrets.cluster_id,
        "admin_key": built.secrets.admin_key.as_ref().map(|admin| admin.path.display().to_string()),
        "ssh_config": built.secrets.ssh_config_path().display().to_string(),
    })
}
