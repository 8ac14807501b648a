//! Durable names: after a power cut, a new or renamed file exists only if its folder was synced too.

use std::fs::File;
use std::path::Path;

use crate::error::{Context as _, Result};

/// Returns the folder that holds `path`: `.` for a bare name.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Syncs a folder's list of names to the disk. Does nothing on systems other than Unix, where folders cannot be opened.
pub fn sync_folder(folder: &Path) -> Result<()> {
    if cfg!(unix) {
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.disk(|| format!("syncing {}", folder.display()))?;
    }
    Ok(())
}
