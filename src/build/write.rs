//! Writes the planned images.

use super::Order;
use crate::base::{Trust, VerifiedBase};
use crate::cli::Format;
use crate::disk::output::Output;
use crate::disk::read_at::Discard;
use crate::error::Result;
use crate::image::assemble::{Assembly, PlannedImage, Unpacked};
use crate::image::container::{Container, Xz};
use crate::image::raw_image::RawImage;
use crate::progress::Progress as _;

impl Order<'_> {
    /// Describes the base and warns if damage in it could go undetected.
    pub(super) fn describe(&self, base: &VerifiedBase, container: &dyn Container) {
        let bars = &self.session.bars;
        let path = base.path.display();
        bars.detail(&format!("base: {path} ({})", container.describe()));
        if base.trust == Trust::Unknown && container.as_xz().is_some_and(Xz::is_unchecked) {
            bars.warn(&format!(
                "{path} was compressed without checksums, so some damage in it cannot be detected"
            ));
        }
    }

    /// Writes the images under temporary names.
    pub(super) fn write(
        &self,
        base: &VerifiedBase,
        container: &dyn Container,
        image: &RawImage,
        images: Vec<PlannedImage>,
        unpacked: Option<Unpacked>,
    ) -> Result<Vec<Output>> {
        let assembly = Assembly {
            container,
            base: image,
            images,
            folder: self.out,
            ignore_space: self.session.common.force,
            progress: &self.session.bars,
        };
        let outputs = match self.format {
            Format::Img => assembly.write_raw(unpacked)?,
            Format::ImgXz => {
                if base.trust == Trust::Unknown && assembly.copies_blocks() {
                    // Copied blocks are not decoded, so damage in them would be copied too.
                    let task = self.session.bars.begin("checking the base", container.raw_size());
                    container.decode(&Discard, &*task)?;
                    self.confirm(base)?;
                }
                assembly.write_compressed()?
            }
        };
        self.confirm(base)?;
        Ok(outputs)
    }

    /// Checks that the base, which was decoded in full, did not change after it was hashed. Marks it as decoded if its
    /// hash was unknown.
    fn confirm(&self, base: &VerifiedBase) -> Result<()> {
        base.check_unchanged()?;
        if base.trust != Trust::Unknown {
            return Ok(());
        }
        // Without the marker, the next build only repeats the check.
        if let Err(error) = base.mark_decoded(&self.session.cache_dir) {
            self.session.bars.warn(&error.to_string());
        }
        Ok(())
    }
}
