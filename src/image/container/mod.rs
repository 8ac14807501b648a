//! The containers that hold a raw image, recognised by content and not by name.

mod limit;
mod stream;
mod xz;
mod zip;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use limit::{Limited, MAX_UNKNOWN_SIZE};
pub(super) use stream::Forward;
use stream::FromStart;
pub use xz::XzBlocks;
use xz::XzStream;
use zip::Zip;

use crate::disk::read_at::{Discard, RawSink, ReadAt};
use crate::error::{Category, Context, Error, Result};
use crate::image::xz::{BlockReader, Check};
use crate::progress::{Progress, Task};

/// A file with a raw image in it.
pub enum Container {
    /// `.img`: the raw image itself, with its size in bytes.
    Raw(Arc<File>, u64),
    /// `.img.gz`. The trailer only has the size of the last member, modulo 4 GiB, so the raw size is not known.
    Gzip(Arc<File>),
    /// `.zip`.
    Zip(Zip),
    /// `.img.xz` with independent blocks.
    XzBlocks(XzBlocks),
    /// `.img.xz` that can only be read from start to end.
    XzStream(XzStream),
}

impl Container {
    /// Returns a description for the user, such as `xz, 97 blocks`.
    pub fn describe(&self) -> String {
        match self {
            Self::Raw(..) => "raw".to_owned(),
            Self::Gzip(_) => "gzip".to_owned(),
            Self::Zip(zip) => zip.describe(),
            Self::XzBlocks(xz) => xz.describe(),
            Self::XzStream(xz) => xz.describe(),
        }
    }

    /// Returns the size of the raw image in bytes, if known without decoding.
    pub fn raw_size(&self) -> Option<u64> {
        match self {
            Self::Raw(_, size) => Some(*size),
            Self::Zip(zip) => Some(zip.size),
            Self::XzBlocks(xz) => Some(xz.reader.image.raw_size),
            Self::Gzip(_) | Self::XzStream(_) => None,
        }
    }

    /// Returns random access to the raw image, if possible without decoding everything before an offset.
    pub fn random_access(&self) -> Option<Arc<dyn ReadAt>> {
        match self {
            Self::Raw(file, _) => Some(Arc::<File>::clone(file)),
            Self::XzBlocks(xz) => Some(Arc::<BlockReader>::clone(&xz.reader)),
            Self::Gzip(_) | Self::Zip(_) | Self::XzStream(_) => None,
        }
    }

    /// Decodes the whole raw image into `sink` and returns its size. `task` counts raw bytes. Fails with
    /// [`Category::Verification`] if the container is damaged, or decodes to more than its size or 32 GiB.
    pub fn decode(&self, sink: &dyn RawSink, task: &dyn Task) -> Result<u64> {
        let sink = &Limited {
            below: sink,
            limit: self.raw_size().unwrap_or(MAX_UNKNOWN_SIZE),
        };
        match self {
            Self::Raw(file, _) => stream::decode(FromStart::new(&**file), "raw", sink, task),
            Self::Gzip(file) => stream::decode_gzip(FromStart::new(&**file), sink, task),
            Self::Zip(zip) => zip.decode(sink, task),
            Self::XzBlocks(xz) => xz.decode(sink, task),
            Self::XzStream(xz) => xz.decode(sink, task),
        }
    }

    /// Decodes the whole image to learn whether the container is damaged: a better reason for an error that its content
    /// caused, because what is read before a checksum may be anything.
    pub fn damage(&self, progress: &dyn Progress) -> Option<Error> {
        if matches!(self, Self::Raw(..)) {
            return None;
        }
        let task = progress.begin("checking the image for damage", self.raw_size());
        self.decode(&Discard, &*task).err()
    }

    /// Returns the blocks of an xz file, if they can be accessed independently.
    pub fn blocks(&self) -> Option<&XzBlocks> {
        match self {
            Self::XzBlocks(blocks) => Some(blocks),
            _ => None,
        }
    }

    /// Returns the checksum type of the first stream of an xz file.
    pub fn xz_check(&self) -> Option<Check> {
        match self {
            Self::XzBlocks(xz) => Some(xz.reader.image.check),
            Self::XzStream(xz) => Some(xz.check),
            _ => None,
        }
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
pub fn open(file: Arc<File>, path: &Path, scratch: &Path) -> Result<Container> {
    let size = file
        .size()
        .disk(|| format!("reading the size of {}", path.display()))?;
    let mut head = [0; 512];
    let length = usize::try_from(size).unwrap_or(usize::MAX).min(head.len());
    file.read_exact_at(head.get_mut(..length).unwrap_or_default(), 0)
        .disk(|| format!("reading {}", path.display()))?;
    let unsupported = |format: &str| {
        let what = format!("{} is compressed with {format}", path.display());
        Error::new(Category::Verification, what)
            .with_remedy("decompress it first; .img, .img.xz, .img.gz and .zip can be used directly")
    };
    match Magic::of(&head) {
        Magic::Xz => xz::open(file, path, scratch),
        Magic::Zip => Ok(Container::Zip(Zip::open(file, path)?)),
        Magic::Gzip => Ok(Container::Gzip(file)),
        Magic::Raw => Ok(Container::Raw(file, size)),
        Magic::Zstandard => Err(unsupported("Zstandard")),
        Magic::Bzip2 => Err(unsupported("bzip2")),
        Magic::SevenZip => Err(unsupported("7-Zip")),
    }
}
