//! The changed pages of a raw image.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

/// Page size in bytes: a multiple of the sector size (512) and the block size of common file systems.
pub const PAGE_SIZE: usize = 4096;

/// The bytes of a page, shared so that edits can be passed on without copying.
pub type Page = Arc<[u8; PAGE_SIZE]>;

/// Changed pages of a raw image, by page number (offset / [`PAGE_SIZE`]).
///
/// The last page may extend past the end of the image; those bytes are ignored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edits {
    pages: BTreeMap<u64, Page>,
}

impl Edits {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn insert(&mut self, number: u64, page: Page) {
        self.pages.insert(number, page);
    }

    /// Returns the new bytes of a page.
    pub fn get(&self, number: u64) -> Option<&Page> {
        self.pages.get(&number)
    }

    /// Returns a page for writing; `base` provides its bytes if it was not changed before.
    pub fn page_mut<E>(
        &mut self,
        number: u64,
        base: impl FnOnce() -> Result<[u8; PAGE_SIZE], E>,
    ) -> Result<&mut [u8; PAGE_SIZE], E> {
        let page = match self.pages.entry(number) {
            Entry::Occupied(page) => page.into_mut(),
            Entry::Vacant(place) => place.insert(Arc::new(base()?)),
        };
        Ok(Arc::make_mut(page))
    }

    /// Returns the pages in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &Page)> {
        self.pages.iter().map(|(number, page)| (*number, page))
    }

    /// Returns the pages that overlap `start..end` (bytes of the raw image), in ascending order.
    pub fn within(&self, start: u64, end: u64) -> impl Iterator<Item = (u64, &Page)> {
        let size = PAGE_SIZE as u64;
        let first = start / size;
        let last = if end > start { end.div_ceil(size) } else { first };
        self.pages
            .range(first..last)
            .map(|(number, page)| (*number, page))
    }

    /// Applies the edits to a piece of the raw image that starts at `offset`.
    pub fn apply_to(&self, piece: &mut [u8], offset: u64) {
        let end = offset.saturating_add(piece.len() as u64);
        for (number, page) in self.within(offset, end) {
            let page_start = number.saturating_mul(PAGE_SIZE as u64);
            let skip_in_page = usize::try_from(offset.saturating_sub(page_start)).unwrap_or(PAGE_SIZE);
            let skip_in_piece = usize::try_from(page_start.saturating_sub(offset)).unwrap_or(usize::MAX);
            let from = page.get(skip_in_page..).unwrap_or_default();
            let to = piece.get_mut(skip_in_piece..).unwrap_or_default();
            for (to, from) in to.iter_mut().zip(from) {
                *to = *from;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_change_exactly_their_pages_in_any_piece() {
        let mut edits = Edits::new();
        edits.insert(1, Arc::new([7; PAGE_SIZE]));
        let whole: Vec<u8> = (0..4 * PAGE_SIZE)
            .map(|at| if at / PAGE_SIZE == 1 { 7 } else { 0 })
            .collect();
        for (start, end) in [
            (0, 4 * PAGE_SIZE),
            (5000, 6000),
            (4000, 4100),
            (8191, 8193),
            (0, 100),
            (9000, 9001),
        ] {
            let mut piece = vec![0; end - start];
            edits.apply_to(&mut piece, start as u64);
            assert_eq!(piece, whole[start..end], "{start}..{end}");
        }
    }
}
