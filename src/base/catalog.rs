//! The catalog of base images: those built into the program, and those found by a refresh.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::base::{SAMPLE, Sha256};
use crate::disk::paths;
use crate::error::{Category, Context, Error, Result};
use crate::release::Release;

/// `catalog.toml` beside this file, built into the program.
const BUILT_IN: &str = include_str!("catalog.toml");

/// The file in the cache folder with images found by [`super::refresh`].
pub(super) const REFRESHED: &str = "catalog.toml";

/// Limit for suggestions in place of an unknown id.
const MAX_SUGGESTIONS: usize = 3;

/// The similarity of ids, or of the releases in them, from which an id is suggested (0 to 1, Jaro-Winkler).
const MIN_SIMILARITY: f64 = 0.8;

/// The known base images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalog {
    default: String,
    entries: Vec<CatalogEntry>,
}

/// A published image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogEntry {
    /// Debian's name for the release, such as `trixie`.
    pub release: String,
    pub arch: Arch,
    /// The date in the file's name, `YYYY-MM-DD`.
    pub date: String,
    pub url: Url,
    /// Hash of the downloaded file.
    pub sha256: Sha256,
    /// In bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Size of the decompressed image in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw_size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw_sha256: Option<Sha256>,
    /// The origin of the hashes. Not part of the file, so that no file can claim it.
    #[serde(skip)]
    pub source: HashSource,
}

/// The origin of a catalog entry's hashes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HashSource {
    /// From the program itself.
    BuiltIn,
    /// From the publisher's server, so the image needs a signature.
    #[default]
    Server,
}

/// The processor architecture of an image, in Debian's terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Arch {
    Arm64,
    Armhf,
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Arm64 => "arm64",
            Self::Armhf => "armhf",
        })
    }
}

impl CatalogEntry {
    /// Returns its id for `--base`: `<release>-<arch>-<date>`.
    pub fn id(&self) -> String {
        format!("{}-{}-{}", self.release, self.arch, self.date)
    }

    /// Returns whether the image has this hash, compressed as published or raw.
    fn has_sha256(&self, sha256: Sha256) -> bool {
        self.sha256 == sha256 || self.raw_sha256 == Some(sha256)
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CatalogFile {
    pub(super) default: Option<String>,
    #[serde(default, rename = "image")]
    pub(super) images: Vec<CatalogEntry>,
}

impl Catalog {
    pub fn built_in() -> Result<Self> {
        let mut file: CatalogFile = toml::from_str(BUILT_IN).context(Category::Other, || {
            "reading the built-in catalog of base images".to_owned()
        })?;
        for entry in &mut file.images {
            entry.source = HashSource::BuiltIn;
        }
        let mut catalog = Self {
            default: String::new(),
            entries: Vec::new(),
        };
        catalog.add(file);
        catalog.default()?;
        Ok(catalog)
    }

    /// Returns the built-in images and those that a refresh has stored in the cache folder. A refresh can add images but
    /// not replace a built-in hash.
    pub fn load(cache_dir: &Path) -> Result<Self> {
        let path = cache_dir.join(REFRESHED);
        match paths::read(&path) {
            Ok(bytes) => Self::with_refreshed(&bytes, &path),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::built_in(),
            Err(error) => Err(error).disk(|| format!("reading {}", path.display())),
        }
    }

    /// Returns the built-in images and those in `bytes`, the content of the file at `path`.
    pub(crate) fn with_refreshed(bytes: &[u8], path: &Path) -> Result<Self> {
        let mut catalog = Self::built_in()?;
        let file = toml::from_slice(bytes)
            .context(Category::Other, || {
                format!("{} is not a catalog of base images", path.display())
            })
            .map_err(|error| error.with_remedy("delete it, or run `mkimage bases --refresh`"))?;
        catalog.add(file);
        Ok(catalog)
    }

    /// Adds the images that are not known yet.
    fn add(&mut self, file: CatalogFile) {
        for entry in file.images {
            if !self.entries.iter().any(|known| known.id() == entry.id()) {
                self.entries.push(entry);
            }
        }
        self.entries.sort_by_key(|entry| (entry.date.clone(), entry.id()));
        if let Some(default) = file.default.filter(|id| self.entry(id).is_some()) {
            self.default = default;
        }
    }

    /// Returns every image, oldest first.
    pub fn entries(&self) -> &[CatalogEntry] {
        &self.entries
    }

    /// Returns the image to use if no base is given.
    pub fn default(&self) -> Result<&CatalogEntry> {
        self.get(&self.default)
    }

    /// Returns the newest image of a Debian release for the default's processors, if there is one.
    pub fn newest_of(&self, release: Release) -> Option<&CatalogEntry> {
        let arch = self.default().map_or(Arch::Arm64, |default| default.arch);
        let is_of_it = |entry: &&CatalogEntry| entry.release == release.as_str() && entry.arch == arch;
        // They are in order.
        self.entries.iter().rfind(is_of_it)
    }

    pub fn is_default(&self, entry: &CatalogEntry) -> bool {
        entry.id() == self.default
    }

    /// Returns the image with this id. The error suggests similar ids.
    pub fn get(&self, id: &str) -> Result<&CatalogEntry> {
        self.entry(id).ok_or_else(|| {
            let remedy = match self.similar(id).join(", ") {
                none if none.is_empty() => "list the known images with `mkimage bases`".to_owned(),
                ids => format!("did you mean {ids}? `mkimage bases` lists all known images"),
            };
            let what = format!("`{id}` is neither a file nor a known base image");
            Error::new(Category::Usage, what).with_remedy(remedy)
        })
    }

    pub(super) fn with_url(&self, url: &Url) -> Option<&CatalogEntry> {
        self.entries.iter().find(|entry| entry.url == *url)
    }

    /// Returns whether this hash is known, for an image compressed as published or raw.
    pub(super) fn has(&self, sha256: Sha256) -> bool {
        self.entries.iter().any(|entry| entry.has_sha256(sha256))
    }

    /// Returns whether this hash is built in, for an image compressed as published or raw.
    pub(super) fn has_built_in(&self, sha256: Sha256) -> bool {
        self.entries
            .iter()
            .filter(|entry| entry.source == HashSource::BuiltIn)
            .any(|entry| entry.has_sha256(sha256))
    }

    fn entry(&self, id: &str) -> Option<&CatalogEntry> {
        self.entries.iter().find(|entry| entry.id() == id)
    }

    /// Returns the ids most similar to an unknown one, newest first among equals.
    fn similar(&self, id: &str) -> Vec<String> {
        let release = |id: &str| id.split('-').next().unwrap_or_default().to_owned();
        let similarity = |known: &String| {
            let of_release = strsim::jaro_winkler(&release(known), &release(id));
            strsim::jaro_winkler(known, id).max(of_release)
        };
        let published = self.entries.iter().rev().map(CatalogEntry::id);
        let mut similar: Vec<_> = published.chain([SAMPLE.to_owned()]).collect();
        similar.retain(|known| similarity(known) > MIN_SIMILARITY);
        similar.sort_by(|a, b| strsim::jaro_winkler(b, id).total_cmp(&strsim::jaro_winkler(a, id)));
        similar.truncate(MAX_SUGGESTIONS);
        similar
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_newest_image_of_a_release_is_found() {
        let catalog = Catalog::built_in().unwrap();
        let newest = catalog.newest_of(Release::Trixie).unwrap();
        assert_eq!(newest.id(), catalog.default().unwrap().id());
        let older = catalog.newest_of(Release::Bookworm).unwrap();
        assert_eq!((older.release.as_str(), older.arch), ("bookworm", Arch::Arm64));
        let of_it = catalog
            .entries()
            .iter()
            .filter(|entry| entry.release == "bookworm" && entry.arch == Arch::Arm64);
        assert!(of_it.into_iter().all(|entry| entry.date <= older.date));
        assert!(catalog.newest_of(Release::Buster).is_none());
    }

    #[test]
    fn the_default_base_is_the_newest_arm64_image_known() {
        let catalog = Catalog::built_in().unwrap();
        let default = catalog.default().unwrap();
        assert_eq!(default.id(), "trixie-arm64-2026-10-06");
        assert!(catalog.is_default(default));
        assert_eq!(default.size, Some(550_466_056));
        assert_eq!(catalog.entries().last(), Some(default));
    }

    #[test]
    fn no_two_images_share_an_id_a_url_or_a_hash() {
        let catalog = Catalog::built_in().unwrap();
        let entries = catalog.entries();
        assert_eq!(entries.len(), BUILT_IN.matches("[[image]]").count());
        assert_eq!(
            entries.len(),
            entries
                .iter()
                .map(CatalogEntry::id)
                .collect::<BTreeSet<_>>()
                .len()
        );
        assert_eq!(
            entries.len(),
            entries.iter().map(|e| e.sha256).collect::<BTreeSet<_>>().len()
        );
        assert_eq!(
            entries.len(),
            entries
                .iter()
                .map(|e| e.url.clone())
                .collect::<BTreeSet<_>>()
                .len()
        );
        for entry in entries {
            assert_eq!(entry.url.scheme(), "https");
            assert!(
                entry.url.path().contains(&format!("/{}-", entry.date)),
                "{}",
                entry.url
            );
        }
    }

    #[test]
    fn similar_ids_are_suggested_for_an_unknown_one() {
        let catalog = Catalog::built_in().unwrap();
        let error = catalog.get("trixie-arm64-2026-10-07").unwrap_err();
        assert_eq!(error.category().exit_code(), 2);
        assert!(
            error
                .remedy()
                .unwrap()
                .contains("did you mean trixie-arm64-2026-10-06")
        );
        let error = catalog.get("smaple").unwrap_err();
        assert!(error.remedy().unwrap().contains("did you mean sample?"));
        let error = catalog.get("bullseye").unwrap_err();
        assert!(
            error
                .remedy()
                .unwrap()
                .contains("did you mean bullseye-arm64-2023-05-03")
        );
    }

    #[test]
    fn nothing_is_suggested_for_a_dissimilar_id() {
        let catalog = Catalog::built_in().unwrap();
        for id in ["foo", "x", "", "my-own.img", "ubuntu"] {
            let error = catalog.get(id).unwrap_err();
            assert_eq!(
                error.remedy(),
                Some("list the known images with `mkimage bases`"),
                "{id}"
            );
        }
    }

    #[test]
    fn a_refreshed_catalog_adds_images_and_never_replaces_a_pinned_hash() {
        let cache = tempfile::tempdir().unwrap();
        let newer = CatalogEntry {
            date: "2027-01-01".to_owned(),
            sha256: Sha256::of(b"newer"),
            source: HashSource::Server,
            ..Catalog::built_in().unwrap().default().unwrap().clone()
        };
        let mut forged = Catalog::built_in().unwrap().default().unwrap().clone();
        forged.sha256 = Sha256::of(b"forged");
        let file = CatalogFile {
            default: Some(newer.id()),
            images: vec![newer.clone(), forged.clone()],
        };
        std::fs::write(cache.path().join(REFRESHED), toml::to_string(&file).unwrap()).unwrap();

        let catalog = Catalog::load(cache.path()).unwrap();
        assert_eq!(catalog.default().unwrap(), &newer);
        assert!(!catalog.has_built_in(newer.sha256));
        assert!(!catalog.has_built_in(forged.sha256));
        assert!(catalog.has_built_in(catalog.get(&forged.id()).unwrap().sha256));
        assert_ne!(catalog.get(&forged.id()).unwrap().sha256, forged.sha256);
        assert_eq!(
            catalog.entries().len(),
            Catalog::built_in().unwrap().entries().len() + 1
        );
    }

    #[test]
    fn a_refreshed_catalog_cannot_call_its_hashes_built_in() {
        let cache = tempfile::tempdir().unwrap();
        let mut text = String::from("[[image]]\nsource = \"BuiltIn\"\n");
        text += &toml::to_string(Catalog::built_in().unwrap().default().unwrap()).unwrap();
        std::fs::write(cache.path().join(REFRESHED), text).unwrap();
        assert!(Catalog::load(cache.path()).is_err());
    }

    #[test]
    fn a_damaged_refreshed_catalog_is_an_error() {
        let cache = tempfile::tempdir().unwrap();
        std::fs::write(cache.path().join(REFRESHED), "default = 3").unwrap();
        let error = Catalog::load(cache.path()).unwrap_err();
        assert!(error.to_string().contains(REFRESHED), "{error}");
        assert!(error.remedy().is_some());
    }
}
