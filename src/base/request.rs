//! The base requested by `--base` and `--sha256`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use url::Url;

use crate::base::{Catalog, CatalogEntry, SAMPLE, Sha256};
use crate::error::{Category, Context, Error, Result};

/// A requested base image, which may not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BaseRequest {
    /// The sample that the program creates itself.
    Sample,
    /// An image in the catalog.
    Known(CatalogEntry),
    /// A file on any server (`http` or `https`), with its hash.
    Url { url: Url, sha256: Sha256 },
    /// A file on this computer.
    File { path: PathBuf, sha256: Option<Sha256> },
}

impl BaseRequest {
    /// Parses `--sha256` and the name of a base: its text as the user wrote it, and the file that it names if it is a path.
    /// `None` names the catalog's default.
    ///
    /// Text with `://` is a URL. The path of an existing file, or any path with a folder, is a file, even if it has the name
    /// of a known image. Anything else must be `sample` or the id of a known image.
    pub fn parse(base: Option<(&OsStr, PathBuf)>, sha256: Option<Sha256>, catalog: &Catalog) -> Result<Self> {
        let Some((base, path)) = base else {
            return known(catalog.default()?, sha256);
        };
        if let Some(url) = base.to_str().filter(|text| text.contains("://")) {
            return Self::parse_url(url, sha256, catalog);
        }
        let written = Path::new(base);
        if written.components().count() > 1 || written.is_absolute() || path.is_file() {
            return Ok(Self::File { path, sha256 });
        }
        if base == SAMPLE {
            if sha256.is_none() {
                return Ok(Self::Sample);
            }
            let what = "`--sha256` cannot be used with the sample base, which mkimage creates itself";
            return Err(Error::new(Category::Usage, what).with_remedy("remove `--sha256`"));
        }
        known(catalog.get(&base.to_string_lossy())?, sha256)
    }

    fn parse_url(text: &str, sha256: Option<Sha256>, catalog: &Catalog) -> Result<Self> {
        let url = Url::parse(text).context(Category::Usage, || format!("`{text}` is not a valid URL"))?;
        if url.scheme() == "file" {
            let what = format!("`{text}` is not a file on this computer");
            let path = url.to_file_path();
            let path = path.map_err(|()| Error::new(Category::Usage, what))?;
            return Ok(Self::File { path, sha256 });
        }
        if !matches!(url.scheme(), "http" | "https") {
            let scheme = url.scheme();
            let what = format!("a base image cannot be downloaded from a `{scheme}://` URL");
            return Err(Error::new(Category::Usage, what).with_remedy("use an http or https URL, or a file"));
        }
        match (sha256, catalog.with_url(&url)) {
            (Some(sha256), Some(entry)) if entry.sha256 == sha256 => Ok(Self::Known(entry.clone())),
            (None, Some(entry)) => Ok(Self::Known(entry.clone())),
            (Some(sha256), _) => Ok(Self::Url { url, sha256 }),
            (None, None) => {
                let what = format!("the SHA-256 of the base image at {url} is not known");
                Err(Error::new(Category::Usage, what).with_remedy(
                    "add `--sha256` with the publisher's SHA-256, usually in a `.sha256` file beside it",
                ))
            }
        }
    }
}

/// Returns a known image. Refuses a `--sha256` that contradicts the catalog.
fn known(entry: &CatalogEntry, sha256: Option<Sha256>) -> Result<BaseRequest> {
    match sha256 {
        Some(given) if given != entry.sha256 => {
            let what = format!(
                "`--sha256` is {given}, but the SHA-256 of the known base image {} is {}",
                entry.id(),
                entry.sha256
            );
            Err(Error::new(Category::Usage, what)
                .with_remedy("remove `--sha256`, or use the image's URL or file with `--base`"))
        }
        _ => Ok(BaseRequest::Known(entry.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn parse(base: &str, sha256: Option<&str>) -> Result<BaseRequest> {
        let sha256 = sha256.map(|text| text.parse().unwrap());
        BaseRequest::parse(Some((base.as_ref(), base.into())), sha256, &Catalog::built_in()?)
    }

    #[test]
    fn without_a_base_the_default_image_is_used() {
        let catalog = Catalog::built_in().unwrap();
        let request = BaseRequest::parse(None, None, &catalog).unwrap();
        assert_eq!(request, BaseRequest::Known(catalog.default().unwrap().clone()));
    }

    #[test]
    fn a_url_without_a_hash_is_never_downloaded() {
        let error = parse("https://example.org/some.img.xz", None).unwrap_err();
        assert_eq!(error.category().exit_code(), 2);
        assert!(error.remedy().unwrap().contains("--sha256"));
        let request = parse("https://example.org/some.img.xz", Some(DIGEST)).unwrap();
        assert!(matches!(request, BaseRequest::Url { sha256, .. } if sha256.to_string() == DIGEST));
    }

    #[test]
    fn a_url_in_the_catalog_needs_no_hash() {
        let catalog = Catalog::built_in().unwrap();
        for entry in catalog.entries() {
            assert_eq!(
                parse(entry.url.as_str(), None).unwrap(),
                BaseRequest::Known(entry.clone())
            );
        }
        let request = parse(catalog.default().unwrap().url.as_str(), Some(DIGEST)).unwrap();
        assert!(
            matches!(request, BaseRequest::Url { .. }),
            "the user's hash takes precedence"
        );
    }

    #[test]
    fn a_hash_that_contradicts_the_catalog_is_refused() {
        assert_eq!(
            parse("trixie-arm64-2026-10-06", Some(DIGEST))
                .unwrap_err()
                .category()
                .exit_code(),
            2
        );
    }

    #[test]
    fn only_http_and_file_urls_are_accepted() {
        assert_eq!(
            parse("ftp://example.org/a.img", Some(DIGEST))
                .unwrap_err()
                .category()
                .exit_code(),
            2
        );
        assert_eq!(
            parse("http://[", Some(DIGEST))
                .unwrap_err()
                .category()
                .exit_code(),
            2
        );
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a base.img");
        let url = Url::from_file_path(&path).unwrap();
        assert_eq!(
            parse(url.as_str(), None).unwrap(),
            BaseRequest::File { path, sha256: None }
        );
    }

    #[test]
    fn the_sample_is_refused_with_a_hash() {
        assert_eq!(parse(SAMPLE, None).unwrap(), BaseRequest::Sample);
        let error = parse(SAMPLE, Some(DIGEST)).unwrap_err();
        assert_eq!(error.category().exit_code(), 2);
        assert!(error.remedy().unwrap().contains("--sha256"), "{error}");
    }

    #[test]
    fn a_folder_with_the_same_name_does_not_hide_a_known_image() {
        // The working folder of this test has a folder `src`.
        let error = parse("src", None).unwrap_err();
        assert!(error.to_string().contains("known base image"), "{error}");
    }

    #[test]
    fn a_path_is_a_file_and_a_bare_name_is_an_id_unless_it_exists() {
        for path in ["./trixie-arm64-2026-10-06", "missing/base.img", "Cargo.toml"] {
            let request = parse(path, None).unwrap();
            assert_eq!(
                request,
                BaseRequest::File {
                    path: path.into(),
                    sha256: None
                }
            );
        }
        assert!(matches!(
            parse("trixie-arm64-2026-10-06", None).unwrap(),
            BaseRequest::Known(_)
        ));
        assert_eq!(parse("missing.img", None).unwrap_err().category().exit_code(), 2);
    }
}
