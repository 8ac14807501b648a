//! Decodes containers whose end is not available yet.

use std::io::{BufReader, Cursor, Read};

use flate2::bufread::MultiGzDecoder;

use super::{Magic, stream};
use crate::disk::read_at::RawSink;
use crate::error::{Category, Error, Result};
use crate::image::xz::decode_stream;
use crate::progress::Task;
use crate::threads;

/// Bytes needed to recognise the format.
const MAGIC_SIZE: u64 = 6;

/// A container that can only be read from start to end.
pub(in crate::image) struct Forward<R> {
    format: Format,
    reader: std::io::Chain<Cursor<Vec<u8>>, R>,
}

enum Format {
    Xz,
    Gzip,
}

impl<R: Read> Forward<R> {
    /// Recognises the format by the first bytes. Fails if the format cannot be decoded this way, or there is no
    /// point: a zip archive has its directory at the end, and a raw image only needs to be copied.
    pub(in crate::image) fn new(mut reader: R) -> Result<Self> {
        let mut head = Vec::new();
        reader
            .by_ref()
            .take(MAGIC_SIZE)
            .read_to_end(&mut head)
            .map_err(|error| stream::damaged(&error, "first", 0))?;
        let format = match Magic::of(&head) {
            Magic::Xz => Format::Xz,
            Magic::Gzip => Format::Gzip,
            _ => {
                let what = "its format cannot be decoded during the download";
                return Err(Error::new(Category::Other, what));
            }
        };
        let reader = Cursor::new(head).chain(reader);
        Ok(Self { format, reader })
    }

    /// Decodes the whole raw image into `sink`, like [`super::Container::decode`].
    pub(in crate::image) fn decode(mut self, sink: &dyn RawSink, task: &dyn Task) -> Result<u64> {
        match self.format {
            Format::Xz => decode_stream(&mut self.reader, sink, threads::available(), task),
            Format::Gzip => {
                let packed = BufReader::with_capacity(1 << 16, self.reader);
                stream::decode(MultiGzDecoder::new(packed), "gzip", sink, task)
            }
        }
    }
}
