//! A growing unnamed file for data too large for memory.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::disk::read_at::{ReadAt, write_all_at};
use crate::disk::scratch;
use crate::error::{Context, Result};

/// The temporary file. It is deleted on drop or when the process ends.
pub(super) struct Spill {
    file: File,
    folder: PathBuf,
    end: AtomicU64,
}

impl Spill {
    pub fn new(folder: &Path) -> Result<Self> {
        Ok(Self {
            file: scratch::file_in(folder)?,
            folder: folder.to_owned(),
            end: AtomicU64::new(0),
        })
    }

    /// Reserves `size` bytes and returns their offset.
    pub fn reserve(&self, size: u64) -> u64 {
        self.end.fetch_add(size, Ordering::Relaxed)
    }

    pub fn write(&self, bytes: &[u8], at: u64) -> Result<()> {
        write_all_at(&self.file, bytes, at)
            .disk(|| format!("writing to a temporary file in {}", self.folder.display()))
    }

    pub fn read(&self, to: &mut [u8], at: u64) -> Result<()> {
        self.file
            .read_exact_at(to, at)
            .disk(|| format!("reading from a temporary file in {}", self.folder.display()))
    }
}
