//! Writes raw images: one decode into sparse files, or into one file that the others are cloned from.

use std::fs::File;
use std::path::PathBuf;

use super::Assembly;
use crate::disk::clone;
use crate::disk::output::Output;
use crate::disk::read_at::write_all_at;
use crate::disk::sparse::{SparseFiles, has_bytes_at};
use crate::error::{Category, Context as _, Error, Result};
use crate::image::container::Container;
use crate::image::edits::{Edits, PAGE_SIZE};

/// Decompressed copies of the base, under temporary names.
pub struct Unpacked {
    /// One output per copy: the first destination only if the others can share its blocks, otherwise all.
    pub(super) outputs: Vec<Output>,
    /// Size of each copy in bytes.
    pub(super) size: u64,
}

impl Unpacked {
    /// Creates an output for each of `destinations`. `decode` writes the raw image to all of them and returns its size.
    pub(super) fn create<'a>(
        destinations: impl Iterator<Item = &'a PathBuf>,
        decode: impl FnOnce(&SparseFiles<'_>) -> Result<u64>,
    ) -> Result<Self> {
        let outputs = destinations
            .map(|destination| Output::create(destination))
            .collect::<Result<Vec<_>>>()?;
        let files = outputs
            .iter()
            .map(|output| (output.file(), output.destination().to_owned()));
        let sink = SparseFiles::new(files.collect());
        let size = decode(&sink)?;
        sink.set_len(size)?;
        Ok(Self { outputs, size })
    }

    /// Returns whether the size agrees with that in `container`. If not, the careful decoder must be used instead.
    pub fn agrees_with(&self, container: &Container) -> bool {
        container.raw_size().is_none_or(|size| size == self.size)
    }

    /// Opens one of the copies.
    pub fn first(&self) -> Result<Option<File>> {
        let Some(output) = self.outputs.first() else {
            return Ok(None);
        };
        let file = output.file().try_clone();
        file.map(Some)
            .disk(|| format!("reading {}", output.destination().display()))
    }
}

impl Assembly<'_> {
    /// Writes raw images under temporary names and reads them back. Uses copies `unpacked` during the download if there
    /// are any.
    pub fn write_raw(&self, unpacked: Option<Unpacked>) -> Result<Vec<Output>> {
        let Unpacked { mut outputs, size } = match unpacked {
            Some(unpacked) => unpacked,
            None => self.unpack()?,
        };
        self.base.table.require_within(size)?;
        for image in self.images.iter().skip(outputs.len()) {
            let copy = Output::create(&image.destination)?;
            if let Some(original) = outputs.first() {
                clone::copy(original.file(), copy.file(), copy.destination())?;
            }
            outputs.push(copy);
        }
        for (output, image) in outputs.iter().zip(&self.images) {
            write_edits(output, &image.edits, size)?;
            self.read_back(output.file(), output, image)?;
        }
        Ok(outputs)
    }

    fn unpack(&self) -> Result<Unpacked> {
        let copies = clone::copies_to_write(self.folder, self.images.len());
        self.require_raw_room(copies)?;
        let destinations = self.images.iter().map(|image| &image.destination);
        Unpacked::create(destinations.take(copies), |sink| {
            let task = self.progress.begin("writing", self.container.raw_size());
            self.decode(sink, &*task)
        })
    }
}

/// Writes the changed pages to an image of `size` bytes and reads them back.
fn write_edits(output: &Output, edits: &Edits, size: u64) -> Result<()> {
    let what = || format!("writing {}", output.destination().display());
    for (number, page) in edits.iter() {
        let start = number.saturating_mul(PAGE_SIZE as u64);
        let length = usize::try_from(size.saturating_sub(start)).unwrap_or(PAGE_SIZE);
        let bytes = page.get(..length.min(PAGE_SIZE)).unwrap_or_default();
        write_all_at(output.file(), bytes, start).disk(what)?;
        if !has_bytes_at(output.file(), bytes, start).disk(what)? {
            let what = format!(
                "{}: the disk returned different data from what was written",
                what()
            );
            return Err(Error::new(Category::Disk, what));
        }
    }
    Ok(())
}
