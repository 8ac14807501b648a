//! A base image that is what it was asked for.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::base::{CatalogEntry, Sha256, remembered};
use crate::error::{Category, Context, Error, Result};

/// Who says that a base is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vouch {
    /// Its hash is the one in the catalog or the one the user gave.
    Publisher,
    /// This program made it, a moment ago.
    Program,
    /// It is a local file of unknown hash that was decoded in full before, without an error.
    Remembered,
    /// It is a local file of unknown hash. It must be decoded in full before anything is made of it.
    Nobody,
}

/// A base image, open, hashed through the very handle that later reads go through: what happens to its path meanwhile
/// makes no difference. Only [`super::obtain`] makes one.
#[derive(Debug)]
pub struct VerifiedBase {
    pub(super) file: File,
    pub(super) path: PathBuf,
    pub(super) name: String,
    pub(super) sha256: Sha256,
    pub(super) stamp: Stamp,
    pub(super) entry: Option<CatalogEntry>,
    pub(super) vouched: Vouch,
}

/// What an in-place change of a file shows in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    size: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    /// Of an open file, now.
    pub(super) fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self {
            size: metadata.len(),
            modified: metadata.modified().ok(),
        })
    }

    /// The file's size then, in bytes.
    pub(super) fn size(self) -> u64 {
        self.size
    }
}

impl VerifiedBase {
    /// The file. Read it with [`crate::disk::read_at::ReadAt`]; its cursor is anywhere.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Where the file is, for messages. Never open it again by this path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file's name as its publisher or the user has it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Of the file as it is, compressed or not.
    pub fn sha256(&self) -> Sha256 {
        self.sha256
    }

    /// Bytes of the file as it is, compressed or not.
    pub fn size(&self) -> u64 {
        self.stamp.size
    }

    /// The catalog's entry for this very image, however it came here.
    pub fn entry(&self) -> Option<&CatalogEntry> {
        self.entry.as_ref()
    }

    /// Who says that it is good.
    pub fn vouched(&self) -> Vouch {
        self.vouched
    }

    /// Fails when somebody has written to the file since it was hashed. To be asked when the last byte has been read.
    pub fn check_unchanged(&self) -> Result<()> {
        let now = Stamp::of(&self.file).disk(|| format!("looking at {}", self.path.display()))?;
        if now == self.stamp {
            return Ok(());
        }
        let what = format!("{} was changed while it was read", self.path.display());
        Err(Error::new(Category::Verification, what)
            .with_remedy("run mkimage again when nothing writes to it any more"))
    }

    /// Notes in the cache folder that this file was decoded in full without an error, so that it is
    /// [`Vouch::Remembered`] from now on, wherever it lies.
    pub fn remember_sound(&self, cache_dir: &Path) -> Result<()> {
        remembered::remember(cache_dir, self.sha256)
    }
}
