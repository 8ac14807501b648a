//! Splits a changed block into pieces, each of which becomes a separate block.
//!
//! A block is one LZMA2 stream, so after a changed byte everything must be compressed again. Therefore it becomes several
//! smaller blocks: the unchanged prefix, small pieces around the changes, and pieces in between, which are the same for
//! every node and compressed once.

use sha2::{Digest, Sha256};

use super::chunks::Chunks;
use super::open::Block;
use crate::image::edits::{Edits, PAGE_SIZE};

/// Size and alignment of a piece without changes, in bytes.
const CLEAN: u64 = 1 << 20;

/// Size and alignment of a piece with changes, in bytes. [`CLEAN`] is a multiple of it.
const DIRTY: u64 = 256 << 10;

/// A part of the raw image that becomes one block. Equal pieces have the same bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Piece {
    /// Offset in the raw image.
    pub raw_offset: u64,
    /// Size in bytes.
    pub size: u64,
    /// A hash of the changes in it, if there are any.
    edits: Option<[u8; 32]>,
}

impl Piece {
    /// Returns whether it is unchanged.
    pub fn is_clean(&self) -> bool {
        self.edits.is_none()
    }
}

/// Splits a block into the pieces that replace it, in order.
pub(super) fn cut(block: &Block, chunks: &Chunks, edits: &Edits) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let start = block.raw_offset;
    let unchanged = match edits.within(start, block.raw_end()).next() {
        Some((page, _)) => page.saturating_mul(PAGE_SIZE as u64).saturating_sub(start),
        None => block.raw_size,
    };
    let mut after = start;
    if let Some(prefix) = chunks.prefix(unchanged) {
        pieces.push(Piece {
            raw_offset: start,
            size: prefix.raw,
            edits: None,
        });
        after = start.saturating_add(prefix.raw);
    }
    for (start, end) in cells(after, block.raw_end(), CLEAN) {
        match hash(edits, start, end) {
            None => pieces.push(Piece {
                raw_offset: start,
                size: end - start,
                edits: None,
            }),
            Some(_) => pieces.extend(cells(start, end, DIRTY).map(|(start, end)| Piece {
                raw_offset: start,
                size: end - start,
                edits: hash(edits, start, end),
            })),
        }
    }
    pieces
}

/// Splits `start..end` at every multiple of `size`.
fn cells(start: u64, end: u64, size: u64) -> impl Iterator<Item = (u64, u64)> {
    let next = move |at: u64| (at / size).saturating_add(1).saturating_mul(size).min(end);
    std::iter::successors((start < end).then(|| (start, next(start))), move |(_, at)| {
        (*at < end).then(|| (*at, next(*at)))
    })
}

fn hash(edits: &Edits, start: u64, end: u64) -> Option<[u8; 32]> {
    let mut sum = None;
    for (number, page) in edits.within(start, end) {
        let sum = sum.get_or_insert_with(Sha256::new);
        sum.update(number.to_le_bytes());
        sum.update(page.as_slice());
    }
    sum.map(|sum| sum.finalize().into())
}
