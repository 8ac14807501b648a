//! Where what is too much for memory lies for a moment while an image is looked at.

use std::path::{Path, PathBuf};

/// A folder for nameless files of up to a GiB: `TMPDIR` where it is set, else one that is meant for large files. `/tmp` is
/// memory on many systems.
pub fn folder() -> PathBuf {
    let large = Path::new("/var/tmp");
    if std::env::var_os("TMPDIR").is_none() && large.is_dir() {
        return large.to_owned();
    }
    std::env::temp_dir()
}
