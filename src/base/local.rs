//! A base image in a local file.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::base::verified::Stamp;
use crate::base::{ObtainOptions, Sha256, Trust, VerifiedBase, decoded};
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
        let what = format!("the SHA-256 of {} is {sha256}, not {expected}", path.display());
        return Err(
            Error::new(Category::Verification, what).with_remedy("download it again, or correct `--sha256`")
        );
    }
    let entry = options.catalog.with_sha256(sha256).cloned();
    let trust = if expected.is_some() || entry.is_some() {
        Trust::KnownHash
    } else if decoded::is_marked(&options.cache_dir, sha256) {
        Trust::DecodedBefore
    } else {
        Trust::Unknown
    };
    Ok(VerifiedBase {
        file,
        path: path.to_owned(),
        name,
        sha256,
        stamp,
        entry,
        trust,
    })
}

/// Opens a regular file, which can be read at any position repeatedly.
fn open(path: &Path) -> Result<File> {
    // Checked before opening, because opening a named pipe blocks until something writes to it.
    let metadata = path.metadata().map_err(|error| {
        let category = match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Category::Usage,
            _ => Category::Disk,
        };
        let error =
            Error::new(category, format!("opening the base image {}", path.display())).with_cause(error);
        error.with_remedy("`--base` takes a file, a URL, or an id from `mkimage bases`")
    })?;
    if !metadata.is_file() {
        let what = if metadata.is_dir() {
            "a folder"
        } else {
            "not a regular file"
        };
        let what = format!("the base image {} is {what}", path.display());
        return Err(Error::new(Category::Usage, what).with_remedy("`--base` takes an image file"));
    }
    File::open(path).disk(|| format!("opening the base image {}", path.display()))
}

/// Hashes an open file. Also returns its stamp from before.
pub(super) fn hash(file: &File, path: &Path, name: &str, progress: &dyn Progress) -> Result<(Sha256, Stamp)> {
    let doing = || format!("reading the base image {}", path.display());
    let stamp = Stamp::of(file).disk(doing)?;
    let task = progress.begin(&format!("verifying {name}"), Some(stamp.size()));
    let sha256 = Sha256::of_file(file, &|more| task.advance(more)).disk(doing)?;
    Ok((sha256, stamp))
}
