//! Downloads a base image, or uses the copy in the cache.

use std::fs::{self, File};
use std::path::Path;

use crate::base::cache::{Cache, Cached, file_name};
use crate::base::client::Http;
use crate::base::part::Part;
use crate::base::retry::{Backoff, Failure, Kind};
use crate::base::sha256::Hasher;
use crate::base::signature_file::{Signature, SignatureFile};
use crate::base::transfer::{Transfer, Wanted};
use crate::base::verified::Stamp;
use crate::base::{ObtainOptions, Sha256, Trust, VerifiedBase, local};
use crate::disk::opened::is_at;
use crate::error::{Category, Context, Error, Result};

/// Returns the file from the cache, or downloads it first.
pub(super) fn obtain(wanted: &Wanted, options: &ObtainOptions) -> Result<VerifiedBase> {
    let cache = Cache::new(&options.cache_dir);
    let name = file_name(wanted.url);
    let signature_file = wanted
        .must_be_signed
        .then(|| SignatureFile::new(wanted.url, cache.path(wanted.sha256, ".sig"), options));
    loop {
        let cached = cache.open(wanted.sha256)?;
        if cached.is_none() && options.offline {
            let what = format!("{name} is not in the cache {}", options.cache_dir.display());
            return Err(Error::new(Category::Network, what)
                .with_remedy(
                "run once without `--offline`, or use an image file with `--base`; `--base sample` needs no network",
            ));
        }
        let signature = match &signature_file {
            Some(file) => file.find()?,
            None => None,
        };
        let mut hasher = Hasher::new(signature.is_some());
        let mut damaged = None;
        if let Some(Cached { file, path, name }) = cached {
            let stamp = local::hash(&file, &path, &name, &mut hasher, options.progress)?;
            let found = hasher.digest();
            if found == wanted.sha256 {
                let trust = trust(wanted, signature.as_ref(), &hasher, options)?;
                return Ok(VerifiedBase {
                    file,
                    path,
                    name,
                    sha256: found,
                    trust,
                    stamp,
                });
            }
            if options.offline {
                return Err(damaged_error(&path, found, wanted.sha256));
            }
            hasher.reset();
            damaged = Some((file, path, found));
        }
        cache.create()?;
        let Some(part) = Part::lock(&cache.path(wanted.sha256, ".part"), &name, hasher, options)? else {
            continue;
        };
        if let Some((file, path, found)) = damaged {
            discard_damaged(&file, &path, found, options)?;
        }
        // Another process may have finished it in the meantime.
        if cache.open(wanted.sha256)?.is_some() {
            part.release()?;
            continue;
        }
        return download(part, signature.as_ref(), wanted, &name, &cache, options);
    }
}

/// Returns the reason to trust a file with the wanted hash. Fails if its signature is wrong.
fn trust(
    wanted: &Wanted,
    signature: Option<&Signature>,
    hasher: &Hasher,
    options: &ObtainOptions,
) -> Result<Trust> {
    if let Some((signature, content)) = signature.zip(hasher.content.as_ref())
        && signature.confirm(content)?
    {
        return Ok(Trust::Signature(options.publisher.key.fingerprint));
    }
    Ok(wanted.hash)
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
    signature: Option<&Signature>,
    wanted: &Wanted,
    name: &str,
    cache: &Cache,
    options: &ObtainOptions,
) -> Result<VerifiedBase> {
    let outcome = complete(&mut part, wanted, name, options).and_then(|()| {
        trust(wanted, signature, &part.hasher, options).map_err(|error| match error.category() {
            Category::Verification => Kind::Corrupt.of(error),
            _ => error.into(),
        })
    });
    let trust = match outcome {
        Ok(trust) => trust,
        Err(failure) => {
            match failure.kind {
                Kind::Corrupt => part.discard()?,
                _ => part.release()?,
            }
            return Err(failure.error);
        }
    };
    let path = cache.path(wanted.sha256, &format!("-{name}"));
    let file = part.finish(&path)?;
    let stamp = Stamp::of(&file).disk(|| format!("reading the metadata of {}", path.display()))?;
    Ok(VerifiedBase {
        file,
        path,
        name: name.to_owned(),
        sha256: wanted.sha256,
        trust,
        stamp,
    })
}

/// Sends requests until `part` is the wanted file.
fn complete(part: &mut Part, wanted: &Wanted, name: &str, options: &ObtainOptions) -> Result<(), Failure> {
    part.resume(name, options.progress)?;
    let mut transfer = Transfer {
        http: Http::new(&options.connection)?,
        wanted,
        name,
        progress: options.progress,
        task: None,
        length_known: false,
    };
    let mut largest = part.size;
    let mut backoff = Backoff::new(&options.connection, options.progress);
    let mut started_over = false;
    // The file is complete when its hash matches, whatever servers say about lengths and versions.
    while part.hasher.digest() != wanted.sha256 {
        match transfer.attempt(part) {
            // The connection may break after the last byte.
            Ok(())
            | Err(Failure {
                kind: Kind::Retry(_), ..
            }) if part.hasher.digest() == wanted.sha256 => {}
            Ok(()) if part.has_several_answers && !started_over => {
                started_over = true;
                options.progress.warn(&format!(
                    "the pieces of {name} do not fit together; starting over"
                ));
                part.start_over()?;
            }
            Ok(()) => return Err(Kind::Corrupt.of(wrong_hash(wanted, part, transfer.length_known))),
            Err(failure) => {
                // Progress resets the limit on failures.
                if part.size > largest {
                    largest = part.size;
                    backoff.reset();
                }
                let then = if part.size > 0 {
                    "run the same command again later; the download will resume"
                } else {
                    "run the same command again later"
                };
                backoff.wait(failure, then)?;
            }
        }
    }
    Ok(())
}

fn wrong_hash(wanted: &Wanted, part: &Part, length_known: bool) -> Error {
    let what = format!(
        "the SHA-256 of {} is {}, not {}",
        wanted.url,
        part.hasher.digest(),
        wanted.sha256
    );
    if length_known {
        let remedy =
            "the download was deleted; try again, and if this happens again, do not use this server's file";
        return Error::new(Category::Verification, what).with_remedy(remedy);
    }
    let what = format!(
        "{what}; the server did not give the file's length, so it may have been cut off after {} bytes",
        part.size
    );
    Error::new(Category::Verification, what).with_remedy(
        "the download was deleted; try again. If this happens again, use another URL, or download the file with \
         another program and use it with --base",
    )
}
