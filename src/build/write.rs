//! Writing what is planned, and what is known of the base afterwards.

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
    /// Describes the base, and warns when damage in it could go unnoticed.
    pub(super) fn describe(&self, base: &VerifiedBase, container: &dyn Container) {
        let bars = &self.session.bars;
        let path = base.path().display();
        bars.detail(&format!("base: {path} ({})", container.describe()));
        if base.trust() == Trust::Unknown && container.as_xz().is_some_and(Xz::is_unchecked) {
            bars.warn(&format!(
                "{path} was packed without checksums: damage in it that can be unpacked is not noticed"
            ));
        }
    }

    /// Writes the images. They are complete and still have temporary names.
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
                if base.trust() == Trust::Unknown && assembly.copies_blocks() {
                    // Blocks that nobody unpacks would be copied with any damage that is in them.
                    let task = self.session.bars.begin("checking the base", container.raw_size());
                    container.decode(&Discard, &*task)?;
                    self.remember(base)?;
                }
                assembly.write_compressed()?
            }
        };
        self.remember(base)?;
        Ok(outputs)
    }

    /// Makes sure that the base, which was decoded in full, is still the file that was hashed, and notes that it is sound
    /// if its hash was unknown.
    fn remember(&self, base: &VerifiedBase) -> Result<()> {
        base.check_unchanged()?;
        if base.trust() != Trust::Unknown {
            return Ok(());
        }
        // This only saves the next build a check, so a failure is no reason to stop.
        if let Err(error) = base.mark_decoded(&self.session.cache_dir) {
            self.session.bars.warn(&error.to_string());
        }
        Ok(())
    }
}
