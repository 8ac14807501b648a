//! Creates the data of a new block: compressed by the library, stored uncompressed, or copied.

use crc::{CRC_64_XZ, Crc, Table};
use sha2::{Digest, Sha256};
use xz2::stream::{Action, Filters, LzmaOptions, Status, Stream};

use super::block_header::{self, Dictionary};
use super::chunks::Prefix;
use super::header::Check;
use super::index::Record;
use super::open::XzImage;
use super::{RAW_WINDOW, read_exact};
use crate::error::{Category, Error, Result};

/// A fast level. Higher levels make blocks slightly smaller and take many times longer.
const PRESET: u32 = 1;

/// The dictionary of [`PRESET`]: 1 MiB (`lzma_lzma_preset` of liblzma).
const PRESET_DICTIONARY: Dictionary = Dictionary(16);

/// Size of the largest uncompressed LZMA2 chunk in bytes (its size minus one has 16 bits).
const STORED_CHUNK: usize = 64 << 10;

/// LZMA2 control bytes: an uncompressed chunk that resets the dictionary, one that does not, and the end.
const STORED_FIRST: u8 = 1;
const STORED: u8 = 2;
const END: u8 = 0;

static CRC64: Crc<u64, Table<16>> = Crc::<u64, Table<16>>::new(&CRC_64_XZ);

/// A block without its header: compressed data, padding and check.
pub(super) struct Body {
    pub bytes: Vec<u8>,
    pub shape: Shape,
}

/// The values for a block's header.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    compressed: u64,
    raw: u64,
    dictionary: Dictionary,
}

impl Shape {
    /// Returns the block's header, with at least `at_least` bytes, and its index record.
    pub fn header(&self, check: Check, at_least: usize) -> (Vec<u8>, Record) {
        let header = block_header::write(self.compressed, self.raw, self.dictionary, at_least);
        let record = Record {
            unpadded: header.len() as u64 + self.compressed + check.size(),
            raw: self.raw,
        };
        (header, record)
    }
}

impl Body {
    pub fn compressed(raw: &[u8], check: Check) -> Result<Self> {
        let mut sum = Sum::new(check);
        sum.update(raw);
        Ok(Self::new(
            compress(raw)?,
            raw.len() as u64,
            PRESET_DICTIONARY,
            sum,
        ))
    }

    /// Stores `raw` uncompressed. Incompressible data is what LZMA takes longest to compress.
    pub fn stored(raw: &[u8], check: Check) -> Self {
        let mut bytes = Vec::with_capacity(raw.len() + raw.len() / 8192 + 64);
        let mut control = STORED_FIRST;
        for chunk in raw.chunks(STORED_CHUNK) {
            let size = u16::try_from(chunk.len() - 1).unwrap_or(u16::MAX);
            bytes.push(control);
            bytes.extend_from_slice(&size.to_be_bytes());
            bytes.extend_from_slice(chunk);
            control = STORED;
        }
        bytes.push(END);
        let mut sum = Sum::new(check);
        sum.update(raw);
        Self::new(bytes, raw.len() as u64, Dictionary::MIN, sum)
    }

    /// Copies the first chunks of a block of `base`.
    ///
    /// `read_raw` reads their raw data at an offset from the block's start.
    pub fn copied(
        prefix: &Prefix,
        base: &XzImage,
        read_raw: impl Fn(&mut [u8], u64) -> Result<()>,
    ) -> Result<Self> {
        let packed = prefix.packed.end.saturating_sub(prefix.packed.start);
        let mut bytes = vec![0; usize::try_from(packed).map_err(|_| compression_failed())?];
        read_exact(&base.file, &mut bytes, prefix.packed.start)?;
        bytes.push(END);
        let mut sum = Sum::new(base.check);
        let mut window = vec![0; RAW_WINDOW];
        let mut at = 0;
        while at < prefix.raw {
            let left = usize::try_from(prefix.raw - at).unwrap_or(RAW_WINDOW);
            let piece = window.get_mut(..left.min(RAW_WINDOW)).unwrap_or_default();
            read_raw(piece, at)?;
            sum.update(piece);
            at += piece.len() as u64;
        }
        Ok(Self::new(bytes, prefix.raw, prefix.dictionary, sum))
    }

    /// Adds padding and check to compressed data.
    fn new(mut bytes: Vec<u8>, raw: u64, dictionary: Dictionary, sum: Sum) -> Self {
        let shape = Shape {
            compressed: bytes.len() as u64,
            raw,
            dictionary,
        };
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.extend_from_slice(&sum.finish());
        Self { bytes, shape }
    }
}

/// A block's check during its calculation.
enum Sum {
    None,
    Crc32(crc32fast::Hasher),
    Crc64(crc::Digest<'static, u64, Table<16>>),
    Sha256(Sha256),
}

impl Sum {
    fn new(check: Check) -> Self {
        match check {
            Check::None => Self::None,
            Check::Crc32 => Self::Crc32(crc32fast::Hasher::new()),
            Check::Crc64 => Self::Crc64(CRC64.digest()),
            Check::Sha256 => Self::Sha256(Sha256::new()),
        }
    }

    fn update(&mut self, raw: &[u8]) {
        match self {
            Self::None => {}
            Self::Crc32(sum) => sum.update(raw),
            Self::Crc64(sum) => sum.update(raw),
            Self::Sha256(sum) => sum.update(raw),
        }
    }

    /// Returns the bytes for the file.
    fn finish(self) -> Vec<u8> {
        match self {
            Self::None => Vec::new(),
            Self::Crc32(sum) => sum.finalize().to_le_bytes().to_vec(),
            Self::Crc64(sum) => sum.finalize().to_le_bytes().to_vec(),
            Self::Sha256(sum) => sum.finalize().to_vec(),
        }
    }
}

/// Compresses bytes to LZMA2 data.
fn compress(raw: &[u8]) -> Result<Vec<u8>> {
    let failed = |error| compression_failed().with_cause(error);
    let options = LzmaOptions::new_preset(PRESET).map_err(failed)?;
    let mut filters = Filters::new();
    filters.lzma2(&options);
    let mut encoder = Stream::new_raw_encoder(&filters).map_err(failed)?;
    // Incompressible data takes three more bytes for every 64 KiB.
    let mut packed = Vec::with_capacity(raw.len() + raw.len() / 8192 + 1024);
    loop {
        let taken = usize::try_from(encoder.total_in()).unwrap_or(usize::MAX);
        let rest = raw.get(taken..).unwrap_or_default();
        let status = encoder.process_vec(rest, &mut packed, Action::Finish);
        match status.map_err(failed)? {
            Status::StreamEnd => return Ok(packed),
            _ => packed.reserve(64 << 10),
        }
    }
}

fn compression_failed() -> Error {
    Error::new(Category::Other, "compressing a block failed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compressed_block_is_that_of_the_libraries_own_stream() {
        let raw: Vec<u8> = (0..200_000_u32).flat_map(|n| (n / 3).to_le_bytes()).collect();
        for check in [Check::None, Check::Crc32, Check::Crc64, Check::Sha256] {
            let mut filters = Filters::new();
            filters.lzma2(&LzmaOptions::new_preset(PRESET).unwrap());
            let mut encoder = Stream::new_stream_encoder(&filters, check.for_encoder()).unwrap();
            let mut stream = Vec::with_capacity(raw.len() * 2);
            let status = encoder.process_vec(&raw, &mut stream, Action::Finish).unwrap();
            assert!(matches!(status, Status::StreamEnd));

            let body = Body::compressed(&raw, check).unwrap();
            let header = block_header::parse(&stream[12..]).unwrap();
            assert_eq!(
                header.packing,
                block_header::Packing::Lzma2(body.shape.dictionary)
            );
            let start = 12 + usize::try_from(header.size).unwrap();
            assert!(stream[start..start + body.bytes.len()] == body.bytes, "{check:?}");
        }
    }
}
