//! Decompresses raw images while their base is being downloaded.
//!
//! They have temporary names and must not be used until the base is verified. Then the owner of an [`EagerUnpack`] calls
//! [`EagerUnpack::finish`]; otherwise dropping it removes the images.

use std::cell::OnceCell;
use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use super::space_guard::SpaceGuard;
use super::{MAKE_ROOM, Unpacked};
use crate::disk::clone;
use crate::disk::growing::{GrowingFile, Growth};
use crate::disk::room;
use crate::error::{Category, Context, Error, Result};
use crate::image::container;
use crate::progress::Progress;

/// Bytes that stay free for the download and other programs.
const RESERVE: u64 = 1 << 30;

/// The purpose of the space, for errors.
const PURPOSE: &str = "decompressing during the download";

/// Decompresses images if and while the base is downloaded.
pub struct EagerUnpack<'a> {
    folder: PathBuf,
    /// The final paths of the images.
    destinations: Vec<PathBuf>,
    sizes: Sizes,
    progress: &'a dyn Progress,
    running: OnceCell<Result<Unpacking>>,
}

/// The known sizes of a base, in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sizes {
    /// Size of the download.
    pub compressed: Option<u64>,
    /// Size of the raw image.
    pub raw: Option<u64>,
}

/// The decompressing thread.
struct Unpacking {
    growth: Arc<Growth>,
    thread: Option<JoinHandle<Result<Unpacked>>>,
}

impl<'a> EagerUnpack<'a> {
    /// Prepares without doing anything yet. `destinations` are the images' final paths in `folder`.
    pub fn new(
        folder: PathBuf,
        destinations: Vec<PathBuf>,
        sizes: Sizes,
        progress: &'a dyn Progress,
    ) -> Self {
        Self {
            folder,
            destinations,
            sizes,
            progress,
            running: OnceCell::new(),
        }
    }

    /// Reports that the base's `file` has its first `size` bytes. The first call starts decompressing.
    pub fn grown_to(&self, file: &File, size: u64) {
        if let Ok(unpacking) = self.running.get_or_init(|| self.begin(file)) {
            unpacking.growth.grown_to(size);
        }
    }

    /// Stops decompressing, because the download starts over.
    pub fn abandon(&self) {
        if let Some(Ok(unpacking)) = self.running.get() {
            unpacking.growth.abandon();
        }
    }

    /// Decompresses the rest after the base, which has `size` bytes, is verified. Returns `None` if nothing was
    /// downloaded. An error is the reason why it was not decompressed; the base is fine and can be decompressed now.
    pub fn finish(self, size: u64) -> Option<Result<Unpacked>> {
        let running = self.running.into_inner()?;
        Some(running.and_then(|unpacking| unpacking.finish(size)))
    }

    fn begin(&self, file: &File) -> Result<Unpacking> {
        let folder = self.folder.clone();
        fs::create_dir_all(&folder).disk(|| format!("creating the folder {}", folder.display()))?;
        let file = file.try_clone().disk(|| "reading the download".to_owned())?;
        let copies = clone::copies_to_write(&folder, self.destinations.len());
        let destinations: Vec<PathBuf> = self.destinations.iter().take(copies).cloned().collect();
        let max_raw_size = self.sizes.raw;
        if let Some(raw) = max_raw_size {
            let images = raw.saturating_mul(copies as u64);
            let needed = images.saturating_add(self.sizes.compressed.unwrap_or(0));
            room::require(&folder, needed.saturating_add(RESERVE), PURPOSE, MAKE_ROOM)?;
        }
        let growth = Arc::new(Growth::default());
        let source = GrowingFile::new(file, Arc::clone(&growth));
        let task = self.progress.begin("decompressing", max_raw_size);
        let work = move || {
            let forward = container::Forward::new(source)?;
            Unpacked::create(destinations.iter(), |below| {
                let guard = SpaceGuard {
                    below,
                    folder: &folder,
                    purpose: PURPOSE,
                    reserve: RESERVE,
                };
                // More data than expected cannot be trusted, because the hash is not verified yet.
                forward.decode(max_raw_size, &guard, &*task)
            })
        };
        let thread = thread::Builder::new()
            .name("decompressing".to_owned())
            .spawn(work)
            .context(Category::Other, || "starting a thread".to_owned())?;
        Ok(Unpacking {
            growth,
            thread: Some(thread),
        })
    }
}

impl Unpacking {
    fn finish(mut self, size: u64) -> Result<Unpacked> {
        self.growth.complete(size);
        let unpacked = self.join()?;
        if self.growth.is_abandoned() {
            return Err(Error::new(Category::Other, "the download started over"));
        }
        Ok(unpacked)
    }

    fn join(&mut self) -> Result<Unpacked> {
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(_)) | None => Err(Error::new(Category::Other, "decompressing failed")),
        }
    }
}

impl Drop for Unpacking {
    fn drop(&mut self) {
        self.growth.abandon();
        // Waits, so that its files are removed when this returns.
        let _ = self.join();
    }
}
