//! The containers that hold a raw image, recognised by content and not by name.

mod forward;
mod gzip;
mod raw;
mod stream;
mod xz;
mod zip;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

pub(super) use forward::Forward;
pub use xz::XzBlocks;

use crate::disk::read_at::{RawSink, ReadAt};
use crate::error::{Category, Context, Error, Result};
use crate::image::xz::Check;
use crate::progress::Task;

/// A container with a raw image.
pub trait Container: Send + Sync {
    /// Returns a description for the user, such as `xz, 97 blocks`.
    fn describe(&self) -> String;

    /// Returns the size of the raw image in bytes, if known without decoding.
    fn raw_size(&self) -> Option<u64> {
        None
    }

    /// Returns random access to the raw image, if possible without decoding everything before an offset.
    fn random_access(&self) -> Option<Arc<dyn ReadAt>> {
        None
    }

    /// Decodes the whole raw image into `sink` and returns its size. `task` counts raw bytes. Fails with
    /// [`Category::Verification`] if the container is damaged.
    fn decode(&self, sink: &dyn RawSink, task: &dyn Task) -> Result<u64>;

    /// Returns the properties of an xz file.
    fn as_xz(&self) -> Option<Xz<'_>> {
        None
    }
}

/// The properties of an xz file.
#[derive(Clone, Copy)]
pub struct Xz<'a> {
    /// The checksum type of its first stream.
    pub check: Check,
    /// Its blocks, if they can be accessed independently.
    pub blocks: Option<&'a XzBlocks>,
}

impl Xz<'_> {
    /// Returns whether it has blocks without checksums that can be copied.
    pub fn is_unchecked(self) -> bool {
        self.check == Check::None && self.blocks.is_some()
    }
}

/// The format of a file, according to its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Magic {
    /// The .xz file format 1.2.1, section 2.1.1.1.
    Xz,
    /// PKWARE APPNOTE 6.3, local file header and empty archive.
    Zip,
    /// RFC 1952, section 2.3.1.
    Gzip,
    /// RFC 8878, section 3.1.1.
    Zstandard,
    /// The header of bzip2 streams.
    Bzip2,
    /// The header of 7-Zip archives.
    SevenZip,
    /// Anything else: a raw image, if it has a partition table.
    Raw,
}

impl Magic {
    fn of(head: &[u8]) -> Self {
        match head {
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Self::Zip,
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstandard,
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Self::Bzip2,
            [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => Self::SevenZip,
            _ => Self::Raw,
        }
    }
}

/// Recognises and opens a container. `path` is only used in messages. Temporary data goes to unnamed files in the
/// folder `scratch`. Fails with [`Category::Verification`] if the file is damaged or has an unsupported format.
pub fn open(file: Arc<File>, path: &Path, scratch: &Path) -> Result<Box<dyn Container>> {
    let size = file
        .size()
        .disk(|| format!("reading the size of {}", path.display()))?;
    let mut head = [0; 512];
    let length = usize::try_from(size).unwrap_or(usize::MAX).min(head.len());
    file.read_exact_at(head.get_mut(..length).unwrap_or_default(), 0)
        .disk(|| format!("reading {}", path.display()))?;
    let unsupported = |format: &str| {
        Error::new(
            Category::Verification,
            format!("{} is compressed with {format}", path.display()),
        )
        .with_remedy("decompress it first; .img, .img.xz, .img.gz and .zip can be used directly")
    };
    match Magic::of(&head) {
        Magic::Xz => xz::open(file, path, scratch),
        Magic::Zip => Ok(Box::new(zip::Zip::open(file, path)?)),
        Magic::Gzip => Ok(Box::new(gzip::Gzip(file))),
        Magic::Raw => Ok(Box::new(raw::Raw { file, size })),
        Magic::Zstandard => Err(unsupported("Zstandard")),
        Magic::Bzip2 => Err(unsupported("bzip2")),
        Magic::SevenZip => Err(unsupported("7-Zip")),
    }
}
