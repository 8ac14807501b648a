//! A base image in a local file.

use std::fs::File;
use std::path::Path;
use std::time::SystemTime;

use crate::base::sha256::Hasher;
use crate::base::verified::Stamp;
use crate::base::{ObtainOptions, Sha256, Trust, VerifiedBase, signature_file, verified};
use crate::disk::paths::open_image;
use crate::error::{Category, Context, Error, Result};
use crate::progress::Progress;
use crate::signature::Detached;

/// The remedy for an image with somebody else's signature.
const OF_ANOTHER_PUBLISHER: &str = "if the image is not from Raspberry Pi, move its `.sig` file away";

/// Opens and hashes `path`.
pub(super) fn obtain(path: &Path, expected: Option<Sha256>, options: &ObtainOptions) -> Result<VerifiedBase> {
    let file = open_image(
        path,
        "`--base` takes an image file, a URL, or an id from `mkimage bases`",
    )?;
    let name = path
        .file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned();
    let beside = signature_file::beside(path);
    let signature = signature_file::read(&beside)?;
    let refused = |rejection| {
        let error = signature_file::rejected(&beside.display(), &rejection);
        error.with_remedy(format!("{}; {OF_ANOTHER_PUBLISHER}", rejection.remedy()))
    };
    let key = &options.publisher.key;
    let signature = signature.map(|bytes| Detached::read(&bytes, key, SystemTime::now()));
    let signature = signature.transpose().map_err(refused)?;
    let mut hasher = Hasher::new(signature.is_some());
    let stamp = hash(&file, path, &name, &mut hasher, options.progress)?;
    let sha256 = hasher.digest();
    if let Some((signature, content)) = signature.as_ref().zip(hasher.content.as_ref()) {
        signature.verify(content).map_err(refused)?;
    }
    if let Some(expected) = expected.filter(|expected| *expected != sha256) {
        let what = format!("the SHA-256 of {} is {sha256}, not {expected}", path.display());
        return Err(
            Error::new(Category::Verification, what).with_remedy("download it again, or correct `--sha256`")
        );
    }
    let trust = if options.catalog.has_built_in(sha256) {
        Trust::BuiltInHash
    } else if signature.is_some() {
        Trust::Signature(key.fingerprint)
    } else if expected.is_some() {
        Trust::GivenHash
    } else if options.catalog.has(sha256) {
        Trust::PublishedHash
    } else if verified::marker(&options.cache_dir, sha256).is_file() {
        Trust::DecodedBefore
    } else {
        Trust::Unknown
    };
    Ok(VerifiedBase {
        file,
        path: path.to_owned(),
        name,
        sha256,
        trust,
        stamp,
    })
}

/// Hashes an open file, and says what it looked like before.
pub(super) fn hash(
    file: &File,
    path: &Path,
    name: &str,
    hasher: &mut Hasher,
    progress: &dyn Progress,
) -> Result<Stamp> {
    let doing = || format!("reading the base image {}", path.display());
    let stamp = Stamp::of(file).disk(doing)?;
    let task = progress.begin(&format!("verifying {name}"), Some(stamp.size));
    hasher.update_from(file, &|more| task.advance(more)).disk(doing)?;
    Ok(stamp)
}
