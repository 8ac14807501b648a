//! The number of unpacking threads follows from the memory limit. Alone in its process, because it counts the threads of
//! the whole process.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use mkimage::disk::read_at::RawSink;
use mkimage::error::{Category, Result};
use mkimage::image::xz::{Opened, XzImage, decode_all, decode_stream};
use mkimage::progress::Silent;

/// The memory that all threads together may use, as documented.
const LIMIT: u64 = 160 << 20;

/// Discards the bytes and keeps the largest number of threads seen.
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

/// Zeros, packed.
fn packed(mebibytes: u64, dictionary: &str, block: &str) -> Vec<u8> {
    let zeros = mebibytes << 20;
    let script = format!(
        "head -c {zeros} /dev/zero | xz -c -T2 --lzma2=preset=0,dict={dictionary} --block-size={block}"
    );
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

#[test]
fn threads_are_as_many_as_memory_lasts() {
    let own = status("Threads:");
    let peak = status("VmHWM:") << 10;
    // Packed next to nothing, unpacked 24 MiB, with a dictionary of 8 MiB: four blocks fit, and 160 MiB are not two of
    // the 80 MiB that one may take.
    for (size, block, expected) in [(144, "24MiB", 4), (210, "70MiB", 2), (180, "180MiB", 0)] {
        let packed = packed(size, "8MiB", block);
        let watch = Watch::default();
        decode_stream(&mut packed.as_slice(), &watch, 8, &Silent).unwrap();
        assert_eq!(watch.0.into_inner() - own, expected, "blocks of {block}");
    }
    let taken = (status("VmHWM:") << 10) - peak;
    assert!(taken < LIMIT + (16 << 20), "{} MiB were taken", taken >> 20);

    for (dictionary, most) in [("8MiB", 16), ("64MiB", 2)] {
        let packed = packed(64, dictionary, "1MiB");
        let Opened::Indexed(image) = XzImage::open(Arc::new(packed)).unwrap() else {
            panic!("no index");
        };
        let watch = Watch::default();
        decode_all(&image, &watch, 100, &Silent).unwrap();
        // The caller's thread works, too.
        let threads = watch.0.into_inner() - own + 1;
        assert!(
            (2..=most).contains(&threads),
            "{threads} threads with {dictionary}"
        );
    }

    // What one may take alone is less than what all may take, so that both ways to read a file refuse the same.
    let packed = packed(1, "96MiB", "1MiB");
    let forward = decode_stream(&mut packed.as_slice(), &Watch::default(), 8, &Silent);
    assert_eq!(forward.unwrap_err().category(), Category::Other);
    let Err(error) = XzImage::open(Arc::new(packed)) else {
        panic!("a dictionary of 96 MiB is taken");
    };
    assert_eq!(error.category(), Category::Other);
}
