//! What can be heard of a download before it is complete.

use std::fs::File;

/// Something happens to the file of a download. Nobody knows yet whether its bytes are the right ones: what is made of
/// them is worth nothing until [`super::obtain`] returns the base.
#[derive(Debug)]
pub enum Arrival<'a> {
    /// The file has its first `size` bytes, which stay as they are unless it starts over. To be read by position only.
    Grown {
        /// The file.
        file: &'a File,
        /// Bytes.
        size: u64,
    },
    /// What the file has is thrown away, and other bytes come.
    StartsOver,
}
