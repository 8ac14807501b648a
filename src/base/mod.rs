//! Base images from the catalog, a download, the cache or a file. All of them result in a [`VerifiedBase`].

mod answer;
mod cache;
mod catalog;
mod client;
mod download;
mod part;
mod publisher;
pub(crate) mod refresh;
mod request;
mod retry;
mod sample;
mod sha256;
mod signature_file;
mod verified;

use std::path::PathBuf;

pub use cache::default_cache_dir;
pub use catalog::{Arch, Catalog, CatalogEntry, HashSource};
pub use client::Connection;
pub use part::DownloadEvent;
pub use publisher::Publisher;
pub use refresh::refresh;
pub use request::BaseRequest;
pub use sample::{SAMPLE, SAMPLE_RAW_SIZE};
pub use sha256::Sha256;
pub use verified::{Trust, VerifiedBase};

#[cfg(doc)]
use crate::error::Category;
use crate::error::Result;
use crate::progress::Progress;
use download::Wanted;

pub struct ObtainOptions<'a> {
    /// The folder for downloads; usually [`default_cache_dir`].
    pub cache_dir: PathBuf,
    pub catalog: &'a Catalog,
    /// The publisher, whose images must be signed.
    pub publisher: &'a Publisher,
    /// `true` to use the publisher's images without a signature if there is none. A wrong one is never accepted.
    pub allow_unsigned: bool,
    /// `true` to use only the cache.
    pub offline: bool,
    pub progress: &'a dyn Progress,
    pub connection: Connection,
    /// Called for every event of a download.
    pub on_event: Option<&'a dyn Fn(&DownloadEvent)>,
}

/// Obtains a base image and verifies it. Fails with [`Category::Verification`] for wrong content, [`Category::Network`] for a
/// failed download, and [`Category::Disk`] for a lack of space.
pub fn obtain(request: &BaseRequest, options: &ObtainOptions) -> Result<VerifiedBase> {
    match request {
        BaseRequest::Sample => sample::obtain(options),
        BaseRequest::File { path, sha256 } => verified::open(path, *sha256, options),
        BaseRequest::Known(entry) => {
            let (must_be_signed, hash) = match entry.source {
                HashSource::BuiltIn => (false, Trust::BuiltInHash),
                HashSource::Server => (true, Trust::PublishedHash),
            };
            let wanted = Wanted {
                url: &entry.url,
                sha256: entry.sha256,
                size: entry.size,
                must_be_signed,
                hash,
            };
            download::obtain(&wanted, options)
        }
        BaseRequest::Url { url, sha256 } => {
            let is_built_in = options.catalog.has_built_in(*sha256);
            let wanted = Wanted {
                url,
                sha256: *sha256,
                size: None,
                must_be_signed: options.publisher.has(url) && !is_built_in,
                hash: if is_built_in {
                    Trust::BuiltInHash
                } else {
                    Trust::GivenHash
                },
            };
            download::obtain(&wanted, options)
        }
    }
}
