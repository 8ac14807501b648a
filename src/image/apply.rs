//! Writes an overlay to a boot partition and verifies it.

use std::ops::Range;

use crate::boot::overlay::Overlay;
use crate::disk::read_at::ReadAt;
use crate::error::{Category, Context, Error, Result};
use crate::image::edits::Edits;
use crate::image::fat::{self, FatVolume, MAX_FILE_SIZE, Timestamp, Written};
use crate::units::Size;

/// Writes an overlay to the boot partition at `range` of the raw image `base`. Returns the changed pages. `node` is
/// used in messages. Fails with [`Category::Disk`] and the sizes if it does not fit.
pub fn edits(
    base: &dyn ReadAt,
    range: &Range<u64>,
    overlay: &Overlay,
    now: Timestamp,
    node: &str,
) -> Result<Edits> {
    let mut volume = FatVolume::open(base, range.clone(), Edits::new(), now)?;
    for path in overlay.wiped() {
        volume.wipe(path.as_str())?;
    }
    let free = volume.free()?;
    let needed = needed(overlay, volume.cluster_size());
    for (path, bytes) in overlay.files() {
        if volume.write(path.as_str(), bytes)? == Written::NoRoom {
            let what = format!(
                "the boot partition of the base has {} free, but the files for {node} need {} ({path} did not fit)",
                Size(free),
                Size(needed)
            );
            return Err(Error::new(Category::Disk, what)
                .with_remedy(format!("remove files from overlays/{node} or use a newer base")));
        }
    }
    let edits = volume.finish()?;
    let mut volume = FatVolume::open(base, range.clone(), edits, now)?;
    compare(&mut volume, overlay).while_doing(|| format!("reading back the files for {node}"))?;
    let edits = volume.finish()?;
    fat::check(base, range, edits.clone())
        .while_doing(|| format!("checking the boot partition of {node}"))?;
    Ok(edits)
}

/// Reads every file of the overlay back from a finished raw image and compares it.
pub fn read_back(image: &dyn ReadAt, range: &Range<u64>, overlay: &Overlay) -> Result<()> {
    let mut volume = FatVolume::read_only(image, range)?;
    compare(&mut volume, overlay)
}

fn compare(volume: &mut FatVolume<'_>, overlay: &Overlay) -> Result<()> {
    let failed = |what: String| {
        Error::new(Category::Verification, what)
            .with_remedy("this computer's disk or memory may be failing; try another computer")
    };
    for (path, bytes) in overlay.files() {
        if volume.read(path.as_str(), bytes.len() as u64)?.as_deref() != Some(bytes) {
            return Err(failed(format!(
                "{path} differs from what was written when read back"
            )));
        }
    }
    for path in overlay.removed() {
        if volume.read(path.as_str(), MAX_FILE_SIZE)?.is_some() {
            return Err(failed(format!("{path} is still there after it was removed")));
        }
    }
    Ok(())
}

/// Returns the size of the overlay's files in whole clusters, in bytes.
fn needed(overlay: &Overlay, cluster: u64) -> u64 {
    overlay
        .files()
        .map(|(_, bytes)| {
            let size = bytes.len() as u64;
            size.checked_next_multiple_of(cluster).unwrap_or(size)
        })
        .fold(0, u64::saturating_add)
}
