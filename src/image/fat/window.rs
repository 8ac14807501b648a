//! Presents a partition of a raw image as a disk, without changing the image.

use std::cell::{Cell, RefCell};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::rc::Rc;

use crate::disk::read_at::ReadAt;
use crate::image::edits::{Edits, PAGE_SIZE};

/// Limit for reads and writes in one operation on a file system, because the FAT library follows a directory loop forever.
/// Reading each entry of the largest FAT of an image (1.03 million clusters) takes a third of this.
const MAX_ACCESSES: u64 = 3_000_000;

/// State shared by a window and its owner.
pub(super) struct Shared {
    edits: RefCell<Edits>,
    accesses_left: Cell<u64>,
}

impl Shared {
    /// Starts with existing edits.
    pub(super) fn new(edits: Edits) -> Rc<Self> {
        Rc::new(Self {
            edits: RefCell::new(edits),
            accesses_left: Cell::new(MAX_ACCESSES),
        })
    }

    /// Resets the limit before each operation on the file system.
    pub(super) fn reset_limit(&self) {
        self.accesses_left.set(MAX_ACCESSES);
    }

    pub(super) fn take_edits(&self) -> Edits {
        self.edits.take()
    }

    fn count_access(&self) -> io::Result<()> {
        let left = self.accesses_left.get().checked_sub(1).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, "the file system's chains form a loop")
        })?;
        self.accesses_left.set(left);
        Ok(())
    }
}

/// Bytes `range` of a raw image. Reads come from the edits or the base; writes go to the edits.
pub(super) struct Window<'a> {
    base: &'a dyn ReadAt,
    range: Range<u64>,
    position: u64,
    shared: Rc<Shared>,
}

impl<'a> Window<'a> {
    pub(super) fn new(base: &'a dyn ReadAt, range: Range<u64>, shared: Rc<Shared>) -> Self {
        Self {
            base,
            range,
            position: 0,
            shared,
        }
    }

    /// Returns the size in bytes.
    pub(super) fn length(&self) -> u64 {
        self.range.end.saturating_sub(self.range.start)
    }

    /// Locates the current position: page number, offset in the page, and bytes up to the end of the page or window.
    fn locate(&self, wanted: usize) -> (u64, usize, usize) {
        let at = self.range.start.saturating_add(self.position);
        let page = PAGE_SIZE as u64;
        let in_page = usize::try_from(at % page).unwrap_or_default();
        let to_end = usize::try_from(self.range.end.saturating_sub(at)).unwrap_or(usize::MAX);
        let length = wanted.min(PAGE_SIZE.saturating_sub(in_page)).min(to_end);
        (at / page, in_page, length)
    }
}

/// Returns a page of the base, filled with zeros past the image's end.
pub(super) fn base_page(base: &dyn ReadAt, number: u64) -> io::Result<[u8; PAGE_SIZE]> {
    let mut page = [0; PAGE_SIZE];
    let start = number.saturating_mul(PAGE_SIZE as u64);
    let available = base.size()?.saturating_sub(start).min(PAGE_SIZE as u64);
    let length = usize::try_from(available).unwrap_or(PAGE_SIZE);
    base.read_exact_at(page.get_mut(..length).unwrap_or_default(), start)?;
    Ok(page)
}

impl Read for Window<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.shared.count_access()?;
        let (number, in_page, length) = self.locate(buffer.len());
        let buffer = buffer.get_mut(..length).unwrap_or_default();
        let edits = self.shared.edits.borrow();
        if let Some(page) = edits.get(number) {
            page.get(in_page..).unwrap_or_default().read_exact_at(buffer, 0)?;
        } else {
            let at = self.range.start.saturating_add(self.position);
            self.base.read_exact_at(buffer, at)?;
        }
        self.position = self.position.saturating_add(length as u64);
        Ok(length)
    }
}

impl Write for Window<'_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.shared.count_access()?;
        let (number, in_page, length) = self.locate(buffer.len());
        let mut edits = self.shared.edits.borrow_mut();
        let page = edits.page_mut(number, || base_page(self.base, number))?;
        let to = page.get_mut(in_page..).unwrap_or_default();
        for (to, from) in to.iter_mut().zip(buffer.iter().take(length)) {
            *to = *from;
        }
        self.position = self.position.saturating_add(length as u64);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Window<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let length = self.length();
        let position = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => length.checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        match position {
            Some(position) if position <= length => {
                self.position = position;
                Ok(position)
            }
            _ => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the file system points outside its partition",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_never_leave_the_window() {
        let base = vec![1_u8; 3 * PAGE_SIZE];
        let shared = Shared::new(Edits::new());
        let mut window = Window::new(&base, 1000..9000, Rc::clone(&shared));
        window.write_all(&[2; 8000]).unwrap();
        assert_eq!(window.write(&[2]).unwrap(), 0);
        assert!(window.seek(SeekFrom::Start(8001)).is_err());
        window.seek(SeekFrom::Start(0)).unwrap();
        let mut back = Vec::new();
        window.read_to_end(&mut back).unwrap();
        assert_eq!(back, [2; 8000]);
        let mut image = base.clone();
        shared.take_edits().apply_to(&mut image, 0);
        assert!(image[..1000].iter().chain(&image[9000..]).all(|byte| *byte == 1));
        assert!(image[1000..9000].iter().all(|byte| *byte == 2));
    }
}
