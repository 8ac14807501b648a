//! Whether the cache's file system has room for a download.

use std::fs::File;

use crate::error::{Category, Error, Result};

/// Fails when `needed` more bytes do not fit where `file` lies. Where nobody can tell, it fits.
pub(super) fn check(file: &File, needed: u64, path: &std::path::Path) -> Result<()> {
    match free(file) {
        Some(free) if free < needed => {
            let what = format!(
                "{} needs {} more, and its disk has {} free",
                path.display(),
                mebibytes(needed),
                mebibytes(free)
            );
            Err(Error::new(Category::Disk, what)
                .with_remedy("make room, or set MKIMAGE_CACHE_DIR to a folder on another disk"))
        }
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn free(file: &File) -> Option<u64> {
    let statistics = rustix::fs::fstatvfs(file).ok()?;
    Some(statistics.f_bavail.saturating_mul(statistics.f_frsize))
}

#[cfg(not(unix))]
fn free(_file: &File) -> Option<u64> {
    None
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1 << 20))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_download_that_cannot_fit_is_refused_before_its_first_byte() {
        let file = tempfile::tempfile().unwrap();
        let free = free(&file).unwrap();
        assert!(check(&file, 1, "a".as_ref()).is_ok());
        let error = check(&file, free.saturating_add(1 << 40), "a".as_ref()).unwrap_err();
        assert_eq!(error.category().exit_code(), 6);
    }
}
