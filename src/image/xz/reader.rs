//! Reads the raw image of an xz file at any position. Blocks are decoded as far as needed and cached in a temporary file.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::block::BlockDecoder;
use super::open::{Block, XzImage};
use super::store::Spill;
use super::{MAX_DICTIONARY, RAW_WINDOW};
use crate::disk::read_at::ReadAt;
use crate::error::{Category, Error, Result};
use crate::threads::lock;

/// Random access to the raw image. Decoded data is cached on disk and never decoded again. Blocks read to their end are
/// verified against their checksum.
pub struct BlockReader {
    pub image: XzImage,
    spill: Spill,
    blocks: Mutex<BTreeMap<usize, Arc<Mutex<Unpacked>>>>,
    /// The blocks with an active decoder, most recent last.
    active: Mutex<Vec<usize>>,
}

/// The decoded part of a block.
struct Unpacked {
    /// Offset in the temporary file.
    place: u64,
    /// Size in bytes.
    size: u64,
    decoder: Option<BlockDecoder>,
}

impl BlockReader {
    /// Reads `image`. The temporary file is created in `folder` and grows to the size of the blocks that are read.
    pub fn new(image: XzImage, folder: &Path) -> Result<Self> {
        Ok(Self {
            image,
            spill: Spill::new(folder)?,
            blocks: Mutex::default(),
            active: Mutex::default(),
        })
    }

    /// Reads exactly `to.len()` bytes of the raw image at `offset`.
    pub fn read_raw(&self, to: &mut [u8], offset: u64) -> Result<()> {
        let (mut rest, mut at) = (to, offset);
        while !rest.is_empty() {
            let Some((number, block)) = self.image.block_at(at) else {
                let what = format!("byte {at} is beyond the end of the image");
                return Err(Error::new(Category::Other, what));
            };
            let room = rest.len();
            let size = usize::try_from(block.raw_end() - at).map_or(room, |left| left.min(room));
            let (piece, others) = rest.split_at_mut(size);
            self.read_block(number, block, piece, at - block.raw_offset)?;
            rest = others;
            at += size as u64;
        }
        Ok(())
    }

    /// Reads a piece of a block at offset `at`.
    fn read_block(&self, number: usize, block: &Block, to: &mut [u8], at: u64) -> Result<()> {
        let unpacked = Arc::clone(lock(&self.blocks).entry(number).or_insert_with(|| {
            Arc::new(Mutex::new(Unpacked {
                place: self.spill.reserve(block.raw_size),
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

    /// Decodes a block at least up to `end`.
    fn unpack(&self, number: usize, block: &Block, unpacked: &mut Unpacked, end: u64) -> Result<()> {
        let mut decoder = match unpacked.decoder.take() {
            Some(decoder) => decoder,
            None => BlockDecoder::new(&self.image, block)?,
        };
        // A new decoder goes twice as far as the last one, so that two competing readers both finish.
        let end = match decoder.decoded {
            0 => end.max(unpacked.size.saturating_mul(2)).min(block.raw_size),
            _ => end,
        };
        let mut window = vec![0; RAW_WINDOW];
        loop {
            let at = decoder.decoded;
            if at >= end && at < block.raw_size {
                break;
            }
            let made = decoder.read(&mut window)?;
            if made == 0 {
                lock(&self.active).retain(|other| *other != number);
                return Ok(());
            }
            if let Some(piece) = window.get(..made) {
                self.spill.write(piece, unpacked.place + at)?;
            }
            unpacked.size = unpacked.size.max(at + made as u64);
        }
        unpacked.decoder = Some(decoder);
        self.keep_active(number);
        Ok(())
    }

    /// Keeps a block's decoder active and drops the oldest ones if they take too much memory.
    fn keep_active(&self, number: usize) {
        let most = usize::try_from(MAX_DICTIONARY / self.image.dictionary.max(1 << 20)).unwrap_or(1);
        let mut active = lock(&self.active);
        active.retain(|other| *other != number);
        active.push(number);
        while active.len() > most.max(1) {
            let oldest = active.remove(0);
            let unpacked = lock(&self.blocks).get(&oldest).map(Arc::clone);
            // A decoder in use is kept; it returns to the list afterwards.
            if let Some(unpacked) = unpacked
                && let Ok(mut unpacked) = unpacked.try_lock()
            {
                unpacked.decoder = None;
            }
        }
    }
}

impl ReadAt for BlockReader {
    /// Errors contain an [`Error`] about the image.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let left = self.image.raw_size.saturating_sub(offset);
        let size = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let to = buffer.get_mut(..size).unwrap_or_default();
        self.read_raw(to, offset).map_err(io::Error::other)?;
        Ok(size)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.image.raw_size)
    }
}
