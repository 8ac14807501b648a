//! Compares open files with paths.

use std::fs::File;
use std::io;
use std::path::Path;

/// Returns whether an open file is still the one at `path`: another process may have removed or replaced it.
pub fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let current = match same_file::Handle::from_path(path) {
        Ok(current) => current,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    Ok(same_file::Handle::from_file(file.try_clone()?)? == current)
}
