//! New blocks for a dirty one: how it is cut into pieces, and each piece packed.
//!
//! A block is one LZMA2 stream: a changed byte in it means to pack all of it again. So it becomes several smaller blocks, cut
//! closely around what changed, and the others, which are the same for every node, are packed once.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};
use xz2::stream::{Action, Filters, LzmaOptions, Status, Stream};

use super::block_header::{self, Dictionary, Packing};
use super::header::{self, Check};
use super::index::{IndexReader, Record};
use super::open::Block;
use super::reader::BlockReader;
use super::spill::Spill;
use crate::error::{Category, Context, Error, Result};
use crate::image::edits::Edits;

/// Bytes of a piece without changes, and its place is a multiple of it.
const CLEAN: u64 = 1 << 20;

/// The same for a piece with changes. [`CLEAN`] is a multiple of it.
const DIRTY: u64 = 256 << 10;

/// Packs fast. Higher levels make pieces a little smaller and take many times longer.
const PRESET: u32 = 1;

/// A part of the raw image that becomes one block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Piece {
    /// Where it begins in the raw image.
    pub raw_offset: u64,
    /// Bytes.
    pub size: u64,
    /// A hash of what changes in it, if anything does.
    edits: Option<[u8; 32]>,
}

/// Cuts a block into the pieces that replace it, in order.
pub(super) fn cut(block: &Block, edits: &Edits) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (start, end) in cells(block.raw_offset(), block.raw_end(), CLEAN) {
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

/// Cuts `start..end` at every multiple of `size`.
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

/// A packed piece, which lies in the store.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packed {
    /// Where, in the spill.
    place: u64,
    /// Bytes there: packed data, padding and check. A block without its header.
    pub body: u64,
    compressed: u64,
    raw: u64,
    dictionary: Dictionary,
}

impl Packed {
    /// The block's header, at least `at_least` bytes long, and the index's record for it.
    pub fn header(&self, check: Check, at_least: usize) -> (Vec<u8>, Record) {
        let header = block_header::write(self.compressed, self.raw, self.dictionary, at_least);
        let record = Record {
            unpadded: header.len() as u64 + self.compressed + check.size(),
            raw: self.raw,
        };
        (header, record)
    }
}

/// Every piece that was ever packed, for whichever node.
pub(super) struct PieceStore {
    spill: Spill,
    packed: Mutex<HashMap<Piece, Packed>>,
}

impl PieceStore {
    /// An empty store with a temporary file in `folder`.
    pub fn new(folder: &Path) -> Result<Self> {
        Ok(Self {
            spill: Spill::new(folder)?,
            packed: Mutex::default(),
        })
    }

    /// A piece that is there.
    pub fn get(&self, piece: &Piece) -> Option<Packed> {
        self.map().get(piece).copied()
    }

    /// Packs a piece and puts it there.
    pub fn pack(&self, piece: &Piece, base: &BlockReader, edits: &Edits) -> Result<Packed> {
        let size = usize::try_from(piece.size).context(Category::Other, || "packing a block".to_owned())?;
        let mut raw = vec![0; size];
        base.read_raw(&mut raw, piece.raw_offset)?;
        edits.apply_to(&mut raw, piece.raw_offset);
        let check = base.image().check();
        let stream = pack(&raw, check)?;
        let (mut packed, body) = take_apart(&stream, check)?;
        packed.place = self.spill.reserve(packed.body);
        self.spill.write(body, packed.place)?;
        self.map().insert(*piece, packed);
        Ok(packed)
    }

    /// A packed piece's bytes: a block without its header.
    pub fn body(&self, packed: &Packed) -> Result<Vec<u8>> {
        let size =
            usize::try_from(packed.body).context(Category::Other, || "reading a packed block".to_owned())?;
        let mut body = vec![0; size];
        self.spill.read(&mut body, packed.place)?;
        Ok(body)
    }

    fn map(&self) -> MutexGuard<'_, HashMap<Piece, Packed>> {
        self.packed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Packs bytes as an xz stream of one block.
fn pack(raw: &[u8], check: Check) -> Result<Vec<u8>> {
    let failed = |error| packing_failed().with_cause(error);
    let options = LzmaOptions::new_preset(PRESET).map_err(failed)?;
    let mut filters = Filters::new();
    filters.lzma2(&options);
    let mut encoder = Stream::new_stream_encoder(&filters, check.for_encoder()).map_err(failed)?;
    // What does not compress is stored, with three bytes for every 64 KiB.
    let mut stream = Vec::with_capacity(raw.len() + raw.len() / 8192 + 1024);
    loop {
        let taken = usize::try_from(encoder.total_in()).unwrap_or(usize::MAX);
        let rest = raw.get(taken..).unwrap_or_default();
        match encoder
            .process_vec(rest, &mut stream, Action::Finish)
            .map_err(failed)?
        {
            Status::StreamEnd => return Ok(stream),
            _ => stream.reserve(64 << 10),
        }
    }
}

/// Finds the one block of a stream and takes its header off.
fn take_apart(stream: &[u8], check: Check) -> Result<(Packed, &[u8])> {
    let (rest, footer) = stream.split_last_chunk().ok_or_else(packing_failed)?;
    let index_size = header::parse_footer(*footer)?.index_size;
    let index_at = (rest.len() as u64).saturating_sub(index_size);
    let mut unpadded = 0;
    let mut raw = 0;
    IndexReader::open(&stream, index_at, index_size)?.records(|record| {
        unpadded = record.unpadded;
        raw = record.raw;
        Ok(())
    })?;
    let block = usize::try_from(header::SIZE)
        .ok()
        .zip(usize::try_from(index_at).ok())
        .and_then(|(start, end)| rest.get(start..end))
        .ok_or_else(packing_failed)?;
    let header = block_header::parse(block)?;
    let Packing::Lzma2(dictionary) = header.packing else {
        return Err(packing_failed());
    };
    let body = usize::try_from(header.size)
        .ok()
        .and_then(|size| block.get(size..))
        .ok_or_else(packing_failed)?;
    let packed = Packed {
        place: 0,
        body: body.len() as u64,
        compressed: unpadded
            .checked_sub(header.size + check.size())
            .ok_or_else(packing_failed)?,
        raw,
        dictionary,
    };
    Ok((packed, body))
}

fn packing_failed() -> Error {
    Error::new(Category::Other, "packing a block failed")
}
