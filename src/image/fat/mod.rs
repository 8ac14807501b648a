//! The boot partition's FAT file system, read from a raw image and edited in memory.

mod timestamp;
mod volume;
mod window;

pub use timestamp::Timestamp;
pub use volume::{Entry, FatVolume};
