//! The chunks that a block of LZMA2 is a row of, found without unpacking them.
//!
//! Each says how large it is packed and unpacked (7-Zip's and liblzma's `lzma2_decoder.c`; the xz file format leaves it
//! to them). Where those are about equal, packing again is futile. And a chunk needs only what comes before it, so the
//! first ones of a block, with an end mark behind them, are a block of their own.

use std::ops::Range;

use super::block_header::{self, BlockHeader, Dictionary, Packing};
use super::header::Check;
use super::open::{Block, XzImage};
use super::{PACKED_WINDOW, damage, read_exact};
use crate::disk::read_at::ReadAt;
use crate::error::Result;

/// More chunks than this are not looked at: 2 GiB of data that does not compress.
const MOST_CHUNKS: usize = 32 * 1024;

/// Bytes that are read at once where only the headers matter, which are often 64 KiB apart.
const HEADER_WINDOW: usize = 4096;

/// What stands behind the last chunk.
const END_MARK: u8 = 0;

/// Packed bytes of the longest beginning: it is held in memory for a moment.
const LONGEST_BEGINNING: u64 = 24 << 20;

/// A beginning with fewer unpacked bytes is not worth a block of its own.
const SHORTEST_BEGINNING: u64 = 256 << 10;

/// Packed and unpacked sizes along a block.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    /// Where each chunk ends, in order: unpacked and packed bytes from the block's beginning.
    ends: Vec<(u64, u64)>,
    /// Where the first one begins in the xz file, and what they refer back to, when LZMA2 is all that was done.
    plain: Option<(u64, Dictionary)>,
}

/// The first chunks of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Beginning {
    /// Bytes that they unpack to.
    pub raw: u64,
    /// Where they lie in the xz file.
    pub packed: Range<u64>,
    /// The block's.
    pub dictionary: Dictionary,
}

impl Chunks {
    /// Looks through a block. What it finds is only a hint: the block may be damaged, and nothing here notices.
    pub fn of(image: &XzImage, block: &Block) -> Result<Self> {
        let mut bytes = Bytes {
            source: image.file(),
            at: block.offset(),
            end: block.offset() + block.unpadded_size(),
            most: PACKED_WINDOW,
            window: Vec::new(),
            window_at: 0,
        };
        let mut ends = Vec::new();
        let mut plain = None;
        if let Some(data) = data_of(&mut bytes, image.check())? {
            (bytes.at, bytes.end) = data;
            plain = dictionary(image, block, bytes.at)?.map(|dictionary| (bytes.at, dictionary));
            let (mut raw, mut packed) = (0_u64, 0_u64);
            while ends.len() < MOST_CHUNKS
                && let Some((chunk_raw, chunk_packed)) = chunk(&mut bytes)?
            {
                raw = raw.saturating_add(chunk_raw);
                packed = packed.saturating_add(chunk_packed);
                ends.push((raw, packed));
            }
        }
        Ok(Self { ends, plain })
    }

    /// The longest row of first chunks that unpacks to at most `most` bytes, if it is worth anything.
    pub fn beginning(&self, most: u64) -> Option<Beginning> {
        let (start, dictionary) = self.plain?;
        let fits = |&(raw, packed): &(u64, u64)| raw <= most && packed <= LONGEST_BEGINNING;
        let chunks = self.ends.partition_point(fits);
        let (raw, packed) = *self.ends.get(chunks.checked_sub(1)?)?;
        (raw >= SHORTEST_BEGINNING).then(|| Beginning {
            raw,
            packed: start..start.saturating_add(packed),
            dictionary,
        })
    }

    /// Whether packing the unpacked bytes `start..end` of the block saves next to nothing.
    pub fn is_dense(&self, start: u64, end: u64) -> bool {
        match self.packed_before(start).zip(self.packed_before(end)) {
            // At most a 32nd is given away.
            Some((before, after)) => after.saturating_sub(before) > (end.saturating_sub(start)) / 32 * 31,
            None => false,
        }
    }

    /// How many packed bytes the first `raw` bytes take; within a chunk, every byte takes the same.
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

/// Makes sure that a block is as long as the index says, packed and unpacked, by its header and the headers of its
/// chunks. Its data is not unpacked: damage in that is not found.
///
/// # Errors
/// [`crate::error::Category::Verification`] when it is not, so that a copy of it would make an xz file that nothing can read.
pub(super) fn measure(image: &XzImage, block: &Block) -> Result<()> {
    let lies = || damage("a block is not as long as the index says");
    let size = block.unpadded_size().min(block_header::LARGEST as u64);
    let header = header(image, block, size)?;
    let start = block.offset() + header.size;
    let end = (block.offset() + block.unpadded_size()).saturating_sub(image.check().size());
    let data = end.checked_sub(start).ok_or_else(lies)?;
    if header.packing == Packing::Unknown {
        return Err(damage("a block is packed in a way that nobody knows"));
    }
    if header.compressed.is_some_and(|said| said != data)
        || header.raw.is_some_and(|said| said != block.raw_size())
    {
        return Err(lies());
    }
    let mut bytes = Bytes {
        source: image.file(),
        at: start,
        end,
        most: HEADER_WINDOW,
        window: Vec::new(),
        window_at: 0,
    };
    let mut raw = 0_u64;
    while let Some((chunk_raw, _)) = chunk(&mut bytes)? {
        raw = raw.saturating_add(chunk_raw);
    }
    let mut mark = [1];
    read_exact(image.file(), &mut mark, end.saturating_sub(1))?;
    if raw != block.raw_size() || bytes.at != end || mark != [END_MARK] {
        return Err(lies());
    }
    Ok(())
}

/// A block's header, which takes at most `size` bytes.
fn header(image: &XzImage, block: &Block, size: u64) -> Result<BlockHeader> {
    let size = usize::try_from(size).unwrap_or(block_header::LARGEST);
    let mut header = vec![0; size.min(block_header::LARGEST)];
    read_exact(image.file(), &mut header, block.offset())?;
    block_header::parse(&header)
}

/// The dictionary of a block that is LZMA2 and nothing else, whose data begins at `data_at`.
fn dictionary(image: &XzImage, block: &Block, data_at: u64) -> Result<Option<Dictionary>> {
    let header = header(image, block, data_at.saturating_sub(block.offset()))?;
    Ok(match header.packing {
        Packing::Lzma2(dictionary) if header.filters == 1 => Some(dictionary),
        _ => None,
    })
}

/// Where a block's packed data begins and ends.
fn data_of(bytes: &mut Bytes<'_>, check: Check) -> Result<Option<(u64, u64)>> {
    let start = bytes.at;
    let Some([first]) = bytes.take()? else {
        return Ok(None);
    };
    let size = (u64::from(first) + 1) * 4;
    debug_assert!(size <= block_header::LARGEST as u64);
    let end = bytes.end.saturating_sub(check.size());
    Ok((start + size < end).then_some((start + size, end)))
}

/// Reads a chunk's header, steps over its data, and says its sizes unpacked and packed. Nothing at the end.
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

/// A few bytes here and there of a file, read in windows.
struct Bytes<'a> {
    source: &'a dyn ReadAt,
    at: u64,
    end: u64,
    /// Bytes that are read at once.
    most: usize,
    window: Vec<u8>,
    window_at: u64,
}

impl Bytes<'_> {
    /// The next `N` bytes, unless the end comes before.
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
    fn only_what_hardly_packs_is_dense() {
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
    fn a_beginning_never_reaches_into_what_changes() {
        const MIB: u64 = 1 << 20;
        let chunks = Chunks {
            ends: vec![
                (MIB, 10),
                (2 * MIB, 1012),
                (3 * MIB, LONGEST_BEGINNING),
                (4 * MIB, LONGEST_BEGINNING + 9),
            ],
            plain: Some((500, Dictionary::SMALLEST)),
        };
        let length = |most| {
            chunks
                .beginning(most)
                .map(|beginning| (beginning.raw, beginning.packed))
        };
        assert_eq!(length(MIB - 1), None);
        assert_eq!(length(MIB), Some((MIB, 500..510)));
        assert_eq!(length(3 * MIB - 1), Some((2 * MIB, 500..1512)));
        assert_eq!(length(u64::MAX), Some((3 * MIB, 500..500 + LONGEST_BEGINNING)));
        let behind_a_converter = Chunks {
            plain: None,
            ..chunks
        };
        assert_eq!(behind_a_converter.beginning(u64::MAX), None);
    }
}
