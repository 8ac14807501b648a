//! A raw image whose boot partition is known, from any container.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::disk::read_at::{RawSink, ReadAt};
use crate::disk::scratch;
use crate::disk::sparse::SparseFiles;
use crate::error::{Category, Context as _, Error, Result};
use crate::image::container::Container;
use crate::image::fat::FatVolume;
use crate::image::page_cache::PageCache;
use crate::image::partition::{Partition, PartitionTable};
use crate::progress::Progress;

/// Limit for decoding, in bytes: the boot partition of every known image ends before 521 MiB.
const LIMIT: u64 = 1 << 30;

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
        Self::open(readable(container, progress)?)
            .map_err(|error| container.damage(progress).unwrap_or(error))
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

/// Opens the raw image inside a container for reading its partition table and its boot partition.
///
/// If the container has no random access, the first [`LIMIT`] bytes are decoded into an unnamed temporary file.
pub fn readable(container: &Container, progress: &dyn Progress) -> Result<Arc<dyn ReadAt>> {
    if let Some(image) = container.random_access() {
        return Ok(image);
    }
    let folder = scratch::folder();
    let file = scratch::file_in(&folder)
        .map_err(|error| error.with_remedy("set TMPDIR to a folder with enough space"))?;
    let sink = LimitedSink {
        below: SparseFiles::new(vec![(&file, folder.join("a temporary file"))]),
        is_full: AtomicBool::new(false),
    };
    let task = progress.begin(
        "reading the boot files",
        container.raw_size().map(|size| size.min(LIMIT)),
    );
    let (decoded, size) = match container.decode(&sink, &*task) {
        Ok(size) => (size, Some(size)),
        Err(_) if sink.is_full.load(Ordering::Relaxed) => (LIMIT, container.raw_size()),
        Err(error) => return Err(error),
    };
    sink.below.set_len(decoded)?;
    Ok(Arc::new(PartialImage { file, decoded, size }))
}

/// Stops decoding at the limit.
struct LimitedSink<'a> {
    below: SparseFiles<'a>,
    is_full: AtomicBool,
}

impl RawSink for LimitedSink<'_> {
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        if offset >= LIMIT {
            self.is_full.store(true, Ordering::Relaxed);
            return Err(Error::new(Category::Other, "enough of the image was decoded"));
        }
        self.below.write_at(bytes, offset)
    }
}

/// The first bytes of an image.
struct PartialImage {
    file: File,
    /// The number of decoded bytes in the file.
    decoded: u64,
    /// Size of the whole image in bytes, if the container knows it.
    size: Option<u64>,
}

impl ReadAt for PartialImage {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let read = self.file.read_at(buffer, offset)?;
        if read == 0 && !buffer.is_empty() && offset >= self.decoded && self.size != Some(self.decoded) {
            let what = "the boot partition does not end within the first GiB of the image";
            let error = Error::new(Category::Verification, what);
            return Err(io::Error::other(error.with_remedy(
                "decompress the image first and use the .img file with --base",
            )));
        }
        Ok(read)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.size.unwrap_or(u64::MAX))
    }
}
