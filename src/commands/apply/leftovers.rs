//! Keys and images of nodes that have gone, on the owner's computer.

use std::fs;
use std::path::{Path, PathBuf};

use clap::ValueEnum as _;

use crate::cli::Format;
use crate::error::{Context as _, Result};
use crate::identity::Secrets;

/// The folder beside the images.
const REMOVED: &str = "removed";

/// Puts a node's keys aside, and with `move_images` its images, too. Returns what there is and was done in words.
pub(super) fn put_aside(node: &str, secrets: &Path, images: &Path, move_images: bool) -> Result<String> {
    let keys = Secrets::put_aside(secrets, node)?.map_or_else(String::new, |aside| {
        format!(" Its keys are in {} now.", aside.display())
    });
    let mut found = images_of(node, images);
    let mut what = "";
    if move_images && !found.is_empty() {
        found = move_to(&images.join(REMOVED), found)?;
        what = " now";
    }
    let found = found.iter().map(|image| image.display().to_string());
    let found = found.collect::<Vec<_>>().join(", ");
    let images = match &*found {
        "" => "no image of it opens anything any more.".to_owned(),
        found => format!("its image opens nothing any more: {found}{what}."),
    };
    Ok(format!(
        "{node} is out of the cluster, and {images}{keys} If it is to come back, its [[node]] gets new keys."
    ))
}

fn images_of(node: &str, images: &Path) -> Vec<PathBuf> {
    let names = Format::value_variants().iter();
    let paths = names.map(|format| images.join(format!("{node}.{}", format.extension())));
    paths.filter(|path| path.is_file()).collect()
}

/// Returns where they are afterwards. An image that was moved earlier is replaced.
fn move_to(folder: &Path, images: Vec<PathBuf>) -> Result<Vec<PathBuf>> {
    fs::create_dir_all(folder).disk(|| format!("creating {}", folder.display()))?;
    let mut moved = Vec::new();
    for image in images {
        let Some(name) = image.file_name() else { continue };
        let to = folder.join(name);
        fs::rename(&image, &to).disk(|| format!("moving {} to {}", image.display(), to.display()))?;
        moved.push(to);
    }
    Ok(moved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_of_a_node_that_has_gone_are_named_and_moved_on_request() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = folder.path().join("secrets");
        let image = folder.path().join("pi4-3.img.xz");
        fs::write(&image, b"").unwrap();
        fs::write(folder.path().join("pi4-1.img.xz"), b"").unwrap();
        let said = put_aside("pi4-3", &secrets, folder.path(), false).unwrap();
        assert!(
            said.contains(&image.display().to_string()) && image.exists(),
            "{said}"
        );
        let said = put_aside("pi4-3", &secrets, folder.path(), true).unwrap();
        let moved = folder.path().join("removed/pi4-3.img.xz");
        assert!(
            said.contains(&moved.display().to_string()) && moved.exists(),
            "{said}"
        );
        assert!(!image.exists() && folder.path().join("pi4-1.img.xz").exists());
        let said = put_aside("pi4-3", &secrets, folder.path(), true).unwrap();
        assert!(said.contains("no image"), "{said}");
    }
}
