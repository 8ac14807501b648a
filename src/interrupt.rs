//! Ctrl-C: whatever is half done is removed, and the program ends with exit code 130.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::{Category, Context, Result};

/// Files that are worth nothing unless their writer finishes.
static HALF_DONE: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn half_done() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    HALF_DONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on Ctrl-C (SIGINT, SIGTERM, SIGHUP; the console's events on Windows) removes every
/// registered file, says so, and exits with 130.
///
/// # Errors
/// When the handler cannot be set, which happens only when there is one already.
pub fn handle() -> Result<()> {
    ctrlc::set_handler(|| {
        // The lock is kept until the process is gone: nothing can be renamed into place any more.
        let files = half_done();
        for file in files.iter() {
            let _ = fs::remove_file(file);
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
pub struct HalfDone {
    path: PathBuf,
}

impl HalfDone {
    /// Registers `path` before it is created, so that there is no instant at which it could be left behind.
    pub fn register(path: &Path) -> Self {
        half_done().insert(path.to_owned());
        Self {
            path: path.to_owned(),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the finished file its final name. Ctrl-C sees either the old state or the new one.
    pub fn rename(self, to: &Path) -> io::Result<()> {
        let mut files = half_done();
        fs::rename(&self.path, to)?;
        files.remove(&self.path);
        drop(files);
        std::mem::forget(self);
        Ok(())
    }
}

impl Drop for HalfDone {
    fn drop(&mut self) {
        let mut files = half_done();
        let _ = fs::remove_file(&self.path);
        files.remove(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_not_finished_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("half");
        let half = HalfDone::register(&path);
        fs::write(&path, "x").unwrap();
        drop(half);
        assert!(!path.exists());

        let half = HalfDone::register(&path);
        fs::write(&path, "x").unwrap();
        half.rename(&folder.path().join("whole")).unwrap();
        assert!(!path.exists() && folder.path().join("whole").exists());
    }
}
