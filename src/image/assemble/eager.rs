//! Raw images that are unpacked while their base is still being downloaded.
//!
//! They have temporary names and are worth nothing until the base is verified: whoever holds an [`EagerUnpack`] calls
//! [`EagerUnpack::finish`] only then, and drops it otherwise, which removes them.

use std::cell::OnceCell;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use super::{MAKE_ROOM, Unpacked};
use crate::disk::clone;
use crate::disk::growing::{GrowingFile, Growth};
use crate::disk::read_at::RawSink;
use crate::disk::room;
use crate::disk::sparse::SparseFiles;
use crate::error::{Category, Context, Error, Result};
use crate::image::container;
use crate::progress::{Progress, Task};

/// Bytes that stay free, for the download and for whatever else goes on: nobody may miss room for the sake of time.
const RESERVE: u64 = 1 << 30;

/// What is to be unpacked early, should there be a download.
pub struct EagerUnpack<'a> {
    target: Target,
    /// Of the download and of the raw image, in bytes, where they are known.
    sizes: Sizes,
    progress: &'a dyn Progress,
    begun: OnceCell<Result<Unpacking>>,
}

/// How large a base is, in bytes, as far as that is known.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sizes {
    /// As it is downloaded.
    pub packed: Option<u64>,
    /// Of the raw image in it.
    pub raw: Option<u64>,
}

/// Where the images go.
struct Target {
    folder: PathBuf,
    destinations: Vec<PathBuf>,
}

/// A thread that unpacks.
struct Unpacking {
    growth: Arc<Growth>,
    thread: Option<JoinHandle<Result<Unpacked>>>,
}

impl<'a> EagerUnpack<'a> {
    /// Nothing is done before a download begins. `destinations` are the images' final paths in `folder`.
    pub fn new(
        folder: PathBuf,
        destinations: Vec<PathBuf>,
        sizes: Sizes,
        progress: &'a dyn Progress,
    ) -> Self {
        Self {
            target: Target { folder, destinations },
            sizes,
            progress,
            begun: OnceCell::new(),
        }
    }

    /// The base's `file` has its first `size` bytes. The first time, unpacking begins.
    pub fn grown_to(&self, file: &File, size: u64) {
        if let Ok(unpacking) = self.begun.get_or_init(|| self.begin(file)) {
            unpacking.growth.grown_to(size);
        }
    }

    /// Other bytes come than those that were there: unpacking ends.
    pub fn abandon(&self) {
        if let Some(Ok(unpacking)) = self.begun.get() {
            unpacking.growth.abandon();
        }
    }

    /// The base is verified and has `size` bytes: unpacks the rest. `None` when nothing was downloaded.
    ///
    /// # Errors
    /// Whatever kept it from being unpacked on the way. That says nothing about the base: unpack it now.
    pub fn finish(self, size: u64) -> Option<Result<Unpacked>> {
        let begun = self.begun.into_inner()?;
        Some(begun.and_then(|unpacking| unpacking.finish(size)))
    }

    fn begin(&self, file: &File) -> Result<Unpacking> {
        let folder = &self.target.folder;
        fs::create_dir_all(folder).disk(|| format!("creating the folder {}", folder.display()))?;
        let file = file.try_clone().disk(|| "reading the download".to_owned())?;
        let destinations = &self.target.destinations;
        let copies = clone::copies_to_write(folder, destinations.len());
        if let Some(raw) = self.sizes.raw {
            let images = raw.saturating_mul(copies as u64);
            let needed = images.saturating_add(self.sizes.packed.unwrap_or(0));
            room::require(
                folder,
                needed.saturating_add(RESERVE),
                "unpacking while downloading",
                MAKE_ROOM,
            )?;
        }
        let growth = Arc::new(Growth::default());
        let job = Job {
            source: GrowingFile::new(file, Arc::clone(&growth)),
            folder: folder.clone(),
            destinations: destinations.iter().take(copies).cloned().collect(),
            max_raw_size: self.sizes.raw,
            task: self.progress.begin("unpacking", self.sizes.raw),
        };
        let thread = thread::Builder::new()
            .name("unpacking".to_owned())
            .spawn(|| job.run())
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
            Some(Err(_)) | None => Err(Error::new(Category::Other, "unpacking broke off")),
        }
    }
}

impl Drop for Unpacking {
    fn drop(&mut self) {
        self.growth.abandon();
        // Its files are gone when this returns.
        let _ = self.join();
    }
}

/// What the thread does.
struct Job {
    source: GrowingFile,
    folder: PathBuf,
    destinations: Vec<PathBuf>,
    /// Bytes of the raw image, where they are known.
    max_raw_size: Option<u64>,
    task: Box<dyn Task>,
}

impl Job {
    fn run(self) -> Result<Unpacked> {
        let forward = container::Forward::new(self.source)?;
        Unpacked::create(self.destinations.iter(), |below| {
            let guard = SpaceGuard {
                below,
                folder: &self.folder,
                max_raw_size: self.max_raw_size,
            };
            forward.decode(&guard, &*self.task)
        })
    }
}

/// Gives up before the room is used up.
struct SpaceGuard<'a> {
    below: &'a SparseFiles<'a>,
    folder: &'a Path,
    /// Bytes that the raw image has, where that is known: the hash has not judged yet who sends more.
    max_raw_size: Option<u64>,
}

impl RawSink for SpaceGuard<'_> {
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        let end = offset.saturating_add(bytes.len() as u64);
        if self.max_raw_size.is_some_and(|most| end > most) {
            let what = "it unpacks to more than the catalog says";
            return Err(Error::new(Category::Verification, what));
        }
        room::require(self.folder, RESERVE, "unpacking while downloading", MAKE_ROOM)?;
        self.below.write_at(bytes, offset)
    }
}
