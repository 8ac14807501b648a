//! The xz container: independently compressed blocks and an index of them (xz file format 1.2.1).
//!
//! [`XzImage::open`] reads and validates the structure. Based on it, [`BlockReader`] reads the raw image at any position,
//! [`decode_all`] decodes it on all cores, and [`Splicer`] writes an image with a few changed pages, copying every
//! unchanged block. [`decode_stream`] and [`encode`] handle files without that structure.

mod block;
mod block_header;
mod body;
mod changed;
mod chunks;
mod copy;
mod encode;
mod header;
mod index;
mod open;
mod piece;
mod reader;
mod splice;
mod store;
mod stream;
mod varint;

pub use block::decode_all;
pub use changed::{is_worth_splicing, room_for};
pub use encode::encode;
pub use header::Check;
pub use open::{Block, Opened, XzImage, first_check};
pub use reader::BlockReader;
pub use splice::{SpliceReport, Splicer};
pub use stream::decode_stream;

use std::io;

use crate::disk::read_at::ReadAt;
use crate::error::{Category, Context, Error, Result};

/// Memory limit for a decoder in bytes: the dictionary of `xz -9` (64 MiB) and its overhead.
const DECODER_MEMORY: u64 = 80 << 20;

/// The largest dictionary that fits in [`DECODER_MEMORY`].
const MAX_DICTIONARY: u64 = 64 << 20;

/// Memory limit in bytes for all threads together. It determines the number of threads, which is at least one.
const THREADS_MEMORY: u64 = 160 << 20;

/// Memory of a block's decoder besides its dictionary, in bytes: its tables and buffers.
const DECODER_OVERHEAD: u64 = 2 << 20;

/// Raw bytes decoded and written at once.
const RAW_WINDOW: usize = 1 << 20;

/// Compressed bytes read at once.
const PACKED_WINDOW: usize = 128 << 10;

/// Returns how many blocks of `image` to decode at a time: up to `wanted`, limited by [`THREADS_MEMORY`].
fn decoders(image: &XzImage, wanted: usize) -> usize {
    let each = image.dictionary.saturating_add(DECODER_OVERHEAD);
    let max = THREADS_MEMORY.checked_div(each).unwrap_or_default();
    usize::try_from(max).unwrap_or(wanted).min(wanted).max(1)
}

/// Returns the error for a damaged file.
fn damage(what: &str) -> Error {
    Error::new(Category::Verification, format!("the xz file is damaged: {what}"))
        .with_remedy("download the image again")
}

/// Converts an error of the decoder.
fn decoder_error(error: xz2::stream::Error) -> Error {
    use xz2::stream::Error as E;
    match error {
        E::MemLimit | E::Mem => Error::new(
            Category::Other,
            format!(
                "decompressing needs more than {} MiB of memory",
                DECODER_MEMORY >> 20
            ),
        )
        .with_remedy("compress the image again with: xz -T0"),
        E::Options => Error::new(
            Category::Verification,
            "the xz file uses a feature of a newer xz, or it is damaged",
        )
        .with_remedy("download the image again, or compress it again with: xz -T0"),
        E::Format => damage("it does not start like an xz file"),
        error => damage("its data cannot be decompressed").with_cause(error),
    }
}

/// Fills `buffer` from the xz file. Fails if the file ends too early.
fn read_exact(source: &dyn ReadAt, buffer: &mut [u8], at: u64) -> Result<()> {
    match source.read_exact_at(buffer, at) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(damage("it ends too early")),
        result => result.disk(|| "reading the xz file".to_owned()),
    }
}
