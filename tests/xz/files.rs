//! Shared code for tests of the xz container: calls of the real `xz`, and raw images.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use mkimage::disk::read_at::RawSink;
use mkimage::error::Result;
use mkimage::image::xz::{BlockReader, Opened, XzImage};
use mkimage::progress::Silent;

/// Collects a raw image in memory. Every byte may be written only once.
pub struct Memory(Mutex<(Vec<u8>, Vec<bool>)>);

impl Memory {
    pub fn new(size: usize) -> Self {
        Self(Mutex::new((vec![0xee; size], vec![false; size])))
    }

    /// Returns the bytes, all of which must have been written.
    pub fn complete(self) -> Vec<u8> {
        let (bytes, written) = self.0.into_inner().unwrap();
        assert!(written.into_iter().all(|written| written), "bytes are missing");
        bytes
    }
}

impl RawSink for Memory {
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        let offset = usize::try_from(offset).unwrap();
        let (all, written) = &mut *self.0.lock().unwrap();
        all[offset..offset + bytes.len()].copy_from_slice(bytes);
        for flag in &mut written[offset..offset + bytes.len()] {
            assert!(!*flag, "a byte was written twice");
            *flag = true;
        }
        Ok(())
    }
}

/// Runs `xz` with `input` on its standard input.
pub fn xz(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("xz")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("these tests need xz (Debian: xz-utils)");
    let mut stdin = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input).unwrap());
        child.wait_with_output().unwrap()
    });
    assert!(output.status.success(), "xz {arguments:?}");
    output.stdout
}

/// Returns the output of `xz -dc` for a file that passes `xz -t`.
pub fn decoded_by_xz(file: &Path) -> Vec<u8> {
    let file = file.to_str().unwrap();
    xz(&["-t", file], &[]);
    xz(&["-dc", "-T1", file], &[])
}

/// An xz file on disk and in memory.
pub struct Base {
    pub folder: tempfile::TempDir,
    pub path: PathBuf,
    pub packed: Vec<u8>,
}

impl Base {
    pub fn new(packed: Vec<u8>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("base.img.xz");
        std::fs::write(&path, &packed).unwrap();
        Self { folder, path, packed }
    }

    pub fn file(&self) -> File {
        File::open(&self.path).unwrap()
    }

    pub fn image(&self) -> XzImage {
        match XzImage::open(Arc::new(self.file())).unwrap() {
            Opened::Indexed(image) => image,
            Opened::Stream(why) => panic!("not indexed: {why}"),
        }
    }

    pub fn reader(&self) -> Arc<BlockReader> {
        Arc::new(BlockReader::new(self.image(), self.folder.path()).unwrap())
    }
}

/// Opens an xz file with an index.
pub fn indexed(packed: Vec<u8>) -> XzImage {
    match XzImage::open(Arc::new(packed)).unwrap() {
        Opened::Indexed(image) => image,
        Opened::Stream(why) => panic!("not indexed: {why}"),
    }
}

/// Decodes an xz file from start to end.
pub fn decoded_as_stream(packed: &[u8], raw_size: usize, threads: usize) -> Result<Vec<u8>> {
    let sink = Memory::new(raw_size);
    let mut reader = packed;
    let size = mkimage::image::xz::decode_stream(&mut reader, &sink, threads, &Silent)?;
    assert_eq!(size, raw_size as u64);
    Ok(sink.complete())
}

/// Returns a raw image with ranges of zeros, text and noise, like real ones.
pub fn raw_image(size: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let mut random = move || {
        // xorshift64, for reproducible noise.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut image = Vec::with_capacity(size + 4096);
    while image.len() < size {
        let length = usize::try_from(random() % 200_000).unwrap();
        match random() % 3 {
            0 => image.resize(image.len() + length, 0),
            1 => {
                let line = format!("console=tty1 root=PARTUUID={:x} rootwait\n", random());
                image.extend(line.bytes().cycle().take(length));
            }
            _ => image.extend(
                std::iter::repeat_with(random)
                    .flat_map(u64::to_le_bytes)
                    .take(length),
            ),
        }
    }
    image.truncate(size);
    image
}
