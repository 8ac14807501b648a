//! Finds the changed blocks and the space that an image with them takes.

use std::collections::BTreeSet;

use super::open::{Block, XzImage};
use crate::error::{Category, Context, Error, Result};
use crate::image::edits::{Edits, PAGE_SIZE};

/// Raw size in bytes of the largest block worth replacing in part. `xz -9` with several threads makes blocks of 192 MiB.
const MAX_REPLACED: u64 = 256 << 20;

/// Returns whether copying the blocks of an image is worthwhile. With few or very large blocks, splicing takes as long as
/// compressing everything and needs more space.
pub fn is_worth_splicing(image: &XzImage) -> bool {
    image.blocks.len() > 1 && image.blocks.iter().all(|block| block.raw_size <= MAX_REPLACED)
}

/// Returns the numbers of the blocks changed by `edits`.
pub(super) fn changed_blocks(image: &XzImage, edits: &Edits) -> Result<BTreeSet<usize>> {
    let page_size = PAGE_SIZE as u64;
    let mut changed = BTreeSet::new();
    for (page, _) in edits.iter() {
        let start = page.saturating_mul(page_size);
        let end = start.saturating_add(page_size).min(image.raw_size);
        let mut at = start;
        while at < end || at == start {
            let (number, block) = image.block_at(at).ok_or_else(|| {
                let what = format!("page {page} is beyond the end of the image");
                Error::new(Category::Other, what)
            })?;
            changed.insert(number);
            at = block.raw_end();
        }
    }
    Ok(changed)
}

/// Returns the maximum space in bytes for images with these changes and for temporary files: the decoded changed blocks
/// and the new compressed ones.
pub fn room_for<'a>(image: &XzImage, images: impl Iterator<Item = &'a Edits>) -> Result<u64> {
    let size = image
        .file
        .size()
        .disk(|| "reading the size of the xz file".to_owned())?;
    let mut room = 0_u64;
    let mut ever_changed = BTreeSet::new();
    for edits in images {
        let changed = changed_blocks(image, edits)?;
        let packed = sum(image, &changed, Block::padded_size);
        let new = max_compressed(sum(image, &changed, |block| block.raw_size));
        room = room.saturating_add(size.saturating_sub(packed).saturating_add(new));
        ever_changed.extend(changed);
    }
    let unpacked = sum(image, &ever_changed, |block| block.raw_size);
    Ok(room
        .saturating_add(unpacked)
        .saturating_add(max_compressed(unpacked)))
}

fn sum(image: &XzImage, numbers: &BTreeSet<usize>, bytes: impl Fn(&Block) -> u64) -> u64 {
    let blocks = numbers.iter().filter_map(|number| image.blocks.get(*number));
    blocks.fold(0, |sum: u64, block| sum.saturating_add(bytes(block)))
}

/// Returns the maximum compressed size. Incompressible data is stored with a few bytes per 64 KiB, and a block header and
/// checksum per 256 KiB.
fn max_compressed(raw: u64) -> u64 {
    raw.saturating_add(raw / 512)
}
