//! A verified base image.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::base::{CatalogEntry, Sha256, Trust, decoded};
use crate::error::{Category, Context, Error, Result};

/// An open base image. It was hashed through the same file handle that is used for reading, so later changes to its path
/// have no effect. Only [`super::obtain`] creates one.
#[derive(Debug)]
pub struct VerifiedBase {
    pub(super) file: File,
    pub(super) path: PathBuf,
    pub(super) name: String,
    pub(super) sha256: Sha256,
    pub(super) stamp: Stamp,
    pub(super) entry: Option<CatalogEntry>,
    pub(super) trust: Trust,
}

/// Size and modification time, which reveal changes to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    size: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    /// Returns the current stamp of an open file.
    pub(super) fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self {
            size: metadata.len(),
            modified: metadata.modified().ok(),
        })
    }

    /// Returns the file's size in bytes.
    pub(super) fn size(self) -> u64 {
        self.size
    }
}

impl VerifiedBase {
    /// Returns the file. Read it with [`crate::disk::read_at::ReadAt`], because its cursor is undefined.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Returns the file's path, for messages only. Never open the file again by this path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the file's original name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the hash of the file as it is, compressed or not.
    pub fn sha256(&self) -> Sha256 {
        self.sha256
    }

    /// Returns the size in bytes of the file as it is, compressed or not.
    pub fn size(&self) -> u64 {
        self.stamp.size
    }

    /// Returns the catalog's entry with this hash.
    pub fn entry(&self) -> Option<&CatalogEntry> {
        self.entry.as_ref()
    }

    /// Returns the reason to trust it.
    pub fn trust(&self) -> Trust {
        self.trust
    }

    /// Returns whether it is the sample, which does not boot.
    pub fn is_sample(&self) -> bool {
        self.trust == Trust::Sample
    }

    /// Fails if the file has changed since it was hashed. Call it after the last byte has been read.
    pub fn check_unchanged(&self) -> Result<()> {
        let now =
            Stamp::of(&self.file).disk(|| format!("reading the metadata of {}", self.path.display()))?;
        if now == self.stamp {
            return Ok(());
        }
        let what = format!("{} was changed while it was being read", self.path.display());
        Err(Error::new(Category::Verification, what)
            .with_remedy("run mkimage again when nothing writes to it"))
    }

    /// Marks this file as decoded in full without errors, so that it is [`Trust::DecodedBefore`] from now on.
    pub fn mark_decoded(&self, cache_dir: &Path) -> Result<()> {
        decoded::mark(cache_dir, self.sha256)
    }
}
