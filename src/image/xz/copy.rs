//! Copies bytes between files.

use std::fs::File;
use std::io;

use crate::disk::read_at::{ReadAt, write_all_at};

/// File systems can share ranges that start and end at a multiple of this.
pub(super) const ALIGNMENT: u64 = 4096;

/// Bytes copied at once if the kernel cannot copy.
const BUFFER_SIZE: u64 = 1 << 20;

/// Copies `size` bytes from `from_at` to `to_at`. The system shares or copies them itself if it can.
pub(super) fn copy_range(from: &File, from_at: u64, to: &File, to_at: u64, size: u64) -> io::Result<()> {
    let mut done = 0;
    // File systems share only aligned ranges, so the bytes before and after are copied separately.
    let head = (from_at.next_multiple_of(ALIGNMENT) - from_at).min(size);
    let body = (size - head) / ALIGNMENT * ALIGNMENT;
    for end in [head, head + body, size] {
        while done < end {
            match copy_some(from, from_at + done, to, to_at + done, end - done)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                copied => done += copied,
            }
        }
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn copy_some(from: &File, from_at: u64, to: &File, to_at: u64, size: u64) -> io::Result<u64> {
    use rustix::io::Errno;

    let (mut from_place, mut to_place) = (from_at, to_at);
    // The kernel copies at most 2 GiB at once and returns an error for more on 32-bit systems.
    let length = usize::try_from(size.min(1 << 30)).unwrap_or(1 << 30);
    match rustix::fs::copy_file_range(from, Some(&mut from_place), to, Some(&mut to_place), length) {
        Ok(copied) => Ok(copied as u64),
        Err(Errno::INTR) => copy_some(from, from_at, to, to_at, size),
        // Not supported between or by these file systems, or blocked by a sandbox.
        Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::PERM) => {
            copy_through_buffer(from, from_at, to, to_at, size)
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn copy_some(from: &File, from_at: u64, to: &File, to_at: u64, size: u64) -> io::Result<u64> {
    copy_through_buffer(from, from_at, to, to_at, size)
}

fn copy_through_buffer(from: &File, from_at: u64, to: &File, to_at: u64, size: u64) -> io::Result<u64> {
    let size = size.min(BUFFER_SIZE);
    let mut window = vec![0; usize::try_from(size).map_err(io::Error::other)?];
    from.read_exact_at(&mut window, from_at)?;
    write_all_at(to, &window, to_at)?;
    Ok(size)
}
