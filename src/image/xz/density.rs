//! How well each part of a block packs, as the base shows without being unpacked.
//!
//! LZMA2 is a row of chunks, each of which says how large it is packed and unpacked (7-Zip's and liblzma's
//! `lzma2_decoder.c`; the xz file format leaves it to them). Where those are about equal, packing again is futile.

use super::block_header;
use super::header::Check;
use super::open::{Block, XzImage};
use super::{PACKED_WINDOW, read_exact};
use crate::error::Result;
use crate::image::read_at::ReadAt;

/// More chunks than this are not looked at: 2 GiB of data that does not compress.
const MOST_CHUNKS: usize = 32 * 1024;

/// Packed and unpacked sizes along a block.
#[derive(Debug, Default)]
pub(super) struct Density {
    /// Where each chunk ends, in order: unpacked and packed bytes from the block's beginning.
    ends: Vec<(u64, u64)>,
}

impl Density {
    /// Looks through a block. What it finds is only a hint: the block may be damaged, and nothing here notices.
    pub fn of(image: &XzImage, block: &Block) -> Result<Self> {
        let mut bytes = Bytes {
            source: image.file(),
            at: block.offset(),
            end: block.offset() + block.unpadded_size(),
            window: Vec::new(),
            window_at: 0,
        };
        let mut ends = Vec::new();
        if let Some(data) = data_of(&mut bytes, image.check())? {
            (bytes.at, bytes.end) = data;
            let (mut raw, mut packed) = (0_u64, 0_u64);
            while ends.len() < MOST_CHUNKS
                && let Some((chunk_raw, chunk_packed)) = chunk(&mut bytes)?
            {
                raw = raw.saturating_add(chunk_raw);
                packed = packed.saturating_add(chunk_packed);
                ends.push((raw, packed));
            }
        }
        Ok(Self { ends })
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
            let left = usize::try_from(self.end - self.at).unwrap_or(PACKED_WINDOW);
            self.window.resize(left.min(PACKED_WINDOW), 0);
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
        let density = Density {
            // Zeros, then noise, then text.
            ends: vec![(1000, 10), (2000, 1012), (3000, 1400)],
        };
        assert!(density.is_dense(1000, 2000));
        assert!(density.is_dense(1500, 1700));
        for (start, end) in [(0, 1000), (2000, 3000), (900, 2000), (1000, 2500), (2500, 3001)] {
            assert!(!density.is_dense(start, end), "{start}..{end}");
        }
        assert!(!Density::default().is_dense(0, 1));
    }
}
