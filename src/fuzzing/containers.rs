//! Whole files with an image in them.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::disk::read_at::RawSink;
use crate::error::{Category, Error, Result};
use crate::image::container;
use crate::progress::Silent;
use crate::threads::lock;

/// Limit for decoded bytes. A few kilobytes can decode to much more, which only takes time.
pub(super) const LIMIT: u64 = 16 << 20;

/// Collects a raw image of up to [`LIMIT`] bytes.
#[derive(Default)]
pub(super) struct Collected(Mutex<Vec<u8>>);

impl Collected {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0.into_inner().unwrap()
    }
}

impl RawSink for Collected {
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        let end = offset.saturating_add(bytes.len() as u64);
        if end > LIMIT {
            return Err(Error::new(Category::Other, TOO_MUCH));
        }
        let (start, end) = (usize::try_from(offset).unwrap(), usize::try_from(end).unwrap());
        let mut all = lock(&self.0);
        let size = all.len().max(end);
        all.resize(size, 0);
        all[start..end].copy_from_slice(bytes);
        Ok(())
    }
}

/// Begins the error of [`Collected`].
pub(super) const TOO_MUCH: &str = "more than the limit was decoded";

/// Returns an unnamed file.
pub(super) fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

pub(super) fn container(data: &[u8]) {
    let scratch = std::env::temp_dir();
    let Ok(container) = container::open(Arc::new(file(data)), Path::new("base"), &scratch) else {
        return;
    };
    let sink = Collected::default();
    if let Ok(size) = container.decode(&sink, &Silent) {
        assert_eq!(size, sink.into_bytes().len() as u64);
        assert!(container.raw_size().is_none_or(|announced| announced == size));
    }
}
