//! A download that is under way: a file in the cache that one process at a time may write to.
//!
//! The lock lies on the file itself and goes away with the process, so nothing is left behind that has to be
//! cleaned up, and what an interrupted download has got so far is there for the next one.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use url::Url;

use crate::base::sha256::Hasher;
use crate::base::validator::Validator;
use crate::base::{Arrival, ObtainOptions, Sha256};
use crate::disk::durable::{folder_of, sync_folder};
use crate::disk::opened::is_at;
use crate::disk::read_at::write_all_at;
use crate::error::{Context, Result};
use crate::progress::Progress;

/// The locked file, and the digest of what is in it.
pub(super) struct Part<'a> {
    file: File,
    path: PathBuf,
    hasher: Hasher,
    size: u64,
    /// Whether what is in the file came in more than one answer.
    pieced: bool,
    onlooker: Option<&'a dyn Fn(&Arrival)>,
}

/// What is noted beside a part, so that it can be continued by another process. A note that is missing, torn or of
/// another download costs nothing but the certainty that the server's file is the same; the hash finds that out.
#[derive(Serialize, Deserialize)]
struct Note {
    url: Url,
    validator: Validator,
}

impl<'a> Part<'a> {
    /// Locks the part at `path`, waiting for another process where need be. `None` when that other process has
    /// finished it or thrown it away: look again.
    pub(super) fn lock(path: &Path, name: &str, options: &ObtainOptions<'a>) -> Result<Option<Self>> {
        let doing = || format!("opening {}", path.display());
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .disk(doing)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let message = format!("another mkimage is downloading {name}; waiting for it");
                options.progress.say(&message);
                file.lock().disk(|| format!("waiting for {}", path.display()))?;
            }
            // Some network file systems know no locks. Two downloads at once are rare and end in a wrong hash at worst.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {}
            Err(TryLockError::Error(error)) => {
                return Err(error).disk(|| format!("locking {}", path.display()));
            }
        }
        if !is_at(&file, path).disk(doing)? {
            return Ok(None);
        }
        Ok(Some(Self {
            file,
            path: path.to_owned(),
            hasher: Hasher::default(),
            size: 0,
            pieced: false,
            onlooker: options.onlooker,
        }))
    }

    /// Hashes what an earlier process has left and gets ready to append to it.
    pub(super) fn pick_up(&mut self, name: &str, progress: &dyn Progress) -> Result<()> {
        let doing = || format!("reading {}", self.path.display());
        let there = self.file.metadata().disk(doing)?.len();
        if there == 0 {
            return Ok(());
        }
        let task = progress.begin(&format!("reading what is there of {name}"), Some(there));
        let mut hasher = Hasher::default();
        let size = hasher
            .update_from(&self.file, &|more| task.advance(more))
            .disk(doing)?;
        self.hasher = hasher;
        self.size = size;
        self.pieced = true;
        Ok(())
    }

    /// Bytes in it.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Of what is in it.
    pub(super) fn sha256(&self) -> Sha256 {
        self.hasher.digest()
    }

    /// Whether what is in it came in more than one answer, which may not have been of the same file.
    pub(super) fn is_pieced(&self) -> bool {
        self.pieced
    }

    /// For messages.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The validator of the answer that its first byte came with, if that was from `url`.
    pub(super) fn validator(&self, url: &Url) -> Option<Validator> {
        let note: Note = serde_json::from_slice(&fs::read(self.note()).ok()?).ok()?;
        (note.url == *url).then_some(note.validator)
    }

    /// Throws away what is in it, because other bytes come.
    pub(super) fn start_over(&mut self) -> Result<()> {
        if self.size > 0 {
            self.tell(&Arrival::StartsOver);
        }
        let doing = || format!("emptying {}", self.path.display());
        // Before the file: a note without a part is of no harm, the other way round it vouches for the wrong bytes.
        remove(&self.note()).disk(doing)?;
        self.file.set_len(0).disk(doing)?;
        self.hasher = Hasher::default();
        self.size = 0;
        self.pieced = false;
        Ok(())
    }

    /// The first bytes come, from `url`, and `validator` tells later whether the rest is of the same file.
    pub(super) fn begin(&mut self, url: &Url, validator: Option<Validator>) -> Result<()> {
        self.start_over()?;
        let Some(validator) = validator else {
            return Ok(());
        };
        let note = Note {
            url: url.clone(),
            validator,
        };
        let path = self.note();
        let doing = || format!("writing {}", path.display());
        fs::write(&path, serde_json::to_vec(&note).disk(doing)?).disk(doing)
    }

    /// More bytes come, in another answer than the first ones.
    pub(super) fn go_on(&mut self) {
        self.pieced = true;
    }

    /// These bytes come next.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<()> {
        write_all_at(&self.file, bytes, self.size).disk(|| format!("writing {}", self.path.display()))?;
        self.hasher.update(bytes);
        self.size = self.size.saturating_add(bytes.len() as u64);
        self.tell(&Arrival::Grown {
            file: &self.file,
            size: self.size,
        });
        Ok(())
    }

    /// Makes it durable under its final name, and gives up the lock.
    pub(super) fn finish(self, path: &Path) -> Result<File> {
        let doing = || format!("finishing {}", path.display());
        self.file.sync_all().disk(doing)?;
        fs::rename(&self.path, path).disk(doing)?;
        sync_folder(folder_of(path))?;
        remove(&self.note()).disk(doing)?;
        self.file.unlock().or_else(unless_unsupported).disk(doing)?;
        Ok(self.file)
    }

    /// Removes it with all that is in it.
    pub(super) fn discard(self) -> Result<()> {
        let doing = || format!("removing {}", self.path.display());
        remove(&self.note()).disk(doing)?;
        remove(&self.path).disk(doing)
    }

    /// Gives up the lock. What is in it stays for the next time; a file with nothing in it does not.
    pub(super) fn leave(self) -> Result<()> {
        if self.file.metadata().is_ok_and(|metadata| metadata.len() == 0) {
            return self.discard();
        }
        Ok(())
    }

    fn tell(&self, arrival: &Arrival) {
        if let Some(onlooker) = self.onlooker {
            onlooker(arrival);
        }
    }

    fn note(&self) -> PathBuf {
        self.path.with_extension("resume")
    }
}

/// Removes a file that may be gone already.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn unless_unsupported(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::Unsupported {
        return Ok(());
    }
    Err(error)
}
