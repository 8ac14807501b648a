//! Creates the data of a new block: compressed by the library, stored uncompressed, or copied.

use crc::{CRC_64_XZ, Crc, Table};
use sha2::{Digest, Sha256};
use xz2::stream::{Action, Filters, LzmaOptions, Status, Stream};

use super::block_header::{self, Dictionary, Packing};
use super::chunks::Prefix;
use super::header::{self, Check};
use super::index::{IndexReader, Record};
use super::open::XzImage;
use super::{RAW_WINDOW, read_exact};
use crate::error::{Category, Error, Result};

/// A fast level. Higher levels make blocks slightly smaller and take many times longer.
const PRESET: u32 = 1;

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
    /// Compresses `raw`.
    pub fn compressed(raw: &[u8], check: Check) -> Result<Self> {
        extract_body(compress(raw, check)?, check)
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
        let compressed = bytes.len() as u64;
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        let mut sum = Sum::new(check);
        sum.update(raw);
        bytes.extend_from_slice(&sum.finish());
        Self {
            bytes,
            shape: Shape {
                compressed,
                raw: raw.len() as u64,
                dictionary: Dictionary::MIN,
            },
        }
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
        let compressed = bytes.len() as u64;
        bytes.resize(bytes.len().next_multiple_of(4), 0);
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
        bytes.extend_from_slice(&sum.finish());
        Ok(Self {
            bytes,
            shape: Shape {
                compressed,
                raw: prefix.raw,
                dictionary: prefix.dictionary,
            },
        })
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

/// Compresses bytes to an xz stream of one block.
fn compress(raw: &[u8], check: Check) -> Result<Vec<u8>> {
    let failed = |error| compression_failed().with_cause(error);
    let options = LzmaOptions::new_preset(PRESET).map_err(failed)?;
    let mut filters = Filters::new();
    filters.lzma2(&options);
    let mut encoder = Stream::new_stream_encoder(&filters, check.for_encoder()).map_err(failed)?;
    // Incompressible data takes three more bytes for every 64 KiB.
    let mut stream = Vec::with_capacity(raw.len() + raw.len() / 8192 + 1024);
    loop {
        let taken = usize::try_from(encoder.total_in()).unwrap_or(usize::MAX);
        let rest = raw.get(taken..).unwrap_or_default();
        match encoder
            .process_vec(rest, &mut stream, Action::Finish)
            .map_err(failed)?
        {
            Status::StreamEnd => return Ok(stream),
            _ => stream.reserve(64 << 10),
        }
    }
}

/// Extracts the only block of a stream and removes its header.
fn extract_body(mut stream: Vec<u8>, check: Check) -> Result<Body> {
    let footer = *stream.last_chunk().ok_or_else(compression_failed)?;
    let index_size = header::parse_footer(footer)?.index_size;
    let index_at = (stream.len() as u64).saturating_sub(header::SIZE + index_size);
    let mut record = Record { unpadded: 0, raw: 0 };
    IndexReader::open(&stream, index_at, index_size)?.records(|found| {
        record = found;
        Ok(())
    })?;
    let place = |at: u64| usize::try_from(at).map_err(|_| compression_failed());
    let block = stream.get(place(header::SIZE)?..).unwrap_or_default();
    let header = block_header::parse(block)?;
    let Packing::Lzma2(dictionary) = header.packing else {
        return Err(compression_failed());
    };
    let compressed = record.unpadded.checked_sub(header.size + check.size());
    stream.truncate(place(index_at)?);
    stream.drain(..place(header::SIZE + header.size)?.min(stream.len()));
    Ok(Body {
        bytes: stream,
        shape: Shape {
            compressed: compressed.ok_or_else(compression_failed)?,
            raw: record.raw,
            dictionary,
        },
    })
}

fn compression_failed() -> Error {
    Error::new(Category::Other, "compressing a block failed")
}
