//! A new block: its data packed by the library, stored as it is where packing is futile, or packed already.

use crc::{CRC_64_XZ, Crc, Table};
use sha2::{Digest, Sha256};
use xz2::stream::{Action, Filters, LzmaOptions, Status, Stream};

use super::block_header::{self, Dictionary, Packing};
use super::chunks::Beginning;
use super::header::{self, Check};
use super::index::{IndexReader, Record};
use super::open::XzImage;
use super::{RAW_WINDOW, read_exact};
use crate::error::{Category, Error, Result};

/// Packs fast. Higher levels make blocks a little smaller and take many times longer.
const PRESET: u32 = 1;

/// Bytes of the largest LZMA2 chunk that is not packed (its size less one has 16 bits).
const STORED_CHUNK: usize = 64 << 10;

/// LZMA2 control bytes: a chunk that is not packed and empties the dictionary first, one that does not, the end.
const STORED_FIRST: u8 = 1;
const STORED: u8 = 2;
const END: u8 = 0;

static CRC64: Crc<u64, Table<16>> = Crc::<u64, Table<16>>::new(&CRC_64_XZ);

/// A block without its header: packed data, padding and check.
pub(super) struct Body {
    pub bytes: Vec<u8>,
    pub shape: Shape,
}

/// What a block's header says of its body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    compressed: u64,
    raw: u64,
    dictionary: Dictionary,
}

impl Shape {
    /// The block's header, at least `at_least` bytes long, and the index's record for it.
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
    /// Packs `raw`.
    pub fn packed(raw: &[u8], check: Check) -> Result<Self> {
        take_apart(pack(raw, check)?, check)
    }

    /// Takes `raw` as it is. Packing what does not compress is the slowest thing that LZMA does.
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
                dictionary: Dictionary::SMALLEST,
            },
        }
    }

    /// Takes over the first chunks of a block of `base` as they are.
    ///
    /// `unpacked` reads what they unpack to, at an offset from the block's beginning.
    pub fn kept(
        beginning: &Beginning,
        base: &XzImage,
        unpacked: impl Fn(&mut [u8], u64) -> Result<()>,
    ) -> Result<Self> {
        let packed = beginning.packed.end.saturating_sub(beginning.packed.start);
        let mut bytes = vec![0; usize::try_from(packed).map_err(|_| packing_failed())?];
        read_exact(base.file(), &mut bytes, beginning.packed.start)?;
        bytes.push(END);
        let compressed = bytes.len() as u64;
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        let mut sum = Sum::new(base.check());
        let mut window = vec![0; RAW_WINDOW];
        let mut at = 0;
        while at < beginning.raw {
            let left = usize::try_from(beginning.raw - at).unwrap_or(RAW_WINDOW);
            let piece = window.get_mut(..left.min(RAW_WINDOW)).unwrap_or_default();
            unpacked(piece, at)?;
            sum.update(piece);
            at += piece.len() as u64;
        }
        bytes.extend_from_slice(&sum.finish());
        Ok(Self {
            bytes,
            shape: Shape {
                compressed,
                raw: beginning.raw,
                dictionary: beginning.dictionary,
            },
        })
    }
}

/// The check of a block, as its bytes come.
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

    /// As it stands in the file.
    fn finish(self) -> Vec<u8> {
        match self {
            Self::None => Vec::new(),
            Self::Crc32(sum) => sum.finalize().to_le_bytes().to_vec(),
            Self::Crc64(sum) => sum.finalize().to_le_bytes().to_vec(),
            Self::Sha256(sum) => sum.finalize().to_vec(),
        }
    }
}

/// Packs bytes as an xz stream of one block.
fn pack(raw: &[u8], check: Check) -> Result<Vec<u8>> {
    let failed = |error| packing_failed().with_cause(error);
    let options = LzmaOptions::new_preset(PRESET).map_err(failed)?;
    let mut filters = Filters::new();
    filters.lzma2(&options);
    let mut encoder = Stream::new_stream_encoder(&filters, check.for_encoder()).map_err(failed)?;
    // What does not compress takes three bytes more for every 64 KiB.
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

/// Finds the one block of a stream and takes its header off.
fn take_apart(mut stream: Vec<u8>, check: Check) -> Result<Body> {
    let footer = *stream.last_chunk().ok_or_else(packing_failed)?;
    let index_size = header::parse_footer(footer)?.index_size;
    let index_at = (stream.len() as u64).saturating_sub(header::SIZE + index_size);
    let mut record = Record { unpadded: 0, raw: 0 };
    IndexReader::open(&stream, index_at, index_size)?.records(|found| {
        record = found;
        Ok(())
    })?;
    let place = |at: u64| usize::try_from(at).map_err(|_| packing_failed());
    let block = stream.get(place(header::SIZE)?..).unwrap_or_default();
    let header = block_header::parse(block)?;
    let Packing::Lzma2(dictionary) = header.packing else {
        return Err(packing_failed());
    };
    let compressed = record.unpadded.checked_sub(header.size + check.size());
    stream.truncate(place(index_at)?);
    stream.drain(..place(header::SIZE + header.size)?.min(stream.len()));
    Ok(Body {
        bytes: stream,
        shape: Shape {
            compressed: compressed.ok_or_else(packing_failed)?,
            raw: record.raw,
            dictionary,
        },
    })
}

fn packing_failed() -> Error {
    Error::new(Category::Other, "packing a block failed")
}
