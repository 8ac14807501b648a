//! What no file shows of a FAT file system: its boot sector, the other reserved sectors and the copies of its table.

use std::ops::Range;

use super::layout::Layout;
use crate::disk::read_at::ReadAt;
use crate::error::{Category, Context, Error, Result};

/// Bytes that are compared at once.
const PIECE: u64 = 64 * 1024;

/// Compares the sectors before the tables in bytes `range` of `image` with those of `base`, the counters of free
/// clusters left out, and the copies of the image's table with each other.
///
/// # Errors
/// [`Category::Verification`] naming what differs.
pub fn compare_frames(base: &dyn ReadAt, image: &dyn ReadAt, range: &Range<u64>) -> Result<()> {
    let mut sector = [0; 512];
    base.read_exact_at(&mut sector, range.start)
        .disk(|| "reading the base".to_owned())?;
    let layout = Layout::parse(&sector, range.end.saturating_sub(range.start))
        .ok_or_else(|| differs("its boot sector makes no sense"))?;
    let info = layout.info();
    let reserved = [0..info.start.min(layout.reserved), info.end..layout.reserved];
    for part in reserved.into_iter().filter(|part| !part.is_empty()) {
        let start = range.start.saturating_add(part.start);
        if !same((base, start), (image, start), part.end.saturating_sub(part.start))? {
            return Err(differs(
                "its boot sector or another reserved one is not the base's",
            ));
        }
    }
    let first = range.start.saturating_add(layout.reserved);
    for number in 1..layout.tables {
        let other = first.saturating_add(number.saturating_mul(layout.table_size));
        if !same((image, first), (image, other), layout.table_size)? {
            return Err(differs(
                "the copies of its file allocation table are not the same",
            ));
        }
    }
    Ok(())
}

fn differs(how: &str) -> Error {
    Error::new(
        Category::Verification,
        format!("the boot partition's file system was changed outside its files: {how}"),
    )
    .with_remedy("build the image again; if it was booted from or edited, that is why")
}

/// Whether `length` bytes are the same at both places.
fn same(one: (&dyn ReadAt, u64), other: (&dyn ReadAt, u64), length: u64) -> Result<bool> {
    let mut done = 0;
    while done < length {
        let size = length.saturating_sub(done).min(PIECE);
        let mut pieces =
            [one, other].map(|place| (place, vec![0; usize::try_from(size).unwrap_or_default()]));
        for ((source, start), piece) in &mut pieces {
            source
                .read_exact_at(piece, start.saturating_add(done))
                .disk(|| "comparing the boot partitions".to_owned())?;
        }
        let [(_, piece), (_, other)] = pieces;
        if piece != other {
            return Ok(false);
        }
        done = done.saturating_add(size);
    }
    Ok(true)
}
