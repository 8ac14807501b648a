//! Compresses a whole raw image, for bases whose blocks cannot be copied.

use std::io::Write;

use xz2::stream::{Action, MtStreamBuilder, Status, Stream};

use super::header::Check;
use super::{PACKED_WINDOW, RAW_WINDOW, THREADS_MEMORY};
use crate::disk::read_at::ReadAt;
use crate::error::{Category, Context, Error, Result};
use crate::progress::Task;

/// A fast level: level 6 takes ten times as long for a whole image.
const PRESET: u32 = 1;

/// Raw size of a block in bytes. The headers contain it, so any reader can decode in parallel and the result can be spliced.
const BLOCK_SIZE: u64 = 4 << 20;

/// Compresses all of `raw` and returns the number of bytes written. `task` counts raw bytes.
pub fn encode(
    raw: &dyn ReadAt,
    check: Check,
    out: &mut dyn Write,
    threads: usize,
    task: &dyn Task,
) -> Result<u64> {
    let mut encoder = encoder(check, threads)?;
    let mut window = vec![0; RAW_WINDOW];
    let mut packed = vec![0; PACKED_WINDOW];
    let size = raw.size().disk(|| "reading the size of the image".to_owned())?;
    let mut at = 0;
    while at < size {
        let length = usize::try_from(size - at).map_or(RAW_WINDOW, |left| left.min(RAW_WINDOW));
        let piece = window.get_mut(..length).unwrap_or_default();
        raw.read_exact_at(piece, at)
            .disk(|| "reading the image".to_owned())?;
        feed(&mut encoder, piece, Action::Run, &mut packed, out)?;
        at += length as u64;
        task.advance(length as u64);
    }
    feed(&mut encoder, &[], Action::Finish, &mut packed, out)?;
    Ok(encoder.total_out())
}

fn encoder(check: Check, threads: usize) -> Result<Stream> {
    let mut builder = MtStreamBuilder::new();
    builder
        .preset(PRESET)
        .block_size(BLOCK_SIZE)
        .check(check.for_encoder());
    let mut threads = u32::try_from(threads.max(1)).unwrap_or(u32::MAX);
    while threads > 1 && builder.threads(threads).memusage() > THREADS_MEMORY {
        threads -= 1;
    }
    builder.threads(threads).encoder().map_err(failed)
}

/// Passes `raw` to the encoder and writes its output, until all input is consumed or, for `Finish`, the stream has ended.
fn feed(
    encoder: &mut Stream,
    mut raw: &[u8],
    action: Action,
    packed: &mut [u8],
    out: &mut dyn Write,
) -> Result<()> {
    loop {
        let (before_in, before_out) = (encoder.total_in(), encoder.total_out());
        let status = encoder.process(raw, packed, action).map_err(failed)?;
        let taken = usize::try_from(encoder.total_in() - before_in).unwrap_or(usize::MAX);
        let made = usize::try_from(encoder.total_out() - before_out).unwrap_or(usize::MAX);
        raw = raw.get(taken..).unwrap_or_default();
        out.write_all(packed.get(..made).unwrap_or_default())
            .disk(|| "writing the image".to_owned())?;
        match action {
            Action::Finish if matches!(status, Status::StreamEnd) => return Ok(()),
            Action::Run if raw.is_empty() => return Ok(()),
            _ => {}
        }
    }
}

fn failed(error: xz2::stream::Error) -> Error {
    Error::new(Category::Other, "compressing the image failed").with_cause(error)
}
