//! A base image from the network, or from the cache if it was downloaded before.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use url::Url;

use crate::base::cache::{Cache, file_name};
use crate::base::part::Part;
use crate::base::retry::Patience;
use crate::base::transfer::{Failure, Transfer};
use crate::base::verified::Stamp;
use crate::base::{ObtainOptions, Sha256, VerifiedBase, Vouch, client, local};
use crate::disk::opened::is_at;
use crate::error::{Category, Context, Error, Result};

/// What is to be downloaded.
pub(super) struct Wanted<'a> {
    pub(super) url: &'a Url,
    pub(super) sha256: Sha256,
    /// Bytes, where they are known.
    pub(super) size: Option<u64>,
}

/// What the cache has.
enum Cached {
    Good(Box<VerifiedBase>),
    Damaged {
        file: File,
        path: PathBuf,
        found: Sha256,
    },
    Nothing,
}

/// Takes the file from the cache, or downloads it into it.
pub(super) fn obtain(wanted: &Wanted, options: &ObtainOptions) -> Result<VerifiedBase> {
    let cache = Cache::new(&options.cache_dir);
    let name = file_name(wanted.url);
    loop {
        let damaged = match look(&cache, wanted.sha256, options)? {
            Cached::Good(base) => return Ok(*base),
            Cached::Damaged { path, found, .. } if options.offline => {
                return Err(damage(&path, found, wanted.sha256));
            }
            Cached::Damaged { file, path, found } => Some((file, path, found)),
            Cached::Nothing if options.offline => {
                let what = format!("{name} is not in the cache {}", options.cache_dir.display());
                return Err(Error::new(Category::Network, what)
                    .with_remedy("run once without `--offline`, or name an image file with `--base`"));
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
        // While we looked and waited, another process may have finished it.
        if cache.find(wanted.sha256)?.is_some() {
            part.leave()?;
            continue;
        }
        return fetch(part, wanted, &name, &cache, options);
    }
}

/// Hashes what the cache has under that hash.
fn look(cache: &Cache, sha256: Sha256, options: &ObtainOptions) -> Result<Cached> {
    let Some((path, name)) = cache.find(sha256)? else {
        return Ok(Cached::Nothing);
    };
    let file = match File::open(&path) {
        Ok(file) => file,
        // Another process has found it damaged.
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
        vouched: Vouch::Publisher,
    })))
}

/// Removes a damaged file from the cache, unless another process has put a good one in its place meanwhile. Only to be
/// called with the part locked.
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

fn damage(path: &Path, found: Sha256, wanted: Sha256) -> Error {
    let what = format!(
        "{} is damaged: it has the SHA-256 {found}, not {wanted}",
        path.display()
    );
    Error::new(Category::Verification, what).with_remedy("run without `--offline` to download it again")
}

/// Downloads what `part` lacks.
fn fetch(
    mut part: Part,
    wanted: &Wanted,
    name: &str,
    cache: &Cache,
    options: &ObtainOptions,
) -> Result<VerifiedBase> {
    match complete(&mut part, wanted, name, options) {
        Ok(()) => {}
        Err(Failure::Worthless(error)) => {
            part.discard()?;
            return Err(error);
        }
        Err(Failure::Final(error) | Failure::Again(error, _)) => {
            part.leave()?;
            return Err(error);
        }
    }
    let path = cache.finished(wanted.sha256, name);
    let file = part.finish(&path)?;
    let stamp = Stamp::of(&file).disk(|| format!("looking at {}", path.display()))?;
    Ok(VerifiedBase {
        file,
        path,
        name: name.to_owned(),
        sha256: wanted.sha256,
        stamp,
        entry: options.catalog.with_sha256(wanted.sha256).cloned(),
        vouched: Vouch::Publisher,
    })
}

/// Makes as many requests as it takes until `part` is the file that is wanted.
fn complete(part: &mut Part, wanted: &Wanted, name: &str, options: &ObtainOptions) -> Result<(), Failure> {
    let connection = &options.connection;
    part.pick_up(name, options.progress)?;
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
    let mut most = part.size();
    let mut patience = Patience::new(connection, options.progress);
    let mut started_over = false;
    // Whatever servers promise about lengths and versions, the file is complete when its hash says so.
    while part.sha256() != wanted.sha256 {
        match transfer.attempt(part) {
            Ok(()) | Err(Failure::Again(..)) if part.sha256() == wanted.sha256 => {}
            Ok(()) if part.is_pieced() && !started_over => {
                started_over = true;
                options.progress.warn(&format!(
                    "the pieces of {name} do not fit together; starting over"
                ));
                part.start_over()?;
            }
            Ok(()) => return Err(Failure::Worthless(wrong(wanted, part, transfer.length_known))),
            Err(Failure::Again(error, after)) => {
                // A server that brings something every time may fail as often as it likes.
                if part.size() > most {
                    most = part.size();
                    patience.restore();
                }
                let then = if part.size() > 0 {
                    "run the same command again later: it goes on where it stopped"
                } else {
                    "run the same command again later"
                };
                patience.wait(error, after, then)?;
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(())
}

fn wrong(wanted: &Wanted, part: &Part, length_known: bool) -> Error {
    let what = format!(
        "{} has the SHA-256 {}, not {}",
        wanted.url,
        part.sha256(),
        wanted.sha256
    );
    if length_known {
        return Error::new(Category::Verification, what).with_remedy(
            "the bad download was deleted; try again, and if it stays so, do not use this server's file",
        );
    }
    let what = format!(
        "{what}; the server did not say how long the file is, and it may have been cut off after {} bytes",
        part.size()
    );
    Error::new(Category::Verification, what).with_remedy(
        "the download was deleted; try again, and if it stays so, take the file from another address, or download it \
         with another program and give the file with --base",
    )
}
