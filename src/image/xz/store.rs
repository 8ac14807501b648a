//! Unnamed files for data too large for memory, and the new blocks of all images made from one base in such a file.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::body::{Body, Shape};
use super::piece::Piece;
use crate::disk::read_at::{ReadAt, write_all_at};
use crate::disk::scratch;
use crate::error::{Category, Context, Result};
use crate::threads::lock;

/// A growing unnamed file. It is deleted on drop or when the process ends.
pub(super) struct Spill {
    file: File,
    folder: PathBuf,
    end: AtomicU64,
}

impl Spill {
    pub fn new(folder: &Path) -> Result<Self> {
        Ok(Self {
            file: scratch::file_in(folder)?,
            folder: folder.to_owned(),
            end: AtomicU64::new(0),
        })
    }

    /// Reserves `size` bytes and returns their offset.
    pub fn reserve(&self, size: u64) -> u64 {
        self.end.fetch_add(size, Ordering::Relaxed)
    }

    pub fn write(&self, bytes: &[u8], at: u64) -> Result<()> {
        write_all_at(&self.file, bytes, at)
            .disk(|| format!("writing to a temporary file in {}", self.folder.display()))
    }

    pub fn read(&self, to: &mut [u8], at: u64) -> Result<()> {
        self.file
            .read_exact_at(to, at)
            .disk(|| format!("reading from a temporary file in {}", self.folder.display()))
    }
}

/// All new pieces, in a temporary file.
pub(super) struct PieceStore {
    spill: Spill,
    packed: Mutex<HashMap<Piece, Packed>>,
}

/// A stored piece.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packed {
    /// Offset in the temporary file.
    place: u64,
    /// Size in bytes.
    pub size: u64,
    /// The values for its block header.
    pub shape: Shape,
}

impl PieceStore {
    /// Creates an empty store with a temporary file in `folder`.
    pub fn new(folder: &Path) -> Result<Self> {
        Ok(Self {
            spill: Spill::new(folder)?,
            packed: Mutex::default(),
        })
    }

    pub fn get(&self, piece: &Piece) -> Option<Packed> {
        lock(&self.packed).get(piece).copied()
    }

    pub fn put(&self, piece: &Piece, body: &Body) -> Result<Packed> {
        let size = body.bytes.len() as u64;
        let place = self.spill.reserve(size);
        self.spill.write(&body.bytes, place)?;
        let packed = Packed {
            place,
            size,
            shape: body.shape,
        };
        lock(&self.packed).insert(*piece, packed);
        Ok(packed)
    }

    /// Returns the bytes of a stored piece: a block without its header.
    pub fn body(&self, packed: &Packed) -> Result<Vec<u8>> {
        let size =
            usize::try_from(packed.size).context(Category::Other, || "reading a new block".to_owned())?;
        let mut body = vec![0; size];
        self.spill.read(&mut body, packed.place)?;
        Ok(body)
    }
}
