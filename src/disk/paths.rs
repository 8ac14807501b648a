//! Opens files by their paths, finds them again, and keeps new and renamed ones after a power cut.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use crate::error::{Category, Context as _, Error, Result};

/// Opens an ordinary file. Anything else is an error: opening a named pipe would block until another process opens it too.
pub fn open_file(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        // Has no effect on ordinary files.
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    let file = options.open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::other("it is not an ordinary file"))
    }
}

/// Returns the bytes of an ordinary file.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_file(path, File::options().read(true))?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Creates or replaces the content of an ordinary file.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    open_file(path, &mut options)?.write_all(bytes)
}

/// Refuses `place` if it is a link, or in a linked folder, that leads out of the existing `folder`.
pub fn require_inside(folder: &Path, place: &Path) -> Result<()> {
    let reading = || format!("reading {}", place.display());
    let target = place.canonicalize().disk(reading)?;
    if target.starts_with(folder.canonicalize().disk(reading)?) {
        return Ok(());
    }
    let (place, target, folder) = (place.display(), target.display(), folder.display());
    let what = format!("{place} leads to {target}, outside {folder}");
    Err(Error::new(Category::ClusterFile, what)
        .with_remedy("remove the link; if the file belongs there, copy it"))
}

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
    let current = match open_file(path, File::options().read(true)) {
        Ok(current) => same_file::Handle::from_file(current)?,
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

#[cfg(all(test, unix))]
pub(crate) mod testing {
    use std::path::Path;

    pub(crate) fn create_pipe(path: &Path) {
        let made = std::process::Command::new("mkfifo").arg(path).status();
        assert!(made.is_ok_and(|status| status.success()), "{}", path.display());
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_named_pipe_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        testing::create_pipe(&pipe);
        assert!(read(&pipe).is_err());
        assert!(write(&pipe, b"x").is_err());
        let both = open_file(&pipe, File::options().read(true).write(true));
        assert!(both.is_err());
        assert!(is_at(&tempfile::tempfile().unwrap(), &pipe).is_err());
        write(&folder.path().join("file"), b"x").unwrap();
        assert_eq!(read(&folder.path().join("file")).unwrap(), b"x");
    }
}
