//! Writes an xz file with a few changed pages: new blocks for the changes, all other blocks copied.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::block_header;
use super::body::Body;
use super::changed::changed_blocks;
use super::chunks::{self, Chunks, Prefix};
use super::copy::{ALIGNMENT, copy_range};
use super::decoders;
use super::header;
use super::index::{self, Record};
use super::open::{Block, XzImage};
use super::piece::{self, Piece};
use super::reader::BlockReader;
use super::store::{Packed, PieceStore};
use crate::disk::read_at::write_all_at;
use crate::error::{Category, Context, Error, Result};
use crate::image::edits::Edits;
use crate::progress::Task;
use crate::threads::{lock, on_threads};

/// Minimum length in bytes of a run of copied blocks worth aligning so that the file system can share it.
const WORTH_SHARING: u64 = 1 << 20;

/// Bytes copied between two progress reports.
const COPY_STEP: u64 = 64 << 20;

/// Splices any number of images from one base. Work that they share is done once.
///
/// Intermediate data is in temporary files, so memory does not grow with the number of images.
pub struct Splicer {
    base: Arc<BlockReader>,
    pieces: PieceStore,
    /// Chunks of the changed blocks, by block number.
    chunks: Mutex<BTreeMap<usize, Arc<Chunks>>>,
    threads: usize,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SpliceReport {
    /// Size of the new xz file in bytes.
    pub size: u64,
    /// Bytes copied from the base.
    pub copied: u64,
    /// Bytes of the raw image in new blocks.
    pub rewritten: u64,
    /// Bytes of the raw image compressed for this image and not before.
    pub compressed: u64,
}

impl Splicer {
    /// Splices into the image that `base` reads, on up to `threads` threads, with a temporary file in `folder`. Fails
    /// with [`Category::Verification`] if a block does not have the size in the index. A copy would be an unreadable
    /// file, even if the base's hash is correct.
    pub fn new(base: Arc<BlockReader>, folder: &Path, threads: usize) -> Result<Self> {
        let image = &base.image;
        image
            .blocks
            .iter()
            .try_for_each(|block| chunks::check_sizes(image, block))?;
        let threads = decoders(&base.image, threads);
        Ok(Self {
            base,
            pieces: PieceStore::new(folder)?,
            chunks: Mutex::default(),
            threads,
        })
    }

    /// Writes the base with `edits` to the empty file `out`. `file` is the base's xz file; `task` counts its bytes.
    ///
    /// The data of copied blocks is not checked, so damage in it is copied too.
    pub fn splice(&self, file: &File, edits: &Edits, out: &File, task: &dyn Task) -> Result<SpliceReport> {
        let image = &self.base.image;
        let plan = self.plan(edits)?;
        let compressed = self.compress_missing(&plan, edits, task)?;
        let mut writer = Writer {
            file,
            out,
            task,
            image,
            at: 0,
            records: Vec::with_capacity(image.blocks.len()),
            report: SpliceReport {
                compressed,
                ..SpliceReport::default()
            },
        };
        writer.put(&header::write(image.check))?;
        for (number, part) in plan.iter().enumerate() {
            match part {
                Part::Copied(blocks) => writer.copy(blocks)?,
                Part::Rewritten(pieces) => {
                    let next = match plan.get(number + 1) {
                        Some(Part::Copied(blocks)) => run(blocks).filter(|run| run.size >= WORTH_SHARING),
                        _ => None,
                    };
                    self.write_pieces(&mut writer, pieces, next.as_ref())?;
                }
            }
        }
        writer.finish()
    }

    /// Divides the image into copied and rewritten parts.
    fn plan(&self, edits: &Edits) -> Result<Vec<Part<'_>>> {
        let image = &self.base.image;
        let mut parts = Vec::new();
        let mut copied_from = 0;
        let copy = |parts: &mut Vec<_>, from: usize, to: usize| {
            if let Some(blocks) = image.blocks.get(from..to).filter(|blocks| !blocks.is_empty()) {
                parts.push(Part::Copied(blocks));
            }
        };
        for number in changed_blocks(image, edits)? {
            copy(&mut parts, copied_from, number);
            let pieces = match image.blocks.get(number) {
                Some(block) => piece::cut(block, &*self.chunks(number, block)?, edits),
                None => Vec::new(),
            };
            match parts.last_mut() {
                Some(Part::Rewritten(before)) => before.extend(pieces),
                _ => parts.push(Part::Rewritten(pieces)),
            }
            copied_from = number + 1;
        }
        copy(&mut parts, copied_from, image.blocks.len());
        Ok(parts)
    }

    fn chunks(&self, number: usize, block: &Block) -> Result<Arc<Chunks>> {
        if let Some(chunks) = lock(&self.chunks).get(&number) {
            return Ok(Arc::clone(chunks));
        }
        let chunks = Arc::new(Chunks::of(&self.base.image, block)?);
        lock(&self.chunks).insert(number, Arc::clone(&chunks));
        Ok(chunks)
    }

    /// Creates every piece that no earlier image had. Returns the number of compressed raw bytes.
    fn compress_missing(&self, plan: &[Part<'_>], edits: &Edits, task: &dyn Task) -> Result<u64> {
        let missing = self.missing(plan)?;
        let check = self.base.image.check;
        on_threads(
            self.threads,
            &missing,
            || (),
            |missing, ()| {
                let piece = &missing.piece;
                let raw = || {
                    let size = usize::try_from(piece.size)
                        .context(Category::Other, || "compressing a block".to_owned())?;
                    let mut raw = vec![0; size];
                    self.base.read_raw(&mut raw, piece.raw_offset)?;
                    edits.apply_to(&mut raw, piece.raw_offset);
                    Ok::<_, Error>(raw)
                };
                let body = match &missing.encoding {
                    Encoding::Copy(prefix) => Body::copied(prefix, &self.base.image, |to, at| {
                        self.base.read_raw(to, piece.raw_offset.saturating_add(at))
                    })?,
                    Encoding::Store => Body::stored(&raw()?, check),
                    Encoding::Compress => Body::compressed(&raw()?, check)?,
                };
                let packed = self.pieces.put(piece, &body)?;
                task.advance(packed.size);
                Ok(())
            },
        )?;
        let compressed = missing
            .iter()
            .filter(|missing| !matches!(missing.encoding, Encoding::Copy(_)));
        Ok(compressed.map(|missing| missing.piece.size).sum())
    }

    /// Returns the pieces that no earlier image had. Pieces of different blocks alternate, so that several blocks are decoded
    /// at a time.
    fn missing(&self, plan: &[Part<'_>]) -> Result<Vec<Missing>> {
        let image = &self.base.image;
        let mut turns: BTreeMap<usize, usize> = BTreeMap::new();
        let mut missing = Vec::new();
        for part in plan {
            let Part::Rewritten(pieces) = part else { continue };
            for piece in pieces.iter().filter(|piece| self.pieces.get(piece).is_none()) {
                let Some((number, block)) = image.block_at(piece.raw_offset) else {
                    continue;
                };
                let chunks = self.chunks(number, block)?;
                let turn = turns.entry(number).or_default();
                *turn += 1;
                let start = piece.raw_offset - block.raw_offset;
                let prefix = chunks
                    .prefix(piece.size)
                    .filter(|prefix| start == 0 && prefix.raw == piece.size && piece.is_clean());
                let encoding = match prefix {
                    Some(prefix) => Encoding::Copy(prefix),
                    None if chunks.is_dense(start, start + piece.size) => Encoding::Store,
                    None => Encoding::Compress,
                };
                missing.push(Missing {
                    turn: *turn,
                    piece: *piece,
                    encoding,
                });
            }
        }
        missing.sort_by_key(|missing| missing.turn);
        Ok(missing)
    }

    /// Writes new blocks. Their headers are enlarged if necessary to align the run `next`, so that the file system can share
    /// it.
    fn write_pieces(&self, writer: &mut Writer<'_>, pieces: &[Piece], next: Option<&Run>) -> Result<()> {
        let check = writer.image.check;
        let packed = pieces
            .iter()
            .map(|piece| {
                self.pieces
                    .get(piece)
                    .ok_or_else(|| Error::new(Category::Other, "a new block is missing"))
            })
            .collect::<Result<Vec<Packed>>>()?;
        let natural: u64 = packed
            .iter()
            .map(|packed| packed.shape.header(check, 0).0.len() as u64 + packed.size)
            .sum();
        let mut shift = next.map_or(0, |next| {
            let end = (writer.at + natural) % ALIGNMENT;
            (next.start % ALIGNMENT + ALIGNMENT - end) % ALIGNMENT
        });
        for packed in &packed {
            let smallest = packed.shape.header(check, 0).0.len();
            let wanted = usize::try_from(shift).map_or(block_header::MAX_SIZE, |shift| smallest + shift);
            let (header, record) = packed.shape.header(check, wanted);
            shift = shift.saturating_sub((header.len() - smallest) as u64);
            writer.put(&header)?;
            writer.put(&self.pieces.body(packed)?)?;
            writer.report.rewritten += record.raw;
            writer.records.push(record);
        }
        Ok(())
    }
}

/// A piece to create.
struct Missing {
    /// Its position among the missing pieces of its block.
    turn: usize,
    piece: Piece,
    encoding: Encoding,
}

/// The way a piece becomes a block.
enum Encoding {
    /// The compressed data is copied from the base.
    Copy(Prefix),
    /// The data is stored uncompressed, because compression is futile.
    Store,
    Compress,
}

/// Consecutive blocks of the new image.
enum Part<'a> {
    Copied(&'a [Block]),
    Rewritten(Vec<Piece>),
}

/// A range of the base's xz file.
struct Run {
    start: u64,
    size: u64,
}

/// Returns the range of consecutive blocks.
fn run(blocks: &[Block]) -> Option<Run> {
    let (first, last) = blocks.first().zip(blocks.last())?;
    let start = first.offset;
    let size = (last.offset + last.padded_size()).saturating_sub(start);
    Some(Run { start, size })
}

/// Writes the new xz file from start to end.
struct Writer<'a> {
    file: &'a File,
    out: &'a File,
    task: &'a dyn Task,
    image: &'a XzImage,
    at: u64,
    records: Vec<Record>,
    report: SpliceReport,
}

impl Writer<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        write_all_at(self.out, bytes, self.at).disk(|| "writing the image".to_owned())?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    fn copy(&mut self, blocks: &[Block]) -> Result<()> {
        let Some(mut run) = run(blocks) else {
            return Ok(());
        };
        self.report.copied += run.size;
        while run.size > 0 {
            let size = run.size.min(COPY_STEP);
            copy_range(self.file, run.start, self.out, self.at, size)
                .disk(|| "copying from the base to the image".to_owned())?;
            run.start += size;
            run.size -= size;
            self.at += size;
            self.task.advance(size);
        }
        self.records.extend(blocks.iter().map(Block::record));
        Ok(())
    }

    fn finish(mut self) -> Result<SpliceReport> {
        let index = index::write(self.records.iter().copied());
        self.put(&index)?;
        self.put(&header::write_footer(self.image.check, index.len() as u64)?)?;
        self.report.size = self.at;
        Ok(self.report)
    }
}
