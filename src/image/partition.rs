//! Partition tables: MBR and GPT, in sectors of 512 bytes.

use std::io::Cursor;
use std::ops::Range;

use crate::disk::read_at::ReadAt;
use crate::error::{Category, Context, Error, Result};

/// Sector size in bytes, the same for all SD card images.
pub const SECTOR_SIZE: u64 = 512;

/// Bytes read for the partition table. GPT's 128 entries end at LBA 33; the rest is margin.
const TABLE_BYTES: u64 = 1 << 20;

/// Offset of the disk signature (UEFI specification 2.10, section 5.2.1).
const DISK_SIGNATURE: usize = 440;
/// Offset of the four MBR entries (UEFI specification 2.10, section 5.2.1).
const MBR_ENTRIES: usize = 446;
/// Size of an MBR entry in bytes.
const MBR_ENTRY_SIZE: usize = 16;
/// MBR type of the partition that protects a GPT (UEFI specification 2.10, section 5.2.3).
const PROTECTIVE: u8 = 0xee;
/// Begins a GPT header (UEFI specification 2.10, section 5.3.2).
const GPT_MAGIC: &[u8] = b"EFI PART";
/// The size of a GPT entry in the header (UEFI specification 2.10, section 5.3.2).
const GPT_ENTRY_SIZE: Range<usize> = 84..88;
/// MBR type of an unused entry.
const UNUSED: u8 = 0;

/// The format of a partition table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Master boot record.
    Mbr,
    /// GUID partition table.
    Gpt,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Number from 1, as in Linux.
    pub number: u32,
    /// The first sector, counted from the start of the image.
    pub start: u64,
    /// Length in sectors.
    pub sectors: u64,
    /// MBR type such as `0x0c`, or the GPT type's name.
    pub kind: String,
    /// Its id as in Linux's `PARTUUID=`, in lower case: for MBR the disk's signature and the number, in hexadecimal.
    pub uuid: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionTable {
    pub scheme: Scheme,
    /// The used entries, in order.
    pub partitions: Vec<Partition>,
}

impl Partition {
    /// Returns its range in the raw image, in bytes. Fails if the numbers overflow.
    pub fn range(&self) -> Result<Range<u64>> {
        self.start
            .checked_mul(SECTOR_SIZE)
            .zip(self.sectors.checked_mul(SECTOR_SIZE))
            .and_then(|(start, length)| Some(start..start.checked_add(length)?))
            .ok_or_else(|| damaged(format!("partition {} has an invalid position", self.number)))
    }
}

impl PartitionTable {
    /// Reads the table at the start of a raw image. Fails with [`Category::Verification`] if the table is missing,
    /// invalid or extends past the image's end.
    pub fn read(image: &dyn ReadAt) -> Result<Self> {
        let size = image.size().disk(|| "reading the image's size".to_owned())?;
        let length = usize::try_from(size.min(TABLE_BYTES)).unwrap_or(usize::MAX);
        let mut head = vec![0; length];
        image
            .read_exact_at(&mut head, 0)
            .disk(|| "reading the partition table".to_owned())?;
        let entries = mbr_entries(&head)?;
        let table = if entries.iter().any(|entry| entry.kind == mbr_type(PROTECTIVE)) {
            Self {
                scheme: Scheme::Gpt,
                partitions: gpt_partitions(head)?,
            }
        } else {
            let used = |entry: &Partition| entry.kind != mbr_type(UNUSED) && entry.sectors != 0;
            Self {
                scheme: Scheme::Mbr,
                partitions: entries.into_iter().filter(used).collect(),
            }
        };
        table.require_within(size)?;
        Ok(table)
    }

    /// Checks that every partition ends within the `size` bytes of the raw image.
    pub fn require_within(&self, size: u64) -> Result<()> {
        for partition in &self.partitions {
            let range = partition.range()?;
            if range.end > size {
                return Err(damaged(format!(
                    "partition {} ends at byte {}, but the image has only {size} bytes",
                    partition.number, range.end
                ))
                .with_remedy("the image is incomplete; download it again"));
            }
        }
        Ok(())
    }
}

/// Returns a master boot record with the disk's signature, which Linux uses for `PARTUUID`, and up to four partitions as
/// type, first sector and number of sectors.
pub fn master_boot_record(signature: u32, partitions: &[(u8, u32, u32)]) -> Vec<u8> {
    /// The cylinder-head-sector address that tools write if only the sector number counts.
    const NO_GEOMETRY: [u8; 3] = [0xfe, 0xff, 0xff];
    let mut record = vec![0; DISK_SIGNATURE];
    record.extend(signature.to_le_bytes());
    record.resize(MBR_ENTRIES, 0);
    for (kind, start, sectors) in partitions {
        record.push(0);
        record.extend(NO_GEOMETRY);
        record.push(*kind);
        record.extend(NO_GEOMETRY);
        record.extend(start.to_le_bytes());
        record.extend(sectors.to_le_bytes());
    }
    record.resize(510, 0);
    record.extend([0x55, 0xaa]);
    record
}

fn damaged(what: String) -> Error {
    Error::new(Category::Verification, what)
}

/// Returns the name of an MBR type.
fn mbr_type(kind: u8) -> String {
    format!("0x{kind:02x}")
}

/// Returns the four entries of the master boot record, used or not.
fn mbr_entries(head: &[u8]) -> Result<Vec<Partition>> {
    let missing = || {
        Error::new(Category::Verification, "the image has no partition table")
            .with_remedy("use an image of a whole card, such as the official Raspberry Pi OS Lite image")
    };
    if head.get(510..512) != Some(&[0x55, 0xaa]) {
        return Err(missing());
    }
    let signature = head.get(DISK_SIGNATURE..).and_then(<[u8]>::first_chunk);
    let signature = u32::from_le_bytes(signature.copied().unwrap_or_default());
    let entries = head.get(MBR_ENTRIES..510).unwrap_or_default();
    let entries = entries.as_chunks::<MBR_ENTRY_SIZE>().0;
    let parse = |(number, entry): (u32, &[u8; MBR_ENTRY_SIZE])| {
        let [flag, _, _, _, kind, _, _, _, s0, s1, s2, s3, n0, n1, n2, n3] = *entry;
        // With any other flag, these bytes are not a partition entry, as in a boot sector without partitions.
        matches!(flag, 0 | 0x80).then(|| Partition {
            number,
            start: u32::from_le_bytes([s0, s1, s2, s3]).into(),
            sectors: u32::from_le_bytes([n0, n1, n2, n3]).into(),
            kind: mbr_type(kind),
            uuid: format!("{signature:08x}-{number:02x}"),
        })
    };
    let parsed: Option<Vec<_>> = (1..).zip(entries).map(parse).collect();
    parsed.ok_or_else(missing)
}

/// Refuses a header for entries of another size than usual, with which the library panics. `head` may end with a second header.
fn require_usual_entries(head: &[u8]) -> Result<()> {
    let second = head.len().saturating_sub(512);
    for header in [512, second].map(|at| head.get(at..).unwrap_or_default()) {
        let size = header
            .get(GPT_ENTRY_SIZE)
            .filter(|_| header.starts_with(GPT_MAGIC));
        if size.is_some_and(|size| size != 128_u32.to_le_bytes()) {
            let what = "the GUID partition table has entries of an unusual size";
            return Err(damaged(what.to_owned()));
        }
    }
    Ok(())
}

fn gpt_partitions(head: Vec<u8>) -> Result<Vec<Partition>> {
    require_usual_entries(&head)?;
    // Only the start of the image is available, so the backup table at the end is not compared.
    let disk = gpt::GptConfig::new()
        .writable(false)
        .only_valid_headers(false)
        .logical_block_size(gpt::disk::LogicalBlockSize::Lb512)
        .open_from_device(Cursor::new(head))
        .context(Category::Verification, || {
            "reading the GUID partition table".to_owned()
        })?;
    disk.partitions()
        .iter()
        .filter(|(_, partition)| partition.is_used())
        .map(|(number, partition)| {
            let sectors = partition.sectors_len().context(Category::Verification, || {
                format!("partition {number} ends before it begins")
            })?;
            Ok(Partition {
                number: *number,
                start: partition.first_lba,
                sectors,
                kind: partition.part_type_guid.guid.to_string(),
                uuid: partition.part_guid.to_string().to_lowercase(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mbr(entries: &[(u8, u32, u32)], size: usize) -> Vec<u8> {
        let mut image = master_boot_record(1, entries);
        image.resize(size, 0);
        image
    }

    #[test]
    fn partitions_are_read_from_the_table() {
        let image = mbr(&[(0x0c, 8, 16), (0, 0, 0), (0x83, 24, 8)], 64 * 512);
        let table = PartitionTable::read(&image).unwrap();
        assert_eq!(table.scheme, Scheme::Mbr);
        let numbers: Vec<_> = table
            .partitions
            .iter()
            .map(|p| (p.number, p.start, p.kind.as_str()))
            .collect();
        assert_eq!(numbers, [(1, 8, "0x0c"), (3, 24, "0x83")]);
        let ids: Vec<_> = table.partitions.iter().map(|p| p.uuid.as_str()).collect();
        assert_eq!(ids, ["00000001-01", "00000001-03"]);
    }

    #[test]
    fn a_gpt_with_entries_of_another_size_is_an_error() {
        let mut header = vec![0; 92];
        header[..8].copy_from_slice(GPT_MAGIC);
        header[10] = 1;
        header[12] = 92;
        header[GPT_ENTRY_SIZE].copy_from_slice(&256_u32.to_le_bytes());
        let checksum = crc32fast::hash(&header);
        header[16..20].copy_from_slice(&checksum.to_le_bytes());
        for at in [512, 63 * 512] {
            let mut image = mbr(&[(PROTECTIVE, 1, 63)], 64 * 512);
            image[at..at + 92].copy_from_slice(&header);
            let error = PartitionTable::read(&image).unwrap_err();
            assert!(error.to_string().contains("unusual size"), "{error}");
        }
    }

    #[test]
    fn an_invalid_table_is_refused() {
        let past_the_end = mbr(&[(0x0c, 8, 1000)], 64 * 512);
        let no_table = vec![0; 64 * 512];
        let tiny = vec![0; 100];
        let mut boot_sector = mbr(&[], 64 * 512);
        boot_sector[MBR_ENTRIES] = 0x33;
        let gpt_without_header = mbr(&[(PROTECTIVE, 1, 63)], 64 * 512);
        for image in [past_the_end, no_table, tiny, boot_sector, gpt_without_header] {
            let error = PartitionTable::read(&image).unwrap_err();
            assert_eq!(error.category(), Category::Verification, "{error}");
        }
    }
}
