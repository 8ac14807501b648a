//! `mkimage verify`: checks that an image differs from the base only in boot partition files that mkimage writes.
//! The image is untrusted: nothing in it decides which files on this computer are read.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::json;

use crate::base::{self, BaseRequest, Catalog, VerifiedBase};
use crate::boot::expected::Expected;
use crate::boot::facts::BootFacts;
use crate::boot::settings::{self, Settings};
use crate::boot::user_files::{self, UserFiles};
use crate::build::look::{FatBootFiles, open_base, open_named};
use crate::build::node_overlay;
use crate::cli::BaseArgs;
use crate::cluster::{Cluster, Node};
use crate::disk::scratch;
use crate::error::{Category, Context as _, Error, Result};
use crate::identity::{FOLDER_NAME, Secrets};
use crate::image::BUILD_AGAIN;
use crate::image::compare::{Differences, Pair};
use crate::image::container::Container;
use crate::image::raw_image::{RawImage, readable};
use crate::progress::Silent;
use crate::release::BootFiles as _;
use crate::session::Session;
use crate::ui;

/// Limit for unexpected files in a message.
const MAX_NAMED: usize = 8;

pub(super) fn run(session: &Session, path: &Path, base: &BaseArgs) -> Result<()> {
    let loaded = session.cluster_quietly()?;
    let cluster = &loaded.cluster;
    let scratch = scratch::folder();
    let image = open_named(path, &scratch)?;
    let verified = obtain_base(session, base, cluster, &image, path)?;
    let original = open_base(&verified, &scratch)?;

    let what = || format!("comparing {} with {}", path.display(), verified.name);
    let pair = Pair::open(&original, &image, &session.bars).while_doing(what)?;
    let files = FatBootFiles::open(&pair.image.look)?;
    let settings = files.read(settings::PATH)?;
    let settings = Settings::parse(&settings.ok_or_else(|| not_built_by_mkimage(path))?);
    let node = node_in(&settings, cluster, path)?;
    let facts = BootFacts::detect(&FatBootFiles::open(&pair.base.look)?).while_doing(what)?;
    facts.require_not_a_node_image()?;
    let found = pair.compare().while_doing(what)?;

    let own_files = user_files::read(session.folder_of(cluster), node.name.as_str())?;
    let (expected, why_not) = expected(session, cluster, node, &facts, &settings, &own_files, path)?;
    require_none_unexpected(&unexpected_files(&files, &found, &expected)?, node, path)?;
    let not_compared: Vec<_> = expected.unknown().collect();
    let own_files: Vec<_> = own_files.iter().map(|(path, _)| path.as_str()).collect();
    let (name, base, trust) = (node.name.as_str(), &verified.name, verified.trust);
    if session.common.json {
        let object = json!({
            "image": path.display().to_string(), "base": base, "trust": trust.word(), "node": name,
            "verified": true, "added": found.added, "changed": found.changed, "unchanged": found.same,
            "not_compared": not_compared, "own_files": own_files,
        });
        return ui::json(&object);
    }
    let compared = compared(name, &not_compared, &why_not);
    let own = if own_files.is_empty() {
        String::new()
    } else {
        format!("\nYour own, from overlays/{name}: {}", own_files.join(", "))
    };
    ui::result(&format!(
        "{} is a valid image of {name}. Outside the boot partition, every byte is the same as in {base},\n\
         which is vouched for by {trust}.\n\
         On the boot partition, {} files are the same, {} were changed ({}), {} were added.\n\
         {compared}{own}",
        path.display(),
        found.same,
        found.changed.len(),
        found.changed.join(", "),
        found.added.len()
    ))
}

/// Obtains the base, unless it is a published one and the image was built from the sample.
fn obtain_base(
    session: &Session,
    args: &BaseArgs,
    cluster: &Cluster,
    image: &Container,
    path: &Path,
) -> Result<VerifiedBase> {
    let catalog = Catalog::load(&session.cache_dir)?;
    let request = session.base_request(args, cluster, &catalog)?;
    if matches!(request, BaseRequest::Known(_) | BaseRequest::Url { .. }) && is_of_sample(image) {
        let what = format!("{} was built from the sample base", path.display());
        return Err(Error::new(Category::Usage, what).with_remedy("add: --base sample"));
    }
    base::obtain(&request, &session.obtain_options(&catalog))
}

/// Returns whether the image says that it was built from the sample. Damage is reported by the comparison.
fn is_of_sample(image: &Container) -> bool {
    let look = readable(image, &Silent).and_then(RawImage::open);
    look.is_ok_and(|look| {
        let facts = FatBootFiles::open(&look).and_then(|files| BootFacts::detect(&files));
        facts.is_ok_and(|facts| facts.base.is_sample)
    })
}

/// Returns the files that a build writes, and the reason why those that depend on keys may be unknown.
fn expected(
    session: &Session,
    cluster: &Cluster,
    node: &Node,
    facts: &BootFacts,
    settings: &Settings,
    user_files: &UserFiles,
    path: &Path,
) -> Result<(Expected, String)> {
    let secrets_folder = session.folder_of(cluster).join(FOLDER_NAME);
    let secrets = Secrets::open_read_only(&secrets_folder, cluster)?;
    let why_not = match &secrets {
        None => format!("{} does not exist", secrets_folder.display()),
        Some(_) => format!("{} has no keys for {}", secrets_folder.display(), node.name),
    };
    let expected = match secrets.filter(|secrets| secrets.node(&node.name).is_ok()) {
        Some(secrets) => {
            // A wrong time would make other files differ.
            let missing = || damaged_settings(path, "has no valid MKIMAGE_BUILD_TIME");
            let build_time = settings.build_time().ok_or_else(missing)?;
            let overlay = node_overlay(cluster, node, &secrets, facts, user_files, build_time)?;
            Expected::exactly(overlay)
        }
        None => Expected::without_secrets(cluster, node, facts, user_files)?,
    };
    Ok((expected, why_not))
}

/// Returns what was compared and what was not. `why_not` is the reason why some files were not.
fn compared(node: &str, not_compared: &[&str], why_not: &str) -> String {
    if not_compared.is_empty() {
        return format!(
            "All of them are exactly what a build for {node} writes.\nNot compared: space outside the files."
        );
    }
    let not_compared = not_compared.join(", ");
    format!(
        "Everything that does not depend on keys is exactly what a build for {node} writes.\n\
         Not compared, because {why_not}: {not_compared}. Also not compared: space outside the files."
    )
}

/// Returns the node named in the image's settings, if the cluster has it.
fn node_in<'a>(settings: &Settings, cluster: &'a Cluster, path: &Path) -> Result<&'a Node> {
    let Some(name) = settings.node() else {
        return Err(damaged_settings(path, "does not name a node"));
    };
    cluster.node(name.as_str()).ok_or_else(|| {
        let path = path.display();
        let what = format!("{path} is the image of {name}, but this cluster has no such node");
        Error::new(Category::Verification, what)
            .with_remedy("use the cluster file that it was built with: --cluster FILE")
    })
}

fn not_built_by_mkimage(path: &Path) -> Error {
    let (path, settings) = (path.display(), settings::PATH);
    let what = format!("{path} was not built by mkimage: its boot partition has no {settings}");
    Error::new(Category::Verification, what)
        .with_remedy("use an image that mkimage built; if it is one, it was edited, so build it again")
}

fn damaged_settings(path: &Path, why: &str) -> Error {
    let what = format!(
        "{} differs from the images that mkimage builds: {} on its boot partition {why}",
        path.display(),
        settings::PATH
    );
    Error::new(Category::Verification, what).with_remedy(BUILD_AGAIN)
}

/// Returns the files that are missing, changed or unexpected.
fn unexpected_files(
    files: &FatBootFiles<'_>,
    found: &Differences,
    expected: &Expected,
) -> Result<BTreeSet<String>> {
    let differing = found.removed.iter().chain(&found.changed).chain(&found.added);
    let mut unexpected: BTreeSet<_> = differing.filter(|file| !expected.has(file)).cloned().collect();
    for (file, bytes) in expected.known() {
        if files.read_whole(file)?.as_deref() != Some(bytes) {
            unexpected.insert(file.to_owned());
        }
    }
    for file in expected.unknown() {
        if files.read_whole(file)?.is_none() {
            unexpected.insert(file.to_owned());
        }
    }
    Ok(unexpected)
}

fn require_none_unexpected(unexpected: &BTreeSet<String>, node: &Node, path: &Path) -> Result<()> {
    if unexpected.is_empty() {
        return Ok(());
    }
    let mut named: Vec<_> = unexpected.iter().take(MAX_NAMED).map(String::as_str).collect();
    if unexpected.len() > MAX_NAMED {
        named.push("...");
    }
    let name = &node.name;
    let what = format!(
        "{} boot files in {} are missing or differ from what mkimage writes for {name}: {}",
        unexpected.len(),
        path.display(),
        ui::one_line(&named.join(", "))
    );
    Err(Error::new(Category::Verification, what).with_remedy(format!(
        "build the image again; booting or editing it, another version of mkimage, or a change to the cluster file, your \
         ssh keys, {FOLDER_NAME} or overlays/{name} cause such differences"
    )))
}
