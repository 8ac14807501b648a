//! Nameless temporary files: for what is too much for memory.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::error::{Context as _, Result};

/// Returns a folder for nameless files of up to a GiB: `TMPDIR` where it is set, else one that is meant for large files,
/// because `/tmp` is memory on many systems.
pub fn folder() -> PathBuf {
    let large = Path::new("/var/tmp");
    if std::env::var_os("TMPDIR").is_none() && large.is_dir() {
        return large.to_owned();
    }
    std::env::temp_dir()
}

/// Creates a nameless file, which is gone when it is closed.
pub fn file_in(folder: &Path) -> Result<File> {
    tempfile::tempfile_in(folder).disk(|| format!("creating a temporary file in {}", folder.display()))
}
