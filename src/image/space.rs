//! Room on a disk.

use std::path::Path;

use crate::error::{Category, Error, Result};

/// Bytes that can still be written in `folder`, where the system tells.
#[cfg(unix)]
fn available(folder: &Path) -> Option<u64> {
    let stats = rustix::fs::statvfs(folder).ok()?;
    stats.f_bavail.checked_mul(stats.f_frsize)
}

/// Bytes that can still be written in `folder`, where the system tells.
#[cfg(not(unix))]
fn available(_folder: &Path) -> Option<u64> {
    None
}

/// Makes sure of `needed` bytes in `folder` before the first one is written.
///
/// # Errors
/// [`Category::Disk`] with both figures, which `--force` turns into a warning.
pub fn require(folder: &Path, needed: u64, what: &str) -> Result<()> {
    match available(folder) {
        Some(free) if free < needed => Err(Error::new(
            Category::Disk,
            format!(
                "{} has {} MiB free, {what} can take {} MiB",
                folder.display(),
                free >> 20,
                needed.div_ceil(1 << 20)
            ),
        )
        .with_remedy("make room, choose another folder with --out, or build fewer nodes at a time")),
        _ => Ok(()),
    }
}
