//! Images with the base in them, before anything is changed.

use std::fs::File;
use std::path::PathBuf;

use crate::disk::output::Output;
use crate::disk::sparse::SparseFiles;
use crate::error::{Context as _, Result};
use crate::image::container::Container;

/// Unpacked copies of the base, under temporary names.
pub struct Unpacked {
    /// Of the first destination, or of all of them where files cannot share their blocks.
    pub(super) outputs: Vec<Output>,
    /// Bytes of each.
    pub(super) size: u64,
}

impl Unpacked {
    /// Creates an output for each of `destinations` and has `decode` write the raw image, whose size it returns, into
    /// all of them.
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

    /// Says whether this is as large as `container` says. Where two ways of unpacking disagree, the careful one decides.
    pub fn agrees_with(&self, container: &dyn Container) -> bool {
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
