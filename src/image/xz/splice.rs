//! A base with a few pages changed, as an xz file: new blocks where something changed, every other block copied as it is.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::block_header;
use super::body::Body;
use super::chunks::{self, Beginning, Chunks};
use super::copy::{ALIGNMENT, copy_range};
use super::decoders;
use super::header;
use super::index::{self, Record};
use super::open::{Block, XzImage};
use super::piece::{self, Piece};
use super::reader::BlockReader;
use super::renewal::changed_blocks;
use super::store::{Packed, PieceStore};
use crate::disk::read_at::write_all_at;
use crate::error::{Category, Context, Error, Result};
use crate::image::edits::Edits;
use crate::progress::Task;
use crate::threads::on_threads;

/// A run of copied blocks at least this long is worth being moved to where a file system can share it.
const WORTH_SHARING: u64 = 1 << 20;

/// Bytes that are copied between two reports of progress.
const COPY_STEP: u64 = 64 << 20;

/// Makes any number of spliced images from one base. What they have in common is unpacked and packed once.
///
/// What it keeps lies in temporary files, so memory does not grow with the number of images.
pub struct Splicer {
    base: Arc<BlockReader>,
    pieces: PieceStore,
    /// Of blocks that something changes in, by their number.
    chunks: Mutex<BTreeMap<usize, Arc<Chunks>>>,
    threads: usize,
}

/// What a splice did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SpliceReport {
    /// Bytes of the new xz file.
    pub size: u64,
    /// Bytes of it that are the base's blocks as they were.
    pub copied: u64,
    /// Bytes of the raw image that lie in new blocks.
    pub renewed: u64,
    /// Bytes of the raw image that were packed for this image: what no earlier one had.
    pub packed: u64,
}

impl Splicer {
    /// Splices into the image that `base` reads, on up to `threads` threads, with a temporary file in `folder`.
    ///
    /// # Errors
    /// [`Category::Verification`] when a block is not as long as the index says: copied unseen, it would make a file
    /// that no program reads, whoever vouches for the base.
    pub fn new(base: Arc<BlockReader>, folder: &Path, threads: usize) -> Result<Self> {
        let image = base.image();
        image
            .blocks()
            .iter()
            .try_for_each(|block| chunks::measure(image, block))?;
        let threads = decoders(base.image(), threads);
        Ok(Self {
            base,
            pieces: PieceStore::new(folder)?,
            chunks: Mutex::default(),
            threads,
        })
    }

    /// Writes the base with `edits` laid over it to the empty file `out`. `file` is the base's xz file; `task` counts
    /// its bytes.
    ///
    /// The data of blocks that are copied is not looked at: damage in it is copied with them.
    pub fn splice(&self, file: &File, edits: &Edits, out: &File, task: &dyn Task) -> Result<SpliceReport> {
        let image = self.base.image();
        let plan = self.plan(edits)?;
        let packed = self.pack_missing(&plan, edits, task)?;
        let mut writer = Writer {
            file,
            out,
            task,
            image,
            at: 0,
            records: Vec::with_capacity(image.blocks().len()),
            report: SpliceReport {
                packed,
                ..SpliceReport::default()
            },
        };
        writer.put(&header::write(image.check()))?;
        for (number, part) in plan.iter().enumerate() {
            match part {
                Part::Kept(blocks) => writer.copy(blocks)?,
                Part::Renewed(pieces) => {
                    let next = match plan.get(number + 1) {
                        Some(Part::Kept(blocks)) => run(blocks).filter(|run| run.size >= WORTH_SHARING),
                        _ => None,
                    };
                    self.write_pieces(&mut writer, pieces, next.as_ref())?;
                }
            }
        }
        writer.finish()
    }

    /// Divides the image into what is copied and what is new.
    fn plan(&self, edits: &Edits) -> Result<Vec<Part<'_>>> {
        let image = self.base.image();
        let mut parts = Vec::new();
        let mut kept_from = 0;
        let keep = |parts: &mut Vec<_>, from: usize, to: usize| {
            if let Some(blocks) = image.blocks().get(from..to).filter(|blocks| !blocks.is_empty()) {
                parts.push(Part::Kept(blocks));
            }
        };
        for number in changed_blocks(image, edits)? {
            keep(&mut parts, kept_from, number);
            let pieces = match image.blocks().get(number) {
                Some(block) => piece::cut(block, &*self.chunks(number, block)?, edits),
                None => Vec::new(),
            };
            match parts.last_mut() {
                Some(Part::Renewed(before)) => before.extend(pieces),
                _ => parts.push(Part::Renewed(pieces)),
            }
            kept_from = number + 1;
        }
        keep(&mut parts, kept_from, image.blocks().len());
        Ok(parts)
    }

    /// What is known of a block's chunks.
    fn chunks(&self, number: usize, block: &Block) -> Result<Arc<Chunks>> {
        let known = || self.chunks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(chunks) = known().get(&number) {
            return Ok(Arc::clone(chunks));
        }
        let chunks = Arc::new(Chunks::of(self.base.image(), block)?);
        known().insert(number, Arc::clone(&chunks));
        Ok(chunks)
    }

    /// Packs every piece that no image before had, and says how many raw bytes that were.
    fn pack_missing(&self, plan: &[Part<'_>], edits: &Edits, task: &dyn Task) -> Result<u64> {
        let missing = self.missing(plan)?;
        let check = self.base.image().check();
        on_threads(
            self.threads,
            &missing,
            || (),
            |missing, ()| {
                let piece = &missing.piece;
                let raw = || {
                    let size = usize::try_from(piece.size)
                        .context(Category::Other, || "packing a block".to_owned())?;
                    let mut raw = vec![0; size];
                    self.base.read_raw(&mut raw, piece.raw_offset)?;
                    edits.apply_to(&mut raw, piece.raw_offset);
                    Ok::<_, Error>(raw)
                };
                let body = match &missing.way {
                    Way::Keep(beginning) => Body::kept(beginning, self.base.image(), |to, at| {
                        self.base.read_raw(to, piece.raw_offset.saturating_add(at))
                    })?,
                    Way::Store => Body::stored(&raw()?, check),
                    Way::Pack => Body::packed(&raw()?, check)?,
                };
                let packed = self.pieces.put(piece, &body)?;
                task.advance(packed.size);
                Ok(())
            },
        )?;
        let packed = missing
            .iter()
            .filter(|missing| !matches!(missing.way, Way::Keep(_)));
        Ok(packed.map(|missing| missing.piece.size).sum())
    }

    /// The pieces that no image before had. Those of different blocks take turns, so that several blocks are unpacked at a
    /// time.
    fn missing(&self, plan: &[Part<'_>]) -> Result<Vec<Missing>> {
        let image = self.base.image();
        let mut turns: BTreeMap<usize, usize> = BTreeMap::new();
        let mut missing = Vec::new();
        for part in plan {
            let Part::Renewed(pieces) = part else { continue };
            for piece in pieces.iter().filter(|piece| self.pieces.get(piece).is_none()) {
                let Some((number, block)) = image.block_at(piece.raw_offset) else {
                    continue;
                };
                let chunks = self.chunks(number, block)?;
                let turn = turns.entry(number).or_default();
                *turn += 1;
                let start = piece.raw_offset - block.raw_offset();
                let beginning = chunks
                    .beginning(piece.size)
                    .filter(|beginning| start == 0 && beginning.raw == piece.size && piece.is_clean());
                let way = match beginning {
                    Some(beginning) => Way::Keep(beginning),
                    None if chunks.is_dense(start, start + piece.size) => Way::Store,
                    None => Way::Pack,
                };
                missing.push(Missing {
                    turn: *turn,
                    piece: *piece,
                    way,
                });
            }
        }
        missing.sort_by_key(|missing| missing.turn);
        Ok(missing)
    }

    /// Writes new blocks. Their headers grow a little, if need be, so that the run `next` comes to a place where file
    /// systems can share it.
    fn write_pieces(&self, writer: &mut Writer<'_>, pieces: &[Piece], next: Option<&Run>) -> Result<()> {
        let check = writer.image.check();
        let packed = pieces
            .iter()
            .map(|piece| {
                self.pieces
                    .get(piece)
                    .ok_or_else(|| Error::new(Category::Other, "a packed block got lost"))
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
            let wish = usize::try_from(shift).map_or(block_header::LARGEST, |shift| smallest + shift);
            let (header, record) = packed.shape.header(check, wish);
            shift = shift.saturating_sub((header.len() - smallest) as u64);
            writer.put(&header)?;
            writer.put(&self.pieces.body(packed)?)?;
            writer.report.renewed += record.raw;
            writer.records.push(record);
        }
        Ok(())
    }
}

/// A piece that is to be packed.
struct Missing {
    /// The how manieth of its block.
    turn: usize,
    piece: Piece,
    way: Way,
}

/// How a piece becomes a block.
enum Way {
    /// It was packed as it is.
    Keep(Beginning),
    /// Packing it is futile.
    Store,
    Pack,
}

/// Neighbours in the new image.
enum Part<'a> {
    /// Blocks to copy.
    Kept(&'a [Block]),
    /// New blocks.
    Renewed(Vec<Piece>),
}

/// Bytes of the base's xz file.
struct Run {
    start: u64,
    size: u64,
}

/// The bytes of blocks that lie one behind the other.
fn run(blocks: &[Block]) -> Option<Run> {
    let (first, last) = blocks.first().zip(blocks.last())?;
    let start = first.offset();
    let size = (last.offset() + last.padded_size()).saturating_sub(start);
    Some(Run { start, size })
}

/// The new xz file, from the front to the back.
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
        self.put(&header::write_footer(self.image.check(), index.len() as u64)?)?;
        self.report.size = self.at;
        Ok(self.report)
    }
}
