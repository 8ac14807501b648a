//! Creates empty FAT32 file systems.

use std::ops::Range;
use std::rc::Rc;

use fatfs::{FatType, FormatVolumeOptions, StdIoWrapper, format_volume};

use super::guard::guarded;
use super::window::{Shared, Window};
use crate::disk::read_at::ReadAt;
use crate::error::Result;
use crate::image::edits::Edits;

/// Returns the edits that make bytes `range` of `image` an empty FAT32 file system with clusters of one sector.
///
/// The label is padded with spaces, as in a directory entry. Fails if the range is too small for FAT32, which has at
/// least 65,525 clusters (Microsoft FAT specification 1.03, "FAT Type Determination").
pub fn format(image: &dyn ReadAt, range: Range<u64>, label: [u8; 11], serial: u32) -> Result<Edits> {
    let shared = Shared::new(Edits::new());
    let mut window = StdIoWrapper::new(Window::new(image, range, Rc::clone(&shared)));
    let options = FormatVolumeOptions::new()
        .fat_type(FatType::Fat32)
        .bytes_per_cluster(512)
        .volume_label(label)
        .volume_id(serial);
    guarded(|| format_volume(&mut window, options))
        .map_err(|failure| failure.into_error("creating a FAT file system"))?;
    Ok(shared.take_edits())
}
