//! Markers for files of unknown hash that were once decoded in full without errors: empty files named by the hash.
//!
//! Separate files instead of a list, because creating a file is atomic and needs no lock.

use std::fs;
use std::path::{Path, PathBuf};

use crate::base::Sha256;
use crate::error::{Context, Result};

fn marker(cache_dir: &Path, sha256: Sha256) -> PathBuf {
    cache_dir.join("decoded").join(sha256.to_string())
}

/// Marks the file with this hash as decoded.
pub(super) fn mark(cache_dir: &Path, sha256: Sha256) -> Result<()> {
    let marker = marker(cache_dir, sha256);
    let doing = || format!("writing {}", marker.display());
    if let Some(folder) = marker.parent() {
        fs::create_dir_all(folder).disk(doing)?;
    }
    fs::write(&marker, "").disk(doing)
}

/// Returns whether the file with this hash was decoded before.
pub(super) fn is_marked(cache_dir: &Path, sha256: Sha256) -> bool {
    marker(cache_dir, sha256).is_file()
}
