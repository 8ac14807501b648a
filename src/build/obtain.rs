//! Obtains the base and decompresses raw images during the download.

use std::path::PathBuf;

use super::Order;
use crate::base::{self, BaseRequest, DownloadEvent, ObtainOptions, VerifiedBase};
use crate::cli::Format;
use crate::error::Result;
use crate::image::assemble::eager::{EagerUnpack, Sizes};
use crate::image::assemble::{Unpacked, require_raw_room};

impl Order<'_> {
    /// Obtains the base, and the raw images if they were decompressed during the download.
    pub(super) fn obtain(&self, destinations: &[PathBuf]) -> Result<(VerifiedBase, Option<Unpacked>)> {
        if self.format == Format::Img {
            return self.obtain_and_unpack(destinations);
        }
        let base = base::obtain(self.request, &self.session.obtain_options(self.catalog))?;
        Ok((base, None))
    }

    fn obtain_and_unpack(&self, destinations: &[PathBuf]) -> Result<(VerifiedBase, Option<Unpacked>)> {
        let session = self.session;
        let sizes = match self.request {
            BaseRequest::Known(entry) => Sizes {
                compressed: entry.size,
                raw: entry.raw_size,
            },
            BaseRequest::Sample | BaseRequest::Url { .. } | BaseRequest::File { .. } => Sizes::default(),
        };
        // With --force, a warning follows later, when the size is certain.
        if let Some(raw) = sizes.raw.filter(|_| !session.common.force) {
            require_raw_room(self.out, destinations.len(), raw)?;
        }
        let eager = EagerUnpack::new(self.out.to_owned(), destinations.to_vec(), sizes, &session.bars);
        let on_event = |event: &DownloadEvent| match event {
            DownloadEvent::Grown { file, size } => eager.grown_to(file, *size),
            DownloadEvent::StartsOver => eager.abandon(),
        };
        // An error discards what was decompressed from a wrong base.
        let options = ObtainOptions {
            on_event: Some(&on_event),
            ..session.obtain_options(self.catalog)
        };
        let base = base::obtain(self.request, &options)?;
        let unpacked = match eager.finish(base.size()) {
            Some(Ok(unpacked)) => Some(unpacked),
            Some(Err(error)) => {
                session
                    .bars
                    .detail(&format!("not decompressed during the download: {error}"));
                None
            }
            None => None,
        };
        Ok((base, unpacked))
    }
}
