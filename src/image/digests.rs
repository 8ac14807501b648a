//! Digests of a raw image, for comparing images that do not fit in memory.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};

use crate::disk::read_at::RawSink;
use crate::error::{Category, Error, Result};
use crate::image::container::Container;
use crate::progress::Task;
use crate::threads::lock;

/// Bytes per digest. With 32 bytes per digest, a 16 GiB image takes 8 MiB.
pub const CHUNK: usize = 64 * 1024;

type Chunk = [u8; 32];

/// A chunk of zeros, to recognise the many that images have: comparing is much faster than hashing.
static ZEROS: [u8; CHUNK] = [0; CHUNK];

fn digest(chunk: &[u8]) -> Chunk {
    if ZEROS.get(..chunk.len()) == Some(chunk) {
        // No bytes are known that have this SHA-256.
        return [0; 32];
    }
    Sha256::digest(chunk).into()
}

/// Digests of consecutive chunks of [`CHUNK`] bytes; the last chunk may be shorter.
#[derive(Debug, PartialEq, Eq)]
pub struct Digests {
    /// Size of the raw image in bytes.
    pub size: u64,
    chunks: Vec<Chunk>,
}

impl Digests {
    /// Decodes a whole image, on all cores if the container supports it.
    pub fn of(container: &Container, task: &dyn Task) -> Result<Self> {
        let sink = Collector::default();
        let size = container.decode(&sink, task)?;
        Ok(Self {
            size,
            chunks: sink.finish(size)?,
        })
    }

    /// Returns the numbers of the chunks that differ, including those in only one image.
    pub fn differing<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = u64> + 'a {
        let longer = self.chunks.len().max(other.chunks.len());
        (0..longer)
            .filter(|number| self.chunks.get(*number) != other.chunks.get(*number))
            .map(|number| number as u64)
    }
}

/// Accepts pieces in any order. Incomplete chunks wait for their remaining bytes.
#[derive(Default)]
struct Collector {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    done: HashMap<u64, Chunk>,
    waiting: HashMap<u64, Partial>,
}

struct Partial {
    bytes: Vec<u8>,
    filled: usize,
}

impl Collector {
    fn finish(self, size: u64) -> Result<Vec<Chunk>> {
        let mut state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        for (number, partial) in state.waiting.drain() {
            let bytes = partial.bytes.get(..partial.filled).unwrap_or_default();
            state.done.insert(number, digest(bytes));
        }
        (0..size.div_ceil(CHUNK as u64))
            .map(|number| {
                state.done.remove(&number).ok_or_else(|| {
                    let what = format!("chunk {number} of the image was never decoded");
                    Error::new(Category::Other, what)
                })
            })
            .collect()
    }
}

impl RawSink for Collector {
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        let chunk = CHUNK as u64;
        let mut rest = bytes;
        let mut at = offset;
        while !rest.is_empty() {
            let skip = usize::try_from(at % chunk).unwrap_or_default();
            let taken = rest.len().min(CHUNK.saturating_sub(skip));
            let (piece, later) = rest.split_at_checked(taken).unwrap_or((rest, &[]));
            let number = at / chunk;
            if piece.len() == CHUNK {
                let digest = digest(piece);
                lock(&self.state).done.insert(number, digest);
            } else {
                let mut state = lock(&self.state);
                let partial = state.waiting.entry(number).or_insert_with(|| Partial {
                    bytes: vec![0; CHUNK],
                    filled: 0,
                });
                for (to, from) in partial.bytes.iter_mut().skip(skip).zip(piece) {
                    *to = *from;
                }
                partial.filled = partial.filled.saturating_add(piece.len());
                if partial.filled >= CHUNK
                    && let Some(whole) = state.waiting.remove(&number)
                {
                    state.done.insert(number, digest(&whole.bytes));
                }
            }
            at = at.saturating_add(taken as u64);
            rest = later;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collect(bytes: &[u8], cuts: &[usize]) -> Vec<Chunk> {
        let collector = Collector::default();
        let mut start = 0;
        let mut pieces = Vec::new();
        for cut in cuts.iter().copied().chain([bytes.len()]) {
            pieces.push((start, cut));
            start = cut;
        }
        for (start, end) in pieces.into_iter().rev() {
            collector.write_at(&bytes[start..end], start as u64).unwrap();
        }
        collector.finish(bytes.len() as u64).unwrap()
    }

    #[test]
    fn digests_do_not_depend_on_the_pieces() {
        let mut bytes: Vec<u8> = (0..=250).cycle().take(5 * CHUNK + 77).collect();
        let whole = collect(&bytes, &[]);
        assert_eq!(whole.len(), 6);
        assert_eq!(
            collect(&bytes, &[1, 2, CHUNK - 1, CHUNK, 3 * CHUNK + 5, 5 * CHUNK + 76]),
            whole
        );
        bytes[2 * CHUNK] ^= 1;
        let other = collect(&bytes, &[]);
        let (one, two) = (
            Digests {
                size: 0,
                chunks: whole,
            },
            Digests {
                size: 0,
                chunks: other,
            },
        );
        assert_eq!(one.differing(&two).collect::<Vec<_>>(), [2]);
    }
}
