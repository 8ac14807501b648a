//! `mkimage verify`: nothing but the boot partition differs from the base, and on it only what mkimage writes.
//! The image is not believed: nothing in it decides which files of this computer are read.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::Session;
use super::inspect::{OnFat, node_of, open_image};
use crate::boot::expected::Expected;
use crate::boot::facts::BootFacts;
use crate::boot::mechanism::BootFiles as _;
use crate::boot::user_files;
use crate::cli::BaseArgs;
use crate::error::{Category, Context, Error, Result, While};
use crate::image::compare::{Differences, Pair};
use crate::image::container;
use crate::ui;

pub(super) fn run(session: &Session, path: &Path, base: &BaseArgs) -> Result<()> {
    let loaded = session.cluster_quietly()?;
    let scratch = std::env::temp_dir();
    let opened = open_image(path)?;
    let image = container::open(Arc::new(opened), path, &scratch)?;
    let verified = session.base(base, loaded.cluster.base.as_deref())?;
    let handle = verified.file().try_clone();
    let handle = handle.disk(|| format!("reading {}", verified.path().display()))?;
    let original = container::open(Arc::new(handle), verified.path(), &scratch)?;

    let comparing = || format!("comparing {} with {}", path.display(), verified.name());
    let pair = Pair::open(&*original, &*image).while_doing(comparing)?;
    let found = pair.compare(&session.bars).while_doing(comparing)?;
    let facts = BootFacts::detect(&OnFat::open(&pair.base.look)?).while_doing(comparing)?;
    let files = OnFat::open(&pair.image.look)?;
    let node = files.read("mkimage/settings")?.and_then(|bytes| node_of(&bytes));
    // The name comes out of the image, so it leads nowhere but to a node of the cluster.
    let node = node.filter(|name| loaded.cluster.node(name).is_some());
    let user_files = match &node {
        Some(node) => {
            let folder = loaded.cluster.origin.folder(&session.surroundings.folder);
            user_files::read(&folder.join("overlays").join(node))?
        }
        None => Vec::new(),
    };
    let expected = Expected::new(facts.mechanism, &user_files)?;
    let mut strange = found.removed.clone();
    for (file, bytes) in expected.known() {
        if files.read_whole(file)?.as_deref() != Some(bytes) {
            strange.push(file.to_owned());
        }
    }
    let written = found.changed.iter().chain(&found.added);
    let (own, others): (Vec<_>, Vec<_>) = written
        .filter(|file| !expected.knows(file))
        .cloned()
        .partition(|file| Expected::is_nodes_own(file));
    strange.extend(others);
    if let Some(first) = strange.first() {
        return Err(Error::new(
            Category::Verification,
            format!(
                "{} of the boot partition's files are not as mkimage writes them, such as {first}",
                strange.len()
            ),
        )
        .with_remedy(
            "build the image again; if it was booted from, edited, or built by another version or from other overlays/, that is why",
        ));
    }
    report(session, path, verified.name(), node.as_deref(), &found, &own)
}

/// `own` are the files that depend on the node's settings and keys.
fn report(
    session: &Session,
    path: &Path,
    base: &str,
    node: Option<&str>,
    found: &Differences,
    own: &[String],
) -> Result<()> {
    if session.common.json {
        let object = json!({
            "image": path.display().to_string(), "base": base, "node": node, "verified": true,
            "added": found.added, "changed": found.changed, "unchanged": found.same,
            "not_compared": own,
        });
        return ui::result(&object.to_string());
    }
    ui::result(&format!(
        "{}: sound, {}. Outside the boot partition every byte is {base}'s.\n\
         On the boot partition {} files are the base's, {} were changed ({}), {} were added.\n\
         Those that mkimage carries in itself and those of overlays/ are as they were written.\n\
         Not compared, because they are this node's own settings and keys: {}; nor what lies where no file is.",
        path.display(),
        node.map_or_else(
            || "of no node of this cluster".to_owned(),
            |node| format!("the image of {node}")
        ),
        found.same,
        found.changed.len(),
        found.changed.join(", "),
        found.added.len(),
        own.join(", ")
    ))
}
