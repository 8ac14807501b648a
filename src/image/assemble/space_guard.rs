//! Decoding without filling the disk, for bases whose size is not known before.

use std::path::Path;

use super::MAKE_ROOM;
use crate::disk::read_at::RawSink;
use crate::disk::room;
use crate::disk::sparse::SparseFiles;
use crate::error::Result;

/// Stops before the disk is full.
pub(super) struct SpaceGuard<'a> {
    pub(super) below: &'a SparseFiles<'a>,
    pub(super) folder: &'a Path,
    /// The purpose of the space, for the error.
    pub(super) purpose: &'a str,
    /// Bytes that stay free.
    pub(super) reserve: u64,
}

impl RawSink for SpaceGuard<'_> {
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        room::require(self.folder, self.reserve, self.purpose, MAKE_ROOM)?;
        self.below.write_at(bytes, offset)
    }
}
