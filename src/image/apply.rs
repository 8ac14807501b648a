//! An overlay onto a boot partition, and the proof that it arrived.

use std::ops::Range;

use crate::boot::overlay::Overlay;
use crate::disk::read_at::ReadAt;
use crate::error::{Category, Context, Error, Result};
use crate::image::edits::Edits;
use crate::image::fat::{self, FatVolume, Timestamp, Written};
use crate::units::Size;

/// Lays an overlay over the boot partition at `range` of the raw image `base`: what differs afterwards.
/// `whose` is for messages.
///
/// # Errors
/// [`Category::Disk`] with the figures when it does not fit.
pub fn edits(
    base: &dyn ReadAt,
    range: &Range<u64>,
    overlay: &Overlay,
    now: Timestamp,
    whose: &str,
) -> Result<Edits> {
    let mut volume = FatVolume::open(base, range.clone(), Edits::new(), now)?;
    let free = volume.free()?;
    let needed = needed(overlay, volume.cluster_size());
    for (path, bytes) in overlay.files() {
        if volume.write(path.as_str(), bytes)? == Written::NoRoom {
            return Err(Error::new(
                Category::Disk,
                format!(
                    "the boot partition of the base has {} free, the overlay of {whose} needs {} ({path} did not fit)",
                    Size(free),
                    Size(needed)
                ),
            )
            .with_remedy(format!("remove files from overlays/{whose} or use a newer base")));
        }
    }
    let edits = volume.finish()?;
    let mut volume = FatVolume::open(base, range.clone(), edits, now)?;
    compare(&mut volume, overlay).while_doing(|| format!("reading back what was written for {whose}"))?;
    let edits = volume.finish()?;
    fat::check(base, range, edits.clone())
        .while_doing(|| format!("checking what was written for {whose}"))?;
    Ok(edits)
}

/// Reads every file of the overlay back from a finished raw image and compares.
pub fn read_back(image: &dyn ReadAt, range: &Range<u64>, overlay: &Overlay) -> Result<()> {
    let mut volume = FatVolume::open(image, range.clone(), Edits::new(), Timestamp(0))?;
    compare(&mut volume, overlay)
}

fn compare(volume: &mut FatVolume<'_>, overlay: &Overlay) -> Result<()> {
    for (path, bytes) in overlay.files() {
        if volume.read(path.as_str(), bytes.len() as u64)?.as_deref() != Some(bytes) {
            return Err(Error::new(
                Category::Verification,
                format!("{path} does not read back as it was written"),
            )
            .with_remedy("the disk or the memory of this computer may be failing; try another"));
        }
    }
    Ok(())
}

/// Bytes of whole clusters that the overlay's files take.
fn needed(overlay: &Overlay, cluster: u64) -> u64 {
    overlay
        .files()
        .map(|(_, bytes)| {
            let size = bytes.len() as u64;
            size.checked_next_multiple_of(cluster).unwrap_or(size)
        })
        .fold(0, u64::saturating_add)
}
