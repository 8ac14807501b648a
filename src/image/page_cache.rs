//! A bounded cache for readers that are slow or read in large blocks.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex};

use crate::disk::read_at::ReadAt;
use crate::threads::lock;

/// Bytes read at once.
const CHUNK: u64 = 64 * 1024;
/// Limit for cached chunks: 16 MiB, enough for both FATs and every directory of an official image.
const MAX_CHUNKS: usize = 256;

/// Caches chunks. The file system reads a few bytes at a time, while a compressed base decodes whole blocks.
pub struct PageCache<R> {
    below: R,
    size: u64,
    chunks: Mutex<HashMap<u64, Arc<[u8]>>>,
}

impl<R: ReadAt> PageCache<R> {
    pub fn new(below: R) -> io::Result<Self> {
        let size = below.size()?;
        Ok(Self {
            below,
            size,
            chunks: Mutex::default(),
        })
    }

    fn chunk(&self, number: u64) -> io::Result<Arc<[u8]>> {
        let mut chunks = lock(&self.chunks);
        if let Some(chunk) = chunks.get(&number) {
            return Ok(Arc::clone(chunk));
        }
        let start = number.saturating_mul(CHUNK);
        let length = self.size.saturating_sub(start).min(CHUNK);
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        self.below.read_exact_at(&mut bytes, start)?;
        let chunk: Arc<[u8]> = bytes.into();
        if chunks.len() >= MAX_CHUNKS {
            chunks.clear();
        }
        chunks.insert(number, Arc::clone(&chunk));
        Ok(chunk)
    }
}

impl<R: ReadAt> ReadAt for PageCache<R> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        if offset >= self.size {
            return Ok(0);
        }
        let chunk = self.chunk(offset / CHUNK)?;
        let skip = usize::try_from(offset % CHUNK).unwrap_or_default();
        chunk.get(skip..).unwrap_or_default().read_at(buffer, 0)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cached_read_is_the_same_read() {
        let bytes: Vec<u8> = (0..200_000_u32)
            .map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1])
            .collect();
        let cache = PageCache::new(bytes.clone()).unwrap();
        for (start, length) in [(0, 10), (65_530, 20), (199_990, 10), (60_000, 140_000)] {
            let mut read = vec![0; length];
            cache.read_exact_at(&mut read, start as u64).unwrap();
            assert_eq!(read, bytes[start..start + length]);
        }
        assert_eq!(cache.read_at(&mut [0; 4], 200_000).unwrap(), 0);
    }
}
