//! The download cache. Its files are not trusted: every file is hashed again at every use.
//!
//! | name | content |
//! |---|---|
//! | `<sha256>-<name>` | a finished download |
//! | `<sha256>.sig` | the publisher's signature of that download |
//! | `<sha256>.part` | a running or interrupted download |
//! | `<sha256>.resume` | the version of the server's file that a part belongs to |
//! | `decoded/<sha256>` | empty; marks a local base as decoded in full without errors |
//! | `catalog.toml` | base images published after the program was built |

use std::env;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use url::Url;

use crate::base::Sha256;
use crate::disk::paths::open_file;
use crate::error::{Category, Context, Result};

/// Environment variable for the cache folder.
const VARIABLE: &str = "MKIMAGE_CACHE_DIR";

/// Limit for a server's file name, so that no file system finds it too long with the hash in front.
const MAX_NAME_LENGTH: usize = 120;

/// Returns `MKIMAGE_CACHE_DIR`, or `mkimage` in the user's cache folder (`~/.cache` on Linux, `~/Library/Caches` on
/// macOS).
pub fn default_cache_dir() -> Result<PathBuf> {
    if let Some(folder) = env::var_os(VARIABLE).filter(|folder| !folder.is_empty()) {
        return Ok(folder.into());
    }
    let strategy = etcetera::base_strategy::choose_native_strategy()
        .context(Category::Disk, || "finding the user's cache folder".to_owned())
        .map_err(|error| error.with_remedy(format!("set {VARIABLE} to a folder for downloads")))?;
    Ok(strategy.cache_dir().join("mkimage"))
}

/// A finished download in the cache.
pub(super) struct Cached {
    pub(super) file: File,
    pub(super) path: PathBuf,
    /// The name of the published file.
    pub(super) name: String,
}

/// Opens the finished download with this hash in its name, if the cache's `folder` has one, without checking its content.
pub(super) fn open(folder: &Path, sha256: Sha256) -> Result<Option<Cached>> {
    let doing = || format!("reading the cache folder {}", folder.display());
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        entries => entries.disk(doing)?,
    };
    let prefix = format!("{sha256}-");
    for entry in entries {
        let entry = entry.disk(doing)?;
        let file_name = entry.file_name();
        let Some(name) = file_name.to_str().and_then(|name| name.strip_prefix(&prefix)) else {
            continue;
        };
        let path = entry.path();
        return match open_file(&path, File::options().read(true)) {
            Ok(file) => Ok(Some(Cached {
                file,
                name: name.to_owned(),
                path,
            })),
            // Another process found it damaged and removed it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).disk(|| format!("opening {}", path.display())),
        };
    }
    Ok(None)
}

/// Returns the path of the file in the cache whose name is the hash and then `end`.
pub(super) fn path(folder: &Path, sha256: Sha256, end: &str) -> PathBuf {
    folder.join(format!("{sha256}{end}"))
}

/// Writes a file in the cache's `folder` atomically.
pub(super) fn store(folder: &Path, path: &Path, bytes: &[u8]) -> Result<()> {
    let doing = || format!("writing {}", path.display());
    let mut new = tempfile::NamedTempFile::new_in(folder).disk(doing)?;
    new.write_all(bytes).disk(doing)?;
    new.as_file().sync_all().disk(doing)?;
    new.persist(path).disk(doing)?;
    Ok(())
}

/// Returns the file name in a URL, with only characters that are safe for file systems and terminals.
pub(super) fn file_name(url: &Url) -> String {
    let last = url.path_segments().and_then(|mut segments| segments.next_back());
    let name: String = last
        .unwrap_or_default()
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "._-".contains(c) {
                c
            } else {
                '_'
            }
        })
        .take(MAX_NAME_LENGTH)
        .collect();
    if name.is_empty() { "image".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_named_pipe_in_the_cache_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let sha256 = Sha256::of(b"");
        crate::disk::paths::testing::create_pipe(&path(folder.path(), sha256, "-a.img"));
        assert!(open(folder.path(), sha256).is_err());
    }

    #[test]
    fn a_servers_file_name_cannot_leave_the_cache_folder() {
        for (url, name) in [
            (
                "https://a.example/x/2026-10-06-raspios.img.xz",
                "2026-10-06-raspios.img.xz",
            ),
            ("https://a.example/x/latest?file=../../etc/passwd", "latest"),
            ("https://a.example/%2e%2e%2fetc%2fpasswd", "_2e_2e_2fetc_2fpasswd"),
            ("https://a.example/a%1b[31m\\b", "b"),
            ("https://a.example/", "image"),
            ("https://a.example", "image"),
        ] {
            assert_eq!(file_name(&Url::parse(url).unwrap()), name, "{url}");
        }
        let long = Url::parse(&format!("https://a.example/{}", "x".repeat(4000))).unwrap();
        assert!(file_name(&long).len() <= MAX_NAME_LENGTH);
    }
}
