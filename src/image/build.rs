//! From a base and a plan to finished images: decode once, edit each, check, put into place.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::boot::overlay::Overlay;
use crate::error::{Category, Context, Error, Result, While};
use crate::image::apply;
use crate::image::boot_partition::BootPartition;
use crate::image::clone;
use crate::image::container::Container;
use crate::image::edits::{Edits, PAGE_SIZE};
use crate::image::output::Output;
use crate::image::page_cache::PageCache;
use crate::image::partition::PartitionTable;
use crate::image::read_at::ReadAt;
use crate::image::space;
use crate::image::sparse::{SparseFiles, holds, write_all_at};
use crate::progress::Progress;

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
    /// Final paths, one an image, in an existing folder.
    pub destinations: Vec<PathBuf>,
    /// Do not ask whether there is room.
    pub ignore_space: bool,
    /// Who listens.
    pub progress: &'a dyn Progress,
}

/// Plans every image of a build, in the order of the destinations.
pub type Planner<'a> = dyn FnMut(&BaseImage) -> Result<Vec<Planned>> + 'a;

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

impl Build<'_> {
    /// Builds raw images. What can be planned before anything is written is planned before.
    pub fn images(&self, planner: &mut Planner<'_>) -> Result<Vec<PathBuf>> {
        let mut look_and_plan = |raw: Arc<dyn ReadAt>| -> Result<(BootPartition, Vec<Planned>)> {
            let base = BaseImage::open(raw)?;
            let changes = planner(&base)?;
            Ok((base.boot, changes))
        };
        let early = self
            .container
            .random_access()
            .map(&mut look_and_plan)
            .transpose()?;
        let reflink = self.destinations.len() > 1 && self.folder().is_some_and(clone::can_reflink);
        self.require_space(reflink)?;
        let outputs = self
            .destinations
            .iter()
            .map(|destination| Output::create(destination))
            .collect::<Result<Vec<_>>>()?;
        let size = self.decode(&outputs, reflink)?;
        let (boot, changes) = match early {
            Some(early) => early,
            None => look_and_plan(first(&outputs)?)?,
        };
        let mut paths = Vec::new();
        for (output, planned) in outputs.into_iter().zip(&changes) {
            lay_over(&output, &planned.edits, size)?;
            apply::read_back(output.file(), &boot.range, &planned.overlay)
                .while_doing(|| format!("checking {}", output.destination().display()))?;
            paths.push(output.finish()?);
        }
        Ok(paths)
    }

    fn folder(&self) -> Option<&Path> {
        self.destinations.first().and_then(|path| path.parent())
    }

    fn require_space(&self, reflink: bool) -> Result<()> {
        let (Some(folder), Some(size)) = (self.folder(), self.container.raw_size()) else {
            return Ok(());
        };
        if self.ignore_space {
            return Ok(());
        }
        let copies = if reflink {
            1
        } else {
            self.destinations.len() as u64
        };
        space::require(folder, size.saturating_mul(copies), "the images")
    }

    /// Decodes the base into every output; returns the raw size in bytes.
    fn decode(&self, outputs: &[Output], reflink: bool) -> Result<u64> {
        let task = self.progress.begin("writing", self.container.raw_size());
        let written = if reflink { outputs.get(..1) } else { Some(outputs) }.unwrap_or_default();
        let sink = SparseFiles::new(
            written
                .iter()
                .map(|output| (output.file(), output.destination().to_owned()))
                .collect(),
        );
        let size = self.container.decode(&sink, &*task)?;
        sink.set_len(size)?;
        if let Some((original, copies)) = outputs.split_first().filter(|_| reflink) {
            for copy in copies {
                clone::reflink(original.file(), copy.file())
                    .disk(|| format!("cloning into {}", copy.destination().display()))?;
            }
        }
        Ok(size)
    }
}

/// The first output's file as something to plan from.
fn first(outputs: &[Output]) -> Result<Arc<File>> {
    let output = outputs
        .first()
        .ok_or_else(|| Error::new(Category::Usage, "there is no node to build"))?;
    let file = output.file().try_clone();
    Ok(Arc::new(file.disk(|| {
        format!("reading {}", output.destination().display())
    })?))
}

/// Writes the changed pages and reads them back.
fn lay_over(output: &Output, edits: &Edits, size: u64) -> Result<()> {
    let what = || format!("writing {}", output.destination().display());
    for (number, page) in edits.iter() {
        let start = number.saturating_mul(PAGE_SIZE as u64);
        let length = usize::try_from(size.saturating_sub(start)).unwrap_or(PAGE_SIZE);
        let bytes = page.get(..length.min(PAGE_SIZE)).unwrap_or_default();
        write_all_at(output.file(), bytes, start).disk(what)?;
        if !holds(output.file(), bytes, start).disk(what)? {
            return Err(Error::new(
                Category::Disk,
                format!("{}: the disk does not keep what is written to it", what()),
            ));
        }
    }
    Ok(())
}
