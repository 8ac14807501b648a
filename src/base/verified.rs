//! A verified base image and the reason to trust it, and how a local file becomes one.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::base::sha256::Hasher;
use crate::base::{ObtainOptions, Sha256, signature_file};
use crate::disk::paths::{self, open_image};
use crate::error::{Category, Context, Error, Result};
use crate::progress::Progress;
use crate::signature::{Detached, Fingerprint};

/// An open base image. It was hashed through the same file handle that is used for reading, so later changes to its path
/// have no effect. Only [`crate::base::obtain`] creates one.
#[derive(Debug)]
pub struct VerifiedBase {
    /// Read it with [`crate::disk::read_at::ReadAt`], because its cursor is undefined.
    pub file: File,
    /// For messages only. Never open the file again by this path.
    pub path: PathBuf,
    /// The file's original name.
    pub name: String,
    /// The hash of the file as it is, compressed or not.
    pub sha256: Sha256,
    pub trust: Trust,
    pub(super) stamp: Stamp,
}

/// Size and modification time, which reveal changes to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) size: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    pub(super) fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self {
            size: metadata.len(),
            modified: metadata.modified().ok(),
        })
    }
}

impl VerifiedBase {
    /// Returns the size in bytes of the file as it is, compressed or not.
    pub fn size(&self) -> u64 {
        self.stamp.size
    }

    /// Returns whether it is the sample, which does not boot.
    pub fn is_sample(&self) -> bool {
        self.trust == Trust::Sample
    }

    /// Fails if the file has changed since it was hashed. Call it after the last byte has been read.
    pub fn check_unchanged(&self) -> Result<()> {
        let now =
            Stamp::of(&self.file).disk(|| format!("reading the metadata of {}", self.path.display()))?;
        if now == self.stamp {
            return Ok(());
        }
        let what = format!("{} was changed while it was being read", self.path.display());
        Err(Error::new(Category::Verification, what)
            .with_remedy("run mkimage again when nothing writes to it"))
    }

    /// Marks this file as decoded in full without errors, so that it is [`Trust::DecodedBefore`] from now on. An empty file
    /// marks it, because creating a file is atomic and needs no lock.
    pub fn mark_decoded(&self, cache_dir: &Path) -> Result<()> {
        let marker = marker(cache_dir, self.sha256);
        let doing = || format!("writing {}", marker.display());
        if let Some(folder) = marker.parent() {
            fs::create_dir_all(folder).disk(doing)?;
        }
        paths::write(&marker, b"").disk(doing)
    }
}

/// Returns the path of the file that marks a base of this hash as decoded before.
fn marker(cache_dir: &Path, sha256: Sha256) -> PathBuf {
    cache_dir.join("decoded").join(sha256.to_string())
}

/// The reason to trust a base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Its hash is built into the program.
    BuiltInHash,
    /// The publisher has signed it, with the key of that fingerprint.
    Signature(Fingerprint),
    /// It has the hash that the user gave.
    GivenHash,
    /// Its hash comes from the publisher's server. There is no signature, and it does not need one: the user allowed that, or
    /// it is a local file.
    PublishedHash,
    /// It is the sample, which this program has just created.
    Sample,
    /// Its hash is unknown, but it was decoded in full before without errors.
    DecodedBefore,
    /// Its hash is unknown. It must be decoded in full before it is used.
    Unknown,
}

impl Trust {
    /// Returns the word for it in JSON output.
    pub fn word(self) -> &'static str {
        match self {
            Self::BuiltInHash => "built-in-hash",
            Self::Signature(_) => "signature",
            Self::GivenHash => "given-hash",
            Self::PublishedHash => "published-hash",
            Self::Sample => "sample",
            Self::DecodedBefore | Self::Unknown => "nothing",
        }
    }

    /// Returns the key that it was signed with.
    pub fn key(self) -> Option<Fingerprint> {
        match self {
            Self::Signature(key) => Some(key),
            _ => None,
        }
    }
}

impl fmt::Display for Trust {
    /// Writes what follows "vouched for by".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltInHash => f.write_str("a hash built into mkimage"),
            Self::Signature(key) => write!(f, "the publisher's signature (key {key})"),
            Self::GivenHash => f.write_str("the hash given with --sha256"),
            Self::PublishedHash => f.write_str("a hash from the publisher's server, without a signature"),
            Self::Sample => f.write_str("mkimage itself"),
            Self::DecodedBefore | Self::Unknown => {
                f.write_str("nothing (it has no known hash, and no signature lies beside it)")
            }
        }
    }
}

/// The remedy for an image with somebody else's signature.
const OF_ANOTHER_PUBLISHER: &str = "if the image is not from Raspberry Pi, move its `.sig` file away";

/// Opens and hashes a local file.
pub(super) fn open(path: &Path, expected: Option<Sha256>, options: &ObtainOptions) -> Result<VerifiedBase> {
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
    } else if marker(&options.cache_dir, sha256).is_file() {
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
