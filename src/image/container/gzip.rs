//! `.img.gz`: one or more gzip members (RFC 1952).

use std::fs::File;
use std::io::BufReader;
use std::sync::Arc;

use flate2::bufread::MultiGzDecoder;

use super::Container;
use super::stream::{self, FromStart};
use crate::disk::read_at::RawSink;
use crate::error::Result;
use crate::progress::Task;

/// A gzip file. Its trailer only has the size of the last member, modulo 4 GiB, so the raw size is not known.
pub(super) struct Gzip(pub(super) Arc<File>);

impl Container for Gzip {
    fn describe(&self) -> String {
        "gzip".to_owned()
    }

    fn decode(&self, sink: &dyn RawSink, task: &dyn Task) -> Result<u64> {
        let decoder = MultiGzDecoder::new(BufReader::with_capacity(1 << 16, FromStart::new(&*self.0)));
        stream::decode(decoder, "gzip", sink, task)
    }
}
