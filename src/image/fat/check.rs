//! Checks a FAT32 file system for contradictions. The FAT library does not, and would make the damage worse, for example
//! if two files share a cluster or a folder links to the root.
//!
//! Offsets and values are from Microsoft's FAT specification 1.03.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::ops::Range;

use super::layout::{Layout, u16_at, u32_at};
use super::window::{Shared, Window};
use crate::disk::read_at::ReadAt;
use crate::error::{Category, Error, Result};
use crate::image::edits::Edits;

/// The upper four bits of an entry are reserved.
const CLUSTER_BITS: u32 = 0x0fff_ffff;
/// This and higher values end a chain.
const END_OF_CHAIN: u32 = 0x0fff_fff8;
/// The number of the first cluster.
const FIRST_CLUSTER: u32 = 2;
/// Size of a directory entry in bytes.
const ENTRY_SIZE: usize = 32;
/// First byte of the entry after the last one.
const NO_MORE: u8 = 0;
/// First byte of a deleted entry.
const DELETED: u8 = 0xe5;
/// Attribute bit of volume labels and parts of long names.
const VOLUME_ID: u8 = 0x08;
/// Attribute bit of folders.
const DIRECTORY: u8 = 0x10;
/// The attributes of a part of a long name (section "Long File Name Implementation"), and the character behind the end of the name.
const LONG_NAME: u8 = 0x0f;
const PADDING: u16 = 0xffff;
/// Size limit for a folder in bytes: 65,536 entries (section "FAT Directory Structure").
const MAX_FOLDER_SIZE: u64 = 65_536 * ENTRY_SIZE as u64;

/// Checks every chain of the file system in bytes `range` of `base` with `edits` applied. Other types than FAT32,
/// which Raspberry Pi images do not have, are left to the FAT library. Fails with [`Category::Verification`] and the
/// first damaged file or folder.
pub fn check(base: &dyn ReadAt, range: &Range<u64>, edits: Edits) -> Result<()> {
    let mut window = Window::new(base, range.clone(), Shared::new(edits));
    let Some(mut volume) = Volume::open(&mut window)? else {
        return Ok(());
    };
    let mut folders = vec![(String::new(), volume.root)];
    while let Some((path, first)) = folders.pop() {
        let chain = volume.claim(&path, first)?;
        if chain.len() as u64 * volume.cluster_size > MAX_FOLDER_SIZE {
            return Err(damaged(&path, "is a folder larger than FAT allows"));
        }
        for entry in volume.entries(&path, &mut window, &chain)? {
            let path = format!("{path}/{}", entry.name);
            if entry.is_folder {
                folders.push((path, entry.first));
            } else if entry.first != 0 || entry.size != 0 {
                let chain = volume.claim(&path, entry.first)?;
                if chain.len() as u64 * volume.cluster_size < entry.size {
                    return Err(damaged(&path, "is longer than its chain of clusters"));
                }
            }
        }
    }
    Ok(())
}

fn damaged(path: &str, what: &str) -> Error {
    let path = if path.is_empty() { "/" } else { path };
    Error::new(
        Category::Verification,
        format!("the boot partition's file system is damaged: {path} {what}"),
    )
    .with_remedy("use a fresh copy of the base image")
}

struct Volume {
    root: u32,
    cluster_size: u64,
    /// Offset of cluster 2 in the partition.
    data: u64,
    /// One copy of the table, as on disk.
    table: Vec<u8>,
    /// `true` for clusters in use, by cluster number.
    claimed: Vec<bool>,
}

struct Entry {
    name: String,
    is_folder: bool,
    first: u32,
    size: u64,
}

impl Volume {
    /// Opens the volume; `None` if it is not FAT32.
    fn open(window: &mut Window<'_>) -> Result<Option<Self>> {
        let mut sector = [0; 512];
        read_at(window, 0, &mut sector)?;
        let invalid = || damaged("", "has an invalid boot sector");
        let layout = Layout::parse(&sector, window.length()).ok_or_else(invalid)?;
        if !layout.is_fat32 {
            return Ok(None);
        }
        // Reads only what the clusters need, not the size that the boot sector gives for the table.
        let entries = layout.clusters.saturating_add(FIRST_CLUSTER.into());
        let needed = entries.saturating_mul(4);
        if needed > layout.table_size {
            return Err(invalid());
        }
        let mut volume = Self {
            root: layout.root & CLUSTER_BITS,
            cluster_size: layout.cluster_size,
            data: layout.data,
            table: vec![0; usize::try_from(needed).map_err(|_| invalid())?],
            claimed: vec![false; usize::try_from(entries).map_err(|_| invalid())?],
        };
        read_at(window, layout.reserved, &mut volume.table)?;
        Ok(Some(volume))
    }

    /// Follows a chain to its end. Every cluster may belong to only one file or folder.
    fn claim(&mut self, path: &str, first: u32) -> Result<Vec<u32>> {
        let mut chain = Vec::new();
        let mut cluster = first;
        while cluster < END_OF_CHAIN {
            let index = usize::try_from(cluster).unwrap_or(usize::MAX);
            let claimed = self
                .claimed
                .get_mut(index)
                .filter(|_| cluster >= FIRST_CLUSTER)
                .ok_or_else(|| damaged(path, &format!("has cluster {cluster}, which does not exist")))?;
            if std::mem::replace(claimed, true) {
                return Err(damaged(
                    path,
                    &format!("has cluster {cluster}, which another file or folder has too"),
                ));
            }
            chain.push(cluster);
            let next = index.checked_mul(4).and_then(|at| u32_at(&self.table, at));
            cluster = next.ok_or_else(|| damaged(path, "has a chain that leaves the table"))? & CLUSTER_BITS;
        }
        if chain.is_empty() {
            return Err(damaged(path, "has no first cluster"));
        }
        Ok(chain)
    }

    /// Returns the entries of the folder in these clusters. Behind the last one there is nothing: a new file would make an
    /// entry there count again.
    fn entries(&self, path: &str, window: &mut Window<'_>, chain: &[u32]) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        let mut has_ended = false;
        let mut bytes = vec![0; usize::try_from(self.cluster_size).unwrap_or_default()];
        for cluster in chain {
            let before = u64::from(cluster.saturating_sub(FIRST_CLUSTER)).saturating_mul(self.cluster_size);
            read_at(window, self.data.saturating_add(before), &mut bytes)?;
            for entry in bytes.chunks_exact(ENTRY_SIZE) {
                match entry.first() {
                    None | Some(&NO_MORE) => has_ended = true,
                    Some(&DELETED) => {}
                    Some(_) if has_ended => return Err(damaged(path, "has entries behind its last one")),
                    Some(_) if !ends_once(entry) => {
                        return Err(damaged(path, "has a long name with something behind its end"));
                    }
                    Some(_) => entries.extend(Entry::parse(entry)),
                }
            }
        }
        Ok(entries)
    }
}

/// Returns whether nothing but padding follows the end of a part of a long name. Others would read another name than the FAT
/// library does. True for entries of other kinds.
fn ends_once(entry: &[u8]) -> bool {
    if entry.get(11) != Some(&LONG_NAME) {
        return true;
    }
    let characters = [1..11, 14..26, 28..32]
        .into_iter()
        .flat_map(|range| entry.get(range).unwrap_or_default().as_chunks::<2>().0);
    let mut characters = characters
        .map(|bytes| u16::from_le_bytes(*bytes))
        .skip_while(|character| *character != 0);
    characters.all(|character| character == 0 || character == PADDING)
}

impl Entry {
    /// Parses an entry; `None` for labels, parts of long names, `.` and `..`.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let (name, attributes) = (bytes.get(..11)?, *bytes.get(11)?);
        if attributes & VOLUME_ID != 0 || name.starts_with(b".") {
            return None;
        }
        let high = u32::from(u16_at(bytes, 20)?);
        let low = u32::from(u16_at(bytes, 26)?);
        let (stem, extension) = name.split_at_checked(8)?;
        let text = |part: &[u8]| String::from_utf8_lossy(part.trim_ascii_end()).into_owned();
        let dot = if extension.trim_ascii_end().is_empty() {
            ""
        } else {
            "."
        };
        Some(Self {
            name: format!("{}{dot}{}", text(stem), text(extension)),
            is_folder: attributes & DIRECTORY != 0,
            first: (high << 16 | low) & CLUSTER_BITS,
            size: u32_at(bytes, 28)?.into(),
        })
    }
}

fn read_at(window: &mut Window<'_>, at: u64, bytes: &mut [u8]) -> Result<()> {
    window
        .seek(SeekFrom::Start(at))
        .and_then(|_| window.read_exact(bytes))
        .map_err(|error| {
            // A reference outside the partition is damage to the file system, not a disk error.
            let category = match error.kind() {
                std::io::ErrorKind::InvalidData | std::io::ErrorKind::UnexpectedEof => Category::Verification,
                _ => Category::Disk,
            };
            Error::new(category, "checking the boot partition's file system").with_cause(error)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// A file system of 512 MiB that is zero except for its boot sector and its table.
    struct EmptyVolume {
        sector: [u8; 512],
        bytes_read: AtomicU64,
    }

    const SIZE: u64 = 512 << 20;

    impl ReadAt for EmptyVolume {
        fn read_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<usize> {
            let mut image = self.sector.to_vec();
            image.resize(512 * 32, 0);
            // Media type, end mark and a root directory of one cluster.
            image.extend([0xff; 12]);
            buffer.fill(0);
            image.read_at(buffer, offset)?;
            self.bytes_read.fetch_add(buffer.len() as u64, Ordering::Relaxed);
            Ok(buffer.len())
        }

        fn size(&self) -> std::io::Result<u64> {
            Ok(SIZE)
        }
    }

    #[test]
    fn a_huge_table_size_does_not_take_all_memory() {
        let mut sector = [0; 512];
        let mut put = |at: usize, bytes: &[u8]| sector[at..at + bytes.len()].copy_from_slice(bytes);
        let sectors = u32::try_from(SIZE / 512).unwrap();
        // Sectors of 512 bytes, 8 per cluster, one table that takes all but ten clusters.
        put(11, &[0, 2, 8, 32, 0, 1]);
        put(32, &sectors.to_le_bytes());
        put(36, &(sectors - 32 - 80).to_le_bytes());
        put(44, &[2]);
        let volume = EmptyVolume {
            sector,
            bytes_read: AtomicU64::new(0),
        };
        check(&volume, &(0..SIZE), Edits::new()).unwrap();
        assert!(volume.bytes_read.into_inner() < 1 << 16);
    }
}
