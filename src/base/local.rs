//! A base image that lies on this computer already.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::base::verified::Stamp;
use crate::base::{ObtainOptions, Sha256, VerifiedBase, Vouch, remembered};
use crate::error::{Category, Context, Error, Result};
use crate::progress::Progress;

/// Opens and hashes `path`.
pub(super) fn obtain(path: &Path, expected: Option<Sha256>, options: &ObtainOptions) -> Result<VerifiedBase> {
    let file = open(path)?;
    let name = path
        .file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned();
    let (sha256, stamp) = hash(&file, path, &name, options.progress)?;
    if let Some(expected) = expected.filter(|expected| *expected != sha256) {
        let what = format!("{} has the SHA-256 {sha256}, not {expected}", path.display());
        return Err(
            Error::new(Category::Verification, what).with_remedy("download it again, or correct `--sha256`")
        );
    }
    let entry = options.catalog.with_sha256(sha256).cloned();
    let vouched = if expected.is_some() || entry.is_some() {
        Vouch::Publisher
    } else if remembered::is_remembered(&options.cache_dir, sha256) {
        Vouch::Remembered
    } else {
        Vouch::Nobody
    };
    Ok(VerifiedBase {
        file,
        path: path.to_owned(),
        name,
        sha256,
        stamp,
        entry,
        vouched,
    })
}

/// Opens a file that can be read at any place, as often as need be.
fn open(path: &Path) -> Result<File> {
    // Asked before opening, because opening a named pipe waits for somebody to write.
    let metadata = path.metadata().map_err(|error| {
        let category = match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Category::Usage,
            _ => Category::Disk,
        };
        let error =
            Error::new(category, format!("opening the base image {}", path.display())).with_cause(error);
        error.with_remedy("`--base` takes a file, an address, or an id that `mkimage bases` lists")
    })?;
    if !metadata.is_file() {
        let what = if metadata.is_dir() {
            "a folder"
        } else {
            "no ordinary file"
        };
        let what = format!("the base image {} is {what}", path.display());
        return Err(Error::new(Category::Usage, what).with_remedy("`--base` takes an image file"));
    }
    File::open(path).disk(|| format!("opening the base image {}", path.display()))
}

/// Hashes an open file, and says what it looked like before.
pub(super) fn hash(file: &File, path: &Path, name: &str, progress: &dyn Progress) -> Result<(Sha256, Stamp)> {
    let doing = || format!("reading the base image {}", path.display());
    let stamp = Stamp::of(file).disk(doing)?;
    let task = progress.begin(&format!("verifying {name}"), Some(stamp.size()));
    let sha256 = Sha256::of_file(file, &|more| task.advance(more)).disk(doing)?;
    Ok((sha256, stamp))
}
