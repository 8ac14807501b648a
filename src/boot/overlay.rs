//! The overlay: the files that one node's boot partition gets.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use zeroize::Zeroizing;

use crate::error::{Category, Error, Result};

/// A path on the boot partition: relative, `/`-separated, every part a name that FAT can hold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BootPath(String);

/// The files that one node's boot partition gets, and those of the base that it loses. The image code adds none.
#[derive(Debug, Clone, Default)]
pub struct Overlay {
    files: BTreeMap<BootPath, Zeroizing<Vec<u8>>>,
    /// Files of the base that are wiped before the overlay's are written.
    wiped: BTreeSet<BootPath>,
}

impl BootPath {
    /// Parses a relative path. Refuses absolute paths, `.`/`..`, empty parts and characters that FAT long names
    /// exclude (Microsoft FAT specification 1.03, "Long directory entries").
    pub fn parse(text: &str) -> Result<Self> {
        let bad = |why: &str| {
            let what = format!("{text:?} cannot be a file on the boot partition: {why}");
            Error::new(Category::ClusterFile, what)
        };
        for part in text.split('/') {
            if part.is_empty() {
                return Err(bad("it has an empty part"));
            }
            if part == "." || part == ".." {
                return Err(bad("it leads out of the partition"));
            }
            if part.chars().count() > 255 {
                return Err(bad("a name has at most 255 characters"));
            }
            if part.ends_with('.') || part.ends_with(' ') {
                return Err(bad("FAT drops a dot or blank at the end of a name"));
            }
            if let Some(c) = part.chars().find(|c| c.is_control() || "\"*:<>?\\|".contains(*c)) {
                return Err(bad(&format!("FAT does not allow the character {c:?}")));
            }
            if let Some(c) = part.chars().find(|c| u32::from(*c) > 0xFFFF) {
                return Err(bad(&format!("FAT names cannot hold the character {c:?}")));
            }
            // The FAT library cannot make the short name that stands beside such a long one.
            if !part.starts_with(|c: char| c.is_ascii()) {
                return Err(bad("a name must begin with an ASCII character"));
            }
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns true for the same file on FAT, which ignores upper and lower case.
    pub fn is_same_on_fat(&self, other: &Self) -> bool {
        self.0.to_lowercase() == other.0.to_lowercase()
    }
}

impl fmt::Display for BootPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Overlay {
    /// Adds a file, or replaces the one at this path.
    pub fn insert(&mut self, path: BootPath, bytes: impl Into<Vec<u8>>) {
        self.files.insert(path, Zeroizing::new(bytes.into()));
    }

    /// Wipes a file of the base, of which nothing may be left, even if the overlay has another one in its place.
    pub fn wipe(&mut self, path: BootPath) {
        self.wiped.insert(path);
    }

    /// Returns the files of the base that are wiped, in the order of their paths.
    pub fn wiped(&self) -> impl Iterator<Item = &BootPath> {
        self.wiped.iter()
    }

    /// Returns the files that are wiped and not replaced.
    pub fn removed(&self) -> impl Iterator<Item = &BootPath> {
        let is_replaced = |path: &BootPath| self.files.keys().any(|file| file.is_same_on_fat(path));
        self.wiped.iter().filter(move |path| !is_replaced(path))
    }

    /// Returns a file's bytes.
    pub fn get(&self, path: &str) -> Option<&[u8]> {
        self.files
            .iter()
            .find(|(candidate, _)| candidate.as_str() == path)
            .map(|(_, bytes)| bytes.as_slice())
    }

    /// Returns the files in the order of their paths.
    pub fn files(&self) -> impl Iterator<Item = (&BootPath, &[u8])> {
        self.files.iter().map(|(path, bytes)| (path, bytes.as_slice()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_never_leaves_the_partition() {
        for bad in [
            "",
            "/etc",
            "a//b",
            "../a",
            "a/./b",
            "a/",
            "a:b",
            "a\\b",
            "a.",
            "a\n",
            "\u{fc}n\u{ef}.txt",
            "x/\u{e9}",
            "a\u{1f600}.txt",
        ] {
            assert!(BootPath::parse(bad).is_err(), "{bad:?}");
        }
        assert!(BootPath::parse("mkimage/lib/stages/clock").is_ok());
    }

    #[test]
    fn a_file_that_is_put_there_is_never_taken_away() {
        let path = |text: &str| BootPath::parse(text).unwrap();
        let mut overlay = Overlay::default();
        overlay.insert(path("Custom.toml"), "mine");
        for file in ["custom.toml", "userconf", "userconf.txt"] {
            overlay.wipe(path(file));
        }
        overlay.insert(path("USERCONF"), "mine");
        assert_eq!(overlay.removed().collect::<Vec<_>>(), [&path("userconf.txt")]);
        assert_eq!(overlay.wiped().count(), 3);
    }
}
