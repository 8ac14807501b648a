//! A running download: a file in the cache that one process at a time may write to.
//!
//! The lock is on the file itself and ends with the process. So there is nothing to clean up, and the next download
//! continues where an interrupted one stopped.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use url::Url;

use crate::base::sha256::Hasher;
use crate::base::{ObtainOptions, answer::Validator};
use crate::disk::paths::{self, folder_of, is_at, open_file, sync_folder};
use crate::disk::read_at::write_all_at;
use crate::error::{Context, Result};
use crate::progress::Progress;

/// A change to the file of a download. Its bytes are unverified: results made from them must not be used until
/// [`crate::base::obtain`] returns the base.
#[derive(Debug)]
pub enum DownloadEvent<'a> {
    /// The first `size` bytes of the file have arrived. They do not change unless the download starts over. Read the
    /// file by position only.
    Grown { file: &'a File, size: u64 },
    /// The content is discarded and downloaded again.
    StartsOver,
}

/// The locked file and the digest of its content.
pub(super) struct Part<'a> {
    file: File,
    pub(super) path: PathBuf,
    pub(super) hasher: Hasher,
    /// In bytes.
    pub(super) size: u64,
    /// `true` if the content came in more than one answer, possibly from different versions of the file.
    pub(super) has_several_answers: bool,
    on_event: Option<&'a dyn Fn(&DownloadEvent)>,
}

/// Stored beside a part so that another process can continue it. If it is missing or damaged, only the check that the
/// server's file is the same version is lost; the hash reveals a mismatch.
#[derive(Serialize, Deserialize)]
struct ResumeInfo {
    url: Url,
    validator: Validator,
}

impl<'a> Part<'a> {
    /// Locks the part at `path`, waiting for another process if necessary. Its bytes will be hashed with `hasher`. Returns
    /// `None` if that process has finished or discarded it; the caller must then look again.
    pub(super) fn lock(
        path: &Path,
        name: &str,
        hasher: Hasher,
        options: &ObtainOptions<'a>,
    ) -> Result<Option<Self>> {
        let doing = || format!("opening {}", path.display());
        let mut writable = File::options();
        writable.read(true).write(true).create(true).truncate(false);
        let file = open_file(path, &mut writable).disk(doing)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let message = format!("another mkimage is downloading {name}; waiting for it");
                options.progress.say(&message);
                file.lock().disk(|| format!("waiting for {}", path.display()))?;
            }
            // Some network file systems do not support locks. Two concurrent downloads are rare and at worst end with a
            // wrong hash.
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
            hasher,
            size: 0,
            has_several_answers: false,
            on_event: options.on_event,
        }))
    }

    /// Hashes the content left by an earlier process and prepares to append to it.
    pub(super) fn resume(&mut self, name: &str, progress: &dyn Progress) -> Result<()> {
        let doing = || format!("reading {}", self.path.display());
        let existing = self.file.metadata().disk(doing)?.len();
        if existing == 0 {
            return Ok(());
        }
        let task = progress.begin(&format!("verifying the part of {name}"), Some(existing));
        self.hasher.reset();
        self.size = self
            .hasher
            .update_from(&self.file, &|more| task.advance(more))
            .disk(doing)?;
        self.has_several_answers = true;
        Ok(())
    }

    /// Returns the validator of the answer with the first byte, if that came from `url`.
    pub(super) fn validator(&self, url: &Url) -> Option<Validator> {
        let info: ResumeInfo = serde_json::from_slice(&paths::read(&self.resume_path()).ok()?).ok()?;
        (info.url == *url).then_some(info.validator)
    }

    pub(super) fn start_over(&mut self) -> Result<()> {
        if self.size > 0 {
            self.notify(&DownloadEvent::StartsOver);
        }
        let doing = || format!("emptying {}", self.path.display());
        // Removed before the file is emptied, because resume info must never describe other bytes.
        remove(&self.resume_path()).disk(doing)?;
        self.file.set_len(0).disk(doing)?;
        self.hasher.reset();
        self.size = 0;
        self.has_several_answers = false;
        Ok(())
    }

    /// Starts a new answer with the first byte, from `url`. `validator` identifies the file's version later.
    pub(super) fn begin(&mut self, url: &Url, validator: Option<Validator>) -> Result<()> {
        self.start_over()?;
        let Some(validator) = validator else {
            return Ok(());
        };
        let url = url.clone();
        let info = ResumeInfo { url, validator };
        let path = self.resume_path();
        let doing = || format!("writing {}", path.display());
        paths::write(&path, &serde_json::to_vec(&info).disk(doing)?).disk(doing)
    }

    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<()> {
        write_all_at(&self.file, bytes, self.size).disk(|| format!("writing {}", self.path.display()))?;
        self.hasher.update(bytes);
        self.size = self.size.saturating_add(bytes.len() as u64);
        self.notify(&DownloadEvent::Grown {
            file: &self.file,
            size: self.size,
        });
        Ok(())
    }

    /// Syncs the file under its final name and releases the lock.
    pub(super) fn finish(self, path: &Path) -> Result<File> {
        let doing = || format!("finishing {}", path.display());
        self.file.sync_all().disk(doing)?;
        // Removed before the rename: nobody would look for it once its part is gone. The hash tells the next run that
        // the part is whole.
        remove(&self.resume_path()).disk(doing)?;
        fs::rename(&self.path, path).disk(doing)?;
        sync_folder(folder_of(path))?;
        match self.file.unlock() {
            Err(error) if error.kind() != io::ErrorKind::Unsupported => Err(error).disk(doing),
            _ => Ok(self.file),
        }
    }

    pub(super) fn discard(self) -> Result<()> {
        let doing = || format!("removing {}", self.path.display());
        remove(&self.resume_path()).disk(doing)?;
        remove(&self.path).disk(doing)
    }

    /// Releases the lock. The content stays for the next time; an empty file is removed.
    pub(super) fn release(self) -> Result<()> {
        if self.file.metadata().is_ok_and(|metadata| metadata.len() == 0) {
            return self.discard();
        }
        Ok(())
    }

    fn notify(&self, event: &DownloadEvent) {
        if let Some(on_event) = self.on_event {
            on_event(event);
        }
    }

    fn resume_path(&self) -> PathBuf {
        self.path.with_extension("resume")
    }
}

/// Removes a file if it exists.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
