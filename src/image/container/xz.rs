//! `.img.xz`: accessed by blocks if it has them, otherwise read from start to end.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Container, Xz};
use crate::disk::read_at::{RawSink, ReadAt};
use crate::error::{Context as _, Result};
use crate::image::xz::{
    BlockReader, Check, Opened, XzImage, decode_all, decode_stream, first_check, is_worth_splicing,
};
use crate::progress::Task;
use crate::threads;

use super::stream::FromStart;

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
}

/// An xz file that can only be read from start to end.
struct Streamed {
    file: Arc<File>,
    path: PathBuf,
    reason: String,
    /// The checksum type of its first stream.
    check: Check,
}

pub(super) fn open(file: Arc<File>, path: &Path, scratch: &Path) -> Result<Box<dyn Container>> {
    let opened = XzImage::open(Arc::<File>::clone(&file));
    let path = path.to_owned();
    match opened.while_doing(|| format!("opening {}", path.display()))? {
        Opened::Indexed(image) => {
            let reader = BlockReader::new(image, scratch)?;
            Ok(Box::new(XzBlocks {
                file,
                path,
                reader: Arc::new(reader),
            }))
        }
        Opened::Stream(reason) => {
            let check = first_check(&*file)?;
            Ok(Box::new(Streamed {
                file,
                path,
                reason,
                check,
            }))
        }
    }
}

impl Container for XzBlocks {
    fn describe(&self) -> String {
        match self.reader.image.blocks.len() {
            1 => "xz, one block".to_owned(),
            blocks => format!("xz, {blocks} blocks"),
        }
    }

    fn raw_size(&self) -> Option<u64> {
        Some(self.reader.image.raw_size)
    }

    fn random_access(&self) -> Option<Arc<dyn ReadAt>> {
        Some(Arc::<BlockReader>::clone(&self.reader))
    }

    fn decode(&self, sink: &dyn RawSink, task: &dyn Task) -> Result<u64> {
        let image = &self.reader.image;
        decode_all(image, sink, threads::available(), task)
            .while_doing(|| format!("decompressing {}", self.path.display()))?;
        Ok(image.raw_size)
    }

    fn as_xz(&self) -> Option<Xz<'_>> {
        Some(Xz {
            check: self.reader.image.check,
            blocks: Some(self),
        })
    }
}

impl Container for Streamed {
    fn describe(&self) -> String {
        format!("xz, read from start to end because {}", self.reason)
    }

    fn as_xz(&self) -> Option<Xz<'_>> {
        Some(Xz {
            check: self.check,
            blocks: None,
        })
    }

    fn decode(&self, sink: &dyn RawSink, task: &dyn Task) -> Result<u64> {
        let mut source = FromStart::new(&*self.file);
        decode_stream(&mut source, sink, threads::available(), task)
            .while_doing(|| format!("decompressing {} ({})", self.path.display(), self.describe()))
    }
}
