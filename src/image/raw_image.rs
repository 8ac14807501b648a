//! A raw image whose boot partition is known.

use std::ops::Range;
use std::sync::Arc;

use crate::disk::read_at::ReadAt;
use crate::error::{Category, Context as _, Error, Result};
use crate::image::container::Container;
use crate::image::fat::FatVolume;
use crate::image::page_cache::PageCache;
use crate::image::partition::{Partition, PartitionTable};
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
    pub fn in_container(container: &Container, progress: &dyn Progress) -> Result<Self> {
        Self::open(peek::open(container, progress)?)
    }
}

/// The boot partition: the FAT file system with `cmdline.txt` and `config.txt`.
#[derive(Debug, Clone)]
pub struct BootPartition {
    pub partition: Partition,
    /// Its range in the raw image, in bytes.
    pub range: Range<u64>,
}

/// Offset and value of ext2/3/4's magic number (Linux `fs/ext4/ext4.h`, `s_magic` in the superblock at 1024).
const EXT4_MAGIC: (u64, [u8; 2]) = (1024 + 0x38, [0x53, 0xef]);

impl BootPartition {
    /// Finds the boot partition by its content, not by its position. Fails with [`Category::Verification`] and what
    /// was found instead; read errors are passed on.
    pub fn find(image: &dyn ReadAt, table: &PartitionTable) -> Result<Self> {
        let mut found = Vec::new();
        for partition in &table.partitions {
            let range = partition.range()?;
            let listed = FatVolume::read_only(image, &range).and_then(|mut volume| volume.list(""));
            match listed {
                Ok(entries) => {
                    let has = |name: &str| entries.iter().any(|entry| entry.name.eq_ignore_ascii_case(name));
                    if has("cmdline.txt") && has("config.txt") {
                        return Ok(Self {
                            partition: partition.clone(),
                            range,
                        });
                    }
                    found.push(format!(
                        "{}: FAT without cmdline.txt and config.txt",
                        describe(partition)
                    ));
                }
                Err(error) if error.category() == Category::Disk => return Err(error),
                Err(_) => found.push(format!("{}: {}", describe(partition), contents(image, &range))),
            }
        }
        let found = if found.is_empty() {
            "no partitions".to_owned()
        } else {
            found.join("; ")
        };
        let what = format!(
            "the image has no Raspberry Pi boot partition (a FAT with cmdline.txt and config.txt); it has {found}"
        );
        Err(Error::new(Category::Verification, what)
            .with_remedy("use a Raspberry Pi OS Lite image with --base"))
    }
}

fn describe(partition: &Partition) -> String {
    format!("partition {} (type {})", partition.number, partition.kind)
}

fn contents(image: &dyn ReadAt, range: &Range<u64>) -> &'static str {
    let (offset, magic) = EXT4_MAGIC;
    let mut bytes = [0; 2];
    let read = image.read_exact_at(&mut bytes, range.start.saturating_add(offset));
    if read.is_ok() && bytes == magic {
        "ext4"
    } else {
        "not FAT"
    }
}
