//! What a base image comes wrapped in. Recognised by content, never by name.

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

/// Something that holds a raw image.
pub trait Container: Send + Sync {
    /// What it is, for a person: `xz, 97 blocks`.
    fn describe(&self) -> String;

    /// Size of the raw image in bytes, where the container knows it without decoding.
    fn raw_size(&self) -> Option<u64>;

    /// The raw image at any offset, where the container can do that without decoding everything before it.
    fn random_access(&self) -> Option<Arc<dyn ReadAt>>;

    /// Decodes the whole raw image into `sink` and returns its size. `task` counts raw bytes.
    ///
    /// # Errors
    /// Damage anywhere is [`Category::Verification`].
    fn decode(&self, sink: &dyn RawSink, task: &dyn Task) -> Result<u64>;

    /// Returns what only an xz file has.
    fn as_xz(&self) -> Option<Xz<'_>> {
        None
    }
}

/// An xz file.
#[derive(Clone, Copy)]
pub struct Xz<'a> {
    /// How its first stream is checked.
    pub check: Check,
    /// Its blocks, where they can be found.
    pub blocks: Option<&'a XzBlocks>,
}

impl Xz<'_> {
    /// Says whether blocks of it can be copied whose data nothing checks.
    pub fn is_unchecked(self) -> bool {
        self.check == Check::None && self.blocks.is_some()
    }
}

/// What the first bytes of a file say it is.
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
    /// bzip2 streams begin so.
    Bzip2,
    /// 7-Zip archives begin so.
    SevenZip,
    /// None of these: a raw image, if it has a partition table.
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

/// Recognises and opens a container. `path` is for messages only: every byte comes from `file`.
/// What has to be unpacked on the way lies in nameless files in the folder `scratch`.
///
/// # Errors
/// [`Category::Verification`] when the file is damaged or nothing that holds an image.
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
        .with_remedy("unpack it first; .img, .img.xz, .img.gz and .zip are read as they are")
    };
    match Magic::of(&head) {
        Magic::Xz => xz::open(file, path, scratch),
        Magic::Zip => Ok(Box::new(zip::Zip::open(file, path)?)),
        Magic::Gzip => Ok(Box::new(gzip::Gzip::new(file))),
        Magic::Raw => Ok(Box::new(raw::Raw::new(file, size))),
        Magic::Zstandard => Err(unsupported("Zstandard")),
        Magic::Bzip2 => Err(unsupported("bzip2")),
        Magic::SevenZip => Err(unsupported("7-Zip")),
    }
}
