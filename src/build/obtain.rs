//! Obtains the base and decompresses raw images during the download.

use std::path::PathBuf;

use super::Order;
use crate::base::{self, BaseRequest, DownloadEvent, VerifiedBase};
use crate::cli::Format;
use crate::error::Result;
use crate::image::assemble::eager::{EagerUnpack, Sizes};
use crate::image::assemble::{Unpacked, require_raw_room};

/// A base, and the raw images if they were decompressed during the download.
pub(super) struct Obtained {
    pub(super) base: VerifiedBase,
    pub(super) unpacked: Option<Unpacked>,
}

impl Order<'_> {
    /// Obtains the base.
    pub(super) fn obtain(&self, destinations: &[PathBuf]) -> Result<Obtained> {
        match self.format {
            Format::Img => self.obtain_and_unpack(destinations),
            Format::ImgXz => {
                let options = self.session.obtain_options(self.catalog, None);
                Ok(Obtained {
                    base: base::obtain(self.request, &options)?,
                    unpacked: None,
                })
            }
        }
    }

    fn obtain_and_unpack(&self, destinations: &[PathBuf]) -> Result<Obtained> {
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
        let options = session.obtain_options(self.catalog, Some(&on_event));
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
        Ok(Obtained { base, unpacked })
    }
}
