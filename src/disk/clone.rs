//! Copies files, sharing their blocks if the file system supports it.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::Path;

use crate::disk::read_at::{RawSink as _, ReadAt as _, write_all_at};
use crate::disk::sparse::SparseFiles;
use crate::error::{Context, Result};

/// Bytes copied at once if blocks cannot be shared.
const BUFFER_SIZE: u64 = 1 << 20;

/// Copies `from` to `to`, an empty file at `path`. Blocks are shared if possible; otherwise the data is copied and holes
/// stay holes.
pub fn copy(from: &File, to: &File, path: &Path) -> Result<()> {
    // This can fail even if it works for a small file, because of quotas, limits on sharing or stacked file systems.
    if reflink(from, to).is_ok() {
        return Ok(());
    }
    to.set_len(0).disk(|| format!("emptying {}", path.display()))?;
    let reading = || format!("reading the source of {}", path.display());
    let size = from.size().disk(reading)?;
    let sink = SparseFiles::new(vec![(to, path.to_owned())]);
    let mut buffer = vec![0; usize::try_from(BUFFER_SIZE).unwrap_or_default()];
    let mut at = 0;
    while let Some(data) = next_data(from, at, size).disk(reading)? {
        at = data.start;
        while at < data.end {
            let length = data.end.saturating_sub(at).min(BUFFER_SIZE);
            let length = usize::try_from(length).unwrap_or(buffer.len());
            let bytes = buffer.get_mut(..length).unwrap_or_default();
            from.read_exact_at(bytes, at).disk(reading)?;
            sink.write_at(bytes, at)?;
            at = at.saturating_add(length as u64);
        }
    }
    sink.set_len(size)
}

/// Returns the next range of data from `at`; `None` if only a hole is left.
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
        // The file system does not support holes.
        Err(Errno::INVAL | Errno::OPNOTSUPP) => Ok(Some(at..size)),
        Err(error) => Err(error.into()),
    }
}

/// Returns the rest of the file; blocks of zeros are found during reading.
#[cfg(not(target_os = "linux"))]
fn next_data(_file: &File, at: u64, size: u64) -> io::Result<Option<Range<u64>>> {
    Ok((at < size).then_some(at..size))
}

/// Makes `to`, an empty file, share the blocks of `from` (Linux `FICLONE`: btrfs, XFS, bcachefs). Fails if the file
/// system does not support it.
#[cfg(target_os = "linux")]
fn reflink(from: &File, to: &File) -> io::Result<()> {
    rustix::fs::ioctl_ficlone(to, from).map_err(io::Error::from)
}

/// Not supported: APFS can only clone into a file that does not exist yet, and there was none for tests.
#[cfg(not(target_os = "linux"))]
fn reflink(_from: &File, _to: &File) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Returns how many of `files` identical files must be written in `folder`: one if the others can share its blocks,
/// otherwise all.
pub fn copies_to_write(folder: &Path, files: usize) -> usize {
    if files > 1 && can_reflink(folder) {
        1
    } else {
        files
    }
}

/// Tests with a small temporary file whether files in `folder` can share blocks.
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
    fn a_failed_clone_becomes_a_sparse_copy() {
        let mut bytes = vec![0; 9 << 20];
        for at in [0, 3_000_000, (5 << 20) - 1, 5 << 20] {
            bytes[at] = 7;
        }
        let from = tempfile::tempfile().unwrap();
        let sink = SparseFiles::new(vec![(&from, "from".into())]);
        sink.write_at(&bytes, 0).unwrap();
        sink.set_len(bytes.len() as u64).unwrap();
        // Blocks cannot be shared between file systems.
        for folder in [std::env::temp_dir(), "/dev/shm".into()] {
            let to = tempfile::tempfile_in(folder).unwrap();
            copy(&from, &to, Path::new("to")).unwrap();
            let mut back = vec![1; bytes.len()];
            assert_eq!(to.size().unwrap(), back.len() as u64);
            to.read_exact_at(&mut back, 0).unwrap();
            assert!(back == bytes);
            assert!(to.metadata().unwrap().blocks() <= 64, "holes must stay holes");
        }
    }
}
