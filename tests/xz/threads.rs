//! The memory limit determines the number of decoding threads. A separate test program, because it counts the threads of the
//! whole process.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use mkimage::disk::read_at::RawSink;
use mkimage::error::{Category, Result};
use mkimage::image::xz::{Opened, XzImage, decode_all, decode_stream};
use mkimage::progress::Silent;

/// The documented memory limit of all threads, in bytes.
const LIMIT: u64 = 160 << 20;

/// Discards all bytes and records the largest number of threads.
#[derive(Default)]
struct Watch(AtomicU64);

impl RawSink for Watch {
    fn write_at(&self, _bytes: &[u8], _offset: u64) -> Result<()> {
        self.0.fetch_max(status("Threads:"), Ordering::Relaxed);
        Ok(())
    }
}

/// Returns a number from this process's status.
fn status(what: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(what)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Returns compressed zeros.
fn compressed_zeros(mebibytes: u64, dictionary: &str, block: &str) -> Vec<u8> {
    let zeros = mebibytes << 20;
    let script = format!(
        "head -c {zeros} /dev/zero | xz -c -T2 --lzma2=preset=0,dict={dictionary} --block-size={block}"
    );
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

#[test]
fn the_number_of_threads_follows_from_the_memory_limit() {
    let own = status("Threads:");
    let peak = status("VmHWM:") << 10;
    // Almost nothing compressed, 24 MiB raw, with a dictionary of 8 MiB: four blocks fit in 160 MiB.
    for (size, block, expected) in [(144, "24MiB", 4), (210, "70MiB", 2), (180, "180MiB", 0)] {
        let packed = compressed_zeros(size, "8MiB", block);
        let watch = Watch::default();
        decode_stream(&mut packed.as_slice(), &watch, 8, &Silent).unwrap();
        assert_eq!(watch.0.into_inner() - own, expected, "blocks of {block}");
    }
    let taken = (status("VmHWM:") << 10) - peak;
    assert!(taken < LIMIT + (16 << 20), "{} MiB of memory", taken >> 20);

    for (dictionary, max) in [("8MiB", 16), ("64MiB", 2)] {
        let packed = compressed_zeros(64, dictionary, "1MiB");
        let Opened::Indexed(image) = XzImage::open(Arc::new(packed)).unwrap() else {
            panic!("no index");
        };
        let watch = Watch::default();
        decode_all(&image, &watch, 100, &Silent).unwrap();
        // The calling thread works too.
        let threads = watch.0.into_inner() - own + 1;
        assert!(
            (2..=max).contains(&threads),
            "{threads} threads with {dictionary}"
        );
    }

    // The limit for a single block is smaller than that for all threads, so both ways of reading refuse the same files.
    let packed = compressed_zeros(1, "96MiB", "1MiB");
    let forward = decode_stream(&mut packed.as_slice(), &Watch::default(), 8, &Silent);
    assert_eq!(forward.unwrap_err().category(), Category::Other);
    let Err(error) = XzImage::open(Arc::new(packed)) else {
        panic!("a dictionary of 96 MiB must be refused");
    };
    assert_eq!(error.category(), Category::Other);
}
