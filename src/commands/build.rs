//! `mkimage --node NAME` and `mkimage --all`: the main job.

use std::cell::OnceCell;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::base::{self, Catalog, Trust, VerifiedBase};
use crate::boot::facts::BootFacts;
use crate::boot::overlay::BootPath;
use crate::boot::user_files;
use crate::build::look::FatBootFiles;
use crate::build::node_overlay::node_overlay;
use crate::build::{base_choice, obtain};
use crate::cli::{BuildArgs, Format};
use crate::cluster::{Cluster, Node};
use crate::disk::out_folder::OutFolder;
use crate::disk::read_at::Discard;
use crate::error::{Category, Context, Error, Result};
use crate::identity::{FOLDER_NAME, Secrets};
use crate::image::apply;
use crate::image::assemble::eager::Unpacked;
use crate::image::assemble::{BaseImage, Build, Planned, Planner};
use crate::image::container;
use crate::image::fat::Timestamp;
use crate::image::xz::Check;
use crate::progress::Progress as _;
use crate::session::Session;
use crate::ui::{self, Table};
use crate::units::Size;

pub(super) fn run(session: &Session, args: &BuildArgs) -> Result<()> {
    let catalog = Catalog::load(&session.cache_dir)?;
    let loaded = base_choice::cluster_with_base(session, &args.base, &catalog)?;
    let cluster = &loaded.cluster;
    let nodes = chosen(cluster, args)?;
    let build_time = build_time()?;
    session.tell(&loaded);
    let folder = cluster.origin.folder(&session.environment.folder);
    let destinations: Vec<_> = nodes
        .iter()
        .map(|node| {
            args.out
                .join(format!("{}.{}", node.name, args.format.extension()))
        })
        .collect();
    // What can be wrong here is found before anything is downloaded.
    let request = base_choice::request(session, &args.base, cluster, &catalog)?;
    let own_files = nodes
        .iter()
        .map(|node| user_files::read(&folder.join("overlays").join(node.name.as_str())))
        .collect::<Result<Vec<_>>>()?;
    for stranger in user_files::of_no_node(&folder.join("overlays"), cluster) {
        session.bars.warn(&format!(
            "{} belongs to no node of the cluster, so its files are not used",
            stranger.display()
        ));
    }
    let _out = OutFolder::prepare(&args.out, &destinations)?;
    let (base, unpacked) = match args.format {
        Format::Img => obtain::obtain(session, &request, &catalog, &args.out, &destinations)?,
        Format::ImgXz => (
            base::obtain(&request, &session.obtain_options(&catalog, None))?,
            None,
        ),
    };
    let handle = base
        .file()
        .try_clone()
        .disk(|| format!("reading {}", base.path().display()))?;
    // While it was downloaded, another run may have found the folder empty.
    fs::create_dir_all(&args.out).disk(|| format!("creating the folder {}", args.out.display()))?;
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
        let facts = BootFacts::detect(&FatBootFiles::open(image)?)?;
        refuse(session, &facts, cluster)?;
        let secrets = Secrets::open_or_create(&folder.join(FOLDER_NAME), cluster)?;
        let secrets = made.get_or_init(|| secrets);
        for note in secrets.notes() {
            session.bars.say(note);
        }
        nodes
            .iter()
            .zip(&own_files)
            .map(|(node, own)| {
                let planned = plan_node(node, cluster, secrets, &facts, own, build_time, image)?;
                for file in user_files::that_stop_the_first_boot(facts.mechanism, &planned.overlay) {
                    session.bars.warn(&format!(
                        "overlays/{}/{file} takes the place of what starts the first boot: this node will not set itself up",
                        node.name
                    ));
                }
                Ok(planned)
            })
            .collect()
    };
    if base.trust() == Trust::Unknown && container.blocks().is_some() && container.check() == Check::None {
        session.bars.warn(&format!(
            "{} was packed without checksums: damage in it that can be unpacked is not noticed",
            base.path().display()
        ));
    }
    let paths = write(session, args.format, &base, &build, unpacked, &mut planner)?;
    remember(session, &base);
    match made.get() {
        Some(secrets) => report(session, cluster, &nodes, &paths, &base, secrets),
        None => Err(Error::new(
            Category::Other,
            "nothing was planned, so nothing was built",
        )),
    }
}

/// Makes the images; says their final paths.
fn write(
    session: &Session,
    format: Format,
    base: &VerifiedBase,
    build: &Build<'_>,
    unpacked: Option<Unpacked>,
    planner: &mut Planner<'_>,
) -> Result<Vec<PathBuf>> {
    match (format, unpacked) {
        (Format::Img, Some(unpacked)) => build.raw_images_from(unpacked, planner),
        (Format::Img, None) => build.raw_images(planner),
        (Format::ImgXz, _) => build.compressed_images(planner, &|| {
            if base.trust() == Trust::Unknown {
                // Copying blocks unseen would copy damage that nobody has ruled out.
                let raw_size = build.container.raw_size();
                let task = session.bars.begin("checking the base", raw_size);
                build.container.decode(&Discard, &*task)?;
                remember(session, base);
            }
            Ok(())
        }),
    }
}

/// Notes that a base nobody vouched for was decoded in full.
fn remember(session: &Session, base: &VerifiedBase) {
    if base.trust() != Trust::Unknown {
        return;
    }
    // It only spares the next build a check: the images are good without it.
    if let Err(error) = base.mark_decoded(&session.cache_dir) {
        session.bars.warn(&error.to_string());
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
            return Err(base_choice::refused(refusal));
        }
        session.bars.warn(&refusal.reason);
    }
    Ok(())
}

fn plan_node(
    node: &Node,
    cluster: &Cluster,
    secrets: &Secrets,
    facts: &BootFacts,
    user_files: &[(BootPath, Vec<u8>)],
    build_time: u64,
    image: &BaseImage,
) -> Result<Planned> {
    let overlay = node_overlay(cluster, node, secrets, facts, user_files, build_time)?;
    let edits = apply::edits(
        &*image.raw,
        &image.boot.range,
        &overlay,
        Timestamp(build_time),
        node.name.as_str(),
    )?;
    Ok(Planned { overlay, edits })
}

/// Tells what was built and what to do with it.
fn report(
    session: &Session,
    cluster: &Cluster,
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
    let has_none = cluster.user.ssh_authorized_keys.is_empty();
    if let Some(admin) = secrets.admin_key().filter(|_| has_none) {
        session.bars.say(&format!(
            "You have no ssh key, so one was made: {}",
            admin.path.display()
        ));
    }
    if let Some(node) = nodes.first() {
        session.bars.say(&format!(
            "Log in with: ssh -F {} {}",
            ui::shell_quoted(&secrets.ssh_config_path()),
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
