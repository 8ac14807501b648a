//! Block headers: a block's sizes and compression (xz file format 1.2.1, section 3.1).

use super::{damage, varint};
use crate::error::Result;

/// Size of the largest header in bytes.
pub(super) const MAX_SIZE: usize = 1024;

/// Flag bits that must be 0.
const RESERVED_FLAGS: u8 = 0x3c;
const HAS_COMPRESSED_SIZE: u8 = 0x40;
const HAS_RAW_SIZE: u8 = 0x80;

/// Filter ids (section 5.3).
const LZMA2: u64 = 0x21;
/// Delta, and the branch converters x86, PowerPC, IA-64, ARM, ARM-Thumb, SPARC, ARM64, RISC-V.
const OTHER_KNOWN: std::ops::RangeInclusive<u64> = 0x03..=0x0b;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BlockHeader {
    /// Size of the header itself in bytes.
    pub size: u64,
    /// Size of the compressed data in bytes, if given.
    pub compressed: Option<u64>,
    /// Size of the raw data in bytes, if given.
    pub raw: Option<u64>,
    /// Number of filters: 1 to 4.
    pub filters: u8,
    pub packing: Packing,
}

/// Compression of a block's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    /// LZMA2, possibly after other filters.
    Lzma2(Dictionary),
    /// Filters that are not in version 1.2.1 of the format.
    Unknown,
}

/// LZMA2's only property (section 5.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dictionary(pub(super) u8);

impl Dictionary {
    /// The smallest dictionary: 4 KiB.
    pub const MIN: Self = Self(0);

    /// Returns the memory that the dictionary takes, in bytes.
    pub fn bytes(self) -> u64 {
        match self.0 {
            40.. => u64::from(u32::MAX),
            bits => u64::from(2 | (bits & 1)) << (bits / 2 + 11),
        }
    }
}

/// Parses the header at the start of `bytes`.
pub(super) fn parse(bytes: &[u8]) -> Result<BlockHeader> {
    let cut = || damage("a block header is cut off");
    let first = *bytes.first().ok_or_else(cut)?;
    if first == 0 {
        return Err(damage("the index starts where another block header should be"));
    }
    let size = (usize::from(first) + 1) * 4;
    let (fields, crc) = bytes
        .get(..size)
        .and_then(|header| header.split_last_chunk::<4>())
        .ok_or_else(cut)?;
    if crc32fast::hash(fields) != u32::from_le_bytes(*crc) {
        return Err(damage("a block header's CRC32 is wrong"));
    }
    let mut rest = fields.iter().copied().skip(1);
    let mut next = || rest.next().ok_or_else(cut);
    let flags = next()?;
    let mut size_if = |present: bool| present.then(|| varint::read(&mut next)).transpose();
    let compressed = size_if(flags & HAS_COMPRESSED_SIZE != 0)?;
    let raw = size_if(flags & HAS_RAW_SIZE != 0)?;
    let filters = (flags & 3) + 1;
    let mut packing = Packing::Unknown;
    let mut all_known = flags & RESERVED_FLAGS == 0;
    for left in (0..filters).rev() {
        let id = varint::read(&mut next)?;
        let properties = varint::read(&mut next)?;
        if properties > MAX_SIZE as u64 {
            return Err(cut());
        }
        let mut last = None;
        for _ in 0..properties {
            last = Some(next()?);
        }
        match (id, left, properties, last) {
            (LZMA2, 0, 1, Some(dictionary @ 0..=40)) => packing = Packing::Lzma2(Dictionary(dictionary)),
            (id, 1.., ..) if OTHER_KNOWN.contains(&id) => {}
            _ => all_known = false,
        }
    }
    if rest.any(|padding| padding != 0) {
        all_known = false;
    }
    Ok(BlockHeader {
        size: size as u64,
        compressed,
        raw,
        filters,
        packing: if all_known { packing } else { Packing::Unknown },
    })
}

/// Returns a header for LZMA2 alone with both sizes. It has at least `at_least` bytes (up to [`MAX_SIZE`]), so that a
/// longer header can move the data after it.
pub(super) fn write(compressed: u64, raw: u64, dictionary: Dictionary, at_least: usize) -> Vec<u8> {
    let mut bytes = vec![0, HAS_COMPRESSED_SIZE | HAS_RAW_SIZE];
    varint::write(compressed, &mut bytes);
    varint::write(raw, &mut bytes);
    varint::write(LZMA2, &mut bytes);
    varint::write(1, &mut bytes);
    bytes.push(dictionary.0);
    let size = (bytes.len() + 4).max(at_least.min(MAX_SIZE)).next_multiple_of(4);
    bytes.resize(size - 4, 0);
    if let Some(first) = bytes.first_mut() {
        *first = u8::try_from(size / 4 - 1).unwrap_or(u8::MAX);
    }
    let crc = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Category;

    const DICTIONARY: Dictionary = Dictionary(22);

    #[test]
    fn a_written_header_can_be_read_back() {
        for at_least in [0, 12, 100, 1021, 1024, 5000] {
            for (compressed, raw) in [(1, 0), (100, 1 << 20), (varint::MAX, varint::MAX)] {
                let bytes = write(compressed, raw, DICTIONARY, at_least);
                assert!(bytes.len() >= at_least.min(MAX_SIZE) && bytes.len() <= MAX_SIZE);
                let header = parse(&bytes).unwrap();
                assert_eq!(header.size, bytes.len() as u64);
                assert_eq!((header.compressed, header.raw), (Some(compressed), Some(raw)));
                assert_eq!(header.packing, Packing::Lzma2(DICTIONARY));
            }
        }
    }

    #[test]
    fn every_flipped_bit_of_a_header_is_detected() {
        let bytes = write(12345, 1 << 24, DICTIONARY, 0);
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(
                parse(&bytes).unwrap_err().category(),
                Category::Verification,
                "bit {bit}"
            );
        }
    }

    #[test]
    fn dictionary_sizes_follow_the_format() {
        assert_eq!(Dictionary(0).bytes(), 4096);
        assert_eq!(Dictionary(22).bytes(), 8 << 20);
        assert_eq!(Dictionary(28).bytes(), 64 << 20);
        assert_eq!(Dictionary(39).bytes(), 3 << 30);
        assert_eq!(Dictionary(40).bytes(), u64::from(u32::MAX));
    }
}
