//! Stores the new blocks of all images made from one base.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::body::{Body, Shape};
use super::piece::Piece;
use super::spill::Spill;
use crate::error::{Category, Context, Result};

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
        self.map().get(piece).copied()
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
        self.map().insert(*piece, packed);
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

    fn map(&self) -> MutexGuard<'_, HashMap<Piece, Packed>> {
        self.packed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
