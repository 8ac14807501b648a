//! From a base and a plan to finished images: decode once, edit each, check, put into place.

mod compressed;
pub mod eager;
mod raw;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::boot::overlay::Overlay;
use crate::disk::clone;
use crate::disk::output::{self, Output};
use crate::disk::read_at::ReadAt;
use crate::disk::room;
use crate::error::{Context, Result, While};
use crate::image::apply;
use crate::image::boot_partition::BootPartition;
use crate::image::container::Container;
use crate::image::edits::Edits;
use crate::image::fat;
use crate::image::page_cache::PageCache;
use crate::image::partition::PartitionTable;
use crate::progress::Progress;

/// What the user can do where the images do not fit.
const MAKE_ROOM: &str = "make room, choose another folder with --out, or build fewer nodes at a time";

/// A base's raw image, as far as planning needs it.
pub struct BaseImage {
    /// The raw bytes, behind a cache.
    pub raw: Arc<dyn ReadAt>,
    /// Its partitions.
    pub table: PartitionTable,
    /// The one the Pi boots from.
    pub boot: BootPartition,
}

/// What one output gets.
pub struct Planned {
    /// The files.
    pub overlay: Overlay,
    /// The pages of the raw image that they make different.
    pub edits: Edits,
}

/// What is to be built.
pub struct Build<'a> {
    /// The base.
    pub container: &'a dyn Container,
    /// An existing folder, for the images and for what is needed meanwhile.
    pub folder: &'a Path,
    /// Final paths in it, one an image.
    pub destinations: Vec<PathBuf>,
    /// Asked before the images get their final names: whether the base is still the one that was verified.
    pub base_is_unchanged: &'a dyn Fn() -> Result<()>,
    /// Go on with a warning where there seems to be no room.
    pub ignore_space: bool,
    /// Who listens.
    pub progress: &'a dyn Progress,
}

/// Plans every image of a build, in the order of the destinations.
pub type Planner<'a> = dyn FnMut(&BaseImage) -> Result<Vec<Planned>> + 'a;

/// A base that was looked at, and what is to become of it.
struct Prepared {
    boot: BootPartition,
    changes: Vec<Planned>,
}

/// Makes sure of room in `folder` for `images` raw images of `size` bytes each, when there is no base yet.
pub fn require_raw_room(folder: &Path, images: usize, size: u64) -> Result<()> {
    room::require(
        folder,
        size.saturating_mul(raw_copies(folder, images)),
        "the images",
        MAKE_ROOM,
    )
}

/// How many of so many raw images take up room: one where files can share their blocks.
fn raw_copies(folder: &Path, images: usize) -> u64 {
    if images > 1 && clone::can_reflink(folder) {
        1
    } else {
        images as u64
    }
}

impl Build<'_> {
    /// Makes sure of room for `needed` bytes among the outputs.
    fn require_room(&self, needed: u64) -> Result<()> {
        match room::require(self.folder, needed, "the images", MAKE_ROOM) {
            Err(error) if self.ignore_space => {
                self.progress.warn(&error.to_string());
                Ok(())
            }
            result => result,
        }
    }

    /// Gives checked images their final names.
    fn finish(&self, outputs: Vec<Output>) -> Result<Vec<PathBuf>> {
        (self.base_is_unchanged)()?;
        output::finish_all(outputs)
    }
}

impl BaseImage {
    /// Finds the partitions of a raw image.
    pub fn open(raw: Arc<dyn ReadAt>) -> Result<Self> {
        let raw = PageCache::new(raw).disk(|| "reading the base image".to_owned())?;
        let table = PartitionTable::read(&raw)?;
        let boot = BootPartition::find(&raw, &table)?;
        Ok(Self {
            raw: Arc::new(raw),
            table,
            boot,
        })
    }
}

impl Prepared {
    fn new(raw: Arc<dyn ReadAt>, planner: &mut Planner<'_>) -> Result<Self> {
        let base = BaseImage::open(raw)?;
        fat::check(&*base.raw, &base.boot.range, Edits::new())?;
        let changes = planner(&base)?;
        Ok(Self {
            boot: base.boot,
            changes,
        })
    }

    /// Reads back from an image what was written.
    fn check(&self, image: &dyn ReadAt, output: &Output, change: &Planned) -> Result<()> {
        apply::read_back(image, &self.boot.range, &change.overlay)
            .while_doing(|| format!("checking {}", output.destination().display()))
    }
}
