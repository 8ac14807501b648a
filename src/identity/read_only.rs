//! Read access to the secrets folder.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::error::{Category, Context, Error, Result};

/// In bytes. No file in the folder is larger.
const MAX_SIZE: u64 = 1024 * 1024;

/// A folder of small text files.
pub(super) trait ReadText {
    /// Returns the absolute path of a file in the folder.
    fn path(&self, relative: &str) -> PathBuf;

    /// Returns a file's text; `None` if it does not exist.
    fn read(&mut self, relative: &str) -> Result<Option<Zeroizing<String>>>;
}

/// The folder, opened for reading. Nothing is created, locked or repaired. Files are written atomically, so a reader
/// needs no lock.
#[derive(Debug)]
pub(super) struct ReadOnlyFolder(PathBuf);

impl ReadOnlyFolder {
    /// Opens the folder if it exists.
    pub(super) fn open(path: &Path) -> Result<Option<Self>> {
        let what = || format!("looking for the secrets folder {}", path.display());
        if !path.try_exists().disk(what)? {
            return Ok(None);
        }
        Ok(Some(Self(std::path::absolute(path).disk(what)?)))
    }

    /// Returns the folder's absolute path.
    pub(super) fn root(&self) -> &Path {
        &self.0
    }
}

impl ReadText for ReadOnlyFolder {
    fn path(&self, relative: &str) -> PathBuf {
        self.0.join(relative)
    }

    fn read(&mut self, relative: &str) -> Result<Option<Zeroizing<String>>> {
        let path = self.path(relative);
        bytes(&path)?.map(|bytes| text(&path, &bytes)).transpose()
    }
}

/// Returns a file's bytes; `None` if it does not exist.
pub(super) fn bytes(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>> {
    let what = || format!("reading {}", path.display());
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).disk(what),
    };
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(MAX_SIZE).read_to_end(&mut bytes).disk(what)?;
    Ok(Some(bytes))
}

/// Converts a file's bytes to text.
pub(super) fn text(path: &Path, bytes: &[u8]) -> Result<Zeroizing<String>> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(Error::new(
            Category::Disk,
            format!("{} is damaged: it is not a text file", path.display()),
        )
        .with_remedy("restore it from a backup")),
    }
}
