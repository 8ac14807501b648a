//! Looking at a whole file system before anything of it is believed.

use std::collections::HashSet;
use std::io;

use super::volume::FatVolume;
use crate::error::Result;

/// Folders are never nested deeper on a boot partition; deeper means that they run in a circle.
const DEEPEST: usize = 16;
/// Files and folders of the largest boot partitions are a few hundred.
const MOST_ENTRIES: usize = 20_000;

impl FatVolume<'_> {
    /// Follows every folder and every file's chain of clusters once.
    ///
    /// # Errors
    /// [`crate::error::Category::Verification`] when a chain runs in a circle, leaves the partition, is shorter than its
    /// file, or belongs to two files: writing to such a file system would destroy more.
    pub fn check(&mut self) -> Result<()> {
        let size = self.size();
        self.run(
            || "checking the file system of the boot partition".to_owned(),
            |library| {
                let cluster = u64::from(library.cluster_size());
                let mut taken = HashSet::new();
                let mut entries = 0_usize;
                let mut folders = vec![(library.root_dir(), 0_usize)];
                while let Some((folder, depth)) = folders.pop() {
                    for entry in folder.iter() {
                        let entry = entry?;
                        let name = entry.file_name();
                        if name == "." || name == ".." {
                            continue;
                        }
                        entries = entries.saturating_add(1);
                        if depth > DEEPEST || entries > MOST_ENTRIES {
                            return Err(damage("its folders run in a circle"));
                        }
                        if entry.is_dir() {
                            folders.push((entry.to_dir(), depth.saturating_add(1)));
                            continue;
                        }
                        let mut length = 0_u64;
                        for extent in entry.to_file().extents() {
                            let extent = extent?;
                            if extent.offset.saturating_add(cluster) > size {
                                return Err(damage(&format!("{name} reaches out of the partition")));
                            }
                            if !taken.insert(extent.offset) {
                                return Err(damage(&format!(
                                    "{name} has a cluster twice, or shares one with another file"
                                )));
                            }
                            length = length.saturating_add(extent.size.into());
                        }
                        if length < entry.len() {
                            return Err(damage(&format!("{name} is shorter than its folder says")));
                        }
                    }
                }
                Ok(())
            },
        )
    }
}

fn damage(what: &str) -> fatfs::Error<io::Error> {
    io::Error::new(io::ErrorKind::InvalidData, what).into()
}
