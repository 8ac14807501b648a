//! A raw image whose partitions are known.

use std::sync::Arc;

use crate::disk::read_at::ReadAt;
use crate::error::{Context as _, Result};
use crate::image::boot_partition::BootPartition;
use crate::image::container::Container;
use crate::image::page_cache::PageCache;
use crate::image::partition::PartitionTable;
use crate::image::peek;
use crate::progress::Progress;

/// A raw image, open for reading its boot partition.
pub struct RawImage {
    /// The bytes, which include at least the partition table and the boot partition.
    pub bytes: Arc<dyn ReadAt>,
    pub table: PartitionTable,
    pub boot: BootPartition,
}

impl RawImage {
    /// Finds the partitions of a raw image.
    pub fn open(bytes: Arc<dyn ReadAt>) -> Result<Self> {
        let bytes = PageCache::new(bytes).disk(|| "reading the image".to_owned())?;
        let table = PartitionTable::read(&bytes)?;
        let boot = BootPartition::find(&bytes, &table)?;
        Ok(Self {
            bytes: Arc::new(bytes),
            table,
            boot,
        })
    }

    /// Finds the partitions of the image in a container, decoding no more than necessary.
    pub fn in_container(container: &dyn Container, progress: &dyn Progress) -> Result<Self> {
        Self::open(peek::open(container, progress)?)
    }
}
