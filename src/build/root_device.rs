//! Compares the `root=` of a command line with the disk that it is written to.

use crate::boot::user_files::{UserFiles, faults};
use crate::cluster::Node;
use crate::disk::read_at::ReadAt;
use crate::error::{Category, Result};
use crate::image::partition::{Partition, SECTOR_SIZE};
use crate::image::raw_image::RawImage;
use crate::release::{Cmdline, Refusal};

/// Returns the reasons why nodes made from this base would not find their system: one for the base's own command line, if a
/// node has it, and one for each node with its own. `own_files` are those of the nodes, in the same order.
pub(super) fn refusals(
    base: &RawImage,
    cmdline: &Cmdline,
    nodes: &[&Node],
    own_files: &[UserFiles],
) -> Result<Vec<Refusal>> {
    let of_base = contradiction(cmdline, base);
    let mut refusals = Vec::new();
    let mut is_used = false;
    for (node, files) in nodes.iter().zip(own_files) {
        let Some((own, place)) = faults::cmdline(node, files)? else {
            is_used = true;
            continue;
        };
        let Some(reason) = contradiction(&own, base) else {
            continue;
        };
        let right = cmdline.root().filter(|_| of_base.is_none());
        refusals.push(Refusal {
            category: Category::ClusterFile,
            reason: format!("{place} {reason}"),
            remedy: match right {
                Some(root) => format!("write root={root} there, as in the base"),
                None => "write the root= word of this disk there".to_owned(),
            },
        });
    }
    if let Some(reason) = of_base.filter(|_| is_used) {
        let base = Refusal {
            category: Category::Refused,
            reason: format!("this base cannot boot: its cmdline.txt {reason}"),
            remedy: "use the image as it was published".to_owned(),
        };
        refusals.insert(0, base);
    }
    Ok(refusals)
}

/// Returns the end of a sentence about a command line whose `root=` cannot exist on this disk, as far as that can be told. The
/// forms are those of the kernel (admin-guide, "kernel-parameters", `root=`) and of Debian's initial ramdisk.
pub(crate) fn contradiction(cmdline: &Cmdline, image: &RawImage) -> Option<String> {
    let root = cmdline.root()?;
    let form = Form::of(root)?;
    let partitions = &image.table.partitions;
    let found = partitions.iter().find(|partition| form.is(partition, image));
    match found {
        Some(partition) if *partition == image.boot.partition => {
            Some(format!("says root={root}, but that is the boot partition"))
        }
        Some(_) => None,
        // Its partitions are not in the list.
        None if partitions.iter().any(is_extended) => None,
        None if form.needs_file_systems() && !are_known(image) => None,
        None => {
            let there: Vec<_> = partitions
                .iter()
                .filter_map(|partition| form.value_of(partition, image))
                .collect();
            Some(format!(
                "says root={root}, but there is no such partition on its disk, which has {}",
                there.join(" and ")
            ))
        }
    }
}

/// A form of `root=` that names a partition of the disk that the Pi has started from.
enum Form<'a> {
    /// The partition's id, for MBR the disk's id and the number.
    PartUuid(&'a str),
    /// The number of a partition of the memory card.
    Number(&'a str),
    /// The id of the file system.
    Uuid(&'a str),
    /// The name of the file system.
    Label(&'a str),
}

impl<'a> Form<'a> {
    /// `None` for every other form: it may name another disk or a network.
    fn of(root: &'a str) -> Option<Self> {
        let after = |starts: &[&str]| starts.iter().find_map(|start| root.strip_prefix(start));
        let part_uuid = after(&["PARTUUID=", "/dev/disk/by-partuuid/"]).map(Self::PartUuid);
        let number = after(&["/dev/mmcblk0p"]).map(Self::Number);
        let uuid = after(&["UUID=", "/dev/disk/by-uuid/"]).map(Self::Uuid);
        let label = after(&["LABEL=", "/dev/disk/by-label/"]).map(Self::Label);
        let form = part_uuid.or(number).or(uuid).or(label);
        // `PARTUUID=.../PARTNROFF=1` counts on from another partition, and udev escapes some characters with a backslash.
        form.filter(|form| !form.value().contains(['/', '\\']))
    }

    fn value(&self) -> &'a str {
        match self {
            Self::PartUuid(value) | Self::Number(value) | Self::Uuid(value) | Self::Label(value) => value,
        }
    }

    fn needs_file_systems(&self) -> bool {
        matches!(self, Self::Uuid(_) | Self::Label(_))
    }

    fn is(&self, partition: &Partition, image: &RawImage) -> bool {
        let Some(value) = self.value_of(partition, image) else {
            return false;
        };
        match self {
            Self::Label(_) | Self::Number(_) => value == self.value(),
            Self::PartUuid(_) | Self::Uuid(_) => value.eq_ignore_ascii_case(self.value()),
        }
    }

    /// Returns what this form would say of a partition; `None` if that is not known.
    fn value_of(&self, partition: &Partition, image: &RawImage) -> Option<String> {
        match self {
            Self::PartUuid(_) => Some(partition.uuid.clone()),
            Self::Number(_) => Some(partition.number.to_string()),
            Self::Uuid(_) => Some(Ext4::read(image, partition)?.uuid),
            Self::Label(_) => Some(Ext4::read(image, partition)?.label),
        }
    }
}

/// Returns true for an MBR partition that holds others (types 05, 0f and 85 of Linux, `include/linux/msdos_partition.h`).
fn is_extended(partition: &Partition) -> bool {
    ["0x05", "0x0f", "0x85"].contains(&&*partition.kind)
}

/// Returns true if the file system of every partition but the boot partition can be read.
fn are_known(image: &RawImage) -> bool {
    let mut others = image.table.partitions.iter();
    others.all(|partition| *partition == image.boot.partition || Ext4::read(image, partition).is_some())
}

/// The names of an ext2, ext3 or ext4.
struct Ext4 {
    uuid: String,
    label: String,
}

impl Ext4 {
    /// Reads the superblock, whose offsets are from the kernel's documentation of ext4, `super.rst`. `None` if there is none,
    /// or that part of the image was not decoded.
    fn read(image: &RawImage, partition: &Partition) -> Option<Self> {
        const SUPERBLOCK: u64 = 1024;
        let at = partition
            .start
            .checked_mul(SECTOR_SIZE)?
            .checked_add(SUPERBLOCK)?;
        let mut block = [0; 136];
        image.bytes.read_exact_at(&mut block, at).ok()?;
        if block.get(0x38..0x3a)? != [0x53, 0xef] {
            return None;
        }
        let uuid: [u8; 16] = block.get(0x68..0x78)?.try_into().ok()?;
        let label = block.get(0x78..0x88)?.split(|byte| *byte == 0).next()?;
        Some(Self {
            uuid: uuid::Uuid::from_bytes(uuid).to_string(),
            label: String::from_utf8_lossy(label).into_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::image::edits::Edits;
    use crate::image::fat::{self, FatVolume, Timestamp, Written};
    use crate::image::partition::master_boot_record;

    const BOOT: std::ops::Range<u64> = 8 * 512..(8 + 70_000) * 512;

    /// Returns an image with a boot partition and, after it, one of `kind` with an ext4 called `rootfs`.
    fn image(kind: u8, is_ext4: bool) -> RawImage {
        let mut raw = master_boot_record(0xc0ff_ee00, &[(0x0c, 8, 70_000), (kind, 70_008, 100)]);
        raw.resize(70_108 * 512, 0);
        let empty: Edits = fat::format(&raw, BOOT, *b"bootfs     ", 1).unwrap();
        let mut volume = FatVolume::open(&raw, BOOT, empty, Timestamp(0)).unwrap();
        for file in ["cmdline.txt", "config.txt"] {
            assert_eq!(volume.write(file, b"x").unwrap(), Written::Whole);
        }
        volume.finish().unwrap().apply_to(&mut raw, 0);
        let superblock = 70_008 * 512 + 1024;
        if is_ext4 {
            raw[superblock + 0x38..superblock + 0x3a].copy_from_slice(&[0x53, 0xef]);
            raw[superblock + 0x68..superblock + 0x78].copy_from_slice(&[0xab; 16]);
            raw[superblock + 0x78..superblock + 0x7e].copy_from_slice(b"rootfs");
        }
        RawImage::open(Arc::new(raw)).unwrap()
    }

    fn judged(root: &str, image: &RawImage) -> Option<String> {
        let line = format!("console=tty1 root={root} rootwait");
        contradiction(&Cmdline::parse(line.as_bytes()).unwrap(), image)
    }

    #[test]
    fn a_root_that_is_on_the_disk_is_accepted_in_every_form() {
        let image = image(0x83, true);
        for root in [
            "PARTUUID=c0ffee00-02",
            "PARTUUID=C0FFEE00-02",
            "\"PARTUUID=c0ffee00-02\"",
            "/dev/disk/by-partuuid/c0ffee00-02",
            "/dev/mmcblk0p2",
            "UUID=abababab-abab-abab-abab-abababababab",
            "LABEL=rootfs",
            "/dev/disk/by-label/rootfs",
        ] {
            assert_eq!(judged(root, &image), None, "{root}");
        }
    }

    #[test]
    fn a_root_that_cannot_exist_on_the_disk_is_found() {
        let image = image(0x83, true);
        for (root, there) in [
            ("PARTUUID=deadbeef-02", "has c0ffee00-01 and c0ffee00-02"),
            ("PARTUUID=c0ffee00-03", "has c0ffee00-01 and c0ffee00-02"),
            ("/dev/mmcblk0p7", "has 1 and 2"),
            (
                "/dev/disk/by-uuid/00000000-0000-0000-0000-000000000000",
                "has abababab-",
            ),
            ("LABEL=writable", "has rootfs"),
            ("PARTUUID=c0ffee00-01", "is the boot partition"),
            ("/dev/mmcblk0p1", "is the boot partition"),
        ] {
            let said = judged(root, &image).unwrap();
            assert!(said.contains(there) && said.contains(root), "{said}");
        }
    }

    #[test]
    fn a_root_that_may_be_elsewhere_is_left_alone() {
        let image_of = image;
        let image = image_of(0x83, true);
        for root in [
            "/dev/sda2",
            "/dev/nvme0n1p2",
            "/dev/nfs",
            "/dev/mapper/vg-root",
            "PARTLABEL=root",
            "PARTUUID=deadbeef-01/PARTNROFF=1",
            "ZFS=rpool",
            "",
        ] {
            assert_eq!(judged(root, &image), None, "{root}");
        }
        let none = Cmdline::parse(b"console=tty1 rootwait").unwrap();
        assert_eq!(contradiction(&none, &image), None);
        // Of these, not every partition or file system is known.
        assert_eq!(judged("PARTUUID=c0ffee00-05", &image_of(0x05, false)), None);
        assert_eq!(judged("LABEL=writable", &image_of(0x83, false)), None);
    }
}
