//! Reads and validates the structure of an xz file.

use std::ops::Range;
use std::sync::Arc;

use super::block_header::{self, BlockHeader, Packing};
use super::header::{self, Check, Footer};
use super::index::{IndexReader, Record};
use super::{MAX_DICTIONARY, damage, read_exact};
use crate::disk::read_at::ReadAt;
use crate::error::{Category, Context, Error, Result};
use crate::units::Size;

/// Limit for blocks: 64 GiB in blocks of 64 KiB. It limits memory (32 bytes per block).
const MAX_BLOCKS: u64 = 1 << 20;

/// Maximum raw size of an LZMA2 chunk in bytes (xz file format 1.2.1, section 5.3.1: 16 bits and five more in the control
/// byte).
const MAX_CHUNK_RAW: u64 = 2 << 20;

/// Minimum size of an LZMA2 chunk in bytes: control byte, two sizes of two bytes, five bytes for the range decoder.
const MIN_CHUNK_SIZE: u64 = 10;

/// An xz file with a single stream and independent blocks.
pub struct XzImage {
    pub(super) file: Arc<dyn ReadAt>,
    pub check: Check,
    /// All blocks in file order, which is the order of the raw image.
    pub blocks: Vec<Block>,
    /// Size of the raw image in bytes.
    pub raw_size: u64,
    /// Size of the largest dictionary in bytes.
    pub(super) dictionary: u64,
}

/// A block. All values are in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Offset of the block's header in the xz file.
    pub offset: u64,
    /// Size in the xz file without padding.
    pub unpadded: u64,
    /// Start of the block's data in the raw image.
    pub raw_offset: u64,
    /// Size of the raw data.
    pub raw_size: u64,
}

pub enum Opened {
    /// Can be read at any position.
    Indexed(XzImage),
    /// Can only be read from start to end, for a reason such as "it has several streams".
    Stream(String),
}

impl XzImage {
    /// Reads the structure of an xz file: header, footer, index and every block header. Fails with
    /// [`Category::Verification`] if it is inconsistent, with [`Category::Other`] if decoding needs a dictionary of
    /// more than 64 MiB (the size for `xz -9`).
    pub fn open(file: Arc<dyn ReadAt>) -> Result<Opened> {
        let check = first_check(&file)?;
        let Some((footer, footer_at)) = last_footer(&file)? else {
            return Ok(Opened::Stream("it has padding after its stream".to_owned()));
        };
        let index_at = footer_at
            .checked_sub(footer.index_size)
            .filter(|at| *at >= header::SIZE)
            .ok_or_else(|| damage("the footer says that the index is larger than the file"))?;
        let source = Arc::clone(&file);
        let index = IndexReader::open(&source, index_at, footer.index_size)?;
        if index.count > MAX_BLOCKS {
            return Ok(Opened::Stream(format!(
                "it has {} blocks, more than the limit of {MAX_BLOCKS}",
                index.count
            )));
        }

        let mut image = Self {
            file,
            check: footer.check,
            blocks: Vec::new(),
            raw_size: 0,
            dictionary: 0,
        };
        index.records(|record| image.add(record, index_at))?;
        let end = image.end();
        if end != index_at {
            return other_streams_before(&image.file, index_at - end).map(Opened::Stream);
        }
        if footer.check != check {
            return Err(damage("its header and its footer contradict each other"));
        }
        match image.largest_dictionary()? {
            Some(dictionary) => image.dictionary = dictionary,
            None => {
                return Ok(Opened::Stream(
                    "it uses a filter that is not in version 1.2.1 of the xz format".to_owned(),
                ));
            }
        }
        Ok(Opened::Indexed(image))
    }

    /// Adds the next block of the index, which starts at `index_at`.
    fn add(&mut self, record: Record, index_at: u64) -> Result<()> {
        if record.unpadded <= self.check.size() {
            return Err(damage("the index has a block without data"));
        }
        let most = (record.unpadded / MIN_CHUNK_SIZE + 1).saturating_mul(MAX_CHUNK_RAW);
        if record.raw > most {
            return Err(damage(
                "the index has a block with a larger raw size than its data can have",
            ));
        }
        let offset = self.end();
        let padded = record.unpadded.checked_next_multiple_of(4);
        let end = padded.and_then(|padded| offset.checked_add(padded));
        let raw_size = self.raw_size.checked_add(record.raw);
        let raw_size = raw_size.filter(|size| i64::try_from(*size).is_ok());
        let (Some(raw_size), true) = (raw_size, end.is_some_and(|end| end <= index_at)) else {
            return Err(damage("the blocks in the index are larger than the file"));
        };
        self.blocks.push(Block {
            offset,
            unpadded: record.unpadded,
            raw_offset: self.raw_size,
            raw_size: record.raw,
        });
        self.raw_size = raw_size;
        Ok(())
    }

    /// Returns the end of the last block in the xz file.
    fn end(&self) -> u64 {
        let last = self.blocks.last();
        last.map_or(header::SIZE, |block| block.offset + block.padded_size())
    }

    /// Returns the block with the byte at `raw_offset` of the raw image.
    pub(super) fn block_at(&self, raw_offset: u64) -> Option<(usize, &Block)> {
        // Empty blocks are valid; of several blocks at the same position, the last one has the byte.
        let number = self
            .blocks
            .partition_point(|block| block.raw_offset <= raw_offset)
            .checked_sub(1)?;
        let block = self.blocks.get(number)?;
        (raw_offset < block.raw_end()).then_some((number, block))
    }

    /// Reads the header of every block. Returns the size of the largest dictionary in bytes, or `None` if a block uses an
    /// unknown filter.
    fn largest_dictionary(&self) -> Result<Option<u64>> {
        let mut largest = 0;
        for block in &self.blocks {
            match self.header_of(block)?.0.packing {
                Packing::Lzma2(dictionary) => largest = largest.max(dictionary.bytes()),
                Packing::Unknown => return Ok(None),
            }
        }
        if largest > MAX_DICTIONARY {
            let what = format!(
                "decompressing the xz file needs a dictionary of {}, but at most {} are supported",
                Size(largest),
                Size(MAX_DICTIONARY)
            );
            return Err(
                Error::new(Category::Other, what).with_remedy("compress the image again with: xz -T0")
            );
        }
        Ok(Some(largest))
    }

    /// Reads a block's header and checks it against the index. Also returns the range of the compressed data.
    pub(super) fn header_of(&self, block: &Block) -> Result<(BlockHeader, Range<u64>)> {
        let mut bytes = [0; block_header::MAX_SIZE];
        let length = usize::try_from(block.unpadded)
            .unwrap_or(usize::MAX)
            .min(bytes.len());
        // Most headers are much smaller.
        let bytes = bytes.get_mut(..length).unwrap_or_default();
        read_exact(&self.file, bytes, block.offset)?;
        let header = block_header::parse(bytes)?;
        let start = block.offset + header.size;
        let end = (block.offset + block.unpadded).saturating_sub(self.check.size());
        if end <= start {
            return Err(damage("the index makes a block smaller than its header"));
        }
        if header.compressed.is_some_and(|given| given != end - start)
            || header.raw.is_some_and(|given| given != block.raw_size)
        {
            return Err(damage("a block's header and the index contradict each other"));
        }
        Ok((header, start..end))
    }
}

/// Reads the footer at the end of the file. Returns it with its offset, or `None` where padding follows it.
fn last_footer(file: &dyn ReadAt) -> Result<Option<(Footer, u64)>> {
    let size = file
        .size()
        .disk(|| "reading the size of the xz file".to_owned())?;
    let footer_at = match size.checked_sub(header::SIZE) {
        Some(at) if at >= header::SIZE && size.is_multiple_of(4) => at,
        _ => return Err(damage("it is cut off, or other data was added at its end")),
    };
    let mut last = [0; 12];
    read_exact(file, &mut last, footer_at)?;
    if let [.., 0, 0, 0, 0] = last {
        return Ok(None);
    }
    Ok(Some((header::parse_footer(last)?, footer_at)))
}

/// Returns the type of checksum of the first stream.
pub fn first_check(file: &dyn ReadAt) -> Result<Check> {
    let mut first = [0; 12];
    read_exact(file, &mut first, 0)?;
    header::parse(first)
}

impl Block {
    /// Returns the size in the xz file with padding. The next block or the index follows directly.
    pub fn padded_size(&self) -> u64 {
        self.unpadded.next_multiple_of(4)
    }

    /// Returns the end of the block's data in the raw image.
    pub fn raw_end(&self) -> u64 {
        self.raw_offset.saturating_add(self.raw_size)
    }

    pub(super) fn record(&self) -> Record {
        Record {
            unpadded: self.unpadded,
            raw: self.raw_size,
        }
    }
}

/// Returns the reason why the last stream starts at `start` instead of the start of the file.
fn other_streams_before(file: &dyn ReadAt, start: u64) -> Result<String> {
    let mut bytes = [0; 12];
    read_exact(file, &mut bytes, start)?;
    match header::parse(bytes) {
        Ok(_) => Ok("it has several streams".to_owned()),
        Err(_) => Err(damage("its blocks and its index do not fill the file")),
    }
}
