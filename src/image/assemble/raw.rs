//! Raw images: one decode into sparse files, or into one that the others are cloned from.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Build, Planner, Prepared};
use crate::disk::clone;
use crate::disk::output::Output;
use crate::disk::read_at::write_all_at;
use crate::disk::sparse::{SparseFiles, holds};
use crate::error::{Category, Context, Error, Result};
use crate::image::assemble::eager::Unpacked;
use crate::image::edits::{Edits, PAGE_SIZE};

impl Build<'_> {
    /// Builds raw images. What can be planned before anything is written is planned before.
    pub fn raw_images(&self, planner: &mut Planner<'_>) -> Result<Vec<PathBuf>> {
        let early = match self.container.random_access() {
            Some(raw) => Some(Prepared::new(raw, planner)?),
            None => None,
        };
        let reflink = self.destinations.len() > 1 && clone::can_reflink(self.folder);
        self.require_raw_space(if reflink { 1 } else { self.destinations.len() })?;
        let outputs = self
            .destinations
            .iter()
            .map(|destination| Output::create(destination))
            .collect::<Result<Vec<_>>>()?;
        let size = self.decode_into(&outputs, reflink)?;
        self.change(outputs, size, early, planner)
    }

    /// Builds raw images of what was unpacked before.
    pub fn raw_images_from(&self, unpacked: Unpacked, planner: &mut Planner<'_>) -> Result<Vec<PathBuf>> {
        let Unpacked { mut outputs, size } = unpacked;
        if self.container.raw_size().is_some_and(|known| known != size) {
            // Two ways to unpack it that do not agree: the careful one decides.
            drop(outputs);
            return self.raw_images(planner);
        }
        for destination in self.destinations.iter().skip(outputs.len()) {
            let copy = Output::create(destination)?;
            if let Some(original) = outputs.first() {
                share_blocks(original, &copy)?;
            }
            outputs.push(copy);
        }
        self.change(outputs, size, None, planner)
    }

    /// Makes the nodes' images of `outputs`, which have the base in them.
    fn change(
        &self,
        outputs: Vec<Output>,
        size: u64,
        early: Option<Prepared>,
        planner: &mut Planner<'_>,
    ) -> Result<Vec<PathBuf>> {
        let prepared = match (early, outputs.first()) {
            (Some(prepared), _) => prepared,
            (None, Some(first)) => {
                let file = first.file().try_clone();
                let file = file.disk(|| format!("reading {}", first.destination().display()))?;
                Prepared::new(Arc::new(file), planner)?
            }
            (None, None) => return Ok(Vec::new()),
        };
        for (output, change) in outputs.iter().zip(&prepared.changes) {
            lay_over(output, &change.edits, size)?;
            prepared.check(output.file(), output, change)?;
        }
        self.finish(outputs)
    }

    /// Makes sure of room for `copies` raw images, where the base says how large that is.
    pub(super) fn require_raw_space(&self, copies: usize) -> Result<()> {
        match self.container.raw_size() {
            Some(size) => self.require_room(size.saturating_mul(copies as u64)),
            None => Ok(()),
        }
    }

    /// Decodes the base into every output; returns the raw size in bytes.
    fn decode_into(&self, outputs: &[Output], reflink: bool) -> Result<u64> {
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
                share_blocks(original, copy)?;
            }
        }
        Ok(size)
    }
}

fn share_blocks(original: &Output, copy: &Output) -> Result<()> {
    clone::copy(original.file(), copy.file(), copy.destination())
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
