//! The xz container, compared with the xz library.

use std::sync::Arc;

use xz2::stream::{Action, CONCATENATED, Status, Stream, TELL_UNSUPPORTED_CHECK};

use super::Input;
use super::containers::{Collected, LIMIT, TOO_MUCH, file};
use crate::disk::read_at::ReadAt as _;
use crate::error::{Category, Result};
use crate::image::edits::{Edits, PAGE_SIZE};
use crate::image::xz::{BlockReader, Opened, Splicer, XzImage, decode_all, decode_stream, room_for};
use crate::progress::Silent;

/// Size of a stream header and of a stream footer in bytes (xz file format 1.2.1, sections 2.1.1 and 2.1.2).
const END: usize = 12;

/// The memory limit of the library, larger than that of the program.
const MEMORY: u64 = 200 << 20;

/// Decodes a file with the xz library. Returns `None` if it refuses the file or finds more than [`LIMIT`] bytes.
fn by_library(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut decoder = Stream::new_stream_decoder(MEMORY, CONCATENATED | TELL_UNSUPPORTED_CHECK).unwrap();
    let mut raw = vec![0; 1 << 16];
    loop {
        let (taken, made) = (decoder.total_in(), decoder.total_out());
        if made > LIMIT {
            return None;
        }
        let (rest, room) = (
            &bytes[usize::try_from(taken).unwrap()..],
            usize::try_from(made).unwrap(),
        );
        raw.resize(raw.len().max(room + (1 << 16)), 0);
        let status = decoder.process(rest, &mut raw[room..], Action::Finish).ok()?;
        if matches!(status, Status::StreamEnd) {
            raw.truncate(usize::try_from(decoder.total_out()).unwrap());
            return Some(raw);
        }
        if (decoder.total_in(), decoder.total_out()) == (taken, made) {
            return None;
        }
    }
}

/// Decodes a file as the program does, with the structure if it has one.
fn by_program(bytes: &[u8]) -> Result<(Vec<u8>, Option<XzImage>)> {
    let sink = Collected::default();
    let image = match XzImage::open(Arc::new(bytes.to_vec()))? {
        Opened::Indexed(image) => {
            decode_all(&image, &sink, 1, &Silent)?;
            Some(image)
        }
        Opened::Stream(_) => {
            decode_stream(&mut &*bytes, &sink, 1, &Silent)?;
            None
        }
    };
    Ok((sink.into_bytes(), image))
}

/// Requires that the program and the library agree about a file. Returns it decoded.
fn compare(bytes: &[u8]) -> Option<(Vec<u8>, Option<XzImage>)> {
    let theirs = by_library(bytes);
    match (by_program(bytes), theirs) {
        (Ok((ours, image)), Some(theirs)) => {
            assert!(ours == theirs, "xz decodes something else");
            Some((ours, image))
        }
        (Ok((ours, _)), None) => {
            // The library may have stopped at the limit within its last buffer.
            assert_eq!(ours.len() as u64, LIMIT, "xz refuses it");
            None
        }
        (Err(error), Some(_)) => {
            // Limits of the program that the library does not have.
            let is_limit = error.category() == Category::Other || error.to_string().contains(TOO_MUCH);
            assert!(is_limit, "xz accepts it: {error}");
            None
        }
        (Err(_), None) => None,
    }
}

/// Files with one stream, several of them, padding or neither.
pub(super) fn stream(data: &[u8]) {
    compare(data);
    let sink = Collected::default();
    if decode_stream(&mut &*data, &sink, 1, &Silent).is_ok() {
        assert!(by_library(data).is_none_or(|theirs| theirs == sink.into_bytes()));
    }
}

/// A file whose header and footer have correct checksums.
pub(super) fn headers(data: &[u8]) {
    let mut bytes = data.to_vec();
    if let Some(footer) = bytes.len().checked_sub(END).filter(|at| *at >= END) {
        let of_header = crc32fast::hash(&bytes[6..8]);
        bytes[8..END].copy_from_slice(&of_header.to_le_bytes());
        let of_footer = crc32fast::hash(&bytes[footer + 4..footer + 10]);
        bytes[footer..footer + 4].copy_from_slice(&of_footer.to_le_bytes());
    }
    compare(&bytes);
}

/// Returns a file with these blocks, an index (without its checksum), and all checksums corrected.
fn packed(check: u8, blocks: &[u8], index: &[u8]) -> Vec<u8> {
    let flags = [0, check & 0xf];
    let mut bytes = vec![0xfd, b'7', b'z', b'X', b'Z', 0];
    bytes.extend(flags);
    bytes.extend(crc32fast::hash(&flags).to_le_bytes());
    bytes.extend(blocks);
    let start = bytes.len();
    bytes.extend(index);
    bytes.resize(start + index.len().next_multiple_of(4), 0);
    bytes.extend(crc32fast::hash(&bytes[start..]).to_le_bytes());
    let size = u32::try_from((bytes.len() - start) / 4).unwrap().wrapping_sub(1);
    let footer = [&size.to_le_bytes()[..], &flags].concat();
    bytes.extend(crc32fast::hash(&footer).to_le_bytes());
    bytes.extend(footer);
    bytes.extend(b"YZ");
    bytes
}

/// The type of checksum, the length of the blocks (two bytes), the blocks, and the index.
pub(super) fn index(data: &[u8]) {
    let mut input = Input(data);
    let check = input.number(1).to_le_bytes()[0];
    let length = usize::try_from(input.number(2)).unwrap();
    let blocks = input.bytes(length);
    compare(&packed(check, blocks, input.0));
}

/// Returns a file with the blocks in the fuzzer's bytes: for each, its raw size (three bytes), its length (two bytes) and its
/// bytes. The checksums of their headers are corrected, and the index describes them.
fn file_of_blocks(check: u8, input: &mut Input<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut records = Vec::new();
    let mut count: u64 = 0;
    while !input.is_empty() && count < 16 {
        let raw = input.number(3);
        let length = usize::try_from(input.number(2)).unwrap();
        let mut block = input.bytes(length).to_vec();
        let header = block.first().map_or(0, |size| (usize::from(*size) + 1) * 4);
        if let Some(body) = block
            .get(..header.saturating_sub(4))
            .filter(|body| !body.is_empty())
        {
            let crc = crc32fast::hash(body).to_le_bytes();
            if let Some(place) = block.get_mut(header - 4..header) {
                place.copy_from_slice(&crc);
            }
        }
        varint(&mut records, block.len() as u64);
        varint(&mut records, raw);
        block.resize(block.len().next_multiple_of(4), 0);
        bytes.extend(block);
        count += 1;
    }
    let mut index = vec![0];
    varint(&mut index, count);
    index.extend(records);
    packed(check, &bytes, &index)
}

/// Appends a number in xz's form (xz file format 1.2.1, section 1.2).
fn varint(to: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        to.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    to.push(value.to_le_bytes()[0]);
}

/// The type of checksum and blocks.
pub(super) fn blocks(data: &[u8]) {
    let mut input = Input(data);
    let check = input.number(1).to_le_bytes()[0];
    let bytes = file_of_blocks(check, &mut input);
    if let Some((raw, Some(image))) = compare(&bytes) {
        let reader = BlockReader::new(image, &std::env::temp_dir()).unwrap();
        for at in [0, raw.len() / 3, raw.len().saturating_sub(5000)] {
            let mut piece = vec![0; 5000.min(raw.len() - at)];
            reader.read_exact_at(&mut piece, at as u64).unwrap();
            assert!(raw[at..].starts_with(&piece));
        }
    }
}

/// The type of checksum, the number of edits, for each its page (two bytes) and its byte, and blocks.
pub(super) fn splice(data: &[u8]) {
    let mut input = Input(data);
    let check = input.number(1).to_le_bytes()[0];
    let count = input.number(1) % 8;
    let wanted: Vec<_> = (0..count)
        .map(|_| (input.number(2), input.number(1).to_le_bytes()[0]))
        .collect();
    let bytes = file_of_blocks(check, &mut input);
    let Ok(Opened::Indexed(image)) = XzImage::open(Arc::new(bytes.clone())) else {
        return;
    };
    // Within the image, as every edit is.
    let pages = image.raw_size.div_ceil(PAGE_SIZE as u64);
    let mut edits = Edits::new();
    for (page, byte) in wanted {
        if let Some(page) = page.checked_rem(pages) {
            edits.insert(page, Arc::new([byte; PAGE_SIZE]));
        }
    }
    let decoded = compare(&bytes);
    if decoded.is_none() && image.raw_size > LIMIT {
        return;
    }
    room_for(&image, std::iter::once(&edits)).unwrap();
    let folder = std::env::temp_dir();
    let (base, out) = (file(&bytes), file(&[]));
    let spliced = Splicer::new(Arc::new(BlockReader::new(image, &folder).unwrap()), &folder, 1)
        .and_then(|splicer| splicer.splice(&base, &edits, &out, &Silent));
    // A damaged base may fail, or its damage may be copied.
    let Some((mut raw, _)) = decoded else { return };
    let report = spliced.unwrap();
    edits.apply_to(&mut raw, 0);
    let mut bytes = vec![0; usize::try_from(report.size).unwrap()];
    out.read_exact_at(&mut bytes, 0).unwrap();
    assert_eq!(out.size().unwrap(), report.size);
    assert!(by_library(&bytes).unwrap() == raw, "the spliced image differs");
}
