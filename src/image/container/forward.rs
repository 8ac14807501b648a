//! Containers that can be unpacked before their end is known.

use std::io::{BufReader, Cursor, Read};

use flate2::bufread::MultiGzDecoder;

use super::{Magic, stream};
use crate::disk::read_at::RawSink;
use crate::error::{Category, Error, Result};
use crate::image::xz::decode_stream;
use crate::progress::Task;
use crate::threads;

/// Bytes that tell what it is.
const HEAD: u64 = 6;

/// A container of which there is only a reader.
pub(in crate::image) struct Forward<R> {
    format: Format,
    reader: std::io::Chain<Cursor<Vec<u8>>, R>,
}

enum Format {
    Xz,
    Gzip,
}

impl<R: Read> Forward<R> {
    /// Recognises it by its first bytes.
    ///
    /// # Errors
    /// When it is none that it makes sense to unpack so. A zip archive says at its end what is in it, and a raw image
    /// is only to be copied.
    pub(in crate::image) fn new(mut reader: R) -> Result<Self> {
        let mut head = Vec::new();
        reader
            .by_ref()
            .take(HEAD)
            .read_to_end(&mut head)
            .map_err(|error| stream::damaged(&error, "first", 0))?;
        let format = match Magic::of(&head) {
            Magic::Xz => Format::Xz,
            Magic::Gzip => Format::Gzip,
            _ => {
                return Err(Error::new(
                    Category::Other,
                    "its format is not unpacked before its end is there",
                ));
            }
        };
        let reader = Cursor::new(head).chain(reader);
        Ok(Self { format, reader })
    }

    /// Unpacks the whole raw image into `sink`, as [`super::Container::decode`] does.
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
