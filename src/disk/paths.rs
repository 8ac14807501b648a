//! Opens files by their paths, finds them again, and keeps new and renamed ones after a power cut.

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

/// Returns the folder that holds `path`: `.` for a bare name.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Syncs a folder's list of names to the disk: after a power cut, a new or renamed file exists only if its folder was
/// synced too. Does nothing on systems other than Unix, where folders cannot be opened.
pub fn sync_folder(folder: &Path) -> Result<()> {
    if cfg!(unix) {
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.disk(|| format!("syncing {}", folder.display()))?;
    }
    Ok(())
}
