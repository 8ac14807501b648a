//! Removes unfinished files on Ctrl-C and exits with code 130.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::error::{Category, Context, Result};
use crate::threads::lock;

/// Files to remove on Ctrl-C.
static PARTIAL_FILES: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Folders created for such files.
static NEW_FOLDERS: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Sets a handler for Ctrl-C (SIGINT, SIGTERM, SIGHUP; console events on Windows). It removes every registered file
/// and every empty folder created for them, prints a message and exits with code 130. Fails if a handler is already
/// set.
pub fn remove_on_interrupt() -> Result<()> {
    ctrlc::set_handler(|| {
        // The lock is held until the process ends, so that nothing can be renamed in the meantime.
        let files = lock(&PARTIAL_FILES);
        for file in files.iter() {
            let _ = fs::remove_file(file);
        }
        // In reverse order, because a folder comes after its parent. Folders that are not empty stay.
        let folders = lock(&NEW_FOLDERS);
        for folder in folders.iter().rev() {
            let _ = fs::remove_dir(folder);
        }
        let tail = if files.is_empty() {
            ""
        } else {
            "; unfinished files were removed"
        };
        // A closed stderr is ignored.
        let _ = writeln!(io::stderr(), "\nmkimage: interrupted{tail}");
        std::process::exit(i32::from(Category::Interrupted.exit_code()));
    })
    .context(Category::Other, || "setting up Ctrl-C".to_owned())
}

/// A file that is removed on Ctrl-C and on drop, unless it is renamed first.
#[derive(Debug)]
pub struct PartialFile {
    path: PathBuf,
}

impl PartialFile {
    /// Creates a new file for reading and writing by its owner only. It is registered while creation holds the lock, so it
    /// cannot be left behind.
    pub fn create(path: &Path) -> io::Result<(Self, File)> {
        let mut options = File::options();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut files = lock(&PARTIAL_FILES);
        let file = options.open(path)?;
        files.insert(path.to_owned());
        let partial = Self {
            path: path.to_owned(),
        };
        Ok((partial, file))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the finished file its final name, atomically with respect to Ctrl-C.
    pub fn rename(self, to: &Path) -> io::Result<()> {
        let mut files = lock(&PARTIAL_FILES);
        fs::rename(&self.path, to)?;
        files.remove(&self.path);
        drop(files);
        std::mem::forget(self);
        Ok(())
    }
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        let mut files = lock(&PARTIAL_FILES);
        let _ = fs::remove_file(&self.path);
        files.remove(&self.path);
    }
}

/// A folder created by this process. It is removed on Ctrl-C and on drop if it is empty.
#[derive(Debug)]
pub struct NewFolder {
    path: PathBuf,
}

impl NewFolder {
    /// Creates a new folder in an existing one.
    pub fn create(path: &Path) -> io::Result<Self> {
        let mut folders = lock(&NEW_FOLDERS);
        fs::create_dir(path)?;
        folders.insert(path.to_owned());
        Ok(Self {
            path: path.to_owned(),
        })
    }
}

impl Drop for NewFolder {
    fn drop(&mut self) {
        let mut folders = lock(&NEW_FOLDERS);
        let _ = fs::remove_dir(&self.path);
        folders.remove(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unfinished_file_is_removed() {
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
