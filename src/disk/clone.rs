//! Copies of a file that share its blocks, where the file system can do that.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::Path;

use crate::disk::read_at::{RawSink as _, ReadAt as _, write_all_at};
use crate::disk::sparse::SparseFiles;
use crate::error::{Context, Result};

/// Bytes that are read and written at once where blocks cannot be shared.
const WINDOW: u64 = 1 << 20;

/// Makes `to`, which is empty and lies at `path`, a copy of `from`. It shares its blocks where that works; else the
/// data is copied and holes stay holes.
pub fn copy(from: &File, to: &File, path: &Path) -> Result<()> {
    // That it worked for a small file says little: quotas, limits on sharing, or a file system below another one.
    if reflink(from, to).is_ok() {
        return Ok(());
    }
    to.set_len(0).disk(|| format!("emptying {}", path.display()))?;
    let reading = || format!("reading what is copied to {}", path.display());
    let size = from.size().disk(reading)?;
    let sink = SparseFiles::new(vec![(to, path.to_owned())]);
    let mut window = vec![0; usize::try_from(WINDOW).unwrap_or_default()];
    let mut at = 0;
    while let Some(data) = next_data(from, at, size).disk(reading)? {
        at = data.start;
        while at < data.end {
            let length = data.end.saturating_sub(at).min(WINDOW);
            let length = usize::try_from(length).unwrap_or(window.len());
            let piece = window.get_mut(..length).unwrap_or_default();
            from.read_exact_at(piece, at).disk(reading)?;
            sink.write_at(piece, at)?;
            at = at.saturating_add(length as u64);
        }
    }
    sink.set_len(size)
}

/// The first stretch of data from `at` on; `None` when only a hole is left.
#[cfg(target_os = "linux")]
fn next_data(file: &File, at: u64, size: u64) -> io::Result<Option<Range<u64>>> {
    use rustix::fs::{SeekFrom, seek};
    use rustix::io::Errno;

    if at >= size {
        return Ok(None);
    }
    match seek(file, SeekFrom::Data(at)) {
        Ok(start) => {
            let end = seek(file, SeekFrom::Hole(start))?.min(size);
            Ok((start < end).then_some(start..end))
        }
        Err(Errno::NXIO) => Ok(None),
        // A file system that does not know of holes.
        Err(Errno::INVAL | Errno::OPNOTSUPP) => Ok(Some(at..size)),
        Err(error) => Err(error.into()),
    }
}

/// All of it: blocks of zeros are found when they are read.
#[cfg(not(target_os = "linux"))]
fn next_data(_file: &File, at: u64, size: u64) -> io::Result<Option<Range<u64>>> {
    Ok((at < size).then_some(at..size))
}

/// Makes `to`, which is empty, a copy of `from` that shares its blocks (Linux `FICLONE`: btrfs, XFS, bcachefs).
///
/// # Errors
/// Where the file system cannot.
#[cfg(target_os = "linux")]
fn reflink(from: &File, to: &File) -> io::Result<()> {
    rustix::fs::ioctl_ficlone(to, from).map_err(io::Error::from)
}

/// No file system here is known to clone into an open file. APFS clones, but only into one that is not there yet; there was
/// none to test it on.
#[cfg(not(target_os = "linux"))]
fn reflink(_from: &File, _to: &File) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Returns how many of `files` equal files have to be written in `folder`: one where the others can share its blocks, else
/// all of them.
pub fn copies_to_write(folder: &Path, files: usize) -> usize {
    if files > 1 && can_reflink(folder) {
        1
    } else {
        files
    }
}

/// Finds out with a small file, which is gone afterwards, whether files in `folder` can share their blocks.
fn can_reflink(folder: &Path) -> bool {
    let attempt = || -> io::Result<()> {
        let from = tempfile::tempfile_in(folder)?;
        let to = tempfile::tempfile_in(folder)?;
        write_all_at(&from, &[1; 4096], 0)?;
        reflink(&from, &to)
    };
    attempt().is_ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt as _;

    #[test]
    fn a_clone_that_fails_ends_no_build() {
        let mut bytes = vec![0; 9 << 20];
        for at in [0, 3_000_000, (5 << 20) - 1, 5 << 20] {
            bytes[at] = 7;
        }
        let from = tempfile::tempfile().unwrap();
        let sink = SparseFiles::new(vec![(&from, "from".into())]);
        sink.write_at(&bytes, 0).unwrap();
        sink.set_len(bytes.len() as u64).unwrap();
        // No two file systems share blocks.
        for folder in [std::env::temp_dir(), "/dev/shm".into()] {
            let to = tempfile::tempfile_in(folder).unwrap();
            copy(&from, &to, Path::new("to")).unwrap();
            let mut back = vec![1; bytes.len()];
            assert_eq!(to.size().unwrap(), back.len() as u64);
            to.read_exact_at(&mut back, 0).unwrap();
            assert!(back == bytes);
            assert!(to.metadata().unwrap().blocks() <= 64, "holes were filled");
        }
    }
}
