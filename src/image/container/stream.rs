//! Decodes formats that can only be read from start to end.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use flate2::bufread::GzDecoder;

use super::Magic;
use super::limit::{Limited, MAX_UNKNOWN_SIZE};
use crate::disk::read_at::{RawSink, ReadAt};
use crate::error::{Category, Error, Result};
use crate::image::xz::decode_stream;
use crate::progress::Task;
use crate::threads;

/// Bytes needed to recognise the format.
const MAGIC_SIZE: u64 = 6;

/// Bytes decoded at once.
const BUFFER_SIZE: usize = 1 << 20;

/// Reads a decoder to its end into `sink` and returns the number of bytes. Fails with [`Category::Verification`] for
/// damaged data, with [`Category::Disk`] for read errors.
pub(super) fn decode(
    mut decoder: impl Read,
    format: &str,
    sink: &dyn RawSink,
    task: &dyn Task,
) -> Result<u64> {
    let mut buffer = Vec::with_capacity(BUFFER_SIZE);
    let mut done: u64 = 0;
    loop {
        buffer.clear();
        let mut piece = decoder.by_ref().take(BUFFER_SIZE as u64);
        let filled = piece.read_to_end(&mut buffer);
        let filled = filled.map_err(|error| damaged(&error, format, done))? as u64;
        if filled == 0 {
            return Ok(done);
        }
        sink.write_at(&buffer, done)?;
        done = done.saturating_add(filled);
        task.advance(filled);
    }
}

/// Decodes gzip members (RFC 1952), one after the other.
pub(super) fn decode_gzip(packed: impl Read, sink: &dyn RawSink, task: &dyn Task) -> Result<u64> {
    let packed = BufReader::with_capacity(1 << 16, packed);
    decode(Members(Some(GzDecoder::new(packed))), "gzip", sink, task)
}

/// Reads the members of a gzip file. Zeros after the last one are padding, which gzip(1) ignores too: devices with a fixed
/// block size add them.
struct Members<R>(Option<GzDecoder<R>>);

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.0 {
            let read = member.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            let packed = member.get_mut();
            let is_padded = skip_zeros(packed)?;
            if packed.fill_buf()?.is_empty() {
                break;
            }
            if is_padded {
                let what = "there is other data behind the zeros at its end";
                return Err(io::Error::new(io::ErrorKind::InvalidData, what));
            }
            self.0 = self.0.take().map(|member| GzDecoder::new(member.into_inner()));
        }
        Ok(0)
    }
}

/// Skips zero bytes and returns whether there were any.
fn skip_zeros(packed: &mut impl BufRead) -> io::Result<bool> {
    let mut found = false;
    loop {
        let bytes = match packed.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            bytes => bytes?,
        };
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        if zeros == 0 {
            return Ok(found);
        }
        found = true;
        packed.consume(zeros);
    }
}

fn damaged(error: &io::Error, format: &str, done: u64) -> Error {
    // Only errors from the operating system have a number.
    if error.raw_os_error().is_some() {
        return Error::new(Category::Disk, format!("reading the base image: {error}"));
    }
    Error::new(
        Category::Verification,
        format!("the base image is damaged: its {format} data is incomplete or invalid after {done} bytes: {error}"),
    )
    .with_remedy("download the image again")
}

/// Reads a file from the start without changing its shared position.
pub(super) struct FromStart<R> {
    below: R,
    position: u64,
}

impl<R: ReadAt> FromStart<R> {
    pub(super) fn new(below: R) -> Self {
        Self { below, position: 0 }
    }
}

impl<R: ReadAt> Read for FromStart<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.below.read_at(buffer, self.position)?;
        self.position = self.position.saturating_add(read as u64);
        Ok(read)
    }
}

impl<R: ReadAt> io::Seek for FromStart<R> {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        let position = match to {
            io::SeekFrom::Start(at) => Some(at),
            io::SeekFrom::End(by) => self.below.size()?.checked_add_signed(by),
            io::SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

/// A container whose end is not available yet.
pub(in crate::image) enum Forward<R> {
    Xz(io::Chain<Cursor<Vec<u8>>, R>),
    Gzip(io::Chain<Cursor<Vec<u8>>, R>),
}

impl<R: Read> Forward<R> {
    /// Recognises the format by the first bytes. Fails if the format cannot be decoded this way, or there is no
    /// point: a zip archive has its directory at the end, and a raw image only needs to be copied.
    pub(in crate::image) fn new(mut reader: R) -> Result<Self> {
        let mut head = Vec::new();
        let read = reader.by_ref().take(MAGIC_SIZE).read_to_end(&mut head);
        read.map_err(|error| damaged(&error, "first", 0))?;
        let magic = Magic::of(&head);
        let reader = Cursor::new(head).chain(reader);
        match magic {
            Magic::Xz => Ok(Self::Xz(reader)),
            Magic::Gzip => Ok(Self::Gzip(reader)),
            _ => {
                let what = "its format cannot be decoded during the download";
                Err(Error::new(Category::Other, what))
            }
        }
    }

    /// Decodes the whole raw image of `size` bytes, if known, into `sink`, like [`super::Container::decode`].
    pub(in crate::image) fn decode(
        self,
        size: Option<u64>,
        sink: &dyn RawSink,
        task: &dyn Task,
    ) -> Result<u64> {
        let limit = size.unwrap_or(MAX_UNKNOWN_SIZE);
        let sink = &Limited { below: sink, limit };
        match self {
            Self::Xz(mut packed) => decode_stream(&mut packed, sink, threads::available(), task),
            Self::Gzip(packed) => decode_gzip(packed, sink, task),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::disk::read_at::Discard;
    use crate::progress::{Progress as _, Silent};

    #[test]
    fn a_small_file_does_not_decode_without_end() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let size = 3 * BUFFER_SIZE;
        gzip.write_all(&vec![0; size]).unwrap();
        let gzip = gzip.finish().unwrap();
        let task = Silent.begin("decoding", None);
        let decode = |limit: usize| {
            let forward = Forward::new(&*gzip).unwrap();
            forward.decode(Some(limit as u64), &Discard, &*task)
        };
        assert_eq!(decode(size).unwrap(), size as u64);
        let error = decode(size - 1).unwrap_err();
        assert_eq!(error.category(), Category::Verification);
        assert!(error.to_string().contains("more than"), "{error}");
    }

    #[test]
    fn only_zeros_may_follow_the_last_gzip_member() {
        let member = |text: &[u8]| {
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gzip.write_all(text).unwrap();
            gzip.finish().unwrap()
        };
        let task = Silent.begin("decoding", None);
        let decode = |file: &[Vec<u8>]| decode_gzip(&*file.concat(), &Discard, &*task);
        let [one, two] = [member(b"one"), member(b"and two")];
        assert_eq!(decode(&[one.clone(), two.clone()]).unwrap(), 10);
        for zeros in [1, 512, 200_000] {
            assert_eq!(decode(&[one.clone(), two.clone(), vec![0; zeros]]).unwrap(), 10);
        }
        for bad in [vec![1], vec![0, 1], [vec![0; 512], two].concat()] {
            let error = decode(&[one.clone(), bad]).unwrap_err();
            assert_eq!(error.category(), Category::Verification, "{error}");
        }
    }
}
