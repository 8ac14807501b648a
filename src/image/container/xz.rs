//! `.img.xz`: accessed by blocks if it has them, otherwise read from start to end.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Container;
use super::stream::FromStart;
use crate::disk::read_at::RawSink;
use crate::error::{Context as _, Result};
use crate::image::xz::{
    BlockReader, Check, Opened, XzImage, decode_all, decode_stream, first_check, is_worth_splicing,
};
use crate::progress::Task;
use crate::threads;

/// An xz file with independent blocks.
pub struct XzBlocks {
    pub file: Arc<File>,
    /// The path, for messages.
    pub path: PathBuf,
    pub reader: Arc<BlockReader>,
}

impl XzBlocks {
    /// Returns whether an image can be made without decoding most of them.
    pub fn are_worth_copying(&self) -> bool {
        is_worth_splicing(&self.reader.image)
    }

    pub(super) fn describe(&self) -> String {
        match self.reader.image.blocks.len() {
            1 => "xz, one block".to_owned(),
            blocks => format!("xz, {blocks} blocks"),
        }
    }

    pub(super) fn decode(&self, sink: &dyn RawSink, task: &dyn Task) -> Result<u64> {
        let image = &self.reader.image;
        decode_all(image, sink, threads::available(), task)
            .while_doing(|| format!("decompressing {}", self.path.display()))?;
        Ok(image.raw_size)
    }
}

/// An xz file that can only be read from start to end.
pub struct XzStream {
    file: Arc<File>,
    path: PathBuf,
    reason: String,
    /// The checksum type of its first stream.
    pub(super) check: Check,
}

pub(super) fn open(file: Arc<File>, path: &Path, scratch: &Path) -> Result<Container> {
    let opened = XzImage::open(Arc::<File>::clone(&file));
    let path = path.to_owned();
    match opened.while_doing(|| format!("opening {}", path.display()))? {
        Opened::Indexed(image) => {
            let reader = BlockReader::new(image, scratch)?;
            let reader = Arc::new(reader);
            Ok(Container::XzBlocks(XzBlocks { file, path, reader }))
        }
        Opened::Stream(reason) => {
            let check = first_check(&*file)?;
            Ok(Container::XzStream(XzStream {
                file,
                path,
                reason,
                check,
            }))
        }
    }
}

impl XzStream {
    pub(super) fn describe(&self) -> String {
        format!("xz, read from start to end because {}", self.reason)
    }

    pub(super) fn decode(&self, sink: &dyn RawSink, task: &dyn Task) -> Result<u64> {
        let mut source = FromStart::new(&*self.file);
        decode_stream(&mut source, sink, threads::available(), task)
            .while_doing(|| format!("decompressing {} ({})", self.path.display(), self.describe()))
    }
}
