//! The sample's disk: partition table, boot partition and root superblock, compressed to an xz file.
//!
//! Its bytes do not depend on the clock, locale, folder or number of processors.

use std::io::{Cursor, Write as _};
use std::ops::Range;

use super::boot_files::boot_files;
use crate::error::{Category, Context, Error, Result};
use crate::image::fat::{self, FatVolume, Timestamp, Written};
use crate::image::partition::{SECTOR_SIZE, master_boot_record};
use crate::image::xz::{Check, encode};
use crate::progress::Task;

/// First sector of the boot partition, as in the real image.
const BOOT_START: u32 = 16_384;

/// Sectors of the boot partition: 40 MiB, with room for the 65,525 clusters that FAT32 requires and for a user's own files.
/// The real one has 512 MiB; decompressing that many zeros would take seconds.
const BOOT_SECTORS: u32 = 81_920;

/// Sectors of the root partition: 8 MiB.
const ROOT_SECTORS: u32 = 16_384;

const ROOT_START: u32 = BOOT_START + BOOT_SECTORS;

const BOOT: Range<u64> = bytes(BOOT_START)..bytes(ROOT_START);

/// Size of the image in bytes. It ends with the root partition.
pub(super) const SIZE: u64 = bytes(ROOT_START + ROOT_SECTORS);

/// The disk signature, which `cmdline.txt` refers to, and the serial number of the boot partition.
const SIGNATURE: u32 = 0x5a4d_504c;

/// MBR types of the two partitions.
const FAT32_LBA: u8 = 0x0c;
const LINUX: u8 = 0x83;

/// The modification time of every file: 2026-10-06 00:00 UTC.
const TIME: Timestamp = Timestamp(1_791_244_800);

const fn bytes(sectors: u32) -> u64 {
    sectors as u64 * SECTOR_SIZE
}

/// Returns the sample as an xz file of several blocks. `task` counts raw bytes.
pub(super) fn compressed(threads: usize, task: &dyn Task) -> Result<Vec<u8>> {
    let mut compressed = Vec::new();
    encode(&raw()?, Check::Crc64, &mut compressed, threads, task)?;
    Ok(compressed)
}

/// Returns the raw image.
fn raw() -> Result<Vec<u8>> {
    let size = usize::try_from(SIZE).context(Category::Other, || "creating the sample base".to_owned())?;
    let mut raw = vec![0; size];
    let partitions = [
        (FAT32_LBA, BOOT_START, BOOT_SECTORS),
        (LINUX, ROOT_START, ROOT_SECTORS),
    ];
    put(&mut raw, 0, &master_boot_record(SIGNATURE, &partitions))?;
    put(&mut raw, BOOT.end + SUPERBLOCK, &superblock()?)?;
    let empty = fat::format(&raw, BOOT, *b"bootfs     ", SIGNATURE)?;
    let mut volume = FatVolume::open(&raw, BOOT, empty, TIME)?;
    for (path, text) in boot_files(SIGNATURE) {
        if volume.write(path, text.as_bytes())? == Written::NoRoom {
            return Err(Error::new(
                Category::Other,
                "the sample base has no room for its files",
            ));
        }
    }
    // Counting the free clusters also stores their number in the volume, as in the real image.
    volume.free()?;
    let edits = volume.finish()?;
    edits.apply_to(&mut raw, 0);
    Ok(raw)
}

/// Offset of the superblock in its partition. This and all numbers below are from the kernel's documentation of ext4,
/// `super.rst`.
const SUPERBLOCK: u64 = 1024;

/// Returns the superblock of an ext4 without files. It gives the root partition a type and a label, but cannot be
/// mounted.
fn superblock() -> Result<Vec<u8>> {
    /// Block size in bytes: 1024 times two to this power.
    const LOG_BLOCK_SIZE: u32 = 2;
    /// Blocks of eight sectors.
    const BLOCKS: u32 = ROOT_SECTORS / 8;
    let mut superblock = vec![0; 1024];
    let fields: [(u64, &[u8]); 10] = [
        (0x04, &BLOCKS.to_le_bytes()),
        (0x18, &LOG_BLOCK_SIZE.to_le_bytes()),
        // Blocks per group and inodes per group.
        (0x20, &32_768_u32.to_le_bytes()),
        (0x28, &8192_u32.to_le_bytes()),
        // The magic number, and the state "cleanly unmounted".
        (0x38, &0xef53_u16.to_le_bytes()),
        (0x3a, &1_u16.to_le_bytes()),
        // The revision with features, and the feature "extents", which makes it an ext4.
        (0x4c, &1_u32.to_le_bytes()),
        (0x60, &0x40_u32.to_le_bytes()),
        (0x68, b"mkimage's sample"),
        (0x78, b"rootfs"),
    ];
    for (at, bytes) in fields {
        put(&mut superblock, at, bytes)?;
    }
    Ok(superblock)
}

/// Writes bytes to an image, which must have room for them.
fn put(image: &mut [u8], at: u64, bytes: &[u8]) -> Result<()> {
    let mut cursor = Cursor::new(image);
    cursor.set_position(at);
    cursor
        .write_all(bytes)
        .context(Category::Other, || "creating the sample base".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Sha256;
    use crate::progress::Silent;

    /// Hash of the raw image, which changes only when the sample is changed on purpose.
    const RAW: &str = "d270b9c58c3db1361e7a32a6c6f5165fe73909e2d67a6dc99554c2bdafb0ab15";

    /// Hash of the xz file, which also depends on the version of liblzma in `Cargo.lock`. If an update changes only this
    /// hash, use the new one.
    const COMPRESSED: &str = "8ff1f5202cf125000e77c041bcea9582c5d061e4498c6f79ce9fbb1f63627de5";

    #[test]
    fn the_sample_is_the_same_on_every_machine() {
        assert_eq!(Sha256::of(&raw().unwrap()).to_string(), RAW);
        for threads in [1, 3] {
            assert_eq!(
                Sha256::of(&compressed(threads, &Silent).unwrap()).to_string(),
                COMPRESSED,
                "{threads}"
            );
        }
    }
}
