//! Decodes the blocks of an xz file, each in pieces.
//!
//! The library decodes streams, not blocks, so each block is passed to it as a stream with only that block.

use std::sync::Arc;

use xz2::stream::{Action, Status, Stream};

use super::header::{self, Check};
use super::open::{Block, XzImage};
use super::{DECODER_MEMORY, PACKED_WINDOW, RAW_WINDOW, damage, decoder_error, decoders, index, read_exact};
use crate::disk::read_at::{RawSink, ReadAt};
use crate::error::Result;
use crate::progress::Task;
use crate::threads::on_threads;

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
    /// The number of bytes decoded so far.
    pub decoded: u64,
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

/// Decodes every block of `image` into `sink` on up to `threads` threads and verifies each checksum.
///
/// Each thread takes one dictionary and about a megabyte of memory, regardless of the block size. The number of threads is
/// limited so that 160 MiB are enough. A damaged block is an error; part of it may have reached the sink by then. `task`
/// counts raw bytes.
pub fn decode_all(image: &XzImage, sink: &dyn RawSink, threads: usize, task: &dyn Task) -> Result<()> {
    let buffer = || vec![0; RAW_WINDOW];
    on_threads(
        decoders(image, threads),
        &image.blocks,
        buffer,
        |block, buffer| decode_block(image, block, sink, buffer, task),
    )
}

fn decode_block(
    image: &XzImage,
    block: &Block,
    sink: &dyn RawSink,
    buffer: &mut [u8],
    task: &dyn Task,
) -> Result<()> {
    let mut decoder = BlockDecoder::new(image, block)?;
    let mut at = block.raw_offset;
    loop {
        let mut filled = 0;
        // The decoder returns small pieces, but the sink works better with full buffers.
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match decoder.read(rest)? {
                0 => break,
                made => filled += made,
            }
        }
        let Some(piece) = buffer.get(..filled).filter(|piece| !piece.is_empty()) else {
            return Ok(());
        };
        sink.write_at(piece, at)?;
        at += filled as u64;
        task.advance(filled as u64);
    }
}
