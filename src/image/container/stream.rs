//! Decodes formats that can only be read from start to end.

use std::io::{self, Read};

use crate::disk::read_at::{RawSink, ReadAt};
use crate::error::{Category, Error, Result};
use crate::progress::Task;

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
    let mut buffer = vec![0; BUFFER_SIZE];
    let mut done: u64 = 0;
    loop {
        let filled = fill(&mut decoder, &mut buffer).map_err(|error| damaged(&error, format, done))?;
        if filled == 0 {
            return Ok(done);
        }
        sink.write_at(buffer.get(..filled).unwrap_or_default(), done)?;
        done = done.saturating_add(filled as u64);
        task.advance(filled as u64);
    }
}

/// Reads until the buffer is full or the end is reached.
fn fill(decoder: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match decoder.read(rest) {
            Ok(0) => break,
            Ok(read) => filled = filled.saturating_add(read),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

pub(super) fn damaged(error: &io::Error, format: &str, done: u64) -> Error {
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
