//! Fuzz targets: every parser of bytes that other people or machines made. Built only for tests and by `cargo fuzz`.
//!
//! `fuzz/` runs them guided by coverage, and the unit tests run them with random mutations of their seeds. A target panics when
//! a parser does, or when its result contradicts another judge.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a panic is the report"
)]

mod containers;
mod fat;
mod partitions;
#[cfg(test)]
mod seeds;
mod signature;
#[cfg(test)]
mod tests;
mod texts;
mod xz;

/// A parser, or several that read the same bytes.
#[derive(Debug)]
pub struct Target {
    pub name: &'static str,
    run: fn(&[u8]),
}

/// All targets. Each has a file of its name in `fuzz/fuzz_targets`.
pub const TARGETS: &[Target] = &[
    target("authorized_keys", texts::authorized_keys),
    target("boot_files", texts::boot_files),
    target("catalog", texts::catalog),
    target("cluster_file", texts::cluster_file),
    target("fat", fat::fat),
    target("gpt", partitions::gpt),
    target("gzip", containers::container),
    target("image_list", texts::image_list),
    target("mbr", partitions::mbr),
    target("settings", texts::settings),
    target("signature", signature::signature),
    target("status_report", texts::status_report),
    target("user_data", texts::user_data),
    target("xz_blocks", xz::blocks),
    target("xz_headers", xz::headers),
    target("xz_index", xz::index),
    target("xz_splice", xz::splice),
    target("xz_stream", xz::stream),
    target("zip", containers::container),
];

const fn target(name: &'static str, run: fn(&[u8])) -> Target {
    Target { name, run }
}

/// Runs the target `name`.
///
/// # Panics
///
/// Panics if there is no such target, or if `data` makes it fail.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    (target.expect("a target of this name").run)(data);
}

/// Takes values off the front of the fuzzer's bytes. Values past the end are zero.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes a little-endian number of `size` bytes, at most eight.
    fn number(&mut self, size: usize) -> u64 {
        let mut bytes = [0; 8];
        let taken = self.bytes(size);
        bytes[..taken.len()].copy_from_slice(taken);
        u64::from_le_bytes(bytes)
    }

    /// Takes up to `size` bytes.
    fn bytes(&mut self, size: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(size.min(self.0.len()));
        self.0 = rest;
        taken
    }
}
