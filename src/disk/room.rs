//! Checks free space.

use std::path::Path;

use crate::error::{Category, Error, Result};
use crate::units::Size;

/// Returns the free space in `folder` in bytes, if the system provides it.
#[cfg(unix)]
fn free(folder: &Path) -> Option<u64> {
    let statistics = rustix::fs::statvfs(folder).ok()?;
    Some(statistics.f_bavail.saturating_mul(statistics.f_frsize))
}

/// Returns the free space in `folder` in bytes, if the system provides it.
#[cfg(not(unix))]
fn free(_folder: &Path) -> Option<u64> {
    None
}

/// Checks that `folder` has `needed` bytes free for `purpose`. Succeeds if the free space is unknown. The error has
/// both sizes and `remedy`.
pub fn require(folder: &Path, needed: u64, purpose: &str, remedy: &str) -> Result<()> {
    match free(folder) {
        Some(free) if free < needed => {
            let what = format!(
                "{} has {} free, but {purpose} can take {}",
                folder.display(),
                Size(free),
                Size(needed)
            );
            Err(Error::new(Category::Disk, what).with_remedy(remedy))
        }
        _ => Ok(()),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_does_not_fit_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let free = free(folder.path()).unwrap();
        assert!(require(folder.path(), 1, "a file", "").is_ok());
        let too_much = free.saturating_add(1 << 40);
        let error = require(folder.path(), too_much, "a file", "").unwrap_err();
        assert_eq!(error.category().exit_code(), 6);
    }
}
