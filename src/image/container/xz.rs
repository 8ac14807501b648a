//! `.img.xz`.

use std::fs::File;
use std::io::BufReader;
use std::sync::Arc;

use super::Container;
use super::stream::{self, FromStart};
use crate::error::Result;
use crate::image::read_at::{RawSink, ReadAt};
use crate::progress::Task;

struct Streamed {
    file: Arc<File>,
}

pub(super) fn open(file: Arc<File>) -> Result<Box<dyn Container>> {
    Ok(Box::new(Streamed { file }))
}

impl Container for Streamed {
    fn describe(&self) -> String {
        "xz".to_owned()
    }

    fn raw_size(&self) -> Option<u64> {
        None
    }

    fn random_access(&self) -> Option<Arc<dyn ReadAt>> {
        None
    }

    fn decode(&self, sink: &dyn RawSink, task: &dyn Task) -> Result<u64> {
        let decoder = xz2::bufread::XzDecoder::new_multi_decoder(BufReader::new(FromStart::new(&*self.file)));
        stream::decode(decoder, "xz", sink, task)
    }
}
