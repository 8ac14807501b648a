//! A FAT volume: files in, files out, and the edits that come of it.

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

/// What became of a file that was to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Written {
    /// All of it is there.
    Whole,
    /// The partition is full; a part of the file may be there.
    NoRoom,
}

/// A file or folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name, without the folders above.
    pub name: String,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// Bytes.
    pub size: u64,
}

/// A FAT file system inside a raw image. The image is never written to: edits collect in memory.
pub struct FatVolume<'a> {
    base: &'a dyn ReadAt,
    shared: Rc<Shared>,
    /// `None` once the library has panicked and cannot be trusted any more.
    library: Option<Library<'a>>,
}

impl<'a> FatVolume<'a> {
    /// Opens the file system in bytes `range` of the raw image. New files will bear the time `now`.
    ///
    /// # Errors
    /// When those bytes hold no FAT file system.
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

    /// What lies in a folder; `""` is the root.
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

    /// Paths of all files in all folders.
    ///
    /// # Errors
    /// [`Category::Verification`] when folders are nested deeper than a boot partition's ever are: they run in a circle.
    pub fn all_files(&mut self) -> Result<Vec<String>> {
        const DEEPEST: usize = 16;
        let mut files = Vec::new();
        let mut folders = vec![(String::new(), 0)];
        while let Some((folder, depth)) = folders.pop() {
            if depth > DEEPEST {
                return Err(Error::new(
                    Category::Verification,
                    format!("the folders of the boot partition run in a circle at /{folder}"),
                ));
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

    /// A file's bytes, or `None` when there is no such file. At most `limit` bytes: a directory entry can claim 4 GiB.
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
                        format!("it has {size} bytes, more than the {limit} that make sense"),
                    )
                    .into());
                }
                // Grows with what is really there, not with what the directory claims.
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

    /// Writes a file whole, in place of whatever was there; makes the folders above it.
    ///
    /// # Errors
    /// Those of reading the base; that there is no room is an answer.
    pub fn write(&mut self, path: &str, bytes: &[u8]) -> Result<Written> {
        self.run(
            || format!("writing {path} ({} bytes) to the boot partition", bytes.len()),
            |library| match write_whole(library, path, bytes) {
                Err(fatfs::Error::NotEnoughSpace) => Ok(Written::NoRoom),
                other => other.map(|()| Written::Whole),
            },
        )
    }

    /// Bytes that new files could have.
    pub fn free(&mut self) -> Result<u64> {
        self.run(
            || "counting the boot partition's free clusters".to_owned(),
            |library| {
                let stats = library.stats()?;
                Ok(u64::from(stats.free_clusters()).saturating_mul(u64::from(stats.cluster_size())))
            },
        )
    }

    /// Bytes in a cluster: what the smallest file takes.
    pub fn cluster_size(&self) -> u64 {
        self.library
            .as_ref()
            .map_or(0, |library| library.cluster_size().into())
    }

    /// Unmounts, and hands over what differs from the base: only pages whose bytes really changed.
    pub fn finish(mut self) -> Result<Edits> {
        let what = || "finishing the boot partition".to_owned();
        if let Some(library) = self.library.take() {
            self.shared.refuel();
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
        self.shared.refuel();
        let Some(library) = &self.library else {
            return Err(Failure::Panicked.into_error(&what()));
        };
        match guarded(|| operation(library)) {
            Ok(value) => Ok(value),
            Err(failure) => {
                if matches!(failure, Failure::Panicked) {
                    // Its destructor would write through state that the panic left half changed.
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

    /// An empty FAT32 volume of 40 MiB, behind 8 KiB that belong to somebody else.
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
    fn what_was_written_is_read_back_and_nothing_else_changed() {
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
        assert!(volume.finish().unwrap().is_empty(), "reading changed something");
    }

    #[test]
    fn a_full_partition_is_said_to_be_full() {
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
            // The root directory begins at cluster 2; it is made to go on without an end mark.
            link(&mut damaged, 2, next);
            let mut volume = open(&damaged);
            // Fill the root's first cluster, so that the chain is followed.
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
