//! Downloads a base image, or uses the copy in the cache.

use std::fs::{self, File};
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use reqwest::blocking::Response;
use url::Url;

use crate::base::answer::Validator;
use crate::base::cache::{self, Cached};
use crate::base::client::Http;
use crate::base::part::Part;
use crate::base::retry::{Backoff, Failure, Kind};
use crate::base::sha256::Hasher;
use crate::base::signature_file::{Signature, SignatureFile};
use crate::base::verified::Stamp;
use crate::base::{ObtainOptions, Sha256, Trust, VerifiedBase, verified};
use crate::disk::paths::{folder_of, is_at};
use crate::disk::room;
use crate::error::{Category, Context, Error, Result};
use crate::progress::{Progress, Task};

/// Limit in bytes for a file of unknown size: several times the publisher's largest image.
const MAX_SIZE: u64 = 32 << 30;

/// The remedy when a base cannot be downloaded.
const NO_NETWORK: &str = "check the network and the proxy settings (HTTPS_PROXY), or use `--base` with a file; \
                          `--base sample` needs no network";

const CHUNK_SIZE: usize = 128 * 1024;

/// The file to download.
pub(super) struct Wanted<'a> {
    pub(super) url: &'a Url,
    pub(super) sha256: Sha256,
    /// Size in bytes, if known.
    pub(super) size: Option<u64>,
    /// `true` if the file needs the publisher's signature.
    pub(super) must_be_signed: bool,
    /// The reason to trust a file with that hash and without a signature.
    pub(super) hash: Trust,
}

/// Returns the file from the cache, or downloads it first.
pub(super) fn obtain(wanted: &Wanted, options: &ObtainOptions) -> Result<VerifiedBase> {
    let folder = &options.cache_dir;
    let name = cache::file_name(wanted.url);
    let signature_file = wanted
        .must_be_signed
        .then(|| SignatureFile::new(wanted.url, cache::path(folder, wanted.sha256, ".sig"), options));
    loop {
        let cached = cache::open(folder, wanted.sha256)?;
        if cached.is_none() && options.offline {
            let what = format!("{name} is not in the cache {}", folder.display());
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
            let stamp = verified::hash(&file, &path, &name, &mut hasher, options.progress)?;
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
        fs::create_dir_all(folder).disk(|| format!("creating the cache folder {}", folder.display()))?;
        let part = cache::path(folder, wanted.sha256, ".part");
        let Some(part) = Part::lock(&part, &name, hasher, options)? else {
            continue;
        };
        if let Some((file, path, found)) = damaged {
            discard_damaged(&file, &path, found, options)?;
        }
        // Another process may have finished it in the meantime.
        if cache::open(folder, wanted.sha256)?.is_some() {
            part.release()?;
            continue;
        }
        return download(part, signature.as_ref(), wanted, &name, options);
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
    let what = format!("{} was damaged (SHA-256 {found})", path.display());
    options.progress.warn(&format!("{what}; downloading it again"));
    Ok(())
}

fn damaged_error(path: &Path, found: Sha256, wanted: Sha256) -> Error {
    let path = path.display();
    let what = format!("{path} is damaged: its SHA-256 is {found}, not {wanted}");
    Error::new(Category::Verification, what).with_remedy("run without `--offline` to download it again")
}

/// Downloads the missing bytes of `part`.
fn download(
    mut part: Part,
    signature: Option<&Signature>,
    wanted: &Wanted,
    name: &str,
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
    let path = cache::path(&options.cache_dir, wanted.sha256, &format!("-{name}"));
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
    let (url, found) = (wanted.url, part.hasher.digest());
    let what = format!("the SHA-256 of {url} is {found}, not {}", wanted.sha256);
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

/// A download, with any number of requests.
struct Transfer<'a> {
    http: Http<'a>,
    wanted: &'a Wanted<'a>,
    /// The file's name, for messages.
    name: &'a str,
    progress: &'a dyn Progress,
    /// Started by the first answer, which often gives the size.
    task: Option<Box<dyn Task>>,
    /// `true` if the file's length was known for the last answer. Without it, a broken connection looks like the end of
    /// the file.
    length_known: bool,
}

impl Transfer<'_> {
    /// Requests the missing bytes of `part` and appends those in the answer.
    fn attempt(&mut self, part: &mut Part) -> Result<(), Failure> {
        let have = part.size;
        let validator = part.validator(self.wanted.url).filter(|_| have > 0);
        let answer = self
            .http
            .ask(self.wanted.url, have, validator.as_ref(), NO_NETWORK);
        let (response, content) = match answer {
            // The name could be resolved before, so this is as temporary as other failures.
            Err(failure) if failure.kind == Kind::Lookup && self.task.is_some() => {
                return Err(Kind::Retry(None).of(failure.error));
            }
            Err(failure) if failure.kind == Kind::StartOver => {
                part.start_over()?;
                let what = format!("{} cannot be resumed: {}", self.name, failure.error);
                return Err(Kind::Retry(None).of(Error::new(Category::Network, what)));
            }
            answer => answer?,
        };
        self.check_total(content.total)?;
        if content.is_rest {
            part.has_several_answers = true;
        } else {
            if have > 0 {
                self.progress
                    .say(&format!("the server sends {} from the beginning", self.name));
            }
            part.begin(self.wanted.url, Validator::of(response.headers()))?;
        }
        let total = self.wanted.size.or(content.total);
        self.length_known = total.is_some();
        if let Some(total) = total {
            let missing = total.saturating_sub(part.size);
            let remedy = "free some space, or set MKIMAGE_CACHE_DIR to a folder on another disk";
            room::require(folder_of(&part.path), missing, "the rest of the download", remedy)?;
        }
        let what = format!("downloading {}", self.name);
        self.task
            .get_or_insert_with(|| self.progress.begin(&what, total))
            .reset_to(part.size);
        self.receive(response, part, total)
    }

    /// Compares the announced size with the known one.
    fn check_total(&self, total: Option<u64>) -> Result<()> {
        let (url, name) = (self.wanted.url, self.name);
        let what = match (total, self.wanted.size) {
            (Some(total), Some(size)) if total != size => {
                format!("{url} announces {total} bytes for {name}, which has {size}")
            }
            (Some(total), None) if total > MAX_SIZE => {
                format!("{url} announces {total} bytes, more than any base image has")
            }
            _ => return Ok(()),
        };
        Err(Error::new(Category::Verification, what).with_remedy(
            "the URL has another file, or something in between answers instead, such as a network's login page",
        ))
    }

    fn receive(&self, mut response: Response, part: &mut Part, total: Option<u64>) -> Result<(), Failure> {
        let (url, name) = (self.wanted.url, self.name);
        let cut_off = |part: &Part| {
            let of = total.map_or_else(String::new, |total| format!(" of {total}"));
            let what = format!("{url} was cut off after {}{of} bytes", part.size);
            Error::new(Category::Network, what)
        };
        let limit = total.unwrap_or(MAX_SIZE);
        let mut chunk = vec![0; CHUNK_SIZE];
        loop {
            let read = match response.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(Kind::Retry(None).of(cut_off(part).with_cause(error))),
            };
            if part.size.saturating_add(read as u64) > limit {
                let what = format!("{url} sends more than the {limit} bytes that {name} has");
                return Err(Kind::Corrupt.of(Error::new(Category::Verification, what)));
            }
            part.append(chunk.get(..read).unwrap_or_default())?;
            if let Some(task) = &self.task {
                task.advance(read as u64);
            }
        }
        if total.is_some_and(|total| part.size < total) {
            return Err(Kind::Retry(None).of(cut_off(part)));
        }
        Ok(())
    }
}
