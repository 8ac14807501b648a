//! Micro-benchmarks of code whose regressions would not show next to disk time: parsing an index, editing a FAT and
//! creating new blocks.
//!
//!     cargo bench --bench micro
//!
//! `benches/run` measures whole builds. Needs `xz` and `mkfs.vfat`.
#![allow(missing_docs, reason = "criterion's macros create public functions")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "an error must stop the benchmark"
)]

use std::hint::black_box;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mkimage::image::edits::{Edits, PAGE_SIZE};
use mkimage::image::fat::{self, FatVolume, Timestamp};
use mkimage::image::xz::{BlockReader, Opened, Splicer, XzImage};
use mkimage::progress::Silent;

const MIB: usize = 1 << 20;

fn xz(arguments: &[&str], raw: Vec<u8>) -> Vec<u8> {
    let mut child = Command::new("xz")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this benchmark needs xz");
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(&raw).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    output.stdout
}

fn open(packed: &Arc<Vec<u8>>) -> XzImage {
    let file: Arc<dyn mkimage::disk::read_at::ReadAt> = Arc::<Vec<u8>>::clone(packed);
    match XzImage::open(file).unwrap() {
        Opened::Indexed(image) => image,
        Opened::Stream(why) => panic!("{why}"),
    }
}

/// An index of 16384 blocks, as in the largest SD card image with blocks of 2 MiB.
fn index(criterion: &mut Criterion) {
    let packed = Arc::new(xz(&["-0", "-c", "-T1", "--block-size=4096"], vec![0; 64 * MIB]));
    criterion.bench_function("parse an index of 16384 blocks", |bencher| {
        bencher.iter(|| black_box(open(&packed)).blocks.len());
    });
}

/// Writes as many files as a node's overlay has to a boot partition of the current size.
fn fat_edit(criterion: &mut Criterion) {
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().set_len(512 * MIB as u64).unwrap();
    let status = Command::new("mkfs.vfat")
        .args(["-F", "32", "-s", "1"])
        .arg(file.path())
        .stdout(Stdio::null())
        .status();
    assert!(status.expect("this benchmark needs mkfs.vfat").success());
    let image = std::fs::read(file.path()).unwrap();
    let range = 0..image.len() as u64;
    criterion.bench_function("write 60 files to a FAT of 512 MiB", |bencher| {
        bencher.iter(|| {
            let mut volume = FatVolume::open(&image, range.clone(), Edits::new(), Timestamp(0)).unwrap();
            for number in 0..60 {
                let path = format!("mkimage/lib/stages/a file with a long name {number}");
                assert_eq!(volume.write(&path, &[7; 3000]).unwrap(), fat::Written::Whole);
            }
            volume.finish().unwrap()
        });
    });
    criterion.bench_function("check a FAT of 512 MiB", |bencher| {
        bencher.iter(|| fat::check(&image, &range, Edits::new()).unwrap());
    });
}

/// Changes one page in a block of 24 MiB. Near the beginning, all the data after it is compressed again; near the end,
/// almost nothing.
fn new_blocks(criterion: &mut Criterion) {
    let words =
        (0_u64..).flat_map(|n| [n, n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40].map(u64::to_le_bytes));
    let raw: Vec<u8> = words.flatten().take(24 * MIB).collect();
    let packed = Arc::new(xz(&["-1", "-c", "-T1"], raw));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("base.img.xz");
    std::fs::write(&path, packed.as_slice()).unwrap();
    let mut group = criterion.benchmark_group("splice a block of 24 MiB");
    group
        .sample_size(10)
        .throughput(Throughput::Bytes(24 * MIB as u64));
    for (name, page) in [
        ("changed near its beginning", 1),
        ("changed near its end", 24 * MIB / PAGE_SIZE - 1),
    ] {
        let mut edits = Edits::new();
        edits.insert(page as u64, Arc::new([7; PAGE_SIZE]));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let reader = Arc::new(BlockReader::new(open(&packed), folder.path()).unwrap());
                let splicer = Splicer::new(reader, folder.path(), 2).unwrap();
                let base = std::fs::File::open(&path).unwrap();
                let out = tempfile::tempfile_in(folder.path()).unwrap();
                splicer.splice(&base, &edits, &out, &Silent).unwrap()
            });
        });
    }
    group.finish();
}

criterion_group!(micro, index, fat_edit, new_blocks);
criterion_main!(micro);
