//! Unnamed temporary files for data too large for memory.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Context as _, Result};

/// Returns a folder for unnamed files of up to 1 GiB: `TMPDIR` if set, otherwise `/var/tmp`, because `/tmp` is in memory
/// on many systems.
pub fn folder() -> PathBuf {
    let large = Path::new("/var/tmp");
    if std::env::var_os("TMPDIR").is_none() && large.is_dir() {
        return large.to_owned();
    }
    std::env::temp_dir()
}

/// Creates an unnamed file, which is deleted when it is closed.
pub fn file_in(folder: &Path) -> Result<File> {
    tempfile::tempfile_in(folder)
        // The full error names the temporary file.
        .map_err(|error| io::Error::from(error.kind()))
        .disk(|| format!("creating a temporary file in {}", folder.display()))
        .map_err(|error| error.with_remedy("set TMPDIR to a folder with free space that you can write to"))
}
