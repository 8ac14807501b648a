//! SHA-256 digests of bytes and files.

use std::fmt;
use std::io;
use std::str::FromStr;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use base16ct::HexDisplay;
use serde::{Deserialize, Serialize};
use sha2::Digest;

use crate::disk::read_at::ReadAt;
use crate::error::{Category, Error, Result};
use crate::signature::Content;

/// Bytes read at once: enough that the two threads rarely wait for each other.
const CHUNK_SIZE: usize = 512 * 1024;

/// Limit for chunks that the reader may be ahead.
const MAX_QUEUED: usize = 4;

/// A SHA-256 digest, written as 64 lower-case hexadecimal digits and read in either case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sha256([u8; 32]);

impl Sha256 {
    /// Returns the digest of bytes in memory.
    pub fn of(bytes: &[u8]) -> Self {
        let mut hasher = Hasher::default();
        hasher.update(bytes);
        hasher.digest()
    }
}

/// Sends the chunks of `source` until its end, an error, or the receiver is gone.
fn read_ahead(source: &dyn ReadAt, to: &SyncSender<io::Result<Vec<u8>>>, empty: &Receiver<Vec<u8>>) {
    let mut at = 0;
    loop {
        let mut chunk = empty.try_recv().unwrap_or_default();
        chunk.resize(CHUNK_SIZE, 0);
        let read = match source.read_at(&mut chunk, at) {
            Ok(0) => return,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                let _ = to.send(Err(error));
                return;
            }
        };
        chunk.truncate(read);
        at = at.saturating_add(read as u64);
        if to.send(Ok(chunk)).is_err() {
            return;
        }
    }
}

/// A digest in progress. If a signature is to be checked, its digest is computed in the same pass.
#[derive(Default)]
pub(super) struct Hasher {
    sha256: sha2::Sha256,
    /// The digest for a signature, if it is computed.
    pub(super) content: Option<Content>,
}

impl Hasher {
    /// Returns a hasher that also computes the digest for a signature if `is_signed`.
    pub(super) fn new(is_signed: bool) -> Self {
        Self {
            sha256: sha2::Sha256::default(),
            content: is_signed.then(Content::default),
        }
    }

    pub(super) fn reset(&mut self) {
        *self = Self::new(self.content.is_some());
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        if let Some(content) = &mut self.content {
            content.update(bytes);
        }
    }

    /// Adds everything in `source`; `advance` is called with the size of every chunk. Returns the number of bytes.
    ///
    /// A second thread reads ahead, so that reading and hashing overlap.
    pub(super) fn update_from(&mut self, source: &dyn ReadAt, advance: &dyn Fn(u64)) -> io::Result<u64> {
        let (full_to, full) = sync_channel(MAX_QUEUED);
        let (empty_to, empty) = sync_channel(MAX_QUEUED);
        thread::scope(|scope| {
            scope.spawn(move || read_ahead(source, &full_to, &empty));
            let mut size: u64 = 0;
            for chunk in full {
                let chunk: Vec<u8> = chunk?;
                self.update(&chunk);
                size = size.saturating_add(chunk.len() as u64);
                advance(chunk.len() as u64);
                // At the end, the reader is gone and needs no buffers.
                let _ = empty_to.try_send(chunk);
            }
            Ok(size)
        })
    }

    pub(super) fn digest(&self) -> Sha256 {
        Sha256(self.sha256.clone().finalize().into())
    }
}

impl FromStr for Sha256 {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut digest = [0; 32];
        match base16ct::mixed::decode(text, &mut digest) {
            Ok(decoded) if decoded.len() == 32 => Ok(Self(digest)),
            _ => {
                let what = format!("`{text}` is not a SHA-256, which has 64 hexadecimal digits");
                Err(Error::new(Category::Usage, what))
            }
        }
    }
}

impl TryFrom<String> for Sha256 {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Sha256> for String {
    fn from(digest: Sha256) -> Self {
        digest.to_string()
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", HexDisplay(&self.0))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// FIPS 180-2, appendix B.1.
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_written_digest_can_be_read_back() {
        let digest = Sha256::of(b"abc");
        assert_eq!(digest.to_string(), ABC);
        assert_eq!(ABC.parse::<Sha256>().unwrap(), digest);
        assert_eq!(ABC.to_uppercase().parse::<Sha256>().unwrap(), digest);
    }

    #[test]
    fn an_invalid_digest_is_refused() {
        let long = format!("{ABC}0");
        let non_ascii = format!("{}é", &ABC[..62]);
        for text in ["", &ABC[..63], &long, &ABC.replace('b', "g"), &non_ascii, " "] {
            assert!(text.parse::<Sha256>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_file_of_many_chunks_has_the_digest_of_its_bytes() {
        for size in [0, 1, CHUNK_SIZE - 1, CHUNK_SIZE, 11 * CHUNK_SIZE + 7] {
            let bytes: Vec<u8> = (0..size).map(|at| u8::try_from(at % 251).unwrap()).collect();
            let seen = AtomicU64::new(0);
            let mut hasher = Hasher::default();
            let advance = |more| {
                seen.fetch_add(more, Ordering::Relaxed);
            };
            assert_eq!(hasher.update_from(&bytes, &advance).unwrap(), size as u64);
            assert_eq!(hasher.digest(), Sha256::of(&bytes));
            assert_eq!(seen.into_inner(), size as u64);
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_has_no_digest() {
        struct Broken;
        impl ReadAt for Broken {
            fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
                if offset == 0 {
                    return Ok(buffer.len());
                }
                Err(io::Error::other("bad sector"))
            }
            fn size(&self) -> io::Result<u64> {
                Ok(1 << 30)
            }
        }
        assert!(Hasher::default().update_from(&Broken, &|_| ()).is_err());
    }
}
