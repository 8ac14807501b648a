//! Reads and validates the structure of an xz file.

use std::sync::Arc;

use super::block_header::{self, Dictionary, Packing};
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
    file: Arc<dyn ReadAt>,
    check: Check,
    blocks: Vec<Block>,
    raw_size: u64,
    dictionary: u64,
}

/// A block. All values are in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    offset: u64,
    unpadded: u64,
    raw_offset: u64,
    raw_size: u64,
}

/// An opened xz file.
pub enum Opened {
    /// Can be read at any position.
    Indexed(XzImage),
    /// Can only be read from start to end, for a reason such as "it has several streams".
    Stream(String),
}

impl XzImage {
    /// Reads the structure of an xz file: header, footer, index and every block header.
    ///
    /// # Errors
    /// [`Category::Verification`] if it is inconsistent; [`Category::Other`] if decoding needs a dictionary of more than
    /// 64 MiB (the size for `xz -9`).
    pub fn open(file: Arc<dyn ReadAt>) -> Result<Opened> {
        let check = first_check(&file)?;
        let Some((footer, footer_at)) = last_footer(&file)? else {
            return Ok(Opened::Stream("it has padding after its stream".to_owned()));
        };
        let index_at = footer_at
            .checked_sub(footer.index_size)
            .filter(|at| *at >= header::SIZE)
            .ok_or_else(|| damage("the footer says that the index is larger than the file"))?;
        let index = IndexReader::open(&file, index_at, footer.index_size)?;
        if index.count() > MAX_BLOCKS {
            return Ok(Opened::Stream(format!(
                "it has {} blocks, more than the limit of {MAX_BLOCKS}",
                index.count()
            )));
        }

        let mut layout = Layout {
            end: header::SIZE,
            index_at,
            raw_size: 0,
            check_size: footer.check.size(),
            blocks: Vec::new(),
        };
        index.records(|record| layout.add(record))?;
        if layout.end != index_at {
            return other_streams_before(&file, index_at - layout.end).map(Opened::Stream);
        }
        if footer.check != check {
            return Err(damage("its header and its footer contradict each other"));
        }
        let mut image = Self {
            file,
            check,
            blocks: layout.blocks,
            raw_size: layout.raw_size,
            dictionary: 0,
        };
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

    /// Returns the size of the raw image in bytes.
    pub fn raw_size(&self) -> u64 {
        self.raw_size
    }

    /// Returns the type of checksum.
    pub fn check(&self) -> Check {
        self.check
    }

    /// Returns all blocks in file order, which is the order of the raw image.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// Returns the xz file.
    pub(super) fn file(&self) -> &Arc<dyn ReadAt> {
        &self.file
    }

    /// Returns the size of the largest dictionary in bytes.
    pub(super) fn dictionary(&self) -> u64 {
        self.dictionary
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
            match self.dictionary_of(block)? {
                Some(dictionary) => largest = largest.max(dictionary.bytes()),
                None => return Ok(None),
            }
        }
        if largest > MAX_DICTIONARY {
            return Err(Error::new(
                Category::Other,
                format!(
                    "decompressing the xz file needs a dictionary of {}, but at most {} are supported",
                    Size(largest),
                    Size(MAX_DICTIONARY)
                ),
            )
            .with_remedy("compress the image again with: xz -T0"));
        }
        Ok(Some(largest))
    }

    /// Checks a block's header against the index and returns its dictionary, if its filters are known.
    fn dictionary_of(&self, block: &Block) -> Result<Option<Dictionary>> {
        let length = block.unpadded.min(block_header::MAX_SIZE as u64);
        let mut bytes = [0; block_header::MAX_SIZE];
        let bytes = usize::try_from(length)
            .ok()
            .and_then(|length| bytes.get_mut(..length))
            .unwrap_or_default();
        // Most headers are much smaller.
        read_exact(&self.file, bytes, block.offset)?;
        let header = block_header::parse(bytes)?;
        let compressed = block
            .unpadded
            .checked_sub(header.size)
            .and_then(|rest| rest.checked_sub(self.check.size()))
            .filter(|compressed| *compressed > 0)
            .ok_or_else(|| damage("the index makes a block smaller than its header"))?;
        if header.compressed.is_some_and(|given| given != compressed)
            || header.raw.is_some_and(|given| given != block.raw_size)
        {
            return Err(damage("a block's header and the index contradict each other"));
        }
        match header.packing {
            Packing::Unknown => Ok(None),
            Packing::Lzma2(dictionary) => Ok(Some(dictionary)),
        }
    }
}

/// Reads the footer at the end of the file. Returns it with its offset, or `None` where padding follows it.
fn last_footer(file: &dyn ReadAt) -> Result<Option<(Footer, u64)>> {
    let size = file
        .size()
        .disk(|| "reading the size of the xz file".to_owned())?;
    let footer_at = match size.checked_sub(header::SIZE) {
        Some(at) if at >= header::SIZE && size.is_multiple_of(4) => at,
        _ => return Err(damage("it is cut off")),
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
    /// Returns the offset of the block's header in the xz file.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns the size in the xz file without padding.
    pub fn unpadded_size(&self) -> u64 {
        self.unpadded
    }

    /// Returns the size in the xz file with padding. The next block or the index follows directly.
    pub fn padded_size(&self) -> u64 {
        self.unpadded.next_multiple_of(4)
    }

    /// Returns the start of the block's data in the raw image.
    pub fn raw_offset(&self) -> u64 {
        self.raw_offset
    }

    /// Returns the size of the raw data.
    pub fn raw_size(&self) -> u64 {
        self.raw_size
    }

    /// Returns the end of the block's data in the raw image.
    pub fn raw_end(&self) -> u64 {
        self.raw_offset.saturating_add(self.raw_size)
    }

    /// Returns its index record.
    pub(super) fn record(&self) -> Record {
        Record {
            unpadded: self.unpadded,
            raw: self.raw_size,
        }
    }
}

/// The positions of the blocks, from the sizes in the index.
struct Layout {
    end: u64,
    index_at: u64,
    raw_size: u64,
    check_size: u64,
    blocks: Vec<Block>,
}

impl Layout {
    fn add(&mut self, record: Record) -> Result<()> {
        let too_large = || damage("the blocks in the index are larger than the file");
        if record.unpadded <= self.check_size {
            return Err(damage("the index has a block without data"));
        }
        let most = (record.unpadded / MIN_CHUNK_SIZE + 1).saturating_mul(MAX_CHUNK_RAW);
        if record.raw > most {
            return Err(damage(
                "the index has a block with a larger raw size than its data can have",
            ));
        }
        let block = Block {
            offset: self.end,
            unpadded: record.unpadded,
            raw_offset: self.raw_size,
            raw_size: record.raw,
        };
        self.end = record
            .unpadded
            .checked_next_multiple_of(4)
            .and_then(|padded| self.end.checked_add(padded))
            .filter(|end| *end <= self.index_at)
            .ok_or_else(too_large)?;
        self.raw_size = self
            .raw_size
            .checked_add(record.raw)
            .filter(|size| i64::try_from(*size).is_ok())
            .ok_or_else(too_large)?;
        self.blocks.push(block);
        Ok(())
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
