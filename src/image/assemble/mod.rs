//! Writes images from a base and a plan: decode once, edit each, read back.

mod compressed;
pub mod eager;
mod raw;
mod space_guard;

use std::path::{Path, PathBuf};

pub use raw::Unpacked;

use crate::boot::overlay::Overlay;
use crate::disk::output::Output;
use crate::disk::read_at::ReadAt;
use crate::disk::sparse::SparseFiles;
use crate::disk::{clone, room};
use crate::error::{Context as _, Result};
use crate::image::apply;
use crate::image::container::Container;
use crate::image::edits::Edits;
use crate::image::page_cache::PageCache;
use crate::image::raw_image::RawImage;
use crate::progress::{Progress, Task};
use space_guard::SpaceGuard;

/// Remedy if the images do not fit.
const MAKE_ROOM: &str = "free some space, use another folder with --out, or build fewer nodes at a time";

/// Bytes that stay free on the disk while a base whose size is not known is decoded.
const RESERVE: u64 = 64 << 20;

/// An image to build from the base.
pub struct PlannedImage {
    pub destination: PathBuf,
    pub overlay: Overlay,
    /// The resulting changes to the raw image.
    pub edits: Edits,
}

/// The planned images of one build.
pub struct Assembly<'a> {
    pub container: &'a Container,
    /// The raw image in `container`.
    pub base: &'a RawImage,
    pub images: Vec<PlannedImage>,
    /// The existing folder for the destinations and temporary files.
    pub folder: &'a Path,
    /// `true` to only warn about missing space.
    pub ignore_space: bool,
    pub progress: &'a dyn Progress,
}

/// Checks that `folder` has room for `images` raw images of `size` bytes each.
pub fn require_raw_room(folder: &Path, images: usize, size: u64) -> Result<()> {
    let copies = clone::copies_to_write(folder, images) as u64;
    room::require(folder, size.saturating_mul(copies), "the images", MAKE_ROOM)
}

impl Assembly<'_> {
    /// Checks for room for `needed` bytes in the folder.
    fn require_room(&self, needed: u64) -> Result<()> {
        match room::require(self.folder, needed, "the images", MAKE_ROOM) {
            Err(error) if self.ignore_space => {
                self.progress.warn(&error.to_string());
                Ok(())
            }
            result => result,
        }
    }

    /// Checks for room for `copies` raw images if their size is known.
    fn require_raw_room(&self, copies: usize) -> Result<()> {
        match self.container.raw_size() {
            Some(size) => self.require_room(size.saturating_mul(copies as u64)),
            None => Ok(()),
        }
    }

    /// Decodes the base into files in the folder and returns its size.
    fn decode(&self, files: &SparseFiles<'_>, task: &dyn Task) -> Result<u64> {
        if self.ignore_space || self.container.raw_size().is_some() {
            return self.container.decode(files, task);
        }
        let guard = SpaceGuard {
            below: files,
            folder: self.folder,
            purpose: "the rest of the images",
            reserve: RESERVE,
        };
        self.container.decode(&guard, task)
    }

    /// Reads the overlay's files back from a written image.
    fn read_back(&self, written: &dyn ReadAt, output: &Output, image: &PlannedImage) -> Result<()> {
        let checking = || format!("checking {}", output.destination().display());
        let written = PageCache::new(written).disk(checking)?;
        apply::read_back(&written, &self.base.boot.range, &image.overlay).while_doing(checking)
    }
}
