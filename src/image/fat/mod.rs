//! The boot partition's FAT file system, read from a raw image and edited in memory.

mod check;
mod format;
mod frame;
mod guard;
mod layout;
mod timestamp;
mod volume;
mod window;

pub use check::check;
pub use format::format;
pub use frame::compare_frames;
pub use timestamp::Timestamp;
pub use volume::{Entry, FatVolume, MAX_FILE_SIZE, Written};
