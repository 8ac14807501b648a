//! A partition of a raw image to read and write as if it were a disk, while the image stays as it is.

use std::cell::{Cell, RefCell};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::rc::Rc;

use crate::disk::read_at::ReadAt;
use crate::image::edits::{Edits, PAGE_SIZE};

/// How many reads and writes one operation on a file system may take. The FAT library follows a directory chain
/// that is linked to itself for ever; looking once at each entry of the largest FAT an image has (1.03 million
/// clusters) takes a third of this.
const FUEL: u64 = 3_000_000;

/// What a window and its owner share.
pub(super) struct Shared {
    edits: RefCell<Edits>,
    fuel: Cell<u64>,
}

impl Shared {
    /// Starts with what was edited before.
    pub(super) fn new(edits: Edits) -> Rc<Self> {
        Rc::new(Self {
            edits: RefCell::new(edits),
            fuel: Cell::new(FUEL),
        })
    }

    /// Before each operation on the file system.
    pub(super) fn refuel(&self) {
        self.fuel.set(FUEL);
    }

    /// Takes the edits out.
    pub(super) fn take_edits(&self) -> Edits {
        self.edits.take()
    }

    fn burn(&self) -> io::Result<()> {
        let left = self.fuel.get().checked_sub(1).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                "the file system's chains run in a circle",
            )
        })?;
        self.fuel.set(left);
        Ok(())
    }
}

/// Bytes `range` of a raw image: reads come from the edits or else from the base, writes go to the edits.
pub(super) struct Window<'a> {
    base: &'a dyn ReadAt,
    range: Range<u64>,
    position: u64,
    shared: Rc<Shared>,
}

impl<'a> Window<'a> {
    /// Opens a window.
    pub(super) fn new(base: &'a dyn ReadAt, range: Range<u64>, shared: Rc<Shared>) -> Self {
        Self {
            base,
            range,
            position: 0,
            shared,
        }
    }

    /// Bytes in the window.
    pub(super) fn length(&self) -> u64 {
        self.range.end.saturating_sub(self.range.start)
    }

    /// Where the position is in the image: page number, offset in the page, bytes up to the page's or the window's end.
    fn place(&self, wanted: usize) -> (u64, usize, usize) {
        let at = self.range.start.saturating_add(self.position);
        let page = PAGE_SIZE as u64;
        let in_page = usize::try_from(at % page).unwrap_or_default();
        let to_end = usize::try_from(self.range.end.saturating_sub(at)).unwrap_or(usize::MAX);
        let length = wanted.min(PAGE_SIZE.saturating_sub(in_page)).min(to_end);
        (at / page, in_page, length)
    }
}

/// A whole page of the base; past the image's end it is zero.
pub(super) fn base_page(base: &dyn ReadAt, number: u64) -> io::Result<[u8; PAGE_SIZE]> {
    let mut page = [0; PAGE_SIZE];
    let start = number.saturating_mul(PAGE_SIZE as u64);
    let there = base.size()?.saturating_sub(start).min(PAGE_SIZE as u64);
    let length = usize::try_from(there).unwrap_or(PAGE_SIZE);
    base.read_exact_at(page.get_mut(..length).unwrap_or_default(), start)?;
    Ok(page)
}

impl Read for Window<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.shared.burn()?;
        let (number, in_page, length) = self.place(buffer.len());
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
        self.shared.burn()?;
        let (number, in_page, length) = self.place(buffer.len());
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
