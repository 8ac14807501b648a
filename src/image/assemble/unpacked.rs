//! Decompressed copies of the base, before any changes.

use std::fs::File;
use std::path::PathBuf;

use crate::disk::output::Output;
use crate::disk::sparse::SparseFiles;
use crate::error::{Context as _, Result};
use crate::image::container::Container;

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
