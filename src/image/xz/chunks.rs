//! Finds the chunks of a block's LZMA2 data without decoding them.
//!
//! Each chunk has a header with its compressed and raw size (see `lzma2_decoder.c` of 7-Zip and liblzma; the xz file
//! format does not define it). If the sizes are about equal, compressing the data again is futile. A chunk refers only to
//! data before it, so the first chunks of a block, with an end mark after them, make a valid block.

use std::ops::Range;

use super::block_header::{Dictionary, Packing};
use super::open::{Block, XzImage};
use super::{PACKED_WINDOW, damage, read_exact};
use crate::disk::read_at::ReadAt;
use crate::error::Result;

/// Limit for chunks of a block: 2 GiB of incompressible data.
const MAX_CHUNKS: usize = 32 * 1024;

/// Bytes read at once if only the headers are needed, which are often 64 KiB apart.
const HEADER_WINDOW: usize = 4096;

/// The byte after the last chunk.
const END_MARK: u8 = 0;

/// Limit for the compressed size of a prefix in bytes, because it is held in memory.
const MAX_PREFIX: u64 = 24 << 20;

/// Minimum raw size of a prefix in bytes that is worth a separate block.
const MIN_PREFIX: u64 = 256 << 10;

/// The chunks of a block.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    /// The end of each chunk, in order: raw and compressed bytes from the block's start.
    ends: Vec<(u64, u64)>,
    /// Offset of the first chunk in the xz file and the dictionary, if LZMA2 is the only filter.
    plain: Option<(u64, Dictionary)>,
}

/// The first chunks of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Prefix {
    /// Raw size in bytes.
    pub raw: u64,
    /// Range in the xz file.
    pub packed: Range<u64>,
    /// The block's dictionary.
    pub dictionary: Dictionary,
}

impl Chunks {
    /// Scans a block. The result is only a hint, because damage is not detected here.
    pub fn of(image: &XzImage, block: &Block) -> Result<Self> {
        let (header, data) = image.header_of(block)?;
        let plain = match header.packing {
            Packing::Lzma2(dictionary) if header.filters == 1 => Some((data.start, dictionary)),
            _ => None,
        };
        let mut bytes = Bytes::new(image, data, PACKED_WINDOW);
        let mut ends = Vec::new();
        let (mut raw, mut packed) = (0_u64, 0_u64);
        while ends.len() < MAX_CHUNKS
            && let Some((chunk_raw, chunk_packed)) = chunk(&mut bytes)?
        {
            raw = raw.saturating_add(chunk_raw);
            packed = packed.saturating_add(chunk_packed);
            ends.push((raw, packed));
        }
        Ok(Self { ends, plain })
    }

    /// Returns the longest worthwhile prefix with a raw size of at most `max` bytes.
    pub fn prefix(&self, max: u64) -> Option<Prefix> {
        let (start, dictionary) = self.plain?;
        let fits = |&(raw, packed): &(u64, u64)| raw <= max && packed <= MAX_PREFIX;
        let chunks = self.ends.partition_point(fits);
        let (raw, packed) = *self.ends.get(chunks.checked_sub(1)?)?;
        (raw >= MIN_PREFIX).then(|| Prefix {
            raw,
            packed: start..start.saturating_add(packed),
            dictionary,
        })
    }

    /// Returns whether compressing the raw bytes `start..end` of the block saves almost nothing.
    pub fn is_dense(&self, start: u64, end: u64) -> bool {
        match self.packed_before(start).zip(self.packed_before(end)) {
            // At most 1/32 is lost.
            Some((before, after)) => after.saturating_sub(before) > (end.saturating_sub(start)) / 32 * 31,
            None => false,
        }
    }

    /// Returns the compressed size of the first `raw` bytes, assuming an even distribution within a chunk.
    fn packed_before(&self, raw: u64) -> Option<u64> {
        let after = self.ends.partition_point(|(end, _)| *end < raw);
        let (start_raw, start_packed) = match after.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => (0, 0),
        };
        let (end_raw, end_packed) = *self.ends.get(after)?;
        let share = u128::from(raw - start_raw) * u128::from(end_packed - start_packed);
        let within = share.checked_div(u128::from(end_raw - start_raw)).unwrap_or(0);
        u64::try_from(within)
            .ok()
            .and_then(|within| start_packed.checked_add(within))
    }
}

/// Checks a block's compressed and raw size against the index, using its header and the headers of its chunks. The
/// data is not decoded, so damage in it is not found. Fails with [`crate::error::Category::Verification`] if a size
/// is wrong. A copy of the block would then make the xz file unreadable.
pub(super) fn check_sizes(image: &XzImage, block: &Block) -> Result<()> {
    let (header, data) = image.header_of(block)?;
    if header.packing == Packing::Unknown {
        return Err(damage("a block uses an unknown filter"));
    }
    let end = data.end;
    let mut bytes = Bytes::new(image, data, HEADER_WINDOW);
    let mut raw = 0_u64;
    while let Some((chunk_raw, _)) = chunk(&mut bytes)? {
        raw = raw.saturating_add(chunk_raw);
    }
    let mut mark = [1];
    read_exact(&image.file, &mut mark, end.saturating_sub(1))?;
    if raw != block.raw_size || bytes.at != end || mark != [END_MARK] {
        return Err(damage("a block does not have the size in the index"));
    }
    Ok(())
}

/// Reads a chunk's header and skips its data. Returns the raw and compressed size, or `None` at the end.
fn chunk(bytes: &mut Bytes<'_>) -> Result<Option<(u64, u64)>> {
    let Some([control]) = bytes.take()? else {
        return Ok(None);
    };
    let (raw, packed, header) = match control {
        1 | 2 => {
            let Some([high, low]) = bytes.take()? else {
                return Ok(None);
            };
            let size = u64::from(u16::from_be_bytes([high, low])) + 1;
            (size, size, 3)
        }
        0x80.. => {
            let Some([high, low, packed_high, packed_low]) = bytes.take()? else {
                return Ok(None);
            };
            let raw = u64::from(u32::from_be_bytes([0, control & 0x1f, high, low])) + 1;
            let packed = u64::from(u16::from_be_bytes([packed_high, packed_low])) + 1;
            let properties = u64::from(control >= 0xc0);
            bytes.at += properties;
            (raw, packed, 5 + properties)
        }
        _ => return Ok(None),
    };
    bytes.at += packed;
    Ok(Some((raw, header + packed)))
}

/// Reads a few bytes at various positions, using a buffer.
struct Bytes<'a> {
    source: &'a dyn ReadAt,
    at: u64,
    end: u64,
    /// Bytes to read at once.
    most: usize,
    window: Vec<u8>,
    window_at: u64,
}

impl<'a> Bytes<'a> {
    /// Starts at a range of the xz file.
    fn new(image: &'a XzImage, range: Range<u64>, most: usize) -> Self {
        Self {
            source: &image.file,
            at: range.start,
            end: range.end,
            most,
            window: Vec::new(),
            window_at: 0,
        }
    }

    /// Returns the next `N` bytes, or `None` if fewer are left.
    fn take<const N: usize>(&mut self) -> Result<Option<[u8; N]>> {
        if self.end.saturating_sub(self.at) < N as u64 {
            return Ok(None);
        }
        loop {
            let found = self
                .at
                .checked_sub(self.window_at)
                .and_then(|skip| usize::try_from(skip).ok())
                .and_then(|skip| self.window.get(skip..))
                .and_then(<[u8]>::first_chunk);
            if let Some(found) = found {
                self.at += N as u64;
                return Ok(Some(*found));
            }
            let left = usize::try_from(self.end - self.at).unwrap_or(self.most);
            self.window.resize(left.min(self.most), 0);
            self.window_at = self.at;
            read_exact(&self.source, &mut self.window, self.at)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_incompressible_data_is_dense() {
        let chunks = Chunks {
            // Zeros, then noise, then text.
            ends: vec![(1000, 10), (2000, 1012), (3000, 1400)],
            plain: None,
        };
        assert!(chunks.is_dense(1000, 2000));
        assert!(chunks.is_dense(1500, 1700));
        for (start, end) in [(0, 1000), (2000, 3000), (900, 2000), (1000, 2500), (2500, 3001)] {
            assert!(!chunks.is_dense(start, end), "{start}..{end}");
        }
        assert!(!Chunks::default().is_dense(0, 1));
    }

    #[test]
    fn a_prefix_never_includes_changed_data() {
        const MIB: u64 = 1 << 20;
        let chunks = Chunks {
            ends: vec![
                (MIB, 10),
                (2 * MIB, 1012),
                (3 * MIB, MAX_PREFIX),
                (4 * MIB, MAX_PREFIX + 9),
            ],
            plain: Some((500, Dictionary::MIN)),
        };
        let length = |max| chunks.prefix(max).map(|prefix| (prefix.raw, prefix.packed));
        assert_eq!(length(MIB - 1), None);
        assert_eq!(length(MIB), Some((MIB, 500..510)));
        assert_eq!(length(3 * MIB - 1), Some((2 * MIB, 500..1512)));
        assert_eq!(length(u64::MAX), Some((3 * MIB, 500..500 + MAX_PREFIX)));
        let with_other_filters = Chunks {
            plain: None,
            ..chunks
        };
        assert_eq!(with_other_filters.prefix(u64::MAX), None);
    }
}
