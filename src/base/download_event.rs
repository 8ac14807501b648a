//! Events of a running download.

use std::fs::File;

/// A change to the file of a download. Its bytes are unverified: results made from them must not be used until
/// [`super::obtain`] returns the base.
#[derive(Debug)]
pub enum DownloadEvent<'a> {
    /// The first `size` bytes of the file have arrived. They do not change unless the download starts over. Read the
    /// file by position only.
    Grown {
        /// The file being downloaded.
        file: &'a File,
        /// Size in bytes.
        size: u64,
    },
    /// The content is discarded and downloaded again.
    StartsOver,
}
