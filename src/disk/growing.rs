//! A file that one thread reads while another appends to it.

use std::fs::File;
use std::io::{self, Read};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crate::disk::read_at::ReadAt;
use crate::threads::lock;

/// The progress of the writer.
#[derive(Default)]
pub struct Growth {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Bytes available.
    size: u64,
    end: End,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum End {
    #[default]
    Open,
    /// No more bytes follow.
    Complete,
    /// The reader must stop.
    Abandoned,
}

impl Growth {
    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut lock(&self.state));
        self.changed.notify_all();
    }

    /// Makes the first `size` bytes available.
    pub fn grown_to(&self, size: u64) {
        self.change(|state| state.size = size);
    }

    /// Marks the file as complete with `size` bytes.
    pub fn complete(&self, size: u64) {
        self.change(|state| {
            state.size = size;
            if state.end == End::Open {
                state.end = End::Complete;
            }
        });
    }

    /// Stops the reader for good.
    pub fn abandon(&self) {
        self.change(|state| state.end = End::Abandoned);
    }

    /// Returns whether reading was stopped. The bytes read may then differ from the final file.
    pub fn is_abandoned(&self) -> bool {
        lock(&self.state).end == End::Abandoned
    }

    /// Waits until more than `position` bytes are available or the file is complete. Returns the number of available bytes.
    fn wait_beyond(&self, position: u64) -> io::Result<u64> {
        let state = self
            .changed
            .wait_while(lock(&self.state), |state| {
                state.end == End::Open && state.size <= position
            })
            .unwrap_or_else(PoisonError::into_inner);
        match state.end {
            End::Abandoned => Err(io::Error::other("the writer gave up")),
            End::Open | End::Complete => Ok(state.size),
        }
    }
}

/// Reads the file from the start and waits for more bytes at its end.
pub struct GrowingFile {
    file: File,
    growth: Arc<Growth>,
    position: u64,
}

impl GrowingFile {
    pub fn new(file: File, growth: Arc<Growth>) -> Self {
        Self {
            file,
            growth,
            position: 0,
        }
    }
}

impl Read for GrowingFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.growth.wait_beyond(self.position)?;
        let left = usize::try_from(available.saturating_sub(self.position)).unwrap_or(usize::MAX);
        let wanted = left.min(buffer.len());
        let read = self
            .file
            .read_at(buffer.get_mut(..wanted).unwrap_or_default(), self.position)?;
        if read == 0 && wanted > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.position = self.position.saturating_add(read as u64);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::read_at::write_all_at;
    use std::thread;

    #[test]
    fn bytes_appended_in_pieces_are_read_once_and_in_order() {
        let file = tempfile::tempfile().unwrap();
        let growth = Arc::new(Growth::default());
        let mut reader = GrowingFile::new(file.try_clone().unwrap(), Arc::clone(&growth));
        let reading = thread::spawn(move || {
            let mut all = Vec::new();
            reader.read_to_end(&mut all).map(|_| all)
        });
        let bytes: Vec<_> = (0..=255_u8).cycle().take(10_000).collect();
        for (number, piece) in bytes.chunks(700).enumerate() {
            let at = number as u64 * 700;
            write_all_at(&file, piece, at).unwrap();
            growth.grown_to(at + piece.len() as u64);
        }
        growth.complete(10_000);
        assert!(reading.join().unwrap().unwrap() == bytes);
    }

    #[test]
    fn an_abandoned_reader_stops_waiting() {
        let growth = Arc::new(Growth::default());
        growth.grown_to(10);
        let mut reader = GrowingFile::new(tempfile::tempfile().unwrap(), Arc::clone(&growth));
        let reading = thread::spawn(move || {
            reader.position = 10;
            reader.read(&mut [0; 5])
        });
        growth.abandon();
        assert!(reading.join().unwrap().is_err());
        growth.complete(10);
        assert!(growth.is_abandoned(), "an abandoned file must stay abandoned");
    }
}
