//! The sample base: a small image with the layout of Raspberry Pi OS Lite that the program creates itself, for a first
//! run, examples and tests without a network. It does not boot.
//!
//! It is created again at every use. Its bytes do not depend on the clock, locale, folder or number of processors.

use std::io::{Cursor, Write as _};
use std::ops::Range;
use std::path::Path;

use crate::base::sha256::Hasher;
use crate::base::{ObtainOptions, Sha256, Trust, VerifiedBase, verified};
use crate::disk::read_at::write_all_at;
use crate::disk::scratch;
use crate::error::{Category, Context, Error, Result};
use crate::image::fat::{self, FatVolume, Timestamp, Written};
use crate::image::partition::{SECTOR_SIZE, master_boot_record};
use crate::image::xz::{Check, encode};
use crate::progress::{Silent, Task};
use crate::release::SAMPLE_MARK;
use crate::threads;

/// Its name for `--base` and in the cluster file.
pub const SAMPLE: &str = "sample";

/// Size of its raw image in bytes. It ends with the root partition.
pub const SAMPLE_RAW_SIZE: u64 = bytes(ROOT_START + ROOT_SECTORS);

/// Creates the sample in an unnamed temporary file.
pub(super) fn obtain(options: &ObtainOptions) -> Result<VerifiedBase> {
    let task = options
        .progress
        .begin("creating the sample base", Some(SAMPLE_RAW_SIZE));
    let compressed = compressed(threads::available(), &*task)?;
    drop(task);
    let folder = scratch::folder();
    let place = folder.display();
    let doing = || format!("writing the sample base to a temporary file in {place}");
    let file = scratch::file_in(&folder)?;
    write_all_at(&file, &compressed, 0).disk(doing)?;
    let path = Path::new(SAMPLE);
    let mut hasher = Hasher::default();
    let stamp = verified::hash(&file, path, SAMPLE, &mut hasher, &Silent)?;
    let sha256 = hasher.digest();
    if sha256 != Sha256::of(&compressed) {
        let doing = doing();
        let what = format!("{doing}: the disk returned different data from what was written");
        return Err(Error::new(Category::Disk, what).with_remedy("set TMPDIR to a folder on another disk"));
    }
    Ok(VerifiedBase {
        file,
        path: path.to_owned(),
        name: SAMPLE.to_owned(),
        sha256,
        trust: Trust::Sample,
        stamp,
    })
}

/// First sector of the boot partition, as in the real image.
const BOOT_START: u32 = 16_384;

/// Sectors of the boot partition: 40 MiB, with room for the 65,525 clusters that FAT32 requires and for a user's own files.
/// The real one has 512 MiB; decompressing that many zeros would take seconds.
const BOOT_SECTORS: u32 = 81_920;

/// Sectors of the root partition: 8 MiB.
const ROOT_SECTORS: u32 = 16_384;

const ROOT_START: u32 = BOOT_START + BOOT_SECTORS;

const BOOT: Range<u64> = bytes(BOOT_START)..bytes(ROOT_START);

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
fn compressed(threads: usize, task: &dyn Task) -> Result<Vec<u8>> {
    let mut compressed = Vec::new();
    encode(&raw()?, Check::Crc64, &mut compressed, threads, task)?;
    Ok(compressed)
}

fn raw() -> Result<Vec<u8>> {
    let size = usize::try_from(SAMPLE_RAW_SIZE)
        .context(Category::Other, || "creating the sample base".to_owned())?;
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

/// The date in `issue.txt`. Images of that date have cloud-init and none of the refused defects.
const DATE: &str = "2026-10-06";

const PLACEHOLDER: &str = "A placeholder in the sample base of mkimage, which does not boot.\n";

/// Firmware, kernels, initial ramdisks and device trees, which identify a 64-bit image and its boards.
const PLACEHOLDERS: &str = "\
    bcm2710-rpi-3-b.dtb bcm2710-rpi-3-b-plus.dtb bcm2710-rpi-cm3.dtb bcm2710-rpi-zero-2-w.dtb
    bcm2711-rpi-4-b.dtb bcm2711-rpi-400.dtb bcm2711-rpi-cm4.dtb bcm2712-rpi-5-b.dtb
    bcm2712-rpi-500.dtb bcm2712-rpi-cm5-cm4io.dtb bcm2712-rpi-cm5-cm5io.dtb bootcode.bin fixup.dat
    fixup4.dat initramfs8 initramfs_2712 kernel8.img kernel_2712.img overlays/README
    overlays/disable-bt.dtbo overlays/disable-wifi.dtbo overlays/dwc2.dtbo overlays/overlay_map.dtb
    overlays/vc4-kms-v3d.dtbo overlays/vc4-kms-v3d-pi4.dtbo start.elf start4.elf";

/// The settings of the real file, with its sections in order.
const CONFIG: &str = "\
# The settings of a Raspberry Pi OS Lite image, in mkimage's sample base.
dtparam=audio=on
camera_auto_detect=1
display_auto_detect=1
auto_initramfs=1
dtoverlay=vc4-kms-v3d
max_framebuffers=2
disable_fw_kms_setup=1
arm_64bit=1
disable_overscan=1
arm_boost=1

[cm4]
otg_mode=1

[cm5]
dtoverlay=dwc2,dr_mode=host

[pi5]
dtoverlay=nospi10

[all]
";

/// The seeds of cloud-init. Like the real ones, they set only the values in `meta-data`, including the misspelt
/// `instance_id`, which cloud-init does not read.
const SEEDS: [(&str, &str); 3] = [
    ("meta-data", "dsmode: local\ninstance_id: rpios-image\n"),
    ("network-config", "# No network is configured here.\n"),
    ("user-data", "#cloud-config\n# No user is configured here.\n"),
];

/// Returns every file as path and text. `signature` is the signature of the disk, whose second partition is the root
/// file system.
fn boot_files(signature: u32) -> Vec<(&'static str, String)> {
    let placeholders = PLACEHOLDERS.split_whitespace();
    let mut files: Vec<_> = placeholders.map(|path| (path, PLACEHOLDER.to_owned())).collect();
    files.extend(SEEDS.map(|(path, text)| (path, text.to_owned())));
    files.push(("config.txt", CONFIG.to_owned()));
    files.push((
        "cmdline.txt",
        format!(
            "console=serial0,115200 console=tty1 root=PARTUUID={signature:08x}-02 rootfstype=ext4 fsck.repair=yes rootwait \
             resize\n"
        ),
    ));
    files.push((
        "issue.txt",
        format!(
            "Raspberry Pi reference {DATE}\n{SAMPLE_MARK}, stage2\nThis image does not boot: it has no firmware, no kernel and no \
             system.\n"
        ),
    ));
    files
}

#[cfg(test)]
mod tests {
    use super::*;

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
