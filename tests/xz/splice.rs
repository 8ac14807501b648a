//! Tests of splicing any base with any edits, verified with the real `xz`.

use std::fs::File;
use std::sync::Arc;

use crate::files::{Base, Memory, decoded_as_stream, decoded_by_xz, indexed, raw_image, xz};
use mkimage::image::edits::{Edits, PAGE_SIZE};
use mkimage::image::xz::{SpliceReport, Splicer, decode_all, room_for};
use mkimage::progress::Silent;
use proptest::prelude::*;

/// Generates random pages at random positions, which are often adjacent.
fn edits(raw_size: usize) -> impl Strategy<Value = Edits> {
    let pages = raw_size.div_ceil(PAGE_SIZE) as u64;
    let change = (0..pages, any::<u8>(), any::<bool>());
    proptest::collection::vec(change, 0..12).prop_map(|changes| {
        let mut edits = Edits::new();
        for (number, byte, noisy) in changes {
            let mut page = [byte; PAGE_SIZE];
            if noisy {
                page.copy_from_slice(&raw_image(PAGE_SIZE, number ^ u64::from(byte)));
            }
            edits.insert(number, Arc::new(page));
        }
        edits
    })
}

#[derive(Debug, Clone)]
struct Case {
    size: usize,
    seed: u64,
    check: &'static str,
    /// Options of `xz` for blocks.
    blocks: String,
    edits: Vec<Edits>,
}

fn check() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&["none", "crc32", "crc64", "sha256"][..])
}

fn case() -> impl Strategy<Value = Case> {
    let blocks = prop_oneof![
        // Equal blocks, with sizes in the headers (two threads) and without (one thread).
        (65_536_u32..2_000_000, 1..=2)
            .prop_map(|(size, threads)| format!("-1 --block-size={size} -T{threads}")),
        // Blocks of different sizes, one of them a single byte.
        proptest::collection::vec(60_000_u32..400_000, 1..6).prop_map(|sizes| {
            let list: Vec<String> = sizes.iter().map(ToString::to_string).collect();
            format!("-1 --block-list=1,{},0", list.join(","))
        }),
        // A single block.
        Just("-1 -T1".to_owned()),
    ];
    cases(4..3_000_000, blocks.boxed(), 4)
}

/// Generates blocks as large as in published images, some with additional filters.
fn large_case() -> impl Strategy<Value = Case> {
    let filters = prop::sample::select(
        &[
            "-1",
            "--lzma2=preset=0,dict=8MiB",
            "--x86 --lzma2=preset=1",
            "--arm --lzma2=preset=1",
            "--delta=dist=4 --lzma2=preset=1",
        ][..],
    );
    let blocks =
        (filters, 1..=2).prop_map(|(filters, threads)| format!("--block-size=24MiB -T{threads} {filters}"));
    cases(24 << 20..36 << 20, blocks.boxed(), 2)
}

fn cases(
    size: std::ops::Range<usize>,
    blocks: BoxedStrategy<String>,
    images: usize,
) -> impl Strategy<Value = Case> {
    (size, any::<u64>(), check(), blocks).prop_flat_map(move |(size, seed, check, blocks)| {
        proptest::collection::vec(edits(size), 1..images).prop_map(move |edits| Case {
            size,
            seed,
            check,
            blocks: blocks.clone(),
            edits,
        })
    })
}

fn compress(case: &Case, raw: &[u8]) -> Vec<u8> {
    let check = format!("--check={}", case.check);
    let mut arguments = vec!["-c", &check];
    arguments.extend(case.blocks.split(' '));
    xz(&arguments, raw)
}

fn splice_to(
    splicer: &Splicer,
    base: &Base,
    edits: &Edits,
    name: &str,
) -> (std::path::PathBuf, SpliceReport) {
    let path = base.folder.path().join(name);
    let out = File::create_new(&path).unwrap();
    let report = splicer.splice(&base.file(), edits, &out, &Silent).unwrap();
    assert_eq!(report.size, out.metadata().unwrap().len());
    (path, report)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_splice_is_the_base_with_the_edits(case in case()) {
        check_splices(&case)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3, max_shrink_iters: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_splice_of_large_blocks_is_the_base_with_the_edits(case in large_case()) {
        check_splices(&case)?;
    }
}

fn check_splices(case: &Case) -> Result<(), TestCaseError> {
    let raw = raw_image(case.size, case.seed);
    let base = Base::new(compress(case, &raw));
    let splicer = Splicer::new(base.reader(), base.folder.path(), 2).unwrap();
    for (number, edits) in case.edits.iter().enumerate() {
        let mut expected = raw.clone();
        edits.apply_to(&mut expected, 0);

        let (path, report) = splice_to(&splicer, &base, edits, &format!("{number}.img.xz"));
        prop_assert!(room_for(&base.image(), std::iter::once(edits)).unwrap() >= report.size);
        let packed = std::fs::read(&path).unwrap();
        prop_assert!(decoded_by_xz(&path) == expected, "xz must decode the same image");
        prop_assert!(decoded_as_stream(&packed, case.size, 2).unwrap() == expected);
        let image = indexed(packed);
        prop_assert_eq!(image.check, base.image().check);
        prop_assert_eq!(image.raw_size, case.size as u64);
        let sink = Memory::new(case.size);
        decode_all(&image, &sink, 2, &Silent).unwrap();
        prop_assert!(sink.complete() == expected);

        if edits.iter().next().is_none() {
            prop_assert!(
                std::fs::read(&path).unwrap() == base.packed,
                "without edits, the file must not change"
            );
        }
        let (again, second) = splice_to(&splicer, &base, edits, &format!("{number}-again.img.xz"));
        prop_assert_eq!(
            second,
            SpliceReport {
                compressed: 0,
                ..report
            }
        );
        prop_assert!(std::fs::read(again).unwrap() == std::fs::read(&path).unwrap());
    }
    Ok(())
}

/// Returns incompressible bytes.
fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let words = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    });
    words.flat_map(u64::to_le_bytes).take(size).collect()
}

#[test]
fn data_before_the_first_change_of_a_block_is_not_compressed_again() {
    let size = 12 << 20;
    let raw = raw_image(size, 7);
    let mut edits = Edits::new();
    edits.insert((size / PAGE_SIZE - 3) as u64, Arc::new([7; PAGE_SIZE]));
    let mut expected = raw.clone();
    edits.apply_to(&mut expected, 0);
    for check in ["--check=none", "--check=crc32", "--check=crc64", "--check=sha256"] {
        // With other filters, the LZMA2 data is not that of the image, so everything is compressed again.
        for (filters, all) in [
            (&["--lzma2=preset=1"][..], false),
            (&["--x86", "--lzma2=preset=1"], true),
        ] {
            let base = Base::new(xz(&[&["-T1", "-c", check][..], filters].concat(), &raw));
            let splicer = Splicer::new(base.reader(), base.folder.path(), 2).unwrap();
            let (path, report) = splice_to(&splicer, &base, &edits, "node.img.xz");
            assert!(decoded_by_xz(&path) == expected, "{check} {filters:?}");
            let packed = std::fs::read(&path).unwrap();
            assert!(decoded_as_stream(&packed, size, 2).unwrap() == expected);
            assert_eq!(report.rewritten, size as u64);
            assert_eq!(
                report.compressed == size as u64,
                all,
                "{check} {filters:?}: {report:?}"
            );
            assert!(all || report.compressed <= 3 << 20, "{check}: {report:?}");
        }
    }
}

#[test]
fn incompressible_data_is_stored_and_copied_blocks_can_be_shared() {
    let raw = noise(3 << 20);
    for check in ["--check=none", "--check=crc32", "--check=crc64", "--check=sha256"] {
        let base = Base::new(xz(&["-1", "-c", "--block-size=1500000", check], &raw));
        let splicer = Splicer::new(base.reader(), base.folder.path(), 2).unwrap();
        let mut edits = Edits::new();
        edits.insert(5, Arc::new([7; PAGE_SIZE]));
        edits.insert(300, Arc::new([8; PAGE_SIZE]));
        let mut expected = raw.clone();
        edits.apply_to(&mut expected, 0);
        let (path, report) = splice_to(&splicer, &base, &edits, "node.img.xz");
        assert!(decoded_by_xz(&path) == expected, "{check}");
        // Headers, three bytes every 64 KiB, and at most a page to move what follows.
        let most = base.packed.len() as u64 + 3000 + 4096;
        assert!(
            report.size < most,
            "{check}: {} of at most {most} bytes",
            report.size
        );

        // File systems can share pages with the same alignment.
        let (old, new) = (base.image(), indexed(std::fs::read(&path).unwrap()));
        for (old, new) in old.blocks[1..].iter().zip(&new.blocks[new.blocks.len() - 2..]) {
            assert_eq!(old.raw_offset, new.raw_offset);
            assert_eq!(old.offset % 4096, new.offset % 4096, "{check}");
        }
    }
}
