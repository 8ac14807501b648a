//! `.img`: a raw image without a container.

use std::fs::File;
use std::sync::Arc;

use super::Container;
use super::stream::{self, FromStart};
use crate::disk::read_at::{RawSink, ReadAt};
use crate::error::Result;
use crate::progress::Task;

pub(super) struct Raw {
    pub(super) file: Arc<File>,
    pub(super) size: u64,
}

impl Container for Raw {
    fn describe(&self) -> String {
        "raw".to_owned()
    }

    fn raw_size(&self) -> Option<u64> {
        Some(self.size)
    }

    fn random_access(&self) -> Option<Arc<dyn ReadAt>> {
        Some(Arc::<File>::clone(&self.file))
    }

    fn decode(&self, sink: &dyn RawSink, task: &dyn Task) -> Result<u64> {
        stream::decode(FromStart::new(&*self.file), "raw", sink, task)
    }
}
