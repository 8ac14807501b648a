//! What can go wrong is looked for before anything is downloaded.

use std::fs;
use std::path::{Path, PathBuf};

use super::Session;
use crate::base::{Arch, BaseRequest};
use crate::boot::user_files::{self, UserFiles};
use crate::cluster::{Cluster, Node};
use crate::error::{Category, Context, Error, Result};
use crate::progress::Progress as _;

/// The folder that images are written to. One that was made for them goes again when it stays empty.
pub(super) struct OutputFolder {
    made: Option<PathBuf>,
}

impl OutputFolder {
    /// Makes the folder where there is none, and tries whether it takes files and all of `destinations`.
    pub(super) fn prepare(path: &Path, destinations: &[PathBuf]) -> Result<Self> {
        let remedy = "give another folder with --out";
        if path.exists() && !path.is_dir() {
            return Err(Error::new(
                Category::Disk,
                format!("{} is a file, not a folder", path.display()),
            )
            .with_remedy(remedy));
        }
        let made = (!path.exists()).then(|| path.to_owned());
        fs::create_dir_all(path)
            .disk(|| format!("creating the folder {}", path.display()))
            .map_err(|error| error.with_remedy(remedy))?;
        let folder = Self { made };
        tempfile::tempfile_in(path)
            .disk(|| format!("writing into the folder {}", path.display()))
            .map_err(|error| error.with_remedy(remedy))?;
        match destinations.iter().find(|destination| destination.is_dir()) {
            Some(destination) => Err(Error::new(
                Category::Disk,
                format!(
                    "{} is a folder, and an image is to be there",
                    destination.display()
                ),
            )
            .with_remedy("move it away, or give another folder with --out")),
            None => Ok(folder),
        }
    }
}

impl Drop for OutputFolder {
    fn drop(&mut self) {
        if let Some(path) = &self.made {
            // Fails when there is an image in it, as it should.
            let _ = fs::remove_dir(path);
        }
    }
}

/// The user's own files of each of `nodes`, from `overlays/` in `folder`. Warns of a folder there that is no node's.
pub(super) fn user_files(
    session: &Session,
    cluster: &Cluster,
    nodes: &[&Node],
    folder: &Path,
) -> Result<Vec<UserFiles>> {
    let overlays = folder.join("overlays");
    for entry in fs::read_dir(&overlays).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        // This project's own, when it is run from its own folder.
        let is_ours = matches!(name.as_str(), "cloud-init" | "systemd.run");
        if entry.path().is_dir() && !is_ours && cluster.node(&name).is_none() {
            session.bars.warn(&format!(
                "{} belongs to no node of the cluster, so its files are not used",
                entry.path().display()
            ));
        }
    }
    nodes
        .iter()
        .map(|node| user_files::read(&overlays.join(node.name.as_str())))
        .collect()
}

/// What is known of the base without having it: a 32-bit image is not worth a download.
pub(super) fn base_suits(request: &BaseRequest) -> Result<()> {
    match request {
        BaseRequest::Known(entry) if entry.arch == Arch::Armhf => Err(Error::new(
            Category::ClusterFile,
            format!(
                "{} is a 32-bit image: GlusterFS crashes there and current Docker has no packages for it",
                entry.id()
            ),
        )
        .with_remedy("use an arm64 image; every Pi 3, Pi 4, Pi 5 and Zero 2 runs it")),
        BaseRequest::File { path, .. } if !path.exists() => Err(Error::new(
            Category::Usage,
            format!("there is no base image {}", path.display()),
        )
        .with_remedy("give its path from here, or a name that `mkimage bases` lists")),
        BaseRequest::Known(_) | BaseRequest::Url { .. } | BaseRequest::File { .. } => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_was_made_for_nothing_goes_again() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("images");
        drop(OutputFolder::prepare(&path, &[]).unwrap());
        assert!(!path.exists());

        let folder = OutputFolder::prepare(&path, &[]).unwrap();
        fs::write(path.join("pi4-2.img"), "x").unwrap();
        drop(folder);
        assert!(path.join("pi4-2.img").exists());
    }

    #[test]
    fn a_folder_of_the_users_stays() {
        let place = tempfile::tempdir().unwrap();
        drop(OutputFolder::prepare(place.path(), &[]).unwrap());
        assert!(place.path().exists());
    }

    #[test]
    fn what_cannot_be_written_to_is_known_before_anything_is_downloaded() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("afile");
        fs::write(&file, "mine").unwrap();
        let error = OutputFolder::prepare(&file, &[]).err().unwrap();
        assert_eq!(error.category(), Category::Disk);
        assert!(error.to_string().contains("is a file"), "{error}");

        let image = place.path().join("pi4-2.img");
        fs::create_dir(&image).unwrap();
        let error = OutputFolder::prepare(place.path(), &[image]).err().unwrap();
        assert!(error.to_string().contains("is a folder"), "{error}");
    }
}
