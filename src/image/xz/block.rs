//! Decodes a single block of an xz file in pieces.
//!
//! The library decodes streams, not blocks, so each block is passed to it as a stream with only that block.

use std::sync::Arc;

use xz2::stream::{Action, Status, Stream};

use super::header::{self, Check};
use super::open::{Block, XzImage};
use super::{DECODER_MEMORY, PACKED_WINDOW, damage, decoder_error, index, read_exact};
use crate::disk::read_at::ReadAt;
use crate::error::Result;

/// Decodes one block from start to end.
pub(super) struct BlockDecoder {
    source: Arc<dyn ReadAt>,
    check: Check,
    block: Block,
    stream: Stream,
    /// The next part to put into the buffer.
    part: Part,
    buffer: Vec<u8>,
    used: usize,
    decoded: u64,
}

/// The parts of the stream around a block.
enum Part {
    Header,
    /// The block itself, from this offset in the file.
    Block(u64),
    Ending,
    Nothing,
}

impl BlockDecoder {
    pub fn new(image: &XzImage, block: &Block) -> Result<Self> {
        Ok(Self {
            source: Arc::clone(&image.file),
            check: image.check,
            block: *block,
            stream: Stream::new_stream_decoder(DECODER_MEMORY, 0).map_err(decoder_error)?,
            part: Part::Header,
            buffer: Vec::new(),
            used: 0,
            decoded: 0,
        })
    }

    /// Decodes up to `to.len()` bytes (at least one) and returns how many. Returns 0 only at the block's end, after its size
    /// and check were verified.
    pub fn read(&mut self, to: &mut [u8]) -> Result<usize> {
        loop {
            if self.used == self.buffer.len() {
                self.fill()?;
            }
            let (before_in, before_out) = (self.stream.total_in(), self.stream.total_out());
            let packed = self.buffer.get(self.used..).unwrap_or_default();
            let action = match self.part {
                Part::Nothing => Action::Finish,
                _ => Action::Run,
            };
            let status = self.stream.process(packed, to, action).map_err(decoder_error)?;
            let taken = self.stream.total_in() - before_in;
            let made = self.stream.total_out() - before_out;
            self.used = self
                .used
                .saturating_add(usize::try_from(taken).unwrap_or(usize::MAX));
            self.decoded += made;
            if self.decoded > self.block.raw_size {
                return Err(damage("a block has more data than the index says"));
            }
            match status {
                _ if made > 0 => return Ok(usize::try_from(made).unwrap_or(to.len())),
                // A stream that ends before all parts are used has an end marker inside the block.
                Status::StreamEnd if !self.is_used_up() => {
                    return Err(damage("a block ends before the index says"));
                }
                Status::StreamEnd if self.decoded == self.block.raw_size => return Ok(0),
                Status::StreamEnd => return Err(damage("a block has less data than the index says")),
                _ if taken == 0 && matches!(self.part, Part::Nothing) => {
                    return Err(damage("a block ends too early"));
                }
                _ => {}
            }
        }
    }

    /// Returns the number of bytes decoded so far.
    pub fn decoded(&self) -> u64 {
        self.decoded
    }

    /// Returns whether the decoder has consumed the whole stream.
    fn is_used_up(&self) -> bool {
        matches!(self.part, Part::Nothing) && self.used == self.buffer.len()
    }

    fn fill(&mut self) -> Result<()> {
        self.used = 0;
        match self.part {
            Part::Header => {
                self.buffer = header::write(self.check).to_vec();
                self.part = Part::Block(self.block.offset);
            }
            Part::Block(at) => {
                let left = (self.block.offset + self.block.padded_size()).saturating_sub(at);
                let size = usize::try_from(left).unwrap_or(PACKED_WINDOW).min(PACKED_WINDOW);
                self.buffer.resize(size, 0);
                read_exact(&self.source, &mut self.buffer, at)?;
                self.part = match left - size as u64 {
                    0 => Part::Ending,
                    _ => Part::Block(at + size as u64),
                };
            }
            Part::Ending => {
                self.buffer = index::write(std::iter::once(self.block.record()));
                let footer = header::write_footer(self.check, self.buffer.len() as u64)?;
                self.buffer.extend_from_slice(&footer);
                self.part = Part::Nothing;
            }
            Part::Nothing => self.buffer.clear(),
        }
        Ok(())
    }
}
