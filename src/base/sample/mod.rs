//! The sample base: a small image with the layout of Raspberry Pi OS Lite that the program creates itself, for a first
//! run, examples and tests without a network. It does not boot.
//!
//! It is created again, with the same bytes, at every use.

mod boot_files;
mod disk;

use std::path::Path;

use crate::base::sha256::Hasher;
use crate::base::{ObtainOptions, Sha256, Trust, VerifiedBase, local};
use crate::disk::read_at::write_all_at;
use crate::disk::scratch;
use crate::error::{Category, Context, Error, Result};
use crate::progress::Silent;
use crate::threads;

/// Its name for `--base` and in the cluster file.
pub const SAMPLE: &str = "sample";

/// Size of its raw image in bytes.
pub const SAMPLE_RAW_SIZE: u64 = disk::SIZE;

/// Creates the sample in an unnamed temporary file.
pub(super) fn obtain(options: &ObtainOptions) -> Result<VerifiedBase> {
    let task = options
        .progress
        .begin("creating the sample base", Some(SAMPLE_RAW_SIZE));
    let compressed = disk::compressed(threads::available(), &*task)?;
    drop(task);
    let folder = scratch::folder();
    let place = folder.display();
    let doing = || format!("writing the sample base to a temporary file in {place}");
    let file = scratch::file_in(&folder)?;
    write_all_at(&file, &compressed, 0).disk(doing)?;
    let path = Path::new(SAMPLE);
    let mut hasher = Hasher::default();
    let stamp = local::hash(&file, path, SAMPLE, &mut hasher, &Silent)?;
    let sha256 = hasher.digest();
    if sha256 != Sha256::of(&compressed) {
        let doing = doing();
        let what = format!("{doing}: the disk returned different data from what was written");
        return Err(Error::new(Category::Disk, what).with_remedy("set TMPDIR to a folder on another disk"));
    }
    Ok(VerifiedBase {
        file,
        path: path.to_owned(),
        name: SAMPLE.to_owned(),
        sha256,
        trust: Trust::Sample,
        stamp,
    })
}
