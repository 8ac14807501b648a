//! Looking into an image that can only be decoded from front to back.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::disk::read_at::{RawSink, ReadAt};
use crate::disk::scratch;
use crate::disk::sparse::SparseFiles;
use crate::error::{Category, Context, Error, Result};
use crate::image::container::Container;
use crate::progress::Silent;

/// How much is decoded: the boot partition of every known image ends before 521 MiB.
const LIMIT: u64 = 1 << 30;

/// The raw image inside a container, for reading its partition table and boot partition.
///
/// Containers without random access have their first GiB decoded into a nameless temporary file.
pub fn open(container: &dyn Container) -> Result<Arc<dyn ReadAt>> {
    if let Some(raw) = container.random_access() {
        return Ok(raw);
    }
    let folder = scratch::folder();
    let file = tempfile::tempfile_in(&folder)
        .disk(|| format!("creating a temporary file of up to 1 GiB in {}", folder.display()))
        .map_err(|error| error.with_remedy("set TMPDIR to a folder with room"))?;
    let enough = AtomicBool::new(false);
    let sink = Prefix {
        below: SparseFiles::new(vec![(&file, folder.join("a temporary file"))]),
        enough: &enough,
    };
    let decoded = match container.decode(&sink, &Silent) {
        Ok(size) => {
            sink.below.set_len(size)?;
            Some(size)
        }
        Err(_) if enough.load(Ordering::Relaxed) => {
            sink.below.set_len(LIMIT)?;
            container.raw_size()
        }
        Err(error) => return Err(error),
    };
    Ok(Arc::new(Beginning { file, size: decoded }))
}

struct Prefix<'a> {
    below: SparseFiles<'a>,
    enough: &'a AtomicBool,
}

impl RawSink for Prefix<'_> {
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        if offset >= LIMIT {
            self.enough.store(true, Ordering::Relaxed);
            return Err(Error::new(Category::Other, "enough of the image was decoded"));
        }
        self.below.write_at(bytes, offset)
    }
}

/// The beginning of an image; `size` is the whole image's, where it is known.
struct Beginning {
    file: File,
    size: Option<u64>,
}

impl ReadAt for Beginning {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.size.unwrap_or(u64::MAX))
    }
}
