//! Tests of the xz container: every output of `xz` can be read, at any position, and damage is detected.

use std::sync::{Arc, LazyLock};

use crate::files::{Base, Memory, decoded_as_stream, decoded_by_xz, indexed, raw_image, xz};
use mkimage::disk::read_at::ReadAt;
use mkimage::error::{Category, Error, Result};
use mkimage::image::edits::{Edits, PAGE_SIZE};
use mkimage::image::xz::{BlockReader, Check, Opened, Splicer, XzImage, decode_all, encode};
use mkimage::progress::Silent;
use proptest::prelude::*;
use test_support::xz::integer;

const CHECKS: [&str; 4] = ["--check=none", "--check=crc32", "--check=crc64", "--check=sha256"];

/// Decodes using the index if there is one, otherwise as a stream.
fn decode(packed: &[u8], raw_size: usize) -> Result<Vec<u8>> {
    match XzImage::open(Arc::new(packed.to_vec()))? {
        Opened::Indexed(image) => {
            assert_eq!(image.raw_size, raw_size as u64, "a wrong index was accepted");
            let sink = Memory::new(raw_size);
            decode_all(&image, &sink, 2, &Silent)?;
            Ok(sink.complete())
        }
        Opened::Stream(_) => decoded_as_stream(packed, raw_size, 2),
    }
}

fn stream_reason(packed: &[u8]) -> String {
    match XzImage::open(Arc::new(packed.to_vec())).unwrap() {
        Opened::Stream(why) => why,
        Opened::Indexed(_) => panic!("an index was not expected"),
    }
}

fn open_error(packed: Vec<u8>) -> Error {
    match XzImage::open(Arc::new(packed)) {
        Err(error) => error,
        Ok(_) => panic!("an error was expected"),
    }
}

/// Returns a file of three blocks, its raw image, and the offset of its index.
fn three_blocks(check: &str) -> (Vec<u8>, Vec<u8>, usize) {
    let raw = raw_image(300_000, 7);
    let packed = xz(&["-1", "-c", "-T2", "--block-size=110000", check], &raw);
    let image = indexed(packed.clone());
    let last = image.blocks.last().unwrap();
    assert_eq!(image.blocks.len(), 3);
    let index_at = usize::try_from(last.offset + last.padded_size()).unwrap();
    (packed, raw, index_at)
}

#[test]
fn every_kind_of_xz_file_can_be_read_in_full_and_in_parts() {
    let raw = raw_image(1_200_000, 3);
    for arguments in [
        "-1 -T1",
        "-1 -T2 --block-size=100000",
        "-1 -T1 --block-size=65536",
        "-1 --block-list=1,2,3,500000,0",
        // Dictionaries of 64 MiB: only one decoder may stay active.
        "-9 -T1 --block-size=200000",
        "-1 --x86 --lzma2=preset=1 --block-size=300000",
        "-1 --delta=dist=4 --lzma2=preset=1 --block-size=300000",
        "-0 -T2 --block-size=300000 --check=sha256",
    ] {
        let mut arguments: Vec<&str> = arguments.split(' ').collect();
        arguments.push("-c");
        let packed = xz(&arguments, &raw);
        assert!(decode(&packed, raw.len()).unwrap() == raw, "{arguments:?}");
        assert!(
            decoded_as_stream(&packed, raw.len(), 3).unwrap() == raw,
            "{arguments:?}"
        );

        let reader = Base::new(packed).reader();
        // In both directions, across block boundaries and up to the end.
        for at in [1_100_000, 0, 600_000, 199_990, 99_999, 400_000, 1_199_000, 3] {
            let mut piece = vec![0; 1000];
            reader.read_exact_at(&mut piece, at as u64).unwrap();
            assert!(piece == raw[at..at + 1000], "{arguments:?} at {at}");
        }
        let mut all = vec![0; raw.len()];
        reader.read_exact_at(&mut all, 0).unwrap();
        assert!(all == raw, "{arguments:?}");
        assert_eq!(reader.read_at(&mut [0; 10], raw.len() as u64).unwrap(), 0);
    }
}

#[test]
fn an_empty_image_can_be_read() {
    let packed = xz(&["-c"], &[]);
    assert_eq!(decode(&packed, 0).unwrap(), Vec::<u8>::new());
    assert_eq!(decoded_as_stream(&packed, 0, 2).unwrap(), Vec::<u8>::new());
}

#[test]
fn several_streams_and_padding_are_read_as_streams() {
    let raw = raw_image(400_000, 5);
    let (first, second) = raw.split_at(150_000);
    let one = xz(&["-1", "-c", "--check=sha256"], first);
    let two = xz(&["-1", "-c", "-T2", "--block-size=100000"], second);
    let several = [one.clone(), two.clone()].concat();
    assert_eq!(stream_reason(&several), "it has several streams");
    assert!(decode(&several, raw.len()).unwrap() == raw);

    let padded = [one.clone(), vec![0; 8], two.clone(), vec![0; 4]].concat();
    assert_eq!(stream_reason(&padded), "it has padding after its stream");
    assert!(decode(&padded, raw.len()).unwrap() == raw);

    for zeros in [1, 2, 3, 5] {
        let misaligned = [one.clone(), vec![0; zeros], two.clone()].concat();
        let error = decode(&misaligned, raw.len()).unwrap_err();
        assert_eq!(error.category(), Category::Verification, "{error}");
    }
}

#[test]
fn every_flipped_bit_of_the_structure_is_detected() {
    for check in CHECKS {
        let (packed, raw, index_at) = three_blocks(check);
        let mut places: Vec<usize> = (0..12).chain(index_at..packed.len()).collect();
        for block in indexed(packed.clone()).blocks {
            let at = usize::try_from(block.offset).unwrap();
            places.extend(at..at + (usize::from(packed[at]) + 1) * 4);
        }
        for (place, bit) in places
            .into_iter()
            .flat_map(|place| (0..8).map(move |bit| (place, bit)))
        {
            let mut packed = packed.clone();
            packed[place] ^= 1 << bit;
            let error = decode(&packed, raw.len()).unwrap_err();
            assert_eq!(
                error.category(),
                Category::Verification,
                "byte {place} bit {bit}: {error}"
            );
        }
    }
}

#[test]
fn damaged_data_is_detected() {
    for check in &CHECKS[1..] {
        let (packed, raw, index_at) = three_blocks(check);
        for place in (12..index_at).step_by(97) {
            let mut packed = packed.clone();
            packed[place] ^= 0x10;
            let error = decode(&packed, raw.len()).unwrap_err();
            assert_eq!(error.category(), Category::Verification, "byte {place}: {error}");
            let error = decoded_as_stream(&packed, raw.len(), 2).unwrap_err();
            assert_eq!(error.category(), Category::Verification, "byte {place}: {error}");
        }
    }
}

#[test]
fn a_truncated_file_is_detected() {
    let (packed, raw, index_at) = three_blocks("--check=crc64");
    let lengths = (0..200)
        .chain((200..index_at).step_by(1009))
        .chain(index_at..packed.len());
    for length in lengths {
        let cut = &packed[..length];
        let error = decode(cut, raw.len()).unwrap_err();
        assert_eq!(
            error.category(),
            Category::Verification,
            "{length} bytes: {error}"
        );
        let error = decoded_as_stream(cut, raw.len(), 2).unwrap_err();
        assert_eq!(
            error.category(),
            Category::Verification,
            "{length} bytes: {error}"
        );
    }
    // The start of the file is missing.
    for length in [4, 12, 16, index_at] {
        assert_eq!(
            open_error(packed[length..].to_vec()).category(),
            Category::Verification
        );
    }
}

#[test]
fn data_after_the_image_is_an_error() {
    let (packed, raw, _) = three_blocks("--check=crc64");
    for tail in [&b"abcd"[..], &[0, 0, 0, 1], &[0; 5], &[0xfd], &packed[..500]] {
        let long = [&packed[..], tail].concat();
        assert_eq!(
            decode(&long, raw.len()).unwrap_err().category(),
            Category::Verification
        );
    }
}

/// Files with CRC32 and without checksums, created once.
static WITH_CRC: LazyLock<(Vec<u8>, Vec<u8>, usize)> = LazyLock::new(|| three_blocks("--check=crc32"));
static WITHOUT: LazyLock<(Vec<u8>, Vec<u8>, usize)> = LazyLock::new(|| three_blocks("--check=none"));

/// Writes the CRC32 of `from..to` of `bytes` after it.
fn write_crc(bytes: &mut [u8], from: usize, to: usize) {
    let crc = crc32fast::hash(&bytes[from..to]);
    bytes[to..to + 4].copy_from_slice(&crc.to_le_bytes());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// The CRCs of the structure are correct, so the contents must be checked.
    #[test]
    fn a_wrong_index_or_header_is_refused(place in 0_usize..40, value: u8, in_header: bool) {
        let (packed, raw, index_at) = &*WITH_CRC;
        let (mut packed, index_at) = (packed.clone(), *index_at);
        let end = packed.len();
        if in_header {
            let size = (usize::from(packed[12]) + 1) * 4;
            packed[12 + place % (size - 4)] = value;
            write_crc(&mut packed, 12, 12 + size - 4);
        } else {
            let size = end - 12 - index_at;
            packed[index_at + place % (size - 4)] = value;
            write_crc(&mut packed, index_at, index_at + size - 4);
        }
        match decode(&packed, raw.len()) {
            // The byte was unchanged, or it is an optional part of a header.
            Ok(bytes) => prop_assert!(bytes == *raw),
            // A different dictionary size is valid, but may be too large.
            Err(error) if error.category() == Category::Other => prop_assert!(error.remedy().is_some()),
            Err(error) => prop_assert_eq!(error.category(), Category::Verification, "{}", error),
        }
    }

    #[test]
    fn garbage_causes_no_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        cut in any::<prop::sample::Index>(),
    ) {
        let (packed, raw, _) = &*WITHOUT;
        let mut packed = packed.clone();
        packed.truncate(cut.index(packed.len()) + 1);
        for (place, value) in changes {
            let place = place.index(packed.len());
            packed[place] = value;
        }
        // Without checksums, damage may go undetected.
        let _ = decode(&packed, raw.len());
    }
}

#[test]
fn a_block_with_data_after_its_end_mark_is_refused() {
    for (check, flag) in [("--check=crc32", 1), ("--check=crc64", 4)] {
        let raw = raw_image(50_000, 13);
        // With one thread, xz writes no sizes in the block header.
        let whole = xz(&["-1", "-c", "-T1", check], &raw);
        for garbage in [0, 4, 4096, 300_000] {
            let mut packed = [&whole[..], &vec![0xa5; garbage]].concat();
            let index_at = packed.len();
            let block = index_at - 12;
            let sizes = [block, raw.len()].map(|size| integer(size.try_into().unwrap()));
            packed.extend([&[0, 1][..], &sizes.concat()].concat());
            packed.resize(packed.len().next_multiple_of(4), 0);
            let sum = crc32fast::hash(&packed[index_at..]);
            packed.extend(sum.to_le_bytes());
            let size = u32::try_from((packed.len() - index_at) / 4 - 1).unwrap();
            let footer = [&size.to_le_bytes()[..], &[0, flag]].concat();
            packed.extend(crc32fast::hash(&footer).to_le_bytes());
            packed.extend(footer);
            packed.extend(b"YZ");
            assert_eq!(indexed(packed.clone()).blocks.len(), 1);

            let error = decode(&packed, raw.len()).unwrap_err();
            assert_eq!(error.category(), Category::Verification, "{garbage}: {error}");
            let base = Base::new(packed);
            let mut all = vec![0; raw.len()];
            base.reader().read_exact_at(&mut all, 0).unwrap_err();
            let xz_test = std::process::Command::new("xz")
                .arg("-t")
                .arg(&base.path)
                .output();
            assert!(!xz_test.unwrap().status.success(), "xz must refuse the file");
        }
    }
}

#[test]
fn an_unknown_filter_is_reported() {
    let (mut packed, raw, _) = three_blocks("--check=crc64");
    let size = (usize::from(packed[12]) + 1) * 4;
    let filter = packed[12..12 + size]
        .windows(2)
        .position(|id| id == [0x21, 1])
        .unwrap();
    packed[12 + filter] = 0x22;
    write_crc(&mut packed, 12, 12 + size - 4);
    assert_eq!(
        stream_reason(&packed),
        "it uses a filter that is not in version 1.2.1 of the xz format"
    );
    assert_eq!(
        decode(&packed, raw.len()).unwrap_err().category(),
        Category::Verification
    );
}

#[test]
fn a_dictionary_that_is_too_large_is_refused() {
    let raw = raw_image(100_000, 1);
    assert!(decode(&xz(&["-9e", "-c"], &raw), raw.len()).unwrap() == raw);
    let packed = xz(&["-c", "--lzma2=preset=1,dict=512MiB"], &raw);
    let error = open_error(packed.clone());
    assert_eq!(error.category(), Category::Other);
    assert!(
        error.remedy().is_some() && error.to_string().contains("512.0 MiB"),
        "{error}"
    );
    let error = decoded_as_stream(&packed, raw.len(), 2).unwrap_err();
    assert_eq!(error.category(), Category::Other);
    assert!(error.remedy().is_some(), "{error}");
}

#[test]
fn other_files_are_refused() {
    for bytes in [
        &b"PK\x03\x04 a zip file, perhaps, of some length"[..],
        &[0; 64],
        &[],
    ] {
        assert_eq!(open_error(bytes.to_vec()).category(), Category::Verification);
        let error = decoded_as_stream(bytes, 0, 1).unwrap_err();
        assert_eq!(error.category(), Category::Verification);
    }
}

#[test]
fn a_damaged_block_is_an_error_for_reads_and_splices() {
    let (mut packed, _, _) = three_blocks("--check=crc64");
    let second = indexed(packed.clone()).blocks[1];
    let middle = usize::try_from(second.offset + second.padded_size() / 2).unwrap();
    packed[middle] ^= 4;
    let base = Base::new(packed);
    let mut edits = Edits::new();
    edits.insert(second.raw_offset / PAGE_SIZE as u64 + 1, Arc::new([9; PAGE_SIZE]));
    let splicer = Splicer::new(base.reader(), base.folder.path(), 2).unwrap();
    let out = tempfile::tempfile().unwrap();
    let error = splicer.splice(&base.file(), &edits, &out, &Silent).unwrap_err();
    assert_eq!(error.category(), Category::Verification, "{error}");

    let mut all = vec![0; 300_000];
    let error = base.reader().read_exact_at(&mut all, 0).unwrap_err();
    let error = error.get_ref().unwrap().downcast_ref::<Error>().unwrap();
    assert_eq!(error.category(), Category::Verification);
}

#[test]
fn an_edit_beyond_the_end_is_refused() {
    let (packed, raw, _) = three_blocks("--check=crc64");
    let base = Base::new(packed);
    let mut edits = Edits::new();
    edits.insert(
        (raw.len() as u64).div_ceil(PAGE_SIZE as u64),
        Arc::new([9; PAGE_SIZE]),
    );
    let splicer = Splicer::new(base.reader(), base.folder.path(), 2).unwrap();
    let out = tempfile::tempfile().unwrap();
    assert!(splicer.splice(&base.file(), &edits, &out, &Silent).is_err());
    assert_eq!(out.metadata().unwrap().len(), 0);
}

#[test]
fn a_newly_compressed_base_can_be_spliced() {
    let raw = raw_image(10_000_000, 11);
    let mut edits = Edits::new();
    edits.insert(0, Arc::new([1; PAGE_SIZE]));
    // The last page extends past the end of the image.
    edits.insert(raw.len() as u64 / PAGE_SIZE as u64, Arc::new([2; PAGE_SIZE]));
    let mut expected = raw.clone();
    edits.apply_to(&mut expected, 0);
    for (check, threads) in [(Check::Crc64, 2), (Check::Sha256, 1), (Check::None, 100)] {
        let mut packed = Vec::new();
        let size = encode(&raw, check, &mut packed, threads, &Silent).unwrap();
        assert_eq!(size, packed.len() as u64);
        let base = Base::new(packed);
        assert!(decoded_by_xz(&base.path) == raw);
        let splicer = Splicer::new(base.reader(), base.folder.path(), 2).unwrap();
        let path = base.folder.path().join("node.img.xz");
        let out = std::fs::File::create(&path).unwrap();
        splicer.splice(&base.file(), &edits, &out, &Silent).unwrap();
        assert!(decoded_by_xz(&path) == expected);
        let image = base.image();
        assert_eq!(image.check, check);
        assert!(image.blocks.len() > 2);
    }
}

#[test]
fn readers_of_the_same_blocks_do_not_disturb_each_other() {
    let raw = raw_image(2_000_000, 23);
    let packed = xz(&["-9", "-c", "-T1", "--block-size=500000"], &raw);
    let base = Base::new(packed);
    let reader = BlockReader::new(base.image(), base.folder.path()).unwrap();
    std::thread::scope(|scope| {
        for start in [0, 250_000, 500_000, 1_500_000] {
            let (reader, raw) = (&reader, &raw);
            scope.spawn(move || {
                for at in (start..start + 500_000).step_by(50_000) {
                    let mut piece = vec![0; 50_000];
                    reader.read_exact_at(&mut piece, at as u64).unwrap();
                    assert!(piece == raw[at..at + 50_000]);
                }
            });
        }
    });
}
