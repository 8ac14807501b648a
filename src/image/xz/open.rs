//! A whole xz file's structure, read from its two ends and checked against itself.

use std::sync::Arc;

use super::block_header::{self, Dictionary, Packing};
use super::header::{self, Check, Footer};
use super::index::{IndexReader, Record};
use super::{LARGEST_DICTIONARY, damage, read_exact};
use crate::disk::read_at::ReadAt;
use crate::error::{Category, Context, Error, Result};
use crate::units::Size;

/// More blocks than any image has: 64 KiB each in 64 GiB. It bounds memory (32 bytes a block).
const MOST_BLOCKS: u64 = 1 << 20;

/// An LZMA2 chunk unpacks to at most this (xz file format 1.2.1, section 5.3.1 and LZMA2's two-byte sizes with
/// five more bits in the control byte) ...
const LARGEST_CHUNK: u64 = 2 << 20;

/// ... and takes at least this: control byte, two sizes of two bytes, five bytes that start the range decoder.
const SMALLEST_CHUNK: u64 = 10;

/// An xz file with one stream, nothing behind it, and blocks that can be unpacked one by one.
pub struct XzImage {
    file: Arc<dyn ReadAt>,
    check: Check,
    blocks: Vec<Block>,
    raw_size: u64,
    dictionary: u64,
}

/// One block. All numbers are bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    offset: u64,
    unpadded: u64,
    raw_offset: u64,
    raw_size: u64,
}

/// How an xz file can be read.
pub enum Opened {
    /// At any place.
    Indexed(XzImage),
    /// Only from the front to the back; the text says why, as in "it ..." ("it has several streams").
    Stream(String),
}

impl XzImage {
    /// Reads the structure of an xz file: both ends, the index and every block's header.
    ///
    /// # Errors
    /// [`Category::Verification`] when it does not add up; [`Category::Other`] when unpacking needs a dictionary of more
    /// than 64 MiB (what `xz -9` uses).
    pub fn open(file: Arc<dyn ReadAt>) -> Result<Opened> {
        let check = first_check(&file)?;
        let Some((footer, footer_at)) = last_footer(&file)? else {
            return Ok(Opened::Stream("it has padding behind its stream".to_owned()));
        };
        let index_at = footer_at
            .checked_sub(footer.index_size)
            .filter(|at| *at >= header::SIZE)
            .ok_or_else(|| damage("the footer says that the index is larger than the file"))?;
        let index = IndexReader::open(&file, index_at, footer.index_size)?;
        if index.count() > MOST_BLOCKS {
            return Ok(Opened::Stream(format!(
                "it has {} blocks, and only {MOST_BLOCKS} are kept in memory",
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
            return Err(damage("its header and its footer do not agree"));
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
                    "it uses a filter that is not in xz's format 1.2.1".to_owned(),
                ));
            }
        }
        Ok(Opened::Indexed(image))
    }

    /// Bytes of the unpacked image.
    pub fn raw_size(&self) -> u64 {
        self.raw_size
    }

    /// How the blocks are checked.
    pub fn check(&self) -> Check {
        self.check
    }

    /// All blocks in the order of the file, which is the order of the raw image.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// The xz file.
    pub(super) fn file(&self) -> &Arc<dyn ReadAt> {
        &self.file
    }

    /// Bytes of the largest dictionary that any block needs.
    pub(super) fn dictionary(&self) -> u64 {
        self.dictionary
    }

    /// Which block holds the byte at `raw_offset` of the unpacked image.
    pub(super) fn block_at(&self, raw_offset: u64) -> Option<(usize, &Block)> {
        // Empty blocks are legal; of several at the same place the last one has the byte.
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
        if largest > LARGEST_DICTIONARY {
            return Err(Error::new(
                Category::Other,
                format!(
                    "unpacking the xz file needs a dictionary of {}; at most {} are supported",
                    Size(largest),
                    Size(LARGEST_DICTIONARY)
                ),
            )
            .with_remedy("compress the image again with: xz -T0"));
        }
        Ok(Some(largest))
    }

    /// Checks a block's header against the index and says which dictionary it needs, if its packing is known.
    fn dictionary_of(&self, block: &Block) -> Result<Option<Dictionary>> {
        let length = block.unpadded.min(block_header::LARGEST as u64);
        let mut bytes = [0; block_header::LARGEST];
        let bytes = usize::try_from(length)
            .ok()
            .and_then(|length| bytes.get_mut(..length))
            .unwrap_or_default();
        // Most headers are as small as this; the rest of a large one is rarely needed.
        read_exact(&self.file, bytes, block.offset)?;
        let header = block_header::parse(bytes)?;
        let compressed = block
            .unpadded
            .checked_sub(header.size)
            .and_then(|rest| rest.checked_sub(self.check.size()))
            .filter(|compressed| *compressed > 0)
            .ok_or_else(|| damage("the index makes a block smaller than its header"))?;
        if header.compressed.is_some_and(|said| said != compressed)
            || header.raw.is_some_and(|said| said != block.raw_size)
        {
            return Err(damage("a block's header and the index do not agree"));
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
        .disk(|| "asking for the size of the xz file".to_owned())?;
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

/// How the first stream of an xz file is checked, whatever follows it.
pub fn first_check(file: &dyn ReadAt) -> Result<Check> {
    let mut first = [0; 12];
    read_exact(file, &mut first, 0)?;
    header::parse(first)
}

impl Block {
    /// Where the block's header begins in the xz file.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Bytes in the xz file, without padding.
    pub fn unpadded_size(&self) -> u64 {
        self.unpadded
    }

    /// Bytes in the xz file, with padding: the next block, or the index, begins right behind.
    pub fn padded_size(&self) -> u64 {
        self.unpadded.next_multiple_of(4)
    }

    /// Where the block's data begins in the unpacked image.
    pub fn raw_offset(&self) -> u64 {
        self.raw_offset
    }

    /// Bytes of unpacked data.
    pub fn raw_size(&self) -> u64 {
        self.raw_size
    }

    /// Where the block's data ends in the unpacked image.
    pub fn raw_end(&self) -> u64 {
        self.raw_offset.saturating_add(self.raw_size)
    }

    /// What the index says of it.
    pub(super) fn record(&self) -> Record {
        Record {
            unpadded: self.unpadded,
            raw: self.raw_size,
        }
    }
}

/// Blocks laid one behind the other as the index names them.
struct Layout {
    end: u64,
    index_at: u64,
    raw_size: u64,
    check_size: u64,
    blocks: Vec<Block>,
}

impl Layout {
    fn add(&mut self, record: Record) -> Result<()> {
        let too_large = || damage("the index names more bytes than the file has");
        if record.unpadded <= self.check_size {
            return Err(damage("the index names a block without data"));
        }
        let most = (record.unpadded / SMALLEST_CHUNK + 1).saturating_mul(LARGEST_CHUNK);
        if record.raw > most {
            return Err(damage(
                "the index names a block that unpacks to more than its data can hold",
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

/// Why the last stream does not begin at the file's beginning but at `start`.
fn other_streams_before(file: &dyn ReadAt, start: u64) -> Result<String> {
    let mut bytes = [0; 12];
    read_exact(file, &mut bytes, start)?;
    match header::parse(bytes) {
        Ok(_) => Ok("it has several streams".to_owned()),
        Err(_) => Err(damage("its blocks and its index do not fill the file")),
    }
}
