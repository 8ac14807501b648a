//! The raw image of an xz file at any place: blocks are unpacked as far as somebody reads, and kept in a temporary file.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::block::BlockDecoder;
use super::open::{Block, XzImage};
use super::spill::Spill;
use super::{LARGEST_DICTIONARY, RAW_WINDOW};
use crate::disk::read_at::ReadAt;
use crate::error::{Category, Error, Result};

/// Random access to the raw image. What was unpacked once is never unpacked again as long as this lives, and takes no
/// memory. Blocks read to their end are checked against their checksum.
pub struct BlockReader {
    image: Arc<XzImage>,
    spill: Spill,
    blocks: Mutex<BTreeMap<usize, Arc<Mutex<Unpacked>>>>,
    /// Which blocks have a decoder under way; the latest one is last.
    under_way: Mutex<Vec<usize>>,
}

/// How far a block is unpacked.
struct Unpacked {
    /// Where its bytes lie in the spill.
    place: u64,
    /// How many of them.
    size: u64,
    decoder: Option<BlockDecoder>,
}

impl BlockReader {
    /// Reads `image`; the temporary file is made in `folder` and grows as large as the blocks that are read from.
    pub fn new(image: Arc<XzImage>, folder: &Path) -> Result<Self> {
        Ok(Self {
            image,
            spill: Spill::new(folder)?,
            blocks: Mutex::default(),
            under_way: Mutex::default(),
        })
    }

    /// The image that is read.
    pub fn image(&self) -> &Arc<XzImage> {
        &self.image
    }

    /// Reads exactly `to.len()` bytes of the raw image at `offset`.
    pub fn read_raw(&self, to: &mut [u8], offset: u64) -> Result<()> {
        let (mut rest, mut at) = (to, offset);
        while !rest.is_empty() {
            let Some((number, block)) = self.image.block_at(at) else {
                return Err(Error::new(
                    Category::Other,
                    format!("byte {at} lies behind the end of the image"),
                ));
            };
            let room = rest.len();
            let size = usize::try_from(block.raw_end() - at).map_or(room, |left| left.min(room));
            let (piece, others) = rest.split_at_mut(size);
            self.read_block(number, block, piece, at - block.raw_offset())?;
            rest = others;
            at += size as u64;
        }
        Ok(())
    }

    /// Reads a piece of one block, `at` bytes behind its beginning.
    fn read_block(&self, number: usize, block: &Block, to: &mut [u8], at: u64) -> Result<()> {
        let unpacked = Arc::clone(lock(&self.blocks).entry(number).or_insert_with(|| {
            Arc::new(Mutex::new(Unpacked {
                place: self.spill.reserve(block.raw_size()),
                size: 0,
                decoder: None,
            }))
        }));
        let place = {
            let mut unpacked = lock(&unpacked);
            let end = at + to.len() as u64;
            if unpacked.size < end {
                self.unpack(number, block, &mut unpacked, end)?;
            }
            unpacked.place
        };
        self.spill.read(to, place + at)
    }

    /// Unpacks a block at least as far as `end`.
    fn unpack(&self, number: usize, block: &Block, unpacked: &mut Unpacked, end: u64) -> Result<()> {
        let mut decoder = match unpacked.decoder.take() {
            Some(decoder) => decoder,
            None => BlockDecoder::new(&self.image, block)?,
        };
        // Who starts over goes twice as far, so that two readers that chase each other still arrive.
        let end = match decoder.decoded() {
            0 => end.max(unpacked.size.saturating_mul(2)).min(block.raw_size()),
            _ => end,
        };
        let mut window = vec![0; RAW_WINDOW];
        loop {
            let at = decoder.decoded();
            if at >= end && at < block.raw_size() {
                break;
            }
            let made = decoder.read(&mut window)?;
            if made == 0 {
                self.finished(number);
                return Ok(());
            }
            if let Some(piece) = window.get(..made) {
                self.spill.write(piece, unpacked.place + at)?;
            }
            unpacked.size = unpacked.size.max(at + made as u64);
        }
        unpacked.decoder = Some(decoder);
        self.goes_on(number);
        Ok(())
    }

    /// Remembers that a block's decoder waits for more, and gives up the oldest ones when they take too much memory.
    fn goes_on(&self, number: usize) {
        let most = usize::try_from(LARGEST_DICTIONARY / self.image.dictionary().max(1 << 20)).unwrap_or(1);
        let mut under_way = lock(&self.under_way);
        under_way.retain(|other| *other != number);
        under_way.push(number);
        while under_way.len() > most.max(1) {
            let oldest = under_way.remove(0);
            let unpacked = lock(&self.blocks).get(&oldest).map(Arc::clone);
            // One that is in use right now comes back here by itself.
            if let Some(unpacked) = unpacked
                && let Ok(mut unpacked) = unpacked.try_lock()
            {
                unpacked.decoder = None;
            }
        }
    }

    fn finished(&self, number: usize) {
        lock(&self.under_way).retain(|other| *other != number);
    }
}

impl ReadAt for BlockReader {
    /// Errors hold the [`Error`] that says what is wrong with the image.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let left = self.image.raw_size().saturating_sub(offset);
        let size = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let to = buffer.get_mut(..size).unwrap_or_default();
        self.read_raw(to, offset).map_err(io::Error::other)?;
        Ok(size)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.image.raw_size())
    }
}

/// The data is valid even when a thread panicked: it is only changed by steps that cannot fail halfway.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
