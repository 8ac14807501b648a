//! The file beside an image with the publisher's signature: `<image>.sig`.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use url::Url;

use crate::base::client::Http;
use crate::base::retry::Kind;
use crate::base::{ObtainOptions, cache};
use crate::error::{Category, Context, Error, Result};
use crate::signature::{Content, Detached, LARGEST, Rejection};

/// The end of the file's name, after the image's whole name.
const EXTENSION: &str = ".sig";

/// The places of a downloaded image's signature: on the publisher's server and, from the second time on, in the cache.
pub(super) struct SignatureFile<'a> {
    url: Url,
    cached: PathBuf,
    options: &'a ObtainOptions<'a>,
}

/// A signature that has not been compared with the image yet.
pub(super) struct Signature<'a> {
    file: &'a SignatureFile<'a>,
    detached: Detached<'a>,
    bytes: Vec<u8>,
    is_cached: bool,
}

impl<'a> SignatureFile<'a> {
    /// Returns the places for the signature of `image`: beside it, and `cached` in the cache.
    pub(super) fn new(image: &Url, cached: PathBuf, options: &'a ObtainOptions<'a>) -> Self {
        let mut url = image.clone();
        url.set_path(&format!("{}{EXTENSION}", image.path()));
        Self { url, cached, options }
    }

    /// Gets the signature from the cache or the server. Returns `None` if there is none and the user allows that.
    pub(super) fn find(&self) -> Result<Option<Signature<'_>>> {
        match read(&self.cached)?.map(|bytes| self.parse(bytes, true)) {
            Some(Ok(signature)) => return Ok(Some(signature)),
            Some(Err(rejection)) if self.options.offline => {
                return Err(rejected(&self.cached.display(), &rejection));
            }
            // The server may have a good one.
            Some(Err(_)) | None => {}
        }
        if self.options.offline {
            let what = format!("the signature {} is not in the cache", self.url);
            return self.unsigned(Error::new(Category::Network, what).with_remedy(
                "run once without `--offline`, or add `--allow-unsigned` to continue without it",
            ));
        }
        self.fetch()
    }

    fn fetch(&self) -> Result<Option<Signature<'_>>> {
        let http = Http::new(&self.options.connection)?;
        match http.fetch(&self.url, LARGEST, self.options.progress) {
            Ok(bytes) => match self.parse(bytes, false) {
                Ok(signature) => Ok(Some(signature)),
                Err(rejection) => Err(rejected(&self.url, &rejection)),
            },
            Err(failure) if failure.kind == Kind::Missing => {
                let what = "the image has no signature of its publisher";
                let error = Error::new(Category::Verification, what).with_cause(failure.error);
                self.unsigned(error.with_remedy(
                    "try again later, or use the image's full URL if this one redirects to it; `--allow-unsigned` continues \
                     without a signature",
                ))
            }
            Err(failure) => Err(failure.error),
        }
    }

    /// Returns the error that there is no signature, unless the user allows that.
    fn unsigned(&self, error: Error) -> Result<Option<Signature<'_>>> {
        if !self.options.allow_unsigned {
            return Err(error);
        }
        self.options
            .progress
            .warn(&format!("{error}; continuing because of --allow-unsigned"));
        Ok(None)
    }

    fn parse(&self, bytes: Vec<u8>, is_cached: bool) -> Result<Signature<'_>, Rejection> {
        let detached = Detached::read(&bytes, &self.options.publisher.key, SystemTime::now())?;
        Ok(Signature {
            file: self,
            detached,
            bytes,
            is_cached,
        })
    }
}

impl Signature<'_> {
    /// Checks that it is a signature of `content`, and stores it in the cache. If it is from the cache and wrong, the one on
    /// the server counts. Returns `false` if the server has none and the user allows that.
    pub(super) fn confirm(&self, content: &Content) -> Result<bool> {
        let file = self.file;
        match self.detached.verify(content) {
            Ok(()) if self.is_cached => Ok(true),
            Ok(()) => cache::store(&file.options.cache_dir, &file.cached, &self.bytes).map(|()| true),
            Err(rejection) if !self.is_cached => Err(rejected(&file.url, &rejection)),
            Err(rejection) if file.options.offline => Err(rejected(&file.cached.display(), &rejection)),
            Err(_) => match file.fetch()? {
                Some(fresh) => fresh.confirm(content),
                None => Ok(false),
            },
        }
    }
}

/// Returns the path for the signature of a local image.
pub(super) fn beside(image: &Path) -> PathBuf {
    let mut path = image.as_os_str().to_owned();
    path.push(EXTENSION);
    path.into()
}

/// Reads a signature file, if it exists.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    let doing = || format!("reading the signature {}", path.display());
    match path.metadata() {
        // Opening a named pipe would wait for a writer.
        Ok(metadata) if !metadata.is_file() => {
            let what = format!("the signature {} is not a file", path.display());
            return Err(Error::new(Category::Verification, what));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        metadata => metadata.disk(doing)?,
    };
    let mut bytes = Vec::new();
    // One byte more than a signature may have shows that it is too large.
    let mut limited = File::open(path).disk(doing)?.take(LARGEST.saturating_add(1));
    limited.read_to_end(&mut bytes).disk(doing)?;
    Ok(Some(bytes))
}

/// Returns the error that the signature at `place` is wrong.
pub(super) fn rejected(place: &dyn Display, rejection: &Rejection) -> Error {
    let what = format!("the signature {place} does not vouch for the image: {rejection}");
    Error::new(Category::Verification, what).with_remedy(rejection.remedy())
}
