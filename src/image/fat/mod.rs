//! The boot partition's FAT file system, read from a raw image and edited in memory.

mod check;
mod guard;
mod timestamp;
mod volume;
mod window;

pub use check::check;
pub use timestamp::Timestamp;
pub use volume::{Entry, FatVolume, Written};
