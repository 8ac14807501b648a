//! `mkimage verify`: nothing but the boot partition differs from the base, and on it only what mkimage writes.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::Session;
use super::inspect::{OnFat, node_of};
use crate::boot::mechanism::BootFiles as _;
use crate::boot::user_files;
use crate::cli::BaseArgs;
use crate::error::{Category, Context, Error, Result, While};
use crate::image::build::BaseImage;
use crate::image::compare::{Differences, compare};
use crate::image::container::{self, Container};
use crate::image::prefix;
use crate::ui;

/// What mkimage may change in or add to a boot partition's root.
const OURS: [&str; 6] = [
    "cmdline.txt",
    "config.txt",
    "meta-data",
    "network-config",
    "ssh",
    "user-data",
];

pub(super) fn run(session: &Session, path: &Path, base: &BaseArgs) -> Result<()> {
    let loaded = session.cluster_quietly()?;
    let scratch = std::env::temp_dir();
    let opened = File::open(path).disk(|| format!("opening {}", path.display()))?;
    let image = container::open(Arc::new(opened), path, &scratch)?;
    let verified = session.base(base, loaded.cluster.base.as_deref())?;
    let handle = verified.file().try_clone();
    let handle = handle.disk(|| format!("reading {}", verified.path().display()))?;
    let original = container::open(Arc::new(handle), verified.path(), &scratch)?;

    let comparing = || format!("comparing {} with {}", path.display(), verified.name());
    let found = compare(&*original, &*image, &session.bars).while_doing(comparing)?;
    let folder = loaded.cluster.origin.folder(&session.surroundings.folder);
    let node = node(&*image)?;
    let user_files = match &node {
        Some(node) => user_files::read(&folder.join("overlays").join(node))?,
        None => Vec::new(),
    };
    let expected = |file: &String| {
        file.starts_with("mkimage/")
            || OURS.contains(&file.as_str())
            || user_files
                .iter()
                .any(|(path, _)| path.as_str().eq_ignore_ascii_case(file))
    };
    let strange: Vec<_> = found
        .changed
        .iter()
        .chain(&found.added)
        .filter(|file| !expected(file))
        .chain(&found.removed)
        .collect();
    if let Some(first) = strange.first() {
        return Err(Error::new(
            Category::Verification,
            format!(
                "{} of the boot partition's files differ from the base though mkimage does not write them, such as {first}",
                strange.len()
            ),
        )
        .with_remedy("build the image again; if it was booted from or edited, that is why"));
    }
    report(session, path, verified.name(), node.as_deref(), &found)
}

fn node(image: &dyn Container) -> Result<Option<String>> {
    let look = BaseImage::open(prefix::raw(image)?)?;
    Ok(OnFat::open(&look)?
        .read("mkimage/settings")?
        .and_then(|bytes| node_of(&bytes)))
}

fn report(session: &Session, path: &Path, base: &str, node: Option<&str>, found: &Differences) -> Result<()> {
    if session.common.json {
        let object = json!({
            "image": path.display().to_string(), "base": base, "node": node, "verified": true,
            "added": found.added, "changed": found.changed, "unchanged": found.same,
        });
        return ui::result(&object.to_string());
    }
    ui::result(&format!(
        "{}: sound. Outside the boot partition every byte is {base}'s.\n\
         On the boot partition {} files are the base's, {} were changed ({}), {} were added.",
        path.display(),
        found.same,
        found.changed.len(),
        found.changed.join(", "),
        found.added.len()
    ))
}
