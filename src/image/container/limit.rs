//! A limit for decoding: a small file can decode to any number of bytes.

use crate::disk::read_at::RawSink;
use crate::error::{Category, Error, Result};
use crate::units::Size;

/// In bytes. The limit for an image that does not say how large it is, far above that of any Raspberry Pi OS.
pub(super) const MAX_UNKNOWN_SIZE: u64 = 32 << 30;

/// Refuses an image that decodes to more than `limit` bytes.
pub(super) struct Limited<'a> {
    pub(super) below: &'a dyn RawSink,
    pub(super) limit: u64,
}

impl RawSink for Limited<'_> {
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        if offset.saturating_add(bytes.len() as u64) <= self.limit {
            return self.below.write_at(bytes, offset);
        }
        let what = format!("the base image decompresses to more than {}", Size(self.limit));
        Err(Error::new(Category::Verification, what).with_remedy(
            "use a Raspberry Pi OS Lite image; if this is one, decompress it and use the .img file with --base",
        ))
    }
}
