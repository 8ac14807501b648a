//! `.img.gz`: one or more gzip members (RFC 1952).

use std::fs::File;
use std::io::BufReader;
use std::sync::Arc;

use flate2::bufread::MultiGzDecoder;

use super::Container;
use super::stream::{self, FromStart};
use crate::disk::read_at::{RawSink, ReadAt};
use crate::error::Result;
use crate::progress::Task;

/// A gzip file.
pub(super) struct Gzip {
    file: Arc<File>,
}

impl Gzip {
    pub(super) fn new(file: Arc<File>) -> Self {
        Self { file }
    }
}

impl Container for Gzip {
    fn describe(&self) -> String {
        "gzip".to_owned()
    }

    fn raw_size(&self) -> Option<u64> {
        // The trailer only has the size of the last member, modulo 4 GiB.
        None
    }

    fn random_access(&self) -> Option<Arc<dyn ReadAt>> {
        None
    }

    fn decode(&self, sink: &dyn RawSink, task: &dyn Task) -> Result<u64> {
        let decoder = MultiGzDecoder::new(BufReader::with_capacity(1 << 16, FromStart::new(&*self.file)));
        stream::decode(decoder, "gzip", sink, task)
    }
}
