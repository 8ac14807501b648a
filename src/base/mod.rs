//! Where base images come from: the catalog, a download, the cache, a file. All of them end in a [`VerifiedBase`].

mod answer;
mod arrival;
mod cache;
mod catalog;
mod client;
mod connection;
mod document;
mod download;
mod local;
mod os_list;
mod part;
mod refresh;
mod remembered;
mod request;
mod retry;
mod sample;
mod sha256;
mod transfer;
mod validator;
mod verified;

use std::path::PathBuf;

pub use arrival::Arrival;
pub use cache::default_cache_dir;
pub use catalog::{Arch, Catalog, CatalogEntry};
pub use connection::{Connection, Proxy};
pub use refresh::{publisher, refresh};
pub use request::BaseRequest;
pub use sample::{SAMPLE, SAMPLE_RAW_SIZE};
pub use sha256::{NoSha256, Sha256};
pub use verified::{VerifiedBase, Vouch};

#[cfg(doc)]
use crate::error::Category;
use crate::error::Result;
use crate::progress::Progress;
use download::Wanted;

/// How a base image is to be obtained.
pub struct ObtainOptions<'a> {
    /// Where downloads are kept; [`default_cache_dir`] unless the user has another.
    pub cache_dir: PathBuf,
    /// The images known by name.
    pub catalog: &'a Catalog,
    /// Whether to use what is in the cache or fail.
    pub offline: bool,
    /// Who hears how far it is.
    pub progress: &'a dyn Progress,
    /// How patient a download is.
    pub connection: Connection,
    /// Hears how the file of a download grows, should there be one.
    pub onlooker: Option<&'a dyn Fn(&Arrival)>,
}

/// Gets hold of a base image and makes sure that it is the one that was asked for.
///
/// Fails with [`Category::Verification`] when its bytes are not what they must be, with [`Category::Network`] when it
/// cannot be downloaded, with [`Category::Disk`] when there is no room for it.
pub fn obtain(request: &BaseRequest, options: &ObtainOptions) -> Result<VerifiedBase> {
    match request {
        BaseRequest::Sample => sample::obtain(options),
        BaseRequest::File { path, sha256 } => local::obtain(path, *sha256, options),
        BaseRequest::Known(entry) => {
            let wanted = Wanted {
                url: &entry.url,
                sha256: entry.sha256,
                size: entry.size,
            };
            download::obtain(&wanted, options)
        }
        BaseRequest::Url { url, sha256 } => {
            let wanted = Wanted {
                url,
                sha256: *sha256,
                size: None,
            };
            download::obtain(&wanted, options)
        }
    }
}
