//! Downloads a base image, or uses the copy in the cache.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use url::Url;

use crate::base::cache::{Cache, file_name};
use crate::base::part::Part;
use crate::base::retry::Backoff;
use crate::base::transfer::{Failure, Transfer};
use crate::base::verified::Stamp;
use crate::base::{ObtainOptions, Sha256, Trust, VerifiedBase, client, local};
use crate::disk::opened::is_at;
use crate::error::{Category, Context, Error, Result};

/// The file to download.
pub(super) struct Wanted<'a> {
    pub(super) url: &'a Url,
    pub(super) sha256: Sha256,
    /// Size in bytes, if known.
    pub(super) size: Option<u64>,
}

/// The result of a look-up in the cache.
enum Cached {
    Good(Box<VerifiedBase>),
    Damaged {
        file: File,
        path: PathBuf,
        found: Sha256,
    },
    Nothing,
}

/// Returns the file from the cache, or downloads it first.
pub(super) fn obtain(wanted: &Wanted, options: &ObtainOptions) -> Result<VerifiedBase> {
    let cache = Cache::new(&options.cache_dir);
    let name = file_name(wanted.url);
    loop {
        let damaged = match check_cache(&cache, wanted.sha256, options)? {
            Cached::Good(base) => return Ok(*base),
            Cached::Damaged { path, found, .. } if options.offline => {
                return Err(damaged_error(&path, found, wanted.sha256));
            }
            Cached::Damaged { file, path, found } => Some((file, path, found)),
            Cached::Nothing if options.offline => {
                let what = format!("{name} is not in the cache {}", options.cache_dir.display());
                return Err(Error::new(Category::Network, what)
                    .with_remedy(
                    "run once without `--offline`, or use an image file with `--base`; `--base sample` needs no network",
                ));
            }
            Cached::Nothing => None,
        };
        cache.create()?;
        let Some(part) = Part::lock(&cache.part(wanted.sha256), &name, options)? else {
            continue;
        };
        if let Some((file, path, found)) = damaged {
            discard_damaged(&file, &path, found, options)?;
        }
        // Another process may have finished it in the meantime.
        if cache.find(wanted.sha256)?.is_some() {
            part.release()?;
            continue;
        }
        return download(part, wanted, &name, &cache, options);
    }
}

/// Looks up the hash in the cache and verifies the file.
fn check_cache(cache: &Cache, sha256: Sha256, options: &ObtainOptions) -> Result<Cached> {
    let Some((path, name)) = cache.find(sha256)? else {
        return Ok(Cached::Nothing);
    };
    let file = match File::open(&path) {
        Ok(file) => file,
        // Another process found it damaged and removed it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Cached::Nothing),
        Err(error) => return Err(error).disk(|| format!("opening {}", path.display())),
    };
    let (found, stamp) = local::hash(&file, &path, &name, options.progress)?;
    if found != sha256 {
        return Ok(Cached::Damaged { file, path, found });
    }
    Ok(Cached::Good(Box::new(VerifiedBase {
        file,
        path,
        name,
        sha256,
        stamp,
        entry: options.catalog.with_sha256(sha256).cloned(),
        trust: Trust::KnownHash,
    })))
}

/// Removes a damaged file from the cache, unless another process has replaced it. The part must be locked.
fn discard_damaged(file: &File, path: &Path, found: Sha256, options: &ObtainOptions) -> Result<()> {
    let doing = || format!("removing the damaged {}", path.display());
    if !is_at(file, path).disk(doing)? {
        return Ok(());
    }
    fs::remove_file(path).disk(doing)?;
    options.progress.warn(&format!(
        "{} was damaged (SHA-256 {found}); downloading it again",
        path.display()
    ));
    Ok(())
}

fn damaged_error(path: &Path, found: Sha256, wanted: Sha256) -> Error {
    let what = format!(
        "{} is damaged: its SHA-256 is {found}, not {wanted}",
        path.display()
    );
    Error::new(Category::Verification, what).with_remedy("run without `--offline` to download it again")
}

/// Downloads the missing bytes of `part`.
fn download(
    mut part: Part,
    wanted: &Wanted,
    name: &str,
    cache: &Cache,
    options: &ObtainOptions,
) -> Result<VerifiedBase> {
    match complete(&mut part, wanted, name, options) {
        Ok(()) => {}
        Err(Failure::Corrupt(error)) => {
            part.discard()?;
            return Err(error);
        }
        Err(Failure::Permanent(error) | Failure::Retry(error, _) | Failure::Lookup(error)) => {
            part.release()?;
            return Err(error);
        }
    }
    let path = cache.finished(wanted.sha256, name);
    let file = part.finish(&path)?;
    let stamp = Stamp::of(&file).disk(|| format!("reading the metadata of {}", path.display()))?;
    Ok(VerifiedBase {
        file,
        path,
        name: name.to_owned(),
        sha256: wanted.sha256,
        stamp,
        entry: options.catalog.with_sha256(wanted.sha256).cloned(),
        trust: Trust::KnownHash,
    })
}

/// Sends requests until `part` is the wanted file.
fn complete(part: &mut Part, wanted: &Wanted, name: &str, options: &ObtainOptions) -> Result<(), Failure> {
    let connection = &options.connection;
    part.resume(name, options.progress)?;
    let mut transfer = Transfer {
        client: client::client(connection)?,
        connection,
        url: wanted.url,
        name,
        size: wanted.size,
        progress: options.progress,
        task: None,
        length_known: false,
    };
    let mut largest = part.size();
    let mut backoff = Backoff::new(connection, options.progress);
    let mut started_over = false;
    // The file is complete when its hash matches, whatever servers say about lengths and versions.
    while part.sha256() != wanted.sha256 {
        match transfer.attempt(part) {
            Ok(()) | Err(Failure::Retry(..)) if part.sha256() == wanted.sha256 => {}
            Ok(()) if part.has_several_answers() && !started_over => {
                started_over = true;
                options.progress.warn(&format!(
                    "the pieces of {name} do not fit together; starting over"
                ));
                part.start_over()?;
            }
            Ok(()) => return Err(Failure::Corrupt(wrong_hash(wanted, part, transfer.length_known))),
            Err(Failure::Lookup(error)) => {
                backoff.wait_for_lookup(error, "run the same command again later")?;
            }
            Err(Failure::Retry(error, after)) => {
                // Progress resets the limit on failures.
                if part.size() > largest {
                    largest = part.size();
                    backoff.reset();
                }
                let then = if part.size() > 0 {
                    "run the same command again later; the download will resume"
                } else {
                    "run the same command again later"
                };
                backoff.wait(error, after, then)?;
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(())
}

fn wrong_hash(wanted: &Wanted, part: &Part, length_known: bool) -> Error {
    let what = format!(
        "the SHA-256 of {} is {}, not {}",
        wanted.url,
        part.sha256(),
        wanted.sha256
    );
    if length_known {
        return Error::new(Category::Verification, what).with_remedy(
            "the download was deleted; try again, and if this happens again, do not use this server's file",
        );
    }
    let what = format!(
        "{what}; the server did not give the file's length, so it may have been cut off after {} bytes",
        part.size()
    );
    Error::new(Category::Verification, what).with_remedy(
        "the download was deleted; try again. If this happens again, use another URL, or download the file with \
         another program and use it with --base",
    )
}
