//! From a base and a plan to finished images: decode once, edit each, read back.

mod compressed;
pub mod eager;
mod raw;
mod unpacked;

use std::path::{Path, PathBuf};

pub use unpacked::Unpacked;

use crate::boot::overlay::Overlay;
use crate::disk::output::Output;
use crate::disk::read_at::ReadAt;
use crate::disk::{clone, room};
use crate::error::{Context as _, Result};
use crate::image::apply;
use crate::image::container::Container;
use crate::image::edits::Edits;
use crate::image::raw_image::RawImage;
use crate::progress::Progress;

/// What the user can do where the images do not fit.
const MAKE_ROOM: &str = "make room, choose another folder with --out, or build fewer nodes at a time";

/// An image that is to be made of the base.
pub struct PlannedImage {
    /// The final path.
    pub destination: PathBuf,
    /// The files that it gets.
    pub overlay: Overlay,
    /// The pages of the raw image that these files make different.
    pub edits: Edits,
}

/// The images of one build. They are planned, and no byte of them is written yet.
pub struct Assembly<'a> {
    pub container: &'a dyn Container,
    /// What `container` holds.
    pub base: &'a RawImage,
    pub images: Vec<PlannedImage>,
    /// An existing folder: that of the destinations, and of temporary files.
    pub folder: &'a Path,
    /// Whether missing space is only warned about.
    pub ignore_space: bool,
    pub progress: &'a dyn Progress,
}

/// Makes sure that `folder` has room for `images` raw images of `size` bytes each.
pub fn require_raw_room(folder: &Path, images: usize, size: u64) -> Result<()> {
    let copies = clone::copies_to_write(folder, images) as u64;
    room::require(folder, size.saturating_mul(copies), "the images", MAKE_ROOM)
}

impl Assembly<'_> {
    /// Makes sure of room for `needed` bytes beside the destinations.
    fn require_room(&self, needed: u64) -> Result<()> {
        match room::require(self.folder, needed, "the images", MAKE_ROOM) {
            Err(error) if self.ignore_space => {
                self.progress.warn(&error.to_string());
                Ok(())
            }
            result => result,
        }
    }

    /// Makes sure of room for `copies` raw images, where the base says how large one is.
    fn require_raw_room(&self, copies: usize) -> Result<()> {
        match self.container.raw_size() {
            Some(size) => self.require_room(size.saturating_mul(copies as u64)),
            None => Ok(()),
        }
    }

    /// Reads the files of an image's overlay back from what was written.
    fn read_back(&self, written: &dyn ReadAt, output: &Output, image: &PlannedImage) -> Result<()> {
        apply::read_back(written, &self.base.boot.range, &image.overlay)
            .while_doing(|| format!("checking {}", output.destination().display()))
    }
}
