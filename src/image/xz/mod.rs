//! The xz container: many blocks that unpack independently, and an index that says where they are
//! (xz file format 1.2.1).
//!
//! [`XzImage::open`] reads the structure and believes none of it before it adds up. On top of it,
//! [`BlockReader`] reads the raw image at any place, [`decode_all`] unpacks it on all cores, and [`Splicer`]
//! writes an image with a few pages changed by copying every block in which nothing changed.
//! Files without that structure go through [`decode_stream`] and [`encode`].

mod block;
mod block_header;
mod body;
mod chunks;
mod copy;
mod decode;
mod encode;
mod header;
mod index;
mod open;
mod piece;
mod reader;
mod renewal;
mod spill;
mod splice;
mod store;
mod stream;
mod varint;

pub use decode::decode_all;
pub use encode::encode;
pub use header::Check;
pub use open::{Block, Opened, XzImage, first_check};
pub use reader::BlockReader;
pub use renewal::{is_worth_splicing, room_for};
pub use splice::{SpliceReport, Splicer};
pub use stream::decode_stream;

use std::io;

use crate::disk::read_at::ReadAt;
use crate::error::{Category, Context, Error, Result};

/// The most memory that a decoder may want: the dictionary of `xz -9` (64 MiB) and what goes with it.
const DECODER_MEMORY: u64 = 80 << 20;

/// The largest dictionary that fits in [`DECODER_MEMORY`].
const LARGEST_DICTIONARY: u64 = 64 << 20;

/// What unpacking, or packing, on several threads may take together. As many of them work as fit in it; one always does.
const THREADS_MEMORY: u64 = 160 << 20;

/// What the decoder of a block takes besides its dictionary: its tables, and the windows before and behind it.
const DECODER_OVERHEAD: u64 = 2 << 20;

/// Bytes that are unpacked, and written, at once.
const RAW_WINDOW: usize = 1 << 20;

/// Bytes of packed data that are read at once.
const PACKED_WINDOW: usize = 128 << 10;

/// How many blocks of `image` are unpacked at a time: up to `wish`, as far as their dictionaries fit in
/// [`THREADS_MEMORY`].
fn decoders(image: &XzImage, wish: usize) -> usize {
    let each = image.dictionary().saturating_add(DECODER_OVERHEAD);
    let most = THREADS_MEMORY.checked_div(each).unwrap_or_default();
    usize::try_from(most).unwrap_or(wish).min(wish).max(1)
}

/// The file is not what an xz file must be.
fn damage(what: &str) -> Error {
    Error::new(Category::Verification, format!("the xz file is damaged: {what}"))
        .with_remedy("get the image again")
}

/// What the decoder says, as an error of ours.
fn decoder_error(error: xz2::stream::Error) -> Error {
    use xz2::stream::Error as E;
    match error {
        E::MemLimit | E::Mem => Error::new(
            Category::Other,
            format!("unpacking needs more than {} MiB of memory", DECODER_MEMORY >> 20),
        )
        .with_remedy("compress the image again with: xz -T0"),
        E::Options => Error::new(
            Category::Verification,
            "the xz file uses something that only a newer xz knows, or it is damaged",
        )
        .with_remedy("get the image again, or compress it again with: xz -T0"),
        E::Format => damage("it does not begin as an xz file does"),
        error => damage("its packed data does not unpack").with_cause(error),
    }
}

/// Fills `buffer` from the xz file. A file that ends too early is damaged.
fn read_exact(source: &dyn ReadAt, buffer: &mut [u8], at: u64) -> Result<()> {
    match source.read_exact_at(buffer, at) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(damage("it ends too early")),
        result => result.disk(|| "reading the xz file".to_owned()),
    }
}
