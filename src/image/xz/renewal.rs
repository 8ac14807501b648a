//! Which blocks changes fall into, and how much room an image takes in which those are new.

use std::collections::BTreeSet;

use super::open::{Block, XzImage};
use crate::error::{Category, Context, Error, Result};
use crate::image::edits::{Edits, PAGE_SIZE};

/// Unpacked bytes of the largest block that is worth being replaced in part: `xz -9` on several threads makes blocks of
/// 192 MiB.
const LARGEST_RENEWED: u64 = 256 << 20;

/// Whether images of this one can be made by copying most of its blocks. Where a block is all of it, or a great deal, what
/// is packed again takes as long as packing everything does, and more room.
pub fn is_worth_splicing(image: &XzImage) -> bool {
    image.blocks().len() > 1
        && image
            .blocks()
            .iter()
            .all(|block| block.raw_size() <= LARGEST_RENEWED)
}

/// Numbers of the blocks that `edits` change.
pub(super) fn changed_blocks(image: &XzImage, edits: &Edits) -> Result<BTreeSet<usize>> {
    let page_size = PAGE_SIZE as u64;
    let mut changed = BTreeSet::new();
    for (page, _) in edits.iter() {
        let start = page.saturating_mul(page_size);
        let end = start.saturating_add(page_size).min(image.raw_size());
        let mut at = start;
        while at < end || at == start {
            let (number, block) = image.block_at(at).ok_or_else(|| {
                Error::new(
                    Category::Other,
                    format!("page {page} lies behind the end of the image"),
                )
            })?;
            changed.insert(number);
            at = block.raw_end();
        }
    }
    Ok(changed)
}

/// Bytes that the images with these changes take at most, and what is kept meanwhile: the changed blocks unpacked, and
/// their successors packed.
pub fn room_for<'a>(image: &XzImage, images: impl Iterator<Item = &'a Edits>) -> Result<u64> {
    let size = image
        .file()
        .size()
        .disk(|| "asking for the size of the xz file".to_owned())?;
    let mut room = 0_u64;
    let mut ever_changed = BTreeSet::new();
    for edits in images {
        let changed = changed_blocks(image, edits)?;
        let packed = sum(image, &changed, Block::padded_size);
        let new = at_most_packed(sum(image, &changed, Block::raw_size));
        room = room.saturating_add(size.saturating_sub(packed).saturating_add(new));
        ever_changed.extend(changed);
    }
    let unpacked = sum(image, &ever_changed, Block::raw_size);
    Ok(room
        .saturating_add(unpacked)
        .saturating_add(at_most_packed(unpacked)))
}

fn sum(image: &XzImage, numbers: &BTreeSet<usize>, bytes: impl Fn(&Block) -> u64) -> u64 {
    let blocks = numbers.iter().filter_map(|number| image.blocks().get(*number));
    blocks.fold(0, |sum: u64, block| sum.saturating_add(bytes(block)))
}

/// What does not compress is stored: a few bytes every 64 KiB, and a block's header and checksum every 256 KiB.
fn at_most_packed(unpacked: u64) -> u64 {
    unpacked.saturating_add(unpacked / 512)
}
