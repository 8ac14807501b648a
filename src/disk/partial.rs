//! Ctrl-C: whatever is half done is removed, and the program ends with exit code 130.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::{Category, Context, Result};

/// Files that are worth nothing unless their writer finishes.
static PARTIAL_FILES: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Folders that were made for such files.
static NEW_FOLDERS: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn partial_files() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    PARTIAL_FILES.lock().unwrap_or_else(PoisonError::into_inner)
}

fn new_folders() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    NEW_FOLDERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on Ctrl-C (SIGINT, SIGTERM, SIGHUP; the console's events on Windows) removes every
/// registered file and every empty folder that was made for them, says so, and exits with 130.
///
/// # Errors
/// When the handler cannot be set, which happens only when there is one already.
pub fn remove_on_interrupt() -> Result<()> {
    ctrlc::set_handler(|| {
        // The lock is kept until the process is gone: nothing can be renamed into place any more.
        let files = partial_files();
        for file in files.iter() {
            let _ = fs::remove_file(file);
        }
        // Backwards: a folder comes behind the one that it is in. One that has something in it stays.
        let folders = new_folders();
        for folder in folders.iter().rev() {
            let _ = fs::remove_dir(folder);
        }
        let tail = if files.is_empty() {
            ""
        } else {
            "; nothing half done was left behind"
        };
        // Whoever closed stderr does not want to know.
        let _ = writeln!(io::stderr(), "\nmkimage: interrupted{tail}");
        std::process::exit(i32::from(Category::Interrupted.exit_code()));
    })
    .context(Category::Other, || "setting up Ctrl-C".to_owned())
}

/// A file that is removed on Ctrl-C, and when this value is dropped before it was kept.
#[derive(Debug)]
pub struct PartialFile {
    path: PathBuf,
}

impl PartialFile {
    /// Makes a file that was not there, for reading and writing, and for its owner only. There is no instant at
    /// which it could be left behind.
    pub fn create(path: &Path) -> io::Result<(Self, File)> {
        let mut options = File::options();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut files = partial_files();
        let file = options.open(path)?;
        files.insert(path.to_owned());
        let partial = Self {
            path: path.to_owned(),
        };
        Ok((partial, file))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the finished file its final name. Ctrl-C sees either the old state or the new one.
    pub fn rename(self, to: &Path) -> io::Result<()> {
        let mut files = partial_files();
        fs::rename(&self.path, to)?;
        files.remove(&self.path);
        drop(files);
        std::mem::forget(self);
        Ok(())
    }
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        let mut files = partial_files();
        let _ = fs::remove_file(&self.path);
        files.remove(&self.path);
    }
}

/// A folder that this process made. It is removed on Ctrl-C and when this value is dropped, if nothing is in it.
#[derive(Debug)]
pub struct NewFolder {
    path: PathBuf,
}

impl NewFolder {
    /// Makes a folder that was not there, in one that was.
    pub fn make(path: &Path) -> io::Result<Self> {
        let mut folders = new_folders();
        fs::create_dir(path)?;
        folders.insert(path.to_owned());
        Ok(Self {
            path: path.to_owned(),
        })
    }
}

impl Drop for NewFolder {
    fn drop(&mut self) {
        let mut folders = new_folders();
        let _ = fs::remove_dir(&self.path);
        folders.remove(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_not_finished_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("half");
        let (half, _file) = PartialFile::create(&path).unwrap();
        drop(half);
        assert!(!path.exists());

        let (half, _file) = PartialFile::create(&path).unwrap();
        half.rename(&folder.path().join("whole")).unwrap();
        assert!(!path.exists() && folder.path().join("whole").exists());
    }
}
