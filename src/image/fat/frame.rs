//! Compares the metadata of FAT file systems outside the files: boot sector, reserved sectors and copies of the table.

use std::ops::Range;

use super::layout::Layout;
use crate::disk::read_at::ReadAt;
use crate::error::{Category, Context, Error, Result};
use crate::image::BUILD_AGAIN;

/// Bytes compared at once.
const CHUNK_SIZE: u64 = 64 * 1024;

/// Compares the sectors before the tables in bytes `range` of `image` with those of `base`, except for the free
/// cluster count, and the copies of the image's table with each other. Fails with [`Category::Verification`] and the
/// difference.
pub fn compare_frames(base: &dyn ReadAt, image: &dyn ReadAt, range: &Range<u64>) -> Result<()> {
    let mut sector = [0; 512];
    base.read_exact_at(&mut sector, range.start)
        .disk(|| "reading the base".to_owned())?;
    let layout = Layout::parse(&sector, range.end.saturating_sub(range.start))
        .ok_or_else(|| differs("its boot sector is invalid"))?;
    let info = layout.info();
    let reserved = [0..info.start.min(layout.reserved), info.end..layout.reserved];
    for part in reserved.into_iter().filter(|part| !part.is_empty()) {
        let start = range.start.saturating_add(part.start);
        if !same((base, start), (image, start), part.end.saturating_sub(part.start))? {
            return Err(differs(
                "its boot sector or another reserved sector differs from the base",
            ));
        }
    }
    let first = range.start.saturating_add(layout.reserved);
    for number in 1..layout.tables {
        let other = first.saturating_add(number.saturating_mul(layout.table_size));
        if !same((image, first), (image, other), layout.table_size)? {
            return Err(differs("the copies of its file allocation table differ"));
        }
    }
    Ok(())
}

fn differs(how: &str) -> Error {
    let what = format!("the boot partition's file system was changed outside its files: {how}");
    Error::new(Category::Verification, what).with_remedy(BUILD_AGAIN)
}

/// Returns whether `length` bytes are the same at both positions.
fn same(one: (&dyn ReadAt, u64), other: (&dyn ReadAt, u64), length: u64) -> Result<bool> {
    let mut done = 0;
    while done < length {
        let size = length.saturating_sub(done).min(CHUNK_SIZE);
        let mut chunks =
            [one, other].map(|place| (place, vec![0; usize::try_from(size).unwrap_or_default()]));
        for ((source, start), chunk) in &mut chunks {
            source
                .read_exact_at(chunk, start.saturating_add(done))
                .disk(|| "comparing the boot partitions".to_owned())?;
        }
        let [(_, chunk), (_, other)] = chunks;
        if chunk != other {
            return Ok(false);
        }
        done = done.saturating_add(size);
    }
    Ok(true)
}
