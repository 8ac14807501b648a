//! `mkimage verify`: nothing but the boot partition differs from the base, and on it only what mkimage writes.
//! The image is not believed: nothing in it decides which files of this computer are read.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use crate::boot::expected::Expected;
use crate::boot::facts::BootFacts;
use crate::boot::mechanism::BootFiles as _;
use crate::boot::settings::{self, Settings};
use crate::boot::user_files;
use crate::build::look::{FatBootFiles, open_base, open_image};
use crate::build::node_overlay::node_overlay;
use crate::cli::BaseArgs;
use crate::cluster::{Cluster, Node};
use crate::disk::scratch;
use crate::error::{Category, Context as _, Error, Result};
use crate::identity::{FOLDER_NAME, Secrets};
use crate::image::compare::{Differences, Pair};
use crate::image::container;
use crate::session::Session;
use crate::ui;

/// So many files are named when many are wrong.
const NAMED: usize = 8;

pub(super) fn run(session: &Session, path: &Path, base: &BaseArgs) -> Result<()> {
    let loaded = session.cluster_quietly()?;
    let cluster = &loaded.cluster;
    let scratch = scratch::folder();
    let opened = open_image(path)?;
    let image = container::open(Arc::new(opened), path, &scratch)?;
    let verified = session.base(base, cluster.base.as_deref())?;
    let original = open_base(&verified, &scratch)?;

    let comparing = || format!("comparing {} with {}", path.display(), verified.name());
    let pair = Pair::open(&*original, &*image, &session.bars).while_doing(comparing)?;
    let files = FatBootFiles::open(&pair.image.look)?;
    let settings = files.read(settings::PATH)?;
    let settings = Settings::parse(&settings.ok_or_else(|| no_image_of_ours(path))?);
    let node = node_in(&settings, cluster, path)?;
    let found = pair.compare().while_doing(comparing)?;

    let facts = BootFacts::detect(&FatBootFiles::open(&pair.base.look)?).while_doing(comparing)?;
    let folder = cluster.origin.folder(&session.environment.folder);
    let user_files = user_files::read(&folder.join("overlays").join(node.name.as_str()))?;
    let place = folder.join(FOLDER_NAME);
    let secrets = Secrets::open_read_only(&place, cluster)?;
    let why_not = match &secrets {
        None => format!("{} is not there", place.display()),
        Some(_) => format!("{} has no keys of {}", place.display(), node.name),
    };
    let expected = match secrets.filter(|secrets| secrets.node(&node.name).is_ok()) {
        Some(secrets) => {
            let build_time = build_time(&settings, path)?;
            let overlay = node_overlay(cluster, node, &secrets, &facts, &user_files, build_time)?;
            Expected::exactly(overlay)
        }
        None => Expected::without_secrets(cluster, node, &facts, &user_files)?,
    };
    refuse_strange(&strange(&files, &found, &expected)?, node, path)?;
    Report {
        image: path,
        base: verified.name(),
        node,
        found: &found,
        not_compared: expected.unknown().collect(),
        why_not,
    }
    .print(session)
}

/// The node whose image it says it is. The name leads nowhere but to a node of the cluster.
fn node_in<'a>(settings: &Settings, cluster: &'a Cluster, path: &Path) -> Result<&'a Node> {
    let Some(name) = settings.node() else {
        return Err(damaged_settings(path, "names no node"));
    };
    cluster.node(name.as_str()).ok_or_else(|| {
        Error::new(
            Category::Verification,
            format!(
                "{} is the image of {name}, and this cluster has no such node",
                path.display()
            ),
        )
        .with_remedy("give the cluster file that it was built with: --cluster FILE")
    })
}

/// The time that the image says it was built at. It is in what else was written, so it cannot be any other.
fn build_time(settings: &Settings, path: &Path) -> Result<u64> {
    settings
        .build_time()
        .ok_or_else(|| damaged_settings(path, "has no MKIMAGE_BUILD_TIME that is a number"))
}

fn no_image_of_ours(path: &Path) -> Error {
    Error::new(
        Category::Verification,
        format!(
            "{} is no image that mkimage built: its boot partition has no {}",
            path.display(),
            settings::PATH
        ),
    )
    .with_remedy("give an image that mkimage built; if it is one, it was edited: build it again")
}

fn damaged_settings(path: &Path, why: &str) -> Error {
    Error::new(
        Category::Verification,
        format!(
            "{} is not as mkimage builds images: {} on its boot partition {why}",
            path.display(),
            settings::PATH
        ),
    )
    .with_remedy("build the image again; if it was booted from or edited, that is why")
}

/// The files that are missing, altered or too many.
fn strange(files: &FatBootFiles<'_>, found: &Differences, expected: &Expected) -> Result<BTreeSet<String>> {
    let differing = found.removed.iter().chain(&found.changed).chain(&found.added);
    let mut strange: BTreeSet<_> = differing.filter(|file| !expected.has(file)).cloned().collect();
    for (file, bytes) in expected.known() {
        if files.read_whole(file)?.as_deref() != Some(bytes) {
            strange.insert(file.to_owned());
        }
    }
    for file in expected.unknown() {
        if files.read_whole(file)?.is_none() {
            strange.insert(file.to_owned());
        }
    }
    Ok(strange)
}

fn refuse_strange(strange: &BTreeSet<String>, node: &Node, path: &Path) -> Result<()> {
    if strange.is_empty() {
        return Ok(());
    }
    let mut named: Vec<_> = strange.iter().take(NAMED).map(String::as_str).collect();
    if strange.len() > NAMED {
        named.push("...");
    }
    let name = &node.name;
    Err(Error::new(
        Category::Verification,
        format!(
            "{} of the boot partition's files in {} are missing or not as mkimage writes them for {name}: {}",
            strange.len(),
            path.display(),
            named.join(", ")
        ),
    )
    .with_remedy(format!(
        "build the image again; if the cluster file, your ssh keys, {FOLDER_NAME} or overlays/{name} changed since it \
         was built, or it was built by another version of mkimage, booted from or edited, that is why"
    )))
}

/// What is said of a sound image.
struct Report<'a> {
    image: &'a Path,
    base: &'a str,
    node: &'a Node,
    found: &'a Differences,
    not_compared: Vec<&'a str>,
    /// Why files were not compared, when there are such.
    why_not: String,
}

impl Report<'_> {
    fn print(&self, session: &Session) -> Result<()> {
        let found = self.found;
        let name = self.node.name.as_str();
        if session.common.json {
            let object = json!({
                "image": self.image.display().to_string(), "base": self.base, "node": name, "verified": true,
                "added": found.added, "changed": found.changed, "unchanged": found.same,
                "not_compared": self.not_compared,
            });
            return ui::result(&object.to_string());
        }
        let compared = if self.not_compared.is_empty() {
            format!(
                "All of them are as a build for {name} writes them.\n\
                 Not compared: what lies where no file is."
            )
        } else {
            format!(
                "All that depends on no key is as a build for {name} writes it.\n\
                 Not compared, because {}: {}; nor what lies where no file is.",
                self.why_not,
                self.not_compared.join(", ")
            )
        };
        ui::result(&format!(
            "{}: sound, the image of {name}. Outside the boot partition every byte is {base}'s.\n\
             On the boot partition {} files are the base's, {} were changed ({}), {} were added.\n\
             {compared}",
            self.image.display(),
            found.same,
            found.changed.len(),
            found.changed.join(", "),
            found.added.len(),
            base = self.base,
        ))
    }
}
