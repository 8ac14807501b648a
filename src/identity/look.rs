//! Reading the secrets folder: by whoever may also change it, and by whoever must not.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::error::{Category, Context, Error, Result};

/// Nothing in the folder is bigger.
const LARGEST: u64 = 1024 * 1024;

/// A folder of small text files.
pub(super) trait Texts {
    /// Where a file of the folder lies, absolute.
    fn path(&self, relative: &str) -> PathBuf;

    /// A text file's content; `None` when there is none.
    fn read(&mut self, relative: &str) -> Result<Option<Zeroizing<String>>>;
}

/// The folder as it lies there. Nothing is made, locked or repaired: files appear in it whole or not at all, so
/// whoever only reads need not keep others from writing.
#[derive(Debug)]
pub(super) struct Look(PathBuf);

impl Look {
    /// Looks at the folder, if there is one.
    pub(super) fn at(path: &Path) -> Result<Option<Self>> {
        let looking = || format!("looking for the secrets folder {}", path.display());
        if !path.try_exists().disk(looking)? {
            return Ok(None);
        }
        Ok(Some(Self(std::path::absolute(path).disk(looking)?)))
    }

    /// The folder, absolute.
    pub(super) fn root(&self) -> &Path {
        &self.0
    }
}

impl Texts for Look {
    fn path(&self, relative: &str) -> PathBuf {
        self.0.join(relative)
    }

    fn read(&mut self, relative: &str) -> Result<Option<Zeroizing<String>>> {
        let path = self.path(relative);
        bytes(&path)?.map(|bytes| text(&path, &bytes)).transpose()
    }
}

/// A file's bytes; `None` when there is none.
pub(super) fn bytes(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>> {
    let what = || format!("reading {}", path.display());
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).disk(what),
    };
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(LARGEST).read_to_end(&mut bytes).disk(what)?;
    Ok(Some(bytes))
}

/// What a file's bytes say.
pub(super) fn text(path: &Path, bytes: &[u8]) -> Result<Zeroizing<String>> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(Error::new(
            Category::Disk,
            format!("{} is damaged: it is no text", path.display()),
        )
        .with_remedy("restore it from a backup")),
    }
}
