//! The folder of downloads. Nothing in it is trusted: every file is hashed again at every use.
//!
//! | name | is |
//! |---|---|
//! | `<sha256>-<name>` | a finished download |
//! | `<sha256>.part` | one under way, or waiting to be continued |
//! | `<sha256>.resume` | which version of the server's file a part is of |
//! | `decoded/<sha256>` | an empty file: a local base of that hash was decoded in full without an error |
//! | `catalog.toml` | base images that the publisher has listed since the program was built |

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use url::Url;

use crate::base::Sha256;
use crate::error::{Category, Context, Result};

/// The environment's say in where the cache is.
const VARIABLE: &str = "MKIMAGE_CACHE_DIR";

/// Characters of a server's file name that are kept, so that with the hash in front no file system finds it too long.
const LONGEST_NAME: usize = 120;

/// `MKIMAGE_CACHE_DIR`, or `mkimage` in the user's cache folder (`~/.cache` on Linux, `~/Library/Caches` on macOS).
pub fn default_cache_dir() -> Result<PathBuf> {
    if let Some(folder) = env::var_os(VARIABLE).filter(|folder| !folder.is_empty()) {
        return Ok(folder.into());
    }
    let strategy = etcetera::base_strategy::choose_native_strategy()
        .context(Category::Disk, || "finding the user's cache folder".to_owned())
        .map_err(|error| error.with_remedy(format!("set {VARIABLE} to a folder for downloads")))?;
    Ok(strategy.cache_dir().join("mkimage"))
}

/// Where the files of the cache are.
pub(super) struct Cache<'a> {
    folder: &'a Path,
}

impl<'a> Cache<'a> {
    /// The cache in `folder`, which need not exist.
    pub(super) fn new(folder: &'a Path) -> Self {
        Self { folder }
    }

    /// Makes the folder.
    pub(super) fn create(&self) -> Result<()> {
        fs::create_dir_all(self.folder).disk(|| format!("making the cache folder {}", self.folder.display()))
    }

    /// A finished download with that hash in its name, whatever is in it: its path, and the name it came with.
    pub(super) fn find(&self, sha256: Sha256) -> Result<Option<(PathBuf, String)>> {
        let doing = || format!("reading the cache folder {}", self.folder.display());
        let entries = match fs::read_dir(self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            entries => entries.disk(doing)?,
        };
        let prefix = format!("{sha256}-");
        for entry in entries {
            let entry = entry.disk(doing)?;
            let file_name = entry.file_name();
            if let Some(name) = file_name.to_str().and_then(|name| name.strip_prefix(&prefix)) {
                return Ok(Some((entry.path(), name.to_owned())));
            }
        }
        Ok(None)
    }

    /// Where a finished download goes.
    pub(super) fn finished(&self, sha256: Sha256, name: &str) -> PathBuf {
        self.folder.join(format!("{sha256}-{name}"))
    }

    /// Where a download under way is.
    pub(super) fn part(&self, sha256: Sha256) -> PathBuf {
        self.folder.join(format!("{sha256}.part"))
    }
}

/// The name of the file at an address, with nothing in it that a file system or a terminal could take amiss.
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
        .take(LONGEST_NAME)
        .collect();
    if name.is_empty() { "image".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert!(file_name(&long).len() <= LONGEST_NAME);
    }
}
