//! A base that is unpacked while it is downloaded.

use std::path::{Path, PathBuf};

use crate::base::{self, BaseRequest, Catalog, DownloadEvent, VerifiedBase};
use crate::error::Result;
use crate::image::assemble::eager::{EagerUnpack, Sizes, Unpacked};
use crate::image::assemble::require_raw_room;
use crate::session::Session;

/// Gets hold of the base, and of what could be unpacked of it for raw images meanwhile: all or nothing.
pub(crate) fn obtain(
    session: &Session,
    request: &BaseRequest,
    catalog: &Catalog,
    folder: &Path,
    destinations: &[PathBuf],
) -> Result<(VerifiedBase, Option<Unpacked>)> {
    let sizes = match request {
        BaseRequest::Known(entry) => Sizes {
            packed: entry.size,
            raw: entry.raw_size,
        },
        BaseRequest::Sample | BaseRequest::Url { .. } | BaseRequest::File { .. } => Sizes::default(),
    };
    // With --force it is warned of later, when it is known for sure.
    if let Some(raw) = sizes.raw.filter(|_| !session.common.force) {
        require_raw_room(folder, destinations.len(), raw)?;
    }
    let early = EagerUnpack::new(folder.to_owned(), destinations.to_vec(), sizes, &session.bars);
    let on_event = |arrival: &DownloadEvent| match arrival {
        DownloadEvent::Grown { file, size } => early.grown_to(file, *size),
        DownloadEvent::StartsOver => early.abandon(),
    };
    // An error drops what was unpacked of a base that is not what it must be.
    let base = base::obtain(request, &session.obtain_options(catalog, Some(&on_event)))?;
    let unpacked = match early.finish(base.size()) {
        Some(Ok(unpacked)) => Some(unpacked),
        Some(Err(error)) => {
            session
                .bars
                .detail(&format!("not unpacked while downloading: {error}"));
            None
        }
        None => None,
    };
    Ok((base, unpacked))
}
