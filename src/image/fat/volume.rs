//! A FAT volume: reads and writes files and collects the resulting edits.

use std::io;
use std::ops::Range;
use std::rc::Rc;

use fatfs::{FileSystem, FsOptions, LossyOemCpConverter, Read as _, StdIoWrapper, Write as _};

use super::guard::{Failure, LibraryError, guarded};
use super::timestamp::Timestamp;
use super::window::{Shared, Window, base_page};
use crate::disk::read_at::ReadAt;
use crate::error::{Category, Context, Error, Result};
use crate::image::edits::{Edits, PAGE_SIZE};

type Library<'a> = FileSystem<StdIoWrapper<Window<'a>>, Timestamp, LossyOemCpConverter>;

/// Limit for files that are read whole, in bytes.
pub const MAX_FILE_SIZE: u64 = 1 << 30;

/// The result of writing a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Written {
    Whole,
    /// The partition is full; part of the file may have been written.
    NoRoom,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name, without parent folders.
    pub name: String,
    /// `true` for a folder.
    pub is_folder: bool,
    /// Size in bytes.
    pub size: u64,
}

/// A FAT file system in a raw image. The image is never changed; edits are collected in memory.
pub struct FatVolume<'a> {
    base: &'a dyn ReadAt,
    shared: Rc<Shared>,
    /// `None` after the library has panicked and cannot be trusted.
    library: Option<Library<'a>>,
}

impl<'a> FatVolume<'a> {
    /// Opens the file system in bytes `range` of the raw image. New files get the time `now`. Fails if there is none.
    pub fn open(base: &'a dyn ReadAt, range: Range<u64>, edits: Edits, now: Timestamp) -> Result<Self> {
        let shared = Shared::new(edits);
        let window = Window::new(base, range, Rc::clone(&shared));
        let library = guarded(|| {
            let options = FsOptions::new().time_provider(now).update_accessed_date(false);
            Library::new(window, options)
        })
        .map_err(|failure| failure.into_error("opening the FAT file system"))?;
        Ok(Self {
            base,
            shared,
            library: Some(library),
        })
    }

    /// Opens the file system in bytes `range` of the raw image for reading.
    pub fn read_only(image: &'a dyn ReadAt, range: &Range<u64>) -> Result<Self> {
        Self::open(image, range.clone(), Edits::new(), Timestamp(0))
    }

    /// Lists a folder; `""` is the root.
    pub fn list(&mut self, folder: &str) -> Result<Vec<Entry>> {
        self.run(
            || format!("listing the folder /{folder} of the boot partition"),
            |library| {
                let root = library.root_dir();
                let folder = if folder.is_empty() {
                    root
                } else {
                    root.open_dir(folder)?
                };
                let mut entries = Vec::new();
                for entry in folder.iter() {
                    let entry = entry?;
                    let name = entry.file_name();
                    if name != "." && name != ".." {
                        entries.push(Entry {
                            name,
                            is_folder: entry.is_dir(),
                            size: entry.len(),
                        });
                    }
                }
                Ok(entries)
            },
        )
    }

    /// Returns the paths of all files in all folders. Fails with [`Category::Verification`] if folders are nested too
    /// deeply, which means that they form a loop.
    pub fn all_files(&mut self) -> Result<Vec<String>> {
        const MAX_DEPTH: usize = 16;
        let mut files = Vec::new();
        let mut folders = vec![(String::new(), 0)];
        while let Some((folder, depth)) = folders.pop() {
            if depth > MAX_DEPTH {
                let what = format!("the folders of the boot partition form a loop at /{folder}");
                return Err(Error::new(Category::Verification, what));
            }
            for entry in self.list(&folder)? {
                let path = if folder.is_empty() {
                    entry.name
                } else {
                    format!("{folder}/{}", entry.name)
                };
                if entry.is_folder {
                    folders.push((path, depth.saturating_add(1)));
                } else {
                    files.push(path);
                }
            }
        }
        Ok(files)
    }

    /// Returns a file's bytes, or `None` if it does not exist. More than `limit` bytes are an error, because a damaged
    /// directory entry can give a size of up to 4 GiB.
    pub fn read(&mut self, path: &str, limit: u64) -> Result<Option<Vec<u8>>> {
        self.run(
            || format!("reading {path} from the boot partition"),
            |library| {
                let mut file = match library.root_dir().open_file(path) {
                    Ok(file) => file,
                    Err(fatfs::Error::NotFound | fatfs::Error::InvalidInput) => return Ok(None),
                    Err(error) => return Err(error),
                };
                let size = u64::from(file.size().unwrap_or_default());
                if size > limit {
                    return Err(io::Error::new(
                        io::ErrorKind::FileTooLarge,
                        format!("it has {size} bytes, more than the limit of {limit}"),
                    )
                    .into());
                }
                // Allocates as data is read, because the size in the directory may be wrong.
                let mut bytes = Vec::new();
                let mut piece = [0; PAGE_SIZE];
                while (bytes.len() as u64) < size {
                    let read = file.read(&mut piece)?;
                    if read == 0 {
                        return Err(fatfs::Error::UnexpectedEof);
                    }
                    bytes.extend_from_slice(piece.get(..read).unwrap_or_default());
                }
                Ok(Some(bytes))
            },
        )
    }

    /// Writes or replaces a file and creates its parent folders. Fails if the base cannot be read; a full partition
    /// is not an error but [`Written::NoRoom`].
    pub fn write(&mut self, path: &str, bytes: &[u8]) -> Result<Written> {
        self.run(
            || format!("writing {path} ({} bytes) to the boot partition", bytes.len()),
            |library| match write_whole(library, path, bytes) {
                Err(fatfs::Error::NotEnoughSpace) => Ok(Written::NoRoom),
                other => other.map(|()| Written::Whole),
            },
        )
    }

    /// Overwrites a file with zeros, because it may hold a secret, and removes it. Does nothing if it is not there.
    pub fn wipe(&mut self, path: &str) -> Result<()> {
        self.run(
            || format!("removing {path} from the boot partition"),
            |library| {
                let root = library.root_dir();
                let mut file = match root.open_file(path) {
                    Ok(file) => file,
                    Err(fatfs::Error::NotFound | fatfs::Error::InvalidInput) => return Ok(()),
                    Err(error) => return Err(error),
                };
                let mut left = usize::try_from(file.size().unwrap_or_default()).unwrap_or(usize::MAX);
                let zeros = [0; PAGE_SIZE];
                while left > 0 {
                    let piece = zeros.get(..left.min(PAGE_SIZE)).unwrap_or_default();
                    file.write_all(piece)?;
                    left = left.saturating_sub(piece.len());
                }
                file.flush()?;
                drop(file);
                root.remove(path)
            },
        )
    }

    /// Returns the free space in bytes.
    pub fn free(&mut self) -> Result<u64> {
        self.run(
            || "counting the boot partition's free clusters".to_owned(),
            |library| {
                let stats = library.stats()?;
                Ok(u64::from(stats.free_clusters()).saturating_mul(u64::from(stats.cluster_size())))
            },
        )
    }

    /// Returns the cluster size in bytes.
    pub fn cluster_size(&self) -> u64 {
        self.library
            .as_ref()
            .map_or(0, |library| library.cluster_size().into())
    }

    /// Unmounts the file system and returns the pages that differ from the base.
    pub fn finish(mut self) -> Result<Edits> {
        let what = || "finishing the boot partition".to_owned();
        if let Some(library) = self.library.take() {
            self.shared.reset_limit();
            guarded(|| library.unmount()).map_err(|failure| failure.into_error(&what()))?;
        }
        let mut changed = Edits::new();
        for (number, page) in self.shared.take_edits().iter() {
            let before: [u8; PAGE_SIZE] = base_page(self.base, number).disk(what)?;
            if before != **page {
                changed.insert(number, page.clone());
            }
        }
        Ok(changed)
    }

    fn run<T>(
        &mut self,
        what: impl Fn() -> String,
        operation: impl FnOnce(&Library<'a>) -> std::result::Result<T, LibraryError>,
    ) -> Result<T> {
        self.shared.reset_limit();
        let Some(library) = &self.library else {
            return Err(Failure::Panicked.into_error(&what()));
        };
        match guarded(|| operation(library)) {
            Ok(value) => Ok(value),
            Err(failure) => {
                if matches!(failure, Failure::Panicked) {
                    // The destructor would write inconsistent state after the panic.
                    std::mem::forget(self.library.take());
                }
                Err(failure.into_error(&what()))
            }
        }
    }
}

fn write_whole(library: &Library<'_>, path: &str, bytes: &[u8]) -> std::result::Result<(), LibraryError> {
    let root = library.root_dir();
    for (at, _) in path.match_indices('/') {
        if let Some(folder) = path.get(..at) {
            root.create_dir(folder)?;
        }
    }
    let mut file = root.create_file(path)?;
    file.truncate()?;
    file.write_all(bytes)?;
    file.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::fat::format;

    const START: u64 = 8192;

    /// Returns an empty FAT32 volume of 40 MiB after 8 KiB of other data.
    fn image() -> Vec<u8> {
        let mut image = vec![0xa5; 8192];
        image.resize(8192 + (40 << 20), 0);
        let volume = format(&image, START..image.len() as u64, *b"LABEL      ", 1).unwrap();
        volume.apply_to(&mut image, 0);
        image
    }

    #[allow(clippy::ptr_arg, reason = "only a Vec or a file can be read at an offset")]
    fn open(image: &Vec<u8>) -> FatVolume<'_> {
        FatVolume::open(
            image,
            START..image.len() as u64,
            Edits::new(),
            Timestamp(1_795_305_600),
        )
        .unwrap()
    }

    /// Writes a FAT entry in both copies.
    fn link(image: &mut [u8], cluster: usize, next: u32) {
        let start = usize::try_from(START).unwrap();
        let reserved = usize::from(u16::from_le_bytes([image[start + 14], image[start + 15]]));
        let sectors = u32::from_le_bytes(image[start + 36..start + 40].try_into().unwrap());
        for copy in 0..2 {
            let fat = start + (reserved + copy * usize::try_from(sectors).unwrap()) * 512;
            image[fat + cluster * 4..fat + cluster * 4 + 4].copy_from_slice(&next.to_le_bytes());
        }
    }

    #[test]
    fn written_files_can_be_read_back_and_nothing_else_changes() {
        let base = image();
        let mut volume = open(&base);
        let long = vec![7; 100_000];
        let mut put =
            |path: &str, bytes: &[u8]| assert_eq!(volume.write(path, bytes).unwrap(), Written::Whole);
        put("mkimage/lib/stages/a rather long name", &long);
        put("ssh", b"");
        put("ssh", b"twice");
        let edits = volume.finish().unwrap();

        let mut built = base.clone();
        edits.apply_to(&mut built, 0);
        assert_eq!(built[..8192], base[..8192]);
        let mut volume = open(&built);
        assert_eq!(
            volume
                .read("mkimage/lib/stages/a rather long name", 1 << 20)
                .unwrap(),
            Some(long)
        );
        assert_eq!(volume.read("ssh", 10).unwrap(), Some(b"twice".to_vec()));
        assert_eq!(volume.read("nothing", 10).unwrap(), None);
        assert!(volume.read("ssh", 2).is_err());
        let names: Vec<_> = volume
            .list("")
            .unwrap()
            .into_iter()
            .map(|entry| entry.name)
            .collect();
        assert_eq!(names, ["mkimage", "ssh"]);
        assert!(
            volume.finish().unwrap().iter().next().is_none(),
            "reading must not change anything"
        );
    }

    #[test]
    fn nothing_is_left_of_a_wiped_file() {
        let mut base = image();
        let secret = b"passphrase of somebody else".repeat(300);
        let mut volume = open(&base);
        assert_eq!(volume.write("network-config", &secret).unwrap(), Written::Whole);
        assert_eq!(volume.write("empty", b"").unwrap(), Written::Whole);
        let free = volume.free().unwrap();
        volume.finish().unwrap().apply_to(&mut base, 0);

        let mut volume = open(&base);
        for file in ["NETWORK-CONFIG", "empty", "nothing"] {
            volume.wipe(file).unwrap();
        }
        assert!(volume.free().unwrap() > free);
        volume.finish().unwrap().apply_to(&mut base, 0);
        assert_eq!(open(&base).list("").unwrap(), []);
        assert!(!base.windows(10).any(|bytes| bytes == b"passphrase"));
        crate::image::fat::check(&base, &(START..base.len() as u64), Edits::new()).unwrap();
    }

    #[test]
    fn a_full_partition_is_reported() {
        let base = image();
        let mut volume = open(&base);
        let big = volume.write("big", &vec![1; 41 << 20]).unwrap();
        assert_eq!(big, Written::NoRoom);
    }

    #[test]
    fn a_damaged_file_system_neither_hangs_nor_panics() {
        let base = image();
        for next in [2, 1, 0x0fff_fff0] {
            let mut damaged = base.clone();
            // The root directory starts at cluster 2; its chain gets no end mark.
            link(&mut damaged, 2, next);
            let mut volume = open(&damaged);
            // Fills the root's first cluster, so that the chain is followed.
            let mut failed = None;
            for number in 0..40 {
                if let Err(error) = volume.write(&format!("a file with a long name {number}"), b"x") {
                    failed = Some(error);
                    break;
                }
            }
            if let Some(error) = failed {
                assert_eq!(error.category(), Category::Verification, "next {next}: {error}");
            }
        }
    }
}
