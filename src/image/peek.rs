//! Reads the start of a raw image from any container.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::disk::read_at::{RawSink, ReadAt};
use crate::disk::scratch;
use crate::disk::sparse::SparseFiles;
use crate::error::{Category, Error, Result};
use crate::image::container::Container;
use crate::progress::Progress;

/// Limit for decoding, in bytes: the boot partition of every known image ends before 521 MiB.
const LIMIT: u64 = 1 << 30;

/// Opens the raw image inside a container for reading its partition table and its boot partition.
///
/// If the container has no random access, the first [`LIMIT`] bytes are decoded into an unnamed temporary file.
pub fn open(container: &Container, progress: &dyn Progress) -> Result<Arc<dyn ReadAt>> {
    if let Some(image) = container.random_access() {
        return Ok(image);
    }
    let folder = scratch::folder();
    let file = scratch::file_in(&folder)
        .map_err(|error| error.with_remedy("set TMPDIR to a folder with enough space"))?;
    let sink = LimitedSink {
        below: SparseFiles::new(vec![(&file, folder.join("a temporary file"))]),
        is_full: AtomicBool::new(false),
    };
    let task = progress.begin(
        "reading the boot files",
        container.raw_size().map(|size| size.min(LIMIT)),
    );
    let (decoded, size) = match container.decode(&sink, &*task) {
        Ok(size) => (size, Some(size)),
        Err(_) if sink.is_full.load(Ordering::Relaxed) => (LIMIT, container.raw_size()),
        Err(error) => return Err(error),
    };
    sink.below.set_len(decoded)?;
    Ok(Arc::new(PartialImage { file, decoded, size }))
}

/// Stops decoding at the limit.
struct LimitedSink<'a> {
    below: SparseFiles<'a>,
    is_full: AtomicBool,
}

impl RawSink for LimitedSink<'_> {
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        if offset >= LIMIT {
            self.is_full.store(true, Ordering::Relaxed);
            return Err(Error::new(Category::Other, "enough of the image was decoded"));
        }
        self.below.write_at(bytes, offset)
    }
}

/// The first bytes of an image.
struct PartialImage {
    file: File,
    /// The number of decoded bytes in the file.
    decoded: u64,
    /// Size of the whole image in bytes, if the container knows it.
    size: Option<u64>,
}

impl ReadAt for PartialImage {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let read = self.file.read_at(buffer, offset)?;
        if read == 0 && !buffer.is_empty() && offset >= self.decoded && self.size != Some(self.decoded) {
            let what = "the boot partition does not end within the first GiB of the image";
            let error = Error::new(Category::Verification, what);
            return Err(io::Error::other(error.with_remedy(
                "decompress the image first and use the .img file with --base",
            )));
        }
        Ok(read)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.size.unwrap_or(u64::MAX))
    }
}
