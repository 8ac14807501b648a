//! The Debian release that a cluster's cards were made from: GlusterFS of two releases does not work in one pool.

use std::path::Path;

use super::Secrets;
use super::folder::{Files, Folder};
use crate::error::Result;
use crate::release::Release;

const RELEASE: &str = "release";

/// Reads the release from a secrets folder. `None` if there is no folder yet, no card was made from a known release, or a newer
/// mkimage knows more releases than this one.
pub fn recorded_release(folder: &Path) -> Result<Option<Release>> {
    let Some(files) = Files::open(folder)? else {
        return Ok(None);
    };
    let text = files.read(RELEASE)?;
    Ok(text.and_then(|text| Release::named(text.trim())))
}

impl Secrets {
    /// Writes down the release that cards are made from now.
    pub fn record_release(&self, release: Release) -> Result<()> {
        Folder::open_or_create(self.folder())?.update(RELEASE, &format!("{}\n", release.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::testing::cluster;

    #[test]
    fn the_release_is_read_as_it_was_written() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("secrets");
        assert_eq!(recorded_release(&folder).unwrap(), None);
        let secrets = Secrets::open_or_create(&folder, &cluster()).unwrap();
        assert_eq!(recorded_release(&folder).unwrap(), None);
        for release in [Release::Bookworm, Release::Trixie] {
            secrets.record_release(release).unwrap();
            assert_eq!(recorded_release(&folder).unwrap(), Some(release));
        }
        std::fs::write(folder.join(RELEASE), "duke\n").unwrap();
        assert_eq!(recorded_release(&folder).unwrap(), None);
    }
}
