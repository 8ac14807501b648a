//! `.img.xz`: by its blocks where it has them, else from front to back.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use super::{Blocks, Container};
use crate::error::Result;
use crate::image::read_at::{RawSink, ReadAt};
use crate::image::threads;
use crate::image::xz::{BlockReader, Opened, XzImage, decode_all, decode_stream};
use crate::progress::Task;

use super::stream::FromStart;

/// Blocks that unpack independently of each other.
struct Indexed {
    file: Arc<File>,
    reader: Arc<BlockReader>,
}

/// Only to be read from front to back.
struct Streamed {
    file: Arc<File>,
    reason: String,
}

pub(super) fn open(file: Arc<File>, scratch: &Path) -> Result<Box<dyn Container>> {
    match XzImage::open(Arc::<File>::clone(&file))? {
        Opened::Indexed(image) => {
            let reader = BlockReader::new(Arc::new(image), scratch)?;
            Ok(Box::new(Indexed {
                file,
                reader: Arc::new(reader),
            }))
        }
        Opened::Stream(reason) => Ok(Box::new(Streamed { file, reason })),
    }
}

impl Container for Indexed {
    fn describe(&self) -> String {
        match self.reader.image().blocks().len() {
            1 => "xz, one block".to_owned(),
            blocks => format!("xz, {blocks} blocks"),
        }
    }

    fn raw_size(&self) -> Option<u64> {
        Some(self.reader.image().raw_size())
    }

    fn random_access(&self) -> Option<Arc<dyn ReadAt>> {
        Some(Arc::<BlockReader>::clone(&self.reader))
    }

    fn decode(&self, sink: &dyn RawSink, task: &dyn Task) -> Result<u64> {
        let image = self.reader.image();
        decode_all(image, sink, threads::available(), task)?;
        Ok(image.raw_size())
    }

    fn blocks(&self) -> Option<Blocks<'_>> {
        Some(Blocks {
            file: &self.file,
            reader: &self.reader,
        })
    }
}

impl Container for Streamed {
    fn describe(&self) -> String {
        format!("xz, read from front to back because {}", self.reason)
    }

    fn raw_size(&self) -> Option<u64> {
        None
    }

    fn random_access(&self) -> Option<Arc<dyn ReadAt>> {
        None
    }

    fn decode(&self, sink: &dyn RawSink, task: &dyn Task) -> Result<u64> {
        decode_stream(&mut FromStart::new(&*self.file), sink, threads::available(), task)
    }
}
