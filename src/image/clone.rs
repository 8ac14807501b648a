//! Copies of a file that share its blocks, where the file system can do that.

use std::fs::File;
use std::io;
use std::path::Path;

/// Makes `to`, which is empty, a copy of `from` that shares its blocks (Linux `FICLONE`: btrfs, XFS, bcachefs).
///
/// # Errors
/// Where the file system cannot: the caller copies in another way.
#[cfg(target_os = "linux")]
pub fn reflink(from: &File, to: &File) -> io::Result<()> {
    rustix::fs::ioctl_ficlone(to, from).map_err(io::Error::from)
}

/// No file system here is known to clone into an open file.
#[cfg(not(target_os = "linux"))]
pub fn reflink(_from: &File, _to: &File) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Whether [`reflink`] works between files of `folder`; found out with a small file that is gone afterwards.
pub fn can_reflink(folder: &Path) -> bool {
    let attempt = || -> io::Result<()> {
        let from = tempfile::tempfile_in(folder)?;
        let to = tempfile::tempfile_in(folder)?;
        crate::image::read_at::write_all_at(&from, &[1; 4096], 0)?;
        reflink(&from, &to)
    };
    attempt().is_ok()
}
