//! Decodes a whole image on all cores.

use super::block::BlockDecoder;
use super::open::{Block, XzImage};
use super::{RAW_WINDOW, decoders};
use crate::disk::read_at::RawSink;
use crate::error::Result;
use crate::progress::Task;
use crate::threads::on_threads;

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
