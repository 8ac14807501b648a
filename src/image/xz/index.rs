//! The index at the end of a stream, with the compressed and raw size of each block (xz file format 1.2.1, section 4).

use super::{damage, read_exact, varint};
use crate::disk::read_at::ReadAt;
use crate::error::Result;

/// The first byte; a block header's first byte is never 0.
const INDICATOR: u8 = 0;

/// A record has at least one byte for each of its two sizes.
const MIN_RECORD_SIZE: u64 = 2;

/// Bytes read at once. Memory never depends on sizes given in the index.
const BUFFER_SIZE: usize = 64 * 1024;

/// One block's sizes in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    /// Size of block header, compressed data and checksum, without the padding to a multiple of four.
    pub unpadded: u64,
    /// Size of the raw data.
    pub raw: u64,
}

/// Reads an index from start to end.
pub(super) struct IndexReader<'a> {
    bytes: CheckedBytes<'a>,
    size: u64,
    /// The number of records.
    pub count: u64,
}

impl<'a> IndexReader<'a> {
    /// Starts reading the index of `size` bytes at `at`.
    pub fn open(source: &'a dyn ReadAt, at: u64, size: u64) -> Result<Self> {
        let Some(checked) = size.checked_sub(4) else {
            return Err(damage("the index is too small"));
        };
        let mut bytes = CheckedBytes {
            source,
            at,
            left: checked,
            window: Vec::new(),
            used: 0,
            crc: crc32fast::Hasher::new(),
        };
        if bytes.next()? != INDICATOR {
            return Err(damage("there is no index at the position in the footer"));
        }
        let count = varint::read(|| bytes.next())?;
        if count > size / MIN_RECORD_SIZE {
            return Err(damage(
                "the index has a larger number of blocks than it has room for",
            ));
        }
        Ok(Self { bytes, size, count })
    }

    /// Calls `each` for every record, then checks padding and CRC32.
    pub fn records(mut self, mut each: impl FnMut(Record) -> Result<()>) -> Result<()> {
        for _ in 0..self.count {
            let unpadded = varint::read(|| self.bytes.next())?;
            let raw = varint::read(|| self.bytes.next())?;
            each(Record { unpadded, raw })?;
        }
        if self.bytes.left > 3 || !self.size.is_multiple_of(4) {
            return Err(damage("the index does not have the size in the footer"));
        }
        while self.bytes.left > 0 {
            if self.bytes.next()? != 0 {
                return Err(damage("the index's padding is not zero"));
            }
        }
        let mut stored = [0; 4];
        read_exact(self.bytes.source, &mut stored, self.bytes.at)?;
        if self.bytes.crc.finalize() != u32::from_le_bytes(stored) {
            return Err(damage("the index's CRC32 is wrong"));
        }
        Ok(())
    }
}

/// Reads single bytes and calculates their checksum.
struct CheckedBytes<'a> {
    source: &'a dyn ReadAt,
    at: u64,
    left: u64,
    window: Vec<u8>,
    used: usize,
    crc: crc32fast::Hasher,
}

impl CheckedBytes<'_> {
    fn next(&mut self) -> Result<u8> {
        if self.left == 0 {
            return Err(damage("the index ends too early"));
        }
        if self.used == self.window.len() {
            let size = usize::try_from(self.left).unwrap_or(BUFFER_SIZE).min(BUFFER_SIZE);
            self.window.resize(size, 0);
            read_exact(self.source, &mut self.window, self.at)?;
            self.crc.update(&self.window);
            self.used = 0;
        }
        let byte = self.window.get(self.used).copied();
        self.used = self.used.saturating_add(1);
        self.at = self.at.saturating_add(1);
        self.left -= 1;
        byte.ok_or_else(|| damage("the index ends too early"))
    }
}

/// Returns a complete index.
pub(super) fn write(records: impl ExactSizeIterator<Item = Record>) -> Vec<u8> {
    let mut bytes = vec![INDICATOR];
    varint::write(records.len() as u64, &mut bytes);
    for record in records {
        varint::write(record.unpadded, &mut bytes);
        varint::write(record.raw, &mut bytes);
    }
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    let crc = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Category;

    fn read(bytes: &[u8]) -> Result<Vec<Record>> {
        let source = bytes.to_vec();
        let mut found = Vec::new();
        IndexReader::open(&source, 0, bytes.len() as u64)?.records(|record| {
            found.push(record);
            Ok(())
        })?;
        Ok(found)
    }

    fn sample(count: u64) -> Vec<Record> {
        (0..count)
            .map(|n| Record {
                unpadded: 12 + n * 977,
                raw: n * n * 100_003,
            })
            .collect()
    }

    #[test]
    fn written_records_can_be_read_back() {
        // 40,000 records fill the buffer more than once.
        for count in [0, 1, 2, 3, 97, 40_000] {
            let records = sample(count);
            let bytes = write(records.iter().copied());
            assert_eq!(bytes.len() % 4, 0);
            assert_eq!(read(&bytes).unwrap(), records);
        }
    }

    #[test]
    fn every_flipped_bit_of_an_index_is_detected() {
        let bytes = write(sample(5).into_iter());
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(
                read(&bytes).unwrap_err().category(),
                Category::Verification,
                "bit {bit}"
            );
        }
        for length in 0..bytes.len() {
            assert!(read(&bytes[..length]).is_err(), "cut to {length} bytes");
        }
    }

    #[test]
    fn an_index_with_too_many_records_is_refused() {
        let mut bytes = vec![INDICATOR];
        varint::write(varint::MAX, &mut bytes);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        let crc = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        assert_eq!(read(&bytes).unwrap_err().category(), Category::Verification);
    }
}
