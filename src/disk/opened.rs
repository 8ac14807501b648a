//! Files that are open, and the paths they were opened by.

use std::fs::File;
use std::io;
use std::path::Path;

/// Whether an open file is the one at `path`: another process may have removed or replaced that one.
pub fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let there = match same_file::Handle::from_path(path) {
        Ok(there) => there,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    Ok(same_file::Handle::from_file(file.try_clone()?)? == there)
}
