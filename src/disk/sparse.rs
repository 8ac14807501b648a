//! Writes raw images as sparse files.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use crate::disk::read_at::{RawSink, ReadAt, write_all_at};
use crate::error::{Context, Result};

/// The granularity of holes: the block size of common file systems.
const BLOCK: usize = 4096;

/// A block of zeros for comparisons, which are faster than a loop over the bytes.
static ZEROS: [u8; BLOCK] = [0; BLOCK];

/// One or more empty files that receive the same bytes. Blocks of zeros are skipped and become holes.
pub struct SparseFiles<'a> {
    files: Vec<(&'a File, PathBuf)>,
}

impl<'a> SparseFiles<'a> {
    /// Takes files with their paths for messages.
    pub fn new(files: Vec<(&'a File, PathBuf)>) -> Self {
        Self { files }
    }

    /// Sets the length of every file in bytes, which is needed for zeros at the end.
    pub fn set_len(&self, length: u64) -> Result<()> {
        for (file, path) in &self.files {
            file.set_len(length)
                .disk(|| format!("setting the length of {}", path.display()))?;
        }
        Ok(())
    }
}

impl RawSink for SparseFiles<'_> {
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        for run in data_runs(bytes) {
            let data = bytes.get(run.clone()).unwrap_or_default();
            let at = offset.saturating_add(run.start as u64);
            for (file, path) in &self.files {
                write_all_at(file, data, at).disk(|| format!("writing {}", path.display()))?;
            }
        }
        Ok(())
    }
}

/// Returns the ranges of `bytes` that are not blocks of zeros, with adjacent blocks joined.
fn data_runs(bytes: &[u8]) -> impl Iterator<Item = std::ops::Range<usize>> {
    let mut blocks = bytes.chunks(BLOCK).enumerate().peekable();
    let is_zero = |block: &[u8]| ZEROS.get(..block.len()) == Some(block);
    let length = bytes.len();
    std::iter::from_fn(move || {
        let (first, _) = blocks.find(|(_, block)| !is_zero(block))?;
        let mut last = first;
        while let Some((number, _)) = blocks.next_if(|(_, block)| !is_zero(block)) {
            last = number;
        }
        let start = first.saturating_mul(BLOCK);
        let end = last.saturating_add(1).saturating_mul(BLOCK).min(length);
        Some(start..end)
    })
}

/// Returns whether `file` has `bytes` at `offset`.
pub fn has_bytes_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<bool> {
    let mut back = vec![0; bytes.len()];
    file.read_exact_at(&mut back, offset)?;
    Ok(back == bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_become_holes_and_nothing_is_lost() {
        let mut bytes = vec![0_u8; 10 * BLOCK + 100];
        for at in [0, 3 * BLOCK + 5, 4 * BLOCK, 10 * BLOCK + 99] {
            bytes[at] = 1;
        }
        let runs: Vec<_> = data_runs(&bytes).collect();
        assert_eq!(
            runs,
            [0..BLOCK, 3 * BLOCK..5 * BLOCK, 10 * BLOCK..10 * BLOCK + 100]
        );

        let (one, two) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
        let sink = SparseFiles::new(vec![(&one, PathBuf::new()), (&two, PathBuf::new())]);
        sink.write_at(&bytes[5 * BLOCK..], 5 * BLOCK as u64).unwrap();
        sink.write_at(&bytes[..5 * BLOCK], 0).unwrap();
        sink.set_len(bytes.len() as u64).unwrap();
        for file in [&one, &two] {
            assert!(has_bytes_at(file, &bytes, 0).unwrap());
        }
    }
}
