//! Opens files, and compares open files with paths.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::error::{Category, Context as _, Error, Result};

/// Opens an image, a regular file, which can be read at any position repeatedly. `remedy` says what can be given instead.
pub fn open_image(path: &Path, remedy: &str) -> Result<File> {
    let doing = || format!("opening {}", path.display());
    let wrong = |what| Error::new(Category::Usage, what).with_remedy(remedy);
    // Checked before opening, because opening a named pipe blocks until something writes to it.
    match path.metadata() {
        Ok(metadata) if metadata.is_file() => File::open(path).disk(doing),
        Ok(_) => Err(wrong(format!("{} is not an image file", path.display()))),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Err(wrong(doing()).with_cause(error))
        }
        Err(error) => Err(error).disk(doing),
    }
}

/// Returns whether an open file is still the one at `path`: another process may have removed or replaced it.
pub fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let current = match same_file::Handle::from_path(path) {
        Ok(current) => current,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    Ok(same_file::Handle::from_file(file.try_clone()?)? == current)
}
