//! Partition tables.

use std::sync::Arc;

use super::Input;
use crate::image::partition::{PartitionTable, Scheme, master_boot_record};
use crate::image::raw_image::RawImage;

/// Size of a GPT header in bytes (UEFI specification 2.10, section 5.3.2).
const GPT_HEADER: usize = 92;

fn read(image: Vec<u8>, scheme: Option<Scheme>) {
    let size = image.len() as u64;
    if let Ok(table) = PartitionTable::read(&image) {
        assert!(scheme.is_none_or(|scheme| table.scheme == scheme));
        for partition in &table.partitions {
            assert!(partition.range().unwrap().end <= size);
        }
    }
    let _ = RawImage::open(Arc::new(image));
}

/// The start of an image, as it is.
pub(super) fn mbr(data: &[u8]) {
    read(data.to_vec(), None);
}

/// A header and its entries. Unless the first byte is odd, their checksums are corrected.
pub(super) fn gpt(data: &[u8]) {
    let mut input = Input(data);
    let keep = input.number(1) & 1 == 1;
    let mut header = input.bytes(GPT_HEADER).to_vec();
    header.resize(GPT_HEADER, 0);
    let entries = input.0;
    if !keep {
        // The checksum covers as many entries as the header says, of the size it says (at 80 and 84).
        let number = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().unwrap());
        let length = u64::from(number(80)) * u64::from(number(84));
        let mut covered = entries.to_vec();
        covered.resize(usize::try_from(length.min(1 << 20)).unwrap(), 0);
        let entries = crc32fast::hash(&covered);
        header[88..92].copy_from_slice(&entries.to_le_bytes());
        header[16..20].fill(0);
        let of_header = crc32fast::hash(&header);
        header[16..20].copy_from_slice(&of_header.to_le_bytes());
    }
    let mut image = master_boot_record(1, &[(0xee, 1, 255)]);
    image.extend(header);
    image.resize(1024, 0);
    image.extend(entries);
    image.resize(image.len().max(256 * 512), 0);
    read(image, Some(Scheme::Gpt));
}
