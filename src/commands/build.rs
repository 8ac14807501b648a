//! `mkimage --node NAME` and `mkimage --all`: the main job.

use std::cell::OnceCell;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

use super::beforehand::OutputFolder;
use super::inspect::OnFat;
use super::{Session, beforehand, unpacking};
use crate::base::{VerifiedBase, Vouch};
use crate::boot::facts::BootFacts;
use crate::boot::overlay::BootPath;
use crate::boot::plan::{Plan, render};
use crate::boot::user_files;
use crate::cli::{BuildArgs, Format};
use crate::cluster::{Cluster, Node};
use crate::error::{Category, Context, Error, Result};
use crate::identity::{FOLDER_NAME, Secrets};
use crate::image::apply;
use crate::image::build::{BaseImage, Build, Planned};
use crate::image::container;
use crate::image::fat::Timestamp;
use crate::image::read_at::Discard;
use crate::progress::Progress as _;
use crate::ui::{self, Size, Table};

pub(super) fn run(session: &Session, args: &BuildArgs) -> Result<()> {
    let loaded = session.cluster_quietly()?;
    let cluster = &loaded.cluster;
    let nodes = chosen(cluster, args)?;
    let build_time = build_time()?;
    session.tell(&loaded);
    let folder = cluster.origin.folder(&session.surroundings.folder);
    let destinations: Vec<_> = nodes
        .iter()
        .map(|node| {
            args.out
                .join(format!("{}.{}", node.name, args.format.extension()))
        })
        .collect();
    let _out = OutputFolder::prepare(&args.out, &destinations)?;
    let user_files = beforehand::user_files(session, cluster, &nodes, folder)?;
    let (base, unpacked) = match args.format {
        Format::Img => unpacking::obtain(session, args, cluster, &destinations)?,
        Format::ImgXz => (session.base(&args.base, cluster.base.as_deref())?, None),
    };
    let handle = base
        .file()
        .try_clone()
        .disk(|| format!("reading {}", base.path().display()))?;
    let container = container::open(Arc::new(handle), base.path(), &args.out)?;
    session.bars.detail(&format!(
        "base: {} ({})",
        base.path().display(),
        container.describe()
    ));
    let build = Build {
        container: &*container,
        folder: &args.out,
        destinations,
        base_is_unchanged: &|| base.check_unchanged(),
        ignore_space: session.common.force,
        progress: &session.bars,
    };
    // Keys are made only for a base that can be built from: what is refused leaves nothing behind.
    let made = OnceCell::new();
    let mut planner = |image: &BaseImage| {
        let facts = BootFacts::detect(&OnFat::open(image)?)?;
        refuse(session, &facts, cluster)?;
        let secrets = Secrets::open_or_create(&folder.join(FOLDER_NAME), cluster)?;
        let secrets = made.get_or_init(|| secrets);
        for note in secrets.notes() {
            session.bars.say(note);
        }
        let place = Place {
            cluster,
            secrets,
            facts: &facts,
            build_time,
            image,
        };
        nodes
            .iter()
            .zip(&user_files)
            .map(|(node, user_files)| place.plan(session, node, user_files))
            .collect()
    };
    let paths = match (args.format, unpacked) {
        (Format::Img, Some(unpacked)) => build.raw_images_from(unpacked, &mut planner)?,
        (Format::Img, None) => build.raw_images(&mut planner)?,
        (Format::ImgXz, _) => {
            if base.vouched() == Vouch::Nobody && container.blocks().is_some() {
                // Copying blocks unseen would copy damage that nobody has ruled out.
                let task = session.bars.begin("checking the base", container.raw_size());
                container.decode(&Discard, &*task)?;
            }
            build.compressed_images(&mut planner)?
        }
    };
    if base.vouched() == Vouch::Nobody {
        // Only a note that spares the next build a check: the images are good without it.
        if let Err(error) = base.remember_sound(&session.cache_dir) {
            session.bars.warn(&error.to_string());
        }
    }
    match made.get() {
        Some(secrets) => report(session, &nodes, &paths, &base, secrets),
        None => Err(Error::new(
            Category::Other,
            "nothing was planned, so nothing was built",
        )),
    }
}

/// The nodes that were asked for, in the cluster file's order.
fn chosen<'a>(cluster: &'a Cluster, args: &BuildArgs) -> Result<Vec<&'a Node>> {
    let names = || {
        cluster
            .nodes
            .iter()
            .map(|node| node.name.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    if let Some(unknown) = args.node.iter().find(|name| cluster.node(name).is_none()) {
        return Err(
            Error::new(Category::Usage, format!("the cluster has no node {unknown:?}"))
                .with_remedy(format!("its nodes are {}", names())),
        );
    }
    if !args.all && args.node.is_empty() {
        return Err(
            Error::new(Category::Usage, "which node's image is to be built?").with_remedy(format!(
                "give --node NAME (one of {}) or --all; --help shows the rest",
                names()
            )),
        );
    }
    let wanted = |node: &&Node| args.all || args.node.iter().any(|name| name == node.name.as_str());
    Ok(cluster.nodes.iter().filter(wanted).collect())
}

/// Seconds since 1970: `SOURCE_DATE_EPOCH` where somebody wants the same bytes again, else now.
fn build_time() -> Result<u64> {
    match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => text.parse().context(Category::Usage, || {
            format!("SOURCE_DATE_EPOCH is {text:?}, not a number of seconds since 1970")
        }),
        Err(_) => Ok(SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs())),
    }
}

/// Stops at the first thing that speaks against the base, or warns of all of them with `--force`.
fn refuse(session: &Session, facts: &BootFacts, cluster: &Cluster) -> Result<()> {
    facts.is_nobodys()?;
    for refusal in facts.refusals(cluster) {
        if !session.common.force {
            return Err(refusal.into());
        }
        session.bars.warn(&refusal.reason);
    }
    Ok(())
}

/// What all nodes of a build have in common.
struct Place<'a> {
    cluster: &'a Cluster,
    secrets: &'a Secrets,
    facts: &'a BootFacts,
    build_time: u64,
    image: &'a BaseImage,
}

impl Place<'_> {
    fn plan(&self, session: &Session, node: &Node, user_files: &[(BootPath, Vec<u8>)]) -> Result<Planned> {
        let (cluster, secrets) = (self.cluster, self.secrets);
        let authorized_keys = match secrets.admin_key() {
            Some(admin) => vec![admin.public.clone()],
            None => cluster.user.ssh_authorized_keys.clone(),
        };
        let overlay = render(&Plan {
            cluster,
            node,
            identity: secrets.node(&node.name)?,
            cluster_id: secrets.cluster_id(),
            authorized_keys: &authorized_keys,
            known_hosts: &secrets.known_hosts(cluster),
            enrolment_keys: &secrets.enrolment_keys(cluster),
            build_time: self.build_time,
            facts: self.facts,
            user_files,
        })?;
        for file in user_files::that_stop_the_first_boot(self.facts.mechanism, &overlay) {
            session.bars.warn(&format!(
                "overlays/{}/{file} takes the place of what starts the first boot: this node will not set itself up",
                node.name
            ));
        }
        let edits = apply::edits(
            &*self.image.raw,
            &self.image.boot.range,
            &overlay,
            Timestamp(self.build_time),
            node.name.as_str(),
        )?;
        Ok(Planned { overlay, edits })
    }
}

/// Tells what was built and what to do with it.
fn report(
    session: &Session,
    nodes: &[&Node],
    paths: &[PathBuf],
    base: &VerifiedBase,
    secrets: &Secrets,
) -> Result<()> {
    let mut table = Table::new(["NODE", "IMAGE", "SIZE"]);
    let mut images = Vec::new();
    for (node, path) in nodes.iter().zip(paths) {
        let size = fs::metadata(path)
            .disk(|| format!("looking at {}", path.display()))?
            .len();
        table.row([
            node.name.to_string(),
            path.display().to_string(),
            Size(size).to_string(),
        ]);
        images.push(json!({ "node": node.name.as_str(), "path": path.display().to_string(), "size": size }));
    }
    session.bars.say(&format!("\n{table}"));
    session.bars.say("Flash each with Raspberry Pi Imager (\"Use custom\", without its customisation), Etcher or dd; put card and stick into the Pi; switch it on.");
    if let Some(admin) = secrets.admin_key() {
        session.bars.say(&format!(
            "You have no ssh key, so one was made: {}",
            admin.path.display()
        ));
    }
    if let Some(node) = nodes.first() {
        session.bars.say(&format!(
            "Log in with: ssh -F {} {}",
            ui::as_argument(&secrets.ssh_config_path()),
            node.name
        ));
    }
    if session.common.json {
        let object = json!({
            "base": { "name": base.name(), "sha256": base.sha256().to_string() },
            "images": images,
            "ssh_config": secrets.ssh_config_path().display().to_string(),
        });
        return ui::result(&object.to_string());
    }
    if ui::stdout_is_terminal() {
        return Ok(());
    }
    let lines: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
    ui::result(&lines.join("\n"))
}
