//! The base images that are known by name: what ships with the program, and what a refresh found since.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::base::Sha256;
use crate::error::{Category, Context, Error, Result};

/// `images/catalog.toml` as it was when the program was built.
const BUILT_IN: &str = include_str!("../../images/catalog.toml");

/// What [`super::refresh`] found, in the cache folder.
pub(super) const REFRESHED: &str = "catalog.toml";

/// How many ids are suggested at most in place of an unknown one.
const SUGGESTIONS: usize = 3;

/// How alike the ids, or the releases in them, must be at least (0 to 1, Jaro-Winkler).
const ALIKE: f64 = 0.8;

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
    /// Debian's name of the release, such as `trixie`.
    pub release: String,
    /// What it runs on.
    pub arch: Arch,
    /// The date in the file's name, `YYYY-MM-DD`.
    pub date: String,
    /// Where the publisher has it.
    pub url: Url,
    /// Of the file as it is downloaded.
    pub sha256: Sha256,
    /// Bytes of the file as it is downloaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Bytes of the raw image in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw_size: Option<u64>,
    /// Of the raw image in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw_sha256: Option<Sha256>,
}

/// The instruction set of an image, in Debian's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Arch {
    /// 64 bits.
    Arm64,
    /// 32 bits.
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
    /// What `--base` calls it: `<release>-<arch>-<date>`.
    pub fn id(&self) -> String {
        format!("{}-{}-{}", self.release, self.arch, self.date)
    }
}

/// The form of a catalog file.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CatalogFile {
    /// The id of the image that is used when none is named.
    pub(super) default: Option<String>,
    /// The images, oldest first.
    #[serde(default, rename = "image")]
    pub(super) images: Vec<CatalogEntry>,
}

impl Catalog {
    /// The images this program was built with.
    pub fn built_in() -> Result<Self> {
        let file: CatalogFile = toml::from_str(BUILT_IN).context(Category::Other, || {
            "reading the built-in catalog of base images".to_owned()
        })?;
        let mut catalog = Self {
            default: String::new(),
            entries: Vec::new(),
        };
        catalog.add(file);
        catalog.default()?;
        Ok(catalog)
    }

    /// The built-in images and those that a refresh has put into the cache folder. Where both know an image, the
    /// built-in hash stands: a refresh can add but not replace.
    pub fn load(cache_dir: &Path) -> Result<Self> {
        let mut catalog = Self::built_in()?;
        let path = cache_dir.join(REFRESHED);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(catalog),
            Err(error) => return Err(error).disk(|| format!("reading {}", path.display())),
        };
        let file = toml::from_str(&text)
            .context(Category::Other, || {
                format!("{} is no catalog of base images", path.display())
            })
            .map_err(|error| error.with_remedy("delete it, or run `mkimage bases --refresh`"))?;
        catalog.add(file);
        Ok(catalog)
    }

    /// Takes in what is not known yet.
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

    /// Every image, oldest first.
    pub fn entries(&self) -> &[CatalogEntry] {
        &self.entries
    }

    /// What is used when no base is named.
    pub fn default(&self) -> Result<&CatalogEntry> {
        self.get(&self.default)
    }

    /// Whether `entry` is what is used when no base is named.
    pub fn is_default(&self, entry: &CatalogEntry) -> bool {
        entry.id() == self.default
    }

    /// The image of that id. The error names the ids that look like it, if any do.
    pub fn get(&self, id: &str) -> Result<&CatalogEntry> {
        self.entry(id).ok_or_else(|| {
            let similar = self.similar(id);
            let remedy = if similar.is_empty() {
                "`mkimage bases` lists the known ones".to_owned()
            } else {
                format!(
                    "did you mean {}, or another one of `mkimage bases`?",
                    similar.join(", ")
                )
            };
            let what = format!("`{id}` is neither a file nor a known base image");
            Error::new(Category::Usage, what).with_remedy(remedy)
        })
    }

    /// The image at that address.
    pub(super) fn at(&self, url: &Url) -> Option<&CatalogEntry> {
        self.entries.iter().find(|entry| entry.url == *url)
    }

    /// The image that is this file, compressed as published or raw.
    pub(super) fn with_sha256(&self, sha256: Sha256) -> Option<&CatalogEntry> {
        self.entries
            .iter()
            .find(|entry| entry.sha256 == sha256 || entry.raw_sha256 == Some(sha256))
    }

    fn entry(&self, id: &str) -> Option<&CatalogEntry> {
        self.entries.iter().find(|entry| entry.id() == id)
    }

    /// The ids nearest to one that does not exist, the newest first among equals.
    fn similar(&self, id: &str) -> Vec<String> {
        let release = id.split('-').next().unwrap_or(id);
        let mut ids: Vec<_> = self
            .entries
            .iter()
            .rev()
            .map(|entry| (strsim::jaro_winkler(&entry.id(), id), entry))
            .filter(|(likeness, entry)| likeness.max(strsim::jaro_winkler(&entry.release, release)) > ALIKE)
            .collect();
        ids.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        ids.into_iter()
            .take(SUGGESTIONS)
            .map(|(_, entry)| entry.id())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

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
    fn no_two_images_share_an_id_an_address_or_a_hash() {
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
    fn an_unknown_id_names_the_ones_it_may_have_meant() {
        let catalog = Catalog::built_in().unwrap();
        let error = catalog.get("trixie-arm64-2026-10-07").unwrap_err();
        assert_eq!(error.category().exit_code(), 2);
        assert!(
            error
                .remedy()
                .unwrap()
                .contains("did you mean trixie-arm64-2026-10-06,")
        );
        let error = catalog.get("bullseye").unwrap_err();
        assert!(
            error
                .remedy()
                .unwrap()
                .contains("did you mean bullseye-arm64-2023-05-03,")
        );
    }

    #[test]
    fn nobody_is_asked_whether_he_meant_what_looks_quite_different() {
        let catalog = Catalog::built_in().unwrap();
        for id in ["foo", "x", "", "my-own.img", "ubuntu"] {
            let error = catalog.get(id).unwrap_err();
            assert_eq!(
                error.remedy(),
                Some("`mkimage bases` lists the known ones"),
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
        assert_ne!(catalog.get(&forged.id()).unwrap().sha256, forged.sha256);
        assert_eq!(
            catalog.entries().len(),
            Catalog::built_in().unwrap().entries().len() + 1
        );
    }

    #[test]
    fn a_damaged_refreshed_catalog_is_named_and_not_ignored() {
        let cache = tempfile::tempdir().unwrap();
        std::fs::write(cache.path().join(REFRESHED), "default = 3").unwrap();
        let error = Catalog::load(cache.path()).unwrap_err();
        assert!(error.to_string().contains(REFRESHED), "{error}");
        assert!(error.remedy().is_some());
    }
}
