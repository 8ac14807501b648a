//! The layout of a FAT file system, from its boot sector.
//!
//! Offsets are from Microsoft's FAT specification 1.03, section "Boot Sector and BPB".

use std::ops::Range;

/// Offset of the `FSInfo` structure's sector number in a FAT32 boot sector.
const INFO: usize = 48;

/// The values of a boot sector. Nothing extends past the partition.
pub(super) struct Layout {
    /// `true` for FAT32. The values that only FAT32 has are meaningless otherwise.
    pub is_fat32: bool,
    pub bytes_per_sector: u64,
    pub cluster_size: u64,
    pub clusters: u64,
    /// Bytes before the first table, including the boot sector.
    pub reserved: u64,
    pub tables: u64,
    pub table_size: u64,
    /// First cluster of the root directory.
    pub root: u32,
    /// The sector of the `FSInfo` structure.
    info: u64,
    /// Offset of cluster 2.
    pub data: u64,
}

impl Layout {
    /// Parses a boot sector; `None` if it is invalid for a partition of `length` bytes.
    pub fn parse(sector: &[u8; 512], length: u64) -> Option<Self> {
        let bytes_per_sector = u64::from(u16_at(sector, 11)?);
        let sectors_per_cluster = u64::from(*sector.get(13)?);
        let reserved = u64::from(u16_at(sector, 14)?);
        let tables = u64::from(*sector.get(16)?);
        let small = (u64::from(u16_at(sector, 19)?), u64::from(u16_at(sector, 22)?));
        let large = (u64::from(u32_at(sector, 32)?), u64::from(u32_at(sector, 36)?));
        let is_fat32 = small.1 == 0 && large.1 != 0;
        let sectors = if small.0 == 0 { large.0 } else { small.0 };
        let sectors_per_table = if small.1 == 0 { large.1 } else { small.1 };
        // Before FAT32, the root directory had a fixed area with entries of 32 bytes.
        let root = u64::from(u16_at(sector, 17)?).checked_mul(32)?;
        let before_data = reserved
            .checked_add(tables.checked_mul(sectors_per_table)?)?
            .checked_add(
                root.checked_add(bytes_per_sector)?
                    .checked_sub(1)?
                    .checked_div(bytes_per_sector)?,
            )?;
        sectors
            .checked_mul(bytes_per_sector)
            .filter(|size| *size <= length)?;
        Some(Self {
            is_fat32,
            bytes_per_sector,
            cluster_size: bytes_per_sector.checked_mul(sectors_per_cluster)?,
            clusters: sectors
                .checked_sub(before_data)?
                .checked_div(sectors_per_cluster)?,
            reserved: reserved.checked_mul(bytes_per_sector)?,
            tables,
            table_size: sectors_per_table.checked_mul(bytes_per_sector)?,
            root: u32_at(sector, 44)?,
            info: u64::from(u16_at(sector, INFO)?),
            data: before_data.checked_mul(bytes_per_sector)?,
        })
    }

    /// Returns the range of the `FSInfo` structure, whose free cluster count changes with every file.
    pub fn info(&self) -> Range<u64> {
        let start = self.info.saturating_mul(self.bytes_per_sector);
        if self.is_fat32 && self.info != 0 {
            start..start.saturating_add(self.bytes_per_sector)
        } else {
            0..0
        }
    }
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    Some(u16::from_le_bytes(*bytes))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A FAT32 of 1000 sectors with 32 reserved ones and two tables of 8.
    fn sector() -> [u8; 512] {
        let mut sector = [0; 512];
        for (at, value) in [
            (11, 512_u16),
            (13, 1),
            (14, 32),
            (16, 2),
            (32, 1000),
            (36, 8),
            (44, 2),
            (48, 1),
        ] {
            sector[at..at + 2].copy_from_slice(&value.to_le_bytes());
        }
        sector
    }

    #[test]
    fn an_invalid_boot_sector_is_refused() {
        let layout = Layout::parse(&sector(), 512_000).unwrap();
        assert!(layout.is_fat32);
        assert_eq!((layout.data, layout.clusters), (48 * 512, 952));
        assert_eq!(layout.info(), 512..1024);
        assert!(
            Layout::parse(&sector(), 511_999).is_none(),
            "larger than its partition"
        );
        for (at, bytes) in [
            (36, [0xff, 0xff, 0xff, 0x7f]),
            (32, [0xff, 0xff, 0xff, 0xff]),
            (32, [40, 0, 0, 0]),
            (11, [0, 0, 1, 0]),
        ] {
            let mut sector = sector();
            sector[at..at + 4].copy_from_slice(&bytes);
            assert!(Layout::parse(&sector, 512_000).is_none(), "{bytes:?} at {at}");
        }
    }
}
