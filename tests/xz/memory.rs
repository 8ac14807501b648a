//! Sizes given in an xz file do not determine memory use. A separate test program, because it measures the whole process.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "in a test, a panic is the report"
)]

use std::sync::Arc;

use mkimage::disk::read_at::RawSink;
use mkimage::error::{Category, Result};
use mkimage::image::xz::{Opened, XzImage, decode_all, decode_stream};
use mkimage::progress::Silent;
use test_support::xz::integer;

/// Discards all bytes.
struct DiscardAll;

impl RawSink for DiscardAll {
    fn write_at(&self, _bytes: &[u8], _offset: u64) -> Result<()> {
        Ok(())
    }
}

fn with_crc(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    let crc = crc32fast::hash(&bytes);
    bytes.extend(crc.to_le_bytes());
    bytes
}

/// Returns a stream with the bytes of blocks and an index with `count` and the bytes of records.
fn stream(blocks: &[u8], count: u64, records: &[u8]) -> Vec<u8> {
    let flags = [0, 1];
    let index = with_crc([&[0][..], &integer(count), records].concat());
    let size = u32::try_from(index.len() / 4 - 1).unwrap().to_le_bytes();
    let footer = [&size[..], &flags].concat();
    let crc = crc32fast::hash(&footer).to_le_bytes();
    let header = [&b"\xfd7zXZ\0"[..], &flags, &crc32fast::hash(&flags).to_le_bytes()].concat();
    [&header[..], blocks, &index, &crc, &footer, b"YZ"].concat()
}

/// Returns a block header with these sizes, LZMA2 and a dictionary of 8 MiB.
fn block_header(compressed: u64, raw: u64) -> Vec<u8> {
    let mut header = [
        &[0, 0xc0][..],
        &integer(compressed),
        &integer(raw),
        &[0x21, 1, 22],
    ]
    .concat();
    header.resize(header.len().next_multiple_of(4), 0);
    header[0] = u8::try_from(header.len() / 4).unwrap();
    with_crc(header)
}

fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
}

#[test]
fn wrong_sizes_take_no_memory() {
    let before = peak_memory();
    let mut streams = Vec::new();
    for huge in [1 << 32, 1 << 40, 1 << 50, (1 << 62) - 1] {
        // A tiny block with a huge raw size.
        let header = block_header(20, huge);
        let unpadded = header.len() as u64 + 20 + 4;
        let block = [header, vec![1; 24]].concat();
        streams.push(stream(&block, 1, &[integer(unpadded), integer(huge)].concat()));
        // A block with a size larger than the file.
        let header = block_header(huge, 100);
        let block = [header, vec![1; 24]].concat();
        streams.push(stream(&block, 1, &[integer(huge + 24), integer(100)].concat()));
        // More records than there are bytes.
        streams.push(stream(&block, huge, &[integer(24), integer(100)].concat()));
    }
    // As many records as fit, without the blocks.
    streams.push(stream(&[], 4_000_000, &[8, 1].repeat(4_000_000)));
    streams.push(stream(&vec![0; 8_000_000], 1_000_000, &[8, 1].repeat(1_000_000)));
    let input_size: u64 = streams.iter().map(|bytes| bytes.len() as u64).sum();

    for bytes in streams {
        let forward = decode_stream(&mut bytes.as_slice(), &DiscardAll, 2, &Silent).unwrap_err();
        assert_ne!(forward.category(), Category::Disk, "{forward}");
        match XzImage::open(Arc::new(bytes)) {
            Err(error) => assert_eq!(error.category(), Category::Verification, "{error}"),
            Ok(Opened::Indexed(image)) => {
                let error = decode_all(&image, &DiscardAll, 2, &Silent).unwrap_err();
                assert_eq!(error.category(), Category::Verification, "{error}");
            }
            Ok(Opened::Stream(_)) => {}
        }
    }
    let taken = peak_memory() - before;
    assert!(
        taken < (160 << 20) + input_size,
        "{} MiB of memory for {} MiB of input",
        taken >> 20,
        input_size >> 20
    );
}
