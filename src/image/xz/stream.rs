//! Decodes any xz file from start to end, including those with one block, several streams or padding.

use std::io::{self, BufRead, BufReader, Read};

use xz2::stream::{Action, MtStreamBuilder, Status, Stream};

use super::{DECODER_MEMORY, PACKED_WINDOW, RAW_WINDOW, THREADS_MEMORY, damage, decoder_error, header};
use crate::disk::read_at::RawSink;
use crate::error::{Context, Result};
use crate::progress::Task;

/// Limit for threads. More would not fit in [`THREADS_MEMORY`], and the library refuses too many.
const MAX_THREADS: usize = 256;

/// Decodes all of `reader` into `sink` and returns the number of raw bytes. `task` counts raw bytes.
///
/// If block headers contain sizes, up to `threads` threads are used, limited so that their blocks, compressed and
/// raw, fit in 160 MiB. A larger block is decoded alone in pieces. All checksums are verified. Fails with
/// [`crate::error::Category::Verification`] for anything but complete xz streams.
pub fn decode_stream(
    reader: &mut dyn Read,
    sink: &dyn RawSink,
    threads: usize,
    task: &dyn Task,
) -> Result<u64> {
    let mut input = BufReader::with_capacity(PACKED_WINDOW, reader);
    let mut window = vec![0; RAW_WINDOW];
    let mut done = 0;
    loop {
        done = decode_one(&mut input, sink, threads, task, &mut window, done)?;
        // Stream padding: zeros, a multiple of four (xz file format 1.2.1, section 2.2).
        let mut padding = 0_u64;
        while rest(&mut input)?.first() == Some(&0) {
            let zeros = rest(&mut input)?.iter().take_while(|byte| **byte == 0).count();
            input.consume(zeros);
            padding += zeros as u64;
        }
        if !padding.is_multiple_of(4) {
            return Err(damage("the padding after its stream is not a multiple of four"));
        }
        if rest(&mut input)?.is_empty() {
            return Ok(done);
        }
    }
}

/// Decodes one stream to `at` and returns where it ends.
fn decode_one(
    input: &mut dyn BufRead,
    sink: &dyn RawSink,
    threads: usize,
    task: &dyn Task,
    window: &mut [u8],
    mut at: u64,
) -> Result<u64> {
    // The decoder would ignore an unknown type of checksum.
    let mut first = [0; 12];
    match input.read_exact(&mut first) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            return Err(damage("it ends too early"));
        }
        result => result.disk(|| "reading the xz file".to_owned())?,
    }
    header::parse(first)?;
    let mut decoder = decoder(threads)?;
    decoder
        .process(&first, window, Action::Run)
        .map_err(decoder_error)?;

    let mut filled = 0;
    loop {
        let packed = rest(input)?;
        let at_end = packed.is_empty();
        let action = if at_end { Action::Finish } else { Action::Run };
        let (before_in, before_out) = (decoder.total_in(), decoder.total_out());
        let room = window.get_mut(filled..).unwrap_or_default();
        let status = decoder.process(packed, room, action).map_err(decoder_error)?;
        let taken = decoder.total_in() - before_in;
        let made = decoder.total_out() - before_out;
        input.consume(usize::try_from(taken).unwrap_or(usize::MAX));
        filled += usize::try_from(made).unwrap_or(usize::MAX);
        let ended = matches!(status, Status::StreamEnd);
        if ended || filled == window.len() {
            sink.write_at(window.get(..filled).unwrap_or_default(), at)?;
            at += filled as u64;
            task.advance(filled as u64);
            filled = 0;
        }
        if ended {
            return Ok(at);
        }
        if at_end && matches!(status, Status::MemNeeded) {
            return Err(damage("it ends too early"));
        }
    }
}

fn decoder(threads: usize) -> Result<Stream> {
    let mut decoder = MtStreamBuilder::new()
        .threads(u32::try_from(threads.clamp(1, MAX_THREADS)).unwrap_or(1))
        .memlimit_threading(THREADS_MEMORY)
        .memlimit_stop(THREADS_MEMORY)
        .decoder()
        .map_err(decoder_error)?;
    // The library first uses the smaller of the two limits for both. Set afterwards, this limits a single block.
    decoder.set_memlimit(DECODER_MEMORY).map_err(decoder_error)?;
    Ok(decoder)
}

/// Returns the bytes not consumed yet; empty only at the end.
fn rest(input: &mut dyn BufRead) -> Result<&[u8]> {
    let reading = || "reading the xz file".to_owned();
    while let Err(error) = input.fill_buf() {
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error).disk(reading);
        }
    }
    input.fill_buf().disk(reading)
}
