//! Tests of damaged and unusual xz bases, which must give the right image or an error.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use mkimage::base::Sha256;

use crate::base::{Form, SMALL};
use crate::judge;
use crate::workplace::{Workplace, names};

/// Size of a stream's header and of its footer in bytes.
const END: usize = 12;

const FORMATS: [&str; 2] = ["img", "img.xz"];

/// Offsets of the checksum flags from a stream's start and from its end.
const FLAGS_IN_HEADER: usize = 6;
const FLAGS_IN_FOOTER: usize = 4;

/// An xz file whose structure can be rewritten with correct CRC32s.
#[derive(Clone)]
struct Packed {
    bytes: Vec<u8>,
    index_at: usize,
}

impl Packed {
    fn new(bytes: Vec<u8>) -> Self {
        let size = u32::from_le_bytes(bytes[bytes.len() - 8..][..4].try_into().unwrap());
        let index_at = bytes.len() - END - (usize::try_from(size).unwrap() + 1) * 4;
        assert_eq!(bytes[index_at], 0, "no index");
        Self { bytes, index_at }
    }

    /// Returns the compressed and the raw size of each block in the index.
    fn records(&self) -> Vec<[u64; 2]> {
        let mut at = self.index_at + 1;
        let mut next = || {
            let (mut value, mut shift) = (0, 0);
            loop {
                let byte = self.bytes[at];
                at += 1;
                value |= u64::from(byte & 0x7f) << shift;
                shift += 7;
                if byte & 0x80 == 0 {
                    return value;
                }
            }
        };
        (0..next()).map(|_| [next(), next()]).collect()
    }

    /// Returns the same blocks with different index records.
    fn with_records(&self, records: &[[u64; 2]]) -> Vec<u8> {
        let mut index = vec![0];
        let count = u64::try_from(records.len()).unwrap();
        for mut value in std::iter::once(count).chain(records.as_flattened().iter().copied()) {
            while value >= 0x80 {
                index.push(value.to_le_bytes()[0] | 0x80);
                value >>= 7;
            }
            index.push(value.to_le_bytes()[0]);
        }
        index.resize(index.len().next_multiple_of(4), 0);
        let crc = crc32fast::hash(&index);
        index.extend(crc.to_le_bytes());
        let size = u32::try_from(index.len() / 4 - 1).unwrap();
        let mut bytes = [
            &self.bytes[..self.index_at],
            &index,
            &self.bytes[self.bytes.len() - END..],
        ]
        .concat();
        let footer = bytes.len() - END;
        bytes[footer + 4..footer + 8].copy_from_slice(&size.to_le_bytes());
        fix_footer_crc(&mut bytes);
        bytes
    }

    fn changed(&self, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        change(&mut bytes);
        bytes
    }
}

/// Corrects the footer's CRC32.
fn fix_footer_crc(bytes: &mut [u8]) {
    let footer = bytes.len() - END;
    let crc = crc32fast::hash(&bytes[footer + 4..footer + 10]);
    bytes[footer..footer + 4].copy_from_slice(&crc.to_le_bytes());
}

/// Corrects the header's CRC32.
fn fix_header_crc(bytes: &mut [u8]) {
    let crc = crc32fast::hash(&bytes[FLAGS_IN_HEADER..8]);
    bytes[8..END].copy_from_slice(&crc.to_le_bytes());
}

/// Compresses bytes with `xz`.
fn xz(arguments: &[&str], bytes: &[u8]) -> Vec<u8> {
    let folder = judge::scratch();
    let path = folder.path().join("raw");
    fs::write(&path, bytes).unwrap();
    let packed = judge::succeed(judge::tool("xz").args(["-0", "-c"]).args(arguments).arg(&path));
    packed.stdout
}

/// Returns the small base with block sizes only in the index.
fn sizes_only_in_index() -> Packed {
    let raw = fs::read(SMALL.raw()).unwrap();
    Packed::new(xz(&["-T1", "--block-size=4MiB"], &raw))
}

/// Returns kinds of damage with their names.
fn damages(packed: &Packed) -> Vec<(&'static str, Vec<u8>)> {
    let (index_at, length) = (packed.index_at, packed.bytes.len());
    let first = usize::try_from(packed.records()[0][0]).unwrap();
    let flip = |at: usize| packed.changed(|bytes| bytes[at] ^= 0x40);
    let cut = |keep: usize| packed.bytes[..keep].to_vec();
    let index = |change: &dyn Fn(&mut Vec<[u64; 2]>)| {
        let mut records = packed.records();
        change(&mut records);
        packed.with_records(&records)
    };
    let records = packed.records();
    let before_last: u64 = records[..records.len() - 1]
        .iter()
        .map(|[packed, _]| packed.next_multiple_of(4))
        .sum();
    let last = END + usize::try_from(before_last).unwrap();
    vec![
        ("the stream header's flags", flip(FLAGS_IN_HEADER + 1)),
        ("the stream header's CRC32", flip(END - 2)),
        (
            "a stream header with another check",
            packed.changed(|bytes| {
                bytes[FLAGS_IN_HEADER + 1] = 1;
                fix_header_crc(bytes);
            }),
        ),
        ("the first block header's size", flip(END)),
        ("the first block header's flags", flip(END + 1)),
        ("the first block header's filters", flip(END + 4)),
        ("the last block header's size", flip(last)),
        ("the last block header's flags", flip(last + 1)),
        ("the last block header's filters", flip(last + 4)),
        ("a byte of the first block", flip(END + first / 2)),
        ("a byte of a block that is only copied", flip(index_at - 1000)),
        ("the last block's check", flip(index_at - 1)),
        ("a byte of the index", flip(index_at + 3)),
        ("a byte of the footer", flip(length - 7)),
        ("cut in a block", cut(index_at / 2)),
        ("cut between blocks and index", cut(index_at)),
        ("cut in the index", cut(index_at + 8)),
        ("cut before the footer", cut(length - END)),
        ("cut in the footer", cut(length - 4)),
        (
            "an index that gives a block's bytes to its neighbour",
            index(&|records| {
                records[0][1] -= 4096;
                records[1][1] += 4096;
            }),
        ),
        (
            "an index that moves the border of two blocks",
            index(&|records| {
                records[0][0] -= 4;
                records[1][0] += 4;
            }),
        ),
        (
            "an index without the last block",
            index(&|records| records.truncate(records.len() - 1)),
        ),
        (
            "an index with a block twice",
            index(&|records| records.push(records[0])),
        ),
        (
            "an index of a huge block",
            index(&|records| records[0][1] = 1 << 60),
        ),
        (
            "a footer with a larger index",
            packed.changed(|bytes| {
                bytes[length - 8] += 1;
                fix_footer_crc(bytes);
            }),
        ),
        (
            "a footer with an index of 16 GiB",
            packed.changed(|bytes| {
                bytes[length - 8..length - 4].fill(0xff);
                fix_footer_crc(bytes);
            }),
        ),
        (
            "a footer with another check",
            packed.changed(|bytes| {
                bytes[length - FLAGS_IN_FOOTER + 1] = 1;
                fix_footer_crc(bytes);
            }),
        ),
    ]
}

/// Returns the hashes of bases marked as decoded.
fn decoded_bases(place: &Workplace) -> Vec<String> {
    let cache = place.path("cache/mkimage");
    names(&cache.join("decoded"))
}

fn build(place: &Workplace, base: &Path, format: &str) -> crate::workplace::Run {
    place.build(base, &["--node", "pi4-2", "--format", format])
}

/// Returns the raw image in a file that may be compressed.
fn unpacked(place: &Workplace, format: &str) -> std::path::PathBuf {
    let image = place.path(&format!("out/pi4-2.{format}"));
    if format == "img" {
        return image;
    }
    judge::succeed(judge::tool("xz").arg("--test").arg(&image));
    let unpacked = place.path("unpacked.img");
    let to = File::create(&unpacked).unwrap();
    judge::succeed(judge::tool("xz").arg("-dc").arg(&image).stdout(to));
    fs::remove_file(image).unwrap();
    unpacked
}

/// Writes the base's bytes and keeps the modification time.
fn put(base: &Path, bytes: &[u8]) {
    let modified = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_790_000_000);
    let mut file = File::create(base).unwrap();
    file.write_all(bytes).unwrap();
    file.set_modified(modified).unwrap();
}

#[test]
fn a_damaged_base_leaves_nothing_behind_and_does_not_affect_later_builds() {
    for (what, packed) in [
        (
            "compressed on all cores",
            Packed::new(fs::read(SMALL.image(Form::MANY_BLOCKS)).unwrap()),
        ),
        ("told by the index", sizes_only_in_index()),
    ] {
        let place = Workplace::new();
        build(&place, &SMALL.raw(), "img").exits(0);
        let truth = place.path("truth.img");
        fs::rename(place.path("out/pi4-2.img"), &truth).unwrap();
        fs::remove_dir_all(place.path("cache")).unwrap();
        let base = place.path("base.img.xz");
        let refuse_all = |known: usize| {
            for (damage, bytes) in damages(&packed) {
                put(&base, &bytes);
                for format in FORMATS {
                    let run = build(&place, &base, format);
                    assert_eq!(run.code, Some(5), "{what}, {damage}, {format}: {run:?}");
                    assert_eq!(place.out_names(), [""; 0], "{what}, {damage}, {format}");
                    assert_eq!(decoded_bases(&place).len(), known, "{what}, {damage}, {format}");
                }
            }
        };
        refuse_all(0);
        for format in FORMATS {
            put(&base, &packed.bytes);
            build(&place, &base, format).exits(0);
            let image = unpacked(&place, format);
            judge::assert_same(&truth, &image);
            fs::remove_file(image).unwrap();
            assert_eq!(decoded_bases(&place).len(), 1);
        }
        // The same name and modification time as a good base must not matter.
        refuse_all(1);
    }
}

#[test]
fn a_wrong_index_is_refused_even_if_the_hash_is_correct() {
    for packed in [
        Packed::new(fs::read(SMALL.image(Form::MANY_BLOCKS)).unwrap()),
        sizes_only_in_index(),
    ] {
        let mut records = packed.records();
        let last = records.len() - 1;
        records[last - 1][1] += 4096;
        records[last][1] -= 4096;
        let lying = packed.with_records(&records);
        let place = Workplace::new();
        let base = place.path("base.img.xz");
        put(&base, &lying);
        let hash = Sha256::of(&lying).to_string();
        for format in FORMATS {
            place
                .build(&base, &["--node", "pi4-2", "--format", format, "--sha256", &hash])
                .exits(5);
            assert_eq!(place.out_names(), [""; 0], "{format}");
        }
    }
}

#[test]
fn unknown_features_of_xz_are_reported() {
    let packed = Packed::new(fs::read(SMALL.image(Form::MANY_BLOCKS)).unwrap());
    let length = packed.bytes.len();
    let unknown_filter = packed.changed(|bytes| {
        let end = END + usize::from(bytes[END]) * 4;
        let filter = bytes[END..end].windows(2).position(|id| id == [0x21, 1]).unwrap();
        bytes[END + filter] = 0x22;
        let crc = crc32fast::hash(&bytes[END..end]);
        bytes[end..end + 4].copy_from_slice(&crc.to_le_bytes());
    });
    let unknown_check = packed.changed(|bytes| {
        bytes[FLAGS_IN_HEADER + 1] = 0xb;
        bytes[length - FLAGS_IN_FOOTER + 1] = 0xb;
        fix_header_crc(bytes);
        fix_footer_crc(bytes);
    });
    let place = Workplace::new();
    let base = place.path("base.img.xz");
    for (bytes, words) in [
        (
            unknown_filter,
            "a filter that is not in version 1.2.1 of the xz format",
        ),
        (unknown_check, "00 0b name a check"),
    ] {
        fs::write(&base, bytes).unwrap();
        for format in FORMATS {
            build(&place, &base, format)
                .exits(5)
                .says(&["base.img.xz", words, "→", "again"]);
            assert_eq!(place.out_names(), [""; 0], "{words}");
        }
    }
}

#[test]
fn several_streams_with_padding_give_the_same_image_in_both_formats() {
    let place = Workplace::new();
    build(&place, &SMALL.raw(), "img").exits(0);
    let truth = place.path("truth.img");
    fs::rename(place.path("out/pi4-2.img"), &truth).unwrap();
    let raw = fs::read(SMALL.raw()).unwrap();
    let middle = raw.len() / 3;
    let streams = [
        xz(&["-T1"], &raw[..middle]),
        xz(&["-T2", "--block-size=4MiB"], &raw[middle..]),
    ];
    let base = place.path("base.img.xz");
    for padding in [[0, 0], [8, 0], [0, 4], [4, 512]] {
        let bytes = streams
            .iter()
            .zip(padding)
            .fold(Vec::new(), |mut bytes, (stream, zeros)| {
                bytes.extend(stream);
                bytes.resize(bytes.len() + zeros, 0);
                bytes
            });
        for format in FORMATS {
            fs::write(&base, &bytes).unwrap();
            build(&place, &base, format).exits(0);
            let image = unpacked(&place, format);
            judge::assert_same(&truth, &image);
            fs::remove_file(image).unwrap();
            // Damage in the second stream.
            let damaged = bytes.len() - padding[1] - streams[1].len() / 2;
            fs::write(
                &base,
                [&bytes[..damaged], &[bytes[damaged] ^ 1], &bytes[damaged + 1..]].concat(),
            )
            .unwrap();
            build(&place, &base, format).exits(5).says(&["damaged"]);
            assert_eq!(place.out_names(), [""; 0], "{padding:?}");
        }
    }
}

/// Returns the checksum type of a file according to `xz`.
fn check(image: &Path) -> String {
    let said = judge::succeed(judge::tool("xz").args(["--robot", "--list"]).arg(image));
    let said = String::from_utf8(said.stdout).unwrap();
    let file = said.lines().find(|line| line.starts_with("file\t")).unwrap();
    // xz(1), "List mode": streams, blocks, two sizes, the ratio, and then the checksum type.
    file.split('\t').nth(6).unwrap().to_owned()
}

#[test]
fn an_image_has_the_checksum_type_of_its_base() {
    let place = Workplace::new();
    let raw = fs::read(SMALL.raw()).unwrap();
    let base = place.path("base.img.xz");
    for (option, name) in [
        ("crc32", "CRC32"),
        ("crc64", "CRC64"),
        ("sha256", "SHA-256"),
        ("none", "None"),
    ] {
        let option = format!("--check={option}");
        let one = xz(&["-T1", &option], &raw);
        let many = xz(&["-T2", "--block-size=4MiB", &option], &raw);
        // Padding after the stream hides the index, so everything is compressed again.
        let padded = [&many[..], &[0; 4]].concat();
        for bytes in [one, many, padded] {
            fs::write(&base, bytes).unwrap();
            assert_eq!(check(&base), name);
            build(&place, &base, "img.xz").exits(0);
            assert_eq!(check(&place.path("out/pi4-2.img.xz")), name);
        }
    }
    for form in [Form::RAW, Form::ZIP, Form::GZIP] {
        build(&place, &SMALL.image(form), "img.xz").exits(0);
        assert_eq!(check(&place.path("out/pi4-2.img.xz")), "CRC64", "{form:?}");
    }
}
