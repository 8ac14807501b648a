//! Which files of unknown hash were decoded in full, once, without an error: an empty file each, named by its hash.
//!
//! A file each and not a list, because making one is atomic and needs no lock.

use std::fs;
use std::path::{Path, PathBuf};

use crate::base::Sha256;
use crate::error::{Context, Result};

fn marker(cache_dir: &Path, sha256: Sha256) -> PathBuf {
    cache_dir.join("decoded").join(sha256.to_string())
}

/// Notes that the file of that hash is sound.
pub(super) fn remember(cache_dir: &Path, sha256: Sha256) -> Result<()> {
    let marker = marker(cache_dir, sha256);
    let doing = || format!("writing {}", marker.display());
    if let Some(folder) = marker.parent() {
        fs::create_dir_all(folder).disk(doing)?;
    }
    fs::write(&marker, "").disk(doing)
}

/// Whether the file of that hash is known to be sound.
pub(super) fn is_remembered(cache_dir: &Path, sha256: Sha256) -> bool {
    marker(cache_dir, sha256).is_file()
}
