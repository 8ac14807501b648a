//! A base that is unpacked while it is downloaded.

use std::path::PathBuf;

use super::Session;
use crate::base::{self, Arrival, BaseRequest, Catalog, VerifiedBase};
use crate::cli::BuildArgs;
use crate::cluster::Cluster;
use crate::error::Result;
use crate::image::build::require_raw_room;
use crate::image::early::{Early, Sizes, Unpacked};

/// Gets hold of the base, and of what could be unpacked of it for raw images meanwhile: all or nothing.
pub(super) fn obtain(
    session: &Session,
    args: &BuildArgs,
    cluster: &Cluster,
    destinations: &[PathBuf],
) -> Result<(VerifiedBase, Option<Unpacked>)> {
    let catalog = Catalog::load(&session.cache_dir)?;
    let request = Session::base_request(&args.base, cluster.base.as_deref(), &catalog)?;
    let sizes = match &request {
        BaseRequest::Known(entry) => Sizes {
            packed: entry.size,
            raw: entry.raw_size,
        },
        BaseRequest::Url { .. } | BaseRequest::File { .. } => Sizes::default(),
    };
    // With --force it is warned of later, when it is known for sure.
    if let Some(raw) = sizes.raw.filter(|_| !session.common.force) {
        require_raw_room(&args.out, destinations.len(), raw)?;
    }
    let early = Early::new(args.out.clone(), destinations.to_vec(), sizes, &session.bars);
    let onlooker = |arrival: &Arrival| match arrival {
        Arrival::Grown { file, size } => early.grown_to(file, *size),
        Arrival::StartsOver => early.abandon(),
    };
    // An error drops what was unpacked of a base that is not what it must be.
    let base = base::obtain(&request, &session.obtain_options(&catalog, Some(&onlooker)))?;
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
