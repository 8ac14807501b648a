//! Reading a boot partition.

use crate::error::Result;

/// The files of a base's boot partition.
pub trait BootFiles {
    /// Returns a file's bytes, or `None` if there is no such file. `path` is relative and `/`-separated.
    ///
    /// # Errors
    /// When the partition is damaged, or the file is too large to be one that mkimage reads.
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>>;

    /// Returns the names of the files and folders in the root folder.
    ///
    /// # Errors
    /// When the partition is damaged.
    fn root_names(&self) -> Result<Vec<String>>;
}
